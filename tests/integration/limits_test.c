/* limits_test.c: calls end when they are told to: by their deadline, by a token, by close. What they began ends
 * with them, and nothing else does. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "place.h"
#include "tests/support/canned_server.h"

/* The contract's 100 ms, and what a loaded machine may add. */
enum { SLACK_MS = 4000, GRACE_MS = 6000 };

static int start(void **state)
{
    (void)state;
    return place_make(NULL, "'graceMs':6000");
}

/* -- A command on a thread of its own ---------------------------------------------------------- */

struct running {
    eep_env *env;
    eep_execute_request request;
    struct outcome outcome;
    pthread_t thread;
    long fired_at;
};

static void *run_thread(void *argument)
{
    struct running *running = argument;
    running->outcome = call_execute(running->env, &running->request);
    return NULL;
}

/* Waits until the command has made the file. */
static void await_file(const char *path)
{
    char script[128];
    snprintf(script, sizeof script, "while [ ! -e %s ]; do sleep 0.02; done; rm %s", path, path);
    OUTCOME ran = EXECUTE(env, lease, .script = text(script));
    EXPECT(ran, EEP_OK);
}

/* Starts a script, which makes ~/up when it runs. */
static void begin(struct running *running, eep_env *at, const char *script, uint32_t flags)
{
    *running = (struct running){.env = at};
    running->request = *REQUEST(eep_execute_request, .lease = text(lease), .script = text(script),
                                .head.flags = flags, .head.cancel = plugin()->cancel_create());
    pthread_create(&running->thread, NULL, run_thread, running);
    await_file("~/up");
}

static void fire(struct running *running)
{
    running->fired_at = now_ms();
    plugin()->cancel_fire(running->request.head.cancel);
}

/* How long it took since the fire is in elapsed_ms. */
static struct outcome end(struct running *running)
{
    pthread_join(running->thread, NULL);
    running->outcome.elapsed_ms = now_ms() - running->fired_at;
    plugin()->cancel_destroy(running->request.head.cancel);
    return running->outcome;
}

/* How many processes of the sandbox have exactly this command line? */
static void expect_processes(const char *command_line, const char *count)
{
    char script[256];
    snprintf(script, sizeof script, "pgrep -fxc '%s'; true", command_line);
    EXPECT_RUN(env, lease, script, count);
}

/* -- Cancelled --------------------------------------------------------------------------------- */

static void a_cancelled_command_is_gone(void **state)
{
    (void)state;
    struct running victim;
    struct running bystander;
    begin(&bystander, env, "touch ~/up; sleep 1.25; echo undisturbed", 0);
    begin(&victim, env, "echo so far; touch ~/up; sleep 61 & sleep 62; echo not reached", 0);
    fire(&victim);
    OUTCOME ended = end(&victim);
    EXPECT(ended, EEP_E_CANCELLED);
    assert_true(ended.elapsed_ms < GRACE_MS + SLACK_MS);
    assert_true(ended.execution.head.flags & EEP_EXECUTION_KILLED);
    assert_false(ended.execution.head.flags & EEP_EXECUTION_UNCONFIRMED);
    assert_false(ended.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    EXPECT_OUTPUT(ended.execution.stdout_data, "so far\n");
    assert_true(ended.err.execution_id.len > 0);
    expect_processes("sleep 61", "0\n");
    expect_processes("sleep 62", "0\n");
    OUTCOME other = end(&bystander);
    EXPECT(other, EEP_OK);
    EXPECT_OUTPUT(other.execution.stdout_data, "undisturbed\n");
}

/* The ladder's first rung lets it tidy up. */
static void a_command_may_tidy_up(void **state)
{
    (void)state;
    struct running running;
    begin(&running, env, "trap 'echo tidied; exit 7' INT TERM; touch ~/up; sleep 63 & wait; wait", 0);
    fire(&running);
    OUTCOME ended = end(&running);
    EXPECT(ended, EEP_E_CANCELLED);
    EXPECT_OUTPUT(ended.execution.stdout_data, "tidied\n");
    expect_processes("sleep 63", "0\n");
}

static void a_stubborn_command_is_killed(void **state)
{
    (void)state;
    struct running running;
    begin(&running, env, "trap '' INT TERM HUP; touch ~/up; sleep 64", 0);
    fire(&running);
    OUTCOME ended = end(&running);
    EXPECT(ended, EEP_E_CANCELLED);
    assert_true(ended.elapsed_ms < GRACE_MS + SLACK_MS);
    assert_int_equal(ended.execution.kill_signal, 9);
    expect_processes("sleep 64", "0\n");
}

static void a_second_fire_returns_at_once(void **state)
{
    (void)state;
    struct running running;
    begin(&running, env, "trap '' INT TERM HUP; touch ~/up; sleep 65", 0);
    standin_forget(&standin);
    fire(&running);
    AWAIT(standin_count(&standin, "POST", "/process/execute") >= 1); /* the kill is under way */
    fire(&running);
    OUTCOME ended = end(&running);
    EXPECT(ended, EEP_E_CANCELLED);
    assert_true(ended.elapsed_ms < SLACK_MS);
    assert_true(ended.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_true(ended.err.execution_id.len > 0);
    assert_string_equal(ended.err.lease.ptr, lease);
    EXPECT_RUN(env, lease, "pkill -9 -fx 'sleep 65'; true", "");
}

static void without_grace_the_first_fire_returns_at_once(void **state)
{
    (void)state;
    struct running running;
    begin(&running, env, "touch ~/up; sleep 66", EEP_REQUEST_NO_GRACE);
    fire(&running);
    OUTCOME ended = end(&running);
    EXPECT(ended, EEP_E_CANCELLED);
    assert_true(ended.elapsed_ms < SLACK_MS);
    assert_true(ended.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_true(ended.err.execution_id.len > 0);
    EXPECT_RUN(env, lease, "pkill -9 -fx 'sleep 66'; true", "");
}

static void without_grace_the_deadline_returns_at_once(void **state)
{
    (void)state;
    OUTCOME ended = EXECUTE(env, lease, .script = TEXT("trap '' INT TERM HUP; while :; do sleep 0.1; done"),
                            .head.flags = EEP_REQUEST_NO_GRACE, .head.timeout_ms = 1500);
    EXPECT(ended, EEP_E_DEADLINE);
    assert_true(ended.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_true(ended.err.execution_id.len > 0);
    assert_string_equal(ended.err.lease.ptr, lease);
}

static void a_token_that_was_fired_lets_nothing_begin(void **state)
{
    (void)state;
    eep_cancel *token = plugin()->cancel_create();
    plugin()->cancel_fire(token);
    standin_forget(&standin);
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("true"), .head.cancel = token);
    OUTCOME made = ACQUIRE(env, .head.cancel = token);
    OUTCOME probed = PROBE(env, .head.cancel = token);
    plugin()->cancel_destroy(token);
    EXPECT(ran, EEP_E_CANCELLED);
    EXPECT(made, EEP_E_CANCELLED);
    EXPECT(probed, EEP_E_CANCELLED);
    assert_int_equal(standin_count(&standin, NULL, NULL), 0);
}

/* One token for many calls: all end. */
static void a_token_ends_all_that_carry_it(void **state)
{
    (void)state;
    struct running first;
    struct running second;
    begin(&first, env, "touch ~/up; sleep 67", 0);
    second = (struct running){.env = env, .request = first.request};
    pthread_create(&second.thread, NULL, run_thread, &second);
    await_file("~/up");
    fire(&first);
    pthread_join(second.thread, NULL);
    OUTCOME of_second = second.outcome;
    OUTCOME of_first = end(&first);
    EXPECT(of_first, EEP_E_CANCELLED);
    EXPECT(of_second, EEP_E_CANCELLED);
    expect_processes("sleep 67", "0\n");
}

/* -- Deadlines --------------------------------------------------------------------------------- */

/* The time-out of the call is the command's limit, too, and that is a result. */
static void the_deadline_ends_the_command(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo so far; sleep 68"), .head.timeout_ms = 1500,
                          .head.grace_ms = 6000);
    assert_true(ran.elapsed_ms >= 1500 && ran.elapsed_ms < 1500 + 6000 + SLACK_MS);
    EXPECT(ran, EEP_OK);
    assert_true(ran.execution.head.flags & EEP_EXECUTION_TIMED_OUT);
    EXPECT_OUTPUT(ran.execution.stdout_data, "so far\n");
    expect_processes("sleep 68", "0\n");
}

/* A server that lets nobody in: each call ends in time, and says how long it tried. */
static void no_call_outlives_its_deadline(void **state)
{
    (void)state;
    enum { TIMEOUT = 200, GRACE = 200 };
    struct canned_void hole;
    char config[256];
    eep_env *there = NULL;
    canned_void_open(&hole);
    snprintf(config, sizeof config, "{'apiUrl':'%s/api','apiKey':'" SENTINEL "','timeoutMs':%d,'graceMs':%d}",
             hole.url, TIMEOUT, GRACE);
    OUTCOME opened = host_open_text(config, &there);
    EXPECT(opened, EEP_OK);
    OUTCOME acquired = ACQUIRE(there);
    OUTCOME resumed = RESUME(there, "some-lease");
    OUTCOME realized = REALIZE(there, "some-lease");
    OUTCOME ran = EXECUTE(there, "some-lease", .script = TEXT("true"));
    OUTCOME released = RELEASE(there, "some-lease", EEP_RELEASE_DESTROY);
    const struct outcome *const all[] = {&acquired, &resumed, &realized, &ran, &released};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        EXPECT(*all[i], EEP_E_DEADLINE);
        EXPECT_SAYS(*all[i], "no answer in time");
        assert_true(all[i]->err.where.len > 0);
        assert_true(all[i]->elapsed_ms < TIMEOUT + GRACE + SLACK_MS);
    }
    OUTCOME probed = PROBE(there);
    EXPECT(probed, EEP_OK); /* what it found out is that there is no answer */
    assert_int_equal(probed.probe.failed, 1);
    plugin()->close(there);
    canned_void_close(&hole);
}

/* -- Closing ----------------------------------------------------------------------------------- */

static void close_ends_what_is_under_way(void **state)
{
    (void)state;
    struct running running;
    eep_env *closing = host_open(&standin, "'graceMs':6000");
    begin(&running, closing, "touch ~/up; sleep 69", 0);
    running.fired_at = now_ms();
    plugin()->close(closing);
    assert_true(now_ms() - running.fired_at < GRACE_MS + SLACK_MS);
    OUTCOME ended = end(&running);
    EXPECT(ended, EEP_E_SHUTDOWN);
    expect_processes("sleep 69", "0\n");
}

/* From within, where it would wait for itself. */
static int32_t close_within(void *ctx, uint32_t stream, const void *data, size_t len)
{
    eep_env **closing = ctx;
    (void)stream, (void)data, (void)len;
    if (*closing) plugin()->close(*closing);
    *closing = NULL;
    return 0;
}

static void a_listener_may_close_its_environment(void **state)
{
    (void)state;
    struct running other;
    eep_env *closing = host_open(&standin, "'graceMs':6000");
    eep_env *closed = closing;
    begin(&other, closing, "touch ~/up; sleep 70", 0);
    OUTCOME ran = EXECUTE(closing, lease, .script = TEXT("echo on; sleep 70"), .on_output = close_within,
                          .output_ctx = &closed);
    OUTCOME ended = end(&other);
    assert_null(closed);
    EXPECT(ran, EEP_E_SHUTDOWN);
    EXPECT(ended, EEP_E_SHUTDOWN);
    expect_processes("sleep 70", "0\n");
}

static void leases_outlive_their_environment(void **state)
{
    (void)state;
    char other[EEP_LEASE_MAX + 1];
    eep_env *first = host_open(&standin, NULL);
    host_acquire(first, other);
    plugin()->close(first);
    EXPECT_RUN(env, other, "echo alive", "alive\n");
    host_destroy(env, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancelled_command_is_gone),
        cmocka_unit_test(a_command_may_tidy_up),
        cmocka_unit_test(a_stubborn_command_is_killed),
        cmocka_unit_test(a_second_fire_returns_at_once),
        cmocka_unit_test(without_grace_the_first_fire_returns_at_once),
        cmocka_unit_test(without_grace_the_deadline_returns_at_once),
        cmocka_unit_test(a_token_that_was_fired_lets_nothing_begin),
        cmocka_unit_test(a_token_ends_all_that_carry_it),
        cmocka_unit_test(the_deadline_ends_the_command),
        cmocka_unit_test(no_call_outlives_its_deadline),
        cmocka_unit_test(close_ends_what_is_under_way),
        cmocka_unit_test(a_listener_may_close_its_environment),
        cmocka_unit_test(leases_outlive_their_environment),
    };
    return cmocka_run_group_tests(tests, start, place_stop);
}
