/* symptoms.h: the list that an explanation fills: one line for each thing that a lease needs to work.
 *
 * The list is always whole and in the same order, which is the one in which people should look: a symptom that nobody
 * has told of is SKIPPED. */
#ifndef PLUGIN_SYMPTOMS_H
#define PLUGIN_SYMPTOMS_H

#include "checks.h"
#include "ext/lease.h"

/* Behind those that a probe checks, up to CHECK_PERMISSIONS. */
enum symptom_id {
    SYMPTOM_LEASE = CHECK_PERMISSIONS + 1, /* does the service know it? */
    SYMPTOM_STATE,                         /* does it run, and if not, why? */
    SYMPTOM_QUOTA,                         /* may it be started? */
    SYMPTOM_TOOLBOX,                       /* is there a way into it? */
    SYMPTOM_DAEMON,                        /* does the service's daemon answer there? */
    SYMPTOM_SHELL,                         /* does it run commands? */
    SYMPTOM_IDENTITY,                      /* is it the machine that was leased? */
    SYMPTOM_DISK,                          /* is there room? */
    SYMPTOM_TOOLS,                         /* has its image what commands need? */
    SYMPTOM_COUNT,
};

_Static_assert((int)SYMPTOM_COUNT <= LOOKS_MAX, "room for every symptom");

struct symptoms {
    struct looks looks; /* what was found is the evidence */
    char advice[SYMPTOM_COUNT][512];
};

/* As looks_failed, with advice. */
bool symptoms_failed(struct symptoms *symptoms, enum symptom_id id, const struct err *why, const char *advice,
                     ...) PRINTF(4, 5);

/* Takes over what a probe has found, with advice for what failed. */
bool symptoms_take_checks(struct symptoms *symptoms, const struct looks *checks);

/* Copies the list into the result. */
int symptoms_export(const struct symptoms *symptoms, eep_explanation *result, struct err *err);

#endif
