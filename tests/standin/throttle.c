#include "throttle.h"

#include "clock.h"
#include "mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct throttle_counter {
    enum throttler throttler;
    char *tracker;
    int hits;
    int64_t window_ends_ms;   /* 0 = none */
    int64_t blocked_until_ms; /* 0 = not blocked */
};

static const char *const names[THROTTLER_COUNT] = {
    "", "anonymous", "failed-auth", "authenticated", "sandbox-create", "sandbox-lifecycle"};

void throttles_init(struct throttles *throttles)
{
    pthread_mutex_init(&throttles->lock, NULL);
}

static void forget_hits(struct throttles *throttles)
{
    while (throttles->count > 0)
        free(throttles->counters[--throttles->count].tracker);
}

void throttles_finish(struct throttles *throttles)
{
    forget_hits(throttles);
    free(throttles->counters);
    throttles->counters = NULL;
    pthread_mutex_destroy(&throttles->lock);
}

const char *throttler_name(enum throttler throttler)
{
    return names[throttler];
}

static bool find_name(const char *name, size_t len, enum throttler *throttler)
{
    for (int i = 1; i < THROTTLER_COUNT; i++) {
        if (strlen(names[i]) != len || memcmp(name, names[i], len) != 0) continue;
        *throttler = (enum throttler)i;
        return true;
    }
    return false;
}

int throttles_parse(struct throttles *throttles, const char *text, struct fail *why)
{
    enum throttler throttler;
    size_t len = strcspn(text, "=");
    char *end = NULL, *last = NULL;
    if (!find_name(text, len, &throttler))
        return fail_set(why,
                        "--throttle: no throttler %.*s; they are anonymous, failed-auth, authenticated, "
                        "sandbox-create, sandbox-lifecycle",
                        (int)len, text);
    long limit = text[len] == '=' ? strtol(text + len + 1, &end, 10) : 0;
    long seconds = end != NULL && *end == '/' ? strtol(end + 1, &last, 10) : 0;
    if (limit < 1 || limit > INT_MAX || seconds < 1 || seconds > INT_MAX / 1000 || *last != '\0')
        return fail_set(why, "--throttle is NAME=LIMIT/SECONDS, not %.100s", text);
    throttles->limits[throttler] = (struct throttle_limit){(int)limit, (int)seconds * 1000};
    return 0;
}

static int parse_limits(struct json_object *object, struct throttle_limit limits[], struct fail *why)
{
    enum throttler throttler;
    if (!json_object_is_type(object, json_type_object))
        return fail_set(why, "throttlers are {\"NAME\":{\"limit\":N,\"ttl_ms\":N},...}");
    json_object_object_foreach(object, name, value)
    {
        struct throttle_limit limit = {json_object_get_int(json_object_object_get(value, "limit")),
                                       json_object_get_int(json_object_object_get(value, "ttl_ms"))};
        if (!find_name(name, strlen(name), &throttler)) return fail_set(why, "no throttler %.100s", name);
        if (limit.limit < 1 || limit.ttl_ms < 1) return fail_set(why, "%s wants a limit and a ttl_ms", name);
        limits[throttler] = limit;
    }
    return 0;
}

int throttles_install(struct throttles *throttles, struct json_object *object, struct fail *why)
{
    struct throttle_limit limits[THROTTLER_COUNT] = {{0}};
    TRY(parse_limits(object, limits, why));
    pthread_mutex_lock(&throttles->lock);
    memcpy(throttles->limits, limits, sizeof limits);
    forget_hits(throttles);
    pthread_mutex_unlock(&throttles->lock);
    return 0;
}

static struct json_object *describe(const struct throttles *throttles, enum throttler throttler)
{
    struct json_object *object = json_object_new_object();
    int hits = 0;
    for (size_t i = 0; i < throttles->count; i++)
        if (throttles->counters[i].throttler == throttler) hits += throttles->counters[i].hits;
    json_object_object_add(object, "limit", json_object_new_int(throttles->limits[throttler].limit));
    json_object_object_add(object, "ttl_ms", json_object_new_int(throttles->limits[throttler].ttl_ms));
    json_object_object_add(object, "hits", json_object_new_int(hits));
    return object;
}

struct json_object *throttles_to_json(struct throttles *throttles)
{
    struct json_object *all = json_object_new_object();
    pthread_mutex_lock(&throttles->lock);
    for (int i = 1; i < THROTTLER_COUNT; i++)
        if (throttles->limits[i].limit > 0)
            json_object_object_add(all, names[i], describe(throttles, (enum throttler)i));
    pthread_mutex_unlock(&throttles->lock);
    return all;
}

/* [lock] A window that has passed counts no more. */
static struct throttle_counter *counter_of(struct throttles *throttles, enum throttler throttler,
                                           const char *tracker)
{
    struct throttle_counter *counter = NULL;
    int64_t now = clock_ms();
    for (size_t i = 0; i < throttles->count && counter == NULL; i++)
        if (throttles->counters[i].throttler == throttler &&
            strcmp(throttles->counters[i].tracker, tracker) == 0)
            counter = &throttles->counters[i];
    if (counter == NULL) {
        throttles->counters =
            mem_resize(throttles->counters, (throttles->count + 1) * sizeof *throttles->counters);
        counter = &throttles->counters[throttles->count++];
        *counter = (struct throttle_counter){.throttler = throttler, .tracker = mem_copy(tracker)};
    }
    if (counter->blocked_until_ms != 0 && counter->blocked_until_ms <= now)
        counter->blocked_until_ms = counter->window_ends_ms = 0;
    if (counter->window_ends_ms <= now) counter->hits = 0;
    return counter;
}

/* The one for failed credentials blocks when the limit is reached, the others when it is passed (their library
 * and the service's own code differ). */
static void count_hit(const struct throttle_limit *limit, struct throttle_counter *counter)
{
    int64_t now = clock_ms();
    if (counter->blocked_until_ms != 0) return;
    if (counter->hits++ == 0) counter->window_ends_ms = now + limit->ttl_ms;
    int most = counter->throttler == THROTTLE_FAILED_AUTH ? limit->limit - 1 : limit->limit;
    if (counter->hits > most) counter->blocked_until_ms = now + limit->ttl_ms;
}

static struct throttle_verdict judge(struct throttles *throttles, enum throttler throttler,
                                     const char *tracker, bool hit)
{
    struct throttle_verdict verdict = {0};
    pthread_mutex_lock(&throttles->lock);
    const struct throttle_limit *limit = &throttles->limits[throttler];
    if (limit->limit > 0) {
        struct throttle_counter *counter = counter_of(throttles, throttler, tracker);
        if (hit) count_hit(limit, counter);
        bool blocked = counter->blocked_until_ms != 0;
        int64_t left = (blocked ? counter->blocked_until_ms : counter->window_ends_ms) - clock_ms();
        verdict = (struct throttle_verdict){
            .counted = true,
            .blocked = blocked,
            .limit = limit->limit,
            .remaining = counter->hits < limit->limit ? limit->limit - counter->hits : 0,
            .reset_seconds = left > 0 ? (int)((left + 999) / 1000) : 0};
    }
    pthread_mutex_unlock(&throttles->lock);
    return verdict;
}

struct throttle_verdict throttles_hit(struct throttles *throttles, enum throttler throttler,
                                      const char *tracker)
{
    return judge(throttles, throttler, tracker, true);
}

struct throttle_verdict throttles_look(struct throttles *throttles, enum throttler throttler,
                                       const char *tracker)
{
    return judge(throttles, throttler, tracker, false);
}
