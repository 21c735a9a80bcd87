/* execution.h: one command on its way through a sandbox: started once, attached to as often as needed, ended
 * if it must.
 *
 * Whatever the network does, the command runs at most once (its id is marked in the sandbox before it
 * starts), and every byte arrives once and in order (offsets). Runs on the caller's thread, which is also
 * where on_output is called. */
#ifndef PLUGIN_EXECUTION_H
#define PLUGIN_EXECUTION_H

#include "access.h"
#include "capture.h"
#include "runner/answer.h"
#include "runner/request.h"

struct execution {
    struct access access;
    char id[EEP_EXECUTION_ID_MAX + 1];
    struct runner_command command; /* borrowed memory */
    uint32_t time_limit_ms;        /* 0 = what is left of the operation's time */
    uint64_t max_output;
    eep_output_fn on_output; /* NULL = none */
    void *output_ctx;
    struct capture out;
    struct capture err;
    struct runner_answer answer; /* the last good one */
    bool answered;               /* there was one */
    bool sent;                   /* a start may have reached the sandbox */
    bool stopped;                /* on_output asked to stop */
    bool truncated;
};

/* Runs the command to its end. EEP_OK: execution->answer is RUNNER_DONE. EEP_E_CANCELLED, _SHUTDOWN and
 * _DEADLINE: it has been killed if the grace allowed it; answer (if `answered`) tells what is known. All
 * others: as the runner's refusals and the access's errors say. */
int execution_run(struct execution *execution, struct err *err);

#endif
