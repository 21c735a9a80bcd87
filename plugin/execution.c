#include "execution.h"

#include "abi.h"
#include "base/clock.h"
#include "base/str.h"
#include "exchange.h"

#define DEFAULT_CAPTURE ((uint64_t)16 << 20)
#define CAPTURE_MAX     ((uint64_t)1 << 32)

/* A sandbox answers when there is news, or when its window is over. One that answers sooner, with nothing, is asked less
 * and less often. */
#define IDLE_FIRST_MS 50

#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS  2000

/* Shorter silences are nobody's news. */
#define TOLD_FROM_MS 1000

/* A sandbox whose answers are damaged again and again is broken or hostile. */
#define DAMAGED_MAX 3

/* -- Making one -------------------------------------------------------------------------------- */

static int choose_id(struct execution *execution, eep_str id, struct err *err)
{
    TRY(abi_check_str(id, SIZE_MAX, "execution_id", err));
    if (str_absent(id)) {
        random_hex(execution->id, 16);
        return EEP_OK;
    }
    execution->named = true;
    if (!str_is_word(id) || id.len > EEP_EXECUTION_ID_MAX)
        return err_set(err, EEP_E_INVALID_ARGUMENT,
                       "execution_id must be 1 to %u characters of A-Z a-z 0-9 _ -", EEP_EXECUTION_ID_MAX);
    str_copy(execution->id, sizeof execution->id, id);
    return EEP_OK;
}

int execution_init(struct execution *execution, struct op *op, eep_str lease, eep_str id, struct err *err)
{
    *execution = (struct execution){
        .out.number = EEP_STREAM_STDOUT, .err.number = EEP_STREAM_STDERR, .chunk = EXECUTION_CHUNK_BYTES};
    runner_answer_init(&execution->answer);
    TRY(choose_id(execution, id, err));
    return access_init(&execution->access, op, lease, err);
}

int execution_listen(struct execution *execution, uint64_t capture_bytes, eep_output_fn on_output, void *ctx,
                     struct err *err)
{
    uint64_t capture = capture_bytes ? capture_bytes : on_output ? 0 : DEFAULT_CAPTURE;
    if (capture > CAPTURE_MAX)
        return err_set(err, EEP_E_TOO_LARGE, "capture_bytes may be %llu at the most",
                       (unsigned long long)CAPTURE_MAX);
    capture_init(&execution->out.capture, (size_t)capture);
    capture_init(&execution->err.capture, (size_t)capture);
    execution->on_output = on_output;
    execution->output_ctx = ctx;
    return EEP_OK;
}

void execution_finish(struct execution *execution)
{
    access_finish(&execution->access);
    capture_finish(&execution->out.capture);
    capture_finish(&execution->err.capture);
    runner_answer_finish(&execution->answer);
}

/* -- Between the requests ---------------------------------------------------------------------- */

struct progress {
    enum runner_request_kind kind;
    int64_t delay_ms;
    int64_t idle_ms;
    int damaged;
    bool lost;      /* an answer was: the command may have been started */
    bool told;      /* that nobody answers */
    struct err why; /* of the last pause */
};

static void progress_init(struct progress *progress, enum runner_request_kind kind)
{
    *progress = (struct progress){.kind = kind, .delay_ms = RETRY_FIRST_MS, .idle_ms = IDLE_FIRST_MS};
}

static bool time_is_left(const struct execution *execution)
{
    return clock_left_ms(execution->access.op->wait.deadline) > 0;
}

/* No answer, but the command may run: is it worth asking again by id? */
static bool is_lost_answer(const struct execution *execution, struct progress *progress,
                           const struct err *err)
{
    if (err->http_status == 408) return true; /* the window has passed: all is well */
    if (err->code == EEP_E_PROTOCOL) return ++progress->damaged < DAMAGED_MAX;
    if (err->code == EEP_E_DEADLINE) /* of this request, not of the call */
        return time_is_left(execution) && !execution->access.stuck;
    if (err->code == EEP_E_RATE_LIMITED) return true; /* not acted upon, and by its id it may be repeated */
    if (err->code != EEP_E_UNAVAILABLE) return false;
    bool may_run = execution->answered || progress->kind != execution->goal;
    return may_run || (err->flags & EEP_ERROR_MAYBE_APPLIED);
}

/* A command that is waited for may take hours, so an outage does not end the call. Whoever looks must see why nothing comes. */
static void tell_silence(const struct execution *execution, struct progress *progress)
{
    if (progress->told || progress->delay_ms < TOLD_FROM_MS) return;
    progress->told = true;
    op_log(execution->access.op, EEP_LOG_WARNING,
           "no answer for now: %s; a command that was started goes on, it is asked for again",
           progress->why.message);
}

static void tell_answer(const struct execution *execution, struct progress *progress)
{
    if (progress->told) op_log(execution->access.op, EEP_LOG_WARNING, "there are answers again");
    progress->told = false;
}

/* As long as the service says, else a little longer each time. What would take longer than there is time for is a
 * failure now. */
static int pause_before_retry(struct execution *execution, struct progress *progress, struct err *err)
{
    struct op *op = execution->access.op;
    int64_t delay = err->retry_after_ms > 0 ? (int64_t)err->retry_after_ms : progress->delay_ms;
    progress->why = *err;
    bool starts = progress->kind == RUNNER_REQUEST_START && !progress->lost;
    if (delay > clock_left_ms(op->wait.deadline)) return err->code;
    if (starts && execution_is_late(execution, delay)) return err->code;
    tell_silence(execution, progress);
    int status = op_sleep(op, delay, err);
    progress->delay_ms = progress->delay_ms * 2 < RETRY_LAST_MS ? progress->delay_ms * 2 : RETRY_LAST_MS;
    if (status != EEP_E_DEADLINE) return status;
    *err = progress->why;
    return err->code;
}

static int check_time_to_start(const struct execution *execution, const struct progress *progress,
                               struct err *err)
{
    if (progress->kind != RUNNER_REQUEST_START || !execution_is_late(execution, 0)) return EEP_OK;
    if (progress->why.code == EEP_OK) {
        err_set(err, EEP_E_DEADLINE, EXCHANGE_LATE);
    } else {
        *err = progress->why;
        err_prefix(err, EXCHANGE_LATE);
    }
    return err_flag(err, progress->lost ? EEP_ERROR_MAYBE_APPLIED : 0);
}

/* -- Ending it early --------------------------------------------------------------------------- */

/* "None" after a kill, or "never" of what was seen at work, means that its record has gone, and that not all that it is can
 * be found any more. */
static bool is_gone(const struct execution *execution)
{
    const struct runner_answer *answer = &execution->answer;
    bool hidden = answer->state == RUNNER_NONE || (execution->seen && answer->state == RUNNER_NEVER);
    return answer->state != RUNNER_RUNNING && !answer->unconfirmed && !hidden;
}

/* One that gets lost is sent again: what it does may be done twice, and without it the command goes on. */
static int send_kill(struct execution *execution, struct err *err)
{
    struct progress progress;
    progress_init(&progress, RUNNER_REQUEST_KILL);
    for (;;) {
        int status = exchange_run(execution, RUNNER_REQUEST_KILL, err);
        if (status == EEP_OK || !is_lost_answer(execution, &progress, err)) return status;
        TRY(pause_before_retry(execution, &progress, err));
    }
}

/* The host does not want it any more: climbs the ladder within the grace. A command that has ended by itself
 * meanwhile has won, EEP_OK, unless the host did not want the rest of its output either. */
static int end_early(struct execution *execution, int why, struct err *err)
{
    struct err reason = *err;
    struct err undo = ERR_INIT;
    if (!execution->sent) return why;
    op_begin_grace(execution->access.op);
    int status = send_kill(execution, &undo);
    if (status == EEP_E_INTERRUPTED) execution->answer.state = RUNNER_LOST; /* its sandbox has stopped */
    bool ended = status == EEP_E_INTERRUPTED || (status == EEP_OK && is_gone(execution));
    if (status == EEP_OK) status = execution_take_output(execution, &undo);
    bool won = execution->answer.state == RUNNER_DONE && !execution->answer.cancelled;
    if (status == EEP_OK && won && !execution->stopped) return EEP_OK;
    *err = reason;
    if (ended)
        err->flags &= ~EEP_ERROR_MAYBE_APPLIED;
    else
        err_flag(err, EEP_ERROR_MAYBE_APPLIED);
    return why;
}

/* -- The way through --------------------------------------------------------------------------- */

/* What follows from an answer (NULL = there was none). An attach starts nothing, a look waits for nothing. */
static enum runner_step next_step(const struct execution *execution, enum runner_request_kind kind,
                                  const struct runner_answer *answer)
{
    enum runner_step next = runner_next_step(kind, answer);
    if (next == RUNNER_STEP_START && execution->goal != RUNNER_REQUEST_START) return RUNNER_STEP_FINISH;
    if (answer && answer->state == RUNNER_RUNNING && execution->look) return RUNNER_STEP_FINISH;
    return next;
}

/* The next request. What may have been started is asked for by its id; the others may be repeated. */
static enum runner_request_kind next_kind(enum runner_request_kind kind, enum runner_step next)
{
    if (next == RUNNER_STEP_START) return RUNNER_REQUEST_START;
    return kind == RUNNER_REQUEST_START ? RUNNER_REQUEST_ATTACH : kind;
}

/* A sandbox that stops takes a running command with it: to start it again would help nobody. What is done can
 * be read there. What was seen at work and has no record any more (the command, or somebody else, removed the folder) is
 * lost: to start it for want of a record would be to run it twice. */
static void note_state(struct execution *execution, enum runner_request_kind kind)
{
    const struct runner_answer *answer = &execution->answer;
    bool none = answer->state == RUNNER_NONE;
    bool starts = kind == RUNNER_REQUEST_START;
    bool began = none && starts && !answer->attached;
    bool marked = none && !starts && answer->attached; /* somebody bears its mark, in a process */
    bool runs = execution->answer.state == RUNNER_RUNNING;
    execution->access.at_rest = runs ? EEP_E_INTERRUPTED : EEP_OK;
    execution->seen = execution->seen || runs || began || marked;
    execution->vanished = none && execution->seen;
    if (execution->vanished) execution->answer.state = RUNNER_LOST;
}

static uint64_t bytes_had(const struct execution *execution)
{
    return execution->out.capture.seen + execution->err.capture.seen;
}

/* Before the next request; the last one began at `begin`, when there were so many bytes. */
static int pause_before_next(struct execution *execution, struct progress *progress, int64_t begin,
                             uint64_t had, struct err *err)
{
    bool news = bytes_had(execution) > had;
    if (news || clock_now_ms() - begin >= progress->idle_ms) {
        progress->idle_ms = IDLE_FIRST_MS;
        return EEP_OK;
    }
    int64_t pause = progress->idle_ms;
    progress->idle_ms = pause * 2 < RETRY_LAST_MS ? pause * 2 : RETRY_LAST_MS;
    return op_sleep(execution->access.op, pause, err);
}

/* One request and what follows from it. *finished when the answer settles it. */
static int step(struct execution *execution, struct progress *progress, bool *finished, struct err *err)
{
    const struct runner_answer *answer = NULL;
    int64_t begin = clock_now_ms();
    uint64_t had = bytes_had(execution);
    TRY(check_time_to_start(execution, progress, err));
    int status = exchange_run(execution, progress->kind, err);
    if (status == EEP_OK) {
        note_state(execution, progress->kind);
        status = execution_take_output(execution, err);
    }
    if (status == EEP_OK) {
        if (execution->stopped) return err_set(err, EEP_E_CANCELLED, "the host's on_output asked to stop");
        tell_answer(execution, progress);
        progress->delay_ms = RETRY_FIRST_MS;
        progress->damaged = 0;
        answer = &execution->answer;
    } else {
        if (!is_lost_answer(execution, progress, err))
            return err_flag(err, progress->lost ? EEP_ERROR_MAYBE_APPLIED : 0);
        bool refused = err->code == EEP_E_RATE_LIMITED && !(err->flags & EEP_ERROR_MAYBE_APPLIED);
        progress->lost = progress->lost || !refused;
        /* 408: the window was over */
        if (err->http_status != 408 && pause_before_retry(execution, progress, err) != EEP_OK)
            return err_flag(err, progress->lost ? EEP_ERROR_MAYBE_APPLIED : 0);
    }
    enum runner_step next = next_step(execution, progress->kind, answer);
    *finished = next == RUNNER_STEP_FINISH;
    progress->kind = next_kind(progress->kind, next);
    if (!*finished && pause_before_next(execution, progress, begin, had, err) != EEP_OK)
        return err_flag(err, progress->lost ? EEP_ERROR_MAYBE_APPLIED : 0);
    return EEP_OK;
}

static bool runs(const struct execution *execution)
{
    return execution->answered && execution->answer.state == RUNNER_RUNNING;
}

/* What this call began and cannot finish. A command that is waited for has the sandbox to end it in time. A detached one with
 * an id of the host's goes on, unless the host cancels it: it may be an earlier call's, and who makes the call again
 * attaches to it. */
static bool must_be_ended(const struct execution *execution, int status)
{
    if (execution->goal != RUNNER_REQUEST_START) return false;
    if (status == EEP_E_CANCELLED) return true;
    if (execution->look && execution->named) return false;
    return op_was_stopped(status) || (status == EEP_E_DEADLINE && execution->look);
}

static int tell_vanished(const struct execution *execution, struct err *err)
{
    bool killed = execution->goal == RUNNER_REQUEST_KILL;
    err_set(
        err, EEP_E_INTERRUPTED,
        "the command was started, but its record in the sandbox has been removed (by the command itself?): "
        "%s, its outcome will not be known",
        killed ? "those of its processes that could be found have been ended" : "it may still run");
    return err_flag(err, EEP_ERROR_MAYBE_APPLIED);
}

int execution_run(struct execution *execution, struct err *err)
{
    struct progress progress;
    struct op *op = execution->access.op;
    bool finished = false;
    progress_init(&progress, execution->goal);
    TRY(access_locate(&execution->access, err));
    /* The sandbox ends it at the deadline, and then it must be told. */
    if (execution->goal == RUNNER_REQUEST_START && !execution->look && !op->no_grace)
        op->wait.deadline = op->deadline + op->grace_ms;
    while (!finished) {
        int status = step(execution, &progress, &finished, err);
        if (must_be_ended(execution, status)) return end_early(execution, status, err);
        if (status != EEP_OK) return err_flag(err, runs(execution) ? EEP_ERROR_MAYBE_APPLIED : 0);
    }
    if (execution->vanished) return tell_vanished(execution, err);
    *err = (struct err)ERR_INIT;
    return runner_answer_error(&execution->answer, err);
}
