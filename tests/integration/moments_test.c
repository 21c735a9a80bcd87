/* moments_test.c: trouble at the wrong moment: while a command is being ended, when its time is nearly over, when nobody
 * has told yet that it runs, or when nobody can any more. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "executions.h"
#include "place.h"

static int start(void **state)
{
    (void)state;
    return place_make((const char *const[]){"--start-ms", "2000", NULL}, "'executeWindowS':1");
}

#define RUNS(times, action) "{'match':{'path':'/process/execute','count':" #times "},'do':{" action "}}"

/* -- While it is being ended ------------------------------------------------------------------- */

/* Asks to stop, and from then on the service is in trouble. */
struct stopper {
    const char *faults;
};

static int32_t stop(void *ctx, uint32_t stream, const void *data, size_t len)
{
    const struct stopper *stopper = ctx;
    (void)stream, (void)data, (void)len;
    standin_faults(&standin, stopper->faults);
    return 1;
}

static void expect_ended(const char *faults)
{
    struct stopper stopper = {faults};
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo on; sleep 71"), .on_output = stop,
                          .output_ctx = &stopper, .head.grace_ms = 20000);
    standin_faults(&standin, NULL);
    EXPECT(ran, EEP_E_CANCELLED);
    assert_true(FLAGS(ran) & EEP_EXECUTION_KILLED);
    assert_false(FLAGS(ran) & EEP_EXECUTION_RUNNING);
    assert_false(ran.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    EXPECT_RUN(env, lease, "pgrep -fxc 'sleep 71'; true", "0\n");
}

/* Without the kill the command would go on until its limit. */
static void a_lost_kill_is_sent_again(void **state)
{
    (void)state;
    expect_ended("[" RUNS(2, "'drop':'before'") "]");
    expect_ended("[" RUNS(2, "'drop':'after_action'") "]");
    expect_ended("[" RUNS(1, "'status':429,'headers':{'Retry-After':'1'}") "]");
    expect_ended("[" RUNS(1, "'status':408,'body':''") "," RUNS(1, "'status':200,'body':'{}'") "]");
}

/* The grace bounds that, too. */
static void a_kill_that_cannot_arrive_is_told(void **state)
{
    (void)state;
    struct stopper stopper = {"[" RUNS(999, "'drop':'before','reset':true") "]"};
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo on; sleep 72"), .on_output = stop,
                          .output_ctx = &stopper, .head.grace_ms = 1000);
    standin_faults(&standin, NULL);
    EXPECT(ran, EEP_E_CANCELLED);
    assert_true(ran.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    EXPECT_RUN(env, lease, "pkill -9 -fx 'sleep 72'; true", "");
}

/* It has ended already, and has written more than the host wants: that is no success with half of the output. */
static void a_stop_at_the_end_is_a_stop(void **state)
{
    struct stopper stopper = {NULL};
    (void)state;
    OUTCOME before = EXECUTE(env, lease, .execution_id = TEXT("over"), .script = TEXT("seq 200000"));
    EXPECT(before, EEP_OK);
    OUTCOME ran = EXECUTE(env, lease, .execution_id = TEXT("over"), .script = TEXT("seq 200000"),
                          .on_output = stop, .output_ctx = &stopper, .capture_bytes = 16 << 20);
    EXPECT(ran, EEP_E_CANCELLED);
    assert_int_equal(ran.execution.exit_code, 0);
    assert_int_equal(FLAGS(ran) & (EEP_EXECUTION_KILLED | EEP_EXECUTION_RUNNING), 0);
    assert_false(ran.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
}

/* -- When its time is nearly over -------------------------------------------------------------- */

static void expect_not_run(void)
{
    standin_faults(&standin, NULL);
    EXPECT_RUN(env, lease, "cat effect; true", "");
}

/* The grace is for the end of what was begun. */
static void nothing_is_begun_in_the_grace(void **state)
{
    (void)state;
    standin_faults(&standin, "[" RUNS(1, "'status':429,'headers':{'Retry-After':'3'}") "]");
    OUTCOME waiting = EXECUTE(env, lease, .script = TEXT("echo x >>effect"), .head.timeout_ms = 1500,
                              .head.grace_ms = 10000);
    EXPECT(waiting, EEP_E_RATE_LIMITED);
    assert_false(waiting.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    expect_not_run();
    standin_faults(&standin, "[" RUNS(1, "'delay_ms':2000,'status':502,'body':''") "]");
    OUTCOME late = EXECUTE(env, lease, .script = TEXT("echo x >>effect"), .head.timeout_ms = 1500,
                           .head.grace_ms = 10000);
    EXPECT_SAYS(late, "the time was over before the command could be started");
    assert_true(late.err.head.flags & EEP_ERROR_MAYBE_APPLIED); /* who knows where that one has gone */
    expect_not_run();
}

/* The time that the sandbox needed to come back has gone from the command's. */
static void a_command_has_no_more_time_than_its_call(void **state)
{
    (void)state;
    EXPECT_RUN(env, lease, "true", ""); /* so that it is expected to run */
    standin_force(&standin, lease, "{\"state\":\"stopped\"}");
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo on; sleep 73"), .head.timeout_ms = 5000,
                          .head.grace_ms = 30000);
    EXPECT(ran, EEP_OK);
    assert_true(FLAGS(ran) & EEP_EXECUTION_TIMED_OUT);
    assert_true(FLAGS(ran) & EEP_EXECUTION_STARTED);
    EXPECT_OUTPUT(ran.execution.stdout_data, "on\n");
    assert_true(ran.execution.finished_at_ms - ran.execution.started_at_ms < 4700);
}

/* -- When nobody has told yet that it runs ----------------------------------------------------- */

/* The start has arrived, its answer has not, and then the service takes no more questions: libcurl may have sent both (1),
 * or we have (2). */
static void what_may_have_been_started_is_told(void **state)
{
    static const char *const faults[] = {
        "[" RUNS(1, "'drop':'after_action'") "," RUNS(9, "'status':429,'headers':{'Retry-After':'100'}") "]",
        "[" RUNS(2, "'drop':'after_action'") "," RUNS(9, "'status':429,'headers':{'Retry-After':'100'}") "]"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        EXPECT_RUN(env, lease, "true", ""); /* a connection to be used again */
        standin_faults(&standin, faults[i]);
        OUTCOME ran = EXECUTE(env, lease, .script = TEXT("true"), .head.timeout_ms = 20000);
        standin_faults(&standin, NULL);
        EXPECT(ran, EEP_E_RATE_LIMITED);
        assert_true(ran.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
        assert_true(ran.err.execution_id.len > 0);
    }
}

/* Who started it is told also by a call that has to ask again and again. */
static void who_attaches_is_told_so_however_long_it_takes(void **state)
{
    (void)state;
    OUTCOME first = DETACH("long", "sleep 2.5; echo done");
    EXPECT(first, EEP_OK);
    assert_false(FLAGS(first) & EEP_EXECUTION_ATTACHED);
    OUTCOME second =
        EXECUTE(env, lease, .execution_id = TEXT("long"), .script = TEXT("sleep 2.5; echo done"));
    EXPECT(second, EEP_OK);
    assert_true(FLAGS(second) & EEP_EXECUTION_ATTACHED);
    EXPECT_OUTPUT(second.execution.stdout_data, "done\n");
}

/* -- When nobody can tell any more ------------------------------------------------------------- */

static void await_no_process(const char *pattern)
{
    char script[128];
    snprintf(script, sizeof script, "while pgrep -fx '%s' >/dev/null; do sleep 0.05; done", pattern);
    EXPECT_RUN(env, lease, script, "");
}

/* The record goes before any answer has come: those who bear its mark tell that it was started. */
static void what_removes_its_record_runs_once(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .execution_id = TEXT("remover"),
                          .script = TEXT("echo x >>removals; rm -f ~/.eep/remover.*; sleep 2.5"));
    EXPECT(ran, EEP_E_INTERRUPTED);
    EXPECT_SAYS(ran, "its record in the sandbox has been removed");
    assert_true(ran.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    await_no_process("sleep 2.5");
    EXPECT_RUN(env, lease, "cat removals", "x\n");
}

/* Its limit and a kill find it by its mark, too. */
static void what_removes_its_record_can_be_ended(void **state)
{
    (void)state;
    OUTCOME limited =
        EXECUTE(env, lease, .execution_id = TEXT("limited"), .head.flags = EEP_EXECUTE_DETACH,
                .script = TEXT("sleep 0.7; rm -f ~/.eep/limited.*; sleep 74"), .time_limit_ms = 2000);
    EXPECT(limited, EEP_OK);
    OUTCOME killed = DETACH("killed", "sleep 0.7; rm -f ~/.eep/killed.*; sleep 75");
    EXPECT(killed, EEP_OK);
    EXPECT_RUN(env, lease, "until pgrep -fx 'sleep 75' >/dev/null; do sleep 0.05; done", "");
    OUTCOME kill = KILL("killed");
    EXPECT(kill, EEP_E_INTERRUPTED);
    await_no_process("sleep 75");
    OUTCOME again = EXECUTE(env, lease, .execution_id = TEXT("killed"), .script = TEXT("true"));
    EXPECT(again, EEP_E_INTERRUPTED); /* and it stays ended */
    await_no_process("sleep 74");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_lost_kill_is_sent_again, stage_without_faults),
        cmocka_unit_test_teardown(a_kill_that_cannot_arrive_is_told, stage_without_faults),
        cmocka_unit_test(a_stop_at_the_end_is_a_stop),
        cmocka_unit_test_teardown(nothing_is_begun_in_the_grace, stage_without_faults),
        cmocka_unit_test(a_command_has_no_more_time_than_its_call),
        cmocka_unit_test_teardown(what_may_have_been_started_is_told, stage_without_faults),
        cmocka_unit_test(who_attaches_is_told_so_however_long_it_takes),
        cmocka_unit_test(what_removes_its_record_runs_once),
        cmocka_unit_test(what_removes_its_record_can_be_ended),
    };
    return cmocka_run_group_tests(tests, start, place_stop);
}
