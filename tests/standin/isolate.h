/* isolate.h: starting the agent of a sandbox: in bubblewrap as an unprivileged user, or as a plain process.
 *
 * Which of the two is decided once, by trying. The agent's process asks the kernel to die with the THREAD
 * that started it, so isolate_launch must be called from a thread that lives as long as the server: the
 * keeper's.
 */
#ifndef STANDIN_ISOLATE_H
#define STANDIN_ISOLATE_H

#include "fail.h"
#include "options.h"
#include "sandbox.h"
#include "store.h"

struct isolation {
    const struct store *store;
    char *bwrap; /* NULL = no isolation */
    bool share_net;
    bool no_more_users; /* see bwrap.h */
    uid_t first_uid;    /* of the range for sandboxes; 0 = run as we are */
    unsigned uid_count;
    char reason[512]; /* why there is none */
};

/* Fails only if full isolation was demanded and is not to be had. first_uid is that of an earlier server whose
 * sandboxes we have, or 0. */
int isolate_init(struct isolation *isolation, const struct options *options, const struct store *store,
                 uid_t first_uid, struct fail *why);
void isolate_finish(struct isolation *isolation);

bool isolate_is_full(const struct isolation *isolation);
uid_t isolate_uid(const struct isolation *isolation, uint64_t nth); /* for the nth sandbox */

/* Starts the agent and returns without waiting for it: it says on its socket when it is ready. */
int isolate_launch(const struct isolation *isolation, const struct sandbox *sandbox,
                   struct agent_process *agent, struct fail *why);

/* Where a sandbox's home is, as its commands see it. To be freed. */
char *isolate_home(const struct isolation *isolation, const char *id);

#endif
