#include "lifecycle.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "retry.h"

/* A sandbox that fails again after it was recovered will do so for ever. */
#define RECOVERIES_MAX 2

/* -- Looking ----------------------------------------------------------------------------------- */

static int lease_lost(eep_str lease, const char *why, struct err *err)
{
    uint32_t flags = err->flags & EEP_ERROR_FROM_SERVICE;
    int http_status = err->http_status;
    err_set(err, EEP_E_LEASE_LOST,
            "lease %.*s is gone: %s. If it should exist, check that apiKey belongs to the organization that "
            "made it",
            (int)lease.len, lease.ptr, why);
    err->http_status = http_status;
    str_copy(err->lease, sizeof err->lease, lease);
    return err_flag(err, flags);
}

int lifecycle_get(struct op *op, eep_str lease, struct sandbox *sandbox, struct err *err)
{
    struct retry retry = RETRY_INIT;
    int status;
    while ((status = sandboxes_get(&op->env->client, lease, &op->wait, sandbox, err)) != EEP_OK) {
        if (status == EEP_E_NOT_FOUND) return lease_lost(lease, "the service does not know it", err);
        if (!retry_is_passing(err)) return retry_give_up(op, &retry, err);
        TRY(retry_wait(op, &retry, err));
    }
    return EEP_OK;
}

int lifecycle_refresh(struct op *op, eep_str lease, struct sandbox *sandbox, struct err *err)
{
    struct sandbox fresh = {0};
    int status = lifecycle_get(op, lease, &fresh, err);
    if (status != EEP_OK) {
        sandbox_finish(&fresh);
        return status;
    }
    sandbox_finish(sandbox);
    *sandbox = fresh;
    return EEP_OK;
}

int lifecycle_failed_state(const struct sandbox *sandbox, struct err *err)
{
    eep_str reason =
        str_empty(sandbox->error_reason) ? STR("the service gives no reason") : sandbox->error_reason;
    err_set(err, EEP_E_SANDBOX, "the sandbox is in state %.*s: %.*s", (int)sandbox->state.len,
            sandbox->state.ptr, (int)reason.len, reason.ptr);
    str_copy(err->lease, sizeof err->lease, sandbox->id);
    return err_flag(err, EEP_ERROR_FROM_SERVICE);
}

int lifecycle_ran_out(const struct op *op, eep_str lease, eep_str state, const char *goal, struct err *err)
{
    if (err->code != EEP_E_DEADLINE) return err->code;
    bool known = sandbox_state_code(state) != EEP_STATE_UNKNOWN;
    err_set(err, EEP_E_DEADLINE,
            "the sandbox was still in %sstate %.*s, not %s, after %u ms: raise the timeout",
            str_empty(state) ? "a state that the service does not tell"
            : known          ? ""
                             : "the unknown ",
            (int)state.len, state.ptr ? state.ptr : "", goal, op->timeout_ms);
    str_copy(err->lease, sizeof err->lease, lease);
    return err_flag(err, EEP_ERROR_RETRYABLE);
}

int lifecycle_refused(const struct err *refusal, struct err *err)
{
    *err = *refusal;
    if (err->code != EEP_E_INVALID_ARGUMENT) return err->code;
    err->code = EEP_E_CONFLICT;
    return err_flag(err, EEP_ERROR_RETRYABLE);
}

/* -- Starting ---------------------------------------------------------------------------------- */

struct rising {
    struct op *op;
    eep_str lease;
    struct sandbox *sandbox; /* as last described */
    struct retry retry;
    const char *action;  /* last ordered; NULL = none */
    int recoveries;      /* accepted ones */
    bool passive;        /* only wait */
    bool started;        /* an order had something to do */
    struct err refusal;  /* what was said to the last order; code EEP_OK = it was accepted */
    int64_t stale_until; /* the service contradicts itself; 0 = it does not */
};

static int timed_out(const struct rising *rising, struct err *err)
{
    return lifecycle_ran_out(rising->op, rising->lease, rising->sandbox->state, "started", err);
}

static int look(struct rising *rising, struct err *err)
{
    int status = lifecycle_refresh(rising->op, rising->lease, rising->sandbox, err);
    return status == EEP_OK ? EEP_OK : timed_out(rising, err);
}

static int look_later(struct rising *rising, struct err *err)
{
    if (retry_poll(rising->op, &rising->retry, err) != EEP_OK) return timed_out(rising, err);
    return look(rising, err);
}

/* The service refuses: what the state is now decides what that means. A transition (409) may end at any moment. */
static int refused(struct rising *rising, struct err *err)
{
    rising->refusal = *err;
    return err->code == EEP_E_CONFLICT && rising->sandbox->tree ? look_later(rising, err) : look(rising, err);
}

/* Starting twice is starting once, so a lost answer is no trouble. An accepted order is looked after at once: its
 * answer may have been held for 30 s and tell the state from before (protocol 4.2). */
static int order(struct rising *rising, const char *action, struct err *err)
{
    struct op *op = rising->op;
    bool rested = rising->sandbox->tree != NULL;
    rising->action = action;
    for (;;) {
        int status =
            sandboxes_action(&op->env->client, rising->lease, action, &op->wait, rising->sandbox, err);
        if (status == EEP_OK) break;
        if (status == EEP_E_NOT_FOUND) return lease_lost(rising->lease, "the service does not know it", err);
        if (err->http_status == 400 || status == EEP_E_CONFLICT) return refused(rising, err);
        if (!retry_is_passing(err)) {
            retry_give_up(op, &rising->retry, err);
            return rising->sandbox->tree ? timed_out(rising, err) : err->code;
        }
        TRY(retry_wait(op, &rising->retry, err));
    }
    rising->refusal = (struct err)ERR_INIT;
    rising->started = rising->started || rested || rising->sandbox->phase != PHASE_STARTED;
    return rising->sandbox->phase == PHASE_STARTED ? EEP_OK : look(rising, err);
}

/* Does the last refusal stand? A transition (409) passes; "not in that state" may be older than what is seen, or younger.
 * Others have a reason of their own: a quota, a start that failed. */
static bool is_final(struct rising *rising)
{
    int code = rising->refusal.code;
    int64_t now = clock_now_ms();
    if (code != EEP_E_INVALID_ARGUMENT) return code != EEP_OK && code != EEP_E_CONFLICT;
    if (rising->stale_until == 0) rising->stale_until = now + LIFECYCLE_STALE_MS;
    return now >= rising->stale_until;
}

/* "recover" is the start of a sandbox in a recoverable error (protocol 6). 409: "attempted recently". */
static int recover(struct rising *rising, struct err *err)
{
    bool tried = rising->action && strcmp(rising->action, "recover") == 0;
    bool refused = tried && is_final(rising);
    if (!rising->sandbox->recoverable || rising->passive || refused || rising->recoveries == RECOVERIES_MAX) {
        lifecycle_failed_state(rising->sandbox, err);
        return refused ? err_prefix(err, "recovering is refused (%s)", rising->refusal.message) : err->code;
    }
    if (tried && retry_poll(rising->op, &rising->retry, err) != EEP_OK) return timed_out(rising, err);
    TRY(order(rising, "recover", err));
    if (rising->refusal.code == EEP_OK) rising->recoveries++;
    return EEP_OK;
}

static int wont_start(const struct rising *rising, struct err *err)
{
    const struct sandbox *sandbox = rising->sandbox;
    err_set(err, EEP_E_CONFLICT, "lease %.*s is %.*s, and the request says not to start it",
            (int)rising->lease.len, rising->lease.ptr, (int)sandbox->state.len, sandbox->state.ptr);
    str_copy(err->lease, sizeof err->lease, rising->lease);
    return err->code;
}

/* At rest. */
static int start(struct rising *rising, struct err *err)
{
    if (rising->passive) return wont_start(rising, err);
    if (is_final(rising)) return lifecycle_refused(&rising->refusal, err);
    bool tried = rising->started || rising->refusal.code != EEP_OK; /* it may not show yet */
    if (tried && retry_poll(rising->op, &rising->retry, err) != EEP_OK) return timed_out(rising, err);
    return order(rising, "start", err);
}

static int wait_on(struct rising *rising, struct err *err)
{
    const struct sandbox *sandbox = rising->sandbox;
    if (rising->passive && (str_is(sandbox->state, "stopping") || str_is(sandbox->state, "pausing")))
        return wont_start(rising, err);
    return look_later(rising, err);
}

/* One step from the state that it is in. */
static int rise(struct rising *rising, struct err *err)
{
    switch (rising->sandbox->phase) {
    case PHASE_GONE: return lease_lost(rising->lease, "it is being deleted", err);
    case PHASE_FAILED: return recover(rising, err);
    case PHASE_RESTING: return start(rising, err);
    default: return wait_on(rising, err);
    }
}

static int rise_to_the_top(struct rising *rising, const char *phase, struct err *err)
{
    const char *outer = rising->op->phase;
    rising->op->phase = phase;
    rising->retry = (struct retry)RETRY_INIT;
    if (!rising->sandbox->tree) TRY(rising->passive ? look(rising, err) : order(rising, "start", err));
    while (rising->sandbox->phase != PHASE_STARTED)
        TRY(rise(rising, err));
    rising->op->phase = outer;
    return EEP_OK;
}

int lifecycle_start(struct op *op, eep_str lease, struct sandbox *sandbox, bool *started, struct err *err)
{
    struct rising rising = {.op = op, .lease = lease, .sandbox = sandbox};
    TRY(rise_to_the_top(&rising, "start", err));
    if (rising.started) *started = true;
    return EEP_OK;
}

int lifecycle_wait_started(struct op *op, eep_str lease, struct sandbox *sandbox, struct err *err)
{
    struct rising rising = {.op = op, .lease = lease, .sandbox = sandbox, .passive = true};
    return rise_to_the_top(&rising, "wait for its start", err);
}

/* -- Keeping ----------------------------------------------------------------------------------- */

int lifecycle_set_auto_stop(struct op *op, eep_str lease, uint32_t minutes, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct retry retry = RETRY_INIT;
    int status;
    while ((status = sandboxes_set_auto_stop(&op->env->client, lease, minutes, &op->wait, &sandbox, err)) !=
           EEP_OK) {
        if (status == EEP_E_NOT_FOUND) return lease_lost(lease, "the service does not know it", err);
        if (!retry_is_passing(err)) return retry_give_up(op, &retry, err);
        TRY(retry_wait(op, &retry, err)); /* setting it twice is setting it once */
    }
    return EEP_OK;
}

/* Is it the lease that is not known, or the request? */
static int not_touched(struct op *op, eep_str lease, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct err refusal = *err;
    TRY(lifecycle_get(op, lease, &sandbox, err));
    if (sandbox.phase == PHASE_GONE) return lease_lost(lease, "it is being deleted", err);
    *err = refusal;
    err->code = EEP_E_UNSUPPORTED;
    return err_prefix(err, "the service knows the lease, but has no request that counts as a use");
}

int lifecycle_touch(struct op *op, eep_str lease, struct err *err)
{
    struct retry retry = RETRY_INIT;
    int status;
    while ((status = sandboxes_touch(&op->env->client, lease, &op->wait, err)) != EEP_OK) {
        if (status == EEP_E_NOT_FOUND) return not_touched(op, lease, err);
        if (!retry_is_passing(err)) return retry_give_up(op, &retry, err);
        TRY(retry_wait(op, &retry, err)); /* using it twice is using it once */
    }
    return EEP_OK;
}
