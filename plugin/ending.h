/* ending.h: stopping, archiving and deleting a lease's sandbox, and what can be said about it afterwards.
 *
 * Within the operation's time, through transitions by others and answers that say "not now" or get lost. What is in
 * the wanted state already, or gone, is well ended. */
#ifndef PLUGIN_ENDING_H
#define PLUGIN_ENDING_H

#include "env.h"

/* Where a lease has been brought. */
struct ending {
    bool confirmed; /* the service has reported the final state */
    char state[32]; /* the service's word, as last seen */

    /* It was there, or on its way, before; not when an order of this call may have done it whose answer was lost. */
    bool already;
};

/* Orders the stop; does not wait for it, unless `wait`. */
int ending_stop(struct op *op, eep_str lease, bool wait, struct ending *end, struct err *err);

/* Stops it, waits, and orders the archiving. EEP_E_UNSUPPORTED for a sandbox that its stop would delete. */
int ending_archive(struct op *op, eep_str lease, struct ending *end, struct err *err);

/* Orders the deletion; waits until it is gone only if `wait`. */
int ending_delete(struct op *op, eep_str lease, bool wait, struct ending *end, struct err *err);

#endif
