/* calls.h: the calls of the plugin as the verbs use them: with progress on standard error, and the plugin's
 * error taken over into a struct err. The result is the caller's to clear when the call returns EEP_OK, and
 * empty otherwise.
 */
#ifndef CLI_CALLS_H
#define CLI_CALLS_H

#include "cli.h"

int call_probe(struct cli *cli, const eep_probe_request *request, eep_probe *result, struct err *err);
int call_acquire(struct cli *cli, const eep_acquire_request *request, eep_lease *result, struct err *err);
int call_resume(struct cli *cli, const eep_resume_request *request, eep_lease *result, struct err *err);
int call_realize(struct cli *cli, const eep_realize_request *request, eep_workspace *result, struct err *err);
int call_release(struct cli *cli, const eep_release_request *request, eep_released *result, struct err *err);

/* Without progress when the request has on_output: the command has the terminal then. */
int call_execute(struct cli *cli, const eep_execute_request *request, eep_execution *result, struct err *err);

#endif
