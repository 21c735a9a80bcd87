/* symptoms.h: the list that an explanation fills: one line for each thing that a lease needs to work.
 *
 * The list is always whole and in the same order, which is the one in which people should look: a symptom that nobody
 * has told of is SKIPPED. A zeroed struct symptoms is a list in which nothing has been looked at. */
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

struct symptom {
    uint32_t status; /* EEP_CHECK_; 0 = not looked at */
    int code;
    int64_t elapsed_ms;
    char evidence[768];
    char advice[512];
};

struct symptoms {
    struct symptom items[SYMPTOM_COUNT];
    int64_t started_at; /* of the look that is under way */
};

/* Begins a look; the next symptoms_… call tells what it found. */
void symptoms_begin(struct symptoms *symptoms);

/* Each returns whether to go on: only a failure says no. */
bool symptoms_ok(struct symptoms *symptoms, enum symptom_id id, const char *format, ...) PRINTF(3, 4);
bool symptoms_unknown(struct symptoms *symptoms, enum symptom_id id, const char *format, ...) PRINTF(3, 4);
bool symptoms_skipped(struct symptoms *symptoms, enum symptom_id id, const char *format, ...) PRINTF(3, 4);

/* why: code and evidence. */
bool symptoms_failed(struct symptoms *symptoms, enum symptom_id id, const struct err *why, const char *advice,
                     ...) PRINTF(4, 5);

/* Takes over what a probe has found, with advice for what failed. */
bool symptoms_take_checks(struct symptoms *symptoms, const struct checks *checks);

/* Copies the list into the result. */
int symptoms_export(const struct symptoms *symptoms, eep_explanation *result, struct err *err);

#endif
