/* lease.h: making a lease, exactly one, and describing it: what acquire, resume and a full probe share. */
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
    unsigned orders;            /* creates that were carried out, or may have been, or may yet be */
    bool reused;                /* an earlier acquire had made it: its identity is not ours */
    bool gone;                  /* it has been deleted again */
    struct access access;       /* .started: it was at rest, and has been started */
};

/* Creates and starts the sandbox and prepares it. On failure call leasing_abandon. */
int leasing_acquire(struct leasing *leasing, struct op *op, const eep_acquire_request *request,
                    struct err *err);

/* Within the grace: makes sure that nothing is left of a failed acquire that has no key; tells in err what
 * may be left. Returns err->code. */
int leasing_abandon(struct leasing *leasing, struct op *op, struct err *err);

/* CLEANUP(leasing_finish) struct leasing leasing = {0}; */
void leasing_finish(struct leasing *leasing);

/* Describes a prepared lease (lease_result.c). */
int lease_fill(eep_lease *result, const struct op *op, const struct sandbox *sandbox,
               const struct facts *facts, uint32_t flags, struct err *err);

#endif
