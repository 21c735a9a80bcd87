#include "call.h"

#include <string.h>

#include "abi.h"
#include "base/arena.h"
#include "base/str.h"
#include "whose.h"

union any_request {
    eep_request head;
    eep_probe_request probe;
    eep_acquire_request acquire;
    eep_resume_request resume;
    eep_realize_request realize;
    eep_execute_request execute;
    eep_release_request release;
    eep_attach_request attach;
    eep_kill_request kill;
    eep_list_request list;
    eep_drop_request drop;
    eep_lease_get_request lease_get;
    eep_leases_request leases;
    eep_keepalive_request keepalive;
    eep_reap_request reap;
};

union any_result {
    eep_out head;
    eep_probe probe;
    eep_lease lease;
    eep_workspace workspace;
    eep_execution execution;
    eep_released released;
    eep_execution_list list;
    eep_leases leases;
    eep_kept kept;
    eep_reaping reaping;
};

static int import_request(const struct call *call, const void *request, const void *result,
                          union any_request *local, struct err *err)
{
    TRY(abi_import(local, call->request_size, call->request_min, request, call->name, err));
    TRY(abi_check_flags(local->head.flags, EEP_REQUEST_NO_GRACE | call->flags, call->name, err));
    return abi_check_result(result, call->name, err);
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

static int run_operation(const struct call *call, eep_env *env, const union any_request *request,
                         union any_result *result, struct err *err)
{
    struct op op;
    TRY(op_begin(&op, env, call->name, &request->head, err));
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

static bool hands_over(const struct call *call, int status)
{
    bool partial = status == EEP_E_CANCELLED || status == EEP_E_DEADLINE || status == EEP_E_INTERRUPTED ||
                   status == EEP_E_EXPIRED;
    return status == EEP_OK || (call->keeps_partial && partial);
}

int32_t call_run(const struct call *call, eep_env *env, const void *request, void *result, eep_error *error)
{
    struct err err = ERR_INIT;
    union any_request local_request;
    union any_result local_result;
    memset(&local_result, 0, sizeof local_result);
    int status = import_request(call, request, result, &local_request, &err);
    if (status == EEP_OK) status = run_operation(call, env, &local_request, &local_result, &err);
    if (hands_over(call, status))
        abi_export(result, &local_result, call->result_size);
    else
        arena_free(&local_result.head.arena);
    if (status == EEP_OK) return EEP_OK;
    err_where(&err, "%s", call->name);
    return abi_export_error(error, &err);
}
