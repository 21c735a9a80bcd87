/* whose.h: whom the credentials of an environment work for. */
#ifndef PLUGIN_WHOSE_H
#define PLUGIN_WHOSE_H

#include "env.h"

/* A lease that "is gone" may only be another organization's, for the service does not tell them apart (404, protocol
 * 3.1). Adds to err which one this key sees; asks the service if nothing has told it yet, at most twice. */
void whose_key(struct op *op, struct err *err);

#endif
