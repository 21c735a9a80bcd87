/* leases.c: the calls get and list of eep.lease/1. */
#include "leases.h"

#include "abi.h"
#include "base/arena.h"
#include "base/str.h"
#include "call.h"
#include "create.h"
#include "daytona/wire.h"
#include "leased.h"
#include "lifecycle.h"
#include "retry.h"

#define DEFAULT_PAGE 100u

/* -- The service's list ------------------------------------------------------------------------ */

static int check_query(const struct leases_query *query, struct err *err)
{
    if (query->page && (query->page < EEP_LEASES_PAGE_MIN || query->page > EEP_LEASES_PAGE_MAX))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "page is %u; it must be %u to %u, or 0 for %u",
                       query->page, EEP_LEASES_PAGE_MIN, EEP_LEASES_PAGE_MAX, DEFAULT_PAGE);
    TRY(abi_check_str(query->cursor, PAGE_CURSOR_MAX, "cursor", err));
    if (!str_is_graph(query->cursor) || (query->cursor.ptr && query->cursor.len == 0))
        return err_set(err, EEP_E_INVALID_ARGUMENT,
                       "cursor is none: give `next` of the page before, or nothing");
    return EEP_OK;
}

/* "No owner" is not a label, so the service cannot be asked for it: it is picked out here. */
static struct page_query query_of(const struct op *op, const struct leases_query *query)
{
    bool by_owner = !query->all && !str_empty(op->env->config->owner);
    return (struct page_query){
        .name_prefix = STR(CREATE_NAME_PREFIX),
        .label = by_owner ? STR(LABEL_OWNER) : (eep_str){NULL, 0},
        .label_value = op->env->config->owner,
        .cursor = query->cursor,
        .limit = query->page ? query->page : DEFAULT_PAGE,
    };
}

int leases_get_page(struct op *op, const struct page_query *query, struct page *page, struct err *err)
{
    struct retry retry = RETRY_INIT;
    while (page_get(&op->env->client, query, &op->wait, page, err) != EEP_OK) {
        if (!retry_is_passing(err)) return retry_give_up(op, &retry, err);
        TRY(retry_wait(op, &retry, err));
    }
    return EEP_OK;
}

int leases_page(struct op *op, const struct leases_query *query, struct page *page, struct err *err)
{
    TRY(check_query(query, err));
    struct page_query wanted = query_of(op, query);
    return leases_get_page(op, &wanted, page, err);
}

bool leases_wanted(const struct op *op, const struct leases_query *query, const struct sandbox *sandbox)
{
    uint32_t flags = leased_flags(op->env->config, sandbox);
    if (flags & EEP_LEASED_FOREIGN || !(query->all || flags & EEP_LEASED_OWN)) return false;
    return query->states == 0 || query->states & 1u << sandbox_state_code(sandbox->state);
}

/* -- list -------------------------------------------------------------------------------------- */

static int room_for(eep_leases *result, eep_leased **items, size_t count, struct err *err)
{
    *items = arena_alloc(&result->head.arena, count * sizeof **items);
    if (!*items) return err_no_memory(err);
    result->leases = *items;
    result->lease_stride = sizeof **items;
    return EEP_OK;
}

static int fill_page(struct op *op, const struct leases_query *query, const struct page *page,
                     eep_leases *result, struct err *err)
{
    eep_leased *items;
    TRY(room_for(result, &items, json_len(page->items), err));
    for (size_t i = 0; i < json_len(page->items); i++) {
        struct sandbox sandbox;
        TRY(sandbox_view(&sandbox, json_at(page->items, i), (eep_str){NULL, 0}, err));
        if (!leases_wanted(op, query, &sandbox)) continue;
        eep_leased *item = &items[result->lease_count++];
        TRY(leased_fill(item, &result->head.arena, op->env->config, &sandbox, err));
    }
    return arena_str(&result->head.arena, page->next, &result->next) == EEP_OK ? EEP_OK : err_no_memory(err);
}

static int run_leases(struct op *op, const void *host_request, void *result, struct err *err)
{
    CLEANUP(page_finish) struct page page = {0};
    const eep_leases_request *request = host_request;
    struct leases_query query = {.cursor = request->cursor,
                                 .states = request->states,
                                 .page = request->page,
                                 .all = request->head.flags & EEP_LEASES_ALL};
    TRY(leases_page(op, &query, &page, err));
    return fill_page(op, &query, &page, result, err);
}

const struct call call_leases = {
    .name = "list",
    .request_size = sizeof(eep_leases_request),
    .request_min = sizeof(eep_leases_request),
    .result_size = sizeof(eep_leases),
    .flags = EEP_LEASES_ALL,
    .run = run_leases,
};

/* -- get --------------------------------------------------------------------------------------- */

static int run_get(struct op *op, const void *host_request, void *host_result, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    const eep_lease_get_request *request = host_request;
    eep_leases *result = host_result;
    eep_leased *item;
    TRY(wire_check_id(request->lease, err));
    TRY(lifecycle_get(op, request->lease, &sandbox, err));
    TRY(room_for(result, &item, 1, err));
    result->lease_count = 1;
    return leased_fill(item, &result->head.arena, op->env->config, &sandbox, err);
}

const struct call call_lease_get = {
    .name = "get",
    .request_size = sizeof(eep_lease_get_request),
    .request_min = sizeof(eep_lease_get_request),
    .result_size = sizeof(eep_leases),
    .run = run_get,
};
