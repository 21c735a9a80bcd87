#include "checks.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

void checks_begin(struct checks *checks)
{
    checks->started_at = clock_now_ms();
}

/* The next line of the list; the last one is used again when it is full, which it never is. */
static struct check *add(struct checks *checks, uint32_t depth, const char *name, uint32_t status)
{
    struct check *check = &checks->items[checks->count < CHECKS_MAX - 1 ? checks->count++ : CHECKS_MAX - 1];
    int64_t elapsed = checks->started_at ? clock_now_ms() - checks->started_at : 0;
    *check = (struct check){.name = name, .depth = depth, .status = status, .elapsed_ms = elapsed};
    checks->started_at = 0;
    return check;
}

static void set_message(struct check *check, const char *format, va_list args)
{
    vsnprintf(check->message, sizeof check->message, format, args);
}

void checks_ok(struct checks *checks, uint32_t depth, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_message(add(checks, depth, name, EEP_CHECK_OK), format, args);
    va_end(args);
}

void checks_unknown(struct checks *checks, uint32_t depth, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_message(add(checks, depth, name, EEP_CHECK_UNKNOWN), format, args);
    va_end(args);
}

void checks_skipped(struct checks *checks, uint32_t depth, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_message(add(checks, depth, name, EEP_CHECK_SKIPPED), format, args);
    va_end(args);
}

void checks_failed(struct checks *checks, uint32_t depth, const char *name, const struct err *why)
{
    struct check *check = add(checks, depth, name, EEP_CHECK_FAILED);
    check->code = why->code;
    str_copy(check->message, sizeof check->message, str_from(why->message));
}

static int export_one(const struct check *check, void **arena, eep_check *out)
{
    *out = (eep_check){
        .status = check->status,
        .depth = check->depth,
        .code = check->code,
        .elapsed_ms = (uint32_t)check->elapsed_ms,
        .name = str_from(check->name),
    };
    return arena_str(arena, str_from(check->message), &out->message);
}

int checks_export(const struct checks *checks, eep_probe *result, struct err *err)
{
    eep_check *list = arena_alloc(&result->head.arena, checks->count * sizeof *list);
    if (!list) return err_no_memory(err);
    for (uint32_t i = 0; i < checks->count; i++) {
        if (export_one(&checks->items[i], &result->head.arena, &list[i]) != EEP_OK) return err_no_memory(err);
        result->failed += checks->items[i].status == EEP_CHECK_FAILED;
        result->unknown += checks->items[i].status == EEP_CHECK_UNKNOWN;
    }
    result->checks = list;
    result->check_count = checks->count;
    result->check_stride = sizeof *list;
    return EEP_OK;
}
