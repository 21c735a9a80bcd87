/* release.c: giving a lease back. What is gone already is well released. */
#include "abi.h"
#include "base/arena.h"
#include "base/str.h"
#include "call.h"
#include "daytona/sandbox.h"
#include "daytona/wire.h"
#include "ending.h"

static uint32_t effective_mode(const struct op *op, uint32_t mode)
{
    if (mode != EEP_RELEASE_BY_CONFIG) return mode;
    return op->env->config->reuse_lease ? EEP_RELEASE_STOP : EEP_RELEASE_DESTROY;
}

static int fill_result(eep_released *result, uint32_t mode, const struct ending *end, struct err *err)
{
    result->mode = mode;
    result->state = sandbox_state_code(str_from(end->state));
    if (end->already) result->head.flags |= EEP_RELEASED_ALREADY;
    if (end->confirmed) result->head.flags |= EEP_RELEASED_CONFIRMED;
    if (arena_str(&result->head.arena, str_from(end->state), &result->state_text) != EEP_OK)
        return err_no_memory(err);
    return EEP_OK;
}

/* The user's files are worth more than a clean end: only on demand does a failed stop become a deletion, and
 * never for a reason that a deletion would not mend. */
static bool falls_back(const eep_release_request *request, int status)
{
    return (request->head.flags & EEP_RELEASE_DESTROY_IF_STOP_FAILS) &&
           (status == EEP_E_SANDBOX || status == EEP_E_INVALID_ARGUMENT || status == EEP_E_CONFLICT ||
            status == EEP_E_UNSUPPORTED);
}

static int stop_or_fall_back(struct op *op, const eep_release_request *request, uint32_t *mode,
                             uint32_t *flags, struct ending *end, struct err *err)
{
    int status = ending_stop(op, request->lease, false, end, err);
    if (status == EEP_OK || !falls_back(request, status)) return status;
    op_log(op, EEP_LOG_WARNING, "lease %.*s cannot be stopped (%s): deleting it", (int)request->lease.len,
           request->lease.ptr, err->message);
    *mode = EEP_RELEASE_DESTROY;
    *flags |= EEP_RELEASED_FELL_BACK;
    return ending_delete(op, request->lease, false, end, err);
}

static int carry_out(struct op *op, const eep_release_request *request, uint32_t *mode, uint32_t *flags,
                     struct ending *end, struct err *err)
{
    switch (*mode) {
    case EEP_RELEASE_STOP: return stop_or_fall_back(op, request, mode, flags, end, err);
    case EEP_RELEASE_DESTROY: return ending_delete(op, request->lease, false, end, err);
    case EEP_RELEASE_ARCHIVE: return ending_archive(op, request->lease, end, err);
    case EEP_RELEASE_DETACH: *end = (struct ending){0}; return EEP_OK;
    default: return err_set(err, EEP_E_UNSUPPORTED, "release mode %u is not known to this plugin", *mode);
    }
}

static int run_release(struct op *op, const void *host_request, void *host_result, struct err *err)
{
    const eep_release_request *request = host_request;
    eep_released *result = host_result;
    struct ending end = {0};
    uint32_t mode = effective_mode(op, request->mode);
    TRY(abi_check_zero(request->reserved, "release", err));
    TRY(abi_check_str(request->lease, EEP_LEASE_MAX, "lease", err));
    TRY(wire_check_id(request->lease, err));
    str_copy(err->lease, sizeof err->lease, request->lease);
    facts_drop(&op->env->cache, request->lease);
    int status = carry_out(op, request, &mode, &result->head.flags, &end, err);
    if (status == EEP_OK) return fill_result(result, mode, &end, err);
    str_copy(err->lease, sizeof err->lease, request->lease);
    return status;
}

const struct call call_release = {
    .name = "release",
    .urgent = true,
    .request_size = sizeof(eep_release_request),
    .request_min = sizeof(eep_release_request),
    .result_size = sizeof(eep_released),
    .flags = EEP_RELEASE_DESTROY_IF_STOP_FAILS,
    .run = run_release,
};
