/* What the engine does when there is more than it can do at once: a transfer that never ends, a resolver that does not
 * answer, a process without descriptors, a connection that has gone silent. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>

#include "engine_testing.h"

/* -- Fairness ---------------------------------------------------------------------------------- */

struct bulk {
    pthread_t thread;
    const char *url;
    atomic_bool *enough;
    size_t received;
};

static void *bulk_main(void *argument)
{
    struct bulk *bulk = argument;
    while (!atomic_load(bulk->enough)) {
        struct trial trial = trial_make("GET", bulk->url, "/endless");
        trial.request.max_body = 16u << 20;
        trial_run(&trial); /* ends as too large */
        bulk->received += trial.response.body.len;
        trial_finish(&trial);
    }
    return NULL;
}

/* Three at full speed, and short requests in between: they take turns. */
static void test_bulk_does_not_starve_short_requests(void **state)
{
    enum { BULKS = 3, SHORT = 100 };
    static const struct canned_exchange script[] = {
        {.expect = "/endless", .action = CANNED_ENDLESS, .promise = 1u << 30, .times = CANNED_ALWAYS},
        {.expect = "/short", .body = "{}", .times = CANNED_ALWAYS},
    };
    struct canned_server *server = canned_start(script, COUNT(script));
    struct bulk bulks[BULKS];
    atomic_bool enough = false;
    size_t received = 0;
    (void)state;
    for (int i = 0; i < BULKS; i++) {
        bulks[i] = (struct bulk){.url = canned_url(server), .enough = &enough};
        assert_int_equal(pthread_create(&bulks[i].thread, NULL, bulk_main, &bulks[i]), 0);
    }
    assert_true(canned_await_requests(server, BULKS));
    int64_t start = clock_now_ms();
    for (int i = 0; i < SHORT; i++) {
        struct trial trial = trial_make("GET", canned_url(server), "/short");
        trial_succeeds(&trial, 200, "{}");
        trial_finish(&trial);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < BULKS; i++) {
        pthread_join(bulks[i].thread, NULL);
        received += bulks[i].received;
    }
    print_message("%d short requests in %lld ms while %zu MB came\n", SHORT,
                  (long long)(clock_now_ms() - start), received >> 20);
    /* what comes while a short one is served: time would tell more of the machine than of the engine */
    assert_in_range(received / SHORT, 1000, 16u << 20);
    canned_stop(server);
}

/* -- Names that are not answered --------------------------------------------------------------- */

/* Each look-up is a thread of libcurl's: they are few, whoever asks, and others do not wait for them. */
static void test_a_resolver_that_hangs(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    struct runner runners[MANY];
    eep_cancel *closing = cancel_create();
    (void)state;
    atomic_store(&resolver_held, true);
    for (size_t i = 0; i < MANY; i++) {
        struct trial trial = trial_get("http://held.test");
        trial.wait.closing = closing;
        runner_start(&runners[i], trial);
    }
    await_resolving(8);
    struct trial other = trial_get(canned_url(server));
    trial_succeeds(&other, 200, "{}");
    assert_in_range(other.took_ms, 0, LATE_MS);
    trial_finish(&other);
    assert_int_equal(atomic_load(&resolving), 8);
    int64_t fired = clock_now_ms();
    cancel_fire(closing); /* as close does */
    for (size_t i = 0; i < MANY; i++) {
        runner_join(&runners[i]);
        assert_int_equal(runners[i].trial.status, EEP_E_SHUTDOWN);
    }
    assert_in_range(clock_now_ms() - fired, 0, 3 * LATE_MS);
    atomic_store(&resolver_held, false);
    await_resolving(0);
    cancel_destroy(closing);
    canned_stop(server);
}

/* -- A connection that went silent ------------------------------------------------------------- */

/* It took a request and never answers: the next one goes over another, and nothing is sent twice. */
static void test_a_silent_connection_is_left(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/first", .body = "{}"},
        {.expect = "/silent", .action = CANNED_STALL, .status = -1},
        {.expect = "/next", .body = "{}"},
    };
    struct canned_server *server = canned_start(script, COUNT(script));
    struct trial first = trial_make("GET", canned_url(server), "/first");
    struct trial silent = trial_make("POST", canned_url(server), "/silent");
    struct trial next = trial_make("POST", canned_url(server), "/next");
    (void)state;
    trial_succeeds(&first, 200, "{}");
    silent.wait.answer_ms = 1000;
    trial_fails(&silent, EEP_E_DEADLINE, true);
    assert_in_range(silent.took_ms, 999, 1000 + LATE_MS);
    trial_succeeds(&next, 200, "{}");
    assert_int_equal(canned_count(server, "/silent"), 1);
    assert_int_equal(canned_count(server, "/next"), 1);
    assert_int_equal(canned_connections(server), 2);
    trial_finish(&first);
    trial_finish(&next);
    canned_stop(server);
}

/* -- Without descriptors ----------------------------------------------------------------------- */

/* Takes all descriptors but so many; returns the one behind the last that it took. */
static int take_descriptors(int leave)
{
    int last = 2;
    for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
        last = fd;
    for (int i = 0; i < leave; i++)
        close(last--);
    return last;
}

/* In a child of its own. The server is the parent's, so its descriptors are not ours. */
static int many_without_descriptors(const char *url)
{
    enum { REQUESTS = 24 };
    struct runner runners[REQUESTS];
    int succeeded = 0;
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){256, 256});
    struct trial first = trial_get(url); /* the engine starts */
    trial_run(&first);
    trial_finish(&first);
    take_descriptors(4);
    for (int i = 0; i < REQUESTS; i++)
        runner_start(&runners[i], trial_get(url));
    for (int i = 0; i < REQUESTS; i++) {
        runner_join(&runners[i]);
        succeeded += runners[i].trial.status == EEP_OK;
        if (runners[i].trial.status != EEP_OK) print_error("%s\n", runners[i].trial.err.message);
    }
    return succeeded == REQUESTS ? 0 : 1;
}

/* Others in the process hold them: requests wait until one of ours is free. */
static void test_a_process_that_has_no_descriptors_left(void **state)
{
    SKIP_IF_FORK_IS_NOT_POSSIBLE();
    static const struct canned_exchange script = {.body = "{}", .delay_ms = 20, .times = CANNED_ALWAYS};
    struct canned_server *server = canned_start(&script, 1);
    (void)state;
    assert_int_equal(in_child(many_without_descriptors, canned_url(server)), 0);
    assert_int_equal(canned_count(server, NULL), 25); /* none twice */
    canned_stop(server);
}

/* In a child, too: many connections are idle, others have taken the rest, and a request goes to another server. */
static const char *other_url;

static int another_server_without_descriptors(const char *url)
{
    struct runner runners[MANY];
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){256, 256});
    for (int i = 0; i < MANY; i++)
        runner_start(&runners[i], trial_get(url));
    for (int i = 0; i < MANY; i++)
        runner_join(&runners[i]);
    take_descriptors(0);
    struct trial trial = trial_get(other_url);
    trial_run(&trial);
    if (trial.status != EEP_OK) print_error("%s\n", trial.err.message);
    trial_finish(&trial);
    return trial.status == EEP_OK ? 0 : 1;
}

static void test_idle_connections_make_room(void **state)
{
    SKIP_IF_FORK_IS_NOT_POSSIBLE();
    static const struct canned_exchange slow = {.body = "{}", .delay_ms = 50, .times = CANNED_ALWAYS};
    struct canned_server *server = canned_start(&slow, 1);
    struct canned_server *other = canned_start(always_ok, 1);
    (void)state;
    other_url = canned_url(other);
    assert_int_equal(in_child(another_server_without_descriptors, canned_url(server)), 0);
    canned_stop(other);
    canned_stop(server);
}

/* -- No connection in time --------------------------------------------------------------------- */

/* So many requests to one origin has a process with 32 descriptors at once (admission.h): 16, less 2 for urgent ones, less
 * an eighth. */
enum { AT_ONCE = 13 };

/* In a child: all of them are waited for, and one more, which has little time. */
static int one_too_many(const char *url)
{
    struct runner runners[AT_ONCE];
    unsigned sent[AT_ONCE] = {0};
    eep_cancel *enough = cancel_create();
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){32, 32});
    for (int i = 0; i < AT_ONCE; i++) {
        struct trial trial = trial_post(url, STR("{}"));
        trial.wait.cancel = enough;
        trial.wait.sent = &sent[i];
        runner_start(&runners[i], trial);
    }
    for (int i = 0; i < AT_ONCE; i++)
        while (__atomic_load_n(&sent[i], __ATOMIC_SEQ_CST) == 0)
            usleep(1000);
    struct trial late = trial_post(url, STR("{}"));
    late.wait.deadline = clock_now_ms() + 100;
    trial_run(&late);
    cancel_fire(enough);
    for (int i = 0; i < AT_ONCE; i++)
        runner_join(&runners[i]);
    bool right = late.status == EEP_E_DEADLINE && late.err.flags == EEP_ERROR_RETRYABLE &&
                 strstr(late.err.message, "no connection was free in time") &&
                 strstr(late.err.message, "13 requests use one");
    if (!right) print_error("%d, flags %u: %s\n", late.status, late.err.flags, late.err.message);
    return right ? 0 : 1;
}

static void test_no_connection_in_time(void **state)
{
    SKIP_IF_FORK_IS_NOT_POSSIBLE();
    static const struct canned_exchange silent = {
        .status = -1, .action = CANNED_STALL, .times = CANNED_ALWAYS};
    struct canned_server *server = canned_start(&silent, 1);
    (void)state;
    assert_int_equal(in_child(one_too_many, canned_url(server)), 0);
    canned_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bulk_does_not_starve_short_requests),
        cmocka_unit_test(test_a_resolver_that_hangs),
        cmocka_unit_test(test_a_silent_connection_is_left),
        cmocka_unit_test(test_a_process_that_has_no_descriptors_left),
        cmocka_unit_test(test_idle_connections_make_room),
        cmocka_unit_test(test_no_connection_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
