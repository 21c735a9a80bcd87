/* go_path.h: paths cleaned as Go's filepath.Clean does it: by their text alone, without a look at symlinks. The daemon does so
 * before some of its operations, and then "link/.." is where the link is. */
#ifndef STANDIN_GO_PATH_H
#define STANDIN_GO_PATH_H

/* No "//", no ".", no ".." but at the start of a relative path, no slash at the end; "." if nothing is left. To be freed; NULL
 * without memory. */
char *go_path_clean(const char *path);

/* The directory that path is in, cleaned; of "a/" that is "a". To be freed; NULL without memory. */
char *go_path_dir(const char *path);

#endif
