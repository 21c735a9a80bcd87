/* verdict.c: what an answer means to the caller: an error, or the next request. */
#include "runner/answer.h"

static int refusal_error(const struct runner_answer *answer, struct err *err)
{
    switch (answer->refusal) {
    case RUNNER_REFUSAL_CWD:
        return err_set(err, EEP_E_NOT_FOUND, "the working directory does not exist in the sandbox");
    case RUNNER_REFUSAL_TOOL:
        return err_set(err, EEP_E_SANDBOX,
                       "the sandbox's image has no `%s`: install it (coreutils, util-linux or busybox)",
                       answer->tool);
    case RUNNER_REFUSAL_FOLDER:
        return err_set(
            err, EEP_E_SANDBOX,
            "the sandbox has no folder for the records of executions: neither $HOME nor ${TMPDIR:-/tmp} "
            "can be written");
    case RUNNER_REFUSAL_DISK:
        return err_set(err, EEP_E_SANDBOX,
                       "the sandbox's disk is full: nothing was started; dropping executions makes room");
    case RUNNER_REFUSAL_RUNNER:
        return err_set(
            err, EEP_E_SANDBOX,
            "the native runner, which the configuration insists on, is not in the sandbox or does not run "
            "there: nothing was started; resume the lease to put it back, or set `runner` to auto");
    case RUNNER_REFUSAL_DIED:
    case RUNNER_REFUSAL_NONE: break;
    }
    err_set(err, EEP_E_SANDBOX, "the sandbox could not start the command's supervisor: nothing was started");
    return err_flag(err, EEP_ERROR_RETRYABLE);
}

int runner_answer_error(const struct runner_answer *answer, struct err *err)
{
    switch (answer->state) {
    case RUNNER_RUNNING:
    case RUNNER_DONE: return EEP_OK;
    case RUNNER_NONE:
        return err_set(err, EEP_E_NOT_FOUND, "no execution with this id was started in the sandbox");
    case RUNNER_EXPIRED:
        return err_set(err, EEP_E_EXPIRED, "the command has finished, but its output has been cleaned up");
    case RUNNER_LOST:
        return err_set(
            err, EEP_E_INTERRUPTED,
            "the command was started, but it ended with its sandbox or its supervisor: outcome unknown");
    case RUNNER_NEVER:
        return err_set(
            err, EEP_E_INTERRUPTED,
            "the command was marked as started but never ran (cancelled, or the sandbox died first): use "
            "another execution id");
    case RUNNER_CONFLICT:
        return err_set(err, EEP_E_CONFLICT, "this execution id belongs to another command in the sandbox");
    case RUNNER_REFUSED: return refusal_error(answer, err);
    }
    return err_set(err, EEP_E_INTERNAL, "a state that does not exist");
}

enum runner_step runner_next_step(enum runner_request_kind kind, const struct runner_answer *answer)
{
    if (!answer || answer->state == RUNNER_RUNNING) return RUNNER_STEP_ATTACH;
    /* The start never arrived, or somebody else's, which ours waited for, was refused. After a kill nothing may start any
     * more. */
    bool starts = kind == RUNNER_REQUEST_ATTACH || kind == RUNNER_REQUEST_START;
    if (answer->state == RUNNER_NONE && starts) return RUNNER_STEP_START;
    return RUNNER_STEP_FINISH;
}
