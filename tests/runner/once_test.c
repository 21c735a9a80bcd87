/* A command runs once, whatever happens to the requests, and its end is told to whoever asks. */
#include "world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/clock.h"

/* -- Races ------------------------------------------------------------------------------------------------------ */

static bool finish_start(struct world *world, struct pending *pending)
{
    struct runner_answer answer;
    assert_true(world_end(world, pending, &answer));
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_text(&answer.out.data, "ran\n");
    bool attached = answer.attached;
    runner_answer_finish(&answer);
    return attached;
}

/* Two requests with the same id at the same moment: one runs, one attaches, both get the output. */
static void race(struct world *world)
{
    for (int i = 0; i < 50; i++) {
        char id[32];
        struct pending pending[2];
        struct runner_start start = world_script(world_id(world, id), "echo x >>count; echo ran");
        world_begin(world, &start, &pending[0]);
        world_begin(world, &start, &pending[1]);
        /* Both shells are waiting for their text now. */
        world_feed(&pending[i % 2]);
        world_feed(&pending[1 - i % 2]);
        bool attached = finish_start(world, &pending[i % 2]);
        bool attached_too = finish_start(world, &pending[1 - i % 2]);
        assert_true(attached != attached_too);
    }
    assert_int_equal(strlen(world_read(world_path(world, "count"))), 100);
}

static void test_race(void **state)
{
    (void)state;
    for_each_shell(race);
}

static void again(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start = world_script("again", "echo x >>count; echo ran; exit 5");
    for (int i = 0; i < 3; i++) {
        assert_true(world_start(world, &start, &answer));
        assert_int_equal(answer.state, RUNNER_DONE);
        assert_int_equal(answer.exit_code, 5);
        assert_text(&answer.out.data, "ran\n");
        assert_int_equal(answer.attached, i > 0);
        assert_true(answer.started_at_ms > 1700000000000 && answer.finished_at_ms >= answer.started_at_ms);
        runner_answer_finish(&answer);
    }
    assert_string_equal(world_read(world_path(world, "count")), "x\n");

    /* The same id for something else. */
    start.command.script = STR("echo other");
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_CONFLICT);
    runner_answer_finish(&answer);
}

static void test_again(void **state)
{
    (void)state;
    for_each_shell(again);
}

/* -- Windows and attaching -------------------------------------------------------------------------------------- */

/* The service kills the request at its window; the command goes on and is attached to. */
static void window(struct world *world)
{
    struct pending pending;
    struct runner_answer answer;
    struct runner_wait wait = {.news = true, .window_ms = 5000, .inline_bytes = 100};
    struct runner_start start = world_script(
        "window", "echo before; : >begun; while [ ! -e go ]; do sleep 0.01; done; echo after; echo $$ >pid");
    world_begin(world, &start, &pending);
    world_feed(&pending);
    world_await_file(world_path(world, "begun"));
    world->window_ms = 0;
    assert_false(world_end(world, &pending, &answer));
    world->window_ms = 20000;

    world_attach(world, "window", &wait, &answer);
    assert_int_equal(answer.state, RUNNER_RUNNING);
    assert_text(&answer.out.data, "before\n");
    runner_answer_finish(&answer);

    world_write(world_path(world, "go"), "");
    wait = (struct runner_wait){.window_ms = 5000, .offset_out = 7, .inline_bytes = 100};
    world_attach(world, "window", &wait, &answer);
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_text(&answer.out.data, "after\n");
    assert_int_equal(answer.out.total, 13);
    runner_answer_finish(&answer);
}

static void test_window(void **state)
{
    (void)state;
    for_each_shell(window);
}

/* Live output: a start and attaches that return at the first new byte; no byte twice or missing. */
static void news(struct world *world)
{
    static const char script[] =
        "for i in 1 2 3; do echo $i; while [ ! -e go$i ]; do sleep 0.01; done; done; exit 3";
    struct runner_answer answer;
    struct runner_start start = world_script("news", script);
    start.wait.news = true;
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_RUNNING);
    assert_text(&answer.out.data, "1\n");
    for (int i = 1; i <= 3; i++) {
        char name[16];
        char expected[16];
        struct runner_wait wait = {
            .news = true, .window_ms = 5000, .offset_out = (uint64_t)i * 2, .inline_bytes = 100};
        snprintf(name, sizeof name, "go%d", i);
        snprintf(expected, sizeof expected, i < 3 ? "%d\n" : "", i + 1);
        world_write(world_path(world, name), "");
        runner_answer_finish(&answer);
        world_attach(world, "news", &wait, &answer);
        assert_text(&answer.out.data, expected);
    }
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_int_equal(answer.exit_code, 3);
    runner_answer_finish(&answer);
}

static void test_news(void **state)
{
    (void)state;
    for_each_shell(news);
}

/* A start that returns at news still tells everything when there is none before the end, and INT is not ignored. */
static void short_news(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start = world_script("short", "trap 'exit 4' INT; kill -INT $$; exit 5");
    start.wait.news = true;
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_int_equal(answer.exit_code, 4);
    runner_answer_finish(&answer);
}

static void test_short_news(void **state)
{
    (void)state;
    for_each_shell(short_news);
}

static void nobody(struct world *world)
{
    struct runner_answer answer;
    struct runner_wait wait = {.window_ms = 5000, .inline_bytes = 100};
    world_attach(world, "nobody", &wait, &answer);
    assert_int_equal(answer.state, RUNNER_NONE);
    assert_int_equal(runner_next_step(RUNNER_REQUEST_ATTACH, &answer), RUNNER_STEP_START);
    runner_answer_finish(&answer);
}

static void test_nobody(void **state)
{
    (void)state;
    for_each_shell(nobody);
}

/* -- Ends that nobody told -------------------------------------------------------------------------------------- */

static void lost(struct world *world)
{
    struct runner_answer answer;
    struct runner_wait wait = {.window_ms = 5000, .inline_bytes = 100};
    struct runner_start start = world_script("lost", "echo x >>count; echo begun; echo $$ >pid; sleep 20");
    start.wait.news = true;
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_RUNNING);
    runner_answer_finish(&answer);
    world_await_file(world_path(world, "pid"));
    int supervisor = world_supervisor(world, "lost");
    kill(supervisor, SIGKILL);
    world_await_gone(supervisor);
    world_attach(world, "lost", &wait, &answer);
    assert_int_equal(answer.state, RUNNER_LOST);
    assert_text(&answer.out.data, "begun\n");
    struct err err = ERR_INIT;
    assert_int_equal(runner_answer_error(&answer, &err), EEP_E_INTERRUPTED);
    runner_answer_finish(&answer);

    /* It is never run again, and a kill ends what is left of it. */
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_LOST);
    runner_answer_finish(&answer);
    int command = atoi(world_read(world_path(world, "pid")));
    world_kill(world, "lost", &(struct runner_ladder){.term_ms = 2000}, &answer);
    runner_answer_finish(&answer);
    world_await_gone(command);
    assert_string_equal(world_read(world_path(world, "count")), "x\n");
}

static void test_lost(void **state)
{
    (void)state;
    for_each_shell(lost);
}

/* Starts it, and waits until all have come to rest: how many there are. */
static size_t begin_guarded(struct world *world, const char *id, const char *script, int pids[WORLD_HELPERS])
{
    struct runner_answer answer;
    struct runner_start start = world_script(id, script);
    size_t count = 0;
    start.wait.news = true;
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_RUNNING);
    runner_answer_finish(&answer);
    for (int quiet = 0; quiet < 5; usleep(10000)) {
        size_t now = world_helpers(world, id, pids);
        quiet = now == count ? quiet + 1 : 0;
        count = now;
    }
    return count;
}

/* One of the helpers is killed: the outcome is told all the same, and output that may be short is told as lost. */
static void helpers_killed(struct world *world)
{
    static const char script[] = "echo begun; while [ ! -e go ]; do sleep 0.01; done; echo ended; exit 3";
    struct runner_answer answer;
    int pids[WORLD_HELPERS];
    char id[32];
    size_t count = 1;
    for (size_t i = 0; i < count; i++) {
        unlink(world_path(world, "go"));
        count = begin_guarded(world, world_id(world, id), script, pids);
        if (i >= count) return;
        kill(pids[i], SIGKILL);
        world_await_gone(pids[i]);
        world_write(world_path(world, "go"), "");
        world_await(world, id, RUNNER_DONE, &answer);
        assert_int_equal(answer.exit_code, 3);
        if (!answer.output_lost) assert_text(&answer.out.data, "begun\nended\n");
        runner_answer_finish(&answer);
    }
}

static void test_helpers_killed(void **state)
{
    (void)state;
    for_shell("dash", helpers_killed); /* it is the sh of zsh, too */
    for_shell("bash", helpers_killed);
    for_shell("busybox ash", helpers_killed);
}

/* Somebody ends processes by name, politely: the supervisor stays, and so does the record. */
static void polite_signals(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start =
        world_script("polite", "echo begun; while [ ! -e go ]; do sleep 0.01; done; exit 3");
    start.wait.news = true;
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_RUNNING);
    runner_answer_finish(&answer);
    int supervisor = world_supervisor(world, "polite");
    assert_int_equal(kill(supervisor, SIGHUP), 0);
    assert_int_equal(kill(supervisor, SIGINT), 0);
    assert_int_equal(kill(supervisor, SIGTERM), 0);
    world_write(world_path(world, "go"), "");
    world_await(world, "polite", RUNNER_DONE, &answer);
    assert_int_equal(answer.exit_code, 3);
    assert_text(&answer.out.data, "begun\n");
    runner_answer_finish(&answer);
}

static void test_polite_signals(void **state)
{
    (void)state;
    for_each_shell(polite_signals);
}

/* Somebody is about to kill it and has climbed no rung yet, when it ends by itself. */
static void nearly_killed(struct world *world)
{
    char name[64];
    struct runner_answer answer;
    struct runner_start start =
        world_script("nearly", "echo begun; while [ ! -e go ]; do sleep 0.01; done; exit 3");
    start.wait.news = true;
    assert_true(world_start(world, &start, &answer));
    runner_answer_finish(&answer);
    snprintf(name, sizeof name, ".eep/%s.k", world_own("nearly"));
    world_write(world_path(world, name), "");
    world_write(world_path(world, "go"), "");
    world_await(world, "nearly", RUNNER_DONE, &answer);
    assert_int_equal(answer.exit_code, 3);
    assert_int_equal(answer.kill_signal, 0);
    assert_false(answer.cancelled || answer.timed_out || answer.unconfirmed);
    runner_answer_finish(&answer);
}

static void test_nearly_killed(void **state)
{
    (void)state;
    for_each_shell(nearly_killed);
}

static void write_marker(struct world *world, const char *id, const char *text)
{
    char name[128];
    snprintf(name, sizeof name, ".eep/%s.p", world_own(id));
    world_write(world_path(world, name), text);
}

static void expect_state(struct world *world, const char *id, enum runner_state state)
{
    struct runner_answer answer;
    struct runner_wait wait = {.window_ms = 1000, .inline_bytes = 100};
    world_attach(world, id, &wait, &answer);
    assert_int_equal(answer.state, state);
    runner_answer_finish(&answer);
}

/* Markers as a crash or a reboot leaves them. */
static void crashes(struct world *world)
{
    struct runner_answer answer;
    world_run(world, "true", &answer);
    runner_answer_finish(&answer);
    write_marker(world, "empty", "");
    expect_state(world, "empty", RUNNER_NEVER);
    write_marker(world, "cut", "EEP1 00112233");
    expect_state(world, "cut", RUNNER_NEVER);
    write_marker(world, "marked", "EEP1 00112233445566778899aabbccddeeff 1 1 0 1700000000000 0 .\n   \n");
    expect_state(world, "marked", RUNNER_NEVER);
    write_marker(world, "ran",
                 "EEP1 00112233445566778899aabbccddeeff 1 1 0 1700000000000 0 .\nran 1 1 1 .\n   \n");
    expect_state(world, "ran", RUNNER_LOST);
    /* The pid lives, but it is another process: another start time, or another boot. */
    char text[200];
    snprintf(text, sizeof text,
             "EEP1 00112233445566778899aabbccddeeff %d 1 0 1700000000000 0 .\nran 1 1 1 .\n", getpid());
    write_marker(world, "reused", text);
    expect_state(world, "reused", RUNNER_LOST);
}

static void test_crashes(void **state)
{
    (void)state;
    for_each_shell(crashes);
}

/* -- Many ------------------------------------------------------------------------------------------------------- */

/* A hundred in a row leave three files each and no process. */
static void many(struct world *world)
{
    struct runner_answer answer;
    for (int i = 0; i < 100; i++) {
        world_run(world, "echo x >>count", &answer);
        runner_answer_finish(&answer);
    }
    assert_int_equal(strlen(world_read(world_path(world, "count"))), 200);
    /* The supervisors have the folder's name in their arguments. */
    for (int64_t end = clock_now_ms() + WORLD_LIMIT_MS; world_in_arguments(world->home);)
        assert_true(clock_now_ms() < end);
    char command[500];
    /* And w, and clock, which only sh needs. */
    snprintf(command, sizeof command, "test $(ls -A %s | grep -vx clock | wc -l) = 301", world->records);
    assert_int_equal(system(command), 0);
}

static void test_many(void **state)
{
    (void)state;
    for_each_shell(many);
}

/* -- Where the records are --------------------------------------------------------------------------------------- */

/* Asks for what has run already: it must be found. */
static void run_moved(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start = world_script("moved", "echo x >>count; echo hi");
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_text(&answer.out.data, "hi\n");
    runner_answer_finish(&answer);
    assert_string_equal(world_read(world_path(world, "count")), "x\n");
}

/* The home cannot be written at first, and can later: the records are in the temporary folder still. */
static void home_comes(struct world *world)
{
    char home[300];
    char tmp[300];
    snprintf(home, sizeof home, "HOME=%s", world->home);
    snprintf(tmp, sizeof tmp, "TMPDIR=%s", world->home);
    world_setenv(world, "HOME=/proc");
    world_setenv(world, tmp);
    run_moved(world);
    world_setenv(world, home);
    run_moved(world);
}

static void test_home_comes(void **state)
{
    (void)state;
    for_each_shell(home_comes);
}

/* The records' filesystem becomes read-only, as after a failure of the disk: they can still be read. */
static void home_goes(struct world *world)
{
    char tmp[300];
    snprintf(tmp, sizeof tmp, "TMPDIR=%s", world->home);
    world_setenv(world, tmp);
    run_moved(world);
    if (mount(world->records, world->records, NULL, MS_BIND, NULL) != 0 ||
        mount(NULL, world->records, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0) {
        print_message("SKIP: cannot mount: %s\n", strerror(errno));
        return;
    }
    run_moved(world);
    umount2(world->records, MNT_DETACH);
}

static void test_home_goes(void **state)
{
    (void)state;
    for_each_shell(home_goes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_race),           cmocka_unit_test(test_again),
        cmocka_unit_test(test_window),         cmocka_unit_test(test_news),
        cmocka_unit_test(test_short_news),     cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_lost),           cmocka_unit_test(test_helpers_killed),
        cmocka_unit_test(test_polite_signals), cmocka_unit_test(test_crashes),
        cmocka_unit_test(test_nearly_killed),  cmocka_unit_test(test_many),
        cmocka_unit_test(test_home_comes),     cmocka_unit_test(test_home_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
