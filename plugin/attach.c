/* attach.c: the calls attach, kill and drop of eep.execution/1: reaching what was started before. */
#include "abi.h"
#include "base/str.h"
#include "call.h"
#include "execution.h"

static int require_id(eep_str id, struct err *err)
{
    if (!str_absent(id)) return EEP_OK;
    return err_set(err, EEP_E_INVALID_ARGUMENT, "execution_id is missing: which one is meant?");
}

/* -- attach ------------------------------------------------------------------------------------ */

static int prepare_attach(struct execution *execution, struct op *op, const eep_attach_request *request,
                          struct err *err)
{
    TRY(require_id(request->execution_id, err));
    TRY(execution_init(execution, op, request->lease, request->execution_id, err));
    TRY(execution_listen(execution, request->capture_bytes, request->on_output, request->output_ctx, err));
    execution->goal = RUNNER_REQUEST_ATTACH;
    execution->look = request->head.flags & EEP_ATTACH_NO_WAIT;
    execution->out.from = request->stdout_from;
    execution->err.from = request->stderr_from;
    if (request->head.flags & EEP_ATTACH_NO_START) execution->access.at_rest = EEP_E_CONFLICT;
    return EEP_OK;
}

static int run_attach(struct op *op, const void *request, void *result, struct err *err)
{
    CLEANUP(execution_finish) struct execution execution = {0};
    TRY(prepare_attach(&execution, op, request, err));
    int status = execution_run(&execution, err);
    err->flags &= ~EEP_ERROR_MAYBE_APPLIED; /* looking changes nothing */
    return execution_tell(&execution, status, result, err);
}

const struct call call_attach = {
    .name = "attach",
    .request_size = sizeof(eep_attach_request),
    .request_min = sizeof(eep_attach_request),
    .result_size = sizeof(eep_execution),
    .flags = EEP_ATTACH_NO_WAIT | EEP_ATTACH_NO_START,
    .keeps_partial = true,
    .run = run_attach,
};

/* -- kill and drop ----------------------------------------------------------------------------- */

static int prepare_change(struct execution *execution, struct op *op, enum runner_request_kind goal,
                          eep_str lease, eep_str id, struct err *err)
{
    TRY(require_id(id, err));
    TRY(execution_init(execution, op, lease, id, err));
    execution->goal = goal;
    execution->look = true;
    return EEP_OK;
}

/* What is no good end of a command that one waits for may be just what a kill wants. */
static int judge_kill(const struct execution *execution, int status, struct err *err)
{
    if (!execution->answered) return status;
    switch (execution->answer.state) {
    case RUNNER_EXPIRED: return EEP_OK;
    case RUNNER_NEVER:
        return err_set(err, EEP_E_NOT_FOUND,
                       "no execution with this id has run in the sandbox; from now on none will");
    default: return status;
    }
}

static int run_kill(struct op *op, const void *host_request, void *host_result, struct err *err)
{
    CLEANUP(execution_finish) struct execution execution = {0};
    const eep_kill_request *request = host_request;
    eep_execution *result = host_result;
    TRY(prepare_change(&execution, op, RUNNER_REQUEST_KILL, request->lease, request->execution_id, err));
    execution.access.at_rest = EEP_E_INTERRUPTED; /* nothing runs in a stopped sandbox */
    int status = judge_kill(&execution, execution_run(&execution, err), err);
    TRY(execution_tell(&execution, status, result, err));
    if (execution.answer.state == RUNNER_RUNNING)
        result->head.flags |= EEP_EXECUTION_KILLED | EEP_EXECUTION_UNCONFIRMED;
    return EEP_OK;
}

const struct call call_kill = {
    .name = "kill",
    .urgent = true,
    .request_size = sizeof(eep_kill_request),
    .request_min = sizeof(eep_kill_request),
    .result_size = sizeof(eep_execution),
    .keeps_partial = true,
    .run = run_kill,
};

static int judge_drop(const struct execution *execution, int status, struct err *err)
{
    if (!execution->answered) return status;
    switch (execution->answer.state) {
    case RUNNER_EXPIRED: return EEP_OK;
    case RUNNER_DONE:
    case RUNNER_RUNNING:
        return err_set(
            err, EEP_E_CONFLICT,
            "the execution, or what it left in the background, still writes its output: kill it first");
    default: return status;
    }
}

static int run_drop(struct op *op, const void *host_request, void *result, struct err *err)
{
    CLEANUP(execution_finish) struct execution execution = {0};
    const eep_drop_request *request = host_request;
    TRY(prepare_change(&execution, op, RUNNER_REQUEST_DROP, request->lease, request->execution_id, err));
    int status = judge_drop(&execution, execution_run(&execution, err), err);
    return execution_tell(&execution, status, result, err);
}

const struct call call_drop = {
    .name = "drop",
    .request_size = sizeof(eep_drop_request),
    .request_min = sizeof(eep_drop_request),
    .result_size = sizeof(eep_execution),
    .keeps_partial = true,
    .run = run_drop,
};
