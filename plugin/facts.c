#include "facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"

static struct facts **bucket_of(struct facts_cache *cache, eep_str lease)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < lease.len; i++)
        hash = (hash ^ (unsigned char)lease.ptr[i]) * 16777619u;
    return &cache->buckets[hash % FACTS_BUCKETS];
}

/* The link that points to the lease's facts, or to NULL at the end of its chain. */
static struct facts **find(struct facts_cache *cache, eep_str lease)
{
    struct facts **link = bucket_of(cache, lease);
    while (*link && !str_eq((*link)->lease, lease))
        link = &(*link)->next;
    return link;
}

static struct facts *hold(struct facts *facts)
{
    if (facts) atomic_fetch_add(&facts->references, 1);
    return facts;
}

void facts_release(struct facts **facts)
{
    struct facts *old = *facts;
    *facts = NULL;
    if (!old || atomic_fetch_sub(&old->references, 1) != 1) return;
    arena_free(&old->arena);
    free(old);
}

static void unlink_facts(struct facts_cache *cache, struct facts **link)
{
    struct facts *old = *link;
    if (!old) return;
    *link = old->next;
    cache->count--;
    facts_release(&old);
}

static void drop_all(struct facts_cache *cache)
{
    for (size_t i = 0; i < FACTS_BUCKETS; i++)
        while (cache->buckets[i])
            unlink_facts(cache, &cache->buckets[i]);
}

void facts_cache_init(struct facts_cache *cache)
{
    memset(cache, 0, sizeof *cache);
    pthread_mutex_init(&cache->lock, NULL);
}

void facts_cache_finish(struct facts_cache *cache)
{
    drop_all(cache);
    pthread_mutex_destroy(&cache->lock);
}

struct facts *facts_get(struct facts_cache *cache, eep_str lease)
{
    pthread_mutex_lock(&cache->lock);
    struct facts *facts = hold(*find(cache, lease));
    pthread_mutex_unlock(&cache->lock);
    return facts;
}

void facts_drop(struct facts_cache *cache, eep_str lease)
{
    pthread_mutex_lock(&cache->lock);
    unlink_facts(cache, find(cache, lease));
    pthread_mutex_unlock(&cache->lock);
}

struct facts facts_strings(const struct facts *facts)
{
    if (!facts) return (struct facts){.lease = {NULL, 0}};
    return (struct facts){
        .lease = facts->lease,
        .toolbox = facts->toolbox,
        .workspace = facts->workspace,
        .workdir = facts->workdir,
        .home = facts->home,
        .shell = facts->shell,
        .user = facts->user,
        .arch = facts->arch,
        .folder = facts->folder,
        .runner = facts->runner,
        .identity = facts->identity,
        .updated = facts->updated,
    };
}

static int copy_strings(const struct facts *from, struct facts *to)
{
    TRY(arena_str(&to->arena, from->lease, &to->lease));
    TRY(arena_str(&to->arena, from->toolbox, &to->toolbox));
    TRY(arena_str(&to->arena, from->workspace, &to->workspace));
    TRY(arena_str(&to->arena, from->workdir, &to->workdir));
    TRY(arena_str(&to->arena, from->home, &to->home));
    TRY(arena_str(&to->arena, from->shell, &to->shell));
    TRY(arena_str(&to->arena, from->user, &to->user));
    TRY(arena_str(&to->arena, from->arch, &to->arch));
    TRY(arena_str(&to->arena, from->folder, &to->folder));
    TRY(arena_str(&to->arena, from->runner, &to->runner));
    TRY(arena_str(&to->arena, from->updated, &to->updated));
    return arena_str(&to->arena, from->identity, &to->identity);
}

int facts_put(struct facts_cache *cache, const struct facts *facts, struct facts **out, struct err *err)
{
    struct facts *copy = calloc(1, sizeof *copy);
    if (!copy) return err_no_memory(err);
    atomic_init(&copy->references, 2); /* the cache's and the caller's */
    if (copy_strings(facts, copy) != EEP_OK) {
        arena_free(&copy->arena);
        free(copy);
        return err_no_memory(err);
    }
    pthread_mutex_lock(&cache->lock);
    unlink_facts(cache, find(cache, copy->lease));
    if (cache->count >= FACTS_MAX) drop_all(cache);
    struct facts **link = bucket_of(cache, copy->lease);
    copy->next = *link;
    *link = copy;
    cache->count++;
    pthread_mutex_unlock(&cache->lock);
    *out = copy;
    return EEP_OK;
}
