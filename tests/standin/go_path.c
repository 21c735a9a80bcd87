#include "go_path.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Takes the last part off what has been written, unless there is none that could be. */
static char *climb(char *start, char *out)
{
    char *last = out;
    while (last > start && last[-1] != '/')
        last--;
    bool is_climb = out - last == 2 && memcmp(last, "..", 2) == 0;
    if (out == start || is_climb) return NULL;
    return last > start ? last - 1 : last;
}

static char *add(char *start, char *out, const char *part, size_t len)
{
    if (out > start) *out++ = '/';
    memcpy(out, part, len);
    return out + len;
}

char *go_path_clean(const char *path)
{
    bool is_rooted = *path == '/';
    char *clean = malloc(strlen(path) + 3), *start, *out; /* "." and a slash before the first part */
    if (clean == NULL) return NULL;
    start = out = clean + is_rooted;
    for (const char *part = path; *part != '\0';) {
        size_t len = strcspn(part, "/");
        bool is_up = len == 2 && memcmp(part, "..", 2) == 0;
        char *above = is_up ? climb(start, out) : NULL;
        if (above != NULL)
            out = above;
        else if (is_up ? !is_rooted : len > 0 && !(len == 1 && *part == '.'))
            out = add(start, out, part, len);
        part += len + (part[len] == '/');
    }
    if (is_rooted) *clean = '/';
    if (out == clean) *out++ = '.';
    *out = '\0';
    return clean;
}

char *go_path_dir(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *before = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup("");
    char *clean = before != NULL ? go_path_clean(before) : NULL;
    free(before);
    return clean;
}
