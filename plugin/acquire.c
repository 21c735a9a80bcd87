/* acquire.c: the calls acquire_lease and resume_lease. */
#include "abi.h"
#include "base/str.h"
#include "call.h"
#include "lease.h"
#include "lifecycle.h"
#include "prepare.h"

static uint32_t flags_of(const struct leasing *leasing)
{
    const struct access *access = &leasing->access;
    if (!leasing->reused) return access->started ? EEP_LEASE_STARTED : 0;
    return EEP_LEASE_REUSED | (access->started || access->again ? EEP_LEASE_STARTED : 0) |
           (access->first ? EEP_LEASE_BARE : 0);
}

static int run_acquire(struct op *op, const void *request, void *result, struct err *err)
{
    CLEANUP(leasing_finish) struct leasing leasing = {0};
    if (leasing_acquire(&leasing, op, request, err) != EEP_OK) return leasing_abandon(&leasing, op, err);
    int status = lease_fill(result, op, &leasing.sandbox, leasing.access.facts, flags_of(&leasing), err);
    return status == EEP_OK ? EEP_OK : leasing_abandon(&leasing, op, err);
}

/* -- Resume ------------------------------------------------------------------------------------ */

/* One request finds the sandbox, starts it if it must, and tells where its toolbox is. */
static int wake_up(struct access *access, const eep_resume_request *request, struct sandbox *sandbox,
                   struct err *err)
{
    if (request->head.flags & EEP_RESUME_NO_START)
        return lifecycle_wait_started(access->op, access->lease, sandbox, err);
    return lifecycle_start(access->op, access->lease, sandbox, &access->started, err);
}

/* What was prepared by this process, and has been running since, needs no second look. The service may have started it
 * without telling (its answer comes after the start): but then its description has changed. */
static bool still_prepared(const struct access *access, const struct sandbox *sandbox)
{
    const struct facts *facts = access->facts;
    if (access->started || !facts || str_absent(facts->workspace)) return false;
    return !str_empty(facts->updated) && str_eq(facts->updated, sandbox->updated_at);
}

static int resume(struct access *access, const eep_resume_request *request, eep_lease *result,
                  struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct op *op = access->op;
    int status = wake_up(access, request, &sandbox, err);
    if (status == EEP_E_LEASE_LOST) facts_drop(&op->env->cache, access->lease);
    TRY(status);
    bool prepared = still_prepared(access, &sandbox);
    TRY(access_learn(access, &sandbox, err));
    if (!prepared) TRY(prepare_run(access, PREPARE_KNOWN, err));
    uint32_t flags = EEP_LEASE_RESUMED | (access->started || access->again ? EEP_LEASE_STARTED : 0);
    return lease_fill(result, op, &sandbox, access->facts, flags, err);
}

static int run_resume(struct op *op, const void *host_request, void *result, struct err *err)
{
    const eep_resume_request *request = host_request;
    CLEANUP(access_finish) struct access access = {0};
    TRY(abi_check_str(request->lease, EEP_LEASE_MAX, "lease", err));
    TRY(access_init(&access, op, request->lease, err));
    int status = resume(&access, request, result, err);
    if (status != EEP_OK) str_copy(err->lease, sizeof err->lease, request->lease);
    return status;
}

const struct call call_acquire_lease = {
    .name = "acquire_lease",
    .request_size = sizeof(eep_acquire_request),
    .request_min = sizeof(eep_acquire_request),
    .result_size = sizeof(eep_lease),
    .flags = EEP_ACQUIRE_REUSE,
    .run = run_acquire,
};

const struct call call_resume_lease = {
    .name = "resume_lease",
    .request_size = sizeof(eep_resume_request),
    .request_min = sizeof(eep_resume_request),
    .result_size = sizeof(eep_lease),
    .flags = EEP_RESUME_NO_START,
    .run = run_resume,
};
