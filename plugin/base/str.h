/* str.h: small functions on eep_str views. Nothing allocates; nothing needs a NUL at the end. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "eep.h"

#define STR(literal) ((eep_str){(literal), sizeof(literal) - 1})

/* A view of a C string; NULL becomes the absent string. */
eep_str str_from(const char *text);

bool str_absent(eep_str s);
bool str_empty(eep_str s); /* absent or of no length */
bool str_eq(eep_str a, eep_str b);
bool str_is(eep_str a, const char *b);
bool str_has_prefix(eep_str s, const char *prefix);
bool str_has_suffix(eep_str s, const char *suffix);
bool str_contains(eep_str s, const char *needle);
bool str_has_byte(eep_str s, char c);

/* Without ASCII white space at both ends. */
eep_str str_trim(eep_str s);

/* The part up to the first `sep`; *rest begins behind it (absent when there was none). */
eep_str str_split(eep_str s, char sep, eep_str *rest);

/* Is every byte in 0x21..0x7e (no blanks)? Header values, keys and tokens. */
bool str_is_graph(eep_str s);
/* Is every byte in 0x20..0x7e? */
bool str_is_print(eep_str s);
/* Is there a byte below 0x20, or 0x7f? */
bool str_has_control(eep_str s);
/* Valid UTF-8 in the strict sense: no overlong forms, no surrogates, at most U+10FFFF. */
bool str_is_utf8(eep_str s);
/* [A-Za-z_][A-Za-z0-9_]* */
bool str_is_env_name(eep_str s);
/* [A-Za-z0-9_-]+ */
bool str_is_word(eep_str s);

/* Is ".." one of a path's parts? */
bool str_climbs(eep_str path);

/* A decimal number without sign, blanks or overflow, up to `max`. */
bool str_to_u64(eep_str s, unsigned long long max, unsigned long long *out);

/* The number in decimal, somewhere in `memory`, without a NUL. */
#define STR_U64_MAX 20
eep_str str_from_u64(uint64_t value, char memory[STR_U64_MAX]);

/* Appends with every byte outside [A-Za-z0-9._~-] as %XX. */
NODISCARD int str_percent_encode(struct buf *out, eep_str s);

/* Copies into a fixed array, cut to fit, NUL-terminated. */
void str_copy(char *out, size_t cap, eep_str s);

#endif
