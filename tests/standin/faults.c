#include "faults.h"

#include "clock.h"

#include <limits.h>
#include <string.h>

static const char gateway_page[] =
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad "
    "Gateway</h1></center>\r\n"
    "</body>\r\n</html>\r\n";

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

static bool is_true(struct json_object *object, const char *key)
{
    return json_object_get_boolean(json_object_object_get(object, key));
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

/* What may stand in an object. A key with a spelling mistake, or a value of the wrong kind, would make a test
 * pass for the wrong reason. */
struct key {
    const char *name;
    enum json_type type;
};

static const struct key match_keys[] = {
    {"method", json_type_string}, {"path", json_type_string},    {"query", json_type_string},
    {"nth", json_type_int},       {"count", json_type_int},      {"chance", json_type_int},
    {"seed", json_type_int},      {"reused", json_type_boolean}, {NULL, json_type_null}};

static const struct key do_keys[] = {
    {"delay_ms", json_type_int},       {"answer_delay_ms", json_type_int}, {"status", json_type_int},
    {"act", json_type_boolean},        {"body", json_type_string},         {"content_type", json_type_string},
    {"message", json_type_string},     {"html", json_type_boolean},        {"headers", json_type_object},
    {"drop", json_type_string},        {"reset", json_type_boolean},       {"stale_ms", json_type_int},
    {"stale_requests", json_type_int}, {"hold_ms", json_type_int},         {"transition_ms", json_type_int},
    {"stuck", json_type_boolean},      {"ends", json_type_object},         {NULL, json_type_null}};

static const struct key ends_keys[] = {{"state", json_type_string},
                                       {"errorReason", json_type_string},
                                       {"recoverable", json_type_boolean},
                                       {NULL, json_type_null}};

static int check_keys(struct json_object *object, const struct key *keys, struct fail *why)
{
    json_object_object_foreach(object, name, value)
    {
        const struct key *key = keys;
        while (key->name != NULL && strcmp(key->name, name) != 0)
            key++;
        if (key->name == NULL) return fail_set(why, "a rule cannot have \"%.100s\" there", name);
        if (!json_object_is_type(value, key->type))
            return fail_set(why, "\"%s\" must be %s", name, json_type_to_name(key->type));
    }
    return 0;
}

static int check_ends(struct json_object *ends, struct fail *why)
{
    enum sandbox_state state;
    if (ends == NULL) return 0;
    TRY(check_keys(ends, ends_keys, why));
    const char *name = text_of(ends, "state");
    if (name == NULL) return 0;
    if (!sandbox_state_parse(name, &state) || (state != STATE_ERROR && state != STATE_BUILD_FAILED))
        return fail_set(why, "\"ends\" is in the state error or build_failed, not %.100s", name);
    return 0;
}

static int check_rule(struct json_object *rule, struct fail *why)
{
    struct json_object *match = json_object_object_get(rule, "match"), *act = NULL;
    enum drop_point drop;
    json_object_object_get_ex(rule, "do", &act);
    if (!json_object_is_type(match, json_type_object) || !json_object_is_type(act, json_type_object))
        return fail_set(why, "a rule is {\"match\":{...},\"do\":{...}}");
    TRY(check_keys(match, match_keys, why));
    TRY(check_keys(act, do_keys, why));
    TRY(check_ends(json_object_object_get(act, "ends"), why));
    if (!parse_drop(text_of(act, "drop"), &drop))
        return fail_set(why, "drop is before, after_action, after_headers or mid_body");
    if (is_true(act, "reset") && drop != DROP_BEFORE && drop != DROP_AFTER_ACTION)
        return fail_set(why, "reset goes with drop before or after_action");
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

/* Compares from the end. A star in the pattern stands for the whole of one segment. */
static bool ends_like(const char *path, const char *pattern)
{
    size_t at = strlen(path), left = strlen(pattern);
    while (left > 0) {
        char want = pattern[--left];
        if (want == '*') {
            size_t before = at;
            while (at > 0 && path[at - 1] != '/')
                at--;
            if (at == before) return false;
        } else if (at == 0 || path[--at] != want) {
            return false;
        }
    }
    return true;
}

static bool matches(struct json_object *match, const struct arrival *arrival)
{
    const char *method = text_of(match, "method"), *path = text_of(match, "path");
    const char *query = text_of(match, "query");
    struct json_object *reused = json_object_object_get(match, "reused");
    return (method == NULL || strcmp(method, arrival->method) == 0) &&
           (path == NULL || ends_like(arrival->path, path)) &&
           (query == NULL || strstr(arrival->query, query) != NULL) &&
           (reused == NULL || (bool)json_object_get_boolean(reused) == arrival->reused);
}

/* The same for the same seed and number, in any run (splitmix64). */
static unsigned percent(uint64_t seed, uint64_t number)
{
    uint64_t x = (seed << 32) + (number + 1) * 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return (unsigned)((x ^ (x >> 31)) % 100);
}

static int count_up(struct json_object *rule, const char *key)
{
    int count = number_of(rule, key, 0) + 1;
    json_object_object_add(rule, key, json_object_new_int(count));
    return count;
}

/* Counts the match in the rule, so that "nth" and "count" can be told. */
static bool applies(struct json_object *rule, const struct arrival *arrival)
{
    struct json_object *match = json_object_object_get(rule, "match");
    if (!matches(match, arrival)) return false;
    int seen = count_up(rule, "seen"), nth = number_of(match, "nth", 1);
    if (seen < nth || seen - nth >= number_of(match, "count", INT_MAX)) return false;
    unsigned chance = (unsigned)number_of(match, "chance", 100);
    if (percent((uint64_t)number_of(match, "seed", 0), (uint64_t)seen) >= chance) return false;
    count_up(rule, "applied");
    return true;
}

/* "html" and "message" are short for whole answers. */
static void fill_answer(struct fault *fault, struct json_object *act)
{
    bool html = is_true(act, "html");
    fault->message = text_of(act, "message");
    fault->body = html ? gateway_page : text_of(act, "body");
    fault->content_type = html ? "text/html" : text_of(act, "content_type");
    fault->status = number_of(act, "status", fault->message != NULL ? 400 : html ? 200 : 0);
    fault->acts = is_true(act, "act");
    fault->headers = json_object_object_get(act, "headers");
}

static struct fault fault_of(struct json_object *rule)
{
    struct json_object *copy = NULL;
    json_object_deep_copy(rule, &copy, NULL);
    struct json_object *act = json_object_object_get(copy, "do");
    struct fault fault = {.rule = copy,
                          .delay_ms = number_of(act, "delay_ms", 0),
                          .answer_delay_ms = number_of(act, "answer_delay_ms", 0),
                          .reset = is_true(act, "reset"),
                          .stale_ms = number_of(act, "stale_ms", 0),
                          .stale_requests = number_of(act, "stale_requests", 0),
                          .hold_ms = number_of(act, "hold_ms", 0),
                          .transition_ms = number_of(act, "transition_ms", -1),
                          .stuck = is_true(act, "stuck"),
                          .ends = json_object_object_get(act, "ends")};
    fill_answer(&fault, act);
    parse_drop(text_of(act, "drop"), &fault.drop);
    return fault;
}

struct fault faults_take(struct faults *faults, const struct arrival *arrival)
{
    struct fault fault = {0};
    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; fault.rule == NULL && i < json_object_array_length(faults->rules); i++) {
        struct json_object *rule = json_object_array_get_idx(faults->rules, i);
        if (applies(rule, arrival)) fault = fault_of(rule);
    }
    pthread_mutex_unlock(&faults->lock);
    return fault;
}

void fault_finish(struct fault *fault)
{
    json_object_put(fault->rule);
    *fault = (struct fault){0};
}

int fault_transition_ms(const struct fault *fault, int usual_ms)
{
    if (fault->rule == NULL) return usual_ms;
    if (fault->stuck) return INT_MAX;
    return fault->transition_ms >= 0 ? fault->transition_ms : usual_ms;
}

void fault_befall(const struct fault *fault, struct sandbox *sandbox)
{
    enum sandbox_state failure = STATE_ERROR;
    if (fault->ends != NULL) {
        const char *reason = text_of(fault->ends, "errorReason"), *state = text_of(fault->ends, "state");
        if (state != NULL) sandbox_state_parse(state, &failure);
        sandbox_doom(sandbox, failure, reason != NULL ? reason : "a fault was asked for",
                     is_true(fault->ends, "recoverable"));
    }
    if (fault->stuck) sandbox_get_stuck(sandbox);
}

bool fault_is_stale(const struct fault *fault)
{
    return fault->stale_ms > 0 || fault->stale_requests > 0;
}

struct moment fault_moment(const struct fault *fault, uint64_t requests_so_far)
{
    uint64_t behind = (uint64_t)fault->stale_requests;
    struct moment then = {.ms = fault->stale_ms > 0 ? clock_ms() - fault->stale_ms : INT64_MAX,
                          .requests = UINT64_MAX};
    if (behind > 0) then.requests = requests_so_far > behind ? requests_so_far - behind : 0;
    return then;
}
