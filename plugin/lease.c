#include "lease.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "daytona/errors.h"
#include "lifecycle.h"
#include "prepare.h"

/* How long a create whose fate is unknown is looked for: the service knows a sandbox as soon as it begins to
 * make it. */
#define SEARCH_MS      3000
#define SEARCH_POLL_MS 250
#define CREATE_TRIES   3

/* -- Making sure that there is exactly one ----------------------------------------------------- */

static void note_sandbox(struct leasing *leasing)
{
    str_copy(leasing->id, sizeof leasing->id, leasing->sandbox.id);
}

/* The name is taken: by an earlier acquire with this key, by this very call (its answer was lost), or by
 * somebody else. */
static int adopt(struct leasing *leasing, struct err *err)
{
    if (create_request_matches(&leasing->create, &leasing->sandbox)) {
        note_sandbox(leasing);
        return EEP_OK;
    }
    err_set(err, EEP_E_CONFLICT,
            "this idempotency key has been used before for another request (sandbox %.*s): use another key, "
            "or release "
            "that lease first",
            (int)leasing->sandbox.id.len, leasing->sandbox.id.ptr);
    sandbox_finish(&leasing->sandbox); /* not ours: never to be deleted */
    return err->code;
}

static int find_by_name(struct leasing *leasing, struct op *op, struct err *err)
{
    return sandboxes_get_by_name(&op->env->client, str_from(leasing->create.name), &op->wait,
                                 &leasing->sandbox, err);
}

/* May the failed create have made something? */
static bool may_exist(const struct err *err)
{
    return (err->flags & EEP_ERROR_MAYBE_APPLIED) || err->code == EEP_E_CONFLICT ||
           error_is_failed_start(err);
}

/* A create went wrong: what is there? EEP_OK = adopted. EEP_E_NOT_FOUND = nothing is there, *failure stands.
 */
static int settle(struct leasing *leasing, struct op *op, const struct err *failure, struct err *err)
{
    TRY(find_by_name(leasing, op, err));
    leasing->reused = failure->code == EEP_E_CONFLICT && !leasing->ordered;
    return adopt(leasing, err);
}

/* Interrupted calls cannot go on; passing troubles can, for the name makes a second create harmless. */
static bool worth_another_try(const struct err *err)
{
    return err->code == EEP_E_UNAVAILABLE || err->code == EEP_E_RATE_LIMITED || err->code == EEP_E_CONFLICT;
}

static int pause_before_retry(struct op *op, const struct err *failure, int try, struct err *err)
{
    int64_t delay = failure->retry_after_ms > 0 ? (int64_t)failure->retry_after_ms : 200 << try;
    if (op_sleep(op, delay, err) == EEP_OK) return EEP_OK;
    if (err->code == EEP_E_DEADLINE) *err = *failure;
    return err->code;
}

static int create_once(struct leasing *leasing, struct op *op, struct err *err)
{
    struct daytona *client = &op->env->client;
    int status = sandboxes_create(client, buf_str(&leasing->create.body), &op->wait, &leasing->sandbox, err);
    if (status == EEP_OK) {
        note_sandbox(leasing);
        return EEP_OK;
    }
    if (err->flags & EEP_ERROR_MAYBE_APPLIED) leasing->ordered = true;
    if (!may_exist(err) || status == EEP_E_CANCELLED || status == EEP_E_SHUTDOWN || status == EEP_E_DEADLINE)
        return status;
    struct err failure = *err;
    status = settle(leasing, op, &failure, err);
    if (status == EEP_OK || status == EEP_E_CONFLICT) return status;
    if (status == EEP_E_NOT_FOUND)
        *err = failure; /* nothing was made */
    else
        err_flag(err, EEP_ERROR_MAYBE_APPLIED); /* nobody knows */
    return err->code;
}

static int create(struct leasing *leasing, struct op *op, struct err *err)
{
    for (int try = 0;; try++) {
        *err = (struct err)ERR_INIT;
        int status = create_once(leasing, op, err);
        if (status == EEP_OK || !worth_another_try(err) || try + 1 >= CREATE_TRIES || leasing->sandbox.tree)
            return status;
        struct err failure = *err;
        TRY(pause_before_retry(op, &failure, try, err));
    }
}

int leasing_acquire(struct leasing *leasing, struct op *op, const eep_acquire_request *request,
                    struct err *err)
{
    TRY(create_request_init(&leasing->create, op->env->config, request, err));
    TRY(create(leasing, op, err));
    TRY(lifecycle_wait_started(op, &leasing->sandbox, err));
    TRY(access_init(&leasing->access, op, str_from(leasing->id), err));
    TRY(access_learn(&leasing->access, &leasing->sandbox, err));
    return prepare_run(&leasing->access, PREPARE_NEW, err);
}

void leasing_finish(struct leasing *leasing)
{
    access_finish(&leasing->access);
    sandbox_finish(&leasing->sandbox);
    create_request_finish(&leasing->create);
}

/* -- Leaving nothing behind -------------------------------------------------------------------- */

/* The answer to the create never came: looks for what it made, for a while. */
static int search(struct leasing *leasing, struct op *op, struct err *err)
{
    int64_t until = clock_now_ms() + SEARCH_MS;
    for (;;) {
        int status = find_by_name(leasing, op, err);
        if (status == EEP_OK) return adopt(leasing, err);
        if (status != EEP_E_NOT_FOUND || clock_now_ms() >= until) return status;
        TRY(op_sleep(op, SEARCH_POLL_MS, err));
    }
}

/* err keeps the reason of the failure; only what is left is added to it. */
static int tell_left(const struct leasing *leasing, struct err *err)
{
    str_copy(err->lease, sizeof err->lease, str_from(leasing->id));
    err_prefix(err,
               leasing->create.keyed ? "sandbox %s is kept for another acquire with this key"
                                     : "sandbox %s may be left behind",
               leasing->create.name);
    return err_flag(err, EEP_ERROR_MAYBE_APPLIED);
}

int leasing_abandon(struct leasing *leasing, struct op *op, struct err *err)
{
    struct err undo = ERR_INIT;
    struct lifecycle_end end;
    if (leasing->id[0] == '\0' && !may_exist(err)) return err->code;
    if (leasing->id[0] == '\0' && err->code == EEP_E_CONFLICT) return err->code; /* somebody else's */
    op_begin_grace(op);
    int found = leasing->id[0] ? EEP_OK : search(leasing, op, &undo);
    if (leasing->create.keyed || (found != EEP_OK && found != EEP_E_NOT_FOUND))
        return tell_left(leasing, err);
    if (found == EEP_E_NOT_FOUND) return tell_left(leasing, err); /* it may still appear */
    if (lifecycle_delete(op, str_from(leasing->id), &end, &undo) != EEP_OK) return tell_left(leasing, err);
    facts_drop(&op->env->cache, str_from(leasing->id));
    err->flags &= ~EEP_ERROR_MAYBE_APPLIED;
    err->lease[0] = '\0';
    return err->code;
}

/* -- The results ------------------------------------------------------------------------------- */

static int32_t minutes(const struct sandbox *sandbox, const char *key)
{
    return (int32_t)sandbox_number(sandbox, key, -1);
}

static uint32_t count_of(const struct sandbox *sandbox, const char *key)
{
    int64_t value = sandbox_number(sandbox, key, 0);
    return value > 0 && value < UINT32_MAX ? (uint32_t)value : 0;
}

static void fill_numbers(eep_lease *result, const struct sandbox *sandbox)
{
    result->state = sandbox_state_code(sandbox->state);
    result->cpu = count_of(sandbox, "cpu");
    result->memory_gib = count_of(sandbox, "memory");
    result->disk_gib = count_of(sandbox, "disk");
    result->gpu = count_of(sandbox, "gpu");
    result->created_at_ms = sandbox_created_at_ms(sandbox);
    result->auto_stop_min = minutes(sandbox, "autoStopInterval");
    result->auto_archive_min = minutes(sandbox, "autoArchiveInterval");
    result->auto_delete_min = minutes(sandbox, "autoDeleteInterval");
}

static int fill_strings(eep_lease *result, const struct sandbox *sandbox, const struct facts *facts,
                        const struct config *config)
{
    void **arena = &result->head.arena;
    TRY(arena_str(arena, facts->lease, &result->lease));
    TRY(arena_str(arena, sandbox->name, &result->name));
    TRY(arena_str(arena, sandbox->state, &result->state_text));
    TRY(arena_str(arena, sandbox->target, &result->target));
    TRY(arena_str(arena, config->image, &result->image));
    TRY(arena_str(arena, sandbox->snapshot, &result->snapshot));
    TRY(arena_str(arena, facts->shell, &result->shell));
    TRY(arena_str(arena, facts->home, &result->home));
    TRY(arena_str(arena, facts->user, &result->user));
    TRY(arena_str(arena, facts->workdir, &result->workdir));
    TRY(arena_str(arena, facts->workspace, &result->workspace));
    return arena_str(arena, facts->arch, &result->arch);
}

int lease_fill(eep_lease *result, const struct sandbox *sandbox, const struct facts *facts,
               const struct config *config, uint32_t flags, struct err *err)
{
    result->head.flags = flags;
    fill_numbers(result, sandbox);
    return fill_strings(result, sandbox, facts, config) == EEP_OK ? EEP_OK : err_no_memory(err);
}
