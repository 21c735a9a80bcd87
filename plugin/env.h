/* env.h: an open environment, and an operation that runs in it.
 *
 * An operation is one of the blocking calls while it runs: straight-line code on the caller's thread, or on a fibre of
 * the crew's (eep.async/1), that waits in one place only, engine_await (or engine_sleep), under the limits that op->wait
 * holds at the moment. */
#ifndef PLUGIN_ENV_H
#define PLUGIN_ENV_H

#include <pthread.h>
#include <stdint.h>

#include "config.h"
#include "daytona/client.h"
#include "facts.h"

struct async;

/* A call back to the host that is under way: on the host's own thread, within an operation. */
struct callback {
    pthread_t thread;
    struct callback *next;
};

struct eep_env {
    uint64_t process; /* whose: calls from a forked child answer EEP_E_FORKED */
    struct config *config;
    eep_host host; /* log, ctx and log_level; the strings are not kept */
    char user_agent[256];
    struct daytona client;
    struct facts_cache cache;
    eep_cancel *closing;  /* fired when it begins to close: every operation waits for it, too */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t idle;
    unsigned running;
    struct callback *callbacks;    /* that are under way */
    bool closed_within;            /* by one of them: who leaves last frees it */
    char organization[64];         /* that the credentials work for, once a sandbox told; "" = not known */
    _Atomic(struct async *) async; /* eep.async/1; NULL = not used yet */
};

/* Where an operation sits that does not run on a thread of the host's: eep.async/1. */
struct op_seat {
    int64_t begun_at; /* its time counts from then */
    eep_cancel *own;  /* see struct wait */
    struct parking *parking;
    void (*log)(struct op_seat *seat, uint32_t level, const char *line); /* NULL = nobody reads them */
    const struct wait *wait; /* of the operation, while it runs: set by op_sit */
};

struct op {
    eep_env *env;
    const char *name; /* "acquire_lease" */
    struct wait wait; /* what ends the current phase */
    int64_t deadline; /* of the work */
    uint32_t timeout_ms;
    uint32_t grace_ms;
    bool no_grace;
    bool undoing;
    const char *phase;  /* what it is at, for the error when its time runs out; NULL = nothing special */
    uint32_t queued_ms; /* how much of its time it waited for rate limits of the service */
    char trace_header[160];
    unsigned requests;    /* sent by this operation */
    unsigned sent;        /* of those, the ones that may have left this machine */
    struct op_seat *seat; /* NULL = on the caller's thread */
};

/* eep_plugin.open and eep_plugin.close. */
int32_t env_open(const eep_open_request *request, eep_env **out, eep_error *error);
void env_close(eep_env *env);

/* May it be used here? EEP_E_INVALID_ARGUMENT (NULL), EEP_E_FORKED. */
int env_check(const eep_env *env, struct err *err);

/* A sandbox of this account has told its organization. */
void env_note_organization(eep_env *env, eep_str organization);

/* Begins an operation: as env_check, and EEP_E_SHUTDOWN, _CANCELLED (the token has been fired already),
 * _INVALID_ARGUMENT. */
int op_begin(struct op *op, eep_env *env, const char *name, const eep_request *request, struct err *err);
void op_end(struct op *op);

/* Gives one that has just begun another seat than the caller's thread. */
void op_sit(struct op *op, struct op_seat *seat);

/* Keeps an environment open, as an operation does. It may be gone after the leave. */
void env_enter(eep_env *env);
void env_leave(eep_env *env);

/* Around a call back to the host, which may call the plugin there, even close the environment. */
void op_begin_callback(struct op *op, struct callback *callback);
void op_end_callback(struct op *op, struct callback *callback);

/* From here on the operation undoes what it did: its own time, and only a second fire ends it. */
void op_begin_grace(struct op *op);

/* Is this how a wait ends when the host ends the operation (a cancel, a close)? What it was to find out is not known. */
bool op_was_stopped(int status);

/* Sleeps ms, or as long as the operation may. */
int op_sleep(struct op *op, int64_t ms, struct err *err);

/* A line for the host's log; cheap when nobody wants it. Must not hold secrets. */
void op_log(const struct op *op, uint32_t level, const char *format, ...) PRINTF(3, 4);

#endif
