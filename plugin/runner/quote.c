#include "runner/quote.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

int quote_raw(struct buf *out, eep_str text)
{
    TRY(buf_append_char(out, '\''));
    while (text.len > 0) {
        const char *quote = memchr(text.ptr, '\'', text.len);
        size_t len = quote ? (size_t)(quote - text.ptr) : text.len;
        TRY(buf_append(out, text.ptr, len));
        if (!quote) break;
        TRY(buf_append_cstr(out, "'\\''"));
        text = (eep_str){quote + 1, text.len - len - 1};
    }
    return buf_append_char(out, '\'');
}

static bool is_plain(unsigned char c)
{
    return (c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t';
}

/* Does it survive JSON and a shell's reading as it is? */
static bool travels(eep_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_plain((unsigned char)text.ptr[i])) return false;
    return str_is_utf8(text);
}

static int format_byte(struct buf *out, unsigned char c)
{
    if (c == '\'') return buf_append_cstr(out, "'\\''");
    if (c == '\\') return buf_append_cstr(out, "\\\\");
    if (c == '%') return buf_append_cstr(out, "%%");
    return buf_appendf(out, "\\%03o", (unsigned)c);
}

/* How many bytes from `data` on a format holds as they are. */
static size_t format_run(const unsigned char *data, size_t len, bool utf8)
{
    size_t end = 0;
    while (end < len && is_plain(data[end]) && (data[end] < 0x80 || utf8) && data[end] != '\'' &&
           data[end] != '\\' && data[end] != '%')
        end++;
    return end;
}

int quote_format(struct buf *out, eep_bytes bytes)
{
    const unsigned char *data = bytes.ptr;
    bool utf8 = str_is_utf8((eep_str){bytes.ptr, bytes.len});
    TRY(buf_append_char(out, '\''));
    for (size_t i = 0; i < bytes.len;) {
        size_t run = format_run(data + i, bytes.len - i, utf8);
        if (i == 0 && data[0] == '-')
            run = 0; /* a format that begins with '-' would be taken for an option */
        TRY(run > 0 ? buf_append(out, data + i, run) : format_byte(out, data[i]));
        i += run > 0 ? run : 1;
    }
    return buf_append_char(out, '\'');
}

int quote_assign(struct buf *out, const char *name, eep_str value)
{
    if (travels(value)) {
        TRY(buf_append_cstr(out, name));
        TRY(buf_append_char(out, '='));
        TRY(quote_raw(out, value));
        return buf_append_char(out, '\n');
    }
    /* The dot saves newlines at the end from $(…). */
    TRY(buf_appendf(out, "%s=$(printf ", name));
    TRY(quote_format(out, (eep_bytes){value.ptr, value.len}));
    return buf_appendf(out, "; echo .)\n%s=${%s%%.}\n", name, name);
}
