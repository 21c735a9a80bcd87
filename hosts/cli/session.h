/* session.h: a loaded plugin, an open environment, and the cancel tokens that Ctrl-C fires.
 *
 * session_load is enough for verbs that need the table only; session_open loads, too. session_finish closes
 * what is open and may follow a failure or nothing at all.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <limits.h>

#include "err.h"
#include "io.h"

struct cli;
struct wait_args;

struct session {
    const eep_plugin *plugin;
    eep_env *env;
    eep_cancel *work;    /* fired by the first signal */
    eep_cancel *cleanup; /* fired by the second: for requests that undo work */
    char path[PATH_MAX]; /* of the plugin */
};

int session_load(struct cli *cli, const struct wait_args *wait, struct err *err);
int session_open(struct cli *cli, const struct wait_args *wait, struct err *err);
void session_finish(struct session *session);

/* The configuration text of this run; give it to bytes_finish. */
int session_config(const struct cli *cli, struct bytes *text, struct err *err);

/* The head of a request of `size` bytes; it carries the work token. */
eep_request session_request(const struct cli *cli, size_t size, const struct wait_args *wait);

#endif
