/* api_list.c: GET /sandbox: filters, order, cursor (protocol 6.1). Unlike the service's it is never stale. */
#include "handlers.h"
#include "labels.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 200 };

struct query {
    const struct url *url;
    struct json_object *labels; /* NULL = any */
    const char *id_prefix;
    const char *name_prefix;
    const char *sort;
    bool ascending;
    long limit;
    long offset;
};

static bool has_prefix(const char *text, const char *prefix)
{
    return prefix == NULL || strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool state_wanted(const struct query *query, const char *state)
{
    size_t index = 0;
    const char *wanted = url_query_next(query->url, "states", &index);
    if (wanted == NULL) return true;
    for (; wanted != NULL; wanted = url_query_next(query->url, "states", &index))
        if (strcmp(wanted, state) == 0) return true;
    return false;
}

static bool matches(const struct query *query, const struct sandbox *sandbox)
{
    return has_prefix(sandbox->id, query->id_prefix) && has_prefix(sandbox->name, query->name_prefix) &&
           state_wanted(query, sandbox_state_name(sandbox->state)) &&
           labels_contain(json_object_object_get(sandbox->fields, "labels"), query->labels);
}

static const char *text_of(const struct sandbox *sandbox, const char *key)
{
    return json_object_get_string(json_object_object_get(sandbox->fields, key));
}

static int compare(const void *left, const void *right, void *closure)
{
    const struct sandbox *a = *(struct sandbox *const *)left, *b = *(struct sandbox *const *)right;
    const struct query *query = closure;
    int order;
    if (strcmp(query->sort, "name") == 0)
        order = strcmp(a->name, b->name);
    else if (strcmp(query->sort, "createdAt") == 0)
        order = strcmp(text_of(a, "createdAt"), text_of(b, "createdAt"));
    else
        order = (a->active_ms > b->active_ms) - (a->active_ms < b->active_ms);
    if (order == 0) order = strcmp(a->id, b->id);
    return query->ascending ? order : -order;
}

/* [lock] One page of the sorted matches; *more tells whether another follows. */
static struct json_object *collect(const struct query *query, struct registry *registry, bool *more)
{
    struct sandbox **found = mem_alloc((registry->count + 1) * sizeof(struct sandbox *));
    long count = 0;
    for (struct sandbox *at = registry->first; at != NULL; at = at->next)
        if (matches(query, at)) found[count++] = at;
    qsort_r(found, (size_t)count, sizeof *found, compare, (void *)(uintptr_t)query);
    struct json_object *items = json_object_new_array();
    for (long i = query->offset; i < count && i < query->offset + query->limit; i++)
        json_object_array_add(items, sandbox_to_list_item(found[i]));
    *more = count > query->offset + query->limit;
    free(found);
    return items;
}

static bool parse_cursor(const char *cursor, long *offset)
{
    char rest;
    return cursor == NULL || sscanf(cursor, "after-%ld%c", offset, &rest) == 1;
}

static bool parse_limit(const char *text, long *limit)
{
    char *end = NULL;
    if (text == NULL) return true;
    *limit = strtol(text, &end, 10);
    return *text != '\0' && *end == '\0' && *limit >= 1 && *limit <= LIMIT_MAX;
}

static int parse(struct query *query, struct fail *why)
{
    const struct url *url = query->url;
    const char *labels = url_query(url, "labels"), *cursor = url_query(url, "cursor");
    const char *sort = url_query(url, "sort"), *order = url_query(url, "order");
    query->id_prefix = url_query(url, "id");
    query->name_prefix = url_query(url, "name");
    query->sort = sort != NULL ? sort : "lastActivityAt";
    query->ascending = order != NULL && strcmp(order, "asc") == 0;
    query->labels = labels != NULL ? labels_parse(labels) : NULL;
    if (labels != NULL && query->labels == NULL) return fail_set(why, "Invalid labels JSON format");
    if (!parse_cursor(cursor, &query->offset))
        return fail_set(why, "Invalid cursor provided: %.100s", cursor);
    if (!parse_limit(url_query(url, "limit"), &query->limit))
        return fail_set(why, "limit must not be greater than %d, limit must not be less than 1", LIMIT_MAX);
    size_t index = 0;
    for (const char *state; (state = url_query_next(url, "states", &index)) != NULL;)
        if (strcmp(state, "destroyed") == 0)
            return fail_set(why, "each value in states must be a listable state");
    return 0;
}

static void reply_page(struct request *request, const struct query *query)
{
    struct json_object *body = json_object_new_object();
    bool more;
    registry_lock(&request->standin->registry);
    json_object_object_add(body, "items", collect(query, &request->standin->registry, &more));
    registry_unlock(&request->standin->registry);
    CLEANUP(mem_free_text) char *cursor = mem_format("after-%ld", query->offset + query->limit);
    json_object_object_add(body, "nextCursor", more ? json_object_new_string(cursor) : NULL);
    reply_json(request, 200, body);
}

void api_list(struct request *request)
{
    struct query query = {.url = &request->url, .limit = LIMIT_DEFAULT};
    struct fail why;
    if (parse(&query, &why) != 0)
        reply_api_error(request, 400, "%s", why.text);
    else
        reply_page(request, &query);
    json_object_put(query.labels);
}
