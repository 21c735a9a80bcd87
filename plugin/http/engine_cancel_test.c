/* Cancelling and closing: the I/O thread lets go at once, wherever a request or a sleep is, and says whether
 * the request may have had its effect. */
#include <pthread.h>
#include <signal.h>

#include "engine_testing.h"

/* -- Cancelling -------------------------------------------------------------------------------- */

/* Fires when `ready` says that the request is where it is wanted; it must end at once. */
static void expect_cancelled(struct trial trial, void (*ready)(void *ctx), void *ctx, bool maybe_applied)
{
    struct runner runner;
    eep_cancel *token = cancel_create();
    trial.wait.cancel = token;
    runner_start(&runner, trial);
    ready(ctx);
    int64_t fired = clock_now_ms();
    cancel_fire(token);
    runner_join(&runner);
    assert_in_range(clock_now_ms() - fired, 0, LATE_MS);
    assert_int_equal(runner.trial.status, EEP_E_CANCELLED);
    assert_int_equal(!!(runner.trial.err.flags & EEP_ERROR_MAYBE_APPLIED), maybe_applied);
    cancel_destroy(token);
}

static void await_sockets(int count)
{
    int64_t start = clock_now_ms();
    while (count_fds(is_inet_socket) < count && look_again(start))
        ;
    assert_true(count_fds(is_inet_socket) >= count);
}

static void until_connecting(void *sockets)
{
    await_sockets(*(int *)sockets + 1);
}

static void until_resolving(void *ctx)
{
    (void)ctx;
    await_resolving(1);
}

static void test_cancel_while_waiting_for_the_server(void **state)
{
    static const struct canned_exchange scripts[] = {
        {.action = CANNED_STALL, .status = -1},
        {.action = CANNED_STALL, .raw = "HTTP/1.1 200 OK\r\nX: "},
        {.action = CANNED_STALL, .body = "{\"id\":", .promise = 100},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(scripts); i++) {
        struct canned_server *server = canned_start(&scripts[i], 1);
        expect_cancelled(trial_post(canned_url(server), STR("{}")), until_stalled, server, true);
        assert_true(canned_await_closed(server, 1)); /* and the connection is gone */
        canned_stop(server);
    }
}

static void test_cancel_a_get(void **state)
{
    static const struct canned_exchange script = {.action = CANNED_STALL, .status = -1};
    struct canned_server *server = canned_start(&script, 1);
    (void)state;
    expect_cancelled(trial_get(canned_url(server)), until_stalled, server, false);
    canned_stop(server);
}

static void test_cancel_while_connecting(void **state)
{
    struct canned_void hole;
    (void)state;
    canned_void_open(&hole);
    int sockets = count_fds(is_inet_socket);
    expect_cancelled(trial_post(hole.url, STR("{}")), until_connecting, &sockets, false);
    canned_void_close(&hole);
}

/* Looking a name up takes a thread that cannot be stopped: nobody may have to wait for it. */
static void test_cancel_while_resolving(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    struct trial other = trial_get(canned_url(server));
    (void)state;
    atomic_store(&resolver_held, true);
    expect_cancelled(trial_post("http://held.test", STR("{}")), until_resolving, NULL, false);
    trial_succeeds(&other, 200, "{}");
    assert_in_range(other.took_ms, 0, LATE_MS);
    trial_finish(&other);
    atomic_store(&resolver_held, false);
    await_resolving(0);
    canned_stop(server);
}

static void test_a_token_that_was_fired_before(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    struct trial trial = trial_post(canned_url(server), STR("{}"));
    eep_cancel *token = cancel_create();
    (void)state;
    cancel_fire(token);
    trial.wait.cancel = token;
    trial_fails(&trial, EEP_E_CANCELLED, false);
    assert_int_equal(canned_connections(server), 0);
    cancel_destroy(token);
    canned_stop(server);
}

static void test_while_undoing_only_the_second_fire_counts(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET", .body = "{}"},
        {.expect = "POST", .action = CANNED_STALL, .status = -1},
    };
    struct canned_server *server = canned_start(script, COUNT(script));
    struct trial quick = trial_get(canned_url(server));
    struct trial slow = trial_post(canned_url(server), STR("{}"));
    struct runner runner;
    eep_cancel *token = cancel_create();
    (void)state;
    cancel_fire(token);
    quick.wait.cancel = slow.wait.cancel = token;
    quick.wait.cancel_level = slow.wait.cancel_level = 2;
    trial_succeeds(&quick, 200, "{}");
    trial_finish(&quick);
    runner_start(&runner, slow);
    until_stalled(server);
    cancel_fire(token);
    runner_join(&runner);
    assert_int_equal(runner.trial.status, EEP_E_CANCELLED);
    cancel_destroy(token);
    canned_stop(server);
}

static void test_one_token_ends_many_requests(void **state)
{
    static const struct canned_exchange script = {
        .action = CANNED_STALL, .status = -1, .times = CANNED_ALWAYS};
    struct canned_server *server = canned_start(&script, 1);
    struct runner runners[MANY];
    eep_cancel *token = cancel_create();
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        struct trial trial = trial_get(canned_url(server));
        trial.wait.cancel = token;
        runner_start(&runners[i], trial);
    }
    assert_true(canned_await_stalls(server, MANY));
    int64_t fired = clock_now_ms();
    cancel_fire(token);
    for (size_t i = 0; i < MANY; i++) {
        runner_join(&runners[i]);
        assert_int_equal(runners[i].trial.status, EEP_E_CANCELLED);
    }
    assert_in_range(clock_now_ms() - fired, 0, LATE_MS);
    cancel_destroy(token);
    canned_stop(server);
}

static eep_cancel *signal_token;

static void fire_on_signal(int number)
{
    (void)number;
    cancel_fire(signal_token);
}

static void test_cancel_from_a_signal_handler(void **state)
{
    static const struct canned_exchange script = {.action = CANNED_STALL, .status = -1};
    struct canned_server *server = canned_start(&script, 1);
    struct sigaction action = {.sa_handler = fire_on_signal};
    struct sigaction old;
    struct runner runner;
    struct trial trial = trial_get(canned_url(server));
    (void)state;
    signal_token = cancel_create();
    trial.wait.cancel = signal_token;
    sigaction(SIGUSR1, &action, &old);
    runner_start(&runner, trial);
    until_stalled(server);
    int64_t fired = clock_now_ms();
    pthread_kill(runner.thread, SIGUSR1);
    runner_join(&runner);
    assert_in_range(clock_now_ms() - fired, 0, LATE_MS);
    assert_int_equal(runner.trial.status, EEP_E_CANCELLED);
    sigaction(SIGUSR1, &old, NULL);
    cancel_destroy(signal_token);
    canned_stop(server);
}

struct sleeper {
    pthread_t thread;
    struct wait wait;
    int status;
};

static void *sleeper_main(void *argument)
{
    struct sleeper *sleeper = argument;
    struct err err = ERR_INIT;
    sleeper->status = engine_sleep(clock_now_ms() + LIMIT_MS, &sleeper->wait, &err);
    return NULL;
}

static void test_cancel_a_sleep(void **state)
{
    eep_cancel *token = cancel_create();
    int64_t start = clock_now_ms();
    struct sleeper sleeper = {.wait = {.deadline = start + LIMIT_MS, .cancel = token, .cancel_level = 1}};
    (void)state;
    assert_int_equal(pthread_create(&sleeper.thread, NULL, sleeper_main, &sleeper), 0);
    cancel_fire(token); /* before or while it sleeps */
    pthread_join(sleeper.thread, NULL);
    assert_int_equal(sleeper.status, EEP_E_CANCELLED);
    assert_in_range(clock_now_ms() - start, 0, LATE_MS);
    cancel_destroy(token);
}

/* -- Closing ----------------------------------------------------------------------------------- */

static void test_closing_ends_requests_and_sleeps(void **state)
{
    static const struct canned_exchange script = {.action = CANNED_STALL, .status = -1};
    struct canned_server *server = canned_start(&script, 1);
    struct trial trial = trial_post(canned_url(server), STR("{}"));
    struct runner runner;
    struct err err = ERR_INIT;
    eep_cancel *closing = cancel_create();
    (void)state;
    trial.wait.closing = closing;
    runner_start(&runner, trial);
    until_stalled(server);
    cancel_fire(closing);
    runner_join(&runner);
    assert_int_equal(runner.trial.status, EEP_E_SHUTDOWN);
    assert_true(runner.trial.err.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_int_equal(engine_sleep(clock_now_ms() + 5000, &trial.wait, &err), EEP_E_SHUTDOWN);
    cancel_destroy(closing);
    canned_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cancel_while_waiting_for_the_server),
        cmocka_unit_test(test_cancel_a_get),
        cmocka_unit_test(test_cancel_while_connecting),
        cmocka_unit_test(test_cancel_while_resolving),
        cmocka_unit_test(test_a_token_that_was_fired_before),
        cmocka_unit_test(test_while_undoing_only_the_second_fire_counts),
        cmocka_unit_test(test_one_token_ends_many_requests),
        cmocka_unit_test(test_cancel_from_a_signal_handler),
        cmocka_unit_test(test_cancel_a_sleep),
        cmocka_unit_test(test_closing_ends_requests_and_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
