/* throttle.h: the service's rate limits (protocol 12.1): hits are counted in windows, for each throttler by
 * itself and for each tracker (an organization, or an address). One that is hit too often blocks for another
 * window. Off unless configured. Thread-safe.
 */
#ifndef STANDIN_THROTTLE_H
#define STANDIN_THROTTLE_H

#include "fail.h"

#include <json-c/json.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum throttler {
    THROTTLE_NOTHING,
    THROTTLE_ANONYMOUS,
    THROTTLE_FAILED_AUTH,
    THROTTLE_AUTHENTICATED,
    THROTTLE_CREATE,
    THROTTLE_LIFECYCLE,
    THROTTLER_COUNT,
};

struct throttle_limit {
    int limit;  /* hits in a window; 0 = off */
    int ttl_ms; /* length of the window, and of the block */
};

struct throttles {
    pthread_mutex_t lock;
    struct throttle_limit limits[THROTTLER_COUNT];
    struct throttle_counter *counters;
    size_t count;
};

struct throttle_verdict {
    bool counted; /* false: this throttler is off */
    bool blocked;
    int limit;
    int remaining;
    int reset_seconds; /* until the window or the block ends, rounded up */
};

void throttles_init(struct throttles *throttles);
void throttles_finish(struct throttles *throttles);

const char *throttler_name(enum throttler throttler);

/* "sandbox-create=10/60": ten hits in sixty seconds. */
int throttles_parse(struct throttles *throttles, const char *text, struct fail *why);

/* {"sandbox-create":{"limit":10,"ttl_ms":60000}}: replaces all limits and forgets all hits. */
int throttles_install(struct throttles *throttles, struct json_object *limits, struct fail *why);
struct json_object *throttles_to_json(struct throttles *throttles); /* with hits; to be put */

/* Counts a hit, and tells what came of it. */
struct throttle_verdict throttles_hit(struct throttles *throttles, enum throttler throttler,
                                      const char *tracker);
/* Looks without counting. */
struct throttle_verdict throttles_look(struct throttles *throttles, enum throttler throttler,
                                       const char *tracker);

#endif
