#include "looks.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "eep.h"

void looks_begin(struct looks *looks)
{
    looks->started_at = clock_now_ms();
}

/* The item, with the time that the look took. */
static struct look *end(struct looks *looks, int id, uint32_t status)
{
    struct look *look = &looks->items[id];
    int64_t elapsed = looks->started_at ? clock_now_ms() - looks->started_at : 0;
    *look = (struct look){.status = status, .elapsed_ms = elapsed};
    looks->started_at = 0;
    return look;
}

static void tell(struct look *look, const char *format, va_list args)
{
    vsnprintf(look->found, sizeof look->found, format, args);
}

bool looks_ok(struct looks *looks, int id, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(end(looks, id, EEP_CHECK_OK), format, args);
    va_end(args);
    return true;
}

bool looks_unknown(struct looks *looks, int id, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(end(looks, id, EEP_CHECK_UNKNOWN), format, args);
    va_end(args);
    return true;
}

bool looks_skipped(struct looks *looks, int id, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(end(looks, id, EEP_CHECK_SKIPPED), format, args);
    va_end(args);
    return true;
}

bool looks_failed(struct looks *looks, int id, const struct err *why)
{
    struct look *look = end(looks, id, EEP_CHECK_FAILED);
    look->code = why->code;
    str_copy(look->found, sizeof look->found, str_from(why->message));
    return false;
}
