/* What the I/O thread does for one request after another: it keeps time, sleeps, and keeps connections for as
 * long as they are good. Cancelling is in engine_cancel_test.c, the guest in engine_guest_test.c. */
#include <stdio.h>

#include "engine_testing.h"

/* -- Time -------------------------------------------------------------------------------------- */

/* What must have been sent before has more time for it. */
static void expect_deadline(struct trial trial, bool maybe_applied)
{
    int64_t ms = maybe_applied ? 1000 : 150;
    trial.wait.deadline = clock_now_ms() + ms;
    trial_fails(&trial, EEP_E_DEADLINE, maybe_applied);
    assert_in_range(trial.took_ms, ms - 1, ms + LATE_MS);
    assert_true(trial.err.flags & EEP_ERROR_RETRYABLE);
}

static void test_deadlines(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/silent", .action = CANNED_STALL, .status = -1, .times = CANNED_ALWAYS},
        {.expect = "/head", .action = CANNED_STALL, .raw = "HTTP/1.1 200 OK\r\nX: ", .times = CANNED_ALWAYS},
        {.expect = "/body", .action = CANNED_STALL, .body = "{", .promise = 9, .times = CANNED_ALWAYS},
    };
    static const char *const paths[] = {"/silent", "/head", "/body"};
    struct canned_server *server = canned_start(script, COUNT(script));
    (void)state;
    for (size_t i = 0; i < COUNT(paths); i++) {
        expect_deadline(trial_make("GET", canned_url(server), paths[i]), false);
        expect_deadline(trial_make("POST", canned_url(server), paths[i]), true);
    }
    canned_stop(server);
}

static void test_deadlines_before_there_is_a_connection(void **state)
{
    static const struct canned_exchange greeting = {
        .unread = true, .status = -1, .action = CANNED_STALL, .times = CANNED_ALWAYS};
    struct canned_server *server = canned_start(&greeting, 1);
    struct canned_void hole;
    char url[64];
    (void)state;
    canned_void_open(&hole);
    expect_deadline(trial_post(hole.url, STR("{}")), false);
    canned_void_close(&hole);
    snprintf(url, sizeof url, "https%s", canned_url(server) + 4);
    expect_deadline(trial_post(url, STR("{}")), false);
    canned_stop(server);
    atomic_store(&resolver_held, true);
    expect_deadline(trial_post("http://held.test", STR("{}")), false);
    atomic_store(&resolver_held, false);
    await_resolving(0);
}

static void test_a_deadline_that_has_passed(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    struct trial trial = trial_post(canned_url(server), STR("{}"));
    (void)state;
    trial.wait.deadline = clock_now_ms();
    trial_fails(&trial, EEP_E_DEADLINE, false);
    assert_int_equal(canned_connections(server), 0);
    canned_stop(server);
}

/* timeout_ms has 32 bits. */
static void test_a_deadline_far_away(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    struct trial trial = trial_get(canned_url(server));
    (void)state;
    trial.wait.deadline = clock_now_ms() + UINT32_MAX;
    trial_succeeds(&trial, 200, "{}");
    trial_finish(&trial);
    canned_stop(server);
}

/* There is time left, so another try may help. */
static void test_the_connect_timeout_is_not_the_deadline(void **state)
{
    struct canned_void hole;
    (void)state;
    canned_void_open(&hole);
    struct trial trial = trial_post(hole.url, STR("{}"));
    trial.profile.connect_timeout_ms = 100;
    trial_fails(&trial, EEP_E_UNAVAILABLE, false);
    assert_in_range(trial.took_ms, 99, 100 + LATE_MS);
    assert_true(trial.err.flags & EEP_ERROR_RETRYABLE);
    canned_void_close(&hole);
}

/* -- Sleeping ---------------------------------------------------------------------------------- */

static void test_sleeps(void **state)
{
    struct err err = ERR_INIT;
    int64_t start = clock_now_ms();
    struct wait wait = {.deadline = start + LIMIT_MS, .cancel_level = 1};
    (void)state;
    assert_int_equal(engine_sleep(start - 5, &wait, &err), EEP_OK);
    assert_in_range(clock_now_ms() - start, 0, LATE_MS);
    start = clock_now_ms();
    assert_int_equal(engine_sleep(start + 60, &wait, &err), EEP_OK);
    assert_in_range(clock_now_ms() - start, 60, 60 + LATE_MS);
    start = clock_now_ms();
    wait.deadline = start + 60;
    assert_int_equal(engine_sleep(start + 5000, &wait, &err), EEP_E_DEADLINE);
    assert_in_range(clock_now_ms() - start, 60, 60 + LATE_MS);
}

/* -- Connections ------------------------------------------------------------------------------- */

static void test_connections_are_kept(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct trial trial = trial_get(canned_url(server));
        trial_succeeds(&trial, 200, "{}");
        trial_finish(&trial);
    }
    assert_int_equal(canned_connections(server), 1);
    canned_stop(server);
}

static void test_idle_connections_are_not_used_after_their_limit(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    struct trial first = trial_get(canned_url(server));
    struct trial second = trial_get(canned_url(server));
    struct err err = ERR_INIT;
    (void)state;
    second.request.idle_limit_s = 1;
    trial_succeeds(&first, 200, "{}");
    assert_int_equal(engine_sleep(clock_now_ms() + 2100, &second.wait, &err), EEP_OK);
    trial_succeeds(&second, 200, "{}");
    assert_int_equal(canned_connections(server), 2);
    trial_finish(&first);
    trial_finish(&second);
    canned_stop(server);
}

/* The server takes a request on a kept connection and dies: libcurl sends it again, POST or not. Who cannot
 * bear that asks for a fresh connection, or to be told. */
static void test_libcurl_repeats_on_a_connection_that_died(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET"},
        {.expect = "POST", .status = -1, .action = CANNED_CLOSE},
        {.expect = "POST", .body = "second", .times = CANNED_ALWAYS},
    };
    (void)state;
    for (int kind = 0; kind <= 2; kind++) {
        struct canned_server *server = canned_start(script, COUNT(script));
        struct trial first = trial_get(canned_url(server));
        struct trial post = trial_post(canned_url(server), STR("{}"));
        trial_succeeds(&first, 200, "");
        trial_finish(&first);
        post.request.fresh_connection = kind == 1;
        post.request.once = kind == 2;
        if (kind > 0)
            trial_fails(&post, EEP_E_UNAVAILABLE, true);
        else
            trial_succeeds(&post, 200, "second");
        trial_finish(&post);
        assert_int_equal(canned_count(server, "POST"), kind > 0 ? 1 : 2);
        assert_true(canned_await_connections(server, 2)); /* made, though nothing may have been sent on it */
        assert_int_equal(canned_connections(server), 2);
        canned_stop(server);
    }
}

/* libcurl's handles are used again: nothing of one request is in the next. */
static void test_requests_have_nothing_of_each_other(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    struct trial first = trial_make("POST", canned_url(server), "/first");
    struct trial second = trial_make("GET", canned_url(server), "/second");
    static const char *const headers[] = {"X-First: yes", NULL};
    (void)state;
    first.request.headers = headers;
    first.request.secret_header = "Authorization: Bearer secret";
    first.request.body = (eep_bytes){"body", 4};
    first.wait.trace_header = "X-Request-Id: one";
    trial_succeeds(&first, 200, "{}");
    trial_succeeds(&second, 200, "{}");
    const struct canned_request *arrived = canned_request(server, "/first", 0);
    assert_non_null(strstr(arrived->head, "Authorization: Bearer secret"));
    arrived = canned_request(server, "/second", 0);
    assert_non_null(arrived);
    assert_int_equal(arrived->body_len, 0);
    for (size_t i = 0; i < 3; i++)
        assert_null(strstr(arrived->head, ((const char *const[]){"Authorization", "X-", "Content-"})[i]));
    trial_finish(&first);
    trial_finish(&second);
    canned_stop(server);
}

static void test_what_comes_unasked_is_not_the_next_answer(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/first",
         .raw = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\n"
                "Content-Length: 4\r\n\r\nevil"},
        {.expect = "/second", .body = "2"},
    };
    struct canned_server *server = canned_start(script, COUNT(script));
    struct trial first = trial_make("GET", canned_url(server), "/first");
    struct trial second = trial_make("GET", canned_url(server), "/second");
    (void)state;
    trial_succeeds(&first, 200, "1");
    trial_succeeds(&second, 200, "2");
    trial_finish(&first);
    trial_finish(&second);
    canned_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_deadlines_before_there_is_a_connection),
        cmocka_unit_test(test_a_deadline_that_has_passed),
        cmocka_unit_test(test_a_deadline_far_away),
        cmocka_unit_test(test_the_connect_timeout_is_not_the_deadline),
        cmocka_unit_test(test_sleeps),
        cmocka_unit_test(test_connections_are_kept),
        cmocka_unit_test(test_idle_connections_are_not_used_after_their_limit),
        cmocka_unit_test(test_libcurl_repeats_on_a_connection_that_died),
        cmocka_unit_test(test_requests_have_nothing_of_each_other),
        cmocka_unit_test(test_what_comes_unasked_is_not_the_next_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
