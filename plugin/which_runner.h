/* which_runner.h: which of the two runners does what a lease is asked for.
 *
 * The native one where it is known to work. Prepare tells whether the sandbox has it; the first start in one that has not
 * brings it along (not prepare: that request would not fit into a fresh connection's first round trip any more). Who has
 * not prepared the lease (an execution by its id, in a new process) sends text for both, and learns from the answer: also
 * for which CPU the program is missing, which the next start then brings along.
 * Where the program has gone meanwhile or does not run, sh takes over: both read what the other wrote. The key `runner` of
 * the configuration can insist on one. */
#ifndef PLUGIN_WHICH_RUNNER_H
#define PLUGIN_WHICH_RUNNER_H

#include "access.h"
#include "runner/answer.h"
#include "runner/request.h"

/* May this environment use the native runner at all? */
bool which_runner_native(const struct eep_env *env);

/* For requests that are short in both: the native one if it is there, without knowing. */
enum runner_use which_runner_either(const struct eep_env *env);

/* Fills in call->use, call->native and call->program. Only a start brings the program along. */
void which_runner_choose(const struct access *access, bool starts, struct runner_call *call);

/* Learns from an answer (NULL = it could not be understood, which `status` and err tell; exit_code is the shell's). *again:
 * nothing was started, for the program is not there: ask again, which now means sh. Returns status, or what else went
 * wrong. */
int which_runner_judge(struct access *access, const struct runner_call *call, int64_t exit_code,
                       const struct runner_answer *answer, bool *again, int status, struct err *err);

/* What facts remember for a prepared sandbox. */
eep_str which_runner_of(const struct eep_env *env, const struct runner_prepared *prepared);

/* The native runner was insisted upon, and is not to be had: EEP_E_SANDBOX, EEP_E_UNSUPPORTED. */
int which_runner_check(const struct eep_env *env, const struct runner_prepared *prepared, struct err *err);

#endif
