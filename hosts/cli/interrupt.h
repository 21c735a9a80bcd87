/* interrupt.h: Ctrl-C (SIGINT), SIGTERM and SIGHUP become cancel tokens.
 *
 * The first signal fires the token of the work: the plugin ends it and undoes what it can within its grace.
 * The second fires all tokens for good, so that every call returns at once and its error names what was left.
 * The third ends the process. A signal that was ignored when eep started (nohup, a shell's background job)
 * stays ignored. One instance per process: signal handlers have no other place for their state.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include "eep.h"

/* From now on signals fire `work`, and at the second also `cleanup`: the token of requests that undo. Both
 * must live until interrupt_finish. */
void interrupt_start(const eep_plugin *plugin, eep_cancel *work, eep_cancel *cleanup, uint32_t grace_ms);

/* Gives the signals back their default action. */
void interrupt_finish(void);

/* How many signals have come. */
unsigned interrupt_count(void);

#endif
