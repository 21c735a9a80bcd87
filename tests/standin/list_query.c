#include "list_query.h"

#include "clock.h"
#include "labels.h"
#include "mem.h"
#include "sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 200, CURSOR_MAX = 1024 };

static const char *text_in(struct json_object *item, const char *key)
{
    const char *text = json_object_get_string(json_object_object_get(item, key));
    return text != NULL ? text : "";
}

static bool has_prefix(const char *text, const char *prefix)
{
    return prefix == NULL || strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* Is the value among those of the repeated parameter? If it was not given, any is. */
static bool is_listed(const struct list_query *query, const char *parameter, const char *value)
{
    size_t index = 0;
    const char *wanted = url_query_next(query->url, parameter, &index);
    if (wanted == NULL) return true;
    for (; wanted != NULL; wanted = url_query_next(query->url, parameter, &index))
        if (strcmp(wanted, value) == 0) return true;
    return false;
}

static bool is_within(const struct list_query *query, struct json_object *item, const char *key,
                      const char *min, const char *max)
{
    const char *least = url_query(query->url, min), *most = url_query(query->url, max);
    long value = (long)json_object_get_int64(json_object_object_get(item, key));
    return (least == NULL || value >= atol(least)) && (most == NULL || value <= atol(most));
}

static bool is_between(const struct list_query *query, struct json_object *item, const char *key,
                       const char *from, const char *until)
{
    const char *first = url_query(query->url, from), *last = url_query(query->url, until);
    int64_t value = 0, bound = 0;
    clock_parse_iso(text_in(item, key), &value);
    if (first != NULL && clock_parse_iso(first, &bound) && value < bound) return false;
    return last == NULL || !clock_parse_iso(last, &bound) || value <= bound;
}

static bool is_flag(const struct list_query *query, struct json_object *item, const char *parameter,
                    const char *key)
{
    const char *wanted = url_query(query->url, parameter);
    return wanted == NULL ||
           (strcmp(wanted, "true") == 0) == (bool)json_object_get_boolean(json_object_object_get(item, key));
}

bool list_query_wants_fields(const struct list_query *query, struct json_object *item)
{
    const char *regions = query->kind == LIST_BY_PAGE ? "regions" : "regionIds";
    return has_prefix(text_in(item, "id"), url_query(query->url, "id")) &&
           has_prefix(text_in(item, "name"), url_query(query->url, "name")) &&
           labels_contain(json_object_object_get(item, "labels"), query->labels) &&
           is_listed(query, "snapshots", text_in(item, "snapshot")) &&
           is_listed(query, regions, text_in(item, "target")) &&
           is_listed(query, "sandboxClasses", text_in(item, "sandboxClass")) &&
           is_within(query, item, "cpu", "minCpu", "maxCpu") &&
           is_within(query, item, "memory", "minMemoryGiB", "maxMemoryGiB") &&
           is_within(query, item, "disk", "minDiskGiB", "maxDiskGiB") &&
           is_flag(query, item, "isPublic", "public") &&
           is_between(query, item, "createdAt", "createdAtAfter", "createdAtBefore");
}

/* Failed ones that are being deleted are shown to those who ask for them, as nowhere else. */
static bool is_presentable(const struct list_query *query, struct json_object *item)
{
    const char *errored = query->kind == LIST_BY_PAGE ? "includeErroredDestroyed" : "includeErroredDeleted";
    const char *wanted = url_query(query->url, errored), *state = text_in(item, "state");
    bool failed = strcmp(state, "error") == 0 || strcmp(state, "build_failed") == 0;
    bool ending = strcmp(text_in(item, "desiredState"), "destroyed") == 0;
    return !(failed && ending) || (wanted != NULL && strcmp(wanted, "true") == 0);
}

bool list_query_wants_state(const struct list_query *query, struct json_object *item)
{
    return is_presentable(query, item) && is_listed(query, "states", text_in(item, "state")) &&
           is_flag(query, item, "isRecoverable", "recoverable") &&
           is_between(query, item, "lastActivityAt", "lastEventAfter", "lastEventBefore");
}

static int compare_values(struct json_object *a, struct json_object *b)
{
    if (json_object_is_type(a, json_type_int) && json_object_is_type(b, json_type_int)) {
        int64_t left = json_object_get_int64(a), right = json_object_get_int64(b);
        return (left > right) - (left < right);
    }
    const char *left = json_object_get_string(a), *right = json_object_get_string(b);
    return strcmp(left != NULL ? left : "", right != NULL ? right : "");
}

static int compare_keys(const struct list_query *query, struct json_object *value_a, const char *id_a,
                        struct json_object *value_b, const char *id_b)
{
    int order = compare_values(value_a, value_b);
    if (order == 0) order = strcmp(id_a, id_b);
    return query->ascending ? order : -order;
}

int list_query_compare(const struct list_query *query, struct json_object *a, struct json_object *b)
{
    return compare_keys(query, json_object_object_get(a, query->sort), text_in(a, "id"),
                        json_object_object_get(b, query->sort), text_in(b, "id"));
}

bool list_query_is_after(const struct list_query *query, struct json_object *item)
{
    if (query->cursor == NULL) return true;
    return compare_keys(query, json_object_object_get(item, query->sort), text_in(item, "id"),
                        json_object_object_get(query->cursor, "sortValue"), text_in(query->cursor, "id")) > 0;
}

/* Hexadecimal: opaque enough, and nothing in it wants escaping. */
char *list_query_cursor(const struct list_query *query, struct json_object *item)
{
    struct json_object *cursor = json_object_new_object();
    json_object_object_add(cursor, "sortValue", json_object_get(json_object_object_get(item, query->sort)));
    json_object_object_add(cursor, "id", json_object_get(json_object_object_get(item, "id")));
    const char *text = json_object_to_json_string_ext(cursor, JSON_C_TO_STRING_PLAIN);
    size_t len = strlen(text);
    char *hex = mem_alloc(2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        hex[2 * i] = "0123456789abcdef"[(unsigned char)text[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[(unsigned char)text[i] & 15];
    }
    json_object_put(cursor);
    return hex;
}

static int digit(char c)
{
    const char *at = c != '\0' ? strchr("0123456789abcdef", c) : NULL;
    return at != NULL ? (int)(at - "0123456789abcdef") : -1;
}

static struct json_object *parse_cursor(const char *hex)
{
    char text[CURSOR_MAX / 2 + 1];
    size_t len = strlen(hex);
    if (len % 2 != 0 || len > CURSOR_MAX) return NULL;
    for (size_t i = 0; i < len / 2; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) return NULL;
        text[i] = (char)(high * 16 + low);
    }
    text[len / 2] = '\0';
    struct json_object *cursor = json_tokener_parse(text);
    if (json_object_is_type(json_object_object_get(cursor, "id"), json_type_string)) return cursor;
    json_object_put(cursor);
    return NULL;
}

static int parse_number(const struct url *url, const char *name, long most, long *number, struct fail *why)
{
    const char *text = url_query(url, name);
    char *end = NULL;
    if (text == NULL) return 0;
    *number = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0') return fail_set(why, "%s must be an integer number", name);
    if (*number > most) return fail_set(why, "%s must not be greater than %ld", name, most);
    if (*number < 1) return fail_set(why, "%s must not be less than 1", name);
    return 0;
}

static bool is_one_of(const char *text, const char *const *allowed)
{
    for (; *allowed != NULL; allowed++)
        if (strcmp(text, *allowed) == 0) return true;
    return false;
}

static int parse_order(struct list_query *query, struct fail *why)
{
    static const char *const orders[] = {"asc", "desc", NULL};
    static const char *const sorts[] = {"name",           "cpu",       "memoryGib", "diskGib",
                                        "lastActivityAt", "createdAt", "id",        "state",
                                        "snapshot",       "region",    "updatedAt", NULL};
    const char *order = url_query(query->url, "order"), *sort = url_query(query->url, "sort");
    if (order != NULL && !is_one_of(order, orders))
        return fail_set(why, "order must be one of the following values: asc, desc");
    if (sort != NULL && !is_one_of(sort, sorts))
        return fail_set(why, "sort must be one of the following values: name, cpu, memoryGib, diskGib, "
                             "lastActivityAt, createdAt");
    query->ascending = order != NULL && strcmp(order, "asc") == 0;
    query->sort = sort != NULL ? sort : query->kind == LIST_BY_PAGE ? "createdAt" : "lastActivityAt";
    if (strcmp(query->sort, "memoryGib") == 0) query->sort = "memory";
    if (strcmp(query->sort, "diskGib") == 0) query->sort = "disk";
    if (strcmp(query->sort, "region") == 0) query->sort = "target";
    return 0;
}

static int check_states(const struct url *url, struct fail *why)
{
    size_t index = 0;
    enum sandbox_state state;
    for (const char *name; (name = url_query_next(url, "states", &index)) != NULL;) {
        if (sandbox_state_parse(name, &state) && state != STATE_DESTROYED) continue;
        fail_set(why, "each value must be one of the following values: ");
        for (int i = 0; i < STATE_COUNT; i++) {
            if (i == STATE_DESTROYED) continue;
            size_t len = strlen(why->text);
            snprintf(why->text + len, sizeof why->text - len, "%s%s", i > 0 ? ", " : "",
                     sandbox_state_name((enum sandbox_state)i));
        }
        return -1;
    }
    return 0;
}

int list_query_parse(struct list_query *query, const struct url *url, enum list_kind kind, struct fail *why)
{
    const char *labels = url_query(url, "labels"), *cursor = url_query(url, "cursor");
    *query = (struct list_query){.url = url, .kind = kind, .limit = LIMIT_DEFAULT, .page = 1};
    TRY(parse_number(url, "limit", LIMIT_MAX, &query->limit, why));
    if (kind == LIST_BY_PAGE) TRY(parse_number(url, "page", 1000000, &query->page, why));
    TRY(parse_order(query, why));
    TRY(check_states(url, why));
    if (labels != NULL) query->labels = labels_parse(labels);
    if (labels != NULL && query->labels == NULL) return fail_set(why, "Invalid labels JSON format");
    if (kind == LIST_BY_CURSOR && cursor != NULL) query->cursor = parse_cursor(cursor);
    if (kind == LIST_BY_CURSOR && cursor != NULL && query->cursor == NULL)
        return fail_set(why, "Invalid cursor provided: %.100s", cursor);
    return 0;
}

void list_query_finish(struct list_query *query)
{
    json_object_put(query->labels);
    json_object_put(query->cursor);
}
