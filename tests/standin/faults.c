#include "faults.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

void faults_init(struct faults *faults)
{
    pthread_mutex_init(&faults->lock, NULL);
    faults->rules = json_object_new_array();
}

void faults_finish(struct faults *faults)
{
    if (faults->rules == NULL) return;
    json_object_put(faults->rules);
    faults->rules = NULL;
    pthread_mutex_destroy(&faults->lock);
}

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value = json_object_object_get(object, key);
    return value != NULL ? json_object_get_string(value) : NULL;
}

static int number_of(struct json_object *object, const char *key, int otherwise)
{
    struct json_object *value = json_object_object_get(object, key);
    return value != NULL ? json_object_get_int(value) : otherwise;
}

static bool parse_drop(const char *name, enum drop_point *drop)
{
    static const char *const names[] = {"", "before", "after_action", "after_headers", "mid_body"};
    *drop = DROP_NOT;
    if (name == NULL) return true;
    for (int i = 1; i < 5; i++)
        if (strcmp(name, names[i]) == 0) *drop = (enum drop_point)i;
    return *drop != DROP_NOT;
}

/* Keys with a spelling mistake would make a test pass for the wrong reason. */
static bool has_only(struct json_object *object, const char *const *allowed)
{
    json_object_object_foreach(object, key, value)
    {
        (void)value;
        bool known = false;
        for (const char *const *at = allowed; *at != NULL; at++)
            known = known || strcmp(*at, key) == 0;
        if (!known) return false;
    }
    return true;
}

static int check_rule(struct json_object *rule, struct fail *why)
{
    static const char *const match_keys[] = {"method", "path", "nth", "count", NULL};
    static const char *const do_keys[] = {"delay_ms", "status", "body", "content_type",
                                          "headers",  "drop",   NULL};
    struct json_object *match = json_object_object_get(rule, "match"),
                       *act = json_object_object_get(rule, "do");
    enum drop_point drop;
    if (!json_object_is_type(match, json_type_object) || !json_object_is_type(act, json_type_object))
        return fail_set(why, "a rule is {\"match\":{...},\"do\":{...}}");
    if (!has_only(match, match_keys)) return fail_set(why, "match knows method, path, nth and count");
    if (!has_only(act, do_keys))
        return fail_set(why, "do knows delay_ms, status, body, content_type, headers and drop");
    if (!parse_drop(text_of(act, "drop"), &drop))
        return fail_set(why, "drop is before, after_action, after_headers or mid_body");
    return 0;
}

int faults_install(struct faults *faults, struct json_object *rules, struct fail *why)
{
    if (!json_object_is_type(rules, json_type_array))
        return fail_set(why, "faults are a JSON array of rules");
    for (size_t i = 0; i < json_object_array_length(rules); i++)
        TRY(check_rule(json_object_array_get_idx(rules, i), why));
    struct json_object *copy = NULL; /* json-c counts references without locks */
    json_object_deep_copy(rules, &copy, NULL);
    pthread_mutex_lock(&faults->lock);
    json_object_put(faults->rules);
    faults->rules = copy;
    pthread_mutex_unlock(&faults->lock);
    return 0;
}

struct json_object *faults_to_json(struct faults *faults)
{
    struct json_object *copy = NULL;
    pthread_mutex_lock(&faults->lock);
    json_object_deep_copy(faults->rules, &copy, NULL);
    pthread_mutex_unlock(&faults->lock);
    return copy;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Counts the match in the rule, so that "nth" and "count" can be told. */
static bool applies(struct json_object *rule, const char *method, const char *path)
{
    struct json_object *match = json_object_object_get(rule, "match");
    const char *want_method = text_of(match, "method"), *want_path = text_of(match, "path");
    if (want_method != NULL && strcmp(want_method, method) != 0) return false;
    if (want_path != NULL && !ends_with(path, want_path)) return false;
    int seen = number_of(rule, "seen", 0) + 1, nth = number_of(match, "nth", 1);
    json_object_object_add(rule, "seen", json_object_new_int(seen));
    return seen >= nth && seen - nth < number_of(match, "count", INT_MAX);
}

static struct fault fault_of(struct json_object *rule)
{
    struct json_object *copy = NULL;
    json_object_deep_copy(rule, &copy, NULL);
    struct json_object *act = json_object_object_get(copy, "do");
    struct fault fault = {.rule = copy,
                          .delay_ms = number_of(act, "delay_ms", 0),
                          .status = number_of(act, "status", 0),
                          .body = text_of(act, "body"),
                          .content_type = text_of(act, "content_type"),
                          .headers = json_object_object_get(act, "headers")};
    parse_drop(text_of(act, "drop"), &fault.drop);
    return fault;
}

struct fault faults_take(struct faults *faults, const char *method, const char *path)
{
    struct fault fault = {0};
    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; fault.rule == NULL && i < json_object_array_length(faults->rules); i++) {
        struct json_object *rule = json_object_array_get_idx(faults->rules, i);
        if (applies(rule, method, path)) fault = fault_of(rule);
    }
    pthread_mutex_unlock(&faults->lock);
    return fault;
}

void fault_finish(struct fault *fault)
{
    json_object_put(fault->rule);
    *fault = (struct fault){0};
}
