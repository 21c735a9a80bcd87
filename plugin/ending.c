#include "ending.h"

#include "base/clock.h"
#include "base/str.h"
#include "lifecycle.h"
#include "retry.h"

/* -- What is seen of the end ------------------------------------------------------------------- */

/* An order of ours that may have been carried out although no answer came: what is found afterwards may be its
 * doing. */
struct order {
    struct op *op;
    eep_str lease;
    const char *goal; /* "stopped" */
    struct ending *end;
    struct retry retry;
    bool maybe_applied;
    int64_t stale_until; /* the service contradicts itself; 0 = it does not */
};

static void order_init(struct order *order, struct op *op, eep_str lease, struct ending *end)
{
    *end = (struct ending){0};
    *order = (struct order){.op = op, .lease = lease, .end = end, .retry = RETRY_INIT};
}

static void note_state(struct ending *end, eep_str state, bool final)
{
    str_copy(end->state, sizeof end->state, str_empty(state) ? STR("unknown") : state);
    end->confirmed = final;
}

static void note_resting(struct ending *end, eep_str state)
{
    note_state(end, state, sandbox_phase_of(state) == PHASE_RESTING);
}

/* Gone, or going: destroyed is what a sandbox is when the service does not know it any more (protocol 5). */
static void note_gone(struct ending *end, eep_str state)
{
    note_state(end, state, str_is(state, "destroyed"));
}

static void found_gone(const struct order *order, eep_str state)
{
    note_gone(order->end, state);
    order->end->already = !order->maybe_applied;
}

/* Errors but the deadline stay; that tells the state, if one has been seen. */
static int ran_out(const struct order *order, struct err *err)
{
    if (order->end->state[0] == '\0') return err->code;
    return lifecycle_ran_out(order->op, order->lease, str_from(order->end->state), order->goal, err);
}

/* An order was refused, or there is nobody to take it: what has become of the sandbox? */
static int look_for_end(struct order *order, struct sandbox *sandbox, bool *gone, struct err *err)
{
    int status = lifecycle_get(order->op, order->lease, sandbox, err);
    *gone = status == EEP_E_LEASE_LOST || (status == EEP_OK && sandbox->phase == PHASE_GONE);
    if (!*gone) return status == EEP_OK ? EEP_OK : ran_out(order, err);
    found_gone(order, status == EEP_OK ? sandbox->state : STR("destroyed"));
    return EEP_OK;
}

/* It was not accepted; but an earlier one, whose answer was lost, may have been. */
static int not_accepted(struct order *order, const struct err *err)
{
    if (err->flags & EEP_ERROR_MAYBE_APPLIED) order->maybe_applied = true;
    return err->code;
}

/* EEP_OK = try again, after a while. */
static int after_failure(struct order *order, struct err *err)
{
    if (retry_is_passing(err)) return retry_wait(order->op, &order->retry, err);
    struct err refusal = *err;
    if (err->http_status == 400) return lifecycle_refused(&refusal, err);
    retry_give_up(order->op, &order->retry, err);
    return ran_out(order, err);
}

static bool is_refusal(const struct err *err)
{
    return err->http_status == 400 || err->code == EEP_E_CONFLICT;
}

/* -- Stopping ---------------------------------------------------------------------------------- */

/* "Not stoppable", yet the description says that it runs: one of them is old news, for a while. */
static bool may_be_stale(struct order *order)
{
    int64_t now = clock_now_ms();
    if (order->stale_until == 0) order->stale_until = now + LIFECYCLE_STALE_MS;
    return now < order->stale_until;
}

/* The stop was refused: a transition to wait for, or is it there already? */
static int after_stop_refusal(struct order *order, bool *settled, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct err refusal = *err;
    TRY(look_for_end(order, &sandbox, settled, err));
    if (*settled) return EEP_OK;
    *settled = true;
    note_resting(order->end, sandbox.state);
    if (sandbox.phase == PHASE_RESTING || str_is(sandbox.state, "stopping")) {
        order->end->already = !order->maybe_applied;
        return EEP_OK;
    }
    if (sandbox.phase == PHASE_FAILED) return lifecycle_failed_state(&sandbox, err);
    if (sandbox.phase == PHASE_STARTED && refusal.code != EEP_E_CONFLICT && !may_be_stale(order)) {
        return lifecycle_refused(&refusal, err);
    }
    *settled = false;
    return retry_poll(order->op, &order->retry, err) == EEP_OK ? EEP_OK : ran_out(order, err);
}

static int order_stop(struct order *order, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct op *op = order->op;
    for (bool settled = false; !settled;) {
        int status =
            sandboxes_action(&op->env->client, order->lease, "stop?force=false", &op->wait, &sandbox, err);
        if (status == EEP_OK) {
            note_resting(order->end, sandbox.state);
            return EEP_OK;
        }
        if (not_accepted(order, err) == EEP_E_NOT_FOUND) {
            found_gone(order, STR("destroyed"));
            return EEP_OK;
        }
        if (is_refusal(err))
            TRY(after_stop_refusal(order, &settled, err));
        else
            TRY(after_failure(order, err));
    }
    return EEP_OK;
}

/* An ephemeral sandbox vanishes when it stops (protocol, trap 24): that is stopped, too. */
static int wait_stopped(struct order *order, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    while (!order->end->confirmed) {
        int status = lifecycle_get(order->op, order->lease, &sandbox, err);
        if (status == EEP_E_LEASE_LOST) {
            note_gone(order->end, STR("destroyed"));
            return EEP_OK;
        }
        if (status != EEP_OK) return ran_out(order, err);
        note_resting(order->end, sandbox.state);
        if (sandbox.phase == PHASE_GONE) note_gone(order->end, sandbox.state);
        if (sandbox.phase == PHASE_FAILED) return lifecycle_failed_state(&sandbox, err);
        if (!order->end->confirmed && retry_poll(order->op, &order->retry, err) != EEP_OK)
            return ran_out(order, err);
    }
    return EEP_OK;
}

static int stop(struct order *order, bool wait, struct err *err)
{
    order->op->phase = "stop";
    order->goal = "stopped";
    TRY(order_stop(order, err));
    return wait ? wait_stopped(order, err) : EEP_OK;
}

int ending_stop(struct op *op, eep_str lease, bool wait, struct ending *end, struct err *err)
{
    struct order order;
    order_init(&order, op, lease, end);
    return stop(&order, wait, err);
}

/* -- Archiving --------------------------------------------------------------------------------- */

/* Its stop would delete what shall be kept. */
static int refuse_ephemeral(const struct sandbox *sandbox, struct err *err)
{
    if (sandbox_number(sandbox, "autoDeleteInterval", -1) != 0) return EEP_OK;
    return err_set(err, EEP_E_UNSUPPORTED,
                   "sandbox %.*s is deleted when it stops (autoDeleteInterval 0): it cannot be archived",
                   (int)sandbox->id.len, sandbox->id.ptr);
}

static bool is_archived(const struct ending *end)
{
    return sandbox_state_code(str_from(end->state)) == EEP_STATE_ARCHIVED ||
           str_is(str_from(end->state), "archiving");
}

static void note_archive(struct ending *end, eep_str state)
{
    note_state(end, state, str_is(state, "archived"));
}

/* Something is in the way, perhaps our own order; 400 ("not stopped") may be old news. */
static int after_archive_refusal(struct order *order, bool *settled, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct err refusal = *err;
    TRY(look_for_end(order, &sandbox, settled, err));
    if (*settled) return EEP_OK;
    note_archive(order->end, sandbox.state);
    *settled = is_archived(order->end);
    if (*settled) return EEP_OK;
    if (refusal.code != EEP_E_CONFLICT && !may_be_stale(order)) return lifecycle_refused(&refusal, err);
    return retry_poll(order->op, &order->retry, err) == EEP_OK ? EEP_OK : ran_out(order, err);
}

static int order_archive(struct order *order, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct op *op = order->op;
    op->phase = "archive";
    order->goal = "archived";
    for (bool settled = is_archived(order->end); !settled;) {
        int status = sandboxes_action(&op->env->client, order->lease, "archive", &op->wait, &sandbox, err);
        if (status == EEP_OK) {
            note_archive(order->end, sandbox.state);
            return EEP_OK;
        }
        if (not_accepted(order, err) == EEP_E_NOT_FOUND || is_refusal(err))
            TRY(after_archive_refusal(order, &settled, err));
        else
            TRY(after_failure(order, err));
    }
    return EEP_OK;
}

int ending_archive(struct op *op, eep_str lease, struct ending *end, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct order order;
    order_init(&order, op, lease, end);
    bool gone = false;
    TRY(look_for_end(&order, &sandbox, &gone, err));
    if (gone) return EEP_OK;
    TRY(refuse_ephemeral(&sandbox, err));
    note_archive(end, sandbox.state);
    end->already = is_archived(end);
    if (end->already) return EEP_OK;
    if (!str_is(sandbox.state, "stopped")) TRY(stop(&order, true, err));
    if (sandbox_state_code(str_from(end->state)) == EEP_STATE_GONE) return EEP_OK;
    end->already = false; /* stopped is not archived */
    note_archive(end, str_from(end->state));
    return order_archive(&order, err);
}

/* -- Deleting ---------------------------------------------------------------------------------- */

/* 409: a transition must end first (protocol 6), unless it is a deletion. */
static int after_delete_conflict(struct order *order, bool *settled, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    TRY(look_for_end(order, &sandbox, settled, err));
    if (*settled) return EEP_OK;
    note_gone(order->end, sandbox.state);
    return retry_poll(order->op, &order->retry, err) == EEP_OK ? EEP_OK : ran_out(order, err);
}

static int order_delete(struct order *order, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct op *op = order->op;
    for (bool settled = false; !settled;) {
        int status = sandboxes_delete(&op->env->client, order->lease, &op->wait, &sandbox, err);
        if (status == EEP_OK) {
            note_gone(order->end, sandbox.state.ptr ? sandbox.state : STR("destroying"));
            return EEP_OK;
        }
        if (not_accepted(order, err) == EEP_E_NOT_FOUND) {
            found_gone(order, STR("destroyed"));
            return EEP_OK;
        }
        if (status == EEP_E_CONFLICT)
            TRY(after_delete_conflict(order, &settled, err));
        else
            TRY(after_failure(order, err));
    }
    return EEP_OK;
}

static int wait_gone(struct order *order, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    while (!order->end->confirmed) {
        int status = lifecycle_get(order->op, order->lease, &sandbox, err);
        bool gone = status == EEP_E_LEASE_LOST;
        if (status != EEP_OK && !gone) return ran_out(order, err);
        note_gone(order->end, gone ? STR("destroyed") : sandbox.state);
        if (!order->end->confirmed && retry_poll(order->op, &order->retry, err) != EEP_OK)
            return ran_out(order, err);
    }
    return EEP_OK;
}

int ending_delete(struct op *op, eep_str lease, bool wait, struct ending *end, struct err *err)
{
    struct order order;
    order_init(&order, op, lease, end);
    op->phase = "delete";
    order.goal = "deleted";
    TRY(order_delete(&order, err));
    order.goal = "gone";
    return wait ? wait_gone(&order, err) : EEP_OK;
}
