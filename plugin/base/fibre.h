/* fibre.h: a function with a stack of its own that can be left in the middle and gone on with later.
 *
 * fibre_resume runs it until it calls fibre_suspend or returns; both are called on the same thread. Its stack is as
 * large as the smallest that callers of the plugin may have, ends at pages that cannot be touched, takes memory only as
 * it is used, and is kept for the next fibre for a while.
 *
 * Switching is ucontext's: two system calls for the signal mask each way, about a microsecond for a whole turn, where
 * an operation costs fifty and more. In return there is no assembly, whatever the processor, and control-flow
 * protection and the sanitizers follow it.
 *
 * Not thread-safe: all of it belongs to one thread, the pool of stacks included (fibre_pool). */
#ifndef BASE_FIBRE_H
#define BASE_FIBRE_H

#include <stdbool.h>
#include <stddef.h>

struct fibre;

/* Stacks of fibres that have ended. Zeroed = empty. */
struct fibre_pool {
    struct fibre *first;
    size_t count;
};

/* One that will run main(argument); NULL = no memory. */
struct fibre *fibre_create(struct fibre_pool *pool, void (*main)(void *argument), void *argument);

/* Runs it; true = it has returned, and may only be destroyed now. */
bool fibre_resume(struct fibre *fibre);

/* Called by the fibre itself: back to who resumed it. */
void fibre_suspend(struct fibre *fibre);

/* One that has returned, or has never run. */
void fibre_destroy(struct fibre_pool *pool, struct fibre *fibre);

void fibre_pool_finish(struct fibre_pool *pool);

#endif
