#include "exchange.h"

#include "base/clock.h"
#include "base/str.h"
#include "which_runner.h"

/* In an answer, of each stream. */
#define INLINE_BYTES (128u * 1024u)

/* What a request may take longer than its window before the connection is given up for dead. */
#define REQUEST_SLACK_MS 15000

/* The runner's usual ladder takes 6 s. */
#define USUAL_GRACE_MS 10000

/* When others wait for a connection, none is kept for longer than this by a request that only waits. */
#define CROWDED_WINDOW_MS 1000

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

/* The last answers come before the time is over, and what they promise can still be fetched: they are the result
 * of a call that does not see the end. A start is ended by the service, which counts in seconds. */
static uint32_t window_of(const struct execution *execution, enum runner_request_kind kind)
{
    int64_t window = execution->access.op->env->config->execute_window_s * 1000;
    int64_t left = clock_left_ms(execution->access.op->wait.deadline);
    int64_t least = kind == RUNNER_REQUEST_START ? 1000 : 100;
    bool is_late = clock_left_ms(execution->access.op->deadline) == 0;
    left -= is_late ? left / 2 : left / 4;
    if (window > left) window = left;
    window = window_limit(&execution->window, window);
    if (window > CROWDED_WINDOW_MS && engine_is_crowded()) window = CROWDED_WINDOW_MS;
    return (uint32_t)(window < least ? least : window);
}

static bool wants_output(const struct execution *execution)
{
    return execution->on_output || execution->out.capture.capacity > 0;
}

static void exchange_init(struct exchange *exchange, struct execution *execution,
                          enum runner_request_kind kind)
{
    *exchange = (struct exchange){.kind = kind, .text = BUF_INIT(text_max(&execution->command))};
    random_hex(exchange->nonce, RUNNER_NONCE_BYTES);
    exchange->call.id = str_from(execution->id);
    exchange->call.nonce = str_from(exchange->nonce);
    if (execution->access.facts) exchange->call.dir = execution->access.facts->folder;
    which_runner_choose(&execution->access, kind == RUNNER_REQUEST_START, &exchange->call);
    exchange->window_ms = window_of(execution, kind);
    exchange->wait = (struct runner_wait){
        .news = execution->on_output || execution->look,
        .window_ms = execution->look ? 0 : exchange->window_ms,
        .offset_out = execution_stream_offset(&execution->out),
        .offset_err = execution_stream_offset(&execution->err),
        .inline_bytes = wants_output(execution) ? INLINE_BYTES : 0,
    };
}

/* What somebody waits for ends with the waiting; what nobody waits for has a limit of its own. */
static uint32_t limit_of(const struct execution *execution)
{
    if (execution->look) return execution->time_limit_ms;
    int64_t left = clock_left_ms(execution->access.op->deadline);
    if (left < 1) left = 1;
    if (execution->time_limit_ms > 0 && execution->time_limit_ms < left) return execution->time_limit_ms;
    return (uint32_t)left;
}

/* A ladder that leaves half of the grace for the way there and back. */
static struct runner_ladder ladder_within(int64_t ms)
{
    uint32_t rung = (uint32_t)(ms / 6 < 3000 ? ms / 6 : 3000);
    return (struct runner_ladder){.int_ms = rung + 1, .term_ms = rung + 1, .kill_ms = rung / 2 + 1};
}

/* What is waited for must be dead when the grace is over; else there is the runner's usual time. */
static struct runner_ladder ladder_of(const struct execution *execution)
{
    struct runner_ladder usual = {0};
    uint32_t grace = execution->access.op->grace_ms;
    if (execution->look || grace >= USUAL_GRACE_MS) return usual;
    return ladder_within(grace);
}

/* One start in 16 makes the sandbox remove old outputs, behind its answer: by lot, for every process that
 * starts something counts. */
static int write_start(struct exchange *exchange, const struct execution *execution, struct err *err)
{
    struct runner_start start = {
        .call = exchange->call,
        .command = execution->command,
        .default_shell = execution->access.facts ? execution->access.facts->shell : (eep_str){NULL, 0},
        .ladder = ladder_of(execution),
        .wait = exchange->wait,
        .time_limit_ms = limit_of(execution),
        .max_output = execution->max_output,
        .clean = exchange->nonce[0] == '0',
    };
    if (execution_is_late(execution, 0)) return err_set(err, EEP_E_DEADLINE, EXCHANGE_LATE);
    return runner_start(&exchange->text, &start, err);
}

static int write_kill(struct exchange *exchange, const struct execution *execution, struct err *err)
{
    int64_t left = clock_left_ms(execution->access.op->wait.deadline);
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
    case RUNNER_REQUEST_DROP: return runner_drop(&exchange->text, &exchange->call, err);
    default: return runner_attach(&exchange->text, &exchange->call, &exchange->wait, err);
    }
}

/* In sh a start is answered when the command ends or by 408 at the window; all others are by themselves, a little
 * earlier. */
static unsigned service_timeout_s(const struct exchange *exchange)
{
    unsigned seconds = (exchange->window_ms + 999) / 1000;
    bool ends_by_itself =
        exchange->kind != RUNNER_REQUEST_START || exchange->wait.news || exchange->call.use == RUNNER_NATIVE;
    return ends_by_itself ? seconds + 10 : seconds;
}

/* Sends the text; a connection that has died is noticed a while after the window. *again: it has not been executed, and
 * the next one will know better what time is left. */
static int send_text(struct execution *execution, struct exchange *exchange, struct recovery *recovery,
                     struct toolbox_execution *run, bool *again, struct err *err)
{
    struct op *op = execution->access.op;
    struct wait *wait = &op->wait;
    int64_t begin = clock_now_ms();
    unsigned sent = op->sent;
    wait->answer_ms = exchange->window_ms + REQUEST_SLACK_MS;
    execution->access.window_ms = exchange->window_ms;
    int status = access_try_execute(&execution->access, recovery, buf_str(&exchange->text),
                                    service_timeout_s(exchange), run, again, err);
    wait->answer_ms = 0;
    /* one that still waited for a connection when it was cancelled has started nothing */
    if (exchange->kind == RUNNER_REQUEST_START && op->sent != sent) execution->sent = true;
    int64_t took = clock_now_ms() - begin;
    if (status == EEP_E_UNAVAILABLE) window_note_cut(&execution->window, exchange->window_ms, took);
    if (status == EEP_OK && !*again) window_note_answer(&execution->window, exchange->window_ms, took);
    return status;
}

/* A host that attaches may name a byte that is not there yet. What was damaged before it told its folder has told no
 * sizes either. */
static bool is_beyond_end(const struct execution *execution, const struct runner_wait *asked,
                          const struct runner_answer *answer)
{
    bool by_host = execution->goal == RUNNER_REQUEST_ATTACH && !execution->answered;
    return by_host && answer->dir[0] == '/' &&
           (answer->out.total < asked->offset_out || answer->err.total < asked->offset_err);
}

static int take_answer(struct execution *execution, const struct exchange *exchange, eep_str text,
                       struct err *err)
{
    struct runner_answer answer;
    runner_answer_init(&answer);
    if (runner_answer_parse(text, &exchange->call, &exchange->wait, &answer, err) != EEP_OK) {
        if (err->code == EEP_E_PROTOCOL && is_beyond_end(execution, &exchange->wait, &answer))
            err_set(
                err, EEP_E_INVALID_ARGUMENT,
                "there is less output than the offset says: %llu bytes of stdout and %llu of stderr so far",
                (unsigned long long)answer.out.total, (unsigned long long)answer.err.total);
        runner_answer_finish(&answer);
        return err->code;
    }
    runner_answer_finish(&execution->answer);
    execution->answer = answer;
    execution->answered = true;
    return EEP_OK;
}

static int run_once(struct execution *execution, enum runner_request_kind kind, struct recovery *recovery,
                    bool *again, struct err *err)
{
    CLEANUP(exchange_finish) struct exchange exchange = {0};
    CLEANUP(toolbox_execution_finish)
    struct toolbox_execution run = {.output = BUF_INIT(4 * INLINE_BYTES + 65536)};
    exchange_init(&exchange, execution, kind);
    TRY(write_request(&exchange, execution, err));
    TRY(send_text(execution, &exchange, recovery, &run, again, err));
    if (*again) return EEP_OK;
    int status = take_answer(execution, &exchange, buf_str(&run.output), err);
    const struct runner_answer *answer = status == EEP_OK ? &execution->answer : NULL;
    bool starts = kind == RUNNER_REQUEST_START;
    if (answer && starts && answer->attached && !run.repeated) execution->attached = true;
    return which_runner_judge(&execution->access, &exchange.call, run.exit_code, answer, again, status, err);
}

int exchange_run(struct execution *execution, enum runner_request_kind kind, struct err *err)
{
    struct recovery recovery = RECOVERY_INIT;
    for (;;) {
        bool again = false;
        int status = run_once(execution, kind, &recovery, &again, err);
        if (!again) return status;
    }
}
