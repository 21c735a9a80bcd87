/* api_sandbox.c: get, start, stop, delete, archive, recover (protocol 5, 6). */
#include "api_sandbox.h"

#include "clock.h"
#include "handlers.h"
#include "mem.h"

#include <string.h>

enum { WORK_MS = 30000 }; /* longest wait for work that should take no time */

struct sandbox *api_find(struct request *request)
{
    struct sandbox *sandbox = registry_find(&request->standin->registry, request->argument);
    if (sandbox == NULL)
        reply_api_error(request, 404, "Sandbox with ID or name %.200s not found", request->argument);
    else
        request->sandbox_id = mem_copy(sandbox->id);
    return sandbox;
}

static void begun(struct request *request)
{
    registry_wake(&request->standin->registry);
}

void api_reply_started(struct request *request, struct sandbox *sandbox, int transition_ms)
{
    struct registry *registry = &request->standin->registry;
    bool is_quick_to_answer = sandbox->state == STATE_RESTORING || sandbox->state == STATE_PENDING_BUILD;
    int blocks_ms = is_quick_to_answer ? 0 : request->standin->options.create_blocks_ms;
    int wait_ms = blocks_ms > 0 ? blocks_ms : transition_ms == 0 ? WORK_MS : 0;
    struct json_object *before = sandbox_to_json(sandbox);
    begun(request);
    registry_hold(sandbox);
    registry_wait(registry, sandbox, clock_ms() + wait_ms);
    if (sandbox->state == STATE_ERROR)
        reply_api_error(request, 400, "Sandbox failed to start: %.300s", sandbox->error_reason);
    else
        reply_json(request, 200, blocks_ms > 0 ? json_object_get(before) : sandbox_to_json(sandbox));
    registry_release(registry, sandbox);
    json_object_put(before);
}

/* For transitions whose answer never waits in the service. Without a transition time the work is finished
 * first, so that a client's next look sees the end of it; the state shown is the one at the beginning all the
 * same. */
static void reply_begun(struct request *request, struct sandbox *sandbox, int transition_ms)
{
    struct json_object *before = sandbox_to_json(sandbox);
    begun(request);
    registry_hold(sandbox);
    if (transition_ms == 0) registry_wait(&request->standin->registry, sandbox, clock_ms() + WORK_MS);
    registry_release(&request->standin->registry, sandbox);
    reply_json(request, 200, before);
}

static void refuse_transition(struct request *request)
{
    reply_api_error(request, 409, "Sandbox state change in progress");
}

static void get(struct request *request, struct sandbox *sandbox)
{
    reply_json(request, 200, sandbox_to_json(sandbox));
}

/* Start is allowed while archiving, and from an archive it takes the restore time (protocol 5). */
static void start(struct request *request, struct sandbox *sandbox)
{
    const struct transition_times *times = &request->standin->options.times;
    bool from_archive = sandbox->state == STATE_ARCHIVED || sandbox->state == STATE_ARCHIVING;
    int ms = from_archive ? times->restore_ms : times->start_ms;
    if (sandbox->state == STATE_STARTED) {
        get(request, sandbox);
    } else if (sandbox_in_transition(sandbox) && !from_archive) {
        refuse_transition(request);
    } else if (sandbox->state == STATE_ERROR) {
        reply_api_error(request, 400, "Sandbox is in an errored state");
    } else {
        sandbox_begin_start(sandbox, from_archive ? STATE_RESTORING : STATE_STARTING, ms);
        api_reply_started(request, sandbox, ms);
    }
}

static void stop(struct request *request, struct sandbox *sandbox)
{
    const struct transition_times *times = &request->standin->options.times;
    const char *force = url_query(&request->url, "force");
    if (force != NULL && strcmp(force, "true") != 0 && strcmp(force, "false") != 0) {
        reply_api_error(request, 400, "Validation failed (boolean string is expected)");
    } else if (sandbox_in_transition(sandbox)) {
        refuse_transition(request);
    } else if (sandbox->state == STATE_ERROR) {
        reply_api_error(request, 400, "Sandbox is in an errored state");
    } else if (sandbox->state != STATE_STARTED) {
        reply_api_error(request, 400, "Sandbox is not in a stoppable state");
    } else if (sandbox_is_ephemeral(sandbox)) {
        sandbox_begin_delete(sandbox, times->remove_ms);
        reply_begun(request, sandbox, times->remove_ms);
    } else {
        sandbox_begin_stop(sandbox, times->stop_ms);
        reply_begun(request, sandbox, times->stop_ms);
    }
}

static void delete (struct request *request, struct sandbox *sandbox)
{
    int ms = request->standin->options.times.remove_ms;
    if (sandbox_in_transition(sandbox) && sandbox->state != STATE_PENDING_BUILD) {
        refuse_transition(request);
        return;
    }
    sandbox_begin_delete(sandbox, ms);
    reply_begun(request, sandbox, ms);
}

static void archive(struct request *request, struct sandbox *sandbox)
{
    int ms = request->standin->options.times.archive_ms;
    if (sandbox_in_transition(sandbox)) {
        refuse_transition(request);
    } else if (sandbox->state != STATE_STOPPED) {
        reply_api_error(request, 400, "Sandbox is not stopped");
    } else if (sandbox_is_ephemeral(sandbox)) {
        reply_api_error(request, 400, "Ephemeral sandboxes cannot be archived");
    } else {
        sandbox_begin_archive(sandbox, ms);
        reply_begun(request, sandbox, ms);
    }
}

static void recover(struct request *request, struct sandbox *sandbox)
{
    int ms = request->standin->options.times.start_ms;
    const char *skip_start = url_query(&request->url, "skipStart");
    if (sandbox_in_transition(sandbox)) {
        refuse_transition(request);
    } else if (sandbox->state != STATE_ERROR || !sandbox->recoverable) {
        reply_api_error(request, 400, "Sandbox is not in a recoverable error state");
    } else if (skip_start != NULL && strcmp(skip_start, "true") == 0) {
        sandbox_settle(sandbox, STATE_STOPPED);
        get(request, sandbox);
    } else {
        sandbox_begin_start(sandbox, STATE_STARTING, ms);
        api_reply_started(request, sandbox, ms);
    }
}

static void vm_only(struct request *request, struct sandbox *sandbox)
{
    (void)sandbox;
    bool pause = strcmp(request->url.segments[3], "pause") == 0;
    reply_api_error(request, 422, "%s is not supported for this sandbox", pause ? "Pausing" : "Forking");
}

static void with_sandbox(struct request *request, void (*action)(struct request *, struct sandbox *))
{
    registry_lock(&request->standin->registry);
    struct sandbox *sandbox = api_find(request);
    if (sandbox != NULL) action(request, sandbox);
    registry_unlock(&request->standin->registry);
}

void api_get(struct request *request)
{
    with_sandbox(request, get);
}

void api_start(struct request *request)
{
    with_sandbox(request, start);
}

void api_stop(struct request *request)
{
    with_sandbox(request, stop);
}

void api_delete(struct request *request)
{
    with_sandbox(request, delete);
}

void api_archive(struct request *request)
{
    with_sandbox(request, archive);
}

void api_recover(struct request *request)
{
    with_sandbox(request, recover);
}

void api_vm_only(struct request *request)
{
    with_sandbox(request, vm_only);
}
