#include "http/cancel.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/process.h"

struct eep_cancel {
    atomic_uint references;
    atomic_uint fired;
    atomic_uint pokes;
    atomic_bool rang; /* is on the list, which has a reference of its own */
    eep_cancel *next_rung;

    /* The I/O thread's. */
    const void *owner;
    struct cancel_link *watchers;
};

static atomic_int wake_fd = -1;
static _Atomic(uint64_t) wake_owner; /* whose: in a child after fork() the number may be any other file's */
static _Atomic(eep_cancel *) rung;

void wake_set_fd(int fd)
{
    atomic_store(&wake_fd, -1);
    atomic_store(&wake_owner, process_self());
    atomic_store(&wake_fd, fd);
}

void wake(void)
{
    int saved = errno;
    int fd = atomic_load(&wake_owner) == process_self() ? atomic_load(&wake_fd) : -1;
    uint64_t one = 1;
    while (fd >= 0 && write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = saved;
}

eep_cancel *cancel_create(void)
{
    eep_cancel *token = calloc(1, sizeof *token);
    if (token) atomic_init(&token->references, 1);
    return token;
}

eep_cancel *cancel_hold(eep_cancel *token)
{
    if (token) atomic_fetch_add(&token->references, 1);
    return token;
}

void cancel_destroy(eep_cancel *token)
{
    if (token && atomic_fetch_sub(&token->references, 1) == 1) free(token);
}

/* The I/O thread takes `rang` back before it looks, so whatever was stored before this is seen. */
static void ring(eep_cancel *token)
{
    if (!atomic_exchange(&token->rang, true)) {
        eep_cancel *head = atomic_load(&rung);
        cancel_hold(token);
        do
            token->next_rung = head;
        while (!atomic_compare_exchange_weak(&rung, &head, token));
    }
    wake();
}

void cancel_fire(eep_cancel *token)
{
    if (!token) return;
    if (atomic_fetch_add(&token->fired, 1) > 1u << 30)
        atomic_store(&token->fired, 2); /* never wraps to "not fired" */
    ring(token);
}

unsigned cancel_count(const eep_cancel *token)
{
    return token ? atomic_load(&token->fired) : 0;
}

void cancel_poke(eep_cancel *token)
{
    atomic_fetch_add(&token->pokes, 1);
    ring(token);
}

unsigned cancel_pokes(const eep_cancel *token)
{
    return token ? atomic_load(&token->pokes) : 0;
}

/* -- Watching ---------------------------------------------------------------------------------- */

void cancel_watch(eep_cancel *token, struct cancel_link *link, void *who, const void *owner)
{
    if (!token) return;
    if (token->owner != owner) {
        token->owner = owner;
        token->watchers = NULL;
    }
    *link = (struct cancel_link){.who = who, .next = token->watchers, .back = &token->watchers};
    if (link->next) link->next->back = &link->next;
    token->watchers = link;
}

void cancel_unwatch(struct cancel_link *link)
{
    if (!link->back) return;
    *link->back = link->next;
    if (link->next) link->next->back = link->back;
    *link = (struct cancel_link){0};
}

static void visit_watchers(eep_cancel *token, void (*visit)(void *ctx, void *who), void *ctx)
{
    struct cancel_link *next;
    for (struct cancel_link *link = token->watchers; link; link = next) {
        next = link->next;
        visit(ctx, link->who);
    }
}

void cancel_each_rung(const void *owner, void (*visit)(void *ctx, void *who), void *ctx)
{
    eep_cancel *next;
    for (eep_cancel *token = atomic_exchange(&rung, NULL); token; token = next) {
        next = token->next_rung;
        atomic_store(&token->rang, false);
        if (token->owner == owner) visit_watchers(token, visit, ctx);
        cancel_destroy(token);
    }
}
