/* checks.h: the list that a probe fills: one line for each thing that can be looked at.
 *
 * The list is always whole and in the same order: a check that nobody has told the end of is SKIPPED.
 * The ids are those of a struct looks. */
#ifndef PLUGIN_CHECKS_H
#define PLUGIN_CHECKS_H

#include "eep.h"
#include "looks.h"

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

_Static_assert((int)CHECK_COUNT <= LOOKS_MAX, "room for every check");

/* What a host knows it as. */
const char *checks_name(enum check_id id);

/* Says of all that was not reached why it was not. */
void checks_skip_rest(struct looks *checks, uint32_t max_depth);

/* Copies the list into the result. */
int checks_export(const struct looks *checks, eep_probe *result, struct err *err);

#endif
