/* realize_test.c: realize_workspace: files of any name, size and mode appear whole, or not at all. */
#include <stdio.h>
#include <stdlib.h>

#include "executions.h"

static struct standin standin;
static eep_env *env;
static char lease[EEP_LEASE_MAX + 1];
static char workdir[256];

static int start(void **state)
{
    (void)state;
    standin_start(&standin, NULL);
    env = host_open(&standin, NULL);
    OUTCOME made = ACQUIRE(env);
    EXPECT(made, EEP_OK);
    snprintf(lease, sizeof lease, "%s", made.lease.lease.ptr);
    snprintf(workdir, sizeof workdir, "%s", made.lease.workdir.ptr);
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

#define FILE_OF(name, content)                                                                               \
    {                                                                                                        \
        .kind = EEP_SOURCE_FILE, .path = name, .data = content                                               \
    }

static const eep_source_result *result_at(const struct outcome *outcome, uint32_t i)
{
    const eep_workspace *workspace = &outcome->workspace;
    return (const eep_source_result *)((const char *)workspace->sources + i * workspace->source_stride);
}

/* -- The root ---------------------------------------------------------------------------------- */

static void expect_root(const char *root, const char *expected)
{
    OUTCOME realized = REALIZE(env, lease, .root = root ? text(root) : (eep_str){0},
                               SOURCES(FILE_OF(TEXT("here"), BYTES("yes"))));
    EXPECT(realized, EEP_OK);
    assert_true(text_is(realized.workspace.root, expected));
    assert_int_equal(realized.workspace.failed, 0);
    OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("cat"), TEXT("here")), .cwd = text(expected));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "yes");
}

static void the_root_may_be_anywhere(void **state)
{
    (void)state;
    char expected[512];
    snprintf(expected, sizeof expected, "%s/eep-workspace", workdir);
    expect_root(NULL, expected);
    snprintf(expected, sizeof expected, "%s/some/other place", workdir);
    expect_root("some/other place", expected);
    snprintf(expected, sizeof expected, "%s/its root\xc3\xa4", workdir);
    expect_root(expected, expected);
}

static void the_configuration_may_name_the_root(void **state)
{
    (void)state;
    char root[512];
    char more[600];
    char expected[600];
    snprintf(root, sizeof root, "%s/configured", workdir);
    snprintf(more, sizeof more, "'workspaceDir':'%s'", root);
    snprintf(expected, sizeof expected, "%s\n1", root);
    eep_env *other = host_open(&standin, more);
    OUTCOME realized = REALIZE(other, lease, SOURCES(FILE_OF(TEXT("x"), BYTES("1"))));
    EXPECT(realized, EEP_OK);
    assert_true(text_is(realized.workspace.root, root));
    EXPECT_RUN(other, lease, "pwd; cat x", expected);
    plugin()->close(other);
}

/* A root that cannot be had is a failure of the call, not of a source. */
static void a_root_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    OUTCOME realized = REALIZE(env, lease, .root = TEXT("/proc/nothing/here"));
    EXPECT(realized, EEP_E_SANDBOX);
    assert_null(realized.workspace.root.ptr);
}

/* -- Files ------------------------------------------------------------------------------------- */

static void modes_are_kept(void **state)
{
    (void)state;
    OUTCOME realized =
        REALIZE(env, lease,
                SOURCES({.kind = EEP_SOURCE_FILE,
                         .mode = 0755,
                         .path = TEXT("run"),
                         .data = BYTES("#!/bin/sh\necho ran\n")},
                        {.kind = EEP_SOURCE_FILE, .mode = 0400, .path = TEXT("secret"), .data = BYTES("x")},
                        {.kind = EEP_SOURCE_FILE, .path = TEXT("plain"), .data = BYTES("x")},
                        {.kind = EEP_SOURCE_DIR, .path = TEXT("folder")},
                        {.kind = EEP_SOURCE_DIR, .mode = 0700, .path = TEXT("private/deep")}));
    EXPECT(realized, EEP_OK);
    assert_int_equal(realized.workspace.failed, 0);
    assert_int_equal(realized.workspace.files, 5);
    assert_int_equal(realized.workspace.bytes, 19 + 1 + 1);
    EXPECT_RUN(env, lease, "umask 077; ./run; stat -c %a:%F run secret plain folder private/deep",
               "ran\n755:regular file\n400:regular file\n644:regular file\n755:directory\n700:directory\n");
}

static const char *const nasty[] = {
    "two words",   " leading",       "trailing ", "new\nline",    "quote'\"quote",    "-rf",
    "$(echo no)`", "back\\slash",    "tab\there", "caf\xc3\xa9",  "\xf0\x9f\x8e\x89", "a/b c/-d/e",
    "*?[x]",       "semi;colon&|<>", "~",         "100%s%n=\x01", "trailing\n",
};

static void nasty_names_are_names(void **state)
{
    (void)state;
    eep_source sources[COUNT_OF(nasty)];
    char content[COUNT_OF(nasty)][16];
    for (size_t i = 0; i < COUNT_OF(nasty); i++) {
        int len = snprintf(content[i], sizeof content[i], "is %zu", i);
        sources[i] =
            (eep_source){.kind = EEP_SOURCE_FILE, .path = text(nasty[i]), .data = {content[i], (size_t)len}};
    }
    OUTCOME realized = REALIZE(env, lease, .root = TEXT("nasty -root's"), .sources = sources,
                               .source_count = COUNT_OF(nasty));
    EXPECT(realized, EEP_OK);
    for (uint32_t i = 0; i < COUNT_OF(nasty); i++) {
        if (result_at(&realized, i)->code != EEP_OK)
            fail_msg("\"%s\": %s", nasty[i], result_at(&realized, i)->message.ptr);
        OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("cat"), result_at(&realized, i)->path));
        EXPECT(ran, EEP_OK);
        EXPECT_BYTES(ran.execution.stdout_data, content[i], strlen(content[i]));
    }
    /* nothing else has come into being: no staging folder is left, no name was cut */
    OUTCOME listed =
        EXECUTE(env, lease, .script = TEXT("find . -mindepth 1 -maxdepth 1 -print0 | tr -dc '\\0' | wc -c"),
                .cwd = realized.workspace.root);
    EXPECT_OUTPUT(listed.execution.stdout_data, "17\n");
}

static void sizes_do_not_matter(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    unsigned char *big = malloc(SIZE);
    for (size_t i = 0, x = 1; i < SIZE; i++, x = x * 1103515245 + 12345)
        big[i] = (unsigned char)(x >> 16);
    OUTCOME realized = REALIZE(env, lease,
                               SOURCES({.kind = EEP_SOURCE_FILE, .path = TEXT("empty")},
                                       {.kind = EEP_SOURCE_FILE, .path = TEXT("big"), .data = {big, SIZE}},
                                       FILE_OF(TEXT("binary"), BYTES("\0\r\n--\r\n\xff\0"))));
    EXPECT(realized, EEP_OK);
    assert_int_equal(realized.workspace.failed, 0);
    assert_int_equal(realized.workspace.bytes, SIZE + 9);
    EXPECT_RUN(env, lease, "wc -c <empty; wc -c <binary", "0\n9\n");
    OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("cat"), TEXT("big")));
    EXPECT(ran, EEP_OK);
    EXPECT_BYTES(ran.execution.stdout_data, big, SIZE);
    free(big);
}

static void absolute_paths_leave_the_workspace(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s/deep/er/file", workdir);
    OUTCOME realized = REALIZE(env, lease, SOURCES(FILE_OF(text(path), BYTES("out"))));
    EXPECT(realized, EEP_OK);
    assert_true(text_is(result_at(&realized, 0)->path, path));
    OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("cat"), text(path)));
    EXPECT_OUTPUT(ran.execution.stdout_data, "out");
}

static void later_sources_replace_earlier_ones(void **state)
{
    (void)state;
    OUTCOME first = REALIZE(
        env, lease,
        SOURCES(FILE_OF(TEXT("same"), BYTES("long old content")), FILE_OF(TEXT("same"), BYTES("new"))));
    EXPECT(first, EEP_OK);
    assert_int_equal(first.workspace.failed, 0);
    EXPECT_RUN(env, lease, "cat same", "new");
    OUTCOME again = REALIZE(env, lease, SOURCES(FILE_OF(TEXT("same"), BYTES("n"))));
    EXPECT(again, EEP_OK);
    EXPECT_RUN(env, lease, "cat same", "n");
}

/* Whoever has the old file open keeps it whole: the new one is another file. */
static void a_file_is_replaced_at_once(void **state)
{
    (void)state;
    OUTCOME first = REALIZE(env, lease, SOURCES(FILE_OF(TEXT("open"), BYTES("old"))));
    EXPECT(first, EEP_OK);
    EXPECT_RUN(env, lease, "ln -f open other-name", "");
    OUTCOME second = REALIZE(env, lease, SOURCES(FILE_OF(TEXT("open"), BYTES("new"))));
    EXPECT(second, EEP_OK);
    EXPECT_RUN(env, lease, "cat open other-name", "newold");
}

/* -- What fails, fails alone ------------------------------------------------------------------- */

static void kinds_do_not_replace_each_other(void **state)
{
    (void)state;
    OUTCOME made = REALIZE(
        env, lease,
        SOURCES({.kind = EEP_SOURCE_DIR, .path = TEXT("is-dir")}, FILE_OF(TEXT("is-file"), BYTES("x"))));
    EXPECT(made, EEP_OK);
    OUTCOME realized = REALIZE(
        env, lease,
        SOURCES(FILE_OF(TEXT("is-dir"), BYTES("x")), {.kind = EEP_SOURCE_DIR, .path = TEXT("is-file")},
                FILE_OF(TEXT("is-file/below"), BYTES("x")), FILE_OF(TEXT("after"), BYTES("fine"))));
    EXPECT(realized, EEP_OK);
    assert_int_equal(realized.workspace.failed, 3);
    assert_int_equal(realized.workspace.files, 1);
    assert_int_equal(realized.workspace.bytes, 4);
    assert_int_equal(result_at(&realized, 0)->code, EEP_E_CONFLICT);
    assert_int_equal(result_at(&realized, 1)->code, EEP_E_CONFLICT);
    assert_int_not_equal(result_at(&realized, 2)->code, EEP_OK);
    assert_true(result_at(&realized, 2)->message.len > 0);
    assert_int_equal(result_at(&realized, 3)->code, EEP_OK);
    assert_null(result_at(&realized, 3)->message.ptr);
    EXPECT_RUN(env, lease, "ls is-dir; cat is-file after", "xfine");
}

static void a_folder_may_be_there_already(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        OUTCOME realized = REALIZE(env, lease, SOURCES({.kind = EEP_SOURCE_DIR, .path = TEXT("again")}));
        EXPECT(realized, EEP_OK);
        assert_int_equal(realized.workspace.failed, 0);
    }
}

static void a_place_without_permission_is_told(void **state)
{
    (void)state;
    OUTCOME realized =
        REALIZE(env, lease,
                SOURCES(FILE_OF(TEXT("/usr/bin/not-allowed"), BYTES("x")), FILE_OF(TEXT("ok"), BYTES("x"))));
    EXPECT(realized, EEP_OK);
    assert_int_equal(realized.workspace.failed, 1);
    assert_int_equal(result_at(&realized, 0)->code, EEP_E_SANDBOX);
}

static void expect_refused(eep_source source, int32_t code)
{
    standin_forget(&standin);
    OUTCOME realized = REALIZE(env, lease, SOURCES(FILE_OF(TEXT("innocent"), BYTES("x")), source));
    EXPECT(realized, code);
    assert_int_equal(standin_count(&standin, NULL, NULL), 0);
}

static void bad_sources_are_refused_before_anything_is_sent(void **state)
{
    (void)state;
    expect_refused((eep_source)FILE_OF(TEXT("../up"), BYTES("x")), EEP_E_INVALID_ARGUMENT);
    expect_refused((eep_source)FILE_OF(TEXT("a/../../up"), BYTES("x")), EEP_E_INVALID_ARGUMENT);
    expect_refused((eep_source)FILE_OF(TEXT("/tmp/.."), BYTES("x")), EEP_E_INVALID_ARGUMENT);
    expect_refused((eep_source)FILE_OF(TEXT(""), BYTES("x")), EEP_E_INVALID_ARGUMENT);
    expect_refused((eep_source)FILE_OF(TEXT("folder/"), BYTES("x")), EEP_E_INVALID_ARGUMENT);
    expect_refused((eep_source)FILE_OF(TEXT("nul\0nul"), BYTES("x")), EEP_E_INVALID_ARGUMENT);
    expect_refused((eep_source){.kind = 3, .path = TEXT("x")}, EEP_E_UNSUPPORTED);
    expect_refused((eep_source){.kind = EEP_SOURCE_FILE, .mode = 010644, .path = TEXT("x")},
                   EEP_E_INVALID_ARGUMENT);
    expect_refused((eep_source)FILE_OF(TEXT("x"), ((eep_bytes){NULL, 3})), EEP_E_INVALID_ARGUMENT);
}

static void a_stopped_lease_is_started(void **state)
{
    (void)state;
    OUTCOME stopped = RELEASE(env, lease, EEP_RELEASE_STOP);
    EXPECT(stopped, EEP_OK);
    OUTCOME realized = REALIZE(env, lease, SOURCES(FILE_OF(TEXT("woken"), BYTES("up"))));
    EXPECT(realized, EEP_OK);
    assert_int_equal(realized.workspace.head.flags, EEP_WORKSPACE_STARTED);
    OUTCOME again = REALIZE(env, lease);
    EXPECT(again, EEP_OK);
    assert_int_equal(again.workspace.head.flags, 0);
    EXPECT_RUN(env, lease, "cat woken", "up");
}

/* Wherever an answer is lost: the files are there once, and nothing else is. */
static void lost_answers_lose_no_file(void **state)
{
    static const char *const lost[] = {
        "'match':{'path':'/process/execute','nth':1,'count':1},'do':{'drop':'after_action','reset':true}",
        "'match':{'path':'/files/bulk-upload','nth':1,'count':1},'do':{'drop':'after_action','reset':true}",
        "'match':{'path':'/files/bulk-upload','nth':1,'count':1},'do':{'act':true,'status':502}",
        "'match':{'path':'/process/execute','nth':2,'count':1},'do':{'drop':'after_action','reset':true}",
        "'match':{'path':'/process/execute','nth':2,'count':1},'do':{'act':true,'status':504,'html':true}",
    };
    (void)state;
    EXPECT_RUN(env, lease, "rm -rf ./* ./.eep*", "");
    for (size_t i = 0; i < COUNT_OF(lost); i++) {
        char rules[256];
        snprintf(rules, sizeof rules, "[{%s}]", lost[i]);
        standin_faults(&standin, rules);
        OUTCOME realized =
            REALIZE(env, lease, SOURCES(FILE_OF(TEXT("a"), BYTES("1")), FILE_OF(TEXT("b"), BYTES("2"))));
        standin_faults(&standin, NULL);
        EXPECT(realized, EEP_OK);
        assert_int_equal(realized.workspace.failed, 0);
        assert_int_equal(realized.workspace.files, 2);
        EXPECT_RUN(env, lease, "ls -A; cat a b; rm a b", "a\nb\n12");
    }
}

/* What was uploaded and could not be placed in time does not stay. */
static void nothing_stays_of_what_failed(void **state)
{
    (void)state;
    standin_faults(&standin,
                   "[{'match':{'path':'/process/execute','nth':2,'count':1},'do':{'delay_ms':20000}}]");
    OUTCOME realized =
        REALIZE(env, lease, SOURCES(FILE_OF(TEXT("late"), BYTES("1"))), .head.timeout_ms = 4000);
    standin_faults(&standin, NULL);
    EXPECT(realized, EEP_E_DEADLINE);
    EXPECT_RUN(env, lease, "ls -A | grep staging; ls late 2>/dev/null; echo looked", "looked\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_root_may_be_anywhere),
        cmocka_unit_test(the_configuration_may_name_the_root),
        cmocka_unit_test(a_root_that_cannot_be_is_an_error),
        cmocka_unit_test(modes_are_kept),
        cmocka_unit_test(nasty_names_are_names),
        cmocka_unit_test(sizes_do_not_matter),
        cmocka_unit_test(absolute_paths_leave_the_workspace),
        cmocka_unit_test(later_sources_replace_earlier_ones),
        cmocka_unit_test(a_file_is_replaced_at_once),
        cmocka_unit_test(kinds_do_not_replace_each_other),
        cmocka_unit_test(a_folder_may_be_there_already),
        cmocka_unit_test(a_place_without_permission_is_told),
        cmocka_unit_test(bad_sources_are_refused_before_anything_is_sent),
        cmocka_unit_test(a_stopped_lease_is_started),
        cmocka_unit_test(lost_answers_lose_no_file),
        cmocka_unit_test(nothing_stays_of_what_failed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
