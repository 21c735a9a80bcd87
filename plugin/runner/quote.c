#include "runner/quote.h"

#include <stdbool.h>

#include "base/str.h"

int quote_raw(struct buf *out, eep_str text)
{
    TRY(buf_append_char(out, '\''));
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            TRY(buf_append_cstr(out, "'\\''"));
        else
            TRY(buf_append_char(out, text.ptr[i]));
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

static int format_byte(struct buf *out, unsigned char c, bool utf8)
{
    if (c == '\'') return buf_append_cstr(out, "'\\''");
    if (c == '\\') return buf_append_cstr(out, "\\\\");
    if (c == '%') return buf_append_cstr(out, "%%");
    if (!is_plain(c) || (c >= 0x80 && !utf8)) return buf_appendf(out, "\\%03o", (unsigned)c);
    return buf_append_char(out, (char)c);
}

int quote_format(struct buf *out, eep_bytes bytes)
{
    const unsigned char *data = bytes.ptr;
    bool utf8 = str_is_utf8((eep_str){bytes.ptr, bytes.len});
    TRY(buf_append_char(out, '\''));
    /* A format that begins with '-' would be taken for an option. */
    for (size_t i = 0; i < bytes.len; i++) {
        if (i == 0 && data[i] == '-')
            TRY(buf_append_cstr(out, "\\055"));
        else
            TRY(format_byte(out, data[i], utf8));
    }
    return buf_append_char(out, '\'');
}

int quote_assign(struct buf *out, const char *name, eep_str value)
{
    if (travels(value)) {
        TRY(buf_appendf(out, "%s=", name));
        TRY(quote_raw(out, value));
        return buf_append_char(out, '\n');
    }
    /* The dot saves newlines at the end from $(…). */
    TRY(buf_appendf(out, "%s=$(printf ", name));
    TRY(quote_format(out, (eep_bytes){value.ptr, value.len}));
    return buf_appendf(out, "; echo .)\n%s=${%s%%.}\n", name, name);
}
