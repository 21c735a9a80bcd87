#include "sandbox.h"

#include "clock.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

struct sandbox *sandbox_create(struct json_object *fields)
{
    struct sandbox *sandbox = mem_alloc(sizeof *sandbox);
    sandbox->id = mem_copy(json_object_get_string(json_object_object_get(fields, "id")));
    sandbox->name = mem_copy(json_object_get_string(json_object_object_get(fields, "name")));
    sandbox->block_network = json_object_get_boolean(json_object_object_get(fields, "networkBlockAll"));
    sandbox->fields = fields;
    sandbox->agent = (struct agent_process){.pidfd = -1, .socket = -1};
    sandbox->state = STATE_CREATING;
    sandbox_touch(sandbox);
    sandbox->updated_ms = sandbox->active_ms;
    return sandbox;
}

void sandbox_destroy(struct sandbox *sandbox)
{
    if (sandbox == NULL) return;
    history_finish(&sandbox->history);
    json_object_put(sandbox->fields);
    free(sandbox->shown_state);
    free(sandbox->error_reason);
    free(sandbox->name);
    free(sandbox->id);
    free(sandbox);
}

static const char *const state_names[STATE_COUNT] = {
    "creating",     "pending_build", "starting",     "started",    "stopping",          "stopped",
    "archiving",    "archived",      "restoring",    "destroying", "destroyed",         "error",
    "build_failed", "paused",        "pausing",      "resuming",   "building_snapshot", "pulling_snapshot",
    "unknown",      "resizing",      "snapshotting", "forking",
};

const char *sandbox_state_name(enum sandbox_state state)
{
    return state_names[state];
}

bool sandbox_state_parse(const char *name, enum sandbox_state *state)
{
    for (int i = 0; i < STATE_COUNT; i++) {
        if (strcmp(name, state_names[i]) != 0) continue;
        *state = (enum sandbox_state)i;
        return true;
    }
    return false;
}

static bool is_failure(enum sandbox_state state)
{
    return state == STATE_ERROR || state == STATE_BUILD_FAILED;
}

bool sandbox_is_failed(const struct sandbox *sandbox)
{
    return is_failure(sandbox->state);
}

/* One of destroyed, started, stopped, resized, archived, paused. */
static const char *desired_state_name(const struct sandbox *sandbox)
{
    enum sandbox_state goal = sandbox->step == STEP_NONE ? sandbox->state : sandbox->after;
    if (sandbox->state == STATE_RESIZING) return "resized";
    return sandbox_state_name(is_failure(goal) ? STATE_STARTED : goal);
}

bool sandbox_in_transition(const struct sandbox *sandbox)
{
    return sandbox->step != STEP_NONE;
}

static void begin(struct sandbox *sandbox, enum sandbox_state shown, enum sandbox_state after,
                  enum sandbox_step step)
{
    sandbox->state = shown;
    sandbox->after = after;
    sandbox->step = step;
    sandbox->transitions++;
    sandbox->updated_ms = clock_wall_ms();
    sandbox->doomed = false;
    mem_free_text(&sandbox->shown_state);
}

void sandbox_get_stuck(struct sandbox *sandbox)
{
    sandbox->due_ms = INT64_MAX;
}

void sandbox_doom(struct sandbox *sandbox, enum sandbox_state failure, const char *reason, bool recoverable)
{
    sandbox->after = failure;
    sandbox->doomed = true;
    sandbox->recoverable = recoverable;
    char *copy = mem_copy(reason);
    free(sandbox->error_reason);
    sandbox->error_reason = copy;
}

void sandbox_begin_start(struct sandbox *sandbox, enum sandbox_state shown, int ms)
{
    begin(sandbox, shown, STATE_STARTED, STEP_LAUNCH);
    sandbox->due_ms = clock_ms() + ms;
    sandbox->recoverable = false;
    mem_free_text(&sandbox->error_reason);
}

void sandbox_begin_stop(struct sandbox *sandbox, int ms)
{
    begin(sandbox, STATE_STOPPING, STATE_STOPPED, STEP_KILL);
    sandbox->due_ms = clock_ms() + ms;
}

/* The service renames at once, so that the name can be used again (protocol 6). */
static void give_up_name(struct sandbox *sandbox)
{
    char *name = mem_format("DESTROYED_%s_%lld", sandbox->name, (long long)clock_wall_ms());
    free(sandbox->name);
    sandbox->name = name;
    json_object_object_add(sandbox->fields, "name", json_object_new_string(name));
}

/* What is shown follows from the stored state (protocol 5): only started and stopped turn into destroying. A
 * failed one is as good as gone for everybody who looks. */
void sandbox_begin_delete(struct sandbox *sandbox, int ms)
{
    bool shows_it = sandbox->state == STATE_STARTED || sandbox->state == STATE_STOPPED;
    sandbox->hidden = sandbox_is_failed(sandbox);
    begin(sandbox, shows_it ? STATE_DESTROYING : sandbox->state, STATE_DESTROYED, STEP_KILL);
    sandbox->due_ms = clock_ms() + ms;
    give_up_name(sandbox);
}

void sandbox_begin_forced(struct sandbox *sandbox, enum sandbox_state shown, enum sandbox_state after,
                          int64_t due_ms)
{
    enum sandbox_step step = after == STATE_STARTED     ? STEP_LAUNCH
                             : after == STATE_DESTROYED ? STEP_KILL
                                                        : STEP_SETTLE;
    begin(sandbox, shown, after, step);
    sandbox->due_ms = due_ms;
}

void sandbox_begin_archive(struct sandbox *sandbox, int ms)
{
    begin(sandbox, STATE_ARCHIVING, STATE_ARCHIVED, STEP_SETTLE);
    sandbox->due_ms = clock_ms() + ms;
}

void sandbox_settle(struct sandbox *sandbox, enum sandbox_state state)
{
    sandbox->state = state;
    sandbox->step = STEP_NONE;
    sandbox->doomed = false;
    sandbox->updated_ms = clock_wall_ms();
    mem_free_text(&sandbox->shown_state);
    sandbox->rested_ms = clock_ms();
    if (state == STATE_STARTED) sandbox_touch(sandbox);
}

void sandbox_break(struct sandbox *sandbox, const char *reason, bool recoverable)
{
    char *copy = mem_copy(reason);
    free(sandbox->error_reason);
    sandbox->error_reason = copy;
    sandbox->recoverable = recoverable;
    sandbox_settle(sandbox, STATE_ERROR);
}

int sandbox_interval(const struct sandbox *sandbox, const char *field)
{
    return json_object_get_int(json_object_object_get(sandbox->fields, field));
}

bool sandbox_is_ephemeral(const struct sandbox *sandbox)
{
    return sandbox_interval(sandbox, "autoDeleteInterval") == 0;
}

void sandbox_touch(struct sandbox *sandbox)
{
    sandbox->active_ms = clock_wall_ms();
}

static void add_time(struct json_object *object, const char *key, int64_t wall_ms)
{
    json_object_object_add(object, key, json_object_new_string(clock_iso(wall_ms).text));
}

static void add_state(struct json_object *object, const struct sandbox *sandbox)
{
    const char *shown =
        sandbox->shown_state != NULL ? sandbox->shown_state : sandbox_state_name(sandbox->state);
    if (*shown != '\0') json_object_object_add(object, "state", json_object_new_string(shown));
    json_object_object_add(object, "desiredState", json_object_new_string(desired_state_name(sandbox)));
    add_time(object, "updatedAt", sandbox->updated_ms);
    add_time(object, "lastActivityAt", sandbox->active_ms);
    json_object_object_add(object, "recoverable", json_object_new_boolean(sandbox->recoverable));
    if (sandbox->error_reason != NULL && sandbox_is_failed(sandbox))
        json_object_object_add(object, "errorReason", json_object_new_string(sandbox->error_reason));
}

struct json_object *sandbox_to_json(const struct sandbox *sandbox)
{
    struct json_object *object = NULL;
    json_object_deep_copy(sandbox->fields, &object, NULL);
    add_state(object, sandbox);
    return object;
}
