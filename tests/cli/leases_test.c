/* leases_test.c: list, keepalive, reap and explain as people and scripts use them: tables, JSON, exit codes. What the calls
 * promise is tested in tests/integration/. */
#include "leased.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEN_MINUTES "{\"idle_ms\":600000}"

/* A sandbox of the owner ann. free() the lease. */
static char *acquire(const char *option)
{
    assert_int_equal(EEP_RUN(&process, &eep, "acquire", "-q", "--set", "owner=ann", option ? option : "-q"),
                     0);
    return eep_line(&process);
}

static void destroy(char *sandbox)
{
    assert_int_equal(EEP_RUN(&process, &eep, "release", "-q", sandbox, "--destroy"), 0);
    free(sandbox);
}

static json_object *run_json(int exit_code, const char *const *words)
{
    int is = eep_run(&process, &eep, words);
    if (is != exit_code) fail_msg("exit code %d: %s", is, process_text(&process, PROCESS_STDERR));
    return eep_json(&process, PROCESS_STDOUT);
}

#define RUN_JSON(exit_code, ...) run_json(exit_code, (const char *const[]){__VA_ARGS__, "--json", NULL})

static json_object *lease_at(json_object *object, size_t index)
{
    json_object *array = json_object_object_get(object, "leases");
    assert_true(index < json_object_array_length(array));
    return json_object_array_get_idx(array, index);
}

static size_t lease_count(json_object *object)
{
    return json_object_array_length(json_object_object_get(object, "leases"));
}

/* -- list -------------------------------------------------------------------------------------- */

static void list_shows_a_table(void **state)
{
    (void)state;
    char *kept = acquire("--set=reuseLease=true");
    char *keyed = acquire("--key=build-42");
    assert_int_equal(EEP_RUN(&process, &eep, "release", "-q", kept, "--stop"), 0);
    provider_put(kept, TEN_MINUTES);
    assert_int_equal(EEP_RUN(&process, &eep, "list", "--set", "owner=ann"), 0);
    eep_says(&process, PROCESS_STDOUT, "LEASE ");
    const char *table = process_text(&process, PROCESS_STDOUT);
    const char *first = strstr(table, keyed), *second = strstr(table, kept);
    assert_true(first && second && first < second); /* the one used last comes first */
    eep_says(&process, PROCESS_STDOUT, "  STARTED  ");
    eep_says(&process, PROCESS_STDOUT, "1c 1G 3G    keyed       ann    -\n");
    eep_says(&process, PROCESS_STDOUT, "  10m  1c 1G 3G    kept ");
    assert_string_equal(eep_errors(&process), "");
    destroy(kept);
    destroy(keyed);
}

static void list_tells_all_in_json(void **state)
{
    (void)state;
    char *sandbox = acquire("--name=build 7");
    json_object *own = RUN_JSON(0, "list", "--set", "owner=ann");
    assert_int_equal(lease_count(own), 1);
    json_object *item = lease_at(own, 0);
    assert_string_equal(eep_json_text(item, "lease"), sandbox);
    assert_string_equal(eep_json_text(item, "owner"), "ann");
    assert_string_equal(eep_json_text(item, "nameHint"), "build 7");
    assert_string_equal(eep_json_text(item, "state"), "STARTED");
    assert_string_equal(eep_json_text(item, "flags"), "[ \"OWN\" ]");
    assert_string_equal(eep_json_text(item, "labels/code-toolbox-language"), "python");
    assert_null(eep_json_text(own, "next"));
    json_object_put(own);
    json_object *others = RUN_JSON(0, "list");
    assert_int_equal(lease_count(others), 0);
    json_object_put(others);
    json_object *all = RUN_JSON(0, "list", "--all", "--state", "started", "--state", "error");
    assert_int_equal(lease_count(all), 1);
    json_object_put(all);
    json_object *stopped = RUN_JSON(0, "list", "--all", "--state", "stopped");
    assert_int_equal(lease_count(stopped), 0);
    json_object_put(stopped);
    destroy(sandbox);
}

/* -- reap -------------------------------------------------------------------------------------- */

static void reap_tells_what_became_of_each(void **state)
{
    (void)state;
    char *idle = acquire(NULL), *used = acquire(NULL);
    provider_put(idle, TEN_MINUTES);
    assert_int_equal(EEP_RUN(&process, &eep, "reap", "--older-than", "5m", "--dry-run", "--set", "owner=ann"),
                     0);
    eep_says(&process, PROCESS_STDOUT, "would delete  ");
    eep_says(&process, PROCESS_STDOUT, "spared        ");
    eep_says(&process, PROCESS_STDOUT, " s ago\n");
    eep_says(&process, PROCESS_STDERR, "eep: 1 would be deleted, 0 gone already, 1 spared, 0 failed\n");
    assert_int_equal(provider_count(), 2);
    json_object *reaped = RUN_JSON(0, "reap", "--older-than", "5m", "--all");
    assert_int_equal(eep_json_int(reaped, "deleted"), 1);
    assert_int_equal(eep_json_int(reaped, "spared"), 1);
    assert_int_equal(eep_json_int(reaped, "failed"), 0);
    json_object *first = lease_at(reaped, 0), *second = lease_at(reaped, 1);
    if (strcmp(eep_json_text(first, "lease"), idle) != 0) second = first, first = lease_at(reaped, 1);
    assert_string_equal(eep_json_text(first, "outcome"), "DELETED");
    assert_string_equal(eep_json_text(second, "outcome"), "SPARED");
    assert_string_equal(eep_json_text(second, "spared"), "ACTIVE");
    json_object_put(reaped);
    destroy(used);
    destroy(idle); /* what is gone is well released */
    assert_int_equal(provider_count(), 0);
}

static void reap_spares_files_unless_told(void **state)
{
    (void)state;
    char *kept = acquire("--set=reuseLease=true");
    provider_put(kept, TEN_MINUTES);
    assert_int_equal(EEP_RUN(&process, &eep, "reap", "--older-than=5m", "--all"), 0);
    eep_says(&process, PROCESS_STDOUT, "kept for its files");
    assert_int_equal(provider_count(), 1);
    assert_int_equal(EEP_RUN(&process, &eep, "reap", "--older-than=5m", "--all", "--reusable", "-q"), 0);
    assert_string_equal(process_text(&process, PROCESS_STDERR), "");
    destroy(kept);
    assert_int_equal(provider_count(), 0);
}

/* -- keepalive --------------------------------------------------------------------------------- */

static void keepalive_tells_until_when(void **state)
{
    (void)state;
    char *sandbox = acquire(NULL);
    assert_int_equal(EEP_RUN(&process, &eep, "keepalive", sandbox, "--for", "10m"), 0);
    eep_says(&process, PROCESS_STDOUT, "kept until 20");
    assert_int_equal(EEP_RUN(&process, &eep, "keepalive", sandbox, "--for", "2h", "--no-raise"), 1);
    eep_says(&process, PROCESS_STDERR, "its interval is 15 minutes");
    json_object *kept = RUN_JSON(0, "keepalive", sandbox, "--for", "2h");
    assert_int_equal(eep_json_int(kept, "autoStopMinutes"), 121);
    assert_string_equal(eep_json_text(kept, "flags"), "[ \"RAISED\" ]");
    json_object_put(kept);
    destroy(sandbox);
    assert_int_equal(EEP_RUN(&process, &eep, "keepalive", "gone", "--for", "1h"), 125);
    eep_says(&process, PROCESS_STDERR, "lease gone is gone");
}

/* -- acquire ----------------------------------------------------------------------------------- */

static void acquire_says_that_it_found_an_emptied_one(void **state)
{
    (void)state;
    char *sandbox = acquire("--key=emptied");
    assert_int_equal(
        EEP_RUN(&process, &eep, "exec", sandbox, "-c", "rm -rf ~/.eep/identity ~/eep-workspace/*"), 0);
    assert_int_equal(EEP_RUN(&process, &eep, "acquire", "--set", "owner=ann", "--key=emptied"), 0);
    eep_says(&process, PROCESS_STDOUT, sandbox);
    eep_says(&process, PROCESS_STDERR, "it has been emptied, or was never prepared");
    destroy(sandbox);
}

/* -- explain ----------------------------------------------------------------------------------- */

static void explain_says_that_it_works(void **state)
{
    (void)state;
    char *sandbox = acquire(NULL);
    assert_int_equal(EEP_RUN(&process, &eep, "explain", sandbox), 0);
    eep_says(&process, PROCESS_STDOUT, "ok       daemon        it takes commands\n");
    eep_says(&process, PROCESS_STDOUT, "skipped  quota         only of interest for a start\n");
    eep_says(&process, PROCESS_STDOUT, "\nThe lease works.\n");
    assert_string_equal(eep_errors(&process), "");
    json_object *told = RUN_JSON(0, "explain", sandbox);
    assert_string_equal(eep_json_text(told, "works"), "true");
    assert_int_equal(eep_json_int(told, "failed"), 0);
    assert_string_equal(eep_json_text(told, "lease/lease"), sandbox);
    json_object_put(told);
    destroy(sandbox);
}

static void explain_says_what_is_wrong_and_what_to_do(void **state)
{
    (void)state;
    char *sandbox = acquire("--set=reuseLease=true");
    assert_int_equal(EEP_RUN(&process, &eep, "release", "-q", sandbox, "--stop"), 0);
    assert_int_equal(EEP_RUN(&process, &eep, "explain", sandbox), 1);
    eep_says(&process, PROCESS_STDOUT, "FAILED   state         it is stopped since ");
    eep_says(&process, PROCESS_STDOUT, "\n         what to do:   resume it");
    eep_says(&process, PROCESS_STDOUT, "unknown  quota         ");
    eep_says(&process, PROCESS_STDOUT, "\n1 of 19 checks failed.\n");
    json_object *told = RUN_JSON(1, "explain", sandbox);
    assert_string_equal(eep_json_text(told, "works"), "false");
    json_object *symptoms = json_object_object_get(told, "symptoms");
    json_object *state_of = json_object_array_get_idx(symptoms, 11);
    assert_string_equal(eep_json_text(state_of, "name"), "state");
    assert_string_equal(eep_json_text(state_of, "status"), "FAILED");
    assert_string_equal(eep_json_text(state_of, "codeName"), "CONFLICT");
    assert_non_null(eep_json_text(state_of, "advice"));
    json_object_put(told);
    destroy(sandbox);
    told = RUN_JSON(1, "explain", "nobody");
    assert_int_equal(eep_json_int(told, "failed"), 1);
    assert_null(eep_json_text(told, "lease"));
    json_object_put(told);
}

static void what_cannot_look_is_125(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &eep, "explain", "../etc"), 125);
    eep_says(&process, PROCESS_STDERR, "this is no lease of this plugin");
    assert_string_equal(process_text(&process, PROCESS_STDOUT), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_shows_a_table),
        cmocka_unit_test(list_tells_all_in_json),
        cmocka_unit_test(reap_tells_what_became_of_each),
        cmocka_unit_test(reap_spares_files_unless_told),
        cmocka_unit_test(keepalive_tells_until_when),
        cmocka_unit_test(acquire_says_that_it_found_an_emptied_one),
        cmocka_unit_test(explain_says_that_it_works),
        cmocka_unit_test(explain_says_what_is_wrong_and_what_to_do),
        cmocka_unit_test(what_cannot_look_is_125),
    };
    return leased_start() ? leased_stop(cmocka_run_group_tests(tests, NULL, NULL)) : 0;
}
