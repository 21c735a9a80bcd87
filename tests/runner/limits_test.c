/* Limits and kills: of time, of output, on request; also for children that do not want to go. */
#include "world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

static int pid_in(struct world *world, const char *name)
{
    world_await_file(world_path(world, name));
    int pid = 0;
    for (int64_t end = clock_now_ms() + WORLD_LIMIT_MS; pid == 0;) {
        pid = atoi(world_read(world_path(world, name)));
        assert_true(clock_now_ms() < end);
    }
    return pid;
}

/* -- Time ------------------------------------------------------------------------------------------------------- */

static void time_limit(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start = world_script("limit", "echo begun; sleep 20; echo never");
    start.time_limit_ms = 1000;
    int64_t begin = clock_now_ms();
    assert_true(world_start(world, &start, &answer));
    int64_t took = clock_now_ms() - begin;
    assert_true(took >= 1000 && took < 15000);
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_true(answer.timed_out);
    assert_false(answer.output_limit || answer.cancelled || answer.unconfirmed || answer.held);
    assert_int_equal(answer.kill_signal, SIGINT);
    assert_text(&answer.out.data, "begun\n");
    runner_answer_finish(&answer);
}

static void test_time_limit(void **state)
{
    (void)state;
    for_each_shell(time_limit);
}

/* INT and TERM are ignored by all, and one has left the group. */
static void stubborn(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start = world_script(
        "stubborn",
        "trap '' INT TERM; echo $$ >pid; setsid sleep 20 & echo $! >away; sleep 20 & echo $! >child; "
        "echo begun; while :; do sleep 1; done");
    start.time_limit_ms = 1500; /* all are there by then */
    start.ladder = (struct runner_ladder){.int_ms = 100, .term_ms = 100, .kill_ms = 10000};
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_true(answer.timed_out);
    assert_false(answer.unconfirmed || answer.held);
    assert_int_equal(answer.kill_signal, SIGKILL);
    assert_int_equal(answer.term_signal, SIGKILL);
    runner_answer_finish(&answer);
    world_await_gone(pid_in(world, "pid"));
    world_await_gone(pid_in(world, "child"));
    world_await_gone(pid_in(world, "away"));
    assert_false(world_has(world, "stubborn", "k"));
}

static void test_stubborn(void **state)
{
    (void)state;
    for_each_shell(stubborn);
}

/* The leader obeys INT, its child does not: the child is ended too, and the result says what it took. */
static void survivor(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start =
        world_script("survivor", "(trap '' INT TERM; echo 1 >up; while :; do sleep 1; done) & "
                                 "echo $! >child; while [ ! -e up ]; do sleep 0.01; done; trap 'exit 7' INT; "
                                 "while :; do sleep 0.05; done");
    start.time_limit_ms = 1500; /* both have set their traps by then */
    start.ladder = (struct runner_ladder){.int_ms = 1000, .term_ms = 100, .kill_ms = 10000};
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_int_equal(answer.exit_code, 7);
    assert_int_equal(answer.kill_signal, SIGKILL);
    assert_true(answer.timed_out && !answer.unconfirmed);
    runner_answer_finish(&answer);
    world_await_gone(pid_in(world, "child"));
}

static void test_survivor(void **state)
{
    (void)state;
    for_each_shell(survivor);
}

/* The limit holds when the request has been killed at its window and nobody asks any more. */
static void alone(struct world *world)
{
    struct runner_answer answer;
    struct pending pending;
    struct runner_start start = world_script("alone", "echo $$ >pid; sleep 20");
    start.time_limit_ms = 1000;
    world_begin(world, &start, &pending);
    world_feed(&pending);
    int pid = pid_in(world, "pid");
    world->window_ms = 0;
    assert_false(world_end(world, &pending, &answer));
    world->window_ms = 20000;
    world_await_gone(pid);
    world_await(world, "alone", RUNNER_DONE, &answer);
    assert_true(answer.timed_out);
    runner_answer_finish(&answer);
}

static void test_alone(void **state)
{
    (void)state;
    for_each_shell(alone);
}

/* A user whose processes are all this test's own: others run at the same time, and the limit counts a user's. */
static unsigned own_user(void)
{
    enum { FIRST = 60001, COUNT = 5000 }; /* the stand-in's sandboxes are others */
    return FIRST + (unsigned)getpid() % COUNT;
}

/* The service's shell belongs to a user who may have so many processes, and no more. */
static void limit_processes(struct world *world, int most)
{
    static char path[400];
    char text[400];
    unsigned user = own_user();
    snprintf(path, sizeof path, "%s/shell", world->home);
    snprintf(text, sizeof text,
             "#!/bin/sh\nexec setpriv --reuid %u --regid %u --clear-groups prlimit --nproc=%d %s\n", user,
             user, most, world->service.shell);
    world_write(path, text);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(chown(world->home, user, user), 0);
    world->service.shell = path;
}

/* A command that takes all processes that there may be: to keep the limit needs none. In sh its supervisor may want one
 * before the dead have been collected, and is lost then. */
static void no_processes(struct world *world)
{
    const char *shell = world->service.shell;
    const struct runner_wait wait = {.window_ms = 5000, .inline_bytes = 100};
    struct runner_answer answer;
    struct runner_start start = world_script(
        "bomb", "trap '' INT TERM; echo begun; while [ ! -e go ]; do sleep 0.05; done; echo $$ >pid; "
                "exec perl -e 'alarm 30; while (1) { $p = fork; if (defined $p && !$p) { sleep 30; exit; } "
                "select(undef, undef, undef, 0.001); }'");
    start.time_limit_ms = 4000;
    start.ladder = (struct runner_ladder){.int_ms = 100, .term_ms = 100, .kill_ms = 2000};
    start.wait.news = true;
    limit_processes(world, 40);
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_RUNNING);
    runner_answer_finish(&answer);
    world_write(world_path(world, "go"), "");
    world_await_gone(pid_in(world, "pid"));
    world->service.shell = shell; /* who asks is somebody who has processes */
    world_attach(world, "bomb", &wait, &answer);
    for (int64_t end = clock_now_ms() + WORLD_LIMIT_MS;
         answer.state == RUNNER_RUNNING && clock_now_ms() < end;) {
        runner_answer_finish(&answer);
        world_attach(world, "bomb", &wait, &answer);
    }
    if (world_is_native(world) || answer.state != RUNNER_LOST) {
        assert_int_equal(answer.state, RUNNER_DONE);
        assert_true(answer.timed_out);
        assert_int_equal(answer.term_signal, SIGKILL);
        assert_false(answer.held);
    }
    runner_answer_finish(&answer);
}

static void test_no_processes(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("SKIP: only root can become a user of few processes\n");
        return;
    }
    for_shell("dash", no_processes);
}

/* Waits for a helper other than `before`. */
static int await_helper(struct world *world, const char *id, int before)
{
    int pids[WORLD_HELPERS];
    for (int64_t end = clock_now_ms() + WORLD_LIMIT_MS;
         world_helpers(world, id, pids) == 0 || pids[0] == before;)
        assert_true(clock_now_ms() < end);
    return pids[0];
}

/* Somebody kills the helper that climbs the ladder: another one goes on. */
static void helper_killed(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start = world_script(
        "helper", "trap '' INT TERM; echo begun; while [ ! -e go ]; do sleep 0.05; done; exit 3");
    if (!world_is_native(world)) return; /* in sh it is the keeper: see once_test */
    start.time_limit_ms = 1000;
    start.ladder = (struct runner_ladder){.int_ms = WORLD_LIMIT_MS, .kill_ms = 5000};
    start.wait.news = true;
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_RUNNING);
    runner_answer_finish(&answer);
    int helper = await_helper(world, "helper", 0);
    assert_int_equal(kill(helper, SIGKILL), 0);
    await_helper(world, "helper", helper);
    world_write(world_path(world, "go"), "");
    world_await(world, "helper", RUNNER_DONE, &answer);
    assert_true(answer.timed_out);
    assert_int_equal(answer.exit_code, 3);
    runner_answer_finish(&answer);
}

static void test_helper_killed(void **state)
{
    (void)state;
    for_shell("dash", helper_killed);
}

/* -- Kill requests ---------------------------------------------------------------------------------------------- */

static void begin(struct world *world, const char *id, const char *script)
{
    struct runner_answer answer;
    struct runner_start start = world_script(id, script);
    start.wait.news = true;
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_RUNNING);
    runner_answer_finish(&answer);
}

static void killed(struct world *world)
{
    struct runner_answer answer;
    const struct runner_ladder ladder = {.int_ms = 100, .term_ms = 10000, .kill_ms = 2000};
    begin(world, "one", "trap '' INT; echo begun; while :; do sleep 0.05; done");
    begin(world, "two", "echo begun; while [ ! -e go ]; do sleep 0.05; done; echo fine");
    world_kill(world, "one", &ladder, &answer);
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_true(answer.cancelled);
    assert_false(answer.timed_out || answer.unconfirmed);
    assert_int_equal(answer.kill_signal, SIGTERM);
    assert_int_equal(answer.term_signal, SIGTERM);
    assert_text(&answer.out.data, "begun\n");
    runner_answer_finish(&answer);

    /* The other one never noticed. */
    world_write(world_path(world, "go"), "");
    world_await(world, "two", RUNNER_DONE, &answer);
    assert_int_equal(answer.exit_code, 0);
    assert_text(&answer.out.data, "begun\nfine\n");
    runner_answer_finish(&answer);

    /* Killing what is over changes nothing. */
    world_kill(world, "two", &ladder, &answer);
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_int_equal(answer.exit_code, 0);
    assert_false(answer.cancelled);
    runner_answer_finish(&answer);
}

static void test_killed(void **state)
{
    (void)state;
    for_each_shell(killed);
}

/* INT is told as INT although shells are silent about it: we sent it. */
static void interrupted(struct world *world)
{
    struct runner_answer answer;
    const struct runner_ladder ladder = {.int_ms = 10000, .term_ms = 2000, .kill_ms = 2000};
    begin(world, "int", "echo begun; exec sleep 20");
    world_kill(world, "int", &ladder, &answer);
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_int_equal(answer.exit_code, -1);
    assert_int_equal(answer.term_signal, SIGINT);
    assert_int_equal(answer.kill_signal, SIGINT);
    runner_answer_finish(&answer);
}

static void test_interrupted(void **state)
{
    (void)state;
    for_each_shell(interrupted);
}

/* A service in the background can be stopped by its id after the command has ended. */
static void service(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start = world_script("service", "sleep 20 & echo $! >pid; echo started");
    assert_true(world_start(world, &start, &answer));
    assert_true(answer.held);
    runner_answer_finish(&answer);
    world_kill(world, "service", &(struct runner_ladder){.term_ms = 10000}, &answer);
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_int_equal(answer.exit_code, 0);
    assert_false(answer.unconfirmed);
    runner_answer_finish(&answer);
    world_await_gone(pid_in(world, "pid"));
}

static void test_service(void **state)
{
    (void)state;
    for_each_shell(service);
}

/* A kill that overtakes its start: the start finds the mark and does not run. */
static void overtaken(struct world *world)
{
    struct runner_answer answer;
    world_kill(world, "early", &(struct runner_ladder){.term_ms = 100}, &answer);
    assert_int_equal(answer.state, RUNNER_NEVER);
    runner_answer_finish(&answer);
    struct runner_start start = world_script("early", "echo x >>count");
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_NEVER);
    runner_answer_finish(&answer);
    assert_int_not_equal(access(world_path(world, "count"), F_OK), 0);
}

static void test_overtaken(void **state)
{
    (void)state;
    for_each_shell(overtaken);
}

/* -- Output ----------------------------------------------------------------------------------------------------- */

static void output_limit(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start = world_script("yes", "trap '' PIPE; while :; do echo yyyyyyyyyyyyyyyy; done");
    start.max_output = 100000;
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_true(answer.output_limit);
    assert_false(answer.timed_out || answer.output_lost);
    assert_in_range(answer.out.total, 100000, 100511);
    runner_answer_finish(&answer);

    /* It has ended before anybody could kill it: its output is no less short. */
    start = world_script("short", "head -c 5000 /dev/zero");
    start.max_output = 1024;
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.out.total, 1024);
    assert_true(answer.output_limit);
    assert_false(answer.timed_out || answer.cancelled || answer.output_lost);
    runner_answer_finish(&answer);

    /* Exactly as much as is allowed is allowed. */
    start = world_script("exact", "head -c 1024 /dev/zero; head -c 1024 /dev/zero >&2");
    start.max_output = 1024;
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.out.total, 1024);
    assert_int_equal(answer.err.total, 1024);
    assert_int_equal(answer.exit_code, 0);
    assert_false(answer.output_limit || answer.output_lost);
    runner_answer_finish(&answer);
}

static void test_output_limit(void **state)
{
    (void)state;
    for_each_shell(output_limit);
}

/* The folder of the records on a small filesystem: the command goes on, its output is lost, its record is not. */
static void full_disk(struct world *world)
{
    struct runner_answer answer;
    assert_int_equal(mkdir(world->records, 0700), 0);
    if (mount("none", world->records, "tmpfs", 0, "size=256k,mode=700") != 0) {
        print_message("SKIP: cannot mount a small tmpfs: %s\n", strerror(errno));
        return;
    }
    struct runner_start start = world_script("full", "head -c 1000000 /dev/zero; echo x >count; exit 3");
    bool in_time = world_start(world, &start, &answer);
    struct runner_answer second;
    runner_answer_init(&second);
    struct runner_start more = world_script("more", "echo x >more");
    bool again = world_start(world, &more, &second);
    umount2(world->records, MNT_DETACH);
    assert_true(in_time && again);
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_true(answer.output_lost);
    assert_false(answer.output_limit);
    assert_int_equal(answer.exit_code, 3);
    assert_true(answer.out.total < 262144);
    assert_string_equal(world_read(world_path(world, "count")), "x\n");
    runner_answer_finish(&answer);
    /* With no room for its record a command is not started at all. */
    assert_int_equal(second.state, RUNNER_REFUSED);
    assert_int_equal(second.refusal, RUNNER_REFUSAL_DISK);
    assert_int_not_equal(access(world_path(world, "more"), F_OK), 0);
    runner_answer_finish(&second);
}

static void test_full_disk(void **state)
{
    (void)state;
    for_each_shell(full_disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_limit),   cmocka_unit_test(test_stubborn),
        cmocka_unit_test(test_survivor),     cmocka_unit_test(test_alone),
        cmocka_unit_test(test_no_processes), cmocka_unit_test(test_helper_killed),
        cmocka_unit_test(test_killed),       cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_service),      cmocka_unit_test(test_overtaken),
        cmocka_unit_test(test_output_limit), cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
