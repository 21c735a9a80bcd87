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
    json_object_put(sandbox->fields);
    free(sandbox->error_reason);
    free(sandbox->name);
    free(sandbox->id);
    free(sandbox);
}

const char *sandbox_state_name(enum sandbox_state state)
{
    static const char *const names[] = {
        "creating",  "pending_build", "starting",  "started",    "stopping",  "stopped",
        "archiving", "archived",      "restoring", "destroying", "destroyed", "error",
    };
    return names[state];
}

static const char *desired_state_name(const struct sandbox *sandbox)
{
    enum sandbox_state goal = sandbox->step == STEP_NONE ? sandbox->state : sandbox->after;
    return sandbox_state_name(goal == STATE_ERROR ? STATE_STARTED : goal);
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
    sandbox->updated_ms = clock_wall_ms();
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

void sandbox_begin_delete(struct sandbox *sandbox, int ms)
{
    begin(sandbox, STATE_DESTROYING, STATE_DESTROYED, STEP_KILL);
    sandbox->due_ms = clock_ms() + ms;
    give_up_name(sandbox);
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
    sandbox->updated_ms = clock_wall_ms();
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
    json_object_object_add(object, "state", json_object_new_string(sandbox_state_name(sandbox->state)));
    json_object_object_add(object, "desiredState", json_object_new_string(desired_state_name(sandbox)));
    add_time(object, "updatedAt", sandbox->updated_ms);
    add_time(object, "lastActivityAt", sandbox->active_ms);
    json_object_object_add(object, "recoverable", json_object_new_boolean(sandbox->recoverable));
    if (sandbox->error_reason != NULL)
        json_object_object_add(object, "errorReason", json_object_new_string(sandbox->error_reason));
}

struct json_object *sandbox_to_json(const struct sandbox *sandbox)
{
    struct json_object *object = NULL;
    json_object_deep_copy(sandbox->fields, &object, NULL);
    add_state(object, sandbox);
    return object;
}

struct json_object *sandbox_to_list_item(const struct sandbox *sandbox)
{
    static const char *const absent[] = {
        "env", "buildInfo", "volumes", "networkBlockAll", "networkAllowList", "domainAllowList"};
    struct json_object *item = sandbox_to_json(sandbox);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        json_object_object_del(item, absent[i]);
    return item;
}
