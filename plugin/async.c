#include "async.h"

#include <stdlib.h>

#include "abi.h"
#include "async_op.h"
#include "base/process.h"

/* -- An environment's share -------------------------------------------------------------------- */

static struct async *async_create(struct err *err)
{
    struct async *async = calloc(1, sizeof *async);
    if (!async) {
        err_no_memory(err);
        return NULL;
    }
    if (async_queue_init(&async->queue, err) == EEP_OK) return async;
    free(async);
    return NULL;
}

static void async_destroy(struct async *async)
{
    async_queue_finish(&async->queue);
    free(async);
}

/* Makes it at the first use. A shutdown that came before it could be seen is made up for. */
static int get_async(eep_env *env, struct async **out, struct err *err)
{
    TRY(env_check(env, err));
    *out = atomic_load(&env->async);
    if (*out) return EEP_OK;
    struct async *made = async_create(err);
    if (!made) return err->code;
    if (atomic_compare_exchange_strong(&env->async, out, made))
        *out = made;
    else
        async_destroy(made);
    if (cancel_count(env->closing) > 0) async_queue_close(&(*out)->queue);
    return EEP_OK;
}

void async_close(eep_env *env)
{
    struct async *async = atomic_load(&env->async);
    if (async && env->process == process_self()) async_destroy(async);
}

static void shutdown_env(eep_env *env)
{
    struct err err = ERR_INIT;
    if (env_check(env, &err) != EEP_OK) return;
    cancel_fire(env->closing);
    struct async *async = atomic_load(&env->async);
    if (async) async_queue_close(&async->queue);
}

/* -- Operations -------------------------------------------------------------------------------- */

static int32_t submit(eep_env *env, const eep_async_request *request, uint64_t *op, eep_error *error)
{
    struct err err = ERR_INIT;
    struct async *async = NULL;
    uint64_t number = 0;
    if (get_async(env, &async, &err) == EEP_OK &&
        async_op_submit(env, async, request, &number, &err) == EEP_OK) {
        if (op) *op = number;
        return EEP_OK;
    }
    err_where(&err, "submit");
    return abi_export_error(error, &err);
}

static int cancel_number(eep_env *env, uint64_t number, struct err *err)
{
    struct async *async = NULL;
    TRY(get_async(env, &async, err));
    if (async_op_cancel(async, number)) return EEP_OK;
    return err_set(err, EEP_E_NOT_FOUND, "operation %llu has ended, or never was",
                   (unsigned long long)number);
}

static int32_t cancel_op(eep_env *env, uint64_t number, eep_error *error)
{
    struct err err = ERR_INIT;
    if (cancel_number(env, number, &err) == EEP_OK) return EEP_OK;
    err_where(&err, "cancel");
    return abi_export_error(error, &err);
}

/* -- Reading ----------------------------------------------------------------------------------- */

static int32_t get_fd(eep_env *env, int32_t *fd, eep_error *error)
{
    struct err err = ERR_INIT;
    struct async *async = NULL;
    if (!fd)
        err_set(&err, EEP_E_INVALID_ARGUMENT, "fd needs a place for the descriptor");
    else if (get_async(env, &async, &err) == EEP_OK) {
        *fd = async->queue.fd;
        return EEP_OK;
    }
    err_where(&err, "fd");
    return abi_export_error(error, &err);
}

static int take_events(eep_env *env, eep_event *events, uint32_t capacity, uint32_t stride,
                       uint32_t timeout_ms, uint32_t *count, struct err *err)
{
    struct async *async = NULL;
    if (count) *count = 0; /* hosts loop over it, whatever the code was */
    TRY(get_async(env, &async, err));
    if (!count || capacity == 0)
        return err_set(err, EEP_E_INVALID_ARGUMENT, "next needs room for events and count");
    TRY(abi_check_array(events, 1, stride, sizeof *events, "events", err));
    return async_queue_take(&async->queue, events, capacity, stride ? stride : sizeof *events, timeout_ms,
                            count, err);
}

static int32_t next(eep_env *env, eep_event *events, uint32_t capacity, uint32_t stride, uint32_t timeout_ms,
                    uint32_t *count, eep_error *error)
{
    struct err err = ERR_INIT;
    if (take_events(env, events, capacity, stride, timeout_ms, count, &err) == EEP_OK) return EEP_OK;
    err_where(&err, "next");
    return abi_export_error(error, &err);
}

const eep_async_table async_table = {
    .struct_size = sizeof async_table,
    .submit = submit,
    .cancel = cancel_op,
    .fd = get_fd,
    .next = next,
    .shutdown = shutdown_env,
};
