/* Commands that nobody waits for: started once, ended at their limit, in a sandbox that stays up for so long. */
#include <time.h>

#include "executions.h"
#include "place.h"

enum { MINUTE_MS = 60000 };

/* -- Starting --------------------------------------------------------------------------------- */

static void detaching_needs_a_time_limit(void **state)
{
    (void)state;
    standin_forget(&standin);
    OUTCOME refused = EXECUTE(env, lease, .head.flags = EEP_EXECUTE_DETACH, .script = TEXT("true"));
    EXPECT(refused, EEP_E_INVALID_ARGUMENT);
    EXPECT_SAYS(refused, "time_limit_ms");
    assert_int_equal(standin_count(&standin, NULL, NULL), 0);
}

static void the_time_limit_of_a_detached_command_holds(void **state)
{
    (void)state;
    OUTCOME detached = EXECUTE(env, lease, .head.flags = EEP_EXECUTE_DETACH, .execution_id = TEXT("limit"),
                               .script = TEXT("echo on; sleep 60"), .time_limit_ms = 1500);
    EXPECT(detached, EEP_OK);
    OUTCOME ended = ATTACH("limit");
    EXPECT(ended, EEP_OK);
    assert_true(FLAGS(ended) & EEP_EXECUTION_TIMED_OUT);
    EXPECT_OUTPUT(ended.execution.stdout_data, "on\n");
}

static void the_same_detached_command_starts_once(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        OUTCOME detached = DETACH("twice", "echo x >> twice; " WAIT_FOR("go3"));
        EXPECT(detached, EEP_OK);
        assert_int_equal(!!(FLAGS(detached) & EEP_EXECUTION_ATTACHED), i);
    }
    place_touch("go3");
    OUTCOME ended = ATTACH("twice");
    EXPECT(ended, EEP_OK);
    EXPECT_RUN(env, lease, "cat twice", "x\n");
}

/* The answer to the start is lost: the id finds what has been started. */
static void a_lost_answer_to_a_detached_start_loses_nothing(void **state)
{
    (void)state;
    standin_faults(&standin,
                   "[{'match':{'path':'/process/execute','count':1},'do':{'drop':'after_action'}}]");
    OUTCOME detached = DETACH("dropped-answer", "echo x >> drops; " WAIT_FOR("go4"));
    standin_faults(&standin, NULL);
    EXPECT(detached, EEP_OK);
    assert_true(FLAGS(detached) & EEP_EXECUTION_RUNNING);
    place_touch("go4");
    OUTCOME ended = ATTACH("dropped-answer");
    EXPECT(ended, EEP_OK);
    EXPECT_RUN(env, lease, "cat drops", "x\n");
}

/* -- Auto-stop --------------------------------------------------------------------------------- */

#define FIVE_MINUTES (5 * MINUTE_MS)

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void the_auto_stop_interval_is_raised_for_a_longer_limit(void **state)
{
    (void)state;
    char other[EEP_LEASE_MAX + 1];
    eep_env *idle = host_open(&standin, "'autoStopInterval':1");
    host_acquire(idle, other);
    standin_forget(&standin);
    for (int i = 0; i < 2; i++) {
        int64_t before = wall_ms();
        OUTCOME detached = EXECUTE(idle, other, .head.flags = EEP_EXECUTE_DETACH, .script = TEXT("sleep 30"),
                                   .time_limit_ms = FIVE_MINUTES);
        EXPECT(detached, EEP_OK);
        assert_true(detached.execution.kept_until_ms >= before + FIVE_MINUTES);
        assert_true(detached.execution.kept_until_ms <= wall_ms() + 6 * MINUTE_MS);
        assert_int_equal(standin_count(&standin, "POST", "/autostop/6"), 1);
    }
    host_destroy(idle, other);
    plugin()->close(idle);
}

static void a_sandbox_that_never_stops_keeps_for_ever(void **state)
{
    (void)state;
    char other[EEP_LEASE_MAX + 1];
    eep_env *steady = host_open(&standin, "'autoStopInterval':0");
    host_acquire(steady, other);
    standin_forget(&standin);
    OUTCOME detached = EXECUTE(steady, other, .head.flags = EEP_EXECUTE_DETACH, .script = TEXT("sleep 30"),
                               .time_limit_ms = FIVE_MINUTES);
    EXPECT(detached, EEP_OK);
    assert_int_equal(detached.execution.kept_until_ms, 0);
    assert_int_equal(standin_count(&standin, "POST", "/autostop/"), 0);
    host_destroy(steady, other);
    plugin()->close(steady);
}

static void an_interval_that_cannot_be_raised_is_told(void **state)
{
    (void)state;
    char other[EEP_LEASE_MAX + 1];
    eep_env *idle = host_open(&standin, "'autoStopInterval':1");
    host_acquire(idle, other);
    standin_forget(&standin);
    standin_faults(&standin, "[{'match':{'path':'/autostop/6'},'do':{'status':403,'body':'{}'}}]");
    OUTCOME refused = EXECUTE(idle, other, .head.flags = EEP_EXECUTE_DETACH, .script = TEXT("sleep 30"),
                              .time_limit_ms = FIVE_MINUTES);
    standin_faults(&standin, NULL);
    EXPECT(refused, EEP_E_PERMISSION_DENIED);
    EXPECT_SAYS(refused, "300000");
    EXPECT_SAYS(refused, "after 1 idle");
    assert_false(refused.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_int_equal(standin_count(&standin, "POST", "/process/execute"), 0);
    host_destroy(idle, other);
    plugin()->close(idle);
}

/* Somebody makes sure that it runs, and the service hangs: what runs has nothing to do with that. */
static void a_repeated_start_without_an_answer_ends_nothing(void **state)
{
    (void)state;
    OUTCOME first = DETACH("kept", WAIT_FOR("go-kept") "echo done");
    EXPECT(first, EEP_OK);
    standin_faults(&standin, "[{'match':{'path':'/process/execute','count':1},'do':{'delay_ms':4000}}]");
    OUTCOME again = DETACH("kept", WAIT_FOR("go-kept") "echo done", .head.timeout_ms = 1500);
    standin_faults(&standin, NULL);
    EXPECT(again, EEP_E_DEADLINE);
    assert_true(again.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_true(text_is(again.err.execution_id, "kept"));
    place_touch("go-kept");
    OUTCOME ended = ATTACH("kept");
    EXPECT(ended, EEP_OK);
    EXPECT_OUTPUT(ended.execution.stdout_data, "done\n");
}

/* Nobody could find it by an id that nobody knows. */
static void a_start_that_nobody_can_find_again_is_ended(void **state)
{
    (void)state;
    standin_faults(&standin,
                   "[{'match':{'path':'/process/execute','count':1},'do':{'answer_delay_ms':5000}}]");
    OUTCOME lost = EXECUTE(env, lease, .head.flags = EEP_EXECUTE_DETACH, .script = TEXT("sleep 92"),
                           .time_limit_ms = 60000, .head.timeout_ms = 2500);
    standin_faults(&standin, NULL);
    EXPECT(lost, EEP_E_DEADLINE);
    assert_false(lost.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    EXPECT_RUN(env, lease, "pgrep -fxc 'sleep 92'; true", "0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detaching_needs_a_time_limit),
        cmocka_unit_test(the_time_limit_of_a_detached_command_holds),
        cmocka_unit_test(the_same_detached_command_starts_once),
        cmocka_unit_test(a_lost_answer_to_a_detached_start_loses_nothing),
        cmocka_unit_test(the_auto_stop_interval_is_raised_for_a_longer_limit),
        cmocka_unit_test(a_sandbox_that_never_stops_keeps_for_ever),
        cmocka_unit_test(an_interval_that_cannot_be_raised_is_told),
        cmocka_unit_test_teardown(a_repeated_start_without_an_answer_ends_nothing, stage_without_faults),
        cmocka_unit_test_teardown(a_start_that_nobody_can_find_again_is_ended, stage_without_faults),
    };
    return cmocka_run_group_tests(tests, place_start, place_stop);
}
