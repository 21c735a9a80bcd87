/* facts.h: what the plugin remembers of a lease, so that most calls need one request.
 *
 * A cache: everything in it can be asked for again, and dropping it costs round trips, never work. Facts are
 * reference- counted and never changed once they are put; any thread. */
#ifndef PLUGIN_FACTS_H
#define PLUGIN_FACTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "eep.h"

/* Absent strings are not known (yet). */
struct facts {
    eep_str lease;
    eep_str toolbox;   /* base URL */
    eep_str workspace; /* absolute; known once the sandbox has been prepared */
    eep_str workdir;   /* the sandbox's own */
    eep_str home;
    eep_str shell;
    eep_str user;
    eep_str arch;
    eep_str folder; /* of the runner */
    eep_str runner; /* "sh", the native runner's path, or "native": in the folder */
    eep_str identity;
    eep_str updated; /* when the service says that it changed last before it was prepared */
    void *arena;
    atomic_uint references;
    struct facts *next; /* the cache's */
};

#define FACTS_BUCKETS 1024
/* How many leases are remembered at the most; beyond it the cache starts anew. */
#define FACTS_MAX 65536

struct facts_cache {
    pthread_mutex_t lock;
    size_t count;
    struct facts *buckets[FACTS_BUCKETS];
};

void facts_cache_init(struct facts_cache *cache);
void facts_cache_finish(struct facts_cache *cache);

/* What is known of a lease, with a reference for the caller; NULL = nothing. */
struct facts *facts_get(struct facts_cache *cache, eep_str lease);

/* Copies `facts` (the strings only) and remembers the copy instead of what was known. *out has a reference
 * for the caller. EEP_E_NO_MEMORY; what was known stays then. */
int facts_put(struct facts_cache *cache, const struct facts *facts, struct facts **out, struct err *err);

/* What `facts` (NULL = nothing) says, to be added to and put again: the rest of the struct is not the
 * reader's. */
struct facts facts_strings(const struct facts *facts);

/* Forgets a lease. */
void facts_drop(struct facts_cache *cache, eep_str lease);

/* Gives a reference back: CLEANUP(facts_release) struct facts *facts = NULL; */
void facts_release(struct facts **facts);

#endif
