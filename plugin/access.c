#include "access.h"

#include "base/clock.h"
#include "base/str.h"
#include "create.h"
#include "daytona/errors.h"
#include "daytona/wire.h"
#include "lifecycle.h"

/* How long a daemon may take to listen after its sandbox is said to be started. */
#define DAEMON_WAIT_MS 30000
#define DAEMON_POLL_MS 100

int access_init(struct access *access, struct op *op, eep_str lease, struct err *err)
{
    *access = (struct access){.op = op, .lease = lease};
    if (!wire_is_id(lease))
        return err_set(
            err, EEP_E_INVALID_ARGUMENT,
            "this is no lease of this plugin: a lease is 1 to %u characters of A-Z a-z 0-9 _ . -, and begins "
            "with a letter or digit",
            EEP_LEASE_MAX);
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

int access_learn(struct access *access, const struct sandbox *sandbox, struct err *err)
{
    CLEANUP(buf_finish) struct buf base = BUF_INIT(4096);
    struct facts known = facts_strings(access->facts);
    TRY(toolbox_base_of(access, sandbox, &base, err));
    known.lease = access->lease;
    known.toolbox = buf_str(&base);
    known.identity = sandbox_label(sandbox, LABEL_IDENTITY);
    struct facts *fresh = NULL;
    TRY(facts_put(&access->op->env->cache, &known, &fresh, err));
    facts_release(&access->facts);
    access->facts = fresh;
    return EEP_OK;
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

/* Brings a sandbox that is not running back to life. */
static int revive(struct access *access, struct sandbox *sandbox, struct err *err)
{
    if (stays_at_rest(access, sandbox)) return leave_at_rest(access, sandbox, err);
    op_log(access->op, EEP_LOG_INFO, "lease %.*s is %.*s: starting it", (int)access->lease.len,
           access->lease.ptr, (int)sandbox->state.len, sandbox->state.ptr);
    access->started = true;
    TRY(lifecycle_start(access->op, access->lease, sandbox, &access->started, err));
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

struct recovery {
    int64_t daemon_deadline; /* 0 = not waiting for a daemon */
    bool looked;             /* the state has been looked at and was "started" */
};

/* The sandbox runs, yet its toolbox refuses: a daemon that is still coming up is waited for; an address or a
 * token that the proxy has not noticed yet gets one more chance. */
static int retry_started(struct access *access, struct recovery *recovery, const struct err *failure,
                         struct err *err)
{
    int64_t now = clock_now_ms();
    if (failure->http_status >= 500) {
        if (recovery->daemon_deadline == 0) recovery->daemon_deadline = now + DAEMON_WAIT_MS;
        if (now < recovery->daemon_deadline) {
            if (op_sleep(access->op, DAEMON_POLL_MS, err) == EEP_OK) return EEP_OK;
            return err_prefix(err, "the sandbox is started, but the daemon in it does not answer");
        }
        *err = *failure;
        err->code = EEP_E_SANDBOX;
        return err_prefix(err, "the sandbox is started, but the daemon in it has not answered for %d s",
                          DAEMON_WAIT_MS / 1000);
    }
    if (!recovery->looked) {
        recovery->looked = true;
        return EEP_OK;
    }
    *err = *failure;
    return err->code;
}

/* EEP_OK = make the call again. */
static int recover(struct access *access, struct recovery *recovery, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct err failure = *err;
    TRY(forget(access, lifecycle_get(access->op, access->lease, &sandbox, err)));
    if (sandbox.phase != PHASE_STARTED) return forget(access, revive(access, &sandbox, err));
    TRY(access_learn(access, &sandbox, err));
    return retry_started(access, recovery, &failure, err);
}

/* Is this failure one that the sandbox's state explains? 408 is an answer of its own. */
static bool worth_a_look(const struct err *err)
{
    return (err->flags & EEP_ERROR_FROM_SERVICE) && error_calls_for_state(err->http_status);
}

/* -- The calls --------------------------------------------------------------------------------- */

int access_execute(struct access *access, eep_str text, unsigned window_s,
                   struct toolbox_execution *execution, struct err *err)
{
    struct recovery recovery = {0};
    TRY(access_locate(access, err));
    for (;;) {
        int status = toolbox_execute(&access->op->env->client, access->facts->toolbox, text, window_s,
                                     &access->op->wait, execution, err);
        if (status == EEP_OK || !worth_a_look(err)) return status;
        TRY(recover(access, &recovery, err));
    }
}

int access_upload(struct access *access, const struct toolbox_file *files, size_t count, struct err *err)
{
    struct recovery recovery = {0};
    TRY(access_locate(access, err));
    for (;;) {
        int status = toolbox_upload(&access->op->env->client, access->facts->toolbox, files, count,
                                    &access->op->wait, err);
        if (status == EEP_OK || !worth_a_look(err)) return status;
        TRY(recover(access, &recovery, err));
    }
}

int access_download(struct access *access, eep_str path, uint64_t offset, size_t len, struct buf *out,
                    struct err *err)
{
    struct recovery recovery = {0};
    TRY(access_locate(access, err));
    for (;;) {
        int status = toolbox_download(&access->op->env->client, access->facts->toolbox, path, offset, len,
                                      &access->op->wait, out, err);
        if (status == EEP_OK || !worth_a_look(err)) return status;
        TRY(recover(access, &recovery, err));
    }
}
