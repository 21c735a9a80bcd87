#include "execution.h"

#include "base/clock.h"
#include "base/str.h"

/* In an answer: what is larger comes by ranged downloads, in pieces of this size. */
#define INLINE_BYTES (128u * 1024u)
#define CHUNK_BYTES  (4u << 20)

/* What a request may take longer than its window before the connection is given up for dead. */
#define REQUEST_SLACK_MS 15000

#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS  2000

/* A sandbox whose answers are damaged again and again is broken or hostile. */
#define DAMAGED_MAX 3

static struct op *op_of(const struct execution *execution)
{
    return execution->access.op;
}

/* -- One request ------------------------------------------------------------------------------- */

struct exchange {
    enum runner_request_kind kind;
    struct runner_call call;
    struct runner_wait wait;
    uint32_t window_ms; /* how long the sandbox may take to answer */
    char nonce[RUNNER_NONCE_LEN + 1];
    struct buf text;
};

static void exchange_finish(struct exchange *exchange)
{
    buf_finish_secret(&exchange->text); /* it may hold environment and input */
}

static size_t text_max(const struct runner_command *command)
{
    size_t size = (size_t)1 << 20;
    size += 4 * (command->script.len + command->stdin_data.len);
    return size + (size_t)(64u << 20); /* argv and environment have caps of their own */
}

static uint32_t window_of(const struct execution *execution)
{
    int64_t window = op_of(execution)->env->config->execute_window_s * 1000;
    int64_t left = clock_left_ms(op_of(execution)->wait.deadline);
    if (window > left) window = left;
    return window < 1000 ? 1000 : (uint32_t)window;
}

static void exchange_init(struct exchange *exchange, struct execution *execution,
                          enum runner_request_kind kind)
{
    *exchange = (struct exchange){.kind = kind, .text = BUF_INIT(text_max(&execution->command))};
    random_hex(exchange->nonce, RUNNER_NONCE_BYTES);
    exchange->call.id = str_from(execution->id);
    exchange->call.nonce = str_from(exchange->nonce);
    if (execution->access.facts) exchange->call.dir = execution->access.facts->folder;
    exchange->window_ms = window_of(execution);
    exchange->wait = (struct runner_wait){
        .news = execution->on_output != NULL,
        .window_ms = exchange->window_ms,
        .offset_out = execution->out.seen,
        .offset_err = execution->err.seen,
        .inline_bytes = INLINE_BYTES,
    };
}

static uint32_t limit_of(const struct execution *execution)
{
    int64_t left = clock_left_ms(op_of(execution)->deadline);
    if (left < 1) left = 1;
    if (execution->time_limit_ms > 0 && execution->time_limit_ms < left) return execution->time_limit_ms;
    return (uint32_t)left;
}

static int write_start(struct exchange *exchange, const struct execution *execution, struct err *err)
{
    struct runner_start start = {
        .call = exchange->call,
        .command = execution->command,
        .default_shell = execution->access.facts ? execution->access.facts->shell : (eep_str){NULL, 0},
        .wait = exchange->wait,
        .time_limit_ms = limit_of(execution),
        .max_output = execution->max_output,
    };
    return runner_start(&exchange->text, &start, err);
}

/* A ladder that leaves half of the grace for the way there and back. */
static struct runner_ladder ladder_within(int64_t ms)
{
    uint32_t rung = (uint32_t)(ms / 6 < 3000 ? ms / 6 : 3000);
    return (struct runner_ladder){.int_ms = rung + 1, .term_ms = rung + 1, .kill_ms = rung / 2 + 1};
}

static int write_kill(struct exchange *exchange, const struct execution *execution, struct err *err)
{
    int64_t left = clock_left_ms(op_of(execution)->wait.deadline);
    struct runner_ladder ladder = ladder_within(left);
    exchange->wait.news = false;
    exchange->wait.window_ms = ladder.kill_ms;
    exchange->window_ms = ladder.int_ms + ladder.term_ms + 2 * ladder.kill_ms + 2000;
    return runner_kill(&exchange->text, &exchange->call, &ladder, &exchange->wait, err);
}

static int write_request(struct exchange *exchange, const struct execution *execution, struct err *err)
{
    switch (exchange->kind) {
    case RUNNER_REQUEST_START: return write_start(exchange, execution, err);
    case RUNNER_REQUEST_KILL: return write_kill(exchange, execution, err);
    default: return runner_attach(&exchange->text, &exchange->call, &exchange->wait, err);
    }
}

/* A start is answered when the command ends or by 408 at the window, the others by themselves a little
 * earlier. */
static unsigned service_timeout_s(const struct exchange *exchange)
{
    unsigned seconds = (exchange->window_ms + 999) / 1000;
    bool ends_by_itself = exchange->kind != RUNNER_REQUEST_START || exchange->wait.news;
    return ends_by_itself ? seconds + 10 : seconds;
}

/* Sends the text; a connection that has died is noticed a while after the window. */
static int send_text(struct execution *execution, struct exchange *exchange, struct toolbox_execution *run,
                     struct err *err)
{
    struct wait *wait = &op_of(execution)->wait;
    int64_t deadline = wait->deadline;
    int64_t limit = clock_now_ms() + exchange->window_ms + REQUEST_SLACK_MS;
    if (exchange->kind == RUNNER_REQUEST_START) execution->sent = true;
    if (limit < deadline) wait->deadline = limit;
    int status =
        access_execute(&execution->access, buf_str(&exchange->text), service_timeout_s(exchange), run, err);
    wait->deadline = deadline;
    return status;
}

static int exchange_run(struct execution *execution, enum runner_request_kind kind, struct err *err)
{
    CLEANUP(exchange_finish) struct exchange exchange = {0};
    CLEANUP(toolbox_execution_finish)
    struct toolbox_execution run = {.output = BUF_INIT(4 * INLINE_BYTES + 65536)};
    struct runner_answer answer;
    exchange_init(&exchange, execution, kind);
    TRY(write_request(&exchange, execution, err));
    TRY(send_text(execution, &exchange, &run, err));
    runner_answer_init(&answer);
    if (runner_answer_parse(buf_str(&run.output), &exchange.call, &exchange.wait, &answer, err) != EEP_OK) {
        runner_answer_finish(&answer);
        return err->code;
    }
    runner_answer_finish(&execution->answer);
    execution->answer = answer;
    execution->answered = true;
    return EEP_OK;
}

/* -- Output ------------------------------------------------------------------------------------ */

/* Hands the next bytes of a stream on, to the host and to the capture. */
static int deliver(struct execution *execution, struct capture *capture, uint32_t stream, eep_str bytes,
                   struct err *err)
{
    if (bytes.len == 0) return EEP_OK;
    TRY(capture_add(capture, bytes.ptr, bytes.len, err));
    if (!execution->on_output || execution->stopped) return EEP_OK;
    execution->stopped = execution->on_output(execution->output_ctx, stream, bytes.ptr, bytes.len) != 0;
    return EEP_OK;
}

static int download(struct execution *execution, struct capture *capture, uint32_t stream, size_t len,
                    struct err *err)
{
    CLEANUP(buf_finish) struct buf path = BUF_INIT(2 * RUNNER_PATH_MAX);
    CLEANUP(buf_finish) struct buf chunk = BUF_INIT(len);
    TRY(runner_stream_path(&execution->answer, str_from(execution->id), stream, &path, err));
    TRY(access_download(&execution->access, buf_str(&path), capture->seen, len, &chunk, err));
    if (chunk.len == 0)
        return err_set(err, EEP_E_PROTOCOL, "the sandbox promised more output than its file holds");
    return deliver(execution, capture, stream, buf_str(&chunk), err);
}

/* Everybody who listens gets every byte; a result that keeps head and tail only needs no more than those. */
static uint64_t next_offset(const struct execution *execution, const struct capture *capture, uint64_t total)
{
    return execution->on_output ? capture->seen : capture_next(capture, total);
}

/* Fetches what there is of a stream beyond what has been delivered. */
static int catch_up(struct execution *execution, const struct runner_stream *source, struct capture *capture,
                    uint32_t stream, struct err *err)
{
    uint64_t total = source->total;
    if (source->offset == capture->seen)
        TRY(deliver(execution, capture, stream, buf_str(&source->data), err));
    while (capture->seen < total && !execution->stopped) {
        capture_skip(capture, next_offset(execution, capture, total));
        uint64_t left = total - capture->seen;
        if (left == 0) break;
        TRY(download(execution, capture, stream, left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES, err));
    }
    return EEP_OK;
}

/* While it runs only a listener is served; the rest can wait for the end, when it is known what is head and
 * tail. */
static int take_output(struct execution *execution, struct err *err)
{
    struct runner_answer *answer = &execution->answer;
    bool ended = answer->state == RUNNER_DONE || answer->state == RUNNER_LOST;
    if (!ended && !(answer->state == RUNNER_RUNNING && execution->on_output)) return EEP_OK;
    TRY(catch_up(execution, &answer->out, &execution->out, EEP_STREAM_STDOUT, err));
    return catch_up(execution, &answer->err, &execution->err, EEP_STREAM_STDERR, err);
}

/* -- Ending it early --------------------------------------------------------------------------- */

/* The host does not want it any more: climbs the ladder within the grace. A command that has ended by itself
 * meanwhile has won: EEP_OK. */
static int end_early(struct execution *execution, int why, struct err *err)
{
    struct err reason = *err;
    struct err undo = ERR_INIT;
    if (!execution->sent) return why;
    op_begin_grace(op_of(execution));
    int status = exchange_run(execution, RUNNER_REQUEST_KILL, &undo);
    if (status == EEP_OK) status = take_output(execution, &undo);
    if (status == EEP_OK && execution->answer.state == RUNNER_DONE && !execution->answer.cancelled)
        return EEP_OK;
    *err = reason;
    bool ended =
        status == EEP_OK && execution->answer.state != RUNNER_RUNNING && !execution->answer.unconfirmed;
    if (ended)
        err->flags &= ~EEP_ERROR_MAYBE_APPLIED;
    else
        err_flag(err, EEP_ERROR_MAYBE_APPLIED);
    return why;
}

/* -- The way through --------------------------------------------------------------------------- */

struct progress {
    enum runner_request_kind kind;
    int64_t delay_ms;
    int damaged;
    bool lost; /* an answer was: the command may have been started */
};

static bool time_is_left(const struct execution *execution)
{
    return clock_left_ms(op_of(execution)->wait.deadline) > 0;
}

/* No answer, but the command may run: is it worth asking again by id? */
static bool is_lost_answer(const struct execution *execution, struct progress *progress,
                           const struct err *err)
{
    if (err->http_status == 408) return true; /* the window has passed: all is well */
    if (err->code == EEP_E_PROTOCOL) return ++progress->damaged < DAMAGED_MAX;
    if (err->code == EEP_E_DEADLINE) return time_is_left(execution); /* of this request, not of the call */
    if (err->code != EEP_E_UNAVAILABLE && err->code != EEP_E_RATE_LIMITED) return false;
    return execution->answered || progress->kind == RUNNER_REQUEST_ATTACH ||
           (err->flags & EEP_ERROR_MAYBE_APPLIED);
}

static int pause_before_retry(struct execution *execution, struct progress *progress, struct err *err)
{
    struct err failure = *err;
    if (failure.http_status == 408) return EEP_OK;
    int status = op_sleep(op_of(execution), progress->delay_ms, err);
    progress->delay_ms = progress->delay_ms * 2 < RETRY_LAST_MS ? progress->delay_ms * 2 : RETRY_LAST_MS;
    if (status != EEP_E_DEADLINE) return status;
    *err = failure;
    return failure.code;
}

/* One request and what follows from it. *finished when the answer settles it. */
static int step(struct execution *execution, struct progress *progress, bool *finished, struct err *err)
{
    const struct runner_answer *answer = NULL;
    int status = exchange_run(execution, progress->kind, err);
    if (status == EEP_OK) status = take_output(execution, err);
    if (status == EEP_OK) {
        if (execution->stopped) return err_set(err, EEP_E_CANCELLED, "the host's on_output asked to stop");
        progress->delay_ms = RETRY_FIRST_MS;
        progress->damaged = 0;
        answer = &execution->answer;
    } else {
        if (!is_lost_answer(execution, progress, err))
            return err_flag(err, progress->lost ? EEP_ERROR_MAYBE_APPLIED : 0);
        progress->lost = true;
        TRY(pause_before_retry(execution, progress, err));
    }
    enum runner_step next = runner_next_step(progress->kind, answer);
    *finished = next == RUNNER_STEP_FINISH;
    progress->kind = next == RUNNER_STEP_START ? RUNNER_REQUEST_START : RUNNER_REQUEST_ATTACH;
    return EEP_OK;
}

static bool must_be_ended(int status)
{
    return status == EEP_E_CANCELLED || status == EEP_E_SHUTDOWN;
}

int execution_run(struct execution *execution, struct err *err)
{
    struct progress progress = {.kind = RUNNER_REQUEST_START, .delay_ms = RETRY_FIRST_MS};
    struct op *op = op_of(execution);
    bool finished = false;
    TRY(access_locate(&execution->access, err));
    op->wait.deadline =
        op->deadline + op->grace_ms; /* the sandbox ends it at the deadline, and then it must be told */
    while (!finished) {
        int status = step(execution, &progress, &finished, err);
        if (must_be_ended(status)) return end_early(execution, status, err);
        if (status != EEP_OK) return status;
    }
    *err = (struct err)ERR_INIT;
    return runner_answer_error(&execution->answer, err);
}
