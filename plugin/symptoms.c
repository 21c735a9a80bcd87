#include "symptoms.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

static const char *const names[SYMPTOM_COUNT] = {
    [SYMPTOM_LEASE] = "lease",       [SYMPTOM_STATE] = "state",   [SYMPTOM_QUOTA] = "quota",
    [SYMPTOM_TOOLBOX] = "toolbox",   [SYMPTOM_DAEMON] = "daemon", [SYMPTOM_SHELL] = "shell",
    [SYMPTOM_IDENTITY] = "identity", [SYMPTOM_DISK] = "disk",     [SYMPTOM_TOOLS] = "tools",
};

static const char *name_of(int id)
{
    if (id <= CHECK_PERMISSIONS) return checks_name((enum check_id)id);
    return id < SYMPTOM_COUNT ? names[id] : "";
}

bool symptoms_failed(struct symptoms *symptoms, enum symptom_id id, const struct err *why, const char *advice,
                     ...)
{
    va_list args;
    va_start(args, advice);
    vsnprintf(symptoms->advice[id], sizeof symptoms->advice[id], advice, args);
    va_end(args);
    return looks_failed(&symptoms->looks, (int)id, why);
}

/* -- What a probe finds ------------------------------------------------------------------------ */

static const char *const check_advice[CHECK_PERMISSIONS + 1] = {
    [CHECK_CONFIG] = "mend the configuration: validate_config tells all that is wrong with it",
    [CHECK_LIBRARIES] = "install a libcurl with TLS",
    [CHECK_CERTIFICATES] = "mend caFile, or leave it away to use the system's certificates",
    [CHECK_DNS] =
        "check the host name in apiUrl, and that this machine can resolve names (a VPN, /etc/resolv.conf)",
    [CHECK_CONNECT] =
        "check apiUrl's port, that the service runs, and whether a firewall or a missing `proxy` is in "
        "the way",
    [CHECK_TLS] =
        "check this machine's clock, and set caFile if the service's certificate comes from an authority of "
        "your own",
    [CHECK_SERVICE] =
        "if apiUrl is right (it usually ends in /api), the service itself is down: look at its status "
        "page, and try again later",
    [CHECK_VERSION] = "",
    [CHECK_CREDENTIALS] =
        "make a new API key and set apiKey (DAYTONA_API_KEY); repeated failures block this machine's "
        "address for a while",
    [CHECK_PERMISSIONS] = "make an API key that has write:sandboxes and delete:sandboxes",
};

bool symptoms_take_checks(struct symptoms *symptoms, const struct looks *checks)
{
    bool works = true;
    for (int id = 0; id <= CHECK_PERMISSIONS; id++) {
        symptoms->looks.items[id] = checks->items[id];
        if (checks->items[id].status != EEP_CHECK_FAILED) continue;
        str_copy(symptoms->advice[id], sizeof symptoms->advice[id], str_from(check_advice[id]));
        works = false;
    }
    return works;
}

/* -- The result -------------------------------------------------------------------------------- */

static int export_one(const struct symptoms *symptoms, int id, void **arena, eep_symptom *out)
{
    const struct look *look = &symptoms->looks.items[id];
    const char *advice = symptoms->advice[id];
    bool looked = look->status != 0;
    *out = (eep_symptom){
        .status = looked ? look->status : EEP_CHECK_SKIPPED,
        .code = look->code,
        .elapsed_ms = (uint32_t)look->elapsed_ms,
        .name = str_from(name_of(id)),
    };
    if (advice[0]) TRY(arena_str(arena, str_from(advice), &out->advice));
    return arena_str(arena, looked ? str_from(look->found) : STR("not reached"), &out->evidence);
}

int symptoms_export(const struct symptoms *symptoms, eep_explanation *result, struct err *err)
{
    eep_symptom *list = arena_alloc(&result->head.arena, SYMPTOM_COUNT * sizeof *list);
    if (!list) return err_no_memory(err);
    result->symptoms = list;
    result->symptom_count = SYMPTOM_COUNT;
    result->symptom_stride = sizeof *list;
    for (int id = 0; id < SYMPTOM_COUNT; id++) {
        if (export_one(symptoms, id, &result->head.arena, &list[id]) != EEP_OK) return err_no_memory(err);
        result->failed += list[id].status == EEP_CHECK_FAILED;
        result->unknown += list[id].status == EEP_CHECK_UNKNOWN;
    }
    return EEP_OK;
}
