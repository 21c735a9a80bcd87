/* history.h: what the API showed of one sandbox from when on, for answers that are behind the times (faults.h).
 *
 * Kept with --control only: it costs a copy for each change. Guarded by the lock of the registry.
 */
#ifndef STANDIN_HISTORY_H
#define STANDIN_HISTORY_H

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

enum { HISTORY_MAX = 12 };

/* A moment, told by the clock and by how many requests had arrived. */
struct moment {
    int64_t ms; /* monotonic */
    uint64_t requests;
};

struct history {
    struct history_view {
        struct moment since;
        struct json_object *shown; /* NULL from the sandbox's end on */
    } views[HISTORY_MAX];          /* oldest first */
    size_t count;
};

void history_finish(struct history *history);

/* From now on this is shown (taken over). The oldest view makes room. */
void history_add(struct history *history, struct moment now, struct json_object *shown);

/* What was shown at that moment, NULL if nothing: there was no such sandbox yet or any more. */
struct json_object *history_at(const struct history *history, struct moment then);

/* The same for who knows that it has begun: the first view, if it had not. */
struct json_object *history_near(const struct history *history, struct moment then);

#endif
