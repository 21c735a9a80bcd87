/* leases.h: which leases there are, a page at a time, as list and reap go through them. */
#ifndef PLUGIN_LEASES_H
#define PLUGIN_LEASES_H

#include "daytona/pages.h"
#include "daytona/sandbox.h"
#include "env.h"

/* Which ones. The fields are those of the requests of eep.lease/1. */
struct leases_query {
    eep_str cursor;
    uint32_t states;
    uint32_t page;
    bool all; /* of all owners */
};

/* One page of the service's list, with some of them perhaps: see leases_wanted. EEP_E_INVALID_ARGUMENT: a limit, a
 * cursor. */
int leases_page(struct op *op, const struct leases_query *query, struct page *page, struct err *err);

/* One page of any list, asked for again while the service is busy. */
int leases_get_page(struct op *op, const struct page_query *query, struct page *page, struct err *err);

/* Is it a lease of ours, of a wanted owner, in a wanted state? */
bool leases_wanted(const struct op *op, const struct leases_query *query, const struct sandbox *sandbox);

#endif
