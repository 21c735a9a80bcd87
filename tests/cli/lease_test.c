/* lease_test.c: eep with real leases: exit codes, streams, JSON, Ctrl-C, and nothing left behind.
 *
 * Linked twice: with provider_fake.c and with provider_daytona.c. The promises are those of the ABI, so they
 * are the same for both. All tests but those of acquire and run share one lease.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eep_process.h"
#include "provider.h"

static struct eep_setup eep;
static struct process process = {.fds = {-1, -1, -1}};
static char *lease;

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

/* -- commands that go on by themselves --------------------------------------------------------- */

static void a_plugin_without_the_extension_says_so(void **state)
{
    (void)state;
    if (provider_attaches()) return;
    static const char *const words[][8] = {
        {"exec", "L", "--detach", "--time-limit=1m", "--", "true"},
        {"attach", "L", "id"},
        {"ps", "L"},
        {"kill", "L", "id"},
        {"drop", "L", "id"},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_int_equal(eep_run(&process, &eep, words[i]), 125);
        eep_says(&process, PROCESS_STDERR, "lacks the extension eep.execution/1");
        assert_string_equal(process_text(&process, PROCESS_STDOUT), "");
    }
}

static void a_detached_command_is_followed_from_another_process(void **state)
{
    (void)state;
    if (!provider_attaches()) return;
    const char *script =
        "printf 'one\\0\\n'; echo two >&2; until [ -e go ]; do sleep 0.05; done; echo end; exit 3";
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "--detach", "--time-limit=1m", "-c", script), 0);
    char *id = eep_line(&process);
    eep_says(&process, PROCESS_STDERR, "stays up until 2");

    EEP_START(&process, &eep, "attach", lease, id);
    process_expect(&process, PROCESS_STDOUT, "one");
    struct process other = {.fds = {-1, -1, -1}};
    assert_int_equal(EEP_RUN(&other, &eep, "attach", lease, id, "--no-wait", "--from=0"), 0);
    assert_int_equal(other.texts[PROCESS_STDOUT].len, 5);
    eep_says(&other, PROCESS_STDERR, "two\n");
    eep_says(&other, PROCESS_STDERR, "still running");
    assert_int_equal(EEP_RUN(&other, &eep, "exec", lease, "--", "touch", "go"), 0);
    process_free(&other);
    assert_int_equal(process_finish(&process), 3);
    assert_int_equal(process.texts[PROCESS_STDOUT].len, 9);
    assert_memory_equal(process.texts[PROCESS_STDOUT].data, "one\0\nend\n", 9);
    assert_string_equal(eep_errors(&process), "two\n");

    assert_int_equal(EEP_RUN(&process, &eep, "attach", lease, id, "--from=5", "--from-stderr=4"), 3);
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "end\n");
    assert_string_equal(eep_errors(&process), "");
    free(id);
}

static void ps_lists_and_kill_ends(void **state)
{
    (void)state;
    if (!provider_attaches()) return;
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "--detach", "--time-limit=1m", "--id=long",
                             "--json", "-c", "sleep 60"),
                     0);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_int_equal(eep_json_int(object, "exit"), 0);
    assert_string_equal(eep_json_text(object, "executionId"), "long");
    json_object_put(object);
    assert_int_equal(EEP_RUN(&process, &eep, "ps", lease), 0);
    eep_says(&process, PROCESS_STDOUT, "ID ");
    const char *row = strstr(process_text(&process, PROCESS_STDOUT), "\nlong ");
    assert_non_null(row);
    assert_non_null(strstr(row, "  RUNNING "));

    EEP_START(&process, &eep, "attach", lease, "long");
    struct process other = {.fds = {-1, -1, -1}};
    assert_int_equal(EEP_RUN(&other, &eep, "kill", lease, "long"), 0);
    eep_says(&other, PROCESS_STDERR, "the command has been ended: signal ");
    int ended = process_finish(&process);
    assert_true(ended > 128);
    assert_int_equal(EEP_RUN(&other, &eep, "kill", lease, "long", "--json"), 0);
    object = eep_json(&other, PROCESS_STDOUT);
    assert_int_equal(128 + eep_json_int(object, "signal"), ended);
    json_object_put(object);
    process_free(&other);

    assert_int_equal(EEP_RUN(&process, &eep, "ps", lease, "--json", "--max=1"), 0);
    object = eep_json(&process, PROCESS_STDOUT);
    json_object *first = json_object_array_get_idx(json_object_object_get(object, "executions"), 0);
    assert_string_equal(eep_json_text(first, "executionId"), "long");
    assert_string_equal(eep_json_text(first, "state"), "DONE");
    json_object_put(object);
}

static void drop_removes_the_output_and_keeps_the_id(void **state)
{
    (void)state;
    if (!provider_attaches()) return;
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "--id=wordy", "-c", "echo a secret; exit 3"), 3);
    assert_int_equal(EEP_RUN(&process, &eep, "drop", lease, "wordy"), 0);
    eep_says(&process, PROCESS_STDERR, "its output is removed; the command had ended with exit status 3\n");
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "");
    assert_int_equal(EEP_RUN(&process, &eep, "attach", lease, "wordy"), 125);
    eep_says(&process, PROCESS_STDERR, "output");
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "-c", "! grep -rl 'a secret' ~/.eep"), 0);
    assert_int_equal(EEP_RUN(&process, &eep, "drop", lease, "wordy", "--json"), 0);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_int_equal(eep_json_int(object, "exit"), 0);
    assert_int_equal(eep_json_int(object, "exitCode"), 3);
    assert_string_equal(eep_json_text(object, "executionId"), "wordy");
    json_object_put(object);
}

static void drop_refuses_what_runs_or_never_ran(void **state)
{
    (void)state;
    if (!provider_attaches()) return;
    assert_int_equal(
        EEP_RUN(&process, &eep, "exec", lease, "-d", "--time-limit=1m", "--id=busy", "-c", "sleep 60"), 0);
    assert_int_equal(EEP_RUN(&process, &eep, "drop", lease, "busy"), 125);
    eep_says(&process, PROCESS_STDERR, "eep kill ends it");
    assert_int_equal(EEP_RUN(&process, &eep, "kill", lease, "busy", "-q"), 0);
    assert_int_equal(EEP_RUN(&process, &eep, "drop", lease, "busy", "-q"), 0);
    assert_string_equal(process_text(&process, PROCESS_STDERR), "");
    assert_int_equal(EEP_RUN(&process, &eep, "drop", lease, "stranger", "--json"), 125);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_string_equal(eep_json_text(object, "error/name"), "NOT_FOUND");
    json_object_put(object);
}

/* Whose supervisor and keeper are stopped cannot be ended. */
static void a_kill_in_vain_is_a_failure(void **state)
{
    (void)state;
    if (!provider_attaches()) return;
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "-d", "--time-limit=1m", "--id=frozen", "-c",
                             "trap '' INT TERM; { read -r a b p a; read -r a c a k a; } <~/.eep/frozen.p; "
                             "echo $p $k >~/frozen; kill -STOP $k $p; sleep 60"),
                     0);
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "-c",
                             "while ! [ -s ~/frozen ]; do sleep 0.02; done; for p in $(cat ~/frozen); do "
                             "until grep -q '^State:.T' /proc/$p/status; do sleep 0.02; done; done"),
                     0);
    assert_int_equal(EEP_RUN(&process, &eep, "kill", lease, "frozen", "--timeout=1500ms", "--json"), 125);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_int_equal(eep_json_int(object, "exit"), 125);
    json_object_put(object);
    eep_says(&process, PROCESS_STDERR, "the command still runs");
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "-c", "kill -CONT $(cat ~/frozen)"), 0);
    assert_int_equal(EEP_RUN(&process, &eep, "kill", lease, "frozen"), 0);
    eep_says(&process, PROCESS_STDERR, "the command ");
}

static void an_interrupted_attach_ends_nothing(void **state)
{
    (void)state;
    if (!provider_attaches()) return;
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "-d", "--time-limit=1m", "--id=alone", "-c",
                             "echo begun; sleep 60"),
                     0);
    EEP_START(&process, &eep, "attach", lease, "alone");
    process_expect(&process, PROCESS_STDOUT, "begun\n");
    process_signal(&process, SIGINT);
    assert_int_equal(process_finish(&process), 130);
    eep_says(&process, PROCESS_STDERR, "the command goes on");
    assert_int_equal(EEP_RUN(&process, &eep, "attach", lease, "alone", "--no-wait", "--json"), 0);
    eep_says(&process, PROCESS_STDOUT, "\"RUNNING\"");
    assert_int_equal(EEP_RUN(&process, &eep, "kill", lease, "alone", "-q"), 0);
    assert_string_equal(process_text(&process, PROCESS_STDERR), "");
}

static void an_unknown_id_is_125(void **state)
{
    (void)state;
    if (!provider_attaches()) return;
    assert_int_equal(EEP_RUN(&process, &eep, "attach", lease, "nobody", "--json"), 125);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_string_equal(eep_json_text(object, "error/name"), "NOT_FOUND");
    json_object_put(object);
    assert_int_equal(EEP_RUN(&process, &eep, "kill", lease, "nobody"), 125);
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

/* -- leases ------------------------------------------------------------------------------------ */

static void files_survive_a_stop_and_a_new_process(void **state)
{
    (void)state;
    char path[] = "/tmp/eep-source-XXXXXX";
    char source[64];
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "#!/bin/sh\necho it works\n", 24), 24);
    fchmod(fd, 0755);
    close(fd);
    snprintf(source, sizeof(source), "%s:program", path);
    assert_int_equal(EEP_RUN(&process, &eep, "realize", lease, "--dir", "sub", "--file", source), 0);
    char *root = eep_line(&process);
    assert_int_equal(root[0], '/');
    free(root);
    assert_int_equal(EEP_RUN(&process, &eep, "release", lease, "--stop"), 0);
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "");
    assert_int_equal(EEP_RUN(&process, &eep, "resume", lease, "--json"), 0);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_string_equal(eep_json_text(object, "state"), "STARTED");
    json_object_put(object);
    assert_int_equal(EEP_RUN(&process, &eep, "exec", lease, "-c", "test -d sub && ./program"), 0);
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "it works\n");
    unlink(path);
}

static void stopping_what_is_deleted_says_so(void **state)
{
    (void)state;
    if (!provider_attaches()) return; /* the fake never tells */
    assert_int_equal(EEP_RUN(&process, &eep, "acquire"), 0);
    char *deleted = eep_line(&process);
    assert_int_equal(EEP_RUN(&process, &eep, "release", deleted, "--destroy"), 0);
    assert_int_equal(EEP_RUN(&process, &eep, "release", deleted, "--stop"), 0);
    eep_says(&process, PROCESS_STDERR, "sandbox already gone");
    free(deleted);
}

static void a_missing_key_is_one_to_export(void **state)
{
    (void)state;
    if (!provider_attaches()) return; /* the fake needs no key */
    const char *const plugin_only[] = {eep.env[0], NULL};
    const struct eep_setup keyless = {.env = plugin_only};
    assert_int_equal(EEP_RUN(&process, &keyless, "acquire"), 125);
    eep_says(&process, PROCESS_STDERR, "export DAYTONA_API_KEY=...");
    assert_int_equal(EEP_RUN(&process, &keyless, "acquire", "--no-trust-env"), 125);
    eep_says(&process, PROCESS_STDERR, "only with trustEnv");
}

static void a_source_that_fails_is_told(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &eep, "realize", lease, "--file", "/dev/null:/proc/nowhere/x"), 125);
    eep_says(&process, PROCESS_STDERR, "/proc/nowhere/x");
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "");
}

static void the_same_key_gives_the_same_lease(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &eep, "acquire", "--key", "build-42", "--name", "a test"), 0);
    char *first = eep_line(&process);
    assert_int_equal(EEP_RUN(&process, &eep, "acquire", "--key", "build-42", "--name", "a test", "--json"),
                     0);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_string_equal(eep_json_text(object, "lease"), first);
    assert_string_equal(eep_json_text(object, "flags"), "[ \"REUSED\" ]");
    json_object_put(object);
    assert_int_equal(EEP_RUN(&process, &eep, "release", first, "--destroy"), 0);
    assert_int_equal(EEP_RUN(&process, &eep, "release", first, "--destroy", "--json"), 0);
    eep_says(&process, PROCESS_STDOUT, "ALREADY");
    assert_int_equal(EEP_RUN(&process, &eep, "resume", first), 125);
    free(first);
}

static void the_same_labels_may_give_the_same_lease(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &eep, "acquire", "--reuse", "--label", "task=t7"), 0);
    char *first = eep_line(&process);
    assert_int_equal(EEP_RUN(&process, &eep, "acquire", "--reuse", "--label", "task=t7"), 0);
    char *second = eep_line(&process);
    assert_string_equal(first, second);
    eep_says(&process, PROCESS_STDERR, "found again");
    assert_int_equal(EEP_RUN(&process, &eep, "release", first, "--destroy"), 0);
    free(first);
    free(second);
}

/* -- run: nothing is left behind --------------------------------------------------------------- */

static void run_leaves_nothing(void **state)
{
    (void)state;
    int before = provider_count();
    assert_int_equal(EEP_RUN(&process, &eep, "run", "--quiet", "-c", "echo hello; exit 6"), 6);
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "hello\n");
    assert_string_equal(process_text(&process, PROCESS_STDERR), "");
    assert_int_equal(provider_count(), before);
    assert_int_equal(
        EEP_RUN(&process, &eep, "run", "--json", "--file", "/dev/null:empty", "--", "cat", "empty"), 0);
    json_object *object = eep_json(&process, PROCESS_STDOUT);
    assert_string_equal(eep_json_text(object, "released/done"), "destroyed");
    json_object_put(object);
    assert_int_equal(provider_count(), before);
}

static void run_leaves_nothing_when_it_fails(void **state)
{
    (void)state;
    int before = provider_count();
    assert_int_equal(EEP_RUN(&process, &eep, "run", "--cwd", "/no/such/folder", "-c", "true"), 125);
    assert_int_equal(provider_count(), before);
    assert_int_equal(EEP_RUN(&process, &eep, "run", "--file", "/dev/null:/proc/nowhere/x", "-c", "true"),
                     125);
    assert_int_equal(provider_count(), before);
}

static void run_leaves_nothing_when_interrupted(void **state)
{
    (void)state;
    int before = provider_count();
    EEP_START(&process, &eep, "run", "-c", "echo begun; sleep 60");
    process_expect(&process, PROCESS_STDOUT, "begun\n");
    process_signal(&process, SIGINT);
    assert_int_equal(process_finish(&process), 130);
    eep_says(&process, PROCESS_STDERR, "sandbox destroyed");
    assert_int_equal(provider_count(), before);
}

static void run_works_in_its_root(void **state)
{
    (void)state;
    if (!provider_attaches()) return; /* the fake has one workspace only */
    assert_int_equal(EEP_RUN(&process, &eep, "run", "--quiet", "--root", "/tmp/elsewhere", "--", "pwd"), 0);
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "/tmp/elsewhere\n");
    assert_int_equal(EEP_RUN(&process, &eep, "run", "--quiet", "--root", "/tmp/elsewhere", "--dir", "sub",
                             "--cwd", "sub", "--", "pwd"),
                     0);
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "/tmp/elsewhere/sub\n");
}

static void run_keeps_when_asked_to(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &eep, "run", "--quiet", "--keep", "-c", "true"), 0);
    char kept[256] = "";
    assert_int_equal(sscanf(process_text(&process, PROCESS_STDERR), "eep: keeping lease %255s", kept), 1);
    assert_int_equal(EEP_RUN(&process, &eep, "release", kept, "--destroy"), 0);
}

/* -- the minimal host -------------------------------------------------------------------------- */

static void the_minimal_host_works(void **state)
{
    (void)state;
    int before = provider_count();
    const char *plugin = NULL;
    for (size_t i = 0; eep.env[i]; i++)
        if (strncmp(eep.env[i], "EEP_PLUGIN=", 11) == 0) plugin = eep.env[i] + 11;
    char *program = process_build_path("minimal");
    char *argv[] = {program, (char *)plugin, NULL};
    process_free(&process);
    process_start(&process, &(struct process_setup){.argv = argv, .env = eep.env});
    free(program);
    assert_int_equal(process_finish(&process), 0);
    eep_says(&process, PROCESS_STDOUT, "hello\nLinux ");
    eep_says(&process, PROCESS_STDOUT, "exit code 0\n");
    assert_int_equal(provider_count(), before);
}

/* -- running ----------------------------------------------------------------------------------- */

static int prepare(void **state)
{
    (void)state;
    eep = (struct eep_setup){.env = provider_env()};
    assert_int_equal(EEP_RUN(&process, &eep, "acquire"), 0);
    lease = eep_line(&process);
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    EEP_RUN(&process, &eep, "release", lease, "--destroy");
    int left = provider_count();
    process_free(&process);
    free(lease);
    return left == 0 ? 0 : -1;
}

int main(void)
{
    const char *missing = provider_start();
    if (missing) {
        printf("SKIP: %s\n", missing);
        return 0;
    }
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
        cmocka_unit_test(a_plugin_without_the_extension_says_so),
        cmocka_unit_test(a_detached_command_is_followed_from_another_process),
        cmocka_unit_test(ps_lists_and_kill_ends),
        cmocka_unit_test(drop_removes_the_output_and_keeps_the_id),
        cmocka_unit_test(drop_refuses_what_runs_or_never_ran),
        cmocka_unit_test(a_kill_in_vain_is_a_failure),
        cmocka_unit_test(an_interrupted_attach_ends_nothing),
        cmocka_unit_test(an_unknown_id_is_125),
        cmocka_unit_test(json_holds_the_whole_execution),
        cmocka_unit_test(the_status_line_tells_who_failed),
        cmocka_unit_test(the_first_interrupt_kills_the_command),
        cmocka_unit_test(the_second_interrupt_leaves_at_once),
        cmocka_unit_test(files_survive_a_stop_and_a_new_process),
        cmocka_unit_test(stopping_what_is_deleted_says_so),
        cmocka_unit_test(a_missing_key_is_one_to_export),
        cmocka_unit_test(a_source_that_fails_is_told),
        cmocka_unit_test(the_same_key_gives_the_same_lease),
        cmocka_unit_test(the_same_labels_may_give_the_same_lease),
        cmocka_unit_test(run_leaves_nothing),
        cmocka_unit_test(run_leaves_nothing_when_it_fails),
        cmocka_unit_test(run_leaves_nothing_when_interrupted),
        cmocka_unit_test(run_works_in_its_root),
        cmocka_unit_test(run_keeps_when_asked_to),
        cmocka_unit_test(the_minimal_host_works),
    };
    int failed = cmocka_run_group_tests(tests, prepare, clean_up);
    provider_stop();
    return failed;
}
