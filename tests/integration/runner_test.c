/* runner_test.c: which runner does the work: how the native one gets into a sandbox, how others find it there, and that
 * its going away costs a request and nothing else. */
#include <stdio.h>

#include "executions.h"

static struct standin standin;
static char lease[EEP_LEASE_MAX + 1];

/* The program in the sandbox; its name tells the version. */
#define PROGRAM "~/.eep/runner-*"
/* Who is the command's parent? Both name themselves in their argument list. */
#define WHO "tr '\\0' ' ' </proc/$PPID/cmdline | grep -q /runner- && echo native || echo sh"

#define OPEN(runner) host_open(&standin, "'runner':'" runner "'")

/* A build without a compiler for this CPU has no program: then there is nothing to test, and that is said. */
static bool has_native(void)
{
    eep_env *env = OPEN("native");
    OUTCOME made = ACQUIRE(env);
    if (made.code == EEP_OK) host_destroy(env, made.lease.lease.ptr);
    plugin()->close(env);
    if (made.code == EEP_OK) return true;
    EXPECT(made, EEP_E_UNSUPPORTED);
    print_message("SKIP: this build has no native runner for this CPU: see the output of make\n");
    return false;
}

static int start(void **state)
{
    (void)state;
    standin_start(&standin, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    standin_stop(&standin);
    return 0;
}

static void expect_requests(const struct outcome *ran, unsigned expected)
{
    size_t count = standin_count(&standin, NULL, NULL);
    EXPECT(*ran, EEP_OK);
    if (count != expected) fail_msg("%zu requests, not %u:\n%s", count, expected, standin_log_text(&standin));
}

/* The first command brings the program along, without a request more; another environment, which has not seen the sandbox,
 * finds it with its first command, and knows from then on. */
static void test_is_found(void **state)
{
    (void)state;
    if (!has_native()) return;
    eep_env *env = OPEN("auto");
    standin_forget(&standin);
    host_acquire(env, lease);
    assert_int_equal(standin_count(&standin, NULL, NULL), 2);
    for (int i = 0; i < 2; i++) {
        standin_forget(&standin);
        OUTCOME ran = EXECUTE(env, lease, .script = TEXT(WHO));
        expect_requests(&ran, 1);
        EXPECT_OUTPUT(ran.execution.stdout_data, "native\n");
    }
    eep_env *other = OPEN("auto");
    for (unsigned requests = 2; requests > 0; requests--) {
        standin_forget(&standin);
        OUTCOME ran = EXECUTE(other, lease, .script = TEXT(WHO));
        expect_requests(&ran, requests);
        EXPECT_OUTPUT(ran.execution.stdout_data, "native\n");
    }
    plugin()->close(other);
    host_destroy(env, lease);
    plugin()->close(env);
}

/* Who only executes by the lease's id learns from the first answer that the program is not there, and for which CPU it would
 * be; the second command brings it along. */
static void test_comes_by_id(void **state)
{
    static const char *const by[] = {"sh\n", "native\n", "native\n"};
    (void)state;
    if (!has_native()) return;
    eep_env *sh = OPEN("sh");
    eep_env *other = OPEN("auto");
    host_acquire(sh, lease);
    for (unsigned i = 0; i < 3; i++) {
        standin_forget(&standin);
        OUTCOME ran = EXECUTE(other, lease, .script = TEXT(WHO));
        expect_requests(&ran, i == 0 ? 2 : 1);
        EXPECT_BYTES(ran.execution.stdout_data, by[i], strlen(by[i]));
    }
    plugin()->close(other);
    host_destroy(sh, lease);
    plugin()->close(sh);
}

/* Somebody cleans the home: the next command runs in sh after all, and after a resume the first one puts the program back. */
static void test_goes_away(void **state)
{
    (void)state;
    if (!has_native()) return;
    eep_env *env = OPEN("auto");
    host_acquire(env, lease);
    EXPECT_RUN(env, lease, "rm " PROGRAM "; echo x >>count", "");
    standin_forget(&standin);
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo x >>count; " WHO));
    expect_requests(&ran, 2);
    EXPECT_OUTPUT(ran.execution.stdout_data, "sh\n");
    EXPECT_RUN(env, lease, "cat count; " WHO, "x\nx\nsh\n");

    eep_env *other = OPEN("auto");
    standin_forget(&standin);
    OUTCOME back = RESUME(other, lease);
    expect_requests(&back, 2);
    EXPECT_RUN(other, lease, WHO, "native\n");
    plugin()->close(other);
    host_destroy(env, lease);
    plugin()->close(env);
}

/* A program that the shell takes for one and that the kernel does not run: what ran is looked for, then sh goes on. */
static void test_does_not_run(void **state)
{
    (void)state;
    if (!has_native()) return;
    eep_env *env = OPEN("auto");
    host_acquire(env, lease);
    EXPECT_RUN(env, lease, "f=$(echo " PROGRAM "); rm $f; printf '\\177ELF' >$f; chmod 700 $f", "");
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo x >>count; " WHO));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "sh\n");
    EXPECT_RUN(env, lease, "cat count", "x\n");
    host_destroy(env, lease);
    plugin()->close(env);
}

/* What one began the other goes on with, in both directions. */
static void test_mixed(void **state)
{
    (void)state;
    if (!has_native()) return;
    eep_env *sh = OPEN("sh");
    eep_env *native = OPEN("native");
    host_acquire(native, lease);
    for (int i = 0; i < 2; i++) {
        eep_env *env = i ? sh : native;
        eep_env *after = i ? native : sh;
        const char *id = i ? "by-sh" : "by-native";
        OUTCOME begun = EXECUTE(env, lease, .execution_id = text(id), .head.flags = EEP_EXECUTE_DETACH,
                                .time_limit_ms = 20000, .script = TEXT("echo out; exec sleep 20"));
        EXPECT(begun, EEP_OK);
        AWAIT(WRITTEN(id) > 0);
        env = after;
        OUTCOME killed = KILL(id);
        EXPECT(killed, EEP_OK);
        OUTCOME looked = LOOK(id);
        EXPECT(looked, EEP_OK);
        EXPECT_OUTPUT(looked.execution.stdout_data, "out\n");
        assert_int_equal(looked.execution.term_signal, 2);
        assert_true(FLAGS(looked) & EEP_EXECUTION_KILLED);
    }
    host_destroy(native, lease);
    plugin()->close(native);
    plugin()->close(sh);
}

/* `sh` never puts the program there; `native` says when it does not run; `auto` does without. */
static void test_insists(void **state)
{
    (void)state;
    if (!has_native()) return;
    eep_env *sh = OPEN("sh");
    eep_env *env = OPEN("auto");
    host_acquire(sh, lease);
    EXPECT_RUN(sh, lease, "ls " PROGRAM " 2>/dev/null | wc -l; " WHO, "0\nsh\n");
    OUTCOME brought = RESUME(env, lease);
    EXPECT(brought, EEP_OK);
    EXPECT_RUN(env, lease, WHO, "native\n");
    EXPECT_RUN(env, lease, "f=$(echo " PROGRAM "); rm $f; : >$f; " WHO, "native\n");

    eep_env *native = OPEN("native");
    OUTCOME refused = RESUME(native, lease);
    EXPECT(refused, EEP_E_SANDBOX);
    EXPECT_SAYS(refused, "set `runner` to auto");
    eep_env *other = OPEN("auto");
    standin_forget(&standin);
    OUTCOME back = RESUME(other, lease);
    expect_requests(&back, 2);
    EXPECT_RUN(other, lease, WHO, "sh\n");
    plugin()->close(other);
    plugin()->close(native);
    plugin()->close(env);
    host_destroy(sh, lease);
    plugin()->close(sh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_found),  cmocka_unit_test(test_comes_by_id),
        cmocka_unit_test(test_goes_away), cmocka_unit_test(test_does_not_run),
        cmocka_unit_test(test_mixed),     cmocka_unit_test(test_insists),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
