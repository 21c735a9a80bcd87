#include "json_out.h"

#include "utf8.h"

#include <stdbool.h>
#include <string.h>

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\' && byte != '<' && byte != '>' &&
           byte != '&';
}

static int escape_control(struct buf *out, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    const char escape[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    return buf_append(out, escape, sizeof escape);
}

static int escape_ascii(struct buf *out, unsigned char byte)
{
    switch (byte) {
    case '"': return buf_append(out, "\\\"", 2);
    case '\\': return buf_append(out, "\\\\", 2);
    case '\b': return buf_append(out, "\\b", 2);
    case '\f': return buf_append(out, "\\f", 2);
    case '\n': return buf_append(out, "\\n", 2);
    case '\r': return buf_append(out, "\\r", 2);
    case '\t': return buf_append(out, "\\t", 2);
    default: return escape_control(out, byte);
    }
}

static bool is_line_separator(const char *at, size_t len)
{
    return len == 3 && memcmp(at, "\xe2\x80", 2) == 0 && (at[2] == '\xa8' || at[2] == '\xa9');
}

/* One character that is not plain. Returns how many bytes it took. */
static size_t append_special(struct buf *out, const char *at, size_t len)
{
    size_t size = utf8_char_len(at, len);
    if (size == 0)
        buf_append(out, "\\ufffd", 6);
    else if (size == 1)
        escape_ascii(out, (unsigned char)*at);
    else if (is_line_separator(at, size))
        buf_append(out, at[2] == '\xa8' ? "\\u2028" : "\\u2029", 6);
    else
        buf_append(out, at, size);
    return size > 0 ? size : 1;
}

int json_out_string(struct buf *out, const char *bytes, size_t len)
{
    buf_append(out, "\"", 1);
    size_t at = 0;
    while (at < len) {
        size_t end = at;
        while (end < len && is_plain((unsigned char)bytes[end]))
            end++;
        buf_append(out, bytes + at, end - at);
        at = end;
        if (at < len) at += append_special(out, bytes + at, len - at);
    }
    return buf_append(out, "\"", 1);
}
