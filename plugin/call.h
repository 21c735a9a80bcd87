/* call.h: how one of the blocking calls goes through: request in, operation, result or error out.
 *
 * The same functions serve eep.async/1: an operation knows nothing about how its request came here. */
#ifndef PLUGIN_CALL_H
#define PLUGIN_CALL_H

#include "env.h"
#include "ext/execution.h"
#include "ext/lease.h"

struct call {
    const char *name; /* as in the table: "acquire_lease" */
    size_t request_size;
    size_t request_min; /* its size in ABI 1.0 */
    size_t result_size;
    uint32_t flags;     /* that its request knows, besides EEP_REQUEST_ */
    bool urgent;        /* ends or gives back something: does not wait for a connection behind work */
    bool keeps_partial; /* hands its result over on EEP_E_CANCELLED, _DEADLINE, _INTERRUPTED, _EXPIRED, too */

    /* Complete, zero-filled structs of this build. result->arena is freed by whoever called when it fails. */
    int (*run)(struct op *op, const void *request, void *result, struct err *err);
};

extern const struct call call_probe;
extern const struct call call_acquire_lease;
extern const struct call call_resume_lease;
extern const struct call call_realize_workspace;
extern const struct call call_execute;
extern const struct call call_release;
extern const struct call call_attach;
extern const struct call call_kill;
extern const struct call call_list;
extern const struct call call_drop;
extern const struct call call_lease_get;
extern const struct call call_leases;
extern const struct call call_keepalive;
extern const struct call call_reap;
extern const struct call call_explain;

union call_request {
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
    eep_explain_request explain;
};

union call_result {
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
    eep_explanation explanation;
};

/* The way of a call in three steps. Import: the request as this build knows it; nothing else is checked yet.
 * Operate: runs it; result is zeroed. seat NULL = on the caller's thread. Its status, and err when that is not EEP_OK.
 * Hands over: is the result to be given to the host, or its arena to be freed? */
int call_import(const struct call *call, const void *request, union call_request *local, struct err *err);
int call_operate(const struct call *call, eep_env *env, struct op_seat *seat,
                 const union call_request *request, union call_result *result, struct err *err);
bool call_hands_over(const struct call *call, int status);

/* All of them, on this thread. */
int32_t call_run(const struct call *call, eep_env *env, const void *request, void *result, eep_error *error);

#endif
