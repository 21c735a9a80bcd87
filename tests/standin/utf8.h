/* utf8.h: how long is the character that starts here? */
#ifndef STANDIN_UTF8_H
#define STANDIN_UTF8_H

#include <stddef.h>

/* Length (1-4) of the valid UTF-8 character at text, or 0 if its first byte is a bad byte: overlong forms,
 * surrogates, beyond U+10FFFF, stray and missing continuations. len must be at least 1. */
size_t utf8_char_len(const char *text, size_t len);

#endif
