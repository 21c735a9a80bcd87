/* list_query.h: what a list call asks for: filters, order, page (protocol 6.1). */
#ifndef STANDIN_LIST_QUERY_H
#define STANDIN_LIST_QUERY_H

#include "fail.h"
#include "url.h"

#include <json-c/json.h>
#include <stdbool.h>

enum list_kind { LIST_BY_CURSOR, LIST_BY_PAGE };

struct list_query {
    const struct url *url;
    enum list_kind kind;
    struct json_object *labels; /* NULL = any */
    const char *sort;           /* the key of an item */
    bool ascending;
    long limit;
    long page;                  /* LIST_BY_PAGE */
    struct json_object *cursor; /* LIST_BY_CURSOR: {sortValue, id} of the last item seen, or NULL */
};

/* To be finished in any case. */
int list_query_parse(struct list_query *query, const struct url *url, enum list_kind kind, struct fail *why);
void list_query_finish(struct list_query *query);

/* Is the item wanted? Both look at the JSON that the API shows; the first at what never changes by itself, so
 * that most sandboxes need not be described to be refused. */
bool list_query_wants_fields(const struct list_query *query, struct json_object *item);
bool list_query_wants_state(const struct list_query *query, struct json_object *item);

/* Below 0 if a comes before b. */
int list_query_compare(const struct list_query *query, struct json_object *a, struct json_object *b);

/* Does it come after the cursor? And the cursor that ends a page with this item, to be freed. */
bool list_query_is_after(const struct list_query *query, struct json_object *item);
char *list_query_cursor(const struct list_query *query, struct json_object *item);

#endif
