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

void control_install_faults(struct request *request)
{
    struct fail why;
    CLEANUP(mem_free_text) char *text = mem_copy_n(request->body.data, request->body.len);
    struct json_object *rules = json_tokener_parse(text);
    if (faults_install(&request->standin->faults, rules, &why) == 0)
        reply_empty(request, 204);
    else
        reply_api_error(request, 400, "%s", why.text);
    json_object_put(rules);
}

struct inspected {
    struct json_object *object;
    int agent;
};

/* [lock] What the server itself knows of a sandbox. */
static struct inspected inspect(const struct sandbox *sandbox)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "id", json_object_new_string(sandbox->id));
    json_object_object_add(object, "name", json_object_new_string(sandbox->name));
    json_object_object_add(object, "state", json_object_new_string(sandbox_state_name(sandbox->state)));
    json_object_object_add(object, "pid", json_object_new_int(sandbox->agent.pid));
    json_object_object_add(object, "requests", json_object_new_int(sandbox->requests));
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

static bool state_by_name(const char *name, enum sandbox_state *state)
{
    static const enum sandbox_state allowed[] = {STATE_ERROR, STATE_STOPPED, STATE_ARCHIVED, STATE_DESTROYED};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        if (strcmp(name, sandbox_state_name(allowed[i])) != 0) continue;
        *state = allowed[i];
        return true;
    }
    return false;
}

/* [lock] As if something outside had done it: the agent ends at once, then the state is what was asked for.
 */
static void force(struct sandbox *sandbox, enum sandbox_state state, struct json_object *body)
{
    struct json_object *reason = json_object_object_get(body, "errorReason");
    if (state == STATE_DESTROYED)
        sandbox_begin_delete(sandbox, 0);
    else
        sandbox_begin_stop(sandbox, 0);
    sandbox->after = state;
    mem_free_text(&sandbox->error_reason);
    sandbox->error_reason = mem_copy(reason != NULL ? json_object_get_string(reason) : "forced by a test");
    sandbox->recoverable = json_object_get_boolean(json_object_object_get(body, "recoverable"));
}

static void force_and_wait(struct request *request, struct sandbox *sandbox, enum sandbox_state state,
                           struct json_object *body)
{
    struct registry *registry = &request->standin->registry;
    force(sandbox, state, body);
    registry_hold(sandbox);
    registry_wake(registry);
    registry_wait(registry, sandbox, clock_ms() + 30000);
    reply_json(request, 200, sandbox_to_json(sandbox));
    registry_release(registry, sandbox);
}

/* PUT /_standin/sandboxes/{id} {"state":"error","errorReason":"...","recoverable":true} */
void control_sandbox(struct request *request)
{
    struct json_object *body = request_json(request);
    enum sandbox_state state;
    if (body == NULL) return;
    struct json_object *name = json_object_object_get(body, "state");
    registry_lock(&request->standin->registry);
    struct sandbox *sandbox = registry_find(&request->standin->registry, request->argument);
    if (sandbox == NULL)
        reply_api_error(request, 404, "no sandbox %.200s", request->argument);
    else if (name == NULL || !state_by_name(json_object_get_string(name), &state))
        reply_api_error(request, 400, "state is error, stopped, archived or destroyed");
    else if (sandbox_in_transition(sandbox))
        reply_api_error(request, 409, "the sandbox is in transition");
    else
        force_and_wait(request, sandbox, state, body);
    registry_unlock(&request->standin->registry);
    json_object_put(body);
}
