/* api_list.c: GET /sandbox and the older GET /sandbox/paginated (protocol 6.1): always the truth, unless a fault
 * asks for the truth of a while ago. */
#include "handlers.h"
#include "list_query.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

/* What a list shows, each item with a reference of its own. */
struct items {
    struct json_object **all;
    size_t count;
};

static void items_finish(struct items *items)
{
    for (size_t i = 0; i < items->count; i++)
        json_object_put(items->all[i]);
    free(items->all);
}

/* Takes the item over. */
static void offer(struct items *items, const struct list_query *query, struct json_object *item)
{
    if (list_query_wants_state(query, item))
        items->all[items->count++] = item;
    else
        json_object_put(item);
}

static void collect_now(struct items *items, const struct list_query *query, struct registry *registry)
{
    for (struct sandbox *at = registry->first; at != NULL; at = at->next)
        if (list_query_wants_fields(query, at->fields)) offer(items, query, sandbox_to_json(at));
}

static void collect_then(struct items *items, const struct list_query *query, struct sandbox *first,
                         struct moment then)
{
    for (struct sandbox *at = first; at != NULL; at = at->next) {
        struct json_object *copy = NULL, *view = history_at(&at->history, then);
        if (view == NULL || !list_query_wants_fields(query, view)) continue;
        json_object_deep_copy(view, &copy, NULL);
        offer(items, query, copy);
    }
}

static int compare(const void *left, const void *right, void *closure)
{
    return list_query_compare(closure, *(struct json_object *const *)left,
                              *(struct json_object *const *)right);
}

/* Everything that is wanted, in order. */
static void collect(struct items *items, const struct list_query *query, struct request *request)
{
    struct registry *registry = &request->standin->registry;
    registry_lock(registry);
    items->all = mem_alloc((registry->count + registry->gone_count + 1) * sizeof *items->all);
    if (fault_is_stale(&request->fault)) {
        struct moment then = fault_moment(&request->fault, atomic_load(&registry->requests));
        collect_then(items, query, registry->first, then);
        collect_then(items, query, registry->gone, then);
    } else {
        collect_now(items, query, registry);
    }
    registry_unlock(registry);
    qsort_r(items->all, items->count, sizeof *items->all, compare, (void *)(uintptr_t)query);
}

/* Items of the newer list lack what makes sandboxes big (protocol 6.1). There, networkBlockAll is missing too: newer
 * clients insist on it. */
static void add_item(struct json_object *list, struct json_object *item, bool whole)
{
    static const char *const absent[] = {"env", "buildInfo", "volumes", "networkAllowList",
                                         "domainAllowList"};
    for (size_t i = 0; !whole && i < sizeof absent / sizeof *absent; i++)
        json_object_object_del(item, absent[i]);
    json_object_array_add(list, json_object_get(item));
}

static struct json_object *page_by_cursor(const struct list_query *query, const struct items *items)
{
    struct json_object *body = json_object_new_object(), *list = json_object_new_array(), *next = NULL;
    size_t at = 0, limit = (size_t)query->limit;
    while (at < items->count && !list_query_is_after(query, items->all[at]))
        at++;
    for (; at < items->count && json_object_array_length(list) < limit; at++)
        add_item(list, items->all[at], false);
    if (at < items->count && at > 0) {
        CLEANUP(mem_free_text) char *cursor = list_query_cursor(query, items->all[at - 1]);
        next = json_object_new_string(cursor);
    }
    json_object_object_add(body, "items", list);
    json_object_object_add(body, "nextCursor", next);
    return body;
}

static struct json_object *page_by_number(const struct list_query *query, const struct items *items)
{
    struct json_object *body = json_object_new_object(), *list = json_object_new_array();
    long count = (long)items->count, first = (query->page - 1) * query->limit;
    for (long i = first; i < count && i < first + query->limit; i++)
        add_item(list, items->all[i], true);
    json_object_object_add(body, "items", list);
    json_object_object_add(body, "total", json_object_new_int64(count));
    json_object_object_add(body, "page", json_object_new_int64(query->page));
    json_object_object_add(body, "totalPages",
                           json_object_new_int64((count + query->limit - 1) / query->limit));
    return body;
}

static void reply_list(struct request *request, enum list_kind kind)
{
    CLEANUP(list_query_finish) struct list_query query = {0};
    CLEANUP(items_finish) struct items items = {0};
    struct fail why;
    if (list_query_parse(&query, &request->url, kind, &why) != 0) {
        reply_api_error(request, 400, "%s", why.text);
        return;
    }
    collect(&items, &query, request);
    bool by_cursor = kind == LIST_BY_CURSOR;
    reply_json(request, 200, by_cursor ? page_by_cursor(&query, &items) : page_by_number(&query, &items));
}

void api_list(struct request *request)
{
    reply_list(request, LIST_BY_CURSOR);
}

void api_list_pages(struct request *request)
{
    reply_list(request, LIST_BY_PAGE);
}
