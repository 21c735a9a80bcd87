/* busy.h: does a command of ours run in a sandbox, or did one lately? Looking starts nothing and is no use of it. */
#ifndef PLUGIN_BUSY_H
#define PLUGIN_BUSY_H

#include "daytona/sandbox.h"
#include "env.h"

/* The header that keeps a request to the toolbox from counting as a use of the sandbox (protocol 2.1). */
#define UNNOTICED_HEADER "X-Daytona-Skip-Last-Activity-Update: true"

struct busy {
    bool running;                      /* a command, or what one has left in the background */
    char id[EEP_EXECUTION_ID_MAX + 1]; /* of it */
    int64_t used_at_ms; /* when the last one began or ended, by the sandbox's clock; 0 = there was none */
};

/* The sandbox is started. An error: it cannot be seen. */
int busy_look(struct op *op, const struct sandbox *sandbox, struct busy *busy, struct err *err);

#endif
