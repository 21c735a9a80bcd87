/* execute_test.c: execute: how a command is given, where it runs, how it ends, and that an id runs once. */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"

static struct standin standin;
static eep_env *env;
static char lease[EEP_LEASE_MAX + 1];
static char workspace[256];

static int start(void **state)
{
    (void)state;
    standin_start(&standin, NULL);
    env = host_open(&standin, NULL);
    OUTCOME made = ACQUIRE(env);
    EXPECT(made, EEP_OK);
    snprintf(lease, sizeof lease, "%s", made.lease.lease.ptr);
    snprintf(workspace, sizeof workspace, "%s", made.lease.workspace.ptr);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    host_destroy(env, lease);
    plugin()->close(env);
    standin_stop(&standin);
    return 0;
}

/* -- The command ------------------------------------------------------------------------------- */

static void arguments_are_not_interpreted(void **state)
{
    (void)state;
    OUTCOME ran =
        EXECUTE(env, lease,
                ARGV(TEXT("printf"), TEXT("[%s]"), TEXT("two words"), TEXT(""), TEXT("$HOME `id` \\n"),
                     TEXT("'\""), TEXT("new\nline"), TEXT("-n"), TEXT("*"), TEXT("\xff\x01")));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data,
                  "[two words][][$HOME `id` \\n]['\"][new\nline][-n][*][\xff\x01]");
    assert_int_equal(ran.execution.head.flags, 0);
    assert_true(ran.execution.execution_id.len > 0);
    assert_true(ran.execution.requests >= 1);
}

static void scripts_are(void **state)
{
    (void)state;
    EXPECT_RUN(env, lease, "for i in 1 2 3; do echo $i; done | tac", "3\n2\n1\n");
    EXPECT_RUN(env, lease, "", "");
    OUTCOME named = EXECUTE(env, lease, .script = TEXT("echo $0"), .shell = TEXT("/bin/sh"));
    EXPECT(named, EEP_OK);
    assert_int_equal(named.execution.exit_code, 0);
}

static void a_long_script_is_a_script(void **state)
{
    (void)state;
    enum { SIZE = 300000 };
    char *script = malloc(SIZE);
    memset(script, '#', SIZE);
    memcpy(script, "echo begin\n", 11);
    memcpy(script + SIZE - 10, "\necho end\n", 10);
    OUTCOME ran = EXECUTE(env, lease, .script = {script, SIZE});
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "begin\nend\n");
    free(script);
}

static void a_missing_program_is_127(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("no-such-program")));
    EXPECT(ran, EEP_OK);
    assert_int_equal(ran.execution.exit_code, 127);
}

static void a_missing_shell_is_told(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("true"), .shell = TEXT("/no/such/shell"));
    if (ran.code != EEP_OK)
        EXPECT(ran, EEP_E_NOT_FOUND);
    else
        assert_int_equal(ran.execution.exit_code, 127);
}

static void expect_cwd(const char *cwd, const char *expected)
{
    OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("pwd")), .cwd = text(cwd));
    EXPECT(ran, EEP_OK);
    char line[600];
    snprintf(line, sizeof line, "%s\n", expected);
    EXPECT_BYTES(ran.execution.stdout_data, line, strlen(line));
}

static void commands_run_where_told(void **state)
{
    (void)state;
    char expected[512];
    OUTCOME made = EXECUTE(env, lease, .script = TEXT("mkdir -p 'sub/-dir x' -- '-d'"));
    EXPECT(made, EEP_OK);
    OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("pwd")));
    EXPECT(ran, EEP_OK);
    assert_memory_equal(ran.execution.stdout_data.ptr, workspace, strlen(workspace));
    snprintf(expected, sizeof expected, "%s/sub/-dir x", workspace);
    expect_cwd("sub/-dir x", expected);
    expect_cwd("/usr", "/usr");
    snprintf(expected, sizeof expected, "%s/-d", workspace);
    expect_cwd("-d", expected);
}

/* And the command has not run. */
static void a_missing_cwd_is_not_found(void **state)
{
    (void)state;
    static const char *const missing[] = {"nowhere", "/nowhere", "/etc/passwd", "sub/../../../nowhere"};
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo x >>~/ran-anyway"), .cwd = text(missing[i]));
        EXPECT(ran, EEP_E_NOT_FOUND);
        assert_null(ran.execution.stdout_data.ptr);
        assert_true(ran.err.execution_id.len > 0);
        assert_string_equal(ran.err.lease.ptr, lease);
    }
    EXPECT_RUN(env, lease, "test ! -e ~/ran-anyway", "");
}

static void env_is_bytes(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(
        env, lease, .script = TEXT("printf '%s|%s|%s' \"$A\" \"$B_2\" \"$EMPTY\"; env | grep -c ^EMPTY="),
        ENV({TEXT("A"), TEXT("x y\n'\"$A\\\xff\x01 ")}, {TEXT("B_2"), TEXT("=")}, {TEXT("EMPTY"), TEXT("")}));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "x y\n'\"$A\\\xff\x01 |=|1\n");
}

/* Every process of the sandbox can read argument lists. */
static void env_is_in_no_argument_list(void **state)
{
    (void)state;
    OUTCOME found =
        EXECUTE(env, lease, .script = TEXT("cat /proc/[0-9]*/cmdline | grep -ac \"hidden\\-value\""),
                ENV({TEXT("T"), TEXT("hidden-value")}));
    EXPECT(found, EEP_OK);
    EXPECT_OUTPUT(found.execution.stdout_data, "0\n");
}

static void stdin_is_given_or_empty(void **state)
{
    (void)state;
    OUTCOME none = EXECUTE(env, lease, ARGV(TEXT("cat")));
    EXPECT(none, EEP_OK);
    EXPECT_OUTPUT(none.execution.stdout_data, "");
    OUTCOME some = EXECUTE(env, lease, ARGV(TEXT("cat")), .stdin_data = BYTES("a\0b\xff\n"));
    EXPECT(some, EEP_OK);
    EXPECT_OUTPUT(some.execution.stdout_data, "a\0b\xff\n");
    OUTCOME unread = EXECUTE(env, lease, ARGV(TEXT("true")), .stdin_data = BYTES("nobody reads this"));
    EXPECT(unread, EEP_OK);
    assert_int_equal(unread.execution.exit_code, 0);
}

/* An output that says something leaves no doubt that it is the profiles' that is missing. */
static void login_reads_the_profiles(void **state)
{
    (void)state;
    EXPECT_RUN(env, lease, "printf 'echo noise\\nexport FROM_PROFILE=p BOTH=p\\n' >~/.profile", "");
    OUTCOME plain = EXECUTE(env, lease, .script = TEXT("echo [$FROM_PROFILE]"));
    EXPECT_OUTPUT(plain.execution.stdout_data, "[]\n");
    OUTCOME script =
        EXECUTE(env, lease, .head.flags = EEP_EXECUTE_LOGIN, .script = TEXT("echo [$FROM_PROFILE/$BOTH]"),
                ENV({TEXT("BOTH"), TEXT("request")}));
    EXPECT(script, EEP_OK);
    EXPECT_OUTPUT(script.execution.stdout_data, "[p/request]\n");
    OUTCOME argv =
        EXECUTE(env, lease, .head.flags = EEP_EXECUTE_LOGIN, ARGV(TEXT("printenv"), TEXT("FROM_PROFILE")));
    EXPECT(argv, EEP_OK);
    EXPECT_OUTPUT(argv.execution.stdout_data, "p\n");
    EXPECT_RUN(env, lease, "rm ~/.profile", "");
}

/* -- The end ----------------------------------------------------------------------------------- */

/* But 130 and 141: shells are silent about INT and PIPE, so those stand for either. */
static void exit_codes_are_exact(void **state)
{
    (void)state;
    static const int codes[] = {0, 1, 3, 124, 126, 127, 128, 137, 143, 254, 255};
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        char script[32];
        snprintf(script, sizeof script, "exit %d", codes[i]);
        OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("sh"), TEXT("-c"), text(script)));
        EXPECT(ran, EEP_OK);
        assert_int_equal(ran.execution.exit_code, codes[i]);
        assert_int_equal(ran.execution.term_signal, 0);
    }
}

/* A shell may not be able to tell which signal it was: -1 then. */
static void a_signal_is_not_an_exit_code(void **state)
{
    (void)state;
    static const int signals[] = {9, 15, 11};
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        char script[32];
        snprintf(script, sizeof script, "kill -%d $$", signals[i]);
        OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("sh"), TEXT("-c"), text(script)));
        EXPECT(ran, EEP_OK);
        if (ran.execution.exit_code == -1)
            assert_true(ran.execution.term_signal == signals[i] || ran.execution.term_signal == -1);
        else
            fail_msg("signal %d: exit code %d, term_signal %d", signals[i], ran.execution.exit_code,
                     ran.execution.term_signal);
    }
}

static void the_time_limit_is_kept(void **state)
{
    (void)state;
    OUTCOME ran =
        EXECUTE(env, lease, .script = TEXT("echo before; sleep 60; echo after"), .time_limit_ms = 1500);
    EXPECT(ran, EEP_OK);
    assert_true(ran.execution.head.flags & EEP_EXECUTION_TIMED_OUT);
    assert_true(ran.execution.head.flags & EEP_EXECUTION_KILLED);
    assert_int_equal(ran.execution.exit_code, -1);
    assert_int_not_equal(ran.execution.kill_signal, 0);
    EXPECT_OUTPUT(ran.execution.stdout_data, "before\n");
    assert_true(ran.elapsed_ms >= 1500 && ran.elapsed_ms < LIMIT_MS);
}

static void times_are_told(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("sleep 0.2"));
    EXPECT(ran, EEP_OK);
    int64_t took = ran.execution.finished_at_ms - ran.execution.started_at_ms;
    assert_true(ran.execution.started_at_ms > 1500000000000);
    assert_true(took >= 0 && took < LIMIT_MS);
}

/* While a command is waited for, nothing else begins in the sandbox, and nothing stays. */
static void waiting_costs_no_processes(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("sleep 0.5"));
    EXPECT(ran, EEP_OK);
    assert_true(standin_total(&standin, "processes") < 20);
    AWAIT(standin_total(&standin, "processes") == 0);
}

static void background_work_does_not_hold_the_call(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("sleep 73 & echo started"));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "started\n");
    assert_true(ran.execution.head.flags & EEP_EXECUTION_HELD);
    assert_true(ran.elapsed_ms < 10000);
    EXPECT_RUN(env, lease, "pkill -fx 'sleep 73'; true", "");
}

/* -- Ids --------------------------------------------------------------------------------------- */

static void an_id_runs_once(void **state)
{
    (void)state;
    OUTCOME first =
        EXECUTE(env, lease, .execution_id = TEXT("job-1"), .script = TEXT("echo x | tee -a once; exit 4"));
    OUTCOME again =
        EXECUTE(env, lease, .execution_id = TEXT("job-1"), .script = TEXT("echo x | tee -a once; exit 4"));
    EXPECT(first, EEP_OK);
    EXPECT(again, EEP_OK);
    assert_false(first.execution.head.flags & EEP_EXECUTION_ATTACHED);
    assert_true(again.execution.head.flags & EEP_EXECUTION_ATTACHED);
    assert_true(text_is(again.execution.execution_id, "job-1"));
    assert_int_equal(again.execution.exit_code, 4);
    EXPECT_OUTPUT(again.execution.stdout_data, "x\n");
    EXPECT_RUN(env, lease, "cat once", "x\n");
}

static void an_id_is_for_one_command_only(void **state)
{
    (void)state;
    OUTCOME first = EXECUTE(env, lease, .execution_id = TEXT("job-2"), .script = TEXT("echo 1"),
                            .stdin_data = BYTES("in"));
    EXPECT(first, EEP_OK);
    OUTCOME other = EXECUTE(env, lease, .execution_id = TEXT("job-2"), .script = TEXT("echo 2 >>~/other"));
    EXPECT(other, EEP_E_CONFLICT);
    assert_true(text_is(other.err.execution_id, "job-2"));
    OUTCOME input = EXECUTE(env, lease, .execution_id = TEXT("job-2"), .script = TEXT("echo 1"),
                            .stdin_data = BYTES("IN"));
    EXPECT(input, EEP_E_CONFLICT);
    OUTCOME where = EXECUTE(env, lease, .execution_id = TEXT("job-2"), .script = TEXT("echo 1"),
                            .stdin_data = BYTES("in"), .cwd = TEXT("/tmp"));
    EXPECT(where, EEP_E_CONFLICT);
    OUTCOME merged = EXECUTE(env, lease, .execution_id = TEXT("job-2"), .script = TEXT("echo 1"),
                             .stdin_data = BYTES("in"), .head.flags = EEP_EXECUTE_MERGE);
    EXPECT(merged, EEP_E_CONFLICT);
    EXPECT_RUN(env, lease, "test ! -e ~/other", "");
}

static void ids_have_an_alphabet(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "a b",
                                      "../x",
                                      "a/b",
                                      "a.b",
                                      "caf\xc3\xa9",
                                      "12345678901234567890123456789012345678901234567890123456789012345"};
    standin_forget(&standin);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        OUTCOME ran = EXECUTE(env, lease, .execution_id = text(bad[i]), .script = TEXT("true"));
        EXPECT(ran, EEP_E_INVALID_ARGUMENT);
    }
    assert_int_equal(standin_count(&standin, NULL, NULL), 0);
}

static void wrong_commands_are_refused_before_anything_is_sent(void **state)
{
    (void)state;
    standin_forget(&standin);
    OUTCOME nothing = EXECUTE(env, lease);
    EXPECT(nothing, EEP_E_INVALID_ARGUMENT);
    OUTCOME both = EXECUTE(env, lease, .script = TEXT("true"), ARGV(TEXT("true")));
    EXPECT(both, EEP_E_INVALID_ARGUMENT);
    OUTCOME nul = EXECUTE(env, lease, .script = TEXT("a\0b"));
    EXPECT(nul, EEP_E_INVALID_ARGUMENT);
    OUTCOME in_word = EXECUTE(env, lease, ARGV(TEXT("echo"), TEXT("a\0b")));
    EXPECT(in_word, EEP_E_INVALID_ARGUMENT);
    OUTCOME name = EXECUTE(env, lease, .script = TEXT("true"), ENV({TEXT("A-B"), TEXT("x")}));
    EXPECT(name, EEP_E_INVALID_ARGUMENT);
    OUTCOME value = EXECUTE(env, lease, .script = TEXT("true"), ENV({TEXT("A"), TEXT("x\0y")}));
    EXPECT(value, EEP_E_INVALID_ARGUMENT);
    OUTCOME cwd = EXECUTE(env, lease, .script = TEXT("true"), .cwd = TEXT("a\0b"));
    EXPECT(cwd, EEP_E_INVALID_ARGUMENT);
    OUTCOME shell = EXECUTE(env, lease, .script = TEXT("true"), .shell = TEXT("bash"));
    EXPECT(shell, EEP_E_INVALID_ARGUMENT);
    assert_int_equal(standin_count(&standin, NULL, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_not_interpreted),
        cmocka_unit_test(scripts_are),
        cmocka_unit_test(a_long_script_is_a_script),
        cmocka_unit_test(a_missing_program_is_127),
        cmocka_unit_test(a_missing_shell_is_told),
        cmocka_unit_test(commands_run_where_told),
        cmocka_unit_test(a_missing_cwd_is_not_found),
        cmocka_unit_test(env_is_bytes),
        cmocka_unit_test(env_is_in_no_argument_list),
        cmocka_unit_test(stdin_is_given_or_empty),
        cmocka_unit_test(login_reads_the_profiles),
        cmocka_unit_test(exit_codes_are_exact),
        cmocka_unit_test(a_signal_is_not_an_exit_code),
        cmocka_unit_test(the_time_limit_is_kept),
        cmocka_unit_test(times_are_told),
        cmocka_unit_test(waiting_costs_no_processes),
        cmocka_unit_test(background_work_does_not_hold_the_call),
        cmocka_unit_test(an_id_runs_once),
        cmocka_unit_test(an_id_is_for_one_command_only),
        cmocka_unit_test(ids_have_an_alphabet),
        cmocka_unit_test(wrong_commands_are_refused_before_anything_is_sent),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
