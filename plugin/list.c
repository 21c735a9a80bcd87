/* list.c: the call list of eep.execution/1: which executions a lease has. */
#include "abi.h"
#include "access.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "call.h"
#include "runner/answer.h"
#include "which_runner.h"

/* How long the sandbox may take to tell. */
#define WINDOW_S 60

/* As eep_list_request says. */
#define DEFAULT_MAX 100u

/* How often it is asked again for an answer that was lost or damaged, after longer and longer pauses. */
#define TRIES    5
#define PAUSE_MS 100

struct listing {
    eep_execution_list *result;
    eep_listed_execution *items;
    uint32_t max;
};

static uint32_t state_of(enum runner_state state)
{
    switch (state) {
    case RUNNER_RUNNING: return EEP_EXECUTION_STATE_RUNNING;
    case RUNNER_DONE: return EEP_EXECUTION_STATE_DONE;
    case RUNNER_EXPIRED: return EEP_EXECUTION_STATE_EXPIRED;
    case RUNNER_LOST: return EEP_EXECUTION_STATE_INTERRUPTED;
    case RUNNER_NEVER: return EEP_EXECUTION_STATE_NEVER;
    default: return EEP_EXECUTION_STATE_UNKNOWN;
    }
}

static eep_listed_execution item_of(const struct runner_listed *listed)
{
    bool ended = listed->state == RUNNER_DONE || listed->state == RUNNER_EXPIRED;
    return (eep_listed_execution){
        .state = state_of(listed->state),
        .flags = (listed->held ? EEP_EXECUTION_HELD : 0) |
                 (listed->state == RUNNER_RUNNING ? EEP_EXECUTION_RUNNING : 0),
        .exit_code = ended ? listed->exit_code : -1,
        .term_signal = ended ? listed->term_signal : 0,
        .stdout_total = listed->out_total,
        .stderr_total = listed->err_total,
        .started_at_ms = listed->started_at_ms,
        .finished_at_ms = listed->finished_at_ms,
    };
}

static int add(void *ctx, const struct runner_listed *listed)
{
    struct listing *listing = ctx;
    eep_execution_list *result = listing->result;
    if (result->execution_count == listing->max) {
        result->head.flags |= EEP_EXECUTION_LIST_MORE;
        return EEP_OK;
    }
    eep_listed_execution *item = &listing->items[result->execution_count++];
    *item = item_of(listed);
    return arena_str(&result->head.arena, str_from(listed->id), &item->execution_id);
}

/* One more is asked for than is wanted: so it is known whether there are more. */
static int ask_once(struct access *access, struct listing *listing, struct err *err)
{
    size_t answer_max = runner_listed_bytes(listing->max + 1);
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1u << 20);
    CLEANUP(toolbox_execution_finish) struct toolbox_execution run = {.output = BUF_INIT(answer_max)};
    char nonce[RUNNER_NONCE_LEN + 1];
    random_hex(nonce, RUNNER_NONCE_BYTES);
    TRY(access_locate(access, err));
    struct runner_call call = {.nonce = str_from(nonce), .dir = access->facts->folder};
    call.use = which_runner_either(access->op->env);
    TRY(runner_list(&text, &call, listing->max + 1, err));
    TRY(access_execute(access, buf_str(&text), WINDOW_S, &run, err));
    int status = runner_listed_parse(buf_str(&run.output), &call, listing->max + 1, add, listing, err);
    return status == EEP_E_NO_MEMORY ? err_no_memory(err) : status;
}

static void listing_reset(struct listing *listing)
{
    listing->result->execution_count = 0;
    listing->result->head.flags = 0;
}

/* Looking may be repeated: a lost answer, or a damaged one, is asked for again. */
static int ask(struct access *access, struct listing *listing, struct err *err)
{
    for (int tries = 1;; tries++) {
        int status = ask_once(access, listing, err);
        bool sent = err->flags & EEP_ERROR_MAYBE_APPLIED;
        bool lost = status == EEP_E_PROTOCOL || status == EEP_E_RATE_LIMITED || err->http_status == 408 ||
                    (status == EEP_E_UNAVAILABLE && sent);
        if (status == EEP_OK || !lost || tries == TRIES) return status;
        struct err failure = *err;
        listing_reset(listing);
        status = op_sleep(access->op, PAUSE_MS * tries, err);
        if (status == EEP_E_DEADLINE) *err = failure;
        if (status != EEP_OK) return err->code;
    }
}

static int make_listing(struct listing *listing, const eep_list_request *request, struct err *err)
{
    eep_execution_list *result = listing->result;
    listing->max = request->max ? request->max : DEFAULT_MAX;
    TRY(abi_check_zero(request->reserved, "list", err));
    if (listing->max > EEP_LIST_MAX)
        return err_set(err, EEP_E_TOO_LARGE, "max is %u; at most %u are allowed", request->max, EEP_LIST_MAX);
    listing->items = arena_alloc(&result->head.arena, listing->max * sizeof *listing->items);
    if (!listing->items) return err_no_memory(err);
    result->executions = listing->items;
    result->execution_stride = sizeof *listing->items;
    return EEP_OK;
}

static int run_list(struct op *op, const void *host_request, void *result, struct err *err)
{
    CLEANUP(access_finish) struct access access = {0};
    const eep_list_request *request = host_request;
    struct listing listing = {.result = result};
    TRY(make_listing(&listing, request, err));
    TRY(access_init(&access, op, request->lease, err));
    if (request->head.flags & EEP_LIST_NO_START) access.at_rest = EEP_E_CONFLICT;
    int status = ask(&access, &listing, err);
    if (status == EEP_OK) return EEP_OK;
    err->flags &= ~EEP_ERROR_MAYBE_APPLIED; /* looking changes nothing */
    str_copy(err->lease, sizeof err->lease, request->lease);
    return status;
}

const struct call call_list = {
    .name = "list",
    .request_size = sizeof(eep_list_request),
    .request_min = sizeof(eep_list_request),
    .result_size = sizeof(eep_execution_list),
    .flags = EEP_LIST_NO_START,
    .run = run_list,
};
