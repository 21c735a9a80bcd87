#include "daytona/sandbox.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "daytona/wire.h"

struct state {
    const char *name;
    enum sandbox_phase phase;
    uint32_t code;
};

/* Protocol 5. */
static const struct state states[] = {
    {"started", PHASE_STARTED, EEP_STATE_STARTED},
    {"creating", PHASE_STARTING, EEP_STATE_CHANGING},
    {"restoring", PHASE_STARTING, EEP_STATE_CHANGING},
    {"starting", PHASE_STARTING, EEP_STATE_CHANGING},
    {"pending_build", PHASE_STARTING, EEP_STATE_CHANGING},
    {"building_snapshot", PHASE_STARTING, EEP_STATE_CHANGING},
    {"pulling_snapshot", PHASE_STARTING, EEP_STATE_CHANGING},
    {"resuming", PHASE_STARTING, EEP_STATE_CHANGING},
    {"unknown", PHASE_STARTING, EEP_STATE_CHANGING},
    {"stopping", PHASE_LEAVING, EEP_STATE_CHANGING},
    {"pausing", PHASE_LEAVING, EEP_STATE_CHANGING},
    {"resizing", PHASE_LEAVING, EEP_STATE_CHANGING},
    {"snapshotting", PHASE_LEAVING, EEP_STATE_CHANGING},
    {"forking", PHASE_LEAVING, EEP_STATE_CHANGING},
    {"stopped", PHASE_RESTING, EEP_STATE_STOPPED},
    {"archiving", PHASE_RESTING, EEP_STATE_CHANGING}, /* a start is allowed while archiving */
    {"archived", PHASE_RESTING, EEP_STATE_ARCHIVED},
    {"paused", PHASE_RESTING, EEP_STATE_PAUSED},
    {"error", PHASE_FAILED, EEP_STATE_ERROR},
    {"build_failed", PHASE_FAILED, EEP_STATE_ERROR},
    {"destroying", PHASE_GONE, EEP_STATE_GONE},
    {"destroyed", PHASE_GONE, EEP_STATE_GONE},
};

static const struct state *find_state(eep_str name)
{
    static const struct state other = {"", PHASE_LEAVING, EEP_STATE_UNKNOWN};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (str_is(name, states[i].name)) return &states[i];
    return &other;
}

enum sandbox_phase sandbox_phase_of(eep_str state)
{
    return find_state(state)->phase;
}

uint32_t sandbox_state_code(eep_str state)
{
    return find_state(state)->code;
}

/* What was asked for by one of our names may come back under its id. */
static int check_id(eep_str id, eep_str name, eep_str expected, struct err *err)
{
    if (!wire_is_id(id))
        return err_set(err, EEP_E_PROTOCOL,
                       "the service described a sandbox without a usable id: is apiUrl right?");
    if (wire_is_our_name(expected) && str_eq(name, expected)) return EEP_OK;
    if (expected.ptr && !str_eq(id, expected))
        return err_set(err, EEP_E_PROTOCOL, "asked for sandbox %.*s, the service answered about %.*s",
                       (int)expected.len, expected.ptr, (int)id.len, id.ptr);
    return EEP_OK;
}

int sandbox_from_json(struct sandbox *sandbox, json *tree, eep_str expected_id, struct err *err)
{
    sandbox_finish(sandbox);
    return sandbox_view(sandbox, tree, expected_id, err);
}

int sandbox_view(struct sandbox *sandbox, json *tree, eep_str expected_id, struct err *err)
{
    *sandbox = (struct sandbox){.tree = tree};
    sandbox->id = json_str(json_get(tree, "id"));
    sandbox->name = json_str(json_get(tree, "name"));
    TRY(check_id(sandbox->id, sandbox->name, expected_id, err));
    sandbox->state = json_str(json_get(tree, "state"));
    sandbox->toolbox_proxy_url = json_str(json_get(tree, "toolboxProxyUrl"));
    sandbox->target = json_str(json_get(tree, "target"));
    sandbox->snapshot = json_str(json_get(tree, "snapshot"));
    sandbox->user = json_str(json_get(tree, "user"));
    sandbox->error_reason = json_str(json_get(tree, "errorReason"));
    sandbox->organization = json_str(json_get(tree, "organizationId"));
    sandbox->updated_at = json_str(json_get(tree, "updatedAt"));
    sandbox->labels = json_get(tree, "labels");
    json_get_bool(tree, "recoverable", &sandbox->recoverable);
    sandbox->phase = sandbox_phase_of(sandbox->state);
    return EEP_OK;
}

void sandbox_finish(struct sandbox *sandbox)
{
    json_finish(&sandbox->tree);
    *sandbox = (struct sandbox){0};
}

eep_str sandbox_label(const struct sandbox *sandbox, const char *name)
{
    return json_str(json_get(sandbox->labels, name));
}

int64_t sandbox_number(const struct sandbox *sandbox, const char *key, int64_t fallback)
{
    json_get_i64(sandbox->tree, key, &fallback);
    return fallback;
}

uint32_t sandbox_count(const struct sandbox *sandbox, const char *key)
{
    int64_t value = sandbox_number(sandbox, key, 0);
    return value > 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

int32_t sandbox_minutes(const struct sandbox *sandbox, const char *key)
{
    int64_t value = sandbox_number(sandbox, key, -1);
    return value >= 0 && value <= INT32_MAX ? (int32_t)value : -1;
}

int64_t sandbox_time_ms(const struct sandbox *sandbox, const char *key)
{
    char text[32];
    int ms = 0;
    struct tm t = {0};
    str_copy(text, sizeof text, json_str(json_get(sandbox->tree, key)));
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3d", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min,
               &t.tm_sec, &ms) < 6)
        return 0;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    return (int64_t)timegm(&t) * 1000 + ms;
}

int64_t sandbox_created_at_ms(const struct sandbox *sandbox)
{
    return sandbox_time_ms(sandbox, "createdAt");
}
