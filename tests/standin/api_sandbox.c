/* api_sandbox.c: get, start, stop, delete, archive, recover (protocol 5, 6). */
#include "api_sandbox.h"

#include "clock.h"
#include "handlers.h"
#include "mem.h"

#include <string.h>

enum { WORK_MS = 30000 }; /* longest wait for work that should take no time */

static void reply_not_found(struct request *request)
{
    reply_api_error(request, 404, "Sandbox with ID or name %.200s not found", request->argument);
}

struct sandbox *api_find(struct request *request)
{
    struct sandbox *sandbox = registry_find(&request->standin->registry, request->argument);
    if (sandbox == NULL)
        reply_not_found(request);
    else
        request->sandbox_id = mem_copy(sandbox->id);
    return sandbox;
}

/* A transition was begun: it may meet a fault, and the keeper goes to work. */
static void begun(struct request *request, struct sandbox *sandbox)
{
    fault_befall(&request->fault, sandbox);
    registry_changed(&request->standin->registry, sandbox);
    registry_wake(&request->standin->registry);
}

static int time_for(const struct request *request, int usual_ms)
{
    return fault_transition_ms(&request->fault, usual_ms);
}

void api_reply_started(struct request *request, struct sandbox *sandbox, int transition_ms, bool is_create)
{
    struct registry *registry = &request->standin->registry;
    bool is_quick_to_answer = sandbox->state == STATE_RESTORING || sandbox->state == STATE_PENDING_BUILD;
    int hold_ms =
        request->fault.hold_ms > 0 ? request->fault.hold_ms : request->standin->options.create_blocks_ms;
    int blocks_ms = is_quick_to_answer ? 0 : hold_ms;
    int wait_ms = blocks_ms > 0 ? blocks_ms : transition_ms == 0 ? WORK_MS : 0;
    struct json_object *before = sandbox_to_json(sandbox);
    begun(request, sandbox);
    registry_hold(sandbox);
    registry_wait(registry, sandbox, clock_ms() + wait_ms);
    if (sandbox_is_failed(sandbox))
        reply_api_error(request, 400, "Sandbox failed to start: %.300s", sandbox->error_reason);
    else
        reply_json(request, 200,
                   is_create && blocks_ms > 0 ? json_object_get(before) : sandbox_to_json(sandbox));
    registry_release(registry, sandbox);
    json_object_put(before);
}

/* For transitions whose answer never waits in the service. Without a transition time the work is finished
 * first, so that a client's next look sees the end of it; the state shown is the one at the beginning all the
 * same. */
static void reply_begun(struct request *request, struct sandbox *sandbox, int transition_ms)
{
    struct json_object *before = sandbox_to_json(sandbox);
    begun(request, sandbox);
    registry_hold(sandbox);
    if (transition_ms == 0) registry_wait(&request->standin->registry, sandbox, clock_ms() + WORK_MS);
    registry_release(&request->standin->registry, sandbox);
    reply_json(request, 200, before);
}

int api_interval(const char *field, int minutes)
{
    if (strcmp(field, "autoArchiveInterval") != 0) return minutes;
    return minutes == 0 || minutes > MAX_AUTO_ARCHIVE ? MAX_AUTO_ARCHIVE : minutes;
}

static void refuse_transition(struct request *request)
{
    reply_api_error(request, 409, "Sandbox state change in progress");
}

static void refuse_failed(struct request *request)
{
    reply_api_error(request, 400, "Sandbox is in an errored state");
}

static void get(struct request *request, struct sandbox *sandbox)
{
    reply_json(request, 200, sandbox_to_json(sandbox));
}

static void start_from(struct request *request, struct sandbox *sandbox, enum sandbox_state shown,
                       int usual_ms)
{
    int ms = time_for(request, usual_ms);
    sandbox_begin_start(sandbox, shown, ms);
    api_reply_started(request, sandbox, ms, false);
}

/* A start takes cores and memory like a create. */
static bool has_room_to_start(struct request *request, struct sandbox *sandbox)
{
    const struct options *options = &request->standin->options;
    struct fail why;
    if (quota_check(&options->quota, &options->sandbox_quota, &request->standin->registry, sandbox->fields,
                    sandbox, &why) == 0)
        return true;
    reply_api_error(request, 400, "%s", why.text);
    return false;
}

/* Start is allowed while archiving, and from an archive it takes the restore time (protocol 5). */
static void start(struct request *request, struct sandbox *sandbox)
{
    const struct transition_times *times = &request->standin->options.times;
    bool from_archive = sandbox->state == STATE_ARCHIVED || sandbox->state == STATE_ARCHIVING;
    if (sandbox->state == STATE_STARTED)
        get(request, sandbox);
    else if (sandbox_is_failed(sandbox))
        refuse_failed(request);
    else if (sandbox_in_transition(sandbox) && !(from_archive && sandbox->after == STATE_ARCHIVED))
        refuse_transition(request);
    else if (!has_room_to_start(request, sandbox))
        return;
    else if (from_archive)
        start_from(request, sandbox, STATE_RESTORING, times->restore_ms);
    else
        start_from(request, sandbox, sandbox->state == STATE_PAUSED ? STATE_RESUMING : STATE_STARTING,
                   times->start_ms);
}

static bool is_boolean(const char *text)
{
    return text == NULL || strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
}

static void delete_now(struct request *request, struct sandbox *sandbox)
{
    int ms = time_for(request, request->standin->options.times.remove_ms);
    sandbox_begin_delete(sandbox, ms);
    reply_begun(request, sandbox, ms);
}

static void stop(struct request *request, struct sandbox *sandbox)
{
    int ms = time_for(request, request->standin->options.times.stop_ms);
    if (!is_boolean(url_query(&request->url, "force"))) {
        reply_api_error(request, 400, "Validation failed (boolean string is expected)");
    } else if (sandbox_is_failed(sandbox)) {
        refuse_failed(request);
    } else if (sandbox_in_transition(sandbox)) {
        refuse_transition(request);
    } else if (sandbox->state != STATE_STARTED && sandbox->state != STATE_PAUSED) {
        reply_api_error(request, 400, "Sandbox is not in a stoppable state");
    } else if (sandbox_is_ephemeral(sandbox)) {
        delete_now(request, sandbox);
    } else {
        sandbox_begin_stop(sandbox, ms);
        reply_begun(request, sandbox, ms);
    }
}

/* Archiving is no pending operation for the service, and neither is a build that waits for a runner. */
static void delete (struct request *request, struct sandbox *sandbox)
{
    bool may_interrupt = sandbox->state == STATE_PENDING_BUILD || sandbox->state == STATE_ARCHIVING;
    if (sandbox_in_transition(sandbox) && !(may_interrupt && sandbox->after != STATE_DESTROYED))
        refuse_transition(request);
    else
        delete_now(request, sandbox);
}

static void archive(struct request *request, struct sandbox *sandbox)
{
    int ms = time_for(request, request->standin->options.times.archive_ms);
    if (sandbox_is_failed(sandbox)) {
        refuse_failed(request);
    } else if (sandbox_in_transition(sandbox)) {
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
    const char *skip_start = url_query(&request->url, "skipStart");
    if (!is_boolean(skip_start)) {
        reply_api_error(request, 400, "Validation failed (boolean string is expected)");
    } else if (!sandbox->recoverable) {
        reply_api_error(request, 400, "Sandbox is not in a recoverable state");
    } else if (sandbox->state != STATE_ERROR) {
        reply_api_error(request, 400, "Sandbox must be in error state to recover");
    } else if (skip_start != NULL && strcmp(skip_start, "true") == 0) {
        sandbox_settle(sandbox, STATE_STOPPED);
        sandbox->recoverable = false;
        registry_changed(&request->standin->registry, sandbox);
        get(request, sandbox);
    } else {
        start_from(request, sandbox, STATE_STARTING, request->standin->options.times.start_ms);
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

/* As of then: what was there under that id or name. An id that somebody knows is of something that was there, as
 * the service's memory of it is made by looking. */
static struct json_object *view_of(struct sandbox *first, const char *id_or_name, struct moment then)
{
    for (struct sandbox *at = first; at != NULL; at = at->next) {
        bool by_id = strcmp(at->id, id_or_name) == 0;
        struct json_object *view = by_id ? history_near(&at->history, then) : history_at(&at->history, then);
        const char *name = json_object_get_string(json_object_object_get(view, "name"));
        if (view != NULL && (by_id || strcmp(name, id_or_name) == 0)) return view;
    }
    return NULL;
}

static void get_stale(struct request *request)
{
    struct registry *registry = &request->standin->registry;
    struct moment then = fault_moment(&request->fault, atomic_load(&registry->requests));
    registry_lock(registry);
    struct json_object *copy = NULL, *view = view_of(registry->first, request->argument, then);
    if (view == NULL) view = view_of(registry->gone, request->argument, then);
    if (view == NULL)
        reply_not_found(request);
    else if (json_object_deep_copy(view, &copy, NULL) == 0)
        reply_json(request, 200, copy);
    registry_unlock(registry);
}

void api_get(struct request *request)
{
    if (fault_is_stale(&request->fault))
        get_stale(request);
    else
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
