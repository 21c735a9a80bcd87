/* buf.h: a growing buffer that has a maximum from birth.
 *
 * The owner decides the maximum; appending beyond it fails with EEP_E_TOO_LARGE and changes nothing. The
 * content is always followed by a NUL that is not counted. Not thread-safe. A zeroed buffer may be finished.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "eep.h"

struct buf {
    char *data; /* NULL while nothing has been appended */
    size_t len;
    size_t cap; /* allocated bytes, the NUL included */
    size_t max; /* content bytes at the most */
};

#define BUF_INIT(maximum)                                                                                    \
    {                                                                                                        \
        .max = (maximum)                                                                                     \
    }

/* Frees; the buffer may be used again with the same maximum. */
void buf_finish(struct buf *buf);

/* As buf_finish, and wipes what was in it: for secrets. Every growth of such a buffer leaves nothing behind
 * either. */
void buf_finish_secret(struct buf *buf);

/* Empties it, keeps the memory. */
void buf_reset(struct buf *buf);

/* EEP_OK, EEP_E_TOO_LARGE or EEP_E_NO_MEMORY (without text: see buf_error). */
NODISCARD int buf_append(struct buf *buf, const void *data, size_t len);
NODISCARD int buf_append_cstr(struct buf *buf, const char *text);
NODISCARD int buf_append_str(struct buf *buf, eep_str text);
NODISCARD int buf_append_char(struct buf *buf, char c);
NODISCARD int buf_append_u64(struct buf *buf, uint64_t value); /* in decimal: without printf's cost */
NODISCARD int buf_appendf(struct buf *buf, const char *format, ...) PRINTF(2, 3);

/* Appends what `from` holds and empties it: without a copy when there is nothing in front. */
NODISCARD int buf_append_buf(struct buf *buf, struct buf *from);

/* Makes room for so many bytes more: what is appended within them cannot fail. */
NODISCARD int buf_reserve(struct buf *buf, size_t len);

/* Appends len bytes of undefined content and shows where they begin; NULL when there is no room for them. */
char *buf_extend(struct buf *buf, size_t len);

/* Turns a status of the functions above into an error: "what is larger than N bytes". */
int buf_error(const struct buf *buf, int status, const char *what, struct err *err);

/* The content as text; never a NULL pointer. */
eep_str buf_str(const struct buf *buf);

/* The content as a NUL-terminated string; never NULL. */
const char *buf_cstr(const struct buf *buf);

#endif
