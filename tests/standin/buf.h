/* buf.h: bytes that grow up to a maximum that is fixed at birth.
 *
 * An append that would pass the maximum changes nothing, returns -1 and marks the buffer as overflowed for
 * good, so that a row of appends needs one check at its end. Bytes, not text: NULs are allowed. buf_finish
 * accepts a zeroed or finished buffer.
 */
#ifndef STANDIN_BUF_H
#define STANDIN_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max;
    bool overflowed;
};

#define BUF_INIT(limit)                                                                                      \
    {                                                                                                        \
        .max = (limit)                                                                                       \
    }

void buf_init(struct buf *b, size_t max);
void buf_finish(struct buf *b);

int buf_reserve(struct buf *b, size_t more);
int buf_append(struct buf *b, const void *bytes, size_t len);
int buf_text(struct buf *b, const char *text);
int buf_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The bytes, owned by the caller (free), never NULL; the buffer is empty afterwards. */
char *buf_take(struct buf *b);

#endif
