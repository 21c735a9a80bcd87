/* detached_test.c: commands that go on by themselves: eep exec --detach, attach, ps, kill, drop. */
#include "leased.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_without_the_extension_says_so),
        cmocka_unit_test(a_detached_command_is_followed_from_another_process),
        cmocka_unit_test(ps_lists_and_kill_ends),
        cmocka_unit_test(drop_removes_the_output_and_keeps_the_id),
        cmocka_unit_test(drop_refuses_what_runs_or_never_ran),
        cmocka_unit_test(a_kill_in_vain_is_a_failure),
        cmocka_unit_test(an_interrupted_attach_ends_nothing),
        cmocka_unit_test(an_unknown_id_is_125),
    };
    return leased_start() ? leased_stop(cmocka_run_group_tests(tests, leased_acquire, leased_release)) : 0;
}
