/* lease.c: exactly one sandbox for one acquire, whatever becomes of the answers.
 *
 * The name is chosen before anything is sent, and the service keeps names apart (409, protocol 4.3): so a create may
 * be repeated, and its outcome can always be looked up. */
#include "lease.h"

#include "base/clock.h"
#include "base/str.h"
#include "daytona/errors.h"
#include "ending.h"
#include "lifecycle.h"
#include "prepare.h"
#include "retry.h"
#include "reuse.h"

/* The service remembers that it did not find a name, also when the sandbox was made meanwhile. So long a name that is
 * taken, or an order without an answer, is looked for. */
#define SEARCH_MS LIFECYCLE_STALE_MS

/* A service that fails at this very request (500, a page instead of JSON) fails again. 502 to 504 and limits pass. */
#define TRIES_MAX 3

/* A lease that is given back by somebody while we make or adopt it is made anew, not again and again. */
#define ADOPTIONS_MAX 3

/* -- Looking it up ----------------------------------------------------------------------------- */

static void note_sandbox(struct leasing *leasing)
{
    str_copy(leasing->id, sizeof leasing->id, leasing->sandbox.id);
}

/* The name is taken: by an earlier acquire with this key, by this very call (its answer was lost), or by
 * somebody else. */
static int adopt(struct leasing *leasing, struct err *err)
{
    struct sandbox *sandbox = &leasing->sandbox;
    if (create_request_matches(&leasing->create, sandbox)) {
        leasing->reused = !str_is(sandbox_label(sandbox, LABEL_IDENTITY), leasing->create.identity);
        note_sandbox(leasing);
        return EEP_OK;
    }
    err_set(err, EEP_E_CONFLICT, "%s (sandbox %.*s): use %s, or release that lease first",
            leasing->create.by_labels
                ? "these labels are those of a sandbox that was made for another request"
                : "this idempotency key has been used before for another request",
            (int)sandbox->id.len, sandbox->id.ptr, leasing->create.by_labels ? "others" : "another key");
    sandbox_finish(sandbox); /* not ours: never to be deleted */
    return err->code;
}

/* EEP_OK = adopted; EEP_E_NOT_FOUND = there is none now; EEP_E_CONFLICT = another's. What is being deleted gives its
 * name up (protocol 6). */
static int look_up(struct leasing *leasing, struct op *op, struct err *err)
{
    struct retry retry = RETRY_INIT;
    struct daytona *client = &op->env->client;
    while (sandboxes_get_by_name(client, str_from(leasing->create.name), &op->wait, &leasing->sandbox, err) !=
           EEP_OK) {
        if (!retry_is_passing(err)) return retry_give_up(op, &retry, err);
        TRY(retry_wait(op, &retry, err));
    }
    if (leasing->sandbox.phase != PHASE_GONE) return adopt(leasing, err);
    sandbox_finish(&leasing->sandbox);
    return err_set(err, EEP_E_NOT_FOUND, "sandbox %s is being deleted", leasing->create.name);
}

/* Who was seen leaving and is not there any more has left: no cache is in the way then. */
static int search(struct leasing *leasing, struct op *op, struct err *err)
{
    struct retry retry = RETRY_INIT;
    bool leaving = false;
    int64_t until = clock_now_ms() + SEARCH_MS;
    for (;;) {
        int status = look_up(leasing, op, err);
        if (status != EEP_E_NOT_FOUND || clock_now_ms() >= until) return status;
        bool unknown = err->http_status == 404;
        if (unknown && leaving) return status;
        leaving = leaving || !unknown;
        struct err missing = *err;
        if (retry_poll(op, &retry, err) != EEP_OK)
            return err_prefix(err, "%.150s, and the name is not free", missing.message);
    }
}

/* -- Making sure that there is exactly one ----------------------------------------------------- */

/* May the failed create have made something? */
static bool may_exist(const struct err *err)
{
    return (err->flags & EEP_ERROR_MAYBE_APPLIED) || err->code == EEP_E_CONFLICT ||
           error_is_failed_start(err);
}

/* A create went wrong: what is there? EEP_OK = adopted. EEP_E_NOT_FOUND = nothing, and *failure stands. */
static int settle(struct leasing *leasing, struct op *op, const struct err *failure, struct err *err)
{
    bool taken = failure->code == EEP_E_CONFLICT;
    int status = taken ? search(leasing, op, err) : look_up(leasing, op, err);
    /* "failed to start" is an answer: what was made is gone again */
    bool lost = (failure->flags & EEP_ERROR_MAYBE_APPLIED) && !error_is_failed_start(failure);
    if (lost || status != EEP_E_NOT_FOUND) leasing->ordered = true;
    return status;
}

static int order(struct leasing *leasing, struct op *op, struct err *err)
{
    struct create_request *create = &leasing->create;
    int status = sandboxes_create(&op->env->client, buf_str(&create->body), str_from(create->name), &op->wait,
                                  &leasing->sandbox, err);
    bool lost = (err->flags & EEP_ERROR_MAYBE_APPLIED) && !error_is_failed_start(err);
    if (status == EEP_OK || lost) leasing->orders++;
    TRY(status);
    note_sandbox(leasing);
    return EEP_OK;
}

/* The name makes another create harmless; is it also worth it? */
static bool worth_another_try(const struct err *failure, int try)
{
    if (failure->code == EEP_E_CONFLICT || failure->code == EEP_E_RATE_LIMITED) return true;
    if (failure->code == EEP_E_PROTOCOL) return try < TRIES_MAX;
    return failure->code == EEP_E_UNAVAILABLE && (failure->http_status != 500 || try < TRIES_MAX);
}

static bool is_over(int status)
{
    return op_was_stopped(status) || status == EEP_E_DEADLINE;
}

/* One create and what follows from it. *again: nothing is there, and another try may help. */
static int try_to_make(struct leasing *leasing, struct op *op, int try, bool *again, struct err *err)
{
    *again = false;
    *err = (struct err)ERR_INIT;
    int status = order(leasing, op, err);
    if (status == EEP_OK) return EEP_OK;
    struct err failure = *err;
    if (may_exist(&failure)) {
        if (is_over(status)) leasing->ordered = true;
        if (is_over(status)) return status; /* looking is for the grace */
        status = settle(leasing, op, &failure, err);
        if (status != EEP_E_NOT_FOUND) return status;
    }
    *err = failure;
    *again = worth_another_try(&failure, try);
    return failure.code;
}

static int make(struct leasing *leasing, struct op *op, struct err *err)
{
    struct retry retry = RETRY_INIT;
    bool again = true;
    int status = EEP_OK;
    op->phase = "create";
    for (int try = 1; again; try++) {
        status = try_to_make(leasing, op, try, &again, err);
        if (status != EEP_OK && again && (status = retry_wait(op, &retry, err)) != EEP_OK) break;
    }
    if (status == EEP_OK) {
        op->phase = NULL;
        return EEP_OK;
    }
    err->flags &= ~EEP_ERROR_MAYBE_APPLIED;
    bool anothers = status == EEP_E_CONFLICT && !again;
    return err_flag(err, leasing->ordered && !anothers ? EEP_ERROR_MAYBE_APPLIED : 0);
}

/* By labels an old one is preferred, wherever it comes from. None is no failure: the name that the labels give keeps
 * hosts from making two at the same time. */
static int find_labelled(struct leasing *leasing, struct op *op, struct err *err)
{
    TRY(reuse_find(op, &leasing->create, &leasing->sandbox, err));
    return leasing->sandbox.tree ? adopt(leasing, err) : EEP_OK;
}

/* From "there is one" to "it can be used". */
static int bring_up(struct leasing *leasing, struct op *op, struct err *err)
{
    struct access *access = &leasing->access;
    access_finish(access);
    TRY(access_init(access, op, str_from(leasing->id), err));
    TRY(lifecycle_start(op, access->lease, &leasing->sandbox, &access->started, err));
    TRY(access_learn(access, &leasing->sandbox, err));
    TRY(prepare_run(access, PREPARE_NEW, err));
    if (leasing->reused && access->first)
        op_log(op, EEP_LOG_WARNING,
               "sandbox %s was not prepared by the acquire that made it, or has been emptied since",
               leasing->id);
    return EEP_OK;
}

static void forget_sandbox(struct leasing *leasing, struct op *op)
{
    facts_drop(&op->env->cache, str_from(leasing->id));
    sandbox_finish(&leasing->sandbox);
    leasing->id[0] = '\0';
    leasing->ordered = leasing->reused = false;
}

int leasing_acquire(struct leasing *leasing, struct op *op, const eep_acquire_request *request,
                    struct err *err)
{
    TRY(create_request_init(&leasing->create, op->env->config, request, err));
    for (int adoption = 0;; adoption++) {
        if (leasing->create.by_labels) TRY(find_labelled(leasing, op, err));
        if (!leasing->sandbox.tree) TRY(make(leasing, op, err));
        int status = bring_up(leasing, op, err);
        bool given_back = status == EEP_E_LEASE_LOST && leasing->create.keyed; /* by another who found it */
        if (!given_back || adoption + 1 >= ADOPTIONS_MAX) return status;
        forget_sandbox(leasing, op);
    }
}

void leasing_finish(struct leasing *leasing)
{
    access_finish(&leasing->access);
    sandbox_finish(&leasing->sandbox);
    create_request_finish(&leasing->create);
}

/* -- Leaving nothing behind -------------------------------------------------------------------- */

/* err keeps the reason of the failure; only what is left is added to it. A name will do as a lease where the id is not
 * known. */
static int tell_left(const struct leasing *leasing, struct err *err)
{
    bool found = leasing->create.by_labels && leasing->id[0]; /* whose name may be another tool's choice */
    const char *name = found ? leasing->id : leasing->create.name;
    const char *key = leasing->create.by_labels ? "these labels" : "this key";
    str_copy(err->lease, sizeof err->lease, str_from(leasing->id[0] ? leasing->id : name));
    if (leasing->gone)
        err_suffix(err, "sandbox %s was deleted, but a create without an answer may still make it again",
                   name);
    else if (!leasing->create.keyed)
        err_suffix(err, "sandbox %s may be left behind: release it with DESTROY", name);
    else if (err->code == EEP_E_SANDBOX || err->code == EEP_E_LEASE_LOST)
        err_suffix(err, "sandbox %.100s has %s and cannot be used: release it with DESTROY, or use %s", name,
                   key, leasing->create.by_labels ? "others" : "another key");
    else
        err_suffix(err, "sandbox %.100s is kept for another acquire with %s", name, key);
    return err_flag(err, EEP_ERROR_MAYBE_APPLIED);
}

/* Nothing was made by this call that could be left. */
static bool nothing_to_undo(const struct leasing *leasing, const struct err *err)
{
    return leasing->id[0] == '\0' && !(err->flags & EEP_ERROR_MAYBE_APPLIED);
}

int leasing_abandon(struct leasing *leasing, struct op *op, struct err *err)
{
    struct err undo = ERR_INIT;
    struct ending end;
    const char *phase = op->phase;
    if (nothing_to_undo(leasing, err)) return err->code;
    op_begin_grace(op);
    int found = leasing->id[0] ? EEP_OK : search(leasing, op, &undo);
    leasing->gone = found == EEP_OK && !leasing->create.keyed &&
                    ending_delete(op, str_from(leasing->id), true, &end, &undo) == EEP_OK;
    op->phase = phase; /* the failure's, not the undoing's */
    if (found == EEP_E_CONFLICT) return err->code;
    if (leasing->gone) facts_drop(&op->env->cache, str_from(leasing->id));
    if (leasing->gone && leasing->orders > 1) leasing->id[0] = '\0'; /* only its name may come again */
    if (!leasing->gone || leasing->orders > 1) return tell_left(leasing, err);
    err->flags &= ~EEP_ERROR_MAYBE_APPLIED;
    err->lease[0] = '\0';
    return err->code;
}
