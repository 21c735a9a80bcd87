/* checks.h: the list that a probe fills: one line for each thing that can be looked at.
 *
 * The list is always whole and in the same order: a check that nobody has told the end of is SKIPPED.
 * A zeroed struct checks is a list in which nothing has been looked at. */
#ifndef PLUGIN_CHECKS_H
#define PLUGIN_CHECKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "eep.h"

/* In the order in which they are made, which is that of the depths. */
enum check_id {
    CHECK_CONFIG,
    CHECK_LIBRARIES,
    CHECK_CERTIFICATES,
    CHECK_DNS,
    CHECK_CONNECT,
    CHECK_TLS,
    CHECK_SERVICE,
    CHECK_VERSION,
    CHECK_CREDENTIALS,
    CHECK_PERMISSIONS,
    CHECK_RATE_LIMIT,
    CHECK_CAPACITY,
    CHECK_CREATE,
    CHECK_EXECUTE,
    CHECK_DELETE,
    CHECK_COUNT,
};

struct check {
    uint32_t status; /* EEP_CHECK_; 0 = not reached yet */
    int code;
    int64_t elapsed_ms;
    char message[512];
};

struct checks {
    struct check items[CHECK_COUNT];
    int64_t started_at; /* of the check that is being made */
};

/* What a host knows it as. */
const char *checks_name(enum check_id id);

/* Begins a check; the next checks_… call tells how it ended. */
void checks_begin(struct checks *checks);

void checks_ok(struct checks *checks, enum check_id id, const char *format, ...) PRINTF(3, 4);
void checks_unknown(struct checks *checks, enum check_id id, const char *format, ...) PRINTF(3, 4);
void checks_skipped(struct checks *checks, enum check_id id, const char *format, ...) PRINTF(3, 4);
void checks_failed(struct checks *checks, enum check_id id, const struct err *why);

/* Says of all that was not reached why it was not. */
void checks_skip_rest(struct checks *checks, uint32_t max_depth);

/* Copies the list into the result. */
int checks_export(const struct checks *checks, eep_probe *result, struct err *err);

#endif
