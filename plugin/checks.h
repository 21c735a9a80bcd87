/* checks.h: the list that a probe fills: one line for each thing that was looked at. */
#ifndef PLUGIN_CHECKS_H
#define PLUGIN_CHECKS_H

#include <stdint.h>

#include "base/err.h"
#include "eep.h"

#define CHECKS_MAX 32

struct check {
    const char *name;
    uint32_t depth;
    uint32_t status; /* EEP_CHECK_; 0 = not reached yet */
    int code;
    int64_t elapsed_ms;
    char message[512];
};

struct checks {
    struct check items[CHECKS_MAX];
    uint32_t count;
    int64_t started_at; /* of the check that is being made */
};

/* Begins a check; the next checks_… call tells how it ended. */
void checks_begin(struct checks *checks);

void checks_ok(struct checks *checks, uint32_t depth, const char *name, const char *format, ...) PRINTF(4, 5);
void checks_unknown(struct checks *checks, uint32_t depth, const char *name, const char *format, ...)
    PRINTF(4, 5);
void checks_skipped(struct checks *checks, uint32_t depth, const char *name, const char *format, ...)
    PRINTF(4, 5);
void checks_failed(struct checks *checks, uint32_t depth, const char *name, const struct err *why);

/* Copies the list into the result. */
int checks_export(const struct checks *checks, eep_probe *result, struct err *err);

#endif
