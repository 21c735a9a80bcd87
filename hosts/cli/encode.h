/* encode.h: bytes of a command's output as JSON can carry them. */
#ifndef CLI_ENCODE_H
#define CLI_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

/* Base64 of RFC 4648 with padding, NUL-terminated; free() it. */
char *encode_base64(const void *data, size_t len) __attribute__((returns_nonnull));

/* How many of the `left` bytes at `text` are one character in UTF-8 of RFC 3629 (shortest forms, no
 * surrogates, at most U+10FFFF); 0 = they do not begin with one. */
size_t encode_utf8_length(const char *text, size_t left);

/* Whether all of the bytes are UTF-8. NUL is fine. */
bool encode_is_utf8(const void *data, size_t len);

#endif
