#include "base/str.h"

#include <stdint.h>
#include <string.h>

eep_str str_from(const char *text)
{
    return (eep_str){text, text ? strlen(text) : 0};
}

bool str_absent(eep_str s)
{
    return s.ptr == NULL;
}

bool str_empty(eep_str s)
{
    return s.ptr == NULL || s.len == 0;
}

bool str_eq(eep_str a, eep_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_is(eep_str a, const char *b)
{
    return str_eq(a, str_from(b));
}

bool str_has_prefix(eep_str s, const char *prefix)
{
    size_t len = strlen(prefix);
    return s.len >= len && (len == 0 || memcmp(s.ptr, prefix, len) == 0);
}

bool str_has_suffix(eep_str s, const char *suffix)
{
    size_t len = strlen(suffix);
    return s.len >= len && (len == 0 || memcmp(s.ptr + s.len - len, suffix, len) == 0);
}

bool str_contains(eep_str s, const char *needle)
{
    return s.len > 0 && memmem(s.ptr, s.len, needle, strlen(needle)) != NULL;
}

bool str_has_byte(eep_str s, char c)
{
    return s.len > 0 && memchr(s.ptr, c, s.len) != NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

eep_str str_trim(eep_str s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

eep_str str_split(eep_str s, char sep, eep_str *rest)
{
    const char *at = s.len > 0 ? memchr(s.ptr, sep, s.len) : NULL;
    if (!at) {
        *rest = (eep_str){NULL, 0};
        return s;
    }
    size_t len = (size_t)(at - s.ptr);
    *rest = (eep_str){at + 1, s.len - len - 1};
    return (eep_str){s.ptr, len};
}

static bool all_in_range(eep_str s, char low, char high)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < low || s.ptr[i] > high) return false;
    return true;
}

bool str_is_graph(eep_str s)
{
    return all_in_range(s, 0x21, 0x7e);
}

bool str_is_print(eep_str s)
{
    return all_in_range(s, 0x20, 0x7e);
}

bool str_has_control(eep_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f) return true;
    return false;
}

/* Length of the UTF-8 character that begins at p, or 0. */
static size_t utf8_char(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80) return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > left) return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0; /* overlong */
    if (p[0] == 0xed && p[1] > 0x9f) return 0; /* surrogate */
    if (p[0] == 0xf0 && p[1] < 0x90) return 0; /* overlong */
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0; /* beyond U+10FFFF */
    return len;
}

/* Eight bytes without one of 0x80 and above? Most text is, and is long. */
static bool is_ascii_word(const unsigned char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return (word & 0x8080808080808080u) == 0;
}

bool str_is_utf8(eep_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    for (size_t i = 0; i < s.len;) {
        if (s.len - i >= 8 && is_ascii_word(p + i)) {
            i += 8;
            continue;
        }
        size_t len = utf8_char(p + i, s.len - i);
        if (len == 0) return false;
        i += len;
    }
    return true;
}

static bool is_alpha(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool str_is_env_name(eep_str s)
{
    if (s.len == 0 || is_digit(s.ptr[0])) return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) && s.ptr[i] != '_') return false;
    return true;
}

bool str_is_word(eep_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) && s.ptr[i] != '_' && s.ptr[i] != '-') return false;
    return s.len > 0;
}

bool str_climbs(eep_str path)
{
    for (eep_str rest = path; rest.ptr;)
        if (str_is(str_split(rest, '/', &rest), "..")) return true;
    return false;
}

bool str_to_u64(eep_str s, unsigned long long max, unsigned long long *out)
{
    unsigned long long value = 0;
    if (s.len == 0) return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.ptr[i])) return false;
        unsigned digit = (unsigned)(s.ptr[i] - '0');
        if (digit > max || value > (max - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

eep_str str_from_u64(uint64_t value, char memory[STR_U64_MAX])
{
    size_t at = STR_U64_MAX;
    do
        memory[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    return (eep_str){memory + at, STR_U64_MAX - at};
}

int str_percent_encode(struct buf *out, eep_str s)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char unreserved[] = {'.', '_', '~', '-'};
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (is_alpha((char)c) || is_digit((char)c) || memchr(unreserved, c, sizeof unreserved)) {
            TRY(buf_append_char(out, (char)c));
        } else {
            char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
            TRY(buf_append(out, escaped, sizeof escaped));
        }
    }
    return EEP_OK;
}

void str_copy(char *out, size_t cap, eep_str s)
{
    size_t len = s.len < cap ? s.len : cap - 1;
    if (len > 0) memcpy(out, s.ptr, len);
    out[len] = '\0';
}
