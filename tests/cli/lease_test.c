/* lease_test.c: eep acquire, realize, resume, release and run: leases that are found again, and nothing left behind. */
#include "leased.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    return leased_start() ? leased_stop(cmocka_run_group_tests(tests, leased_acquire, leased_release)) : 0;
}
