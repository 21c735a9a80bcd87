/* sandbox.h: a sandbox as the control plane describes it (protocol 4.2, 5). */
#ifndef DAYTONA_SANDBOX_H
#define DAYTONA_SANDBOX_H

#include "base/json.h"
#include "eep.h"

/* What a client can do about a state. The service has 22 of them and may get more: one that we do not know is
 * waited for like any transition. */
enum sandbox_phase {
    PHASE_STARTED,
    PHASE_STARTING, /* on its way to started, all by itself */
    PHASE_LEAVING,  /* on its way to rest, or busy for a while: wait, then look again */
    PHASE_RESTING,  /* stopped, archived, paused: may be started */
    PHASE_FAILED,   /* error, build_failed */
    PHASE_GONE,     /* destroying, destroyed */
};

/* Views into `tree`, which the sandbox owns. */
struct sandbox {
    json *tree;
    eep_str id;
    eep_str name;
    eep_str state; /* the service's word */
    eep_str toolbox_proxy_url;
    eep_str target;
    eep_str snapshot;
    eep_str user;
    eep_str error_reason;
    eep_str organization;
    eep_str updated_at;
    json *labels;
    bool recoverable;
    enum sandbox_phase phase;
};

/* Takes tree over. EEP_E_PROTOCOL unless it has a valid id, which must equal expected_id if that is given. */
int sandbox_from_json(struct sandbox *sandbox, json *tree, eep_str expected_id, struct err *err);

/* The same for a tree that stays somebody else's, as an item of a list: a view, never to be finished. */
int sandbox_view(struct sandbox *sandbox, json *tree, eep_str expected_id, struct err *err);

/* CLEANUP(sandbox_finish) struct sandbox sandbox = {0}; */
void sandbox_finish(struct sandbox *sandbox);

enum sandbox_phase sandbox_phase_of(eep_str state);

/* The EEP_STATE_ value for a state. */
uint32_t sandbox_state_code(eep_str state);

/* A label's value; absent = none. */
eep_str sandbox_label(const struct sandbox *sandbox, const char *name);

/* A number of the description, or fallback. */
int64_t sandbox_number(const struct sandbox *sandbox, const char *key, int64_t fallback);

/* How many of something it has ("cpu"); 0 = not told, or no such number. */
uint32_t sandbox_count(const struct sandbox *sandbox, const char *key);

/* Idle minutes before the service stops a sandbox that was made without a word about it (protocol 4.1): taken for so where
 * the description does not tell. */
#define SANDBOX_AUTO_STOP_MIN 15

/* An interval ("autoStopInterval"); -1 = not told, or never, and for all that is no such number. */
int32_t sandbox_minutes(const struct sandbox *sandbox, const char *key);

/* A time of the description ("createdAt") as milliseconds since 1970; 0 = not told. */
int64_t sandbox_time_ms(const struct sandbox *sandbox, const char *key);

/* createdAt. */
int64_t sandbox_created_at_ms(const struct sandbox *sandbox);

#endif
