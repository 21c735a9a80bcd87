/* registry.h: all sandboxes, their one lock, and waiting for them to change.
 *
 * Functions marked [lock] must be called between registry_lock and registry_unlock. Waiting gives the lock up
 * and takes it again, so a sandbox that is used across a wait must be held.
 */
#ifndef STANDIN_REGISTRY_H
#define STANDIN_REGISTRY_H

#include "sandbox.h"

#include <pthread.h>
#include <stdatomic.h>

struct registry {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct sandbox *first; /* newest first; destroyed ones are not in it */
    size_t count;
    struct sandbox *gone; /* those destroyed last, newest first, for stale answers; only with a history */
    size_t gone_count;
    bool keeps_history;
    void (*on_change)(void *closure,
                      const struct sandbox *sandbox); /* [lock] told of every change, or NULL */
    void *on_change_closure;
    atomic_uint_fast64_t requests; /* that have arrived; the control endpoints' own are not counted */
    uint64_t created;
    uint64_t destroyed;
    int wake_fd; /* eventfd: the keeper should look */
    bool closing;
};

int registry_init(struct registry *registry); /* 0, or -1 with errno */
void registry_finish(struct registry *registry);

void registry_lock(struct registry *registry);
void registry_unlock(struct registry *registry);

void registry_add(struct registry *registry, struct sandbox *sandbox);    /* [lock] */
void registry_remove(struct registry *registry, struct sandbox *sandbox); /* [lock] destroyed: forget it */

/* [lock] Id first, then name (protocol 6); NULL if unknown or destroyed, or failed and being deleted. */
struct sandbox *registry_find(struct registry *registry, const char *id_or_name);
struct sandbox *registry_find_id(struct registry *registry, const char *id);   /* the last one, too */
struct sandbox *registry_find_gone(struct registry *registry, const char *id); /* destroyed not long ago */

bool registry_has_name(const struct registry *registry, const char *name); /* [lock] */
bool registry_has_uid(const struct registry *registry, uid_t uid);         /* [lock] */

void registry_hold(struct sandbox *sandbox);                               /* [lock] */
void registry_release(struct registry *registry, struct sandbox *sandbox); /* [lock] may free it */

void registry_wake(struct registry *registry); /* any thread: the keeper looks at all sandboxes */

/* [lock] Something that the API shows of the sandbox has changed: remembers it and wakes waiting requests. Its last
 * change, to destroyed, comes before it is removed. */
void registry_changed(struct registry *registry, struct sandbox *sandbox);

/* [lock] Until the sandbox is at rest, the deadline has passed, or the server is closing. */
void registry_wait(struct registry *registry, struct sandbox *held, int64_t deadline_ms);

/* [lock] As registry_wait, but another transition than the one it is in now ends this, too. */
void registry_wait_for_this(struct registry *registry, struct sandbox *held, int64_t deadline_ms);

/* Sleeps without polling; ends early when the server is closing. */
void registry_pause(struct registry *registry, int64_t deadline_ms);

/* Everything that waits here returns, now and from now on. */
void registry_close(struct registry *registry);

#endif
