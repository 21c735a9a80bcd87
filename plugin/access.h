/* access.h: reaching into a lease's sandbox, whatever state it is in.
 *
 * No look at the state before a call: it is sent to where the sandbox was last seen. "Not started", "gone"
 * and "daemon down" all come back as some error, and go to one place that asks the control plane and decides:
 * start it, find its new address, wait for the daemon, or tell the caller. The call is then made again, so
 * what is sent must be safe to repeat. */
#ifndef PLUGIN_ACCESS_H
#define PLUGIN_ACCESS_H

#include "daytona/sandbox.h"
#include "daytona/toolbox.h"
#include "retry.h"

struct access {
    struct op *op;
    eep_str lease;
    struct facts *facts; /* NULL until known; replaced when they change */
    bool started;        /* the sandbox was not running and has been started */
    bool stuck;          /* it was not started in time, and nothing can be asked for in it */
    bool first;          /* it had no identity before: prepare_run tells, and so for the next one */
    bool again;          /* it was started anew since it was prepared last, by whomever */
    char updated[40];    /* as described last: a change of state changes it; "" = not told */
    int at_rest;         /* EEP_OK: start a stopped sandbox. EEP_E_CONFLICT (the host does not want that) or
                            EEP_E_INTERRUPTED (what the call is about has ended with it): fail so instead */
    int64_t window_ms; /* how long an answer to access_execute may take: a gateway that gives up earlier, yet
                          late, has a time limit, and the sandbox's state explains nothing; 0 = ask always */
};

/* Checks the lease id and takes what is remembered of it. No request. */
int access_init(struct access *access, struct op *op, eep_str lease, struct err *err);
void access_finish(struct access *access);

/* Learns the toolbox address from a description of the sandbox, and remembers it. */
int access_learn(struct access *access, const struct sandbox *sandbox, struct err *err);

/* Remembers what is known of the lease now (facts_strings of access->facts, and what has changed). EEP_E_NO_MEMORY. */
int access_remember(struct access *access, const struct facts *known, struct err *err);

/* Asks for a description of the sandbox, starts it if it must, and learns the address. */
int access_look(struct access *access, struct sandbox *sandbox, struct err *err);

/* Makes sure that the toolbox address is known: at most one request, more if the sandbox must be started. */
int access_locate(struct access *access, struct err *err);

/* toolbox_execute with recovery. */
int access_execute(struct access *access, eep_str text, unsigned window_s,
                   struct toolbox_execution *execution, struct err *err);

/* What is known when a call is tried again, from its first try to its last. */
struct recovery {
    struct retry retry;
    int64_t daemon_deadline; /* 0 = not waiting for a daemon */
    int64_t stale_deadline;  /* 0 = nobody contradicts the state */
    bool looked;             /* the state has been looked at and was "started" */
    const char *what;        /* is hoped to pass; retry.why told of it. NULL = nothing */
};

#define RECOVERY_INIT                                                                                        \
    {                                                                                                        \
        .retry = RETRY_INIT                                                                                  \
    }

/* One try of access_execute, for a text that grows old: it may take minutes until the sandbox is back. EEP_OK with
 * *again: nothing was executed, and there is hope for the next try. */
int access_try_execute(struct access *access, struct recovery *recovery, eep_str text, unsigned window_s,
                       struct toolbox_execution *execution, bool *again, struct err *err);

/* toolbox_upload and toolbox_download with recovery. */
int access_upload(struct access *access, const struct toolbox_file *files, size_t count, struct err *err);
int access_download(struct access *access, eep_str path, uint64_t offset, size_t len, struct buf *out,
                    struct err *err);

#endif
