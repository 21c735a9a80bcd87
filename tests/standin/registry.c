#include "registry.h"

#include "clock.h"
#include "fd.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

enum { GONE_MAX = 256 };

int registry_init(struct registry *registry)
{
    pthread_condattr_t attributes;
    *registry = (struct registry){.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    pthread_mutex_init(&registry->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&registry->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return registry->wake_fd < 0 ? -1 : 0;
}

static void destroy_all(struct sandbox **first)
{
    while (*first != NULL) {
        struct sandbox *next = (*first)->next;
        sandbox_destroy(*first);
        *first = next;
    }
}

void registry_finish(struct registry *registry)
{
    destroy_all(&registry->first);
    destroy_all(&registry->gone);
    fd_close(&registry->wake_fd);
    pthread_cond_destroy(&registry->changed);
    pthread_mutex_destroy(&registry->lock);
}

static struct moment registry_now(const struct registry *registry)
{
    return (struct moment){.ms = clock_ms(), .requests = atomic_load(&registry->requests)};
}

void registry_lock(struct registry *registry)
{
    pthread_mutex_lock(&registry->lock);
}

void registry_unlock(struct registry *registry)
{
    pthread_mutex_unlock(&registry->lock);
}

void registry_add(struct registry *registry, struct sandbox *sandbox)
{
    sandbox->references = 1;
    sandbox->next = registry->first;
    registry->first = sandbox;
    registry->count++;
    registry->created++;
}

/* Takes over the registry's own reference. */
static void remember_gone(struct registry *registry, struct sandbox *sandbox)
{
    history_add(&sandbox->history, registry_now(registry), NULL);
    sandbox->next = registry->gone;
    registry->gone = sandbox;
    if (++registry->gone_count <= GONE_MAX) return;
    struct sandbox **last = &registry->gone;
    while ((*last)->next != NULL)
        last = &(*last)->next;
    registry_release(registry, *last);
    *last = NULL;
    registry->gone_count--;
}

void registry_remove(struct registry *registry, struct sandbox *sandbox)
{
    struct sandbox **link = &registry->first;
    while (*link != sandbox)
        link = &(*link)->next;
    *link = sandbox->next;
    registry->count--;
    registry->destroyed++;
    if (registry->keeps_history)
        remember_gone(registry, sandbox);
    else
        registry_release(registry, sandbox);
}

struct sandbox *registry_find_id(struct registry *registry, const char *id)
{
    for (struct sandbox *at = registry->first; at != NULL; at = at->next)
        if (strcmp(at->id, id) == 0) return at;
    return NULL;
}

struct sandbox *registry_find_gone(struct registry *registry, const char *id)
{
    for (struct sandbox *at = registry->gone; at != NULL; at = at->next)
        if (strcmp(at->id, id) == 0) return at;
    return NULL;
}

struct sandbox *registry_find(struct registry *registry, const char *id_or_name)
{
    struct sandbox *found = registry_find_id(registry, id_or_name);
    for (struct sandbox *at = registry->first; found == NULL && at != NULL; at = at->next)
        if (strcmp(at->name, id_or_name) == 0) found = at;
    return found != NULL && !found->hidden ? found : NULL;
}

bool registry_has_name(const struct registry *registry, const char *name)
{
    for (const struct sandbox *at = registry->first; at != NULL; at = at->next)
        if (strcmp(at->name, name) == 0) return true;
    return false;
}

bool registry_has_uid(const struct registry *registry, uid_t uid)
{
    for (const struct sandbox *at = registry->first; at != NULL; at = at->next)
        if (at->uid == uid) return true;
    return false;
}

void registry_hold(struct sandbox *sandbox)
{
    sandbox->references++;
}

void registry_release(struct registry *registry, struct sandbox *sandbox)
{
    (void)registry; /* named to show whose lock this needs */
    if (--sandbox->references == 0) sandbox_destroy(sandbox);
}

void registry_wake(struct registry *registry)
{
    uint64_t one = 1;
    fd_write_all(registry->wake_fd, &one, sizeof one); /* full means that it is awake already */
}

void registry_changed(struct registry *registry, struct sandbox *sandbox)
{
    if (registry->keeps_history)
        history_add(&sandbox->history, registry_now(registry), sandbox_to_json(sandbox));
    if (registry->on_change != NULL) registry->on_change(registry->on_change_closure, sandbox);
    pthread_cond_broadcast(&registry->changed);
}

void registry_wait(struct registry *registry, struct sandbox *held, int64_t deadline_ms)
{
    struct timespec deadline = clock_deadline(deadline_ms);
    while (sandbox_in_transition(held) && !registry->closing)
        if (pthread_cond_timedwait(&registry->changed, &registry->lock, &deadline) == ETIMEDOUT) return;
}

void registry_wait_for_this(struct registry *registry, struct sandbox *held, int64_t deadline_ms)
{
    struct timespec deadline = clock_deadline(deadline_ms);
    unsigned this = held->transitions;
    while (sandbox_in_transition(held) && held->transitions == this && !registry->closing)
        if (pthread_cond_timedwait(&registry->changed, &registry->lock, &deadline) == ETIMEDOUT) return;
}

void registry_pause(struct registry *registry, int64_t deadline_ms)
{
    struct timespec deadline = clock_deadline(deadline_ms);
    registry_lock(registry);
    while (!registry->closing)
        if (pthread_cond_timedwait(&registry->changed, &registry->lock, &deadline) == ETIMEDOUT) break;
    registry_unlock(registry);
}

void registry_close(struct registry *registry)
{
    registry_lock(registry);
    registry->closing = true;
    pthread_cond_broadcast(&registry->changed);
    registry_unlock(registry);
}
