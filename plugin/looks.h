/* looks.h: what was looked at, and what was found: the lists that probe and explain fill.
 *
 * Items are told apart by the ids of their list (checks.h, symptoms.h), which are indices. A zeroed struct looks is a list in
 * which nothing has been looked at. */
#ifndef PLUGIN_LOOKS_H
#define PLUGIN_LOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define LOOKS_MAX 20

struct look {
    uint32_t status; /* EEP_CHECK_; 0 = nobody has told of it */
    int code;        /* of one that FAILED */
    int64_t elapsed_ms;
    char found[768];
};

struct looks {
    struct look items[LOOKS_MAX];
    int64_t started_at; /* of the look that is under way */
};

/* Begins a look; the next looks_… call tells what it found. */
void looks_begin(struct looks *looks);

/* Each returns whether to go on: only a failure says no. */
bool looks_ok(struct looks *looks, int id, const char *format, ...) PRINTF(3, 4);
bool looks_unknown(struct looks *looks, int id, const char *format, ...) PRINTF(3, 4);
bool looks_skipped(struct looks *looks, int id, const char *format, ...) PRINTF(3, 4);
bool looks_failed(struct looks *looks, int id, const struct err *why);

#endif
