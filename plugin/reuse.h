/* reuse.h: finding a sandbox by its labels, for an acquire that rather takes an old one than makes one. */
#ifndef PLUGIN_REUSE_H
#define PLUGIN_REUSE_H

#include "create.h"
#include "env.h"

/* Looks through the service's list, and at what it finds: the list lags behind (protocol 6.1). *sandbox stays empty when
 * there is none. All who look at the same list choose the same: one that fits the request before one that does not,
 * what runs before what rests before what failed, the oldest. */
int reuse_find(struct op *op, const struct create_request *create, struct sandbox *sandbox, struct err *err);

#endif
