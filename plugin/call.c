#include "call.h"

#include <string.h>

#include "abi.h"
#include "base/arena.h"
#include "base/str.h"
#include "whose.h"

int call_import(const struct call *call, const void *request, union call_request *local, struct err *err)
{
    TRY(abi_import(local, call->request_size, call->request_min, request, call->name, err));
    return abi_check_flags(local->head.flags, EEP_REQUEST_NO_GRACE | call->flags, call->name, err);
}

/* "acquire_lease: start: GET /sandbox/s1": which call, at what, doing what. */
static void tell_where(const struct op *op, struct err *err)
{
    char request[sizeof err->where];
    str_copy(request, sizeof request, str_from(err->where));
    err->where[0] = '\0';
    err_where(err, "%s%s%s%s%s", op->name, op->phase ? ": " : "", op->phase ? op->phase : "",
              request[0] ? ": " : "", request);
}

int call_operate(const struct call *call, eep_env *env, struct op_seat *seat,
                 const union call_request *request, union call_result *result, struct err *err)
{
    struct op op;
    TRY(op_begin(&op, env, call->name, &request->head, err));
    if (seat) op_sit(&op, seat);
    op.wait.urgent = call->urgent;
    int status = call->run(&op, request, result, err);
    if (status != EEP_OK) {
        if (status == EEP_E_LEASE_LOST && err->http_status == 404) whose_key(&op, err);
        tell_where(&op, err);
        daytona_hide_token(&env->client, err); /* also what a server put into ids and addresses */
        op_log(&op, EEP_LOG_INFO, "failed: %s: %s", err_name(status), err->message);
    }
    op_end(&op);
    return status;
}

bool call_hands_over(const struct call *call, int status)
{
    bool partial = status == EEP_E_CANCELLED || status == EEP_E_DEADLINE || status == EEP_E_INTERRUPTED ||
                   status == EEP_E_EXPIRED;
    return status == EEP_OK || (call->keeps_partial && partial);
}

int32_t call_run(const struct call *call, eep_env *env, const void *request, void *result, eep_error *error)
{
    struct err err = ERR_INIT;
    union call_request local_request;
    union call_result local_result;
    memset(&local_result, 0, sizeof local_result);
    int status = call_import(call, request, &local_request, &err);
    if (status == EEP_OK) status = abi_check_result(result, call->name, &err);
    if (status == EEP_OK) status = call_operate(call, env, NULL, &local_request, &local_result, &err);
    if (call_hands_over(call, status))
        abi_export(result, &local_result, call->result_size);
    else
        arena_free(&local_result.head.arena);
    if (status == EEP_OK) return EEP_OK;
    err_where(&err, "%s", call->name);
    return abi_export_error(error, &err);
}
