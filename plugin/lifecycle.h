/* lifecycle.h: bringing a sandbox from one state to another, however long the service takes.
 *
 * Every function polls (50 ms, growing to 1 s) within the operation's time, waits out transitions by others,
 * tolerates answers that say "not now", and tells in which state the time ran out. A lease that is gone is
 * EEP_E_LEASE_LOST. */
#ifndef PLUGIN_LIFECYCLE_H
#define PLUGIN_LIFECYCLE_H

#include "daytona/sandboxes.h"
#include "env.h"

/* Looks at a lease. */
int lifecycle_get(struct op *op, eep_str lease, struct sandbox *sandbox, struct err *err);

/* Waits until `sandbox`, whose start has been ordered, is started. It is refreshed at least once if it is not
 * started, for the service's answers may be stale (protocol 4.2). */
int lifecycle_wait_started(struct op *op, struct sandbox *sandbox, struct err *err);

/* Orders the start, whatever the state, and waits for it. One request when it is running already;
 * *was_resting becomes true when it was not. */
int lifecycle_start(struct op *op, eep_str lease, struct sandbox *sandbox, bool *was_resting,
                    struct err *err);

/* Lets it be idle for so many minutes before the service stops it. */
int lifecycle_set_auto_stop(struct op *op, eep_str lease, uint32_t minutes, struct err *err);

/* Where a lease has been brought. */
struct lifecycle_end {
    bool already;   /* it was there before */
    bool confirmed; /* the service has reported the final state */
    char state[32]; /* the service's word, as last seen */
};

/* Orders the stop; does not wait for it, unless wait_stopped. */
int lifecycle_stop(struct op *op, eep_str lease, bool wait_stopped, struct lifecycle_end *end,
                   struct err *err);
int lifecycle_archive(struct op *op, eep_str lease, struct lifecycle_end *end, struct err *err);

/* Orders the deletion. What is gone already is `already`, not an error. */
int lifecycle_delete(struct op *op, eep_str lease, struct lifecycle_end *end, struct err *err);

#endif
