#include "utf8.h"

#include <stdbool.h>

static bool is_between(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

/* The second byte decides about overlong forms, surrogates and the upper end (Unicode table 3-7). */
static bool second_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xE0: return is_between(second, 0xA0, 0xBF);
    case 0xED: return is_between(second, 0x80, 0x9F);
    case 0xF0: return is_between(second, 0x90, 0xBF);
    case 0xF4: return is_between(second, 0x80, 0x8F);
    default: return is_between(second, 0x80, 0xBF);
    }
}

static size_t expected_len(unsigned char first)
{
    if (first < 0x80) return 1;
    if (is_between(first, 0xC2, 0xDF)) return 2;
    if (is_between(first, 0xE0, 0xEF)) return 3;
    if (is_between(first, 0xF0, 0xF4)) return 4;
    return 0;
}

size_t utf8_char_len(const char *text, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t want = expected_len(bytes[0]);
    if (want < 2) return want;
    if (want > len || !second_fits(bytes[0], bytes[1])) return 0;
    for (size_t i = 2; i < want; i++)
        if (!is_between(bytes[i], 0x80, 0xBF)) return 0;
    return want;
}
