#include "base/b64.h"

#include <stdbool.h>
#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_three(const unsigned char in[3], char out[4])
{
    uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
    out[0] = alphabet[bits >> 18];
    out[1] = alphabet[bits >> 12 & 63];
    out[2] = alphabet[bits >> 6 & 63];
    out[3] = alphabet[bits & 63];
}

/* One byte or two. */
static void encode_rest(const unsigned char *in, size_t n, char out[4])
{
    const unsigned char padded[3] = {in[0], n > 1 ? in[1] : 0, 0};
    encode_three(padded, out);
    out[3] = '=';
    if (n == 1) out[2] = '=';
}

/* Room for all of it is made at once: input comes here, too, a hundred megabytes of it. */
int b64_encode(struct buf *out, const void *data, size_t len, size_t line_len)
{
    const unsigned char *in = data;
    size_t groups = len / 3 + (len % 3 > 0);
    size_t in_line = (line_len + 3) / 4;
    size_t column = 0;
    if (groups > SIZE_MAX / 8) return EEP_E_TOO_LARGE;
    size_t lines = in_line > 0 ? groups / in_line + (groups % in_line > 0) : 0;
    TRY(buf_reserve(out, 4 * groups + lines));
    char *at = groups > 0 ? buf_extend(out, 4 * groups + lines) : NULL;
    for (size_t i = 0; i < len; i += 3, at += 4) {
        if (len - i >= 3)
            encode_three(in + i, at);
        else
            encode_rest(in + i, len - i, at);
        if (in_line == 0 || (++column < in_line && i + 3 < len)) continue;
        at[4] = '\n';
        at++;
        column = 0;
    }
    return EEP_OK;
}

/* 0..63, 64 for padding, 65 for blanks, -1 for anything else. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    if (c == '/') return 63;
    if (c == '=') return 64;
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') return 65;
    return -1;
}

static int put_group(struct buf *out, uint32_t bits, int padding)
{
    char bytes[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
    /* Bits that padding cuts off must be zero: one text for one content. */
    if ((padding == 1 && bits & 0xff) || (padding == 2 && bits & 0xffff)) return EEP_E_PROTOCOL;
    return buf_append(out, bytes, (size_t)(3 - padding));
}

static bool only_blanks(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (value_of(text[i]) != 65) return false;
    return true;
}

int b64_decode(struct buf *out, const char *text, size_t len)
{
    uint32_t bits = 0;
    int count = 0;
    int padding = 0;
    for (size_t i = 0; i < len; i++) {
        int value = value_of(text[i]);
        if (value == 65) continue;
        if (value < 0 || (padding > 0 && value != 64) || (value == 64 && count < 2)) return EEP_E_PROTOCOL;
        if (value == 64) padding++;
        bits = bits << 6 | (value == 64 ? 0u : (uint32_t)value);
        if (++count < 4) continue;
        TRY(put_group(out, bits, padding));
        if (padding > 0) return only_blanks(text + i + 1, len - i - 1) ? EEP_OK : EEP_E_PROTOCOL;
        bits = 0;
        count = 0;
    }
    return count == 0 ? EEP_OK : EEP_E_PROTOCOL;
}
