/* alarms.h: many moments to come, the earliest first. Not thread-safe. */
#ifndef HTTP_ALARMS_H
#define HTTP_ALARMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Part of whoever waits for a moment; zeroed = not set. */
struct alarm {
    void *who;
    int64_t at;
    size_t place; /* in the heap, counted from 1 */
};

struct alarms {
    struct alarm **heap;
    size_t count;
    size_t cap;
};

void alarms_finish(struct alarms *alarms);

/* Sets one that is not set. EEP_E_NO_MEMORY. */
NODISCARD int alarms_set(struct alarms *alarms, struct alarm *alarm, void *who, int64_t at);

/* One that is not set is well. */
void alarms_clear(struct alarms *alarms, struct alarm *alarm);

/* The earliest; NULL = none is set. */
struct alarm *alarms_first(const struct alarms *alarms);

#endif
