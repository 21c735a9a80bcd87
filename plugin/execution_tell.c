/* execution_tell.c: what is known of an execution, as an eep_execution. */
#include "base/arena.h"
#include "base/str.h"
#include "execution.h"

static uint32_t flags_of(const struct execution *execution)
{
    const struct runner_answer *answer = &execution->answer;
    uint32_t flags = 0;
    if (answer->timed_out) flags |= EEP_EXECUTION_TIMED_OUT;
    if (answer->output_limit) flags |= EEP_EXECUTION_OUTPUT_LIMIT;
    if (answer->output_lost) flags |= EEP_EXECUTION_OUTPUT_LOST;
    if (answer->held) flags |= EEP_EXECUTION_HELD;
    if (execution->attached || execution->goal == RUNNER_REQUEST_ATTACH) flags |= EEP_EXECUTION_ATTACHED;
    if (answer->timed_out || answer->cancelled || answer->kill_signal) flags |= EEP_EXECUTION_KILLED;
    if (answer->unconfirmed) flags |= EEP_EXECUTION_UNCONFIRMED;
    if (answer->state == RUNNER_RUNNING) flags |= EEP_EXECUTION_RUNNING;
    if (execution->access.started) flags |= EEP_EXECUTION_STARTED;
    return flags;
}

/* Moves what was captured of a stream into the result. */
static int take_stream(struct execution_stream *stream, eep_execution *result, eep_bytes *out, uint64_t *head,
                       struct err *err)
{
    size_t len = 0;
    size_t head_len = 0;
    if (stream->capture.capacity == 0) return EEP_OK;
    char *bytes = capture_take(&stream->capture, &len, &head_len);
    if (!bytes || arena_adopt(&result->head.arena, bytes) != EEP_OK) return err_no_memory(err);
    *out = (eep_bytes){bytes, len};
    *head = head_len;
    if (stream->capture.seen > len) result->head.flags |= EEP_EXECUTION_TRUNCATED;
    return EEP_OK;
}

static void tell_end(const struct execution *execution, eep_execution *result)
{
    const struct runner_answer *answer = &execution->answer;
    bool ended = answer->state == RUNNER_DONE || answer->state == RUNNER_EXPIRED;
    result->exit_code = ended ? answer->exit_code : -1;
    result->term_signal = answer->term_signal;
    result->kill_signal = answer->kill_signal;
    result->started_at_ms = answer->started_at_ms;
    result->finished_at_ms = answer->finished_at_ms;
    if (answer->state == RUNNER_RUNNING) result->kept_until_ms = execution->kept_until_ms;
}

static int describe(struct execution *execution, eep_execution *result, struct err *err)
{
    const struct runner_answer *answer = &execution->answer;
    result->head.flags = flags_of(execution);
    result->requests = execution->access.op->requests;
    result->stdout_total = answer->out.total;
    result->stderr_total = answer->err.total;
    tell_end(execution, result);
    TRY(take_stream(&execution->out, result, &result->stdout_data, &result->stdout_head, err));
    TRY(take_stream(&execution->err, result, &result->stderr_data, &result->stderr_head, err));
    if (arena_str(&result->head.arena, str_from(execution->id), &result->execution_id) != EEP_OK)
        return err_no_memory(err);
    return EEP_OK;
}

int execution_tell(struct execution *execution, int status, eep_execution *result, struct err *err)
{
    if (status == EEP_OK) return describe(execution, result, err);
    if (status == EEP_E_INTERRUPTED) execution->answer.state = RUNNER_LOST;
    struct err unused = ERR_INIT; /* the reason of the failure is worth more than its partial result */
    describe(execution, result, &unused);
    str_copy(err->lease, sizeof err->lease, execution->access.lease);
    str_copy(err->execution_id, sizeof err->execution_id, str_from(execution->id));
    return status;
}
