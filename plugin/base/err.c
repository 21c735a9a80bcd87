#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* How many bytes at p form one UTF-8 character; 0 = none. */
static size_t utf8_len(const char *p)
{
    for (size_t len = 1; len <= 4 && p[len - 1]; len++)
        if (str_is_utf8((eep_str){p, len})) return len;
    return 0;
}

/* Texts from the service may hold anything: keep printable characters and UTF-8, blank out the rest. */
static void strip_controls(char *text)
{
    size_t len;
    for (char *p = text; *p; p += len ? len : 1) {
        len = utf8_len(p);
        if (len == 0) *p = '?';
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
    }
}

/* A cut may have split a UTF-8 character: take its beginning away too. */
static void drop_partial_utf8(char *text, size_t cap)
{
    size_t len = strlen(text);
    if (len + 1 < cap) return;
    size_t start = len;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xc0) text[start - 1] = '\0';
}

static void format_text(char *out, size_t cap, const char *format, va_list args)
{
    if (vsnprintf(out, cap, format, args) < 0) out[0] = '\0';
    drop_partial_utf8(out, cap);
    strip_controls(out);
}

int err_set(struct err *err, int code, const char *format, ...)
{
    char message[sizeof err->message] = ""; /* the arguments may be texts of err itself */
    va_list args;
    va_start(args, format);
    format_text(message, sizeof message, format, args);
    va_end(args);
    *err = (struct err){.code = code};
    memcpy(err->message, message, sizeof message);
    return code;
}

int err_prefix(struct err *err, const char *format, ...)
{
    char old[sizeof err->message];
    char prefix[256];
    va_list args;
    if (err->code == EEP_OK) return EEP_OK;
    va_start(args, format);
    format_text(prefix, sizeof prefix, format, args);
    va_end(args);
    memcpy(old, err->message, sizeof old);
    if (snprintf(err->message, sizeof err->message, "%s: %s", prefix, old) < 0) err->message[0] = '\0';
    drop_partial_utf8(err->message, sizeof err->message);
    return err->code;
}

int err_suffix(struct err *err, const char *format, ...)
{
    char suffix[256];
    va_list args;
    if (err->code == EEP_OK) return EEP_OK;
    va_start(args, format);
    format_text(suffix, sizeof suffix, format, args);
    va_end(args);
    size_t room = sizeof err->message - strlen("; ") - strlen(suffix); /* its NUL included */
    err->message[room - 1] = '\0';
    drop_partial_utf8(err->message, room);
    size_t len = strlen(err->message);
    snprintf(err->message + len, sizeof err->message - len, "; %s", suffix);
    return err->code;
}

int err_flag(struct err *err, uint32_t flags)
{
    err->flags |= flags;
    return err->code;
}

void err_where(struct err *err, const char *format, ...)
{
    va_list args;
    if (err->where[0] != '\0') return;
    va_start(args, format);
    format_text(err->where, sizeof err->where, format, args);
    va_end(args);
}

int err_no_memory(struct err *err)
{
    return err_set(err, EEP_E_NO_MEMORY, "out of memory");
}

const char *err_name(int code)
{
    static const char *const names[] = {
        "OK",
        "CANCELLED",
        "DEADLINE",
        "INVALID_ARGUMENT",
        "INVALID_CONFIG",
        "UNSUPPORTED",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "NOT_FOUND",
        "CONFLICT",
        "QUOTA",
        "RATE_LIMITED",
        "UNAVAILABLE",
        "PROTOCOL",
        "TLS",
        "LEASE_LOST",
        "NO_MEMORY",
        "FORKED",
        "SHUTDOWN",
        "TOO_LARGE",
        "SANDBOX",
        "INTERRUPTED",
        "EXPIRED",
    };
    if (code < 0 || (size_t)code >= sizeof names / sizeof names[0]) return "INTERNAL";
    return names[code];
}
