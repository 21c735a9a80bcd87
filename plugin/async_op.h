/* async_op.h: a submitted operation, from its request to its DONE.
 *
 * It belongs to the crew, which runs it as a task, and frees itself when it has put its DONE into the queue; others know
 * it by its number only. While there is one, the environment is kept open (env_enter). */
#ifndef PLUGIN_ASYNC_OP_H
#define PLUGIN_ASYNC_OP_H

#include "async_queue.h"
#include "env.h"

enum { ASYNC_BUCKETS = 1024 };

/* An environment's events, and its operations that have not ended, by their numbers. */
struct async {
    struct async_queue queue;
    uint64_t numbers; /* the last that was given; guarded by the queue's lock, as is the next */
    struct async_op *buckets[ASYNC_BUCKETS];
};

/* eep_async_table.submit: copies the request, checks it, and begins. */
int async_op_submit(eep_env *env, struct async *async, const eep_async_request *request, uint64_t *number,
                    struct err *err);

/* Fires its token; false = there is none of that number, or none any more. */
bool async_op_cancel(struct async *async, uint64_t number);

#endif
