/* exec_test.c: eep exec: exit codes, streams, input, JSON, Ctrl-C.
 *
 * As all that use leased.h: linked with provider_fake.c and with provider_daytona.c. The promises are those of the ABI, so
 * they are the same for both. */
#include "leased.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- exit codes and streams -------------------------------------------------------------------- */

static void exit_codes_are_the_commands(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "--", "true"), 0);
    assert_string_equal(eep_errors(&process), "");
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "-c", "exit 3"), 3);
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "-c", "exit 255"), 255);
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "--", "sh", "-c", "exit $1", "sh", "7"), 7);
}

/* A sandbox without the exact supervisor may not know which signal it was: 128 then. */
static void a_signal_is_128_and_its_number(void **state)
{
    (void)state;
    int exit_code = EEP_RUN(&process, &eep, "exec", lease, "-c", "kill -9 $$");
    assert_true(exit_code == 128 + 9 || exit_code == 128);
}

static void the_time_limit_is_124(void **state)
{
    (void)state;
    long long begin = process_now_ms();
    assert_int_equal(
        EEP_RUN(&process, &eep, "exec", lease, "--time-limit", "1500ms", "-c", "echo a; sleep 60"), 124);
    assert_true(process_now_ms() - begin < PROCESS_LIMIT_MS);
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "a\n");
    eep_says(&process, PROCESS_STDERR, "killed at its time limit");
}

static void a_lost_lease_is_125(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &eep, "exec", "no-such-lease", "--json", "--", "true"), 125);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_string_equal(eep_json_text(object, "error/name"), "LEASE_LOST");
    json_object_put(object);
}

static void streams_are_exact_and_apart(void **state)
{
    (void)state;
    static const char script[] = "printf 'a\\0b\\377\\n'; printf '\\001\\0\\376' >&2; exit 4";
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "-c", script), 4);
    assert_int_equal(process.texts[PROCESS_STDOUT].len, 5);
    assert_memory_equal(process.texts[PROCESS_STDOUT].data, "a\0b\377\n", 5);
    assert_int_equal(process.texts[PROCESS_STDERR].len, 3);
    assert_memory_equal(process.texts[PROCESS_STDERR].data, "\001\0\376", 3);
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "--merge", "-c", "echo 1; echo 2 >&2; echo 3"),
                     0);
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "1\n2\n3\n");
}

static void large_input_comes_back_whole(void **state)
{
    (void)state;
    enum { SIZE = 3 << 20 };
    unsigned char *data = malloc(SIZE);
    for (size_t i = 0, x = 1; i < SIZE; i++, x = x * 1103515245 + 12345)
        data[i] = (unsigned char)(x >> 16);
    struct eep_setup with_input = {.env = eep.env, .input = data, .input_len = SIZE};
    assert_int_equal(EEP_RUN(&process, &with_input, "exec", lease, "--stdin", "--", "cat"), 0);
    assert_int_equal(process.texts[PROCESS_STDOUT].len, SIZE);
    assert_memory_equal(process.texts[PROCESS_STDOUT].data, data, SIZE);
    free(data);
}

static void input_is_empty_unless_asked_for(void **state)
{
    (void)state;
    struct eep_setup with_input = {.env = eep.env, .input = "text\n", .input_len = 5};
    assert_int_equal(EEP_RUN(&process, &with_input, "exec", lease, "--", "cat"), 0);
    assert_int_equal(process.texts[PROCESS_STDOUT].len, 0);
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "--stdin-file", "/dev/null", "--", "wc", "-c"),
                     0);
    assert_int_equal(atoi(process_text(&process, PROCESS_STDOUT)), 0);
}

static void output_arrives_while_the_command_runs(void **state)
{
    (void)state;
    EEP_START(&process, &eep, "exec", lease, "-c", "echo early; sleep 60; echo late");
    long long begin = process_now_ms();
    process_expect(&process, PROCESS_STDOUT, "early\n");
    assert_true(process_now_ms() - begin < PROCESS_LIMIT_MS);
    process_signal(&process, SIGTERM);
    assert_int_equal(process_finish(&process), 130);
}

static void environment_and_folder_are_given(void **state)
{
    (void)state;
    const char *env[8] = {"TAKEN=from eep"};
    for (size_t i = 0; eep.env[i]; i++)
        env[i + 1] = eep.env[i];
    struct eep_setup with_env = {.env = env};
    assert_int_equal(EEP_RUN(&process, &with_env, "exec", lease, "--env", "GIVEN=a b=c", "--env", "TAKEN",
                             "--cwd", "/", "-c", "echo \"$GIVEN|$TAKEN|$PWD\""),
                     0);
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "a b=c|from eep|/\n");
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "--cwd", "/no/such/folder", "-c", "true"), 125);
}

static void a_reader_that_leaves_stops_the_command(void **state)
{
    (void)state;
    EEP_START(&process, &eep, "exec", lease, "-c", "while :; do echo line; sleep 0.05; done");
    process_expect(&process, PROCESS_STDOUT, "line\n");
    process_close(&process, PROCESS_STDOUT);
    assert_int_equal(process_finish(&process), 125);
    eep_says(&process, PROCESS_STDERR, "standard output cannot be written");
}

/* "sh -c" opens /dev/full: every write to it fails with ENOSPC. The command has ended before anybody could stop it. */
static void output_that_nobody_gets_is_a_failure(void **state)
{
    (void)state;
    static const struct {
        const char *words, *to, *says;
    } cases[] = {
        {"-c 'echo short'", ">/dev/full", "standard output cannot be written: No space left on device"},
        {"-c 'echo short'", ">&-", "standard output cannot be written: Bad file descriptor"},
        {"--status-fd 3 -c 'echo short >&2'", "3>&2 2>/dev/full", "\"exit\":125"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *program = process_build_path("eep");
        char script[4400];
        snprintf(script, sizeof(script), "'%s' exec '%s' %s %s", program, lease, cases[i].words, cases[i].to);
        free(program);
        char *argv[] = {(char *)"/bin/sh", (char *)"-c", script, NULL};
        process_free(&process);
        process_start(&process, &(struct process_setup){.argv = argv, .env = eep.env});
        assert_int_equal(process_finish(&process), 125);
        eep_says(&process, PROCESS_STDERR, cases[i].says);
    }
}

static void an_execution_id_runs_once(void **state)
{
    (void)state;
    const char *script = "echo x >> count; wc -l < count";
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "--id", "once", "-c", script), 0);
    int again = EEP_RUN(&process, &eep, "exec", lease, "--id", "once", "-c", script);
    assert_int_equal(again, provider_attaches() ? 0 : 125);
    if (provider_attaches()) assert_int_equal(atoi(process_text(&process, PROCESS_STDOUT)), 1);
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "-c", "wc -l < count"), 0);
    assert_int_equal(atoi(process_text(&process, PROCESS_STDOUT)), 1);
}

/* -- for programs ------------------------------------------------------------------------------ */

static void json_holds_the_whole_execution(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "--json", "--id", "json-1", "-c",
                             "echo gr\303\274n; printf '\\377' >&2; exit 5"),
                     5);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_int_equal(eep_json_int(object, "exit"), 5);
    assert_int_equal(eep_json_int(object, "exitCode"), 5);
    assert_string_equal(eep_json_text(object, "executionId"), "json-1");
    assert_string_equal(eep_json_text(object, "lease"), lease);
    assert_string_equal(eep_json_text(object, "stdout"), "gr\303\274n\n");
    assert_string_equal(eep_json_text(object, "stdoutBase64"), "Z3LDvG4K");
    assert_null(eep_json_text(object, "stderr"));
    assert_string_equal(eep_json_text(object, "stderrBase64"), "/w==");
    assert_int_equal(eep_json_int(object, "stdoutTotal"), 6);
    assert_int_equal(eep_json_int(object, "stderrTotal"), 1);
    json_object_put(object);
    assert_string_equal(eep_errors(&process), "");
}

static void the_status_line_tells_who_failed(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "--status-fd", "3", "-c", "echo raw; exit 125"),
                     125);
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "raw\n");
    json_object *object = eep_json(&process, PROCESS_STATUS);
    assert_int_equal(eep_json_int(object, "exitCode"), 125);
    json_object_put(object);

    assert_int_equal(EEP_RUN(&process, &eep, "exec", "no-such-lease", "--status-fd=3", "-c", "true"), 125);
    object = eep_json(&process, PROCESS_STATUS);
    assert_string_equal(eep_json_text(object, "error/name"), "LEASE_LOST");
    assert_int_equal(eep_json_int(object, "exit"), 125);
    json_object_put(object);
}

/* -- Ctrl-C ------------------------------------------------------------------------------------ */

static void the_first_interrupt_kills_the_command(void **state)
{
    (void)state;
    EEP_START(&process, &eep, "exec", lease, "--status-fd=3", "-c", "echo begun; sleep 60");
    process_expect(&process, PROCESS_STDOUT, "begun\n");
    process_signal(&process, SIGINT);
    assert_int_equal(process_finish(&process), 130);
    eep_says(&process, PROCESS_STDERR, "eep: stopping and cleaning up, at most 10 s");
    json_object *object = eep_json(&process, PROCESS_STATUS);
    assert_string_equal(eep_json_text(object, "error/name"), "CANCELLED");
    assert_int_equal(eep_json_int(object, "error/maybeApplied"), 0);
    json_object_put(object);
}

static void the_second_interrupt_leaves_at_once(void **state)
{
    (void)state;
    EEP_START(&process, &eep, "exec", lease, "--grace=15s", "--id=stubborn", "-c",
              "trap '' INT TERM; echo begun; sleep 17 & wait; wait");
    process_expect(&process, PROCESS_STDOUT, "begun\n");
    process_signal(&process, SIGINT);
    process_expect(&process, PROCESS_STDERR, "at most 15 s");
    long long second = process_now_ms();
    process_signal(&process, SIGINT);
    assert_int_equal(process_finish(&process), 130);
    assert_true(process_now_ms() - second < 7000);                            /* not 15 s */
    assert_null(strstr(process_text(&process, PROCESS_STDERR), "--destroy")); /* the lease is the user's */
    eep_says(&process, PROCESS_STDERR, "--id stubborn joins it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_are_the_commands),
        cmocka_unit_test(a_signal_is_128_and_its_number),
        cmocka_unit_test(the_time_limit_is_124),
        cmocka_unit_test(a_lost_lease_is_125),
        cmocka_unit_test(streams_are_exact_and_apart),
        cmocka_unit_test(large_input_comes_back_whole),
        cmocka_unit_test(input_is_empty_unless_asked_for),
        cmocka_unit_test(output_arrives_while_the_command_runs),
        cmocka_unit_test(environment_and_folder_are_given),
        cmocka_unit_test(a_reader_that_leaves_stops_the_command),
        cmocka_unit_test(output_that_nobody_gets_is_a_failure),
        cmocka_unit_test(an_execution_id_runs_once),
        cmocka_unit_test(json_holds_the_whole_execution),
        cmocka_unit_test(the_status_line_tells_who_failed),
        cmocka_unit_test(the_first_interrupt_kills_the_command),
        cmocka_unit_test(the_second_interrupt_leaves_at_once),
    };
    return leased_start() ? leased_stop(cmocka_run_group_tests(tests, leased_acquire, leased_release)) : 0;
}
