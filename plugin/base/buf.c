#include "base/buf.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void buf_finish(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf)BUF_INIT(buf->max);
}

void buf_finish_secret(struct buf *buf)
{
    wipe_free(buf->data, buf->cap);
    *buf = (struct buf)BUF_INIT(buf->max);
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    if (buf->data) buf->data[0] = '\0';
}

/* Moves to a larger block by hand: realloc would leave secrets in the old one. */
static int grow(struct buf *buf, size_t needed)
{
    size_t cap = buf->cap ? buf->cap : 256; /* most requests and answers then grow twice at the most */
    while (cap < needed)
        cap *= 2;
    if (cap - 1 > buf->max) cap = buf->max + 1; /* what will never be used need not be had */
    char *data = malloc(cap);
    if (!data) return EEP_E_NO_MEMORY;
    if (buf->len) memcpy(data, buf->data, buf->len);
    wipe_free(buf->data, buf->cap); /* all of it: len may have been larger before */
    buf->data = data;
    buf->cap = cap;
    data[buf->len] = '\0';
    return EEP_OK;
}

static int reserve(struct buf *buf, size_t len)
{
    if (len > buf->max || buf->len > buf->max - len) return EEP_E_TOO_LARGE;
    if (len >= SIZE_MAX / 2 - buf->len)
        return EEP_E_NO_MEMORY; /* no sum and no doubling below can overflow */
    if (buf->len + len + 1 <= buf->cap) return EEP_OK;
    return grow(buf, buf->len + len + 1);
}

int buf_reserve(struct buf *buf, size_t len)
{
    return reserve(buf, len);
}

char *buf_extend(struct buf *buf, size_t len)
{
    if (reserve(buf, len) != EEP_OK) return NULL;
    char *start = buf->data + buf->len;
    buf->len += len;
    buf->data[buf->len] = '\0';
    return start;
}

int buf_append(struct buf *buf, const void *data, size_t len)
{
    TRY(reserve(buf, len));
    if (len) memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return EEP_OK;
}

int buf_append_cstr(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

int buf_append_str(struct buf *buf, eep_str text)
{
    return buf_append(buf, text.ptr, text.len);
}

int buf_append_buf(struct buf *buf, struct buf *from)
{
    if (buf->len > 0 || from->len > buf->max) {
        TRY(buf_append(buf, from->data, from->len));
    } else {
        wipe_free(buf->data, buf->cap);
        buf->data = from->data;
        buf->len = from->len;
        buf->cap = from->cap;
        *from = (struct buf)BUF_INIT(from->max);
    }
    buf_reset(from);
    return EEP_OK;
}

int buf_append_char(struct buf *buf, char c)
{
    return buf_append(buf, &c, 1);
}

int buf_append_u64(struct buf *buf, uint64_t value)
{
    char digits[STR_U64_MAX];
    return buf_append_str(buf, str_from_u64(value, digits));
}

/* Into the room that there is. Returns the length of all of it, which may be more; negative = it cannot be. */
static int format_into(struct buf *buf, const char *format, va_list args)
{
    size_t room = buf->cap - buf->len;
    return vsnprintf(room > 0 ? buf->data + buf->len : NULL, room, format, args);
}

int buf_appendf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = format_into(buf, format, args);
    va_end(args);
    if (len < 0) {
        if (buf->data) buf->data[buf->len] = '\0';
        return EEP_E_INTERNAL;
    }
    bool whole = (size_t)len < buf->cap - buf->len; /* else what was cut is written again, in larger memory */
    int status = reserve(buf, (size_t)len);
    if (status == EEP_OK && !whole) {
        va_start(args, format);
        format_into(buf, format, args);
        va_end(args);
    }
    if (status == EEP_OK) buf->len += (size_t)len;
    if (buf->data) buf->data[buf->len] = '\0';
    return status;
}

int buf_error(const struct buf *buf, int status, const char *what, struct err *err)
{
    if (status == EEP_OK) return EEP_OK;
    if (status == EEP_E_NO_MEMORY) return err_no_memory(err);
    return err_set(err, EEP_E_TOO_LARGE, "%s is larger than %zu bytes", what, buf->max);
}

eep_str buf_str(const struct buf *buf)
{
    return (eep_str){buf_cstr(buf), buf->len};
}

const char *buf_cstr(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}
