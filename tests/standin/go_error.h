/* go_error.h: errno values in the words of Go, as they stand in the toolbox's answers. */
#ifndef STANDIN_GO_ERROR_H
#define STANDIN_GO_ERROR_H

char *go_error_text(int error); /* "no such file or directory"; to be freed */

#endif
