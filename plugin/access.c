#include "access.h"

#include "base/clock.h"
#include "base/str.h"
#include "create.h"
#include "daytona/errors.h"
#include "daytona/wire.h"
#include "lifecycle.h"

/* How long a daemon may take to listen after its sandbox is said to be started. */
#define DAEMON_WAIT_MS 30000

/* Who refuses for the state of a sandbox does so at once. */
#define AT_ONCE_MS 1000

int access_init(struct access *access, struct op *op, eep_str lease, struct err *err)
{
    *access = (struct access){.op = op, .lease = lease};
    TRY(wire_check_id(lease, err));
    access->facts = facts_get(&op->env->cache, lease);
    return EEP_OK;
}

void access_finish(struct access *access)
{
    facts_release(&access->facts);
}

/* -- Where it is ------------------------------------------------------------------------------- */

static int toolbox_base_of(struct access *access, const struct sandbox *sandbox, struct buf *base,
                           struct err *err)
{
    CLEANUP(buf_finish) struct buf url = BUF_INIT(2048);
    struct daytona *client = &access->op->env->client;
    if (!str_empty(sandbox->toolbox_proxy_url))
        return toolbox_base(client, sandbox->toolbox_proxy_url, sandbox->id, base, err);
    TRY(sandboxes_toolbox_url(client, sandbox->id, &access->op->wait, &url, err));
    return toolbox_base(client, buf_str(&url), sandbox->id, base, err);
}

int access_remember(struct access *access, const struct facts *known, struct err *err)
{
    struct facts *fresh = NULL;
    TRY(facts_put(&access->op->env->cache, known, &fresh, err));
    facts_release(&access->facts);
    access->facts = fresh;
    return EEP_OK;
}

int access_learn(struct access *access, const struct sandbox *sandbox, struct err *err)
{
    CLEANUP(buf_finish) struct buf base = BUF_INIT(4096);
    struct facts known = facts_strings(access->facts);
    str_copy(access->updated, sizeof access->updated, sandbox->updated_at);
    env_note_organization(access->op->env, sandbox->organization);
    TRY(toolbox_base_of(access, sandbox, &base, err));
    known.lease = access->lease;
    known.toolbox = buf_str(&base);
    known.identity = sandbox_label(sandbox, LABEL_IDENTITY);
    return access_remember(access, &known, err);
}

/* Shall a sandbox that does not run be left so? One that is paused has kept its processes. */
static bool stays_at_rest(const struct access *access, const struct sandbox *sandbox)
{
    bool paused = sandbox_state_code(sandbox->state) == EEP_STATE_PAUSED;
    bool stopped = sandbox->phase == PHASE_RESTING || sandbox->phase == PHASE_FAILED ||
                   str_is(sandbox->state, "stopping");
    return access->at_rest != EEP_OK && stopped && !(paused && access->at_rest == EEP_E_INTERRUPTED);
}

static int leave_at_rest(const struct access *access, const struct sandbox *sandbox, struct err *err)
{
    err_set(err, access->at_rest, "lease %.*s is %.*s, %s", (int)access->lease.len, access->lease.ptr,
            (int)sandbox->state.len, sandbox->state.ptr,
            access->at_rest == EEP_E_CONFLICT ? "and the request says not to start it"
                                              : "so what ran in it has ended: outcome unknown");
    str_copy(err->lease, sizeof err->lease, access->lease);
    return err->code;
}

/* To wait for a sandbox is work, whatever grace there is: only what runs in it may need that. */
static int start_in_time(struct access *access, struct sandbox *sandbox, struct err *err)
{
    struct op *op = access->op;
    int64_t outer = op->wait.deadline;
    bool runs = op->undoing || access->at_rest == EEP_E_INTERRUPTED;
    if (!runs && op->deadline < outer) op->wait.deadline = op->deadline;
    int status = lifecycle_start(op, access->lease, sandbox, &access->started, err);
    op->wait.deadline = outer;
    access->stuck = status == EEP_E_DEADLINE;
    return status;
}

/* Brings a sandbox that is not running back to life. */
static int revive(struct access *access, struct sandbox *sandbox, struct err *err)
{
    if (stays_at_rest(access, sandbox)) return leave_at_rest(access, sandbox, err);
    op_log(access->op, EEP_LOG_INFO, "lease %.*s is %.*s: starting it", (int)access->lease.len,
           access->lease.ptr, (int)sandbox->state.len, sandbox->state.ptr);
    TRY(start_in_time(access, sandbox, err));
    return access_learn(access, sandbox, err);
}

static int forget(struct access *access, int status)
{
    if (status == EEP_E_LEASE_LOST) facts_drop(&access->op->env->cache, access->lease);
    return status;
}

int access_look(struct access *access, struct sandbox *sandbox, struct err *err)
{
    TRY(forget(access, lifecycle_get(access->op, access->lease, sandbox, err)));
    if (sandbox->phase == PHASE_STARTED) return access_learn(access, sandbox, err);
    return forget(access, revive(access, sandbox, err));
}

int access_locate(struct access *access, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    return access->facts ? EEP_OK : access_look(access, &sandbox, err);
}

/* -- What to do about a failed call ------------------------------------------------------------ */

/* The time ran out in a pause, or in or before a look. (A call that was sent may be answered: that is another matter.) */
static int in_vain(const struct recovery *recovery, struct err *err)
{
    const struct err *why = &recovery->retry.why;
    uint32_t answered = err->flags & (EEP_ERROR_FROM_SERVICE | EEP_ERROR_MAYBE_APPLIED);
    if (err->code != EEP_E_DEADLINE || answered || !recovery->what) return err->code;
    if (why->code == EEP_E_UNAUTHENTICATED) *err = *why;
    return err_prefix(err, "the sandbox is started, but %s (%.100s)", recovery->what, why->message);
}

/* EEP_OK = again after a pause, while there is hope. */
static int wait_for_hope(struct access *access, struct recovery *recovery, int64_t *deadline, int64_t ms,
                         const char *what, const struct err *failure, struct err *err)
{
    int64_t now = clock_now_ms();
    if (*deadline == 0) *deadline = now + ms;
    if (now < *deadline) {
        recovery->what = what;
        recovery->retry.why = *failure;
        if (retry_poll(access->op, &recovery->retry, err) == EEP_OK) return EEP_OK;
        return in_vain(recovery, err);
    }
    *err = *failure;
    if (err->code != EEP_E_UNAUTHENTICATED) err->code = EEP_E_SANDBOX;
    err_flag(err, EEP_ERROR_RETRYABLE);
    return err_prefix(err, "the sandbox is started, but for %lld s %s", (long long)ms / 1000, what);
}

/* The sandbox runs, yet its toolbox refuses: a daemon that is still coming up is waited for, and so is a proxy that has
 * not noticed yet; anything else gets one more chance. */
static int retry_started(struct access *access, struct recovery *recovery, const struct err *failure,
                         struct err *err)
{
    if (failure->http_status >= 500)
        return wait_for_hope(access, recovery, &recovery->daemon_deadline, DAEMON_WAIT_MS,
                             "the daemon in it does not answer", failure, err);
    if (error_is_no_way_in(failure))
        return wait_for_hope(access, recovery, &recovery->stale_deadline, LIFECYCLE_STALE_MS,
                             "the way into it says that it is not", failure, err);
    if (!recovery->looked) {
        recovery->looked = true;
        return EEP_OK;
    }
    *err = *failure;
    if (err->code == EEP_E_INVALID_ARGUMENT)
        err->code = EEP_E_SANDBOX; /* the request is ours, not the host's */
    return err->code;
}

/* EEP_OK = make the call again. */
static int recover(struct access *access, struct recovery *recovery, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct err failure = *err;
    if (forget(access, lifecycle_get(access->op, access->lease, &sandbox, err)) != EEP_OK)
        return in_vain(recovery, err);
    if (sandbox.phase != PHASE_STARTED) {
        recovery->what = NULL;
        return forget(access, revive(access, &sandbox, err));
    }
    TRY(access_learn(access, &sandbox, err));
    return retry_started(access, recovery, &failure, err);
}

/* Is this failure one that the sandbox's state explains? 408 is an answer of its own. */
static bool worth_a_look(const struct err *err)
{
    return (err->flags & EEP_ERROR_FROM_SERVICE) && error_calls_for_state(err->http_status);
}

/* -- The calls --------------------------------------------------------------------------------- */

/* One request to the toolbox; ctx is one of the structs below. */
typedef int (*toolbox_call)(struct access *access, void *ctx, struct err *err);

static int try_call(struct access *access, struct recovery *recovery, toolbox_call call, void *ctx,
                    bool *again, struct err *err)
{
    *again = false;
    TRY(access_locate(access, err));
    if (call(access, ctx, err) == EEP_OK) return EEP_OK;
    if (!worth_a_look(err)) return in_vain(recovery, err);
    TRY(recover(access, recovery, err));
    *again = true;
    return EEP_OK;
}

static int with_recovery(struct access *access, toolbox_call call, void *ctx, struct err *err)
{
    struct recovery recovery = RECOVERY_INIT;
    for (bool again = true; again;)
        TRY(try_call(access, &recovery, call, ctx, &again, err));
    return EEP_OK;
}

struct execute_call {
    eep_str text;
    unsigned window_s;
    struct toolbox_execution *execution;
};

/* A gateway that has waited for long and gives up says 502 to 504, too: that is not about the sandbox. */
static bool was_cut(const struct access *access, int64_t took_ms, const struct err *err)
{
    return err->http_status >= 502 && err->http_status <= 504 && took_ms >= AT_ONCE_MS &&
           took_ms < access->window_ms;
}

static int call_execute_route(struct access *access, void *ctx, struct err *err)
{
    const struct execute_call *call = ctx;
    int64_t begin = clock_now_ms();
    int status = toolbox_execute(&access->op->env->client, access->facts->toolbox, call->text, call->window_s,
                                 &access->op->wait, call->execution, err);
    if (status != EEP_OK && was_cut(access, clock_now_ms() - begin, err))
        err->flags &= ~EEP_ERROR_FROM_SERVICE;
    return status;
}

int access_execute(struct access *access, eep_str text, unsigned window_s,
                   struct toolbox_execution *execution, struct err *err)
{
    struct execute_call call = {text, window_s, execution};
    return with_recovery(access, call_execute_route, &call, err);
}

int access_try_execute(struct access *access, struct recovery *recovery, eep_str text, unsigned window_s,
                       struct toolbox_execution *execution, bool *again, struct err *err)
{
    struct execute_call call = {text, window_s, execution};
    return try_call(access, recovery, call_execute_route, &call, again, err);
}

struct upload_call {
    const struct toolbox_file *files;
    size_t count;
};

static int call_upload_route(struct access *access, void *ctx, struct err *err)
{
    const struct upload_call *call = ctx;
    return toolbox_upload(&access->op->env->client, access->facts->toolbox, call->files, call->count,
                          &access->op->wait, err);
}

int access_upload(struct access *access, const struct toolbox_file *files, size_t count, struct err *err)
{
    struct upload_call call = {files, count};
    return with_recovery(access, call_upload_route, &call, err);
}

struct download_call {
    eep_str path;
    uint64_t offset;
    size_t len;
    struct buf *out;
};

static int call_download_route(struct access *access, void *ctx, struct err *err)
{
    const struct download_call *call = ctx;
    return toolbox_download(&access->op->env->client, access->facts->toolbox, call->path, call->offset,
                            call->len, &access->op->wait, call->out, err);
}

int access_download(struct access *access, eep_str path, uint64_t offset, size_t len, struct buf *out,
                    struct err *err)
{
    struct download_call call = {path, offset, len, out};
    return with_recovery(access, call_download_route, &call, err);
}
