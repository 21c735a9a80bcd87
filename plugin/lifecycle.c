#include "lifecycle.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"

#define POLL_FIRST_MS 50
#define POLL_LAST_MS  1000

/* How long a service that cannot even be connected to is tried. */
#define UNREACHABLE_MS 5000

/* -- Pacing ------------------------------------------------------------------------------------ */

struct pace {
    int64_t delay_ms;
    int64_t unreachable_since; /* 0 = something answers */
    struct err why;            /* what failed the last time and was to be tried again */
};

#define PACE_INIT                                                                                            \
    {                                                                                                        \
        .delay_ms = POLL_FIRST_MS                                                                            \
    }

static int pace_wait(struct op *op, struct pace *pace, uint32_t at_least_ms, struct err *err)
{
    int64_t delay = pace->delay_ms > at_least_ms ? pace->delay_ms : at_least_ms;
    pace->delay_ms = pace->delay_ms * 3 / 2 < POLL_LAST_MS ? pace->delay_ms * 3 / 2 : POLL_LAST_MS;
    return op_sleep(op, delay, err);
}

/* "Not now": worth another try within the operation's time. Quota is the host's to decide. */
static bool is_passing(const struct err *err)
{
    return err->code == EEP_E_UNAVAILABLE || err->code == EEP_E_RATE_LIMITED;
}

/* When the time runs out, what kept failing is what the caller should be told. */
static int give_up(const struct op *op, const struct pace *pace, struct err *err)
{
    uint32_t flags = err->flags & EEP_ERROR_MAYBE_APPLIED;
    if (err->code != EEP_E_DEADLINE || pace->why.code == EEP_OK) return err->code;
    *err = pace->why;
    err_flag(err, flags);
    return err_prefix(err, "%s gave up after %u ms", op->name, op->timeout_ms);
}

/* Nobody there at all, for long: then people want to know, whatever their timeout is. */
static bool is_hopeless(struct pace *pace, const struct err *err)
{
    int64_t now = clock_now_ms();
    if (err->layer != ERR_LAYER_RESOLVE && err->layer != ERR_LAYER_CONNECT) {
        pace->unreachable_since = 0;
        return false;
    }
    if (pace->unreachable_since == 0) pace->unreachable_since = now;
    return now - pace->unreachable_since >= UNREACHABLE_MS;
}

/* Waits before another try of what failed with *err. */
static int wait_again(struct op *op, struct pace *pace, struct err *err)
{
    if (is_hopeless(pace, err)) return err->code;
    pace->why = *err;
    if (pace_wait(op, pace, err->retry_after_ms, err) == EEP_OK) return EEP_OK;
    return give_up(op, pace, err);
}

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
    struct pace pace = PACE_INIT;
    int status;
    while ((status = sandboxes_get(&op->env->client, lease, &op->wait, sandbox, err)) != EEP_OK) {
        if (status == EEP_E_NOT_FOUND) return lease_lost(lease, "the service does not know it", err);
        if (!is_passing(err)) return give_up(op, &pace, err);
        TRY(wait_again(op, &pace, err));
    }
    return EEP_OK;
}

static int failed_state(const struct sandbox *sandbox, struct err *err)
{
    eep_str reason =
        str_empty(sandbox->error_reason) ? STR("the service gives no reason") : sandbox->error_reason;
    err_set(err, EEP_E_SANDBOX, "the sandbox is in state %.*s: %.*s", (int)sandbox->state.len,
            sandbox->state.ptr, (int)reason.len, reason.ptr);
    str_copy(err->lease, sizeof err->lease, sandbox->id);
    return err_flag(err, EEP_ERROR_FROM_SERVICE);
}

/* The deadline came while the sandbox was in a state: say which. */
static int ran_out(const struct op *op, eep_str lease, eep_str state, const char *goal, struct err *err)
{
    if (err->code != EEP_E_DEADLINE) return err->code;
    err_set(err, EEP_E_DEADLINE,
            "the sandbox was still in state %.*s, not %s, after %u ms: raise the timeout", (int)state.len,
            state.ptr, goal, op->timeout_ms);
    str_copy(err->lease, sizeof err->lease, lease);
    return err_flag(err, EEP_ERROR_RETRYABLE);
}

/* The id outlives the sandbox that it is refreshed into. */
static int refresh(struct op *op, struct sandbox *sandbox, struct err *err)
{
    char id[EEP_LEASE_MAX + 1];
    struct sandbox fresh = {0};
    str_copy(id, sizeof id, sandbox->id);
    int status = lifecycle_get(op, str_from(id), &fresh, err);
    if (status != EEP_OK) {
        sandbox_finish(&fresh);
        return status;
    }
    sandbox_finish(sandbox);
    *sandbox = fresh;
    return EEP_OK;
}

/* -- Starting ---------------------------------------------------------------------------------- */

int lifecycle_wait_started(struct op *op, struct sandbox *sandbox, struct err *err)
{
    struct pace pace = PACE_INIT;
    while (sandbox->phase != PHASE_STARTED) {
        if (refresh(op, sandbox, err) != EEP_OK) /* at once: the first answer may be 30 s old */
            return ran_out(op, sandbox->id, sandbox->state, "started", err);
        if (sandbox->phase == PHASE_STARTED) break;
        if (sandbox->phase == PHASE_FAILED) return failed_state(sandbox, err);
        if (sandbox->phase == PHASE_GONE) return lease_lost(sandbox->id, "it is being deleted", err);
        if (pace_wait(op, &pace, 0, err) != EEP_OK)
            return ran_out(op, sandbox->id, sandbox->state, "started", err);
    }
    return EEP_OK;
}

/* A start was refused: decides by the state. EEP_OK = try again (or it runs: see *sandbox). */
static int after_refusal(struct op *op, eep_str lease, struct sandbox *sandbox, struct pace *pace,
                         struct err *err)
{
    struct err refusal = *err;
    TRY(lifecycle_get(op, lease, sandbox, err));
    if (sandbox->phase == PHASE_STARTED) return EEP_OK;
    if (sandbox->phase == PHASE_GONE) return lease_lost(lease, "it is being deleted", err);
    if (sandbox->phase == PHASE_FAILED && !sandbox->recoverable) return failed_state(sandbox, err);
    if (sandbox->phase == PHASE_RESTING &&
        refusal.code != EEP_E_CONFLICT) { /* nothing stands in its way but this */
        *err = refusal;
        return err->code;
    }
    if (pace_wait(op, pace, 0, err) == EEP_OK) return EEP_OK;
    return ran_out(op, lease, sandbox->state, "started", err);
}

/* "recover" is the start of a sandbox in a recoverable error (protocol 6). */
static const char *start_action(const struct sandbox *sandbox)
{
    return sandbox->phase == PHASE_FAILED && sandbox->recoverable ? "recover" : "start";
}

int lifecycle_start(struct op *op, eep_str lease, struct sandbox *sandbox, bool *was_resting, struct err *err)
{
    struct pace pace = PACE_INIT;
    const char *action = "start";
    for (;;) {
        int status = sandboxes_action(&op->env->client, lease, action, &op->wait, sandbox, err);
        if (status == EEP_OK) {
            if (sandbox->phase != PHASE_STARTED) *was_resting = true;
            return lifecycle_wait_started(op, sandbox, err);
        }
        if (status == EEP_E_NOT_FOUND) return lease_lost(lease, "the service does not know it", err);
        if (is_passing(err)) {
            TRY(wait_again(op, &pace, err)); /* starting twice is starting once */
        } else if (err->http_status == 400 || status == EEP_E_CONFLICT) {
            TRY(after_refusal(op, lease, sandbox, &pace, err));
            if (sandbox->phase == PHASE_STARTED) return EEP_OK;
            action = start_action(sandbox);
        } else {
            return give_up(op, &pace, err);
        }
    }
}

int lifecycle_set_auto_stop(struct op *op, eep_str lease, uint32_t minutes, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct pace pace = PACE_INIT;
    while (sandboxes_set_auto_stop(&op->env->client, lease, minutes, &op->wait, &sandbox, err) != EEP_OK) {
        if (!is_passing(err)) return give_up(op, &pace, err);
        TRY(wait_again(op, &pace, err)); /* setting it twice is setting it once */
    }
    return EEP_OK;
}

/* -- Ending ------------------------------------------------------------------------------------ */

static void note_state(struct lifecycle_end *end, eep_str state, enum sandbox_phase final)
{
    str_copy(end->state, sizeof end->state, state);
    end->confirmed = sandbox_phase_of(state) == final;
}

static void note_gone(struct lifecycle_end *end, bool already)
{
    *end = (struct lifecycle_end){.already = already, .confirmed = true, .state = "destroyed"};
}

/* The order was refused: a transition to wait for, or is it there already? */
static int after_stop_refusal(struct op *op, eep_str lease, struct pace *pace, struct lifecycle_end *end,
                              struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct err refusal = *err;
    TRY(lifecycle_get(op, lease, &sandbox, err));
    note_state(end, sandbox.state, PHASE_RESTING);
    if (sandbox.phase == PHASE_GONE) {
        note_gone(end, true);
        return EEP_OK;
    }
    end->already = sandbox.phase == PHASE_RESTING || str_is(sandbox.state, "stopping");
    if (end->already) return EEP_OK;
    if (sandbox.phase == PHASE_FAILED) return failed_state(&sandbox, err);
    if (sandbox.phase == PHASE_STARTED && refusal.code != EEP_E_CONFLICT) {
        *err = refusal;
        return err->code;
    }
    if (pace_wait(op, pace, 0, err) == EEP_OK) return EEP_OK;
    return ran_out(op, lease, sandbox.state, "stopped", err);
}

static int order_stop(struct op *op, eep_str lease, struct lifecycle_end *end, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct pace pace = PACE_INIT;
    for (;;) {
        int status = sandboxes_action(&op->env->client, lease, "stop?force=false", &op->wait, &sandbox, err);
        if (status == EEP_OK) {
            note_state(end, sandbox.state, PHASE_RESTING);
            return EEP_OK;
        }
        if (status == EEP_E_NOT_FOUND) {
            note_gone(end, true);
            return EEP_OK;
        }
        if (is_passing(err)) {
            TRY(wait_again(op, &pace, err));
        } else if (err->http_status == 400 || status == EEP_E_CONFLICT) {
            TRY(after_stop_refusal(op, lease, &pace, end, err));
            if (end->already) return EEP_OK;
        } else {
            return give_up(op, &pace, err);
        }
    }
}

/* An ephemeral sandbox vanishes when it stops (protocol, trap 24): that is stopped, too. */
static int wait_stopped(struct op *op, eep_str lease, struct lifecycle_end *end, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct pace pace = PACE_INIT;
    while (!end->confirmed) {
        int status = lifecycle_get(op, lease, &sandbox, err);
        if (status == EEP_E_LEASE_LOST || sandbox.phase == PHASE_GONE) {
            note_gone(end, end->already);
            return EEP_OK;
        }
        if (status != EEP_OK) return ran_out(op, lease, str_from(end->state), "stopped", err);
        note_state(end, sandbox.state, PHASE_RESTING);
        if (end->confirmed) break;
        if (sandbox.phase == PHASE_FAILED) return failed_state(&sandbox, err);
        if (pace_wait(op, &pace, 0, err) != EEP_OK) return ran_out(op, lease, sandbox.state, "stopped", err);
    }
    return EEP_OK;
}

int lifecycle_stop(struct op *op, eep_str lease, bool wait, struct lifecycle_end *end, struct err *err)
{
    *end = (struct lifecycle_end){0};
    TRY(order_stop(op, lease, end, err));
    return wait ? wait_stopped(op, lease, end, err) : EEP_OK;
}

int lifecycle_archive(struct op *op, eep_str lease, struct lifecycle_end *end, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct pace pace = PACE_INIT;
    TRY(lifecycle_stop(op, lease, true, end, err));
    if (str_is(str_from(end->state), "destroyed")) return EEP_OK;
    end->already = str_is(str_from(end->state), "archived") || str_is(str_from(end->state), "archiving");
    while (!end->already) {
        int status = sandboxes_action(&op->env->client, lease, "archive", &op->wait, &sandbox, err);
        if (status == EEP_OK) {
            str_copy(end->state, sizeof end->state, sandbox.state);
            end->confirmed = str_is(sandbox.state, "archived");
            return EEP_OK;
        }
        if (status != EEP_E_CONFLICT && !is_passing(err)) return give_up(op, &pace, err);
        TRY(wait_again(op, &pace, err));
    }
    end->confirmed = str_is(str_from(end->state), "archived");
    return EEP_OK;
}

int lifecycle_delete(struct op *op, eep_str lease, struct lifecycle_end *end, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct pace pace = PACE_INIT;
    *end = (struct lifecycle_end){0};
    for (;;) {
        int status = sandboxes_delete(&op->env->client, lease, &op->wait, &sandbox, err);
        if (status == EEP_OK) {
            note_state(end, sandbox.state.ptr ? sandbox.state : STR("destroying"), PHASE_GONE);
            end->confirmed = str_is(str_from(end->state), "destroyed");
            return EEP_OK;
        }
        if (status == EEP_E_NOT_FOUND) {
            note_gone(end, true);
            return EEP_OK;
        }
        /* 409: a transition must end first (protocol 6) */
        if (status != EEP_E_CONFLICT && !is_passing(err)) return give_up(op, &pace, err);
        TRY(wait_again(op, &pace, err));
    }
}
