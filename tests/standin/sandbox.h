/* sandbox.h: one sandbox: what the API shows of it, and its state machine (protocol 5).
 *
 * A transition is a shown state, the state after it, and a step that the keeper performs when it is due:
 * request threads begin transitions, only the keeper (keeper.h) carries them out. Everything here is guarded
 * by the lock of the registry (registry.h), which also counts references; a sandbox that is destroyed lives
 * on in memory until the last request that holds it has ended.
 */
#ifndef STANDIN_SANDBOX_H
#define STANDIN_SANDBOX_H

#include "history.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* All 22 of the service. The server gets into the second half only when a test forces it (control.c). */
enum sandbox_state {
    STATE_CREATING,
    STATE_PENDING_BUILD,
    STATE_STARTING,
    STATE_STARTED,
    STATE_STOPPING,
    STATE_STOPPED,
    STATE_ARCHIVING,
    STATE_ARCHIVED,
    STATE_RESTORING,
    STATE_DESTROYING,
    STATE_DESTROYED,
    STATE_ERROR,
    STATE_BUILD_FAILED,
    STATE_PAUSED,
    STATE_PAUSING,
    STATE_RESUMING,
    STATE_BUILDING_SNAPSHOT,
    STATE_PULLING_SNAPSHOT,
    STATE_UNKNOWN,
    STATE_RESIZING,
    STATE_SNAPSHOTTING,
    STATE_FORKING,
    STATE_COUNT,
};

enum sandbox_step {
    STEP_NONE,   /* at rest */
    STEP_LAUNCH, /* when due: start the agent */
    STEP_HELLO,  /* when the agent says that it is ready: started */
    STEP_KILL,   /* when due: end the agent */
    STEP_EXIT,   /* when its process is gone: the state after */
    STEP_SETTLE, /* when due: the state after */
};

/* The process that the server started for a sandbox: bubblewrap around the agent, or the agent itself. */
struct agent_process {
    pid_t pid; /* 0 = none */
    int pidfd;
    int socket;
};

struct sandbox {
    struct sandbox *next;
    char *id;
    char *name;
    struct json_object *fields; /* of the API's Sandbox that do not follow from the members below */
    enum sandbox_state state;
    enum sandbox_state after;
    enum sandbox_step step;
    unsigned transitions; /* begun so far */
    int64_t due_ms;       /* monotonic, for LAUNCH, HELLO (give up), KILL, EXIT (use force) and SETTLE */
    struct agent_process agent;
    uid_t uid; /* its processes on this machine, when we are root */
    bool block_network;
    char *error_reason;
    bool recoverable;
    bool doomed;       /* the transition ends in the state "after" and for the reason that a test chose */
    char *shown_state; /* shown in place of the state's name ("" = nothing is), or NULL */
    bool hidden;       /* failed and being deleted: 404 for everybody (protocol 5) */
    int references;
    int requests; /* toolbox requests in flight: activity */
    uint32_t last_job;
    int64_t updated_ms; /* wall clock */
    int64_t active_ms;
    int64_t rested_ms; /* monotonic: since when at rest */
    struct history history;
};

/* Takes over fields, which must hold "id" and "name". */
struct sandbox *sandbox_create(struct json_object *fields);
void sandbox_destroy(struct sandbox *sandbox);

const char *sandbox_state_name(enum sandbox_state state);
bool sandbox_state_parse(const char *name, enum sandbox_state *state);
bool sandbox_in_transition(const struct sandbox *sandbox);
bool sandbox_is_failed(const struct sandbox *sandbox); /* error or build_failed */

void sandbox_begin_start(struct sandbox *sandbox, enum sandbox_state shown, int ms);
void sandbox_begin_stop(struct sandbox *sandbox, int ms);
void sandbox_begin_delete(struct sandbox *sandbox, int ms); /* frees the name at once */
void sandbox_begin_archive(struct sandbox *sandbox, int ms);
/* Any state for a test's sake, with the one after it; its processes have ended before. */
void sandbox_begin_forced(struct sandbox *sandbox, enum sandbox_state shown, enum sandbox_state after,
                          int64_t due_ms);
void sandbox_settle(struct sandbox *sandbox, enum sandbox_state state);
void sandbox_break(struct sandbox *sandbox, const char *reason, bool recoverable);

/* The transition that was just begun never ends, or ends in that failure. */
void sandbox_get_stuck(struct sandbox *sandbox);
void sandbox_doom(struct sandbox *sandbox, enum sandbox_state failure, const char *reason, bool recoverable);

bool sandbox_is_ephemeral(const struct sandbox *sandbox);
int sandbox_interval(const struct sandbox *sandbox, const char *field);
void sandbox_touch(struct sandbox *sandbox); /* something was done with it now */

/* What the API shows of it: a new object, to be put. */
struct json_object *sandbox_to_json(const struct sandbox *sandbox);

#endif
