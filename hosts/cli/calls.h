/* calls.h: the calls of the plugin as the verbs use them: with progress on standard error, and the plugin's
 * error taken over into a struct err. The result is the caller's to clear when the call returns EEP_OK, and
 * empty otherwise.
 */
#ifndef CLI_CALLS_H
#define CLI_CALLS_H

#include "abi/ext/execution.h"
#include "abi/ext/lease.h"
#include "cli.h"

int call_probe(struct cli *cli, const eep_probe_request *request, eep_probe *result, struct err *err);
int call_acquire(struct cli *cli, const eep_acquire_request *request, eep_lease *result, struct err *err);
int call_resume(struct cli *cli, const eep_resume_request *request, eep_lease *result, struct err *err);
int call_realize(struct cli *cli, const eep_realize_request *request, eep_workspace *result, struct err *err);
int call_release(struct cli *cli, const eep_release_request *request, eep_released *result, struct err *err);

/* Without progress when the request has on_output: the command has the terminal then. */
int call_execute(struct cli *cli, const eep_execute_request *request, eep_execution *result, struct err *err);

/* The extension eep.execution/1; EEP_E_UNSUPPORTED if the plugin lacks it. The session is open. */
int require_executions(struct cli *cli, struct err *err);

/* They need it. attach is without progress as execute is. */
int call_attach(struct cli *cli, const eep_attach_request *request, eep_execution *result, struct err *err);
int call_kill(struct cli *cli, const eep_kill_request *request, eep_execution *result, struct err *err);
int call_list(struct cli *cli, const eep_list_request *request, eep_execution_list *result, struct err *err);
int call_drop(struct cli *cli, const eep_drop_request *request, eep_execution *result, struct err *err);

/* Calls of the extension eep.lease/1; EEP_E_UNSUPPORTED if the plugin lacks it. The result of a reap is the caller's
 * to clear in any case: with EEP_E_CANCELLED and EEP_E_DEADLINE it tells what has been done. */
int call_leases(struct cli *cli, const eep_leases_request *request, eep_leases *result, struct err *err);
int call_keepalive(struct cli *cli, const eep_keepalive_request *request, eep_kept *result, struct err *err);
int call_explain(struct cli *cli, const eep_explain_request *request, eep_explanation *result,
                 struct err *err);
int call_reap(struct cli *cli, const eep_reap_request *request, eep_reaping *result, struct err *err);

#endif
