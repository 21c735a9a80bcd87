#include "busy.h"

#include "access.h"
#include "base/clock.h"
#include "base/str.h"
#include "runner/answer.h"
#include "which_runner.h"

/* How long the sandbox may take to tell. */
#define WINDOW_S 20

/* How many executions are looked at: running ones are rarely the oldest. */
#define LOOKED_AT_MAX 2000u

struct looking {
    struct busy *busy;
    uint32_t count;
};

static int take(void *ctx, const struct runner_listed *listed)
{
    struct looking *looking = ctx;
    struct busy *busy = looking->busy;
    looking->count++;
    if (listed->started_at_ms > busy->used_at_ms) busy->used_at_ms = listed->started_at_ms;
    if (listed->finished_at_ms > busy->used_at_ms) busy->used_at_ms = listed->finished_at_ms;
    if ((listed->state != RUNNER_RUNNING && !listed->held) || busy->running) return EEP_OK;
    busy->running = true;
    str_copy(busy->id, sizeof busy->id, str_from(listed->id));
    return EEP_OK;
}

/* Straight to the toolbox: the recovery of access.h would start what has stopped, and wait for what is dead. */
static int ask(struct op *op, const struct access *access, const struct runner_call *call, struct busy *busy,
               struct err *err)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1u << 20);
    CLEANUP(toolbox_execution_finish)
    struct toolbox_execution run = {.output = BUF_INIT(runner_listed_bytes(LOOKED_AT_MAX))};
    struct looking looking = {.busy = busy};
    TRY(runner_list(&text, call, LOOKED_AT_MAX, err));
    TRY(toolbox_execute(&op->env->client, access->facts->toolbox, buf_str(&text), WINDOW_S, &op->wait, &run,
                        err));
    TRY(runner_listed_parse(buf_str(&run.output), call, LOOKED_AT_MAX, take, &looking, err));
    if (busy->running || looking.count < LOOKED_AT_MAX) return EEP_OK;
    return err_set(err, EEP_E_TOO_LARGE, "more than %u commands have run in it: the oldest cannot be seen",
                   LOOKED_AT_MAX);
}

int busy_look(struct op *op, const struct sandbox *sandbox, struct busy *busy, struct err *err)
{
    CLEANUP(access_finish) struct access access = {0};
    struct op unnoticed = *op;
    char nonce[RUNNER_NONCE_LEN + 1];
    unnoticed.wait.extra_header = UNNOTICED_HEADER;
    *busy = (struct busy){0};
    random_hex(nonce, RUNNER_NONCE_BYTES);
    TRY(access_init(&access, &unnoticed, sandbox->id, err));
    TRY(access_learn(&access, sandbox, err));
    struct runner_call call = {.nonce = str_from(nonce), .dir = access.facts->folder};
    call.use = which_runner_either(op->env);
    return ask(&unnoticed, &access, &call, busy, err);
}
