/* cancel.h: cancel tokens, and the one eventfd that wakes the I/O thread.
 *
 * A token counts how often it was fired; waits ask whether the count has reached their level (1 while
 * working, 2 while undoing). Reference-counted: the host holds one reference, each running call another.
 * Firing is an atomic add and one write(2), so it may happen in a signal handler. */
#ifndef HTTP_CANCEL_H
#define HTTP_CANCEL_H

#include <stdbool.h>

#include "eep.h"

eep_cancel *cancel_create(void);        /* NULL = out of memory */
void cancel_fire(eep_cancel *token);    /* NULL does nothing; signal-safe */
void cancel_destroy(eep_cancel *token); /* gives up one reference; NULL does nothing */

/* One more reference; returns token. NULL stays NULL. */
eep_cancel *cancel_hold(eep_cancel *token);

/* Has it been fired at least `level` times? NULL never has. */
bool cancel_fired(const eep_cancel *token, unsigned level);

/* The I/O thread tells which eventfd wakes it; -1 = none. */
void wake_set_fd(int fd);

/* Wakes the I/O thread, if there is one. Signal-safe. */
void wake(void);

#endif
