/* encode.c: see encode.h. */
#include "encode.h"

#include <stdint.h>

#include "mem.h"

char *encode_base64(const void *data, size_t len)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = data;
    char *text = mem_zeroed(len / 3 + 2, 4); /* one group more than needed, for the NUL */
    char *out = text;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t group =
            (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *out++ = left > 2 ? alphabet[group & 63] : '=';
    }
    return text;
}

static size_t length_by_first(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first < 0xc2) return 0; /* a continuation, or a longer form of ASCII */
    if (first < 0xe0) return 2;
    if (first < 0xf0) return 3;
    return first < 0xf5 ? 4 : 0;
}

size_t encode_utf8_length(const char *text, size_t left)
{
    const unsigned char *in = (const unsigned char *)text;
    size_t len = left > 0 ? length_by_first(in[0]) : 0;
    if (len > left) return 0;
    for (size_t i = 1; i < len; i++)
        if ((in[i] & 0xc0) != 0x80) return 0;
    bool too_long = (in[0] == 0xe0 && in[1] < 0xa0) || (in[0] == 0xf0 && in[1] < 0x90);
    bool surrogate = in[0] == 0xed && in[1] >= 0xa0;
    bool too_large = in[0] == 0xf4 && in[1] >= 0x90;
    return too_long || surrogate || too_large ? 0 : len;
}

bool encode_is_utf8(const void *data, size_t len)
{
    const char *text = data;
    for (size_t at = 0; at < len;) {
        size_t step = encode_utf8_length(text + at, len - at);
        if (step == 0) return false;
        at += step;
    }
    return true;
}
