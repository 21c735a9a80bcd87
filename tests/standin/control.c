/* control.c: the endpoints below /_standin/, for tests: what arrived, how to misbehave, what is really there.
 */
#include "clock.h"
#include "fd.h"
#include "handlers.h"
#include "mem.h"
#include "toolbox.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void control_log(struct request *request)
{
    reply_json(request, 200, reqlog_to_json(&request->standin->log));
}

void control_reset_log(struct request *request)
{
    reqlog_reset(&request->standin->log);
    reply_empty(request, 204);
}

void control_faults(struct request *request)
{
    reply_json(request, 200, faults_to_json(&request->standin->faults));
}

static void install(struct request *request,
                    int (*take)(struct request *, struct json_object *, struct fail *))
{
    struct fail why;
    CLEANUP(mem_free_text) char *text = mem_copy_n(request->body.data, request->body.len);
    struct json_object *object = json_tokener_parse(text);
    if (take(request, object, &why) == 0)
        reply_empty(request, 204);
    else
        reply_api_error(request, 400, "%s", why.text);
    json_object_put(object);
}

static int take_faults(struct request *request, struct json_object *rules, struct fail *why)
{
    return faults_install(&request->standin->faults, rules, why);
}

void control_install_faults(struct request *request)
{
    install(request, take_faults);
}

void control_throttlers(struct request *request)
{
    reply_json(request, 200, throttles_to_json(&request->standin->throttles));
}

static int take_throttlers(struct request *request, struct json_object *limits, struct fail *why)
{
    return throttles_install(&request->standin->throttles, limits, why);
}

void control_install_throttlers(struct request *request)
{
    install(request, take_throttlers);
}

static int take_clock(struct request *request, struct json_object *clock, struct fail *why)
{
    (void)request;
    struct json_object *offset = json_object_object_get(clock, "offset_ms");
    if (!json_object_is_type(offset, json_type_int)) return fail_set(why, "the clock is {\"offset_ms\":N}");
    clock_set_offset(json_object_get_int64(offset));
    return 0;
}

void control_clock(struct request *request)
{
    install(request, take_clock);
}

struct inspected {
    struct json_object *object;
    int agent;
};

static void copy_field(struct json_object *object, const struct sandbox *sandbox, const char *key)
{
    struct json_object *copy = NULL;
    json_object_deep_copy(json_object_object_get(sandbox->fields, key), &copy, NULL);
    json_object_object_add(object, key, copy);
}

/* [lock] What the server itself knows of a sandbox. */
static struct inspected inspect(const struct sandbox *sandbox)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "id", json_object_new_string(sandbox->id));
    json_object_object_add(object, "name", json_object_new_string(sandbox->name));
    json_object_object_add(object, "state", json_object_new_string(sandbox_state_name(sandbox->state)));
    json_object_object_add(object, "pid", json_object_new_int(sandbox->agent.pid));
    json_object_object_add(object, "requests", json_object_new_int(sandbox->requests));
    copy_field(object, sandbox, "labels");
    copy_field(object, sandbox, "autoStopInterval");
    copy_field(object, sandbox, "autoDeleteInterval");
    bool runs = sandbox->state == STATE_STARTED && sandbox->agent.socket >= 0;
    int agent = runs ? fcntl(sandbox->agent.socket, F_DUPFD_CLOEXEC, 0) : -1;
    return (struct inspected){.object = object, .agent = agent};
}

static struct inspected *inspect_all(struct registry *registry, size_t *count, struct json_object *totals)
{
    registry_lock(registry);
    struct inspected *all = mem_alloc((registry->count + 1) * sizeof *all);
    for (struct sandbox *at = registry->first; at != NULL; at = at->next)
        all[(*count)++] = inspect(at);
    json_object_object_add(totals, "created", json_object_new_uint64(registry->created));
    json_object_object_add(totals, "destroyed", json_object_new_uint64(registry->destroyed));
    json_object_object_add(totals, "live", json_object_new_uint64(registry->count));
    registry_unlock(registry);
    return all;
}

static int count_processes(struct request *request, struct inspected *one)
{
    int nothing, count = 0;
    request->agent = one->agent;
    if (one->agent >= 0 && agent_file(request, "count", NULL, NULL, &nothing, &count) != 0) count = 0;
    fd_close(&request->agent);
    json_object_object_add(one->object, "processes", json_object_new_int(count));
    return count;
}

void control_sandboxes(struct request *request)
{
    struct json_object *body = json_object_new_object(), *list = json_object_new_array();
    size_t count = 0;
    int processes = 0;
    struct inspected *all = inspect_all(&request->standin->registry, &count, body);
    for (size_t i = 0; i < count; i++) {
        processes += count_processes(request, &all[i]);
        json_object_array_add(list, all[i].object);
    }
    free(all);
    json_object_object_add(body, "processes", json_object_new_int(processes));
    json_object_object_add(body, "sandboxes", list);
    reply_json(request, 200, body);
}

/* What a test wants a sandbox to be. */
struct wish {
    enum sandbox_state state;
    enum sandbox_state then; /* what a state of transition turns into ... */
    int64_t due_ms;          /* ... and when */
    bool is_shown;           /* in place of the state's own name ... */
    const char *shown;       /* ... this, or NULL: nothing */
    const char *reason;
    bool recoverable;
};

enum { WISH_MS = 30000 };

static bool is_at_rest(enum sandbox_state state)
{
    return state == STATE_STARTED || state == STATE_STOPPED || state == STATE_ARCHIVED ||
           state == STATE_PAUSED || state == STATE_ERROR || state == STATE_BUILD_FAILED ||
           state == STATE_DESTROYED;
}

static const char *text_in(struct json_object *body, const char *key)
{
    struct json_object *value = json_object_object_get(body, key);
    return value != NULL ? json_object_get_string(value) : NULL;
}

static int parse_wish(struct json_object *body, struct wish *wish, struct fail *why)
{
    const char *state = text_in(body, "state"), *then = text_in(body, "then");
    struct json_object *in_ms = json_object_object_get(body, "in_ms"), *shown;
    *wish =
        (struct wish){.then = STATE_STARTED,
                      .due_ms = in_ms != NULL ? clock_ms() + json_object_get_int(in_ms) : INT64_MAX,
                      .is_shown = json_object_object_get_ex(body, "shown", &shown),
                      .shown = text_in(body, "shown"),
                      .reason = text_in(body, "errorReason"),
                      .recoverable = json_object_get_boolean(json_object_object_get(body, "recoverable"))};
    if (state == NULL || !sandbox_state_parse(state, &wish->state))
        return fail_set(why, "state is one of the service's 22");
    if (then != NULL && (!sandbox_state_parse(then, &wish->then) || !is_at_rest(wish->then)))
        return fail_set(why, "then is a state of rest, not %.100s", then);
    if (then != NULL && is_at_rest(wish->state)) return fail_set(why, "%s does not end by itself", state);
    return 0;
}

static void set_reason(struct sandbox *sandbox, const struct wish *wish)
{
    char *reason = mem_copy(wish->reason != NULL ? wish->reason : "forced by a test");
    free(sandbox->error_reason);
    sandbox->error_reason = reason;
    sandbox->recoverable = wish->recoverable;
}

/* [lock] Begins it and waits for its end. The sandbox is held. */
static void reach(struct registry *registry, struct sandbox *sandbox, enum sandbox_state state)
{
    if (state == STATE_STARTED)
        sandbox_begin_start(sandbox, STATE_STARTING, 0);
    else if (state == STATE_DESTROYED)
        sandbox_begin_delete(sandbox, 0);
    else
        sandbox_begin_stop(sandbox, 0);
    sandbox->after = state;
    registry_changed(registry, sandbox);
    registry_wake(registry);
    registry_wait_for_this(registry, sandbox, clock_ms() + WISH_MS);
}

/* [lock] What the keeper has in hand comes to its end, which may be the sandbox's. */
static void await_keeper(struct registry *registry, struct sandbox *sandbox)
{
    int64_t deadline = clock_ms() + WISH_MS;
    while ((sandbox->step == STEP_HELLO || sandbox->step == STEP_EXIT) && clock_ms() < deadline &&
           !registry->closing)
        registry_wait_for_this(registry, sandbox, deadline);
}

/* [lock] As if something outside had done it: its processes end, then it is in that state. */
static void fulfil(struct registry *registry, struct sandbox *sandbox, const struct wish *wish)
{
    await_keeper(registry, sandbox);
    if (sandbox->state == STATE_DESTROYED) return;                 /* by now nobody looks after it any more */
    if (wish->state == STATE_PAUSED || wish->then == STATE_PAUSED) /* no container can be */
        json_object_object_add(sandbox->fields, "sandboxClass", json_object_new_string("linux-vm"));
    if (wish->state != STATE_STARTED || sandbox->state != STATE_STARTED)
        reach(registry, sandbox, is_at_rest(wish->state) ? wish->state : STATE_STOPPED);
    if (!is_at_rest(wish->state)) sandbox_begin_forced(sandbox, wish->state, wish->then, wish->due_ms);
    if (wish->state != STATE_STARTED) set_reason(sandbox, wish);
    if (wish->is_shown) {
        mem_free_text(&sandbox->shown_state);
        sandbox->shown_state = mem_copy(wish->shown != NULL ? wish->shown : "");
    }
    if (sandbox->state == STATE_DESTROYED) return;
    registry_changed(registry, sandbox);
    registry_wake(registry);
}

/* [lock] Nobody has used it for so long. */
static void set_idle(struct registry *registry, struct sandbox *sandbox, int64_t idle_ms)
{
    sandbox->active_ms = clock_wall_ms() - idle_ms;
    registry_changed(registry, sandbox);
    registry_wake(registry);
}

/* [lock] What a body says about a sandbox, which is held. */
static int change(struct registry *registry, struct sandbox *sandbox, struct json_object *body,
                  struct fail *why)
{
    struct json_object *idle = json_object_object_get(body, "idle_ms");
    bool has_state = json_object_object_get(body, "state") != NULL;
    struct wish wish;
    if (has_state || idle == NULL) {
        TRY(parse_wish(body, &wish, why));
        fulfil(registry, sandbox, &wish);
    }
    if (idle != NULL) set_idle(registry, sandbox, json_object_get_int64(idle));
    return 0;
}

/* PUT /_standin/sandboxes/{id} {"state":"error","errorReason":"...","recoverable":true} */
void control_sandbox(struct request *request)
{
    struct json_object *body = request_json_untyped(request);
    struct registry *registry = &request->standin->registry;
    struct fail why;
    if (body == NULL) return;
    registry_lock(registry);
    struct sandbox *sandbox = registry_find_id(registry, request->argument);
    if (sandbox == NULL) sandbox = registry_find(registry, request->argument);
    if (sandbox == NULL) {
        reply_api_error(request, 404, "no sandbox %.200s", request->argument);
    } else {
        registry_hold(sandbox);
        if (change(registry, sandbox, body, &why) == 0)
            reply_json(request, 200, sandbox_to_json(sandbox));
        else
            reply_api_error(request, 400, "%s", why.text);
        registry_release(registry, sandbox);
    }
    registry_unlock(registry);
    json_object_put(body);
}
