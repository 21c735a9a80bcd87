/* ends_test.c: how commands are ended: in time, as gently as they let us, all of them and nobody else; and what is told
 * about it. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executions.h"
#include "place.h"

/* What a loaded machine may add to a limit. */
enum { SLACK_MS = 5000 };

/* -- A command on a thread of its own ---------------------------------------------------------- */

struct running {
    eep_execute_request request;
    struct outcome outcome;
    pthread_t thread;
};

static void *run_thread(void *argument)
{
    struct running *running = argument;
    running->outcome = call_execute(env, &running->request);
    return NULL;
}

static void begin(struct running *running, const char *id, const char *script)
{
    *running = (struct running){0};
    running->request =
        *REQUEST(eep_execute_request, .lease = text(lease), .script = text(script), .execution_id = text(id),
                 .head.grace_ms = 18000, /* a rung is a sixth of it */
                 .head.cancel = plugin()->cancel_create());
    pthread_create(&running->thread, NULL, run_thread, running);
}

static struct outcome end(struct running *running)
{
    pthread_join(running->thread, NULL);
    plugin()->cancel_destroy(running->request.head.cancel);
    return running->outcome;
}

/* How many processes of the sandbox have this in their command lines. */
static void expect_processes(const char *pattern, const char *count)
{
    char script[256];
    snprintf(script, sizeof script, "pgrep -cf '[%c]%s'; :", pattern[0], pattern + 1);
    EXPECT_RUN(env, lease, script, count);
}

static void await_processes(const char *pattern, const char *count)
{
    char script[256];
    snprintf(script, sizeof script, "until [ $(pgrep -cf '[%c]%s') = %.*s ]; do sleep 0.02; done", pattern[0],
             pattern + 1, (int)strcspn(count, "\n"), count);
    EXPECT_RUN(env, lease, script, "");
}

/* -- The ladder -------------------------------------------------------------------------------- */

static void expect_rung(const char *traps, int rung)
{
    char id[32];
    char script[128];
    struct running running;
    snprintf(id, sizeof id, "rung-%d", rung);
    snprintf(script, sizeof script, "trap '' %s; echo on; while :; do sleep 0.05; done", traps);
    begin(&running, id, script);
    AWAIT(WRITTEN(id) == 3);
    plugin()->cancel_fire(running.request.head.cancel);
    OUTCOME ended = end(&running);
    EXPECT(ended, EEP_E_CANCELLED);
    assert_int_equal(ended.execution.kill_signal, rung);
    assert_int_equal(FLAGS(ended), EEP_EXECUTION_KILLED);
    assert_false(ended.err.head.flags & EEP_ERROR_MAYBE_APPLIED); /* its end is confirmed */
    EXPECT_OUTPUT(ended.execution.stdout_data, "on\n");
}

static void a_cancel_tells_how_far_it_had_to_go(void **state)
{
    (void)state;
    expect_rung("HUP", SIGINT);
    expect_rung("INT", SIGTERM);
    expect_rung("INT TERM", SIGKILL);
}

/* The ladder has room in the grace, however short that is. */
static void a_short_grace_is_enough_for_a_stubborn_command(void **state)
{
    (void)state;
    OUTCOME ran =
        EXECUTE(env, lease, .script = TEXT("trap '' INT TERM; echo on; while :; do sleep 0.05; done"),
                .head.timeout_ms = 2000, .head.grace_ms = 2000);
    EXPECT(ran, EEP_OK);
    assert_int_equal(FLAGS(ran), EEP_EXECUTION_TIMED_OUT | EEP_EXECUTION_KILLED);
    assert_int_equal(ran.execution.kill_signal, SIGKILL);
    EXPECT_OUTPUT(ran.execution.stdout_data, "on\n");
    assert_in_range(ran.elapsed_ms, 2000, 4000 + SLACK_MS);
}

/* Its supervisor and its keeper are stopped, as on a machine that is out of memory: nobody ends it. The call ends in time
 * all the same, says so, and has what there was. */
static void what_cannot_be_ended_is_told_with_its_output(void **state)
{
    static const char script[] =
        "seq 100000 199999; echo err >&2; sleep 0.3; "
        "{ read -r a b p a; read -r a c a k a; } <~/.eep/frozen.p; echo $p $k >~/frozen; kill -STOP $k $p; "
        "trap '' INT TERM; while :; do sleep 0.1; done";
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .execution_id = TEXT("frozen"), .script = text(script),
                          .head.timeout_ms = 4000, .head.grace_ms = 9000, .capture_bytes = 14);
    EXPECT(ran, EEP_E_DEADLINE);
    assert_in_range(ran.elapsed_ms, 4000, 13000 + SLACK_MS);
    assert_true(FLAGS(ran) & EEP_EXECUTION_RUNNING);
    assert_true(FLAGS(ran) & EEP_EXECUTION_TRUNCATED);
    assert_true(ran.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_int_equal(ran.execution.stdout_total, 700000);
    EXPECT_OUTPUT(ran.execution.stdout_data, "100000\n199999\n");
    EXPECT_OUTPUT(ran.execution.stderr_data, "err\n");
    EXPECT_RUN(env, lease, "kill -CONT $(cat ~/frozen)", "");
    OUTCOME ended = ATTACH("frozen");
    EXPECT(ended, EEP_OK);
    assert_true(FLAGS(ended) & EEP_EXECUTION_KILLED);
}

/* -- Who is meant ------------------------------------------------------------------------------ */

/* Children in sessions of their own, orphans, and those that ignore signals: none outlives the cancel. */
static void those_who_leave_are_found(void **state)
{
    static const char script[] =
        "setsid sleep 7101 & (setsid sleep 7102 & :); nohup sleep 7103 & "
        "sh -c \"trap '' INT TERM; setsid sh -c \\\"trap '' INT TERM; while :; do sleep "
        "0.1; done; : 7104\\\"\" & "
        "sleep 0.3; echo on; sleep 7105";
    struct running running;
    (void)state;
    begin(&running, "leavers", script);
    AWAIT(WRITTEN("leavers") == 3);
    await_processes("sleep 710", "4\n"); /* each has come to its exec */
    plugin()->cancel_fire(running.request.head.cancel);
    OUTCOME ended = end(&running);
    EXPECT(ended, EEP_E_CANCELLED);
    assert_int_equal(ended.execution.kill_signal, SIGKILL);
    assert_false(FLAGS(ended) & EEP_EXECUTION_UNCONFIRMED);
    expect_processes("710[1-5]", "0\n");
}

static void the_others_on_the_lease_never_notice(void **state)
{
    enum { COUNT = 6 };
    struct running all[COUNT];
    char ids[COUNT][24];
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        snprintf(ids[i], sizeof ids[i], "neighbour-%d", i);
        begin(&all[i], ids[i], "echo on; " WAIT_FOR("~/go-on") "echo done; exit 3");
    }
    for (int i = 0; i < COUNT; i++)
        AWAIT(WRITTEN(ids[i]) == 3);
    for (int i = 0; i < COUNT; i += 2)
        plugin()->cancel_fire(all[i].request.head.cancel);
    for (int i = 0; i < COUNT; i += 2) {
        OUTCOME ended = end(&all[i]);
        EXPECT(ended, EEP_E_CANCELLED);
        EXPECT_OUTPUT(ended.execution.stdout_data, "on\n");
    }
    EXPECT_RUN(env, lease, "touch ~/go-on", "");
    for (int i = 1; i < COUNT; i += 2) {
        OUTCOME ended = end(&all[i]);
        EXPECT(ended, EEP_OK);
        assert_int_equal(FLAGS(ended), 0);
        assert_int_equal(ended.execution.exit_code, 3);
        EXPECT_OUTPUT(ended.execution.stdout_data, "on\ndone\n");
    }
}

/* A kernel that is out of memory sends KILL, and that was not us. */
static void a_kill_that_is_not_ours_is_told_so(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo big; kill -9 $$"));
    EXPECT(ran, EEP_OK);
    assert_int_equal(ran.execution.exit_code, -1);
    assert_int_equal(ran.execution.term_signal, SIGKILL);
    assert_int_equal(ran.execution.kill_signal, 0);
    assert_int_equal(FLAGS(ran), 0);
    EXPECT_OUTPUT(ran.execution.stdout_data, "big\n");
}

/* -- Output that does not end, or has no room -------------------------------------------------- */

static void an_endless_writer_cannot_fill_the_disk(void **state)
{
    (void)state;
    OUTCOME ran =
        EXECUTE(env, lease, .execution_id = TEXT("yes"), .script = TEXT("trap '' INT PIPE; yes; yes >&2"),
                .max_output_bytes = 1 << 20, .capture_bytes = 100);
    EXPECT(ran, EEP_OK);
    assert_true(FLAGS(ran) & EEP_EXECUTION_OUTPUT_LIMIT);
    assert_true(FLAGS(ran) & EEP_EXECUTION_KILLED);
    assert_true(FLAGS(ran) & EEP_EXECUTION_TRUNCATED);
    assert_false(FLAGS(ran) & EEP_EXECUTION_OUTPUT_LOST);
    assert_in_range(ran.execution.stdout_total, 1 << 20, (1 << 20) + 4096);
    assert_int_equal(ran.execution.stdout_data.len, 100);
    EXPECT_RUN(env, lease, "test $(du -k ~/.eep/yes.o | cut -f1) -le 1100", "");
}

/* A sandbox on a small disk. */
static void a_full_disk_is_never_short_output(void **state)
{
    char dir[] = "/tmp/eep-small-disk-XXXXXX";
    struct standin small;
    char id[EEP_LEASE_MAX + 1];
    (void)state;
    assert_non_null(mkdtemp(dir));
    if (mount("none", dir, "tmpfs", 0, "size=16m,mode=755") != 0) {
        rmdir(dir);
        print_message("SKIP: cannot mount a small disk here\n");
        skip();
    }
    standin_start(&small, (const char *const[]){"--dir", dir, NULL});
    eep_env *there = host_open(&small, NULL);
    host_acquire(there, id);
    OUTCOME fits = EXECUTE(there, id, .script = TEXT("head -c 500000 /dev/zero"));
    OUTCOME ran = EXECUTE(there, id, .execution_id = TEXT("fills"),
                          .script = TEXT("head -c 40000000 /dev/zero; echo on >&2; exit 3"));
    OUTCOME refused = EXECUTE(there, id, .script = TEXT("true"));
    OUTCOME dropped =
        call_drop(there, REQUEST(eep_drop_request, .lease = text(id), .execution_id = TEXT("fills")));
    OUTCOME again = EXECUTE(there, id, .script = TEXT("echo again"));
    host_destroy(there, id);
    plugin()->close(there);
    standin_stop(&small);
    umount2(dir, MNT_DETACH);
    rmdir(dir);
    EXPECT(fits, EEP_OK);
    assert_int_equal(FLAGS(fits), 0);
    EXPECT(ran, EEP_OK);
    assert_true(FLAGS(ran) & EEP_EXECUTION_OUTPUT_LOST);
    assert_int_equal(ran.execution.exit_code, 3);
    assert_true(ran.execution.stdout_total < 40000000);
    /* a record would not fit: nothing is run without one, and dropping makes room */
    EXPECT(refused, EEP_E_SANDBOX);
    EXPECT_SAYS(refused, "disk is full");
    EXPECT(dropped, EEP_OK);
    EXPECT(again, EEP_OK);
}

/* Somebody, or the command itself, removes the records while it runs: it has been seen at work, so it is not started again
 * for want of a record. */
static void a_command_that_loses_its_record_runs_once(void **state)
{
    (void)state;
    static const char *const scripts[] = {"echo x >>lost-0; rm -rf ~/.eep; sleep 1",
                                          "echo x >>lost-1; echo begun; sleep 0.5; rm -rf ~/.eep; sleep 3"};
    for (int i = 0; i < 2; i++) {
        HEARD heard = {0};
        OUTCOME lost =
            EXECUTE(env, lease, .script = text(scripts[i]), .on_output = heard_take, .output_ctx = &heard);
        EXPECT(lost, EEP_E_INTERRUPTED);
    }
    EXPECT_RUN(env, lease, "cat lost-0; cat lost-1", "x\nx\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancel_tells_how_far_it_had_to_go),
        cmocka_unit_test(a_short_grace_is_enough_for_a_stubborn_command),
        cmocka_unit_test(what_cannot_be_ended_is_told_with_its_output),
        cmocka_unit_test(those_who_leave_are_found),
        cmocka_unit_test(the_others_on_the_lease_never_notice),
        cmocka_unit_test(a_kill_that_is_not_ours_is_told_so),
        cmocka_unit_test(an_endless_writer_cannot_fill_the_disk),
        cmocka_unit_test(a_full_disk_is_never_short_output),
        cmocka_unit_test(a_command_that_loses_its_record_runs_once),
    };
    return cmocka_run_group_tests(tests, place_start, place_stop);
}
