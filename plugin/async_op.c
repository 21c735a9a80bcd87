#include "async_op.h"

#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "async_request.h"
#include "base/arena.h"
#include "base/clock.h"
#include "crew.h"

struct async_op {
    struct task task; /* first: the task is the operation */
    struct async_op *next;
    struct async_op **back;
    eep_env *env;
    struct async *async;
    const struct async_call *kind;
    uint64_t number;
    uint64_t user_data;
    struct async_copy copy;
    struct op_seat seat;
    uint64_t offsets[2]; /* of the next OUTPUT */
    struct err stopped;  /* why output could not be told; EEP_OK = it could */
    struct async_event *done;
    void *result;     /* in done's arena; NULL = the host wants none */
    eep_error *error; /* likewise */
};

static struct async_op *op_of_seat(struct op_seat *seat)
{
    return (struct async_op *)(void *)((char *)seat - offsetof(struct async_op, seat));
}

/* -- Operations by their numbers --------------------------------------------------------------- */

static uint64_t enlist(struct async_op *op)
{
    struct async *async = op->async;
    pthread_mutex_lock(&async->queue.lock);
    op->number = ++async->numbers;
    op->done->event.op = op->number;
    struct async_op **bucket = &async->buckets[op->number % ASYNC_BUCKETS];
    op->next = *bucket;
    op->back = bucket;
    if (op->next) op->next->back = &op->next;
    *bucket = op;
    pthread_mutex_unlock(&async->queue.lock);
    return op->number;
}

static void delist(struct async_op *op)
{
    pthread_mutex_lock(&op->async->queue.lock);
    *op->back = op->next;
    if (op->next) op->next->back = op->back;
    pthread_mutex_unlock(&op->async->queue.lock);
}

bool async_op_cancel(struct async *async, uint64_t number)
{
    pthread_mutex_lock(&async->queue.lock);
    struct async_op *op = async->buckets[number % ASYNC_BUCKETS];
    while (op && op->number != number)
        op = op->next;
    if (op) cancel_fire(op->seat.own); /* it is delisted before the token goes */
    pthread_mutex_unlock(&async->queue.lock);
    return op != NULL;
}

/* -- What an operation tells ------------------------------------------------------------------- */

static int tell_piece(struct async_op *op, uint32_t stream, eep_bytes piece)
{
    uint64_t *offset = &op->offsets[stream == EEP_STREAM_STDERR];
    struct async_event *event = async_event_create(EEP_EVENT_OUTPUT, op->number, op->user_data, piece);
    if (!event) return err_no_memory(&op->stopped);
    event->event.stream = stream;
    event->event.offset = *offset;
    TRY(async_queue_put_waiting(&op->async->queue, event, op->seat.wait, &op->stopped));
    *offset += piece.len;
    return EEP_OK;
}

/* on_output of a submitted call. */
static int32_t tell_output(void *ctx, uint32_t stream, const void *data, size_t len)
{
    struct async_op *op = ctx;
    for (size_t at = 0; at < len;) {
        size_t size = len - at < EEP_ASYNC_OUTPUT_MAX ? len - at : EEP_ASYNC_OUTPUT_MAX;
        if (tell_piece(op, stream, (eep_bytes){(const char *)data + at, size}) != EEP_OK) return 1;
        at += size;
    }
    return 0;
}

static void tell_log(struct op_seat *seat, uint32_t level, const char *line)
{
    struct async_op *op = op_of_seat(seat);
    struct async_event *event =
        async_event_create(EEP_EVENT_LOG, op->number, op->user_data, (eep_bytes){line, strlen(line)});
    if (!event) return;
    event->event.level = level;
    async_queue_offer(&op->async->queue, event);
}

/* -- Its end ----------------------------------------------------------------------------------- */

/* The result is the host's struct, the error too; all that hangs on them goes with the event. */
static void fill_done(struct async_op *op, int status, union call_result *result, const struct err *err)
{
    eep_event *event = &op->done->event;
    event->code = status;
    event->result = op->result;
    arena_join(&event->head.arena, &result->head.arena);
    if (op->result && call_hands_over(op->kind->call, status))
        abi_export(op->result, result, op->kind->call->result_size);
    if (status == EEP_OK) return;
    abi_export_error(op->error, err);
    arena_join(&event->head.arena, &op->error->head.arena);
    event->error = op->error;
}

/* An operation that stopped because its output could not be told has that to tell. */
static int true_status(const struct async_op *op, int status, struct err *err)
{
    if (status != EEP_E_CANCELLED || op->stopped.code == EEP_OK) return status;
    err->code = op->stopped.code;
    memcpy(err->message, op->stopped.message, sizeof err->message);
    return err->code;
}

static int operate(struct async_op *op, union call_result *result, struct err *err)
{
    if (cancel_count(op->seat.own) > 0) return err_set(err, EEP_E_CANCELLED, "cancelled before it began");
    int status = call_operate(op->kind->call, op->env, &op->seat, &op->copy.request, result, err);
    return true_status(op, status, err);
}

static void run_op(struct task *task)
{
    struct async_op *op = (struct async_op *)(void *)task;
    union call_result result;
    struct err err = ERR_INIT;
    memset(&result, 0, sizeof result);
    int status = operate(op, &result, &err);
    err_where(&err, "%s", op->kind->call->name);
    fill_done(op, status, &result, &err);
}

static void op_destroy(struct async_op *op)
{
    if (!op) return;
    cancel_destroy(op->seat.own);
    cancel_destroy(op->copy.request.head.cancel);
    async_copy_finish(&op->copy);
    async_event_destroy(op->done);
    free(op);
}

/* The environment may be closed as soon as it is left. */
static void end_op(struct task *task)
{
    struct async_op *op = (struct async_op *)(void *)task;
    struct err err = ERR_INIT;
    union call_result nothing;
    eep_env *env = op->env;
    memset(&nothing, 0, sizeof nothing);
    if (task->failed) fill_done(op, err_no_memory(&err), &nothing, &err);
    delist(op);
    struct async_event *done = op->done;
    struct async *async = op->async;
    op->done = NULL;
    op_destroy(op);
    async_queue_put(&async->queue, done);
    env_leave(env);
}

/* -- Submitting -------------------------------------------------------------------------------- */

static int check_request(const eep_async_request *request, const struct async_call **kind, struct err *err)
{
    TRY(abi_check_flags(request->flags, EEP_ASYNC_OUTPUT | EEP_ASYNC_LOG, "submit", err));
    TRY(abi_check_zero(request->reserved, "submit", err));
    if (!request->call) return err_set(err, EEP_E_INVALID_ARGUMENT, "submit needs the name of a call");
    *kind = async_find(request->call);
    if (!*kind)
        return err_set(err, EEP_E_UNSUPPORTED, "there is no call \"%.64s\" that could be submitted",
                       request->call);
    if (request->result_size > ABI_STRUCT_MAX ||
        (request->result_size > 0 && request->result_size < sizeof(eep_out)))
        return err_set(err, EEP_E_INVALID_ARGUMENT,
                       "result_size is %u: set it to sizeof the result struct, or to 0 for none",
                       request->result_size);
    if (request->flags & EEP_ASYNC_OUTPUT && (*kind)->on_output == 0)
        return err_set(err, EEP_E_INVALID_ARGUMENT, "%s has no output to tell", request->call);
    return EEP_OK;
}

/* The callback of a request is ours to set: nothing may be called on the crew's thread. */
static int take_output(struct async_op *op, uint32_t flags, struct err *err)
{
    if (op->kind->on_output == 0) return EEP_OK;
    char *place = (char *)&op->copy.request + op->kind->on_output;
    eep_output_fn *on_output = (eep_output_fn *)(void *)place;
    void **ctx = (void **)(void *)(place + sizeof *on_output);
    if (*on_output)
        return err_set(err, EEP_E_INVALID_ARGUMENT,
                       "on_output cannot be called for a submitted call: use EEP_ASYNC_OUTPUT");
    if (!(flags & EEP_ASYNC_OUTPUT)) return EEP_OK;
    *on_output = tell_output;
    *ctx = op;
    if (op->kind->call != &call_attach) return EEP_OK;
    op->offsets[0] = op->copy.request.attach.stdout_from;
    op->offsets[1] = op->copy.request.attach.stderr_from;
    return EEP_OK;
}

/* All that telling its end takes is made before it begins. */
static int make_done(struct async_op *op, uint32_t result_size, struct err *err)
{
    op->done = async_event_create(EEP_EVENT_DONE, 0, op->user_data, (eep_bytes){NULL, 0});
    if (!op->done) return err_no_memory(err);
    void **arena = &op->done->event.head.arena;
    op->error = arena_alloc(arena, sizeof *op->error);
    if (op->error) op->error->head.struct_size = sizeof *op->error;
    if (result_size > 0) op->result = arena_alloc(arena, result_size);
    if (op->result) memcpy(op->result, &result_size, sizeof result_size); /* struct_size */
    return op->error && (op->result || result_size == 0) ? EEP_OK : err_no_memory(err);
}

static int fill_op(struct async_op *op, const eep_async_request *request, struct err *err)
{
    op->user_data = request->user_data;
    int status = async_copy_init(&op->copy, op->kind, request->request, err);
    cancel_hold(op->copy.request.head.cancel); /* op_destroy gives it up */
    TRY(status);
    TRY(take_output(op, request->flags, err));
    TRY(make_done(op, request->result_size, err));
    op->seat = (struct op_seat){.begun_at = clock_now_ms(), .own = cancel_create()};
    if (!op->seat.own) return err_no_memory(err);
    op->seat.parking = &op->task.parking;
    if (request->flags & EEP_ASYNC_LOG) op->seat.log = tell_log;
    return EEP_OK;
}

static int start_op(struct async_op *op, uint64_t *number, struct err *err)
{
    TRY(async_queue_open(&op->async->queue, err));
    env_enter(op->env);
    op->task.run = run_op;
    op->task.ended = end_op;
    *number = enlist(op); /* once it has started, it may be gone */
    if (crew_start(&op->task, err) == EEP_OK) return EEP_OK;
    delist(op);
    async_queue_unopen(&op->async->queue);
    env_leave(op->env);
    return err->code;
}

int async_op_submit(eep_env *env, struct async *async, const eep_async_request *host_request,
                    uint64_t *number, struct err *err)
{
    eep_async_request request;
    const struct async_call *kind = NULL;
    TRY(abi_import(&request, sizeof request, sizeof request, host_request, "submit", err));
    TRY(check_request(&request, &kind, err));
    struct async_op *op = calloc(1, sizeof *op);
    if (!op) return err_no_memory(err);
    op->env = env;
    op->async = async;
    op->kind = kind;
    int status = fill_op(op, &request, err);
    if (status == EEP_OK) status = start_op(op, number, err);
    if (status != EEP_OK) op_destroy(op);
    return status;
}
