/* crew.h: one host process of the run: threads that acquire, resume, realize, execute and release at random, for two
 * owners, and write down what they are told (journal.h).
 */
#ifndef SOAK_CREW_H
#define SOAK_CREW_H

#include <stdint.h>

struct crew_orders {
    const char *api;     /* of the stand-in */
    const char *journal; /* path */
    const char *name;    /* of this process, in ids of executions */
    const char *fleet;   /* beginning of its owners' names: processes of one fleet share their keys */
    uint64_t seed;
    int threads;
    long milliseconds;
};

void crew_run(const struct crew_orders *orders);

#endif
