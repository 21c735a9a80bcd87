#include "list_query.h"

#include "clock.h"
#include "labels.h"
#include "mem.h"
#include "sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 200, CURSOR_MAX = 1024, PAGE_MAX = 1000000 };

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
    if (wanted == NULL || *wanted == '\0') return true;
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
           (query->kind == LIST_BY_PAGE ||
            (is_flag(query, item, "isPublic", "public") &&
             is_between(query, item, "createdAt", "createdAtAfter", "createdAtBefore")));
}

/* Failed ones that are being deleted are shown to those who ask for them, as nowhere else; the older list takes "false" for asking. */
static bool is_presentable(const struct list_query *query, struct json_object *item)
{
    const char *wanted = url_query(query->url, "includeErroredDeleted"), *state = text_in(item, "state");
    bool included =
        wanted != NULL && (query->kind == LIST_BY_PAGE ? *wanted != '\0' : strcmp(wanted, "true") == 0);
    bool failed = strcmp(state, "error") == 0 || strcmp(state, "build_failed") == 0;
    bool ending = strcmp(text_in(item, "desiredState"), "destroyed") == 0;
    return !(failed && ending) || included;
}

bool list_query_wants_state(const struct list_query *query, struct json_object *item)
{
    return is_presentable(query, item) && is_listed(query, "states", text_in(item, "state")) &&
           (query->kind == LIST_BY_PAGE || is_flag(query, item, "isRecoverable", "recoverable")) &&
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

static void add_failure(struct fail *why, bool failed, const char *name, const char *what)
{
    size_t len = strlen(why->text);
    if (failed)
        snprintf(why->text + len, sizeof why->text - len, "%s%s must %s", len > 0 ? ", " : "", name, what);
}

/* JavaScript's Number: all of the text, white space around it allowed. Infinity is none that anybody asks for. */
static bool to_number(const char *text, double *value)
{
    char *end;
    *value = 0;
    if (strspn(text, "0123456789+-.eE \t\r\n") != strlen(text)) return false;
    *value = strtod(text, &end);
    return end[strspn(end, " \t\r\n")] == '\0';
}

/* Beyond that every double is one. */
static bool is_integer(double value)
{
    return value < -1e15 || value > 1e15 || value == (double)(long long)value;
}

/* As the service's validators see it: all that is wrong at once, and no number at all is everything that is wrong. most: 0 = no bound. */
static int check_number(const char *name, const char *text, long most, bool bounds_first, struct fail *why)
{
    double value;
    char bound[48];
    bool is_number = to_number(text, &value), is_whole = is_number && is_integer(value);
    *why->text = '\0';
    snprintf(bound, sizeof bound, "not be greater than %ld", most);
    if (!bounds_first) add_failure(why, !is_whole, name, "be an integer number");
    add_failure(why, !is_number || value < 1, name, "not be less than 1");
    add_failure(why, most > 0 && (!is_number || value > (double)most), name, bound);
    if (bounds_first) add_failure(why, !is_whole, name, "be an integer number");
    return *why->text == '\0' ? 0 : -1;
}

static int parse_number(const struct url *url, const char *name, long most, long *number, struct fail *why)
{
    const char *text = url_query(url, name);
    double value;
    if (text == NULL) return 0;
    TRY(check_number(name, text, most, false, why));
    to_number(text, &value);
    *number = value < PAGE_MAX ? (long)value : PAGE_MAX;
    return 0;
}

static int check_bounds(const struct url *url, struct fail *why)
{
    static const char *const names[] = {"minCpu",       "maxCpu",     "minMemoryGiB",
                                        "maxMemoryGiB", "minDiskGiB", "maxDiskGiB"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = url_query(url, names[i]);
        if (text != NULL) TRY(check_number(names[i], text, 0, true, why));
    }
    return 0;
}

/* JavaScript finds a date in almost anything that has a digit. */
static int check_dates(const struct url *url, enum list_kind kind, struct fail *why)
{
    static const char *const names[] = {"lastEventAfter", "lastEventBefore", "createdAtAfter",
                                        "createdAtBefore"};
    for (size_t i = 0; i < (kind == LIST_BY_PAGE ? 2 : 4); i++) {
        const char *text = url_query(url, names[i]);
        if (text != NULL && strpbrk(text, "0123456789") == NULL)
            return fail_set(why, "%s must be a Date instance", names[i]);
    }
    return 0;
}

static bool is_one_of(const char *text, const char *const *allowed)
{
    for (; *allowed != NULL; allowed++)
        if (strcmp(text, *allowed) == 0) return true;
    return false;
}

static int check_choice(const struct url *url, const char *name, const char *const *allowed, struct fail *why)
{
    const char *choice = url_query(url, name);
    if (choice == NULL || is_one_of(choice, allowed)) return 0;
    fail_set(why, "%s must be one of the following values: ", name);
    for (size_t i = 0; allowed[i] != NULL; i++) {
        size_t len = strlen(why->text);
        snprintf(why->text + len, sizeof why->text - len, "%s%s", i > 0 ? ", " : "", allowed[i]);
    }
    return -1;
}

static int parse_order(struct list_query *query, struct fail *why)
{
    static const char *const orders[] = {"asc", "desc", NULL};
    static const char *const sorts[] = {"name",           "cpu",       "memoryGib", "diskGib",
                                        "lastActivityAt", "createdAt", NULL};
    static const char *const old_sorts[] = {"id",        "name",      "state",          "snapshot", "region",
                                            "updatedAt", "createdAt", "lastActivityAt", NULL};
    const char *order = url_query(query->url, "order"), *sort = url_query(query->url, "sort");
    bool by_page = query->kind == LIST_BY_PAGE;
    TRY(check_choice(query->url, "sort", by_page ? old_sorts : sorts, why));
    TRY(check_choice(query->url, "order", orders, why));
    query->ascending = order != NULL && strcmp(order, "asc") == 0;
    query->sort = sort != NULL ? sort : by_page ? "createdAt" : "lastActivityAt";
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
        if (*name == '\0' || (sandbox_state_parse(name, &state) && state != STATE_DESTROYED)) continue;
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

/* An empty text is none. */
static const char *filled(const struct url *url, const char *name)
{
    const char *text = url_query(url, name);
    return text != NULL && *text != '\0' ? text : NULL;
}

int list_query_parse(struct list_query *query, const struct url *url, enum list_kind kind, struct fail *why)
{
    const char *labels = filled(url, "labels"), *cursor = filled(url, "cursor");
    *query = (struct list_query){.url = url, .kind = kind, .limit = LIMIT_DEFAULT, .page = 1};
    TRY(parse_number(url, "limit", LIMIT_MAX, &query->limit, why));
    if (kind == LIST_BY_PAGE) TRY(parse_number(url, "page", 0, &query->page, why));
    TRY(parse_order(query, why));
    TRY(check_states(url, why));
    TRY(check_bounds(url, why));
    TRY(check_dates(url, kind, why));
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
