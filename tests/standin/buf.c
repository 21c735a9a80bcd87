#include "buf.h"

#include "mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf)BUF_INIT(max);
}

void buf_finish(struct buf *b)
{
    free(b->data);
    *b = (struct buf)BUF_INIT(b->max);
}

static size_t grown(const struct buf *b, size_t need)
{
    size_t cap = b->cap < 256 ? 256 : b->cap * 2;
    if (cap < need) cap = need;
    return cap > b->max ? b->max : cap;
}

int buf_reserve(struct buf *b, size_t more)
{
    if (b->overflowed || more > b->max - b->len) {
        b->overflowed = true;
        return -1;
    }
    if (b->cap - b->len < more) {
        b->cap = grown(b, b->len + more);
        b->data = mem_resize(b->data, b->cap);
    }
    return 0;
}

int buf_append(struct buf *b, const void *bytes, size_t len)
{
    if (buf_reserve(b, len) != 0) return -1;
    if (len > 0) memcpy(b->data + b->len, bytes, len);
    b->len += len;
    return 0;
}

int buf_text(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

int buf_format(struct buf *b, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) return -1;
    int result = buf_append(b, text, (size_t)len);
    free(text);
    return result;
}

char *buf_take(struct buf *b)
{
    char *data = b->data != NULL ? b->data : mem_alloc(1);
    *b = (struct buf)BUF_INIT(b->max);
    return data;
}
