/* execution.h: one command on its way through a sandbox: started once, attached to as often as needed, ended
 * if it must.
 *
 * Whatever the network does, the command runs at most once (its id is marked in the sandbox before it
 * starts), and every byte arrives once and in order (offsets). Runs on the caller's thread, which is also
 * where on_output is called. execute, attach, kill and drop are the same loop, begun with another request. */
#ifndef PLUGIN_EXECUTION_H
#define PLUGIN_EXECUTION_H

#include "access.h"
#include "base/clock.h"
#include "capture.h"
#include "runner/answer.h"
#include "runner/request.h"
#include "window.h"

/* What is larger than an answer may be comes by ranged downloads, in pieces of this size: a little below a power of two,
 * to which buffers grow. */
#define EXECUTION_CHUNK_BYTES ((4u << 20) - 64)

/* One of the command's streams, wanted from an offset on. */
struct execution_stream {
    uint32_t number; /* EEP_STREAM_ */
    uint64_t from;
    struct capture capture; /* of what lies behind `from` */
};

struct execution {
    struct access access;
    char id[EEP_EXECUTION_ID_MAX + 1];
    bool named; /* by the host */

    /* What is wanted. START: run it, and end it if this call fails. ATTACH: look at it, which neither starts
     * nor ends it. KILL: end it. DROP: remove its output. */
    enum runner_request_kind goal;
    bool look;                     /* do not wait for its end */
    struct runner_command command; /* of START; borrowed memory */
    uint32_t time_limit_ms;        /* of START; 0 = what is left of the operation's time */
    uint64_t max_output;           /* of START */
    eep_output_fn on_output;       /* NULL = none */
    void *output_ctx;

    /* What is known. */
    struct execution_stream out;
    struct execution_stream err;
    struct runner_answer answer; /* the last good one */
    bool answered;               /* there was one */
    bool seen;                   /* at work: one of the answers said so */
    bool vanished;               /* it was started, and has no record any more */
    bool sent;                   /* a start may have reached the sandbox */
    bool attached;               /* somebody else had started it */
    bool stopped;                /* on_output asked to stop */
    size_t chunk;                /* of downloads; halved when one of them takes too long */
    struct window window;        /* what somebody on the way has taught about waiting */
    int64_t kept_until_ms;       /* see eep_execution */
};

/* Where the next byte to ask for lies. */
static inline uint64_t execution_stream_offset(const struct execution_stream *stream)
{
    return stream->from + stream->capture.seen;
}

/* The grace is for the end of what was begun: nothing is begun in it, for its limit could only end it in the middle of
 * something. (What is only looked at has a limit of its own.) */
static inline bool execution_is_late(const struct execution *execution, int64_t after_ms)
{
    return !execution->look && after_ms >= clock_left_ms(execution->access.op->deadline);
}

/* CLEANUP(execution_finish) struct execution execution = {0}; the rest is the caller's to fill in. An absent
 * id becomes a random one. No request. */
int execution_init(struct execution *execution, struct op *op, eep_str lease, eep_str id, struct err *err);
void execution_finish(struct execution *execution);

/* Who gets the output: capture_bytes and on_output as in eep_execute_request. */
int execution_listen(struct execution *execution, uint64_t capture_bytes, eep_output_fn on_output, void *ctx,
                     struct err *err);

/* Works towards the goal. EEP_OK: execution->answer is RUNNER_DONE, or RUNNER_RUNNING with `look`. EEP_E_CANCELLED,
 * _SHUTDOWN and _DEADLINE: what was to be run has been killed if the grace allowed it. All others: as the
 * runner's refusals and the access's errors say. The answer (if `answered`) tells what is known. */
int execution_run(struct execution *execution, struct err *err);

/* Hands on what the last answer tells of the streams, as far as somebody is to get it now. */
int execution_take_output(struct execution *execution, struct err *err);

/* Tells the host how the run ended with `status`: what is known, and in err which execution it was. Returns
 * status, unless the telling fails. */
int execution_tell(struct execution *execution, int status, eep_execution *result, struct err *err);

#endif
