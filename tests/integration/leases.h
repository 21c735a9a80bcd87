/* leases.h: the calls of eep.lease/1 in one line, as host.h has those of the table. */
#ifndef INTEGRATION_LEASES_H
#define INTEGRATION_LEASES_H

#include "ext/lease.h"
#include "host.h"

static inline const eep_lease_table *leases(void)
{
    return plugin()->get_extension(EEP_EXT_LEASE);
}

#define LEASES_CALL(slot, request_type, member)                                                              \
    static inline struct outcome leases_##slot(eep_env *own, const request_type *request)                    \
    {                                                                                                        \
        struct outcome outcome = {.err.head.struct_size = sizeof outcome.err};                               \
        outcome.head.struct_size = sizeof outcome.member;                                                    \
        long begin = now_ms();                                                                               \
        outcome.code = leases()->slot(own, request, &outcome.member, &outcome.err);                          \
        outcome.elapsed_ms = now_ms() - begin;                                                               \
        return outcome;                                                                                      \
    }

LEASES_CALL(get, eep_lease_get_request, leases)
LEASES_CALL(list, eep_leases_request, leases)
LEASES_CALL(keepalive, eep_keepalive_request, kept)
LEASES_CALL(reap, eep_reap_request, reaping)
LEASES_CALL(explain, eep_explain_request, explanation)

#define GET_LEASE(env, id)    leases_get(env, REQUEST(eep_lease_get_request, .lease = text(id)))
#define LIST_LEASES(env, ...) leases_list(env, REQUEST(eep_leases_request, __VA_ARGS__))
#define KEEPALIVE(env, id, ...)                                                                              \
    leases_keepalive(env, REQUEST(eep_keepalive_request, .lease = text(id), __VA_ARGS__))
#define REAP(env, ...) leases_reap(env, REQUEST(eep_reap_request, __VA_ARGS__))
#define EXPLAIN(env, id, ...)                                                                                \
    leases_explain(env, REQUEST(eep_explain_request, .lease = text(id), __VA_ARGS__))

static inline const eep_leased *leased_at(const eep_leases *page, uint32_t index)
{
    return (const eep_leased *)((const char *)page->leases + (size_t)page->lease_stride * index);
}

static inline const eep_reaped *reaped_at(const eep_reaping *page, uint32_t index)
{
    return (const eep_reaped *)((const char *)page->leases + (size_t)page->lease_stride * index);
}

/* The lease's place on the page; NULL = it is not there. */
static inline const eep_leased *leased_find(const eep_leases *page, const char *id)
{
    for (uint32_t i = 0; i < page->lease_count; i++)
        if (text_is(leased_at(page, i)->lease, id)) return leased_at(page, i);
    return NULL;
}

static inline const eep_reaped *reaped_find(const eep_reaping *page, const char *id)
{
    for (uint32_t i = 0; i < page->lease_count; i++)
        if (text_is(reaped_at(page, i)->lease, id)) return reaped_at(page, i);
    return NULL;
}

static inline int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
