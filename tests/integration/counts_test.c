/* counts_test.c: how many requests a call makes, counted by the server. A round trip is what a call costs, so
 * these numbers are promises.
 *
 * Each count is taken in a process of its own: this program again, with the name of what to count. */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "process.h"

static struct standin standin;
static char lease[EEP_LEASE_MAX + 1];

static int start(void **state)
{
    (void)state;
    standin_start(&standin, NULL);
    eep_env *env = host_open(&standin, NULL);
    host_acquire(env, lease);
    plugin()->close(env);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    standin_stop(&standin);
    return 0;
}

/* -- In the fresh process ---------------------------------------------------------------------- */

static void expect_requests(size_t expected)
{
    size_t count = standin_count(&standin, NULL, NULL);
    if (count != expected)
        fail_msg("%zu requests, not %zu:\n%s", count, expected, standin_log_text(&standin));
}

static void count_acquire(eep_env *env, const char *unused)
{
    (void)unused;
    standin_forget(&standin);
    OUTCOME made = ACQUIRE(env);
    EXPECT(made, EEP_OK);
    expect_requests(2);
    host_destroy(env, made.lease.lease.ptr);
}

static void count_resume_anew(eep_env *env, const char *id)
{
    standin_forget(&standin);
    OUTCOME back = RESUME(env, id);
    EXPECT(back, EEP_OK);
    expect_requests(2);
}

static void count_resume_again(eep_env *env, const char *id)
{
    OUTCOME first = RESUME(env, id);
    EXPECT(first, EEP_OK);
    standin_forget(&standin);
    OUTCOME second = RESUME(env, id);
    EXPECT(second, EEP_OK);
    assert_string_equal(second.lease.workspace.ptr, first.lease.workspace.ptr);
    expect_requests(1);
}

static void count_execute(eep_env *env, const char *id)
{
    OUTCOME back = RESUME(env, id);
    EXPECT(back, EEP_OK);
    standin_forget(&standin);
    OUTCOME ran = EXECUTE(env, id, .script = TEXT("echo out; echo err >&2; exit 3"));
    EXPECT(ran, EEP_OK);
    assert_int_equal(ran.execution.exit_code, 3);
    EXPECT_OUTPUT(ran.execution.stdout_data, "out\n");
    assert_int_equal(ran.execution.requests, 1);
    expect_requests(1);
}

static void count_stdin(eep_env *env, const char *id)
{
    enum { SIZE = 64 * 1024 };
    char *input = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        input[i] = (char)(i * 7 + i / 256);
    OUTCOME back = RESUME(env, id);
    EXPECT(back, EEP_OK);
    standin_forget(&standin);
    OUTCOME ran = EXECUTE(env, id, ARGV(TEXT("cat")), .stdin_data = {input, SIZE});
    EXPECT(ran, EEP_OK);
    EXPECT_BYTES(ran.execution.stdout_data, input, SIZE);
    expect_requests(1);
    free(input);
}

static void count_execute_anew(eep_env *env, const char *id)
{
    standin_forget(&standin);
    OUTCOME ran = EXECUTE(env, id, .script = TEXT("echo x"));
    EXPECT(ran, EEP_OK);
    assert_int_equal(ran.execution.requests, 2);
    expect_requests(2);
}

static void start_by_id(eep_env *env, const char *id)
{
    OUTCOME ran = EXECUTE(env, id, .execution_id = TEXT("by-id"), .script = TEXT("echo first"));
    EXPECT(ran, EEP_OK);
}

static void count_attach_by_id(eep_env *env, const char *id)
{
    standin_forget(&standin);
    OUTCOME ran = EXECUTE(env, id, .execution_id = TEXT("by-id"), .script = TEXT("echo first"));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "first\n");
    assert_true(ran.execution.head.flags & EEP_EXECUTION_ATTACHED);
    expect_requests(2);
}

static void count_realize(eep_env *env, const char *id)
{
    OUTCOME back = RESUME(env, id);
    EXPECT(back, EEP_OK);
    standin_forget(&standin);
    OUTCOME realized = REALIZE(env, id);
    EXPECT(realized, EEP_OK);
    if (standin_count(&standin, NULL, NULL) > 0) expect_requests(1);
}

static void count_release(eep_env *env, const char *unused)
{
    char own[EEP_LEASE_MAX + 1];
    (void)unused;
    for (uint32_t mode = EEP_RELEASE_STOP; mode <= EEP_RELEASE_DESTROY; mode++) {
        host_acquire(env, own);
        standin_forget(&standin);
        OUTCOME released = RELEASE(env, own, mode);
        EXPECT(released, EEP_OK);
        expect_requests(1);
    }
}

/* Nobody's state is asked for in advance, and connections are kept. */
static void count_many(eep_env *env, const char *id)
{
    OUTCOME back = RESUME(env, id);
    EXPECT(back, EEP_OK);
    standin_forget(&standin);
    for (int i = 0; i < 20; i++) {
        OUTCOME ran = EXECUTE(env, id, ARGV(TEXT("true")));
        EXPECT(ran, EEP_OK);
    }
    expect_requests(20);
    assert_int_equal(standin_connections(&standin), 1);
}

static const struct counted {
    const char *name;
    void (*count)(eep_env *env, const char *lease);
} all[] = {
    {"acquire", count_acquire},
    {"resume-anew", count_resume_anew},
    {"resume-again", count_resume_again},
    {"execute", count_execute},
    {"stdin", count_stdin},
    {"execute-anew", count_execute_anew},
    {"start-by-id", start_by_id},
    {"attach-by-id", count_attach_by_id},
    {"realize", count_realize},
    {"release", count_release},
    {"many", count_many},
};

/* counts_test NAME API LEASE; a failed assertion ends the process with another code. */
static int count_one(const char *name, const char *api, const char *id)
{
    standin_attach(&standin, api);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (strcmp(all[i].name, name) != 0) continue;
        eep_env *env = host_open(&standin, NULL);
        all[i].count(env, id);
        plugin()->close(env);
        return 0;
    }
    return 2;
}

/* -- In the test ------------------------------------------------------------------------------- */

static void acquire_takes_two(void **state)
{
    (void)state;
    IN_FRESH_PROCESS("acquire", standin.api, "-");
}

static void resume_takes_two_or_one(void **state)
{
    (void)state;
    IN_FRESH_PROCESS("resume-anew", standin.api, lease);
    IN_FRESH_PROCESS("resume-again", standin.api, lease);
}

static void execute_takes_one(void **state)
{
    (void)state;
    IN_FRESH_PROCESS("execute", standin.api, lease);
    IN_FRESH_PROCESS("stdin", standin.api, lease);
    IN_FRESH_PROCESS("many", standin.api, lease);
}

static void execute_in_a_new_process_takes_two(void **state)
{
    (void)state;
    IN_FRESH_PROCESS("execute-anew", standin.api, lease);
    IN_FRESH_PROCESS("start-by-id", standin.api, lease);
    IN_FRESH_PROCESS("attach-by-id", standin.api, lease);
}

static void an_empty_realize_takes_one(void **state)
{
    (void)state;
    IN_FRESH_PROCESS("realize", standin.api, lease);
}

static void release_takes_one(void **state)
{
    (void)state;
    IN_FRESH_PROCESS("release", standin.api, "-");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acquire_takes_two),          cmocka_unit_test(resume_takes_two_or_one),
        cmocka_unit_test(execute_takes_one),          cmocka_unit_test(execute_in_a_new_process_takes_two),
        cmocka_unit_test(an_empty_realize_takes_one), cmocka_unit_test(release_takes_one),
    };
    if (argc == 4) return count_one(argv[1], argv[2], argv[3]);
    return cmocka_run_group_tests(tests, start, stop);
}
