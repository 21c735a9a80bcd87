/* execute_faults_test.c: whatever happens to its answers and its sandbox, a command runs exactly once or never. */
#include <stdio.h>
#include <stdlib.h>

#include "place.h"

static int start(void **state)
{
    (void)state;
    /* a start that takes no time is not to be told from one that was not needed */
    return place_make((const char *const[]){"--start-ms", "300", NULL}, "'executeWindowS':1");
}

#define RUN_FAULT(nth, times, action)                                                                        \
    "[{'match':{'path':'/process/execute','nth':" #nth ",'count':" #times "},'do':{" action "}}]"

/* -- Answers that are lost --------------------------------------------------------------------- */

/* A command with a side effect, an exit code and both streams. */
static void expect_once(const char *faults)
{
    EXPECT_RUN(env, lease, "rm -f effect", "");
    standin_faults(&standin, faults);
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo x >>effect; echo out; echo err >&2; exit 5"));
    EXPECT(ran, EEP_OK);
    assert_int_equal(ran.execution.exit_code, 5);
    EXPECT_OUTPUT(ran.execution.stdout_data, "out\n");
    EXPECT_OUTPUT(ran.execution.stderr_data, "err\n");
    standin_faults(&standin, NULL);
    EXPECT_RUN(env, lease, "cat effect", "x\n");
}

static void a_lost_answer_does_not_run_it_twice(void **state)
{
    (void)state;
    expect_once(RUN_FAULT(1, 1, "'drop':'before'"));
    expect_once(RUN_FAULT(1, 1, "'drop':'after_action'"));
    expect_once(RUN_FAULT(1, 1, "'drop':'after_headers'"));
    expect_once(RUN_FAULT(1, 1, "'drop':'mid_body'"));
    expect_once(RUN_FAULT(1, 3, "'drop':'after_action'"));
    expect_once(RUN_FAULT(1, 3, "'drop':'mid_body'"));
}

static void a_gateways_trouble_does_not_run_it_twice(void **state)
{
    (void)state;
    expect_once(RUN_FAULT(1, 1, "'status':502,'body':''"));
    expect_once(RUN_FAULT(1, 2, "'status':504,'body':'<html>','content_type':'text/html'"));
    expect_once(RUN_FAULT(1, 1, "'status':408,'body':'{\\'message\\':\\'request timeout\\'}'"));
    expect_once(RUN_FAULT(1, 2, "'status':429,'body':'{\\'message\\':\\'too many requests\\'}'"));
    expect_once(RUN_FAULT(1, 1, "'status':401,'body':'{\\'message\\':\\'unauthorized\\'}'"));
}

static void a_damaged_answer_does_not_run_it_twice(void **state)
{
    (void)state;
    expect_once(RUN_FAULT(1, 1, "'status':200,'body':'{\\'exitCode\\':0,\\'result\\':\\'surprise\\'}'"));
    expect_once(RUN_FAULT(1, 1, "'status':200,'body':'{\\'exitCode\\':'"));
}

/* Damage without end is told, and what may have happened, too. */
static void damage_without_end_is_told(void **state)
{
    (void)state;
    standin_faults(&standin,
                   RUN_FAULT(1, 99, "'status':200,'body':'{\\'exitCode\\':0,\\'result\\':\\'x\\'}'"));
    OUTCOME ran = EXECUTE(env, lease, .execution_id = TEXT("damaged"), .script = TEXT("true"));
    EXPECT(ran, EEP_E_PROTOCOL);
    assert_true(ran.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_true(text_is(ran.err.execution_id, "damaged"));
}

/* Longer than the window, with the connection cut while it is watched: nothing is lost or heard twice. */
static int32_t hear(void *ctx, uint32_t stream, const void *data, size_t len)
{
    char *heard = ctx;
    size_t used = strlen(heard);
    if (stream == EEP_STREAM_STDOUT && used + len < 256) {
        memcpy(heard + used, data, len);
        heard[used + len] = '\0';
    }
    return 0;
}

static void a_stream_survives_its_connections(void **state)
{
    (void)state;
    char heard[256] = "";
    standin_faults(&standin,
                   "[{'match':{'path':'/process/execute','nth':2,'count':1},'do':{'drop':'mid_body'}},"
                   "{'match':{'path':'/process/execute','nth':2,'count':1},'do':{'drop':'before'}}]");
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done"),
                          .on_output = hear, .output_ctx = heard);
    EXPECT(ran, EEP_OK);
    assert_string_equal(heard, "1\n2\n3\n4\n5\n6\n");
    assert_int_equal(ran.execution.stdout_total, 12);
}

/* Large outputs come by download, which may break, too. */
/* The call waits, as it should: the command goes on. Somebody who looks must see what for. */
static void a_long_silence_is_told(void **state)
{
    char heard[256] = "";
    (void)state;
    standin_faults(&standin,
                   "[{'match':{'path':'/process/execute','nth':2,'count':6},'do':{'drop':'before'}}]");
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo begun; sleep 1; echo done"), .on_output = hear,
                          .output_ctx = heard);
    EXPECT(ran, EEP_OK);
    assert_string_equal(heard, "begun\ndone\n");
    assert_true(host_log_has("no answer for now: "));
    assert_true(host_log_has("there are answers again"));
}

static void a_broken_download_goes_on(void **state)
{
    (void)state;
    standin_faults(&standin, "[{'match':{'path':'/files/download','count':1},'do':{'drop':'mid_body'}},"
                             "{'match':{'path':'/files/download','count':1},'do':{'status':502,'body':''}}]");
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("seq -f %07.0f 0 99999"));
    EXPECT(ran, EEP_OK);
    assert_int_equal(ran.execution.stdout_data.len, 800000);
    assert_memory_equal((const char *)ran.execution.stdout_data.ptr + 799992, "0099999\n", 8);
}

static void a_lost_upload_is_repeated(void **state)
{
    (void)state;
    standin_faults(&standin,
                   "[{'match':{'path':'/files/bulk-upload','count':1},'do':{'drop':'after_action'}}]");
    OUTCOME realized =
        REALIZE(env, lease, SOURCES({.kind = EEP_SOURCE_FILE, .path = TEXT("up"), .data = BYTES("loaded")}));
    standin_faults(&standin, NULL);
    if (realized.code == EEP_OK) {
        EXPECT_RUN(env, lease, "cat up", "loaded");
    } else { /* a host may repeat it: it says so */
        assert_true(realized.err.head.flags & EEP_ERROR_RETRYABLE);
        EXPECT_RUN(env, lease, "test ! -s up", "");
    }
}

/* -- Sandboxes that are not running ------------------------------------------------------------ */

static void a_stopped_sandbox_is_started(void **state)
{
    (void)state;
    standin_force(&standin, lease, "{\"state\":\"stopped\"}");
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo up"));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "up\n");
    assert_true(ran.execution.head.flags & EEP_EXECUTION_STARTED);
    standin_force(&standin, lease, "{\"state\":\"stopped\"}");
    OUTCOME realized =
        REALIZE(env, lease, SOURCES({.kind = EEP_SOURCE_FILE, .path = TEXT("f"), .data = BYTES("x")}));
    EXPECT(realized, EEP_OK);
    assert_int_equal(realized.workspace.failed, 0);
    assert_true(realized.workspace.head.flags & EEP_WORKSPACE_STARTED);
}

/* The start is work, and gets the time for work; how the command ended is told within the grace all the same. */
static void a_limit_in_a_sandbox_that_was_started_is_told(void **state)
{
    (void)state;
    EXPECT_RUN(env, lease, "echo known", "known\n");
    standin_force(&standin, lease, "{\"state\":\"stopped\"}"); /* by another: this environment finds it out */
    OUTCOME ran = EXECUTE(env, lease, .head.timeout_ms = 5000, .script = TEXT("echo begun; sleep 60"));
    EXPECT(ran, EEP_OK);
    assert_int_equal(ran.execution.head.flags,
                     EEP_EXECUTION_STARTED | EEP_EXECUTION_TIMED_OUT | EEP_EXECUTION_KILLED);
    EXPECT_OUTPUT(ran.execution.stdout_data, "begun\n");
}

static void an_archived_sandbox_is_restored(void **state)
{
    (void)state;
    EXPECT_RUN(env, lease, "echo kept >kept", "");
    standin_force(&standin, lease, "{\"state\":\"archived\"}");
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("cat kept"));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "kept\n");
}

static void an_error_is_recovered_or_told(void **state)
{
    (void)state;
    standin_force(&standin, lease,
                  "{\"state\":\"error\",\"errorReason\":\"disk full\",\"recoverable\":true}");
    OUTCOME recovered = EXECUTE(env, lease, .script = TEXT("echo back"));
    EXPECT(recovered, EEP_OK);
    EXPECT_OUTPUT(recovered.execution.stdout_data, "back\n");

    char broken[EEP_LEASE_MAX + 1];
    host_acquire(env, broken);
    standin_force(&standin, broken, "{\"state\":\"error\",\"errorReason\":\"the disk burns\"}");
    OUTCOME ran = EXECUTE(env, broken, .script = TEXT("true"));
    EXPECT(ran, EEP_E_SANDBOX);
    EXPECT_SAYS(ran, "the disk burns");
    assert_string_equal(ran.err.lease.ptr, broken);
    OUTCOME back = RESUME(env, broken);
    EXPECT(back, EEP_E_SANDBOX);
    EXPECT_SAYS(back, "the disk burns");
    host_destroy(env, broken);
}

static void a_sandbox_that_was_deleted_is_lost(void **state)
{
    (void)state;
    char gone[EEP_LEASE_MAX + 1];
    host_acquire(env, gone);
    EXPECT_RUN(env, gone, "true", "");
    standin_force(&standin, gone, "{\"state\":\"destroyed\"}");
    OUTCOME ran = EXECUTE(env, gone, .script = TEXT("true"));
    EXPECT(ran, EEP_E_LEASE_LOST);
    assert_string_equal(ran.err.lease.ptr, gone);
    assert_false(ran.err.head.flags & EEP_ERROR_RETRYABLE);
    OUTCOME realized = REALIZE(env, gone);
    EXPECT(realized, EEP_E_LEASE_LOST);
    OUTCOME back = RESUME(env, gone);
    EXPECT(back, EEP_E_LEASE_LOST);
    OUTCOME released = RELEASE(env, gone, EEP_RELEASE_DESTROY);
    EXPECT(released, EEP_OK);
    assert_true(released.released.head.flags & EEP_RELEASED_ALREADY);
}

/* What ran when the sandbox went down is not run again: its outcome is unknown, and that is said. */
static int32_t leave(void *ctx, uint32_t stream, const void *data, size_t len)
{
    (void)ctx, (void)stream, (void)data;
    return len > 0;
}

static void a_command_that_died_with_its_sandbox_is_interrupted(void **state)
{
    static const char script[] = "echo x >>effect; echo begun; sleep 72";
    (void)state;
    EXPECT_RUN(env, lease, "rm -f effect", "");
    OUTCOME left = EXECUTE(env, lease, .head.flags = EEP_REQUEST_NO_GRACE, .execution_id = TEXT("dies"),
                           .script = text(script), .on_output = leave);
    EXPECT(left, EEP_E_CANCELLED);
    assert_true(left.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    standin_force(&standin, lease, "{\"state\":\"stopped\"}");
    OUTCOME again = EXECUTE(env, lease, .execution_id = TEXT("dies"), .script = text(script));
    EXPECT(again, EEP_E_INTERRUPTED);
    EXPECT_RUN(env, lease, "cat effect", "x\n");
}

/* -- Transitions that take their time ---------------------------------------------------------- */

static void transitions_are_waited_for(void **state)
{
    (void)state;
    struct standin slow;
    char id[EEP_LEASE_MAX + 1];
    standin_start(&slow, (const char *const[]){"--transition-ms", "250", NULL});
    eep_env *there = host_open(&slow, NULL);
    host_acquire(there, id);
    EXPECT_RUN(there, id, "echo kept >file", "");
    OUTCOME stopped = RELEASE(there, id, EEP_RELEASE_STOP);
    EXPECT(stopped, EEP_OK);
    OUTCOME back = RESUME(there, id); /* while it is still stopping */
    EXPECT(back, EEP_OK);
    assert_true(back.lease.head.flags & EEP_LEASE_STARTED);
    EXPECT_RUN(there, id, "cat file", "kept\n");
    OUTCOME archived = RELEASE(there, id, EEP_RELEASE_ARCHIVE);
    EXPECT(archived, EEP_OK);
    OUTCOME ran = EXECUTE(there, id, .script = TEXT("cat file")); /* while it is being archived */
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "kept\n");
    OUTCOME halted = RELEASE(there, id, EEP_RELEASE_STOP);
    EXPECT(halted, EEP_OK);
    host_destroy(there, id); /* while it is stopping */
    AWAIT(standin_total(&slow, "live") == 0);
    plugin()->close(there);
    standin_stop(&slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_lost_answer_does_not_run_it_twice, stage_without_faults),
        cmocka_unit_test_teardown(a_gateways_trouble_does_not_run_it_twice, stage_without_faults),
        cmocka_unit_test_teardown(a_damaged_answer_does_not_run_it_twice, stage_without_faults),
        cmocka_unit_test_teardown(damage_without_end_is_told, stage_without_faults),
        cmocka_unit_test_teardown(a_stream_survives_its_connections, stage_without_faults),
        cmocka_unit_test_teardown(a_long_silence_is_told, stage_without_faults),
        cmocka_unit_test_teardown(a_broken_download_goes_on, stage_without_faults),
        cmocka_unit_test_teardown(a_lost_upload_is_repeated, stage_without_faults),
        cmocka_unit_test(a_stopped_sandbox_is_started),
        cmocka_unit_test(a_limit_in_a_sandbox_that_was_started_is_told),
        cmocka_unit_test(an_archived_sandbox_is_restored),
        cmocka_unit_test(an_error_is_recovered_or_told),
        cmocka_unit_test(a_sandbox_that_was_deleted_is_lost),
        cmocka_unit_test(a_command_that_died_with_its_sandbox_is_interrupted),
        cmocka_unit_test(transitions_are_waited_for),
    };
    return cmocka_run_group_tests(tests, start, place_stop);
}
