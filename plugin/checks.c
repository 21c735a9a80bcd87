#include "checks.h"

#include "base/arena.h"
#include "base/str.h"

static const struct {
    uint32_t depth;
    const char *name;
} known[CHECK_COUNT] = {
    [CHECK_CONFIG] = {EEP_PROBE_LOCAL, "config"},
    [CHECK_LIBRARIES] = {EEP_PROBE_LOCAL, "libraries"},
    [CHECK_CERTIFICATES] = {EEP_PROBE_LOCAL, "certificates"},
    [CHECK_DNS] = {EEP_PROBE_REACH, "dns"},
    [CHECK_CONNECT] = {EEP_PROBE_REACH, "connect"},
    [CHECK_TLS] = {EEP_PROBE_REACH, "tls"},
    [CHECK_SERVICE] = {EEP_PROBE_REACH, "service"},
    [CHECK_VERSION] = {EEP_PROBE_REACH, "version"},
    [CHECK_CREDENTIALS] = {EEP_PROBE_AUTH, "credentials"},
    [CHECK_PERMISSIONS] = {EEP_PROBE_AUTH, "permissions"},
    [CHECK_RATE_LIMIT] = {EEP_PROBE_QUOTA, "rate-limit"},
    [CHECK_CAPACITY] = {EEP_PROBE_QUOTA, "capacity"},
    [CHECK_CREATE] = {EEP_PROBE_FULL, "create"},
    [CHECK_EXECUTE] = {EEP_PROBE_FULL, "execute"},
    [CHECK_DELETE] = {EEP_PROBE_FULL, "delete"},
};

const char *checks_name(enum check_id id)
{
    return known[id].name;
}

void checks_skip_rest(struct looks *checks, uint32_t max_depth)
{
    checks->started_at = 0;
    for (enum check_id id = 0; id < CHECK_COUNT; id++)
        if (checks->items[id].status == 0)
            looks_skipped(checks, id, "%s",
                          known[id].depth > max_depth ? "deeper than was asked for"
                                                      : "not reached: an earlier check failed");
}

static int export_one(const struct looks *checks, enum check_id id, void **arena, eep_check *out)
{
    const struct look *check = &checks->items[id];
    *out = (eep_check){
        .status = check->status,
        .depth = known[id].depth,
        .code = check->code,
        .elapsed_ms = (uint32_t)check->elapsed_ms,
        .name = str_from(known[id].name),
    };
    return arena_str(arena, str_from(check->found), &out->message);
}

int checks_export(const struct looks *checks, eep_probe *result, struct err *err)
{
    eep_check *list = arena_alloc(&result->head.arena, CHECK_COUNT * sizeof *list);
    if (!list) return err_no_memory(err);
    for (enum check_id id = 0; id < CHECK_COUNT; id++) {
        if (export_one(checks, id, &result->head.arena, &list[id]) != EEP_OK) return err_no_memory(err);
        result->failed += list[id].status == EEP_CHECK_FAILED;
        result->unknown += list[id].status == EEP_CHECK_UNKNOWN;
    }
    result->checks = list;
    result->check_count = CHECK_COUNT;
    result->check_stride = sizeof *list;
    return EEP_OK;
}
