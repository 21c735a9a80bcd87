/* The native runner for CPUs other than this machine's: the same program under an emulator. Few tests: what may differ is
 * how it speaks to the kernel. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *const cpus[] = {"x86_64", "aarch64"};

/* The emulator under the runner's name: what is replaced by it has no idea. */
static bool emulate(struct world *world, const char *cpu)
{
    char self[400];
    char command[1200];
    struct stat info;
    ssize_t len = readlink("/proc/self/exe", self, 300);
    assert_true(len > 0);
    self[len] = '\0';
    snprintf(strrchr(self, '/'), 100, "/../../native/%s", cpu);
    if (stat(self, &info) != 0 || info.st_size == 0) {
        print_message("SKIP: this build has no native runner for %s: see the output of make\n", cpu);
        return false;
    }
    snprintf(command, sizeof command, "command -v qemu-%s >/dev/null", cpu);
    if (system(command) != 0) {
        print_message("SKIP: there is no qemu-%s (install qemu-user)\n", cpu);
        return false;
    }
    snprintf(world->native, sizeof world->native, "%s/.foreign", world->home);
    snprintf(command, sizeof command,
             "#!/bin/sh\nexec \"$(PATH=/usr/bin:/bin command -v qemu-%s)\" '%s' \"$@\"\n", cpu, self);
    world_write(world->native, command);
    assert_int_equal(chmod(world->native, 0755), 0);
    return true;
}

static void expect(struct world *world, const char *script, int code, int sig, const char *out)
{
    struct runner_answer answer;
    world_run(world, script, &answer);
    assert_true(answer.native);
    assert_int_equal(answer.exit_code, code);
    assert_int_equal(answer.term_signal, sig);
    assert_text(&answer.out.data, out);
    runner_answer_finish(&answer);
}

static void expect_input(struct world *world)
{
    static char data[100000];
    struct runner_answer answer;
    char id[32];
    eep_str argv[] = {STR("cat")};
    struct runner_start start = world_script(world_id(world, id), NULL);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 7 + i / 251);
    start.command = (struct runner_command){.argv = argv, .argv_count = 1, .stdin_data = {data, sizeof data}};
    assert_true(world_start(world, &start, &answer));
    assert_bytes(&answer.out.data, data, sizeof data);
    runner_answer_finish(&answer);
}

static void expect_limits(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start =
        world_script("limit", "trap '' INT; echo begun; while :; do sleep 0.05; done");
    start.time_limit_ms = 2000;
    start.ladder = (struct runner_ladder){.int_ms = 100, .term_ms = 10000, .kill_ms = 2000};
    assert_true(world_start(world, &start, &answer));
    assert_true(answer.timed_out);
    assert_int_equal(answer.kill_signal, 15);
    assert_text(&answer.out.data, "begun\n");
    runner_answer_finish(&answer);
    start = world_script("yes", "trap '' PIPE; while :; do echo yyyyyyyyyyyyyyyy; done");
    start.max_output = 1000;
    assert_true(world_start(world, &start, &answer));
    assert_true(answer.output_limit);
    assert_int_equal(answer.out.total, 1000);
    runner_answer_finish(&answer);
}

static void expect_news_and_kill(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start =
        world_script("news", "echo 1; while [ ! -e go ]; do sleep 0.01; done; echo 2; sleep 20");
    start.wait.news = true;
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.state, RUNNER_RUNNING);
    assert_text(&answer.out.data, "1\n");
    runner_answer_finish(&answer);
    world_write(world_path(world, "go"), "");
    struct runner_wait wait = {.news = true, .window_ms = 5000, .offset_out = 2, .inline_bytes = 100};
    world_attach(world, "news", &wait, &answer);
    assert_text(&answer.out.data, "2\n");
    runner_answer_finish(&answer);
    world_kill(world, "news", &(struct runner_ladder){.term_ms = 10000}, &answer);
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_true(answer.cancelled && !answer.unconfirmed);
    runner_answer_finish(&answer);
    world_drop(world, "news", &answer);
    assert_int_equal(answer.state, RUNNER_EXPIRED);
    runner_answer_finish(&answer);
}

static void under(const char *cpu)
{
    struct world world;
    world_init(&world, "dash", RUNNER_NATIVE);
    if (emulate(&world, cpu)) {
        expect(&world, "echo hi; exit 3", 3, 0, "hi\n");
        expect(&world, "kill -9 $$", -1, 9, "");
        expect(&world, "exit 130", 130, 0, "");
        expect(&world, "cd /; sleep 0.05 & echo bg; wait", 0, 0, "bg\n");
        expect_input(&world);
        expect_limits(&world);
        expect_news_and_kill(&world);
    }
    world_finish(&world);
}

static void test_foreign(void **state)
{
    struct utsname own;
    (void)state;
    assert_int_equal(uname(&own), 0);
    for (size_t i = 0; i < 2; i++)
        if (strcmp(cpus[i], own.machine) != 0) under(cpus[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_foreign)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
