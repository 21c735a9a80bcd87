/* What a command writes arrives byte for byte, in two streams or in one, with its exit code or signal. */
#include "world.h"

#include <string.h>

static void expect(struct world *world, const char *script, int code, const char *out, const char *err)
{
    struct runner_answer answer;
    world_run(world, script, &answer);
    assert_int_equal(answer.exit_code, code);
    assert_int_equal(answer.term_signal, 0);
    assert_text(&answer.out.data, out);
    assert_text(&answer.err.data, err);
    assert_int_equal(answer.out.total, strlen(out));
    assert_int_equal(answer.err.total, strlen(err));
    runner_answer_finish(&answer);
}

static void simple(struct world *world)
{
    expect(world, "true", 0, "", "");
    expect(world, "echo hi", 0, "hi\n", "");
    expect(world, "echo out; echo err >&2; exit 7", 7, "out\n", "err\n");
    expect(world, "printf 'no newline'", 0, "no newline", "");
    expect(world, "printf '\\n\\n  two  \\n\\n'; printf '\\n' >&2", 0, "\n\n  two  \n\n", "\n");
    expect(world, "printf 'back\\\\slash \\ttab %%'", 0, "back\\slash \ttab %", "");
    expect(world, "exit 255", 255, "", "");
    expect(world, "set -e; false; echo not", 1, "", "");
    expect(world, "", 0, "", "");
}

static void test_simple(void **state)
{
    (void)state;
    for_each_shell(simple);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
