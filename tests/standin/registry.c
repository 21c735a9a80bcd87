#include "registry.h"

#include "clock.h"
#include "fd.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

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

void registry_finish(struct registry *registry)
{
    while (registry->first != NULL) {
        struct sandbox *next = registry->first->next;
        sandbox_destroy(registry->first);
        registry->first = next;
    }
    fd_close(&registry->wake_fd);
    pthread_cond_destroy(&registry->changed);
    pthread_mutex_destroy(&registry->lock);
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

void registry_remove(struct registry *registry, struct sandbox *sandbox)
{
    struct sandbox **link = &registry->first;
    while (*link != sandbox)
        link = &(*link)->next;
    *link = sandbox->next;
    registry->count--;
    registry->destroyed++;
    registry_release(registry, sandbox);
}

struct sandbox *registry_find_id(struct registry *registry, const char *id)
{
    for (struct sandbox *at = registry->first; at != NULL; at = at->next)
        if (strcmp(at->id, id) == 0) return at;
    return NULL;
}

struct sandbox *registry_find(struct registry *registry, const char *id_or_name)
{
    struct sandbox *found = registry_find_id(registry, id_or_name);
    for (struct sandbox *at = registry->first; found == NULL && at != NULL; at = at->next)
        if (strcmp(at->name, id_or_name) == 0) found = at;
    return found;
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

void registry_changed(struct registry *registry)
{
    pthread_cond_broadcast(&registry->changed);
}

void registry_wait(struct registry *registry, struct sandbox *held, int64_t deadline_ms)
{
    struct timespec deadline = clock_deadline(deadline_ms);
    while (sandbox_in_transition(held) && !registry->closing)
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
    registry_changed(registry);
    registry_unlock(registry);
}
