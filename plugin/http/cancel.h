/* cancel.h: cancel tokens, and the one eventfd that wakes the I/O thread.
 *
 * A token counts how often it was fired; waits ask whether the count has reached their level (1 while
 * working, 2 while undoing). Reference-counted: the host holds one reference, each running call another.
 * Firing is a few atomic operations and one write(2), so it may happen in a signal handler: the token puts
 * itself on a list of those that rang, and the I/O thread, which knows who waits for which token, looks at
 * their waiters and at nobody else's. */
#ifndef HTTP_CANCEL_H
#define HTTP_CANCEL_H

#include <stdbool.h>

#include "eep.h"

eep_cancel *cancel_create(void);        /* NULL = out of memory */
void cancel_fire(eep_cancel *token);    /* NULL does nothing; signal-safe */
void cancel_destroy(eep_cancel *token); /* gives up one reference; NULL does nothing */

/* One more reference; returns token. NULL stays NULL. */
eep_cancel *cancel_hold(eep_cancel *token);

/* How often it was fired (it may stop counting somewhere above 2); NULL never was. */
unsigned cancel_count(const eep_cancel *token);

/* Makes those who wait for it look around, without firing it. What came before a poke is seen by who wakes
 * from it; cancel_pokes tells how many there were. */
void cancel_poke(eep_cancel *token);
unsigned cancel_pokes(const eep_cancel *token);

/* -- For the I/O thread only ------------------------------------------------------------------- */

/* Somebody who waits for a token; the token outlives it. */
struct cancel_link {
    void *who;
    struct cancel_link *next;
    struct cancel_link **back; /* NULL = is on no list */
};

/* Puts the link on the token's list; NULL does nothing. `owner` is the same for all of one I/O thread: in a
 * child after fork() the lists of the parent's thread count for nothing. */
void cancel_watch(eep_cancel *token, struct cancel_link *link, void *who, const void *owner);
void cancel_unwatch(struct cancel_link *link);

/* Calls visit for everybody who waits for a token that rang since the last time. It may end that wait. */
void cancel_each_rung(const void *owner, void (*visit)(void *ctx, void *who), void *ctx);

/* The I/O thread tells which eventfd wakes it; -1 = none. */
void wake_set_fd(int fd);

/* Wakes the I/O thread, if there is one. Signal-safe. */
void wake(void);

#endif
