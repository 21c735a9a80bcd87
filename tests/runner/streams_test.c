/* What a command writes arrives byte for byte, in two streams or in one, with its exit code or signal, and nothing
 * that it leaves behind holds the answer up. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static void expect(struct world *world, const char *script, int code, const char *out, const char *err)
{
    struct runner_answer answer;
    world_run(world, script, &answer);
    assert_text(&answer.out.data, out);
    assert_text(&answer.err.data, err);
    assert_int_equal(answer.exit_code, code);
    assert_int_equal(answer.term_signal, 0);
    assert_int_equal(answer.out.total, strlen(out));
    assert_int_equal(answer.err.total, strlen(err));
    assert_false(answer.held || answer.output_lost || answer.attached);
    runner_answer_finish(&answer);
}

static void simple(struct world *world)
{
    expect(world, "true", 0, "", "");
    expect(world, "", 0, "", "");
    expect(world, "echo hi", 0, "hi\n", "");
    expect(world, "echo out; echo err >&2; exit 7", 7, "out\n", "err\n");
    expect(world, "printf 'no newline'", 0, "no newline", "");
    expect(world, "printf '\\n\\n  two  \\n\\n'; printf '\\n' >&2", 0, "\n\n  two  \n\n", "\n");
    expect(world, "printf 'back\\\\slash \\ttab %% EEP1 x end\\n'", 0, "back\\slash \ttab % EEP1 x end\n",
           "");
    expect(world, "exit 255", 255, "", "");
    expect(world, "exit 137", 137, "", "");
    expect(world, "set -e; false; echo not", 1, "", "");
    expect(world, "cat; echo after", 0, "after\n", ""); /* stdin is /dev/null, not the request's text */
}

static void test_simple(void **state)
{
    (void)state;
    for_each_shell(simple);
}

/* -- Bytes ------------------------------------------------------------------------------------------------------ */

#define ALL_BYTES                                                                                            \
    "for i in 0 1 2 3; do for j in 0 1 2 3 4 5 6 7; do for k in 0 1 2 3 4 5 6 7; do printf \"\\\\$i$j$k\"; " \
    "done; done; done"

static void all_bytes(struct world *world)
{
    struct runner_answer answer;
    unsigned char expected[256];
    for (int i = 0; i < 256; i++)
        expected[i] = (unsigned char)i;
    world->service.lossy = true;
    world_run(world, ALL_BYTES "; { " ALL_BYTES "; } >&2", &answer);
    assert_bytes(&answer.out.data, expected, sizeof expected);
    assert_bytes(&answer.err.data, expected, sizeof expected);
    runner_answer_finish(&answer);
    world_run(world, "printf 'a\\000b'", &answer);
    assert_bytes(&answer.out.data, "a\0b", 3);
    runner_answer_finish(&answer);
}

static void test_all_bytes(void **state)
{
    (void)state;
    for_each_shell(all_bytes);
}

/* One megabyte on each stream; the answer brings what was asked for, and offsets bring the rest. */
static void large(struct world *world)
{
    const size_t len = 1000000;
    struct runner_answer answer;
    struct runner_start start = world_script("large", "head -c 1000000 /dev/zero | tee /dev/stderr");
    assert_true(world_start(world, &start, &answer));
    assert_int_equal(answer.out.total, len);
    assert_int_equal(answer.out.data.len, len);
    assert_int_equal(answer.err.data.len, len);
    for (size_t i = 0; i < len; i++)
        assert_true(answer.out.data.data[i] == 0 && answer.err.data.data[i] == 0);
    runner_answer_finish(&answer);

    struct runner_wait wait = {.offset_out = len - 5, .offset_err = len, .inline_bytes = 100};
    world_attach(world, "large", &wait, &answer);
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_bytes(&answer.out.data, "\0\0\0\0\0", 5);
    assert_int_equal(answer.err.data.len, 0);
    runner_answer_finish(&answer);
}

static void test_large(void **state)
{
    (void)state;
    for_each_shell(large);
}

/* A script that reopens its own streams (a file would be truncated by that). */
static void reopen(struct world *world)
{
    expect(world, "echo one >&2; echo two >/dev/stderr; echo three >&2", 0, "", "one\ntwo\nthree\n");
    expect(world, "echo A; echo B | tee /dev/stdout; echo C", 0, "A\nB\nB\nC\n", "");
}

static void test_reopen(void **state)
{
    (void)state;
    for_each_shell(reopen);
}

static void merged(struct world *world)
{
    struct runner_answer answer;
    struct runner_start start = world_script("merged", "for i in 1 2 3 4 5; do echo $i; echo e$i >&2; done");
    start.command.merge = true;
    assert_true(world_start(world, &start, &answer));
    assert_text(&answer.out.data, "1\ne1\n2\ne2\n3\ne3\n4\ne4\n5\ne5\n");
    assert_int_equal(answer.err.total, 0);
    assert_false(world_has(world, "merged", "e"));
    runner_answer_finish(&answer);
}

static void test_merged(void **state)
{
    (void)state;
    for_each_shell(merged);
}

/* -- Signals ---------------------------------------------------------------------------------------------------- */

static void expect_signal(struct world *world, const char *script, int code, int sig)
{
    struct runner_answer answer;
    world_run(world, script, &answer);
    assert_int_equal(answer.exit_code, code);
    assert_int_equal(answer.term_signal, sig);
    assert_int_equal(answer.kill_signal, 0);
    runner_answer_finish(&answer);
}

static void signals(struct world *world)
{
    expect_signal(world, "kill -9 $$", -1, 9);
    expect_signal(world, "kill -TERM $$", -1, 15);
    expect_signal(world, "kill -HUP $$", -1, 1);
    expect_signal(world, "kill -9 0", -1, 9); /* the command's group is not the supervisor's */
    if (world_is_native(world)) {
        expect_signal(world, "kill -INT $$", -1, 2);
        expect_signal(world, "exit 130", 130, 0);
        expect_signal(world, "exit 141", 141, 0);
        expect_signal(world, "kill -PIPE $$", -1, 13);
    } else {
        /* Silent in every sh: told as unknown. */
        expect_signal(world, "kill -INT $$", 130, -1);
        expect_signal(world, "exit 130", 130, -1);
    }
    expect_signal(world, "trap 'exit 3' INT; kill -INT $$; exit 4", 3, 0); /* INT is not ignored */
    expect_signal(world, "exit 143", 143, 0);
}

static void test_signals(void **state)
{
    (void)state;
    for_each_shell(signals);
}

/* -- Background children ---------------------------------------------------------------------------------------- */

static void background(struct world *world)
{
    struct runner_answer answer;
    int64_t begin = clock_now_ms();
    struct runner_start start =
        world_script("held", "{ while [ ! -e go ]; do sleep 0.01; done; echo late; } & echo started");
    assert_true(world_start(world, &start, &answer));
    assert_true(clock_now_ms() - begin < 15000);
    assert_int_equal(answer.state, RUNNER_DONE);
    assert_int_equal(answer.exit_code, 0);
    assert_true(answer.held);
    assert_text(&answer.out.data, "started\n");
    runner_answer_finish(&answer);

    /* What it writes later is kept, and held ends with it. */
    world_write(world_path(world, "go"), "");
    struct runner_wait wait = {.offset_out = 8, .inline_bytes = 100};
    int64_t end = clock_now_ms() + WORLD_LIMIT_MS;
    for (bool held = true; held;) {
        runner_answer_finish(&answer);
        world_attach(world, "held", &wait, &answer);
        held = answer.held;
        assert_true(clock_now_ms() < end);
    }
    assert_text(&answer.out.data, "late\n");
    runner_answer_finish(&answer);
}

static void test_background(void **state)
{
    (void)state;
    for_each_shell(background);
}

/* A child that has given the streams up holds nothing. (It does so when it has begun, which is waited for.) */
static void released(struct world *world)
{
    expect(world,
           "(exec >/dev/null 2>&1; : >free; exec sleep 20) & echo $! >pid; "
           "while [ ! -e free ]; do sleep 0.01; done; echo started",
           0, "started\n", "");
    char command[64];
    snprintf(command, sizeof command, "kill %d", atoi(world_read(world_path(world, "pid"))));
    expect(world, command, 0, "", "");
}

static void test_released(void **state)
{
    (void)state;
    for_each_shell(released);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple),     cmocka_unit_test(test_all_bytes), cmocka_unit_test(test_large),
        cmocka_unit_test(test_reopen),     cmocka_unit_test(test_merged),    cmocka_unit_test(test_signals),
        cmocka_unit_test(test_background), cmocka_unit_test(test_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
