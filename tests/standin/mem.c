#include "mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *memory)
{
    if (memory == NULL) {
        fputs("daytona-standin: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

void *mem_alloc(size_t size)
{
    return or_die(calloc(1, size > 0 ? size : 1));
}

void *mem_resize(void *old, size_t size)
{
    return or_die(realloc(old, size > 0 ? size : 1));
}

char *mem_copy(const char *text)
{
    return text == NULL ? NULL : mem_copy_n(text, strlen(text));
}

char *mem_copy_n(const char *text, size_t len)
{
    char *copy = mem_alloc(len + 1);
    if (len > 0) memcpy(copy, text, len);
    return copy;
}

char *mem_format(const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return or_die(len < 0 ? NULL : text);
}

void mem_free_text(char **text)
{
    free(*text);
    *text = NULL;
}
