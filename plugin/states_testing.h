/* states_testing.h: sandbox s1 in every state, for the tests of what goes through them. */
#ifndef STATES_TESTING_H
#define STATES_TESTING_H

#include "op_testing.h"

#define LEASE STR("s1")

/* The service's description of it. */
#define IS(state) "{\"id\":\"s1\",\"state\":\"" state "\"}"

static const char *const all_states[] = {
    "creating",      "restoring",         "destroyed", "destroying",       "started",        "stopped",
    "starting",      "stopping",          "error",     "build_failed",     "archived",       "archiving",
    "pending_build", "building_snapshot", "unknown",   "pulling_snapshot", "resizing",       "snapshotting",
    "forking",       "pausing",           "paused",    "resuming",         "from_the_future"};

static inline const char *described(char out[160], const char *state)
{
    snprintf(out, 160, "{\"id\":\"s1\",\"state\":\"%s\",\"errorReason\":\"disk is full\"}", state);
    return out;
}

#endif
