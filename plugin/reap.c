/* reap.c: the call reap of eep.lease/1: deletes what nobody has used for a while.
 *
 * The list only proposes. Each lease is read again before anything is done, so that what it says is never more than
 * a moment old; whatever cannot be seen for sure spares it. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "busy.h"
#include "call.h"
#include "create.h"
#include "daytona/sandboxes.h"
#include "leased.h"
#include "leases.h"
#include "lifecycle.h"
#include "retry.h"

/* How long one lease may take, so that one that hangs does not cost the others their turn. */
#define EACH_MS 15000

/* How late activity is told: the proxy reports it once in 50 s, and it is written down and cached for a while. */
#define TOLD_LATE_MS 120000

#define MINUTE_MS 60000

struct reaping {
    struct op *op;
    const eep_reap_request *request;
    struct leases_query query;
    eep_reaping *result;
    eep_reaped *items;
};

/* What becomes of one lease. */
struct verdict {
    uint32_t outcome;
    uint32_t spared;
    struct err why;
};

/* A lease that is looked at closely. */
struct suspect {
    struct op *op;
    const struct reaping *reaping;
    eep_str lease;
    struct verdict *verdict;
    struct retry retry;
    bool maybe_deleted; /* by an order whose answer was lost */
    bool stops; /* for it is long unused: that it rests then is no use, although it is told as activity */
};

static bool has_flag(const struct reaping *reaping, uint32_t flag)
{
    return reaping->request->head.flags & flag;
}

/* -- Reasons to spare it ----------------------------------------------------------------------- */

static bool spare(struct verdict *verdict, uint32_t reason)
{
    *verdict = (struct verdict){.outcome = EEP_REAPED_SPARED, .spared = reason};
    return true;
}

/* A clock that is wrong, ours or the service's, must not make a lease older than it is. */
static int64_t earliest_now_ms(const struct op *op)
{
    int64_t theirs = daytona_wall_ms(&op->env->client);
    int64_t ours = clock_wall_ms();
    return theirs < ours ? theirs : ours;
}

static bool is_stopping(const struct sandbox *sandbox)
{
    return str_is(sandbox->state, "stopping") || str_is(sandbox->state, "pausing");
}

/* Had it been idle for so long then that the service stops it? */
static bool is_overdue(const struct sandbox *sandbox, int64_t at_ms)
{
    int64_t interval = leased_idle_minutes(sandbox) * MINUTE_MS;
    return interval > 0 && at_ms - leased_active_at_ms(sandbox) >= interval;
}

/* Who has just ordered a start, or a stop, shows as a change first; as a use only when the service begins with it.
 * 0 = not told */
static int64_t used_at_ms(const struct sandbox *sandbox)
{
    int64_t active = leased_active_at_ms(sandbox);
    int64_t changed = sandbox_time_ms(sandbox, "updatedAt");
    bool changing = sandbox->phase == PHASE_STARTING || sandbox->phase == PHASE_LEAVING;
    bool by_itself = is_stopping(sandbox) && is_overdue(sandbox, changed);
    return changing && !by_itself && changed > active ? changed : active;
}

static bool is_active(const struct reaping *reaping, const struct sandbox *sandbox, struct verdict *verdict)
{
    int64_t used = used_at_ms(sandbox);
    int64_t idle = earliest_now_ms(reaping->op) - used;
    bool rests = sandbox->phase == PHASE_RESTING || sandbox->phase == PHASE_FAILED;
    if (used == 0) {
        spare(verdict, EEP_SPARED_ACTIVE);
        err_set(&verdict->why, EEP_OK, "the service does not tell when it was used or made");
        return true;
    }
    uint64_t enough = reaping->request->idle_ms;
    if (!rests && enough < TOLD_LATE_MS) enough = TOLD_LATE_MS;
    if (idle >= 0 && (uint64_t)idle >= enough) return false;
    spare(verdict, EEP_SPARED_ACTIVE);
    if (idle >= 0 && (uint64_t)idle >= reaping->request->idle_ms)
        err_set(&verdict->why, EEP_OK,
                "idle for %lld s, but it is started, and the service tells uses up to %d s late",
                (long long)idle / 1000, TOLD_LATE_MS / 1000);
    else
        err_set(&verdict->why, EEP_OK, "active %lld s ago", (long long)(idle < 0 ? 0 : idle) / 1000);
    return true;
}

static bool is_kept(const struct reaping *reaping, const struct sandbox *sandbox, struct verdict *verdict)
{
    uint32_t flags = leased_flags(reaping->op->env->config, sandbox);
    if (!(flags & EEP_LEASED_REUSABLE) || has_flag(reaping, EEP_REAP_REUSABLE)) return false;
    spare(verdict, EEP_SPARED_REUSABLE);
    err_set(&verdict->why, EEP_OK, "kept for its files: auto-delete is off");
    return true;
}

/* The list may be old: is it still what was wanted? */
static bool is_changed(const struct reaping *reaping, const struct sandbox *sandbox, struct verdict *verdict)
{
    struct leases_query any_state = reaping->query;
    any_state.states = 0;
    if (!leases_wanted(reaping->op, &any_state, sandbox)) {
        spare(verdict, EEP_SPARED_CHANGED);
        err_set(&verdict->why, EEP_OK, "it is not the lease that the list told of: its labels differ");
        return true;
    }
    if (leases_wanted(reaping->op, &reaping->query, sandbox)) return false;
    spare(verdict, EEP_SPARED_STATE);
    err_set(&verdict->why, EEP_OK, "it is %.*s by now", (int)sandbox->state.len, sandbox->state.ptr);
    return true;
}

/* The service hears of a use late, and of a short one perhaps not at all: the proxy gives its report up when the request
 * is over (protocol 2.1). */
static bool was_used(const struct reaping *reaping, const struct busy *busy, struct verdict *verdict)
{
    int64_t idle = earliest_now_ms(reaping->op) - busy->used_at_ms;
    if (busy->used_at_ms == 0 || (idle >= 0 && (uint64_t)idle >= reaping->request->idle_ms)) return false;
    spare(verdict, EEP_SPARED_ACTIVE);
    err_set(&verdict->why, EEP_OK, "a command ran in it %lld s ago", (long long)(idle < 0 ? 0 : idle) / 1000);
    return true;
}

/* Or may something run in it that cannot be seen? */
static bool is_in_use(struct op *op, const struct reaping *reaping, const struct sandbox *sandbox,
                      struct verdict *verdict)
{
    struct busy busy;
    struct err err = ERR_INIT;
    int status = busy_look(op, sandbox, &busy, &err);
    if (status == EEP_OK && !busy.running) return was_used(reaping, &busy, verdict);
    spare(verdict, status == EEP_OK ? EEP_SPARED_RUNNING : EEP_SPARED_UNSEEN);
    if (status == EEP_OK)
        err_set(&verdict->why, EEP_OK, "a command runs in it: %s", busy.id);
    else
        err_set(&verdict->why, status, "it cannot be seen whether a command runs in it: %s", err.message);
    return true;
}

/* -- One lease --------------------------------------------------------------------------------- */

static void gone(struct verdict *verdict)
{
    *verdict = (struct verdict){.outcome = EEP_REAPED_GONE};
}

static void fail(struct verdict *verdict, const struct err *err)
{
    *verdict = (struct verdict){.outcome = EEP_REAPED_FAILED, .why = *err};
}

static void deleted(struct verdict *verdict)
{
    *verdict = (struct verdict){.outcome = EEP_REAPED_DELETED};
}

/* The order was ours: a 400 is no mistake of the host's. */
static void fail_refused(struct verdict *verdict, struct err *err)
{
    struct err refusal = *err;
    if (err->http_status == 400) lifecycle_refused(&refusal, err);
    fail(verdict, err);
}

/* EEP_OK: the verdict stands. Else there is more to it: a transition (409), which may be the beginning of a use, or
 * trouble that passes; both take time, in which it may be used. */
static int order_deletion(struct suspect *suspect, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct op *op = suspect->op;
    facts_drop(&op->env->cache, suspect->lease);
    int status = sandboxes_delete(&op->env->client, suspect->lease, &op->wait, &sandbox, err);
    if (err->flags & EEP_ERROR_MAYBE_APPLIED) suspect->maybe_deleted = true;
    if (status == EEP_E_CONFLICT || (status != EEP_OK && retry_is_passing(err))) return status;
    if (status == EEP_OK || (status == EEP_E_NOT_FOUND && suspect->maybe_deleted))
        deleted(suspect->verdict);
    else if (status == EEP_E_NOT_FOUND)
        gone(suspect->verdict);
    else
        fail_refused(suspect->verdict, err);
    return EEP_OK;
}

static bool was_used_since(struct suspect *suspect, const struct sandbox *fresh)
{
    if (suspect->stops && fresh->phase == PHASE_RESTING) return false;
    suspect->stops = is_stopping(fresh) || is_overdue(fresh, earliest_now_ms(suspect->op));
    return is_active(suspect->reaping, fresh, suspect->verdict);
}

/* Reads the lease again; false: the verdict stands. */
static bool may_go(struct suspect *suspect, struct sandbox *fresh)
{
    struct err err = ERR_INIT;
    struct verdict *verdict = suspect->verdict;
    int status = lifecycle_get(suspect->op, suspect->lease, fresh, &err);
    if (status == EEP_E_LEASE_LOST || (status == EEP_OK && fresh->phase == PHASE_GONE))
        (suspect->maybe_deleted ? deleted : gone)(verdict);
    else if (status != EEP_OK)
        fail(verdict, &err);
    else
        return !is_changed(suspect->reaping, fresh, verdict) && !is_kept(suspect->reaping, fresh, verdict) &&
               !was_used_since(suspect, fresh);
    return false;
}

/* The look into it takes its time, so what was read before it is read again. */
static bool is_spared(struct suspect *suspect)
{
    CLEANUP(sandbox_finish) struct sandbox fresh = {0};
    if (!may_go(suspect, &fresh)) return true;
    if (fresh.phase != PHASE_STARTED || has_flag(suspect->reaping, EEP_REAP_RUNNING)) return false;
    return is_in_use(suspect->op, suspect->reaping, &fresh, suspect->verdict) || !may_go(suspect, &fresh);
}

/* Nothing may come between the reading and the order that takes its time: no rate limit, and no second order. */
static void judge_and_delete(struct suspect *suspect)
{
    struct err err = ERR_INIT;
    struct op *op = suspect->op;
    do {
        if (daytona_wait_turn(&op->env->client, THROTTLER_LIFECYCLE, &op->wait, &err) != EEP_OK) break;
        if (is_spared(suspect) || order_deletion(suspect, &err) == EEP_OK) return;
    } while (retry_wait(op, &suspect->retry, &err) == EEP_OK);
    fail(suspect->verdict, &err);
}

static void judge_fresh(struct op *op, const struct reaping *reaping, eep_str lease, struct verdict *verdict)
{
    struct suspect suspect = {op, reaping, lease, verdict, .retry = RETRY_INIT};
    if (!has_flag(reaping, EEP_REAP_DRY_RUN))
        judge_and_delete(&suspect);
    else if (!is_spared(&suspect))
        *verdict = (struct verdict){.outcome = EEP_REAPED_WOULD};
}

static void judge(const struct reaping *reaping, const struct sandbox *listed, struct verdict *verdict)
{
    struct op op = *reaping->op; /* with a time of its own */
    int64_t end = clock_now_ms() + EACH_MS;
    if (end < op.wait.deadline) {
        op.wait.deadline = end;
        op.timeout_ms = EACH_MS;
    }
    if (listed->phase == PHASE_GONE)
        gone(verdict);
    else if (!is_kept(reaping, listed, verdict) && !is_active(reaping, listed, verdict))
        judge_fresh(&op, reaping, listed->id, verdict);
}

/* -- The lines --------------------------------------------------------------------------------- */

static int fill_texts(eep_reaped *item, void **arena, const struct sandbox *sandbox,
                      const struct verdict *verdict)
{
    TRY(arena_str(arena, sandbox->id, &item->lease));
    TRY(arena_str(arena, sandbox->name, &item->name));
    TRY(arena_str(arena, sandbox_label(sandbox, LABEL_NAME), &item->name_hint));
    TRY(arena_str(arena, sandbox_label(sandbox, LABEL_OWNER), &item->owner));
    TRY(arena_str(arena, sandbox->state, &item->state_text));
    if (verdict->why.message[0] == '\0') return EEP_OK;
    return arena_str(arena, str_from(verdict->why.message), &item->message);
}

static void count(eep_reaping *result, uint32_t outcome)
{
    switch (outcome) {
    case EEP_REAPED_DELETED:
    case EEP_REAPED_WOULD: result->deleted++; break;
    case EEP_REAPED_GONE: result->gone++; break;
    case EEP_REAPED_SPARED: result->spared++; break;
    default: result->failed++;
    }
}

static int note(struct reaping *reaping, const struct sandbox *sandbox, struct verdict *verdict,
                struct err *err)
{
    eep_reaping *result = reaping->result;
    daytona_hide_token(&reaping->op->env->client, &verdict->why); /* as call.c does for errors of calls */
    eep_reaped *item = &reaping->items[result->lease_count++];
    *item = (eep_reaped){
        .outcome = verdict->outcome,
        .spared = verdict->spared,
        .code = verdict->outcome == EEP_REAPED_FAILED ? verdict->why.code : EEP_OK,
        .flags = leased_flags(reaping->op->env->config, sandbox),
        .created_at_ms = sandbox_created_at_ms(sandbox),
        .active_at_ms = leased_active_at_ms(sandbox),
    };
    count(result, verdict->outcome);
    return fill_texts(item, &result->head.arena, sandbox, verdict) == EEP_OK ? EEP_OK : err_no_memory(err);
}

/* -- The call ---------------------------------------------------------------------------------- */

/* What ends the whole call, not only the work on one lease. */
static int interrupted(const struct op *op, const struct verdict *verdict, struct err *err)
{
    int code = verdict->why.code;
    bool over = code == EEP_E_DEADLINE && clock_now_ms() >= op->deadline;
    if (!op_was_stopped(code) && !over) return EEP_OK;
    *err = verdict->why;
    return code;
}

static int reap_one(struct reaping *reaping, json *tree, struct err *err)
{
    struct sandbox sandbox;
    struct verdict verdict = {.why = ERR_INIT};
    TRY(sandbox_view(&sandbox, tree, (eep_str){NULL, 0}, err));
    if (!leases_wanted(reaping->op, &reaping->query, &sandbox)) return EEP_OK;
    judge(reaping, &sandbox, &verdict);
    op_log(reaping->op, EEP_LOG_DEBUG, "lease %.*s: outcome %u, spared %u %s", (int)sandbox.id.len,
           sandbox.id.ptr, verdict.outcome, verdict.spared, verdict.why.message);
    TRY(note(reaping, &sandbox, &verdict, err));
    return interrupted(reaping->op, &verdict, err);
}

static int reap_page(struct reaping *reaping, const struct page *page, struct err *err)
{
    eep_reaping *result = reaping->result;
    reaping->items = arena_alloc(&result->head.arena, json_len(page->items) * sizeof *reaping->items);
    if (!reaping->items) return err_no_memory(err);
    result->leases = reaping->items;
    result->lease_stride = sizeof *reaping->items;
    for (size_t i = 0; i < json_len(page->items); i++)
        TRY(reap_one(reaping, json_at(page->items, i), err));
    return arena_str(&result->head.arena, page->next, &result->next) == EEP_OK ? EEP_OK : err_no_memory(err);
}

static int run_reap(struct op *op, const void *host_request, void *result, struct err *err)
{
    CLEANUP(page_finish) struct page page = {0};
    const eep_reap_request *request = host_request;
    struct reaping reaping = {.op = op,
                              .request = request,
                              .query = {.cursor = request->cursor,
                                        .states = request->states,
                                        .page = request->page,
                                        .all = request->head.flags & EEP_REAP_ALL},
                              .result = result};
    if (request->idle_ms == 0)
        return err_set(err, EEP_E_INVALID_ARGUMENT,
                       "idle_ms is 0: say for how long nobody must have used a lease for it to go");
    TRY(leases_page(op, &reaping.query, &page, err));
    return reap_page(&reaping, &page, err);
}

const struct call call_reap = {
    .name = "reap",
    .request_size = sizeof(eep_reap_request),
    .request_min = sizeof(eep_reap_request),
    .result_size = sizeof(eep_reaping),
    .flags = EEP_REAP_DRY_RUN | EEP_REAP_ALL | EEP_REAP_REUSABLE | EEP_REAP_RUNNING,
    .keeps_partial = true,
    .run = run_reap,
};
