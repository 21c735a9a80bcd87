/* lifecycle.h: looking at a lease and getting its sandbox to run, however long the service takes.
 *
 * Every function polls (50 ms, growing to 1 s) within the operation's time, waits out transitions by others,
 * tolerates answers that say "not now", and tells in which state the time ran out. A lease that is gone is
 * EEP_E_LEASE_LOST; a sandbox in an error that nothing can be done about is EEP_E_SANDBOX with the service's reason. */
#ifndef PLUGIN_LIFECYCLE_H
#define PLUGIN_LIFECYCLE_H

#include "daytona/sandboxes.h"
#include "env.h"

/* The service answers from a look-up cache of 10 s (protocol 6), which most changes renew, not all: for so long what it
 * does may contradict what it says. */
#define LIFECYCLE_STALE_MS 11000

/* A refusal that will not pass for now, of an order that the host did not choose: its 400 is no mistake of the host's. */
int lifecycle_refused(const struct err *refusal, struct err *err);

/* Looks at a lease. */
int lifecycle_get(struct op *op, eep_str lease, struct sandbox *sandbox, struct err *err);

/* Looks again; *sandbox stays as it is on failure. */
int lifecycle_refresh(struct op *op, eep_str lease, struct sandbox *sandbox, struct err *err);

/* Sees to it that it runs: starts what is stopped, archived or paused, recovers what is recoverable, waits for the
 * rest. With an empty *sandbox (nothing is known) the first request is the order, which tells the state, too: one
 * request when it runs already. *started becomes true when a start was ordered and had something to do. */
int lifecycle_start(struct op *op, eep_str lease, struct sandbox *sandbox, bool *started, struct err *err);

/* Waits until it runs, and orders nothing: EEP_E_CONFLICT when it rests, or will. */
int lifecycle_wait_started(struct op *op, eep_str lease, struct sandbox *sandbox, struct err *err);

/* Lets it be idle for so many minutes before the service stops it. */
int lifecycle_set_auto_stop(struct op *op, eep_str lease, uint32_t minutes, struct err *err);

/* Lets the service count it as used now. EEP_E_UNSUPPORTED: it has no request for that. */
int lifecycle_touch(struct op *op, eep_str lease, struct err *err);

/* The errors of this concern, for ending.c: they name the lease. */
int lifecycle_failed_state(const struct sandbox *sandbox, struct err *err);

/* The deadline came (err tells) while it was in `state` ("" = not told), not in the one wanted. Other errors stay. */
int lifecycle_ran_out(const struct op *op, eep_str lease, eep_str state, const char *goal, struct err *err);

#endif
