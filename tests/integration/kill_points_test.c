/* kill_points_test.c: every request about an execution is cut at every point: nothing is lost, nothing runs twice.
 *
 * Each cell of the table below is one call during which one request meets one fault. Every command leaves a line in
 * the file `runs` of its sandbox; in the end each must be there once. */
#include <stdio.h>
#include <stdlib.h>

#include "executions.h"
#include "place.h"

static int commands; /* that were begun so far */

static int start(void **state)
{
    (void)state;
    return place_make(NULL, "'executeWindowS':1");
}

/* -- Faults ------------------------------------------------------------------------------------ */

#define JSON_TYPE "'content_type':'application/json'"
#define HTML_BODY "'body':'<html>no</html>','content_type':'text/html'"

static const char *const faults[] = {
    "'drop':'before'",
    "'drop':'after_action'",
    "'drop':'after_headers'",
    "'drop':'mid_body'",
    "'status':502," HTML_BODY,
    "'status':503,'body':''",
    "'status':504," HTML_BODY,
    "'status':408,'body':'{\\'message\\':\\'request timeout\\'}'," JSON_TYPE,
    "'status':429,'body':'{}'",
    "'status':200," HTML_BODY,
    "'status':200,'body':'{\\'exitCode\\':0,\\'result\\':\\'\\'}'," JSON_TYPE,
};

/* Lets the nth request to a path meet a fault, so many times. */
static void cut(const char *path, int nth, int count, const char *fault)
{
    char rule[512];
    snprintf(rule, sizeof rule, "[{'match':{'path':'%s','nth':%d,'count':%d},'do':{%s}}]", path, nth, count,
             fault);
    standin_faults(&standin, rule);
}

#define EXECUTE_PATH  "/process/execute"
#define DOWNLOAD_PATH "/files/download"

/* -- Calls ------------------------------------------------------------------------------------- */

/* An id of its own for each command, and a script that leaves a trace of it. */
struct job {
    char id[32];
    char script[256];
};

static struct job job(const char *script)
{
    struct job job;
    snprintf(job.id, sizeof job.id, "job-%d", ++commands);
    snprintf(job.script, sizeof job.script, "echo %s >>~/runs; %s", job.id, script);
    return job;
}

static void start_detached(const struct job *job)
{
    OUTCOME detached = DETACH(job->id, job->script);
    EXPECT(detached, EEP_OK);
}

/* Cut requests are repeated after a pause, and by their number they tell that the fault was met. */
static void expect_retried(const struct outcome *outcome)
{
    if (outcome->execution.requests < 2) fail_msg("the fault was not met");
}

static void a_start_is_cut(const char *fault, int count)
{
    struct job made = job("printf 'out\\000'; echo err >&2; exit 5");
    cut(EXECUTE_PATH, 1, count, fault);
    OUTCOME ran = EXECUTE(env, lease, .execution_id = text(made.id), .script = text(made.script));
    EXPECT(ran, EEP_OK);
    expect_retried(&ran);
    assert_int_equal(ran.execution.exit_code, 5);
    EXPECT_BYTES(ran.execution.stdout_data, "out", 4);
    EXPECT_OUTPUT(ran.execution.stderr_data, "err\n");
}

/* As long as the service says. */
static void a_rate_limit_is_waited_for(void **state)
{
    (void)state;
    struct job made = job("echo out");
    cut(EXECUTE_PATH, 1, 1, "'status':429,'body':'{}','headers':{'Retry-After':'1'}");
    OUTCOME ran = EXECUTE(env, lease, .execution_id = text(made.id), .script = text(made.script));
    EXPECT(ran, EEP_OK);
    expect_retried(&ran);
    assert_in_range(ran.elapsed_ms, 1000, LIMIT_MS);
    cut(EXECUTE_PATH, 1, 1, "'status':429,'body':'{}','headers':{'Retry-After':'100'}");
    OUTCOME late = EXECUTE(env, lease, .script = TEXT("echo never"));
    EXPECT(late, EEP_E_RATE_LIMITED);
    assert_false(late.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_in_range(late.elapsed_ms, 0, 15000);
}

static void a_detached_start_is_cut(const char *fault, int count)
{
    struct job made = job("echo on; sleep 0.1; exit 6");
    cut(EXECUTE_PATH, 1, count, fault);
    OUTCOME detached = DETACH(made.id, made.script);
    EXPECT(detached, EEP_OK);
    expect_retried(&detached);
    OUTCOME ended = ATTACH(made.id);
    EXPECT(ended, EEP_OK);
    assert_int_equal(ended.execution.exit_code, 6);
    EXPECT_OUTPUT(ended.execution.stdout_data, "on\n");
}

/* The first request is the start, which brings the first bytes; the cut one waits for more. */
static void a_wait_is_cut(const char *fault, int count)
{
    struct job made = job("echo 1; sleep 0.2; echo 2; sleep 0.2; echo 3");
    HEARD heard = {0};
    cut(EXECUTE_PATH, 2, count, fault);
    OUTCOME ran = EXECUTE(env, lease, .execution_id = text(made.id), .script = text(made.script),
                          .on_output = heard_take, .output_ctx = &heard);
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(heard_of(&heard, EEP_STREAM_STDOUT), "1\n2\n3\n");
}

static void an_attach_is_cut(const char *fault, int count)
{
    struct job made = job("echo before; sleep 0.4; echo after; exit 3");
    start_detached(&made);
    AWAIT(WRITTEN(made.id) >= 3);
    cut(EXECUTE_PATH, 1, count, fault);
    OUTCOME attached = ATTACH(made.id, .stdout_from = 3);
    EXPECT(attached, EEP_OK);
    expect_retried(&attached);
    assert_int_equal(attached.execution.exit_code, 3);
    EXPECT_OUTPUT(attached.execution.stdout_data, "ore\nafter\n");
}

static void a_kill_is_cut(const char *fault, int count)
{
    struct job made = job("echo on; sleep 61");
    start_detached(&made);
    AWAIT(WRITTEN(made.id) == 3); /* else it may be ended before it has left its trace */
    cut(EXECUTE_PATH, 1, count, fault);
    OUTCOME killed = KILL(made.id, .head.timeout_ms = 18000); /* a rung is a sixth of it */
    EXPECT(killed, EEP_OK);
    expect_retried(&killed);
    assert_int_equal(FLAGS(killed), EEP_EXECUTION_KILLED);
    assert_int_equal(killed.execution.kill_signal, 2);
}

static void a_list_is_cut(const char *fault, int count)
{
    struct job made = job("echo listed");
    OUTCOME ran = EXECUTE(env, lease, .execution_id = text(made.id), .script = text(made.script));
    EXPECT(ran, EEP_OK);
    standin_forget(&standin);
    cut(EXECUTE_PATH, 1, count, fault);
    LISTED listed = executions_list(env, lease, 0, 0);
    assert_int_equal(listed.code, EEP_OK);
    assert_true(standin_count(&standin, "POST", EXECUTE_PATH) > (size_t)count);
    const eep_listed_execution *found = listed_find(&listed, made.id);
    assert_non_null(found);
    assert_int_equal(found->stdout_total, 7);
    for (uint32_t i = 0; i + 1 < listed.list.execution_count; i++) /* nothing twice */
        assert_memory_not_equal(listed.list.executions[i].execution_id.ptr,
                                listed.list.executions[i + 1].execution_id.ptr,
                                listed.list.executions[i].execution_id.len + 1);
}

static void a_drop_is_cut(const char *fault, int count)
{
    struct job made = job("echo dropped; exit 4");
    OUTCOME ran = EXECUTE(env, lease, .execution_id = text(made.id), .script = text(made.script));
    EXPECT(ran, EEP_OK);
    cut(EXECUTE_PATH, 1, count, fault);
    OUTCOME dropped = DROP(made.id);
    EXPECT(dropped, EEP_OK);
    expect_retried(&dropped);
    assert_int_equal(dropped.execution.exit_code, 4);
    OUTCOME attached = ATTACH(made.id);
    EXPECT(attached, EEP_E_EXPIRED);
}

/* More than an answer holds: the rest comes by download. */
static void a_download_is_cut(const char *fault, int count)
{
    enum { SIZE = 700000 };
    struct job made = job("seq 100000 199999");
    cut(DOWNLOAD_PATH, 1, count, fault);
    OUTCOME ran = EXECUTE(env, lease, .execution_id = text(made.id), .script = text(made.script));
    EXPECT(ran, EEP_OK);
    expect_retried(&ran);
    assert_int_equal(ran.execution.stdout_data.len, SIZE);
    for (int i = 0; i < 100000; i++) {
        char line[8];
        snprintf(line, sizeof line, "%d\n", 100000 + i);
        assert_memory_equal((const char *)ran.execution.stdout_data.ptr + 7 * i, line, 7);
    }
}

/* -- The table --------------------------------------------------------------------------------- */

static void at_every_point(void (*call)(const char *fault, int count))
{
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        print_message("  %s\n", faults[i]);
        call(faults[i], i < 2 ? 2 : 1); /* the drops come twice in a row, too */
    }
}

#define ROW(call)                                                                                            \
    static void call##_at_every_point(void **state)                                                          \
    {                                                                                                        \
        (void)state;                                                                                         \
        at_every_point(call);                                                                                \
    }

ROW(a_start_is_cut)
ROW(a_detached_start_is_cut)
ROW(a_wait_is_cut)
ROW(an_attach_is_cut)
ROW(a_kill_is_cut)
ROW(a_list_is_cut)
ROW(a_drop_is_cut)

/* A file may hold anything: that one gets HTML with status 200 is for the length to find out. */
static void a_download_is_cut_at_every_point(void **state)
{
    (void)state;
    for (size_t i = 0; i + 2 < COUNT_OF(faults); i++)
        a_download_is_cut(faults[i], 1);
}

static void each_command_ran_once(void **state)
{
    char expected[64];
    (void)state;
    assert_true(commands > 0);
    snprintf(expected, sizeof expected, "%d\n%d\n", commands, commands);
    EXPECT_RUN(env, lease, "wc -l <~/runs; sort -u ~/runs | wc -l", expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_start_is_cut_at_every_point, stage_without_faults),
        cmocka_unit_test_teardown(a_rate_limit_is_waited_for, stage_without_faults),
        cmocka_unit_test_teardown(a_detached_start_is_cut_at_every_point, stage_without_faults),
        cmocka_unit_test_teardown(a_wait_is_cut_at_every_point, stage_without_faults),
        cmocka_unit_test_teardown(an_attach_is_cut_at_every_point, stage_without_faults),
        cmocka_unit_test_teardown(a_kill_is_cut_at_every_point, stage_without_faults),
        cmocka_unit_test_teardown(a_list_is_cut_at_every_point, stage_without_faults),
        cmocka_unit_test_teardown(a_drop_is_cut_at_every_point, stage_without_faults),
        cmocka_unit_test_teardown(a_download_is_cut_at_every_point, stage_without_faults),
        cmocka_unit_test(each_command_ran_once),
    };
    return cmocka_run_group_tests(tests, start, place_stop);
}
