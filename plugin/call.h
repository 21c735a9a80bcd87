/* call.h: how one of the blocking calls goes through: request in, operation, result or error out.
 *
 * The same functions will serve eep.async/1: an operation knows nothing about how its request came here. */
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

/* Runs it on this thread. */
int32_t call_run(const struct call *call, eep_env *env, const void *request, void *result, eep_error *error);

#endif
