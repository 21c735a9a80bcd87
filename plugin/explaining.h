/* explaining.h: an explain that is under way, and its looks, from the outside in (explain.c has the order).
 *
 * Each tells its symptoms itself. */
#ifndef PLUGIN_EXPLAINING_H
#define PLUGIN_EXPLAINING_H

#include "access.h"
#include "symptoms.h"

struct explaining {
    struct op *op; /* its requests are no use of the lease */
    eep_str lease;
    eep_explanation *result;
    struct symptoms symptoms;
    struct sandbox sandbox;
    struct access access;
};

static inline struct daytona *explaining_client(const struct explaining *explaining)
{
    return &explaining->op->env->client;
}

/* As a precision of printf: texts of the service's have no end that could be relied on. */
static inline int explaining_cut(eep_str text, size_t most)
{
    return (int)(text.len < most ? text.len : most);
}

/* explain_lease.c: the lease, and its state. Each returns whether it is well. */
bool explaining_look_at_lease(struct explaining *explaining);
bool explaining_look_at_state(struct explaining *explaining);

/* explain_quota.c: is there room to start it? */
void explaining_look_at_quota(struct explaining *explaining);

/* explain_inside.c: the way into a sandbox that runs, and what is found there. */
void explaining_look_inside(struct explaining *explaining);

#endif
