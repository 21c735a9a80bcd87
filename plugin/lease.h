/* lease.h: making a lease and making it usable again: what acquire, resume and a full probe share. */
#ifndef PLUGIN_LEASE_H
#define PLUGIN_LEASE_H

#include "access.h"
#include "create.h"

/* A lease that is being made. */
struct leasing {
    struct create_request create;
    struct sandbox sandbox;     /* as last described; without tree: nothing is known to exist */
    char id[EEP_LEASE_MAX + 1]; /* "" = not known */
    bool ordered;               /* a create of ours may have been carried out although its answer was lost */
    bool reused;                /* an earlier acquire with the same key had made it */
    struct access access;
};

/* Creates and starts the sandbox and prepares it. On failure call leasing_abandon. */
int leasing_acquire(struct leasing *leasing, struct op *op, const eep_acquire_request *request,
                    struct err *err);

/* Within the grace: makes sure that nothing is left of a failed acquire that has no key; tells in err what
 * may be left. Returns err->code. */
int leasing_abandon(struct leasing *leasing, struct op *op, struct err *err);

/* CLEANUP(leasing_finish) struct leasing leasing = {0}; */
void leasing_finish(struct leasing *leasing);

/* Describes a prepared lease. */
int lease_fill(eep_lease *result, const struct sandbox *sandbox, const struct facts *facts,
               const struct config *config, uint32_t flags, struct err *err);

#endif
