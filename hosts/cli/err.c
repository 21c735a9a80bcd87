/* err.c: see err.h. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "encode.h"

static const struct {
    int code;
    const char *name;
} names[] = {
    {EEP_OK, "OK"},
    {EEP_E_CANCELLED, "CANCELLED"},
    {EEP_E_DEADLINE, "DEADLINE"},
    {EEP_E_INVALID_ARGUMENT, "INVALID_ARGUMENT"},
    {EEP_E_INVALID_CONFIG, "INVALID_CONFIG"},
    {EEP_E_UNSUPPORTED, "UNSUPPORTED"},
    {EEP_E_UNAUTHENTICATED, "UNAUTHENTICATED"},
    {EEP_E_PERMISSION_DENIED, "PERMISSION_DENIED"},
    {EEP_E_NOT_FOUND, "NOT_FOUND"},
    {EEP_E_CONFLICT, "CONFLICT"},
    {EEP_E_QUOTA, "QUOTA"},
    {EEP_E_RATE_LIMITED, "RATE_LIMITED"},
    {EEP_E_UNAVAILABLE, "UNAVAILABLE"},
    {EEP_E_PROTOCOL, "PROTOCOL"},
    {EEP_E_TLS, "TLS"},
    {EEP_E_LEASE_LOST, "LEASE_LOST"},
    {EEP_E_NO_MEMORY, "NO_MEMORY"},
    {EEP_E_FORKED, "FORKED"},
    {EEP_E_SHUTDOWN, "SHUTDOWN"},
    {EEP_E_TOO_LARGE, "TOO_LARGE"},
    {EEP_E_SANDBOX, "SANDBOX"},
    {EEP_E_INTERRUPTED, "INTERRUPTED"},
    {EEP_E_EXPIRED, "EXPIRED"},
    {EEP_E_INTERNAL, "INTERNAL"},
};

const char *err_name(int code)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].code == code) return names[i].name;
    return "INTERNAL"; /* what the ABI says about codes that one does not know */
}

int err_exit_code(int code)
{
    switch (code) {
    case EEP_E_CANCELLED: return EXIT_CANCELLED;
    case EEP_E_DEADLINE: return EXIT_TIME_LIMIT;
    default: return EXIT_COULD_NOT;
    }
}

/* Controls are what a terminal may act upon: C0, DEL, and C1, which UTF-8 writes as C2 80 to C2 9F. */
static bool is_control(const char *text)
{
    unsigned char first = (unsigned char)text[0];
    return first < 0x20 || first == 0x7f || (first == 0xc2 && (unsigned char)text[1] < 0xa0);
}

void err_make_printable(char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        size_t step = encode_utf8_length(text, left);
        bool space = *text == '\n' || *text == '\r' || *text == '\t';
        if (step == 0 || is_control(text)) {
            step = step ? step : 1;
            memset(text, space ? ' ' : '?', step);
        }
        text += step;
        left -= step;
    }
}

int err_set(struct err *err, int code, const char *format, ...)
{
    *err = (struct err){.code = code};
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    err_make_printable(err->message);
    return code;
}

int err_usage(struct err *err, const char *format, ...)
{
    *err = (struct err){.code = EEP_E_INVALID_ARGUMENT, .usage = true};
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    err_make_printable(err->message);
    return err->code;
}

int err_hint(struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof(err->hint), format, args);
    va_end(args);
    return err->code;
}

static void take_text(char *to, size_t size, eep_str from)
{
    snprintf(to, size, "%.*s", (int)(from.len < size ? from.len : size), from.ptr ? from.ptr : "");
    err_make_printable(to);
}

int err_take(struct err *err, int code, const eep_error *from)
{
    *err = (struct err){.code = code,
                        .flags = from->head.flags,
                        .http_status = from->http_status,
                        .os_errno = from->os_errno,
                        .retry_after_ms = from->retry_after_ms};
    take_text(err->message, sizeof(err->message), from->message);
    take_text(err->where, sizeof(err->where), from->where);
    take_text(err->request_id, sizeof(err->request_id), from->request_id);
    take_text(err->lease, sizeof(err->lease), from->lease);
    take_text(err->execution_id, sizeof(err->execution_id), from->execution_id);
    if (!err->message[0])
        snprintf(err->message, sizeof(err->message), "the plugin answers %s", err_name(code));
    return code;
}
