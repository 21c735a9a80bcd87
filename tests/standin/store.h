/* store.h: the server's directory: the agent's binary, a small /etc for sandboxes, and one directory for
 * each.
 *
 *   ROOT/agent   ROOT/etc/{passwd,group,shells,...}   ROOT/<sandbox id>/{home,tmp}   ROOT/known/<sandbox id>.json
 *
 * ROOT is a fresh directory (below --dir, $TMPDIR or /tmp), so nothing outside it is ever touched and store_finish
 * can remove all of it; or it is the directory of --state, which is kept, with "known" (persist.h). Only the
 * keeper's thread changes the directories of sandboxes. Sandboxes see their own home and tmp and the shared etc.
 */
#ifndef STANDIN_STORE_H
#define STANDIN_STORE_H

#include "fail.h"

#include <sys/types.h>

struct store {
    char *root;
    char *known; /* NULL = nothing is kept */
    int lock;    /* of a root that is kept: one server only */
    char *agent;
    char *etc;
    char *passed_over; /* the closed directory for which $TMPDIR was not used, or NULL */
};

/* store is zeroed before, and finished after a failure too. */
int store_init(struct store *store, const char *base, struct fail *why);
int store_init_kept(struct store *store, const char *root, struct fail *why); /* instead: this one is kept */
void store_finish(struct store *store);

/* The directory of a sandbox, made if needed and given to uid (when we are root). To be freed. */
int store_sandbox(const struct store *store, const char *id, uid_t uid, char **directory, struct fail *why);
void store_remove_sandbox(const struct store *store, const char *id);

#endif
