/* Executions by their ids, attached to: from any byte, while they run, from other processes, after their sandbox or their
 * client has gone. */
#include <signal.h>

#include "elsewhere.h"
#include "executions.h"
#include "place.h"
#include "process.h"

/* -- What has ended --------------------------------------------------------------------------- */

static void an_extension_is_found_by_its_id(void **state)
{
    (void)state;
    assert_non_null(executions());
    assert_int_equal(executions()->struct_size, sizeof(eep_execution_table));
    assert_null(plugin()->get_extension("eep.execution/2"));
    assert_null(plugin()->get_extension(NULL));
}

static void what_has_ended_is_read_from_any_byte(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .execution_id = TEXT("ended"),
                          .script = TEXT("printf 0123456789; printf abc >&2; exit 7"));
    EXPECT(ran, EEP_OK);
    OUTCOME whole = ATTACH("ended");
    EXPECT(whole, EEP_OK);
    EXPECT_OUTPUT(whole.execution.stdout_data, "0123456789");
    EXPECT_OUTPUT(whole.execution.stderr_data, "abc");
    assert_int_equal(whole.execution.exit_code, 7);
    assert_int_equal(FLAGS(whole), EEP_EXECUTION_ATTACHED);
    assert_true(text_is(whole.execution.execution_id, "ended"));
    assert_int_equal(whole.execution.finished_at_ms, ran.execution.finished_at_ms);

    OUTCOME rest = ATTACH("ended", .stdout_from = 4, .stderr_from = 3);
    EXPECT(rest, EEP_OK);
    EXPECT_OUTPUT(rest.execution.stdout_data, "456789");
    EXPECT_OUTPUT(rest.execution.stderr_data, "");
    assert_int_equal(rest.execution.stdout_total, 10);
    assert_int_equal(rest.execution.stdout_head, 6);
    elsewhere_attach("ended", "0", "0123456789", "7");
    elsewhere_attach("ended", "5", "56789", "7");
    elsewhere_attach("ended", "10", "", "7");
}

static void an_offset_beyond_the_end_is_the_hosts_mistake(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .execution_id = TEXT("short"), .script = TEXT("printf abc"));
    EXPECT(ran, EEP_OK);
    OUTCOME beyond = ATTACH("short", .stdout_from = 4);
    EXPECT(beyond, EEP_E_INVALID_ARGUMENT);
    EXPECT_SAYS(beyond, "3 bytes of stdout and 0 of stderr");
}

static void large_output_is_read_from_its_middle(void **state)
{
    (void)state;
    OUTCOME ran =
        EXECUTE(env, lease, .execution_id = TEXT("large"), .capture_bytes = 1000,
                .script = TEXT("i=100000; while [ $i -lt 200000 ]; do echo $i; i=$((i + 1)); done"));
    EXPECT(ran, EEP_OK);
    assert_int_equal(ran.execution.stdout_total, 700000);
    OUTCOME half = ATTACH("large", .stdout_from = 350000);
    EXPECT(half, EEP_OK);
    assert_int_equal(half.execution.stdout_data.len, 350000);
    assert_memory_equal(half.execution.stdout_data.ptr, "150000\n150001\n", 14);
    OUTCOME capped = ATTACH("large", .stdout_from = 7, .capture_bytes = 14);
    EXPECT(capped, EEP_OK);
    EXPECT_OUTPUT(capped.execution.stdout_data, "100001\n199999\n");
    assert_true(FLAGS(capped) & EEP_EXECUTION_TRUNCATED);
}

static void an_unknown_id_is_not_found(void **state)
{
    (void)state;
    OUTCOME attached = ATTACH("nobody");
    EXPECT(attached, EEP_E_NOT_FOUND);
    assert_true(text_is(attached.err.execution_id, "nobody"));
    OUTCOME dropped = DROP("nobody");
    EXPECT(dropped, EEP_E_NOT_FOUND);
    OUTCOME nameless = call_attach(env, REQUEST(eep_attach_request, .lease = text(lease)));
    EXPECT(nameless, EEP_E_INVALID_ARGUMENT);
    EXPECT_SAYS(nameless, "execution_id");
}

/* -- What goes on ----------------------------------------------------------------------------- */

/* Collects stdout, and once makes the file that lets the command go on. */
struct listener {
    char bytes[256];
    size_t len;
    const char *file;
    const char *sandbox; /* or stops the sandbox */
    int32_t answer;
};

static int32_t listen(void *ctx, uint32_t stream, const void *data, size_t len)
{
    struct listener *listener = ctx;
    if (stream != EEP_STREAM_STDOUT || listener->len + len > sizeof listener->bytes) return 1;
    memcpy(listener->bytes + listener->len, data, len);
    listener->len += len;
    if (listener->file) place_touch(listener->file);
    if (listener->sandbox) standin_force(&standin, listener->sandbox, "{\"state\":\"stopped\"}");
    listener->file = listener->sandbox = NULL;
    return listener->answer;
}

static void a_detached_command_goes_on_by_itself(void **state)
{
    (void)state;
    OUTCOME detached = DETACH("alone", "echo one; " WAIT_FOR("go1") "echo two; exit 3");
    EXPECT(detached, EEP_OK);
    assert_int_equal(FLAGS(detached), EEP_EXECUTION_RUNNING);
    assert_int_equal(detached.execution.exit_code, -1);
    assert_true(text_is(detached.execution.execution_id, "alone"));

    struct listener listener = {.file = "go1"};
    OUTCOME attached = ATTACH("alone", .on_output = listen, .output_ctx = &listener);
    EXPECT(attached, EEP_OK);
    assert_int_equal(listener.len, 8);
    assert_memory_equal(listener.bytes, "one\ntwo\n", 8);
    assert_int_equal(attached.execution.exit_code, 3);
    assert_null(attached.execution.stdout_data.ptr);
    elsewhere_attach("alone", "4", "two\n", "3");
}

static void a_live_command_is_joined_in_its_middle(void **state)
{
    (void)state;
    OUTCOME detached = DETACH("live", "printf 12345; " WAIT_FOR("go2") "printf 67");
    EXPECT(detached, EEP_OK);
    AWAIT(WRITTEN("live") == 5);
    OUTCOME now = LOOK("live", .stdout_from = 2);
    EXPECT(now, EEP_OK);
    EXPECT_OUTPUT(now.execution.stdout_data, "345");
    assert_true(FLAGS(now) & EEP_EXECUTION_RUNNING);
    pid_t other = elsewhere_begin_attach("live", "3", "4567", "0");
    place_touch("go2");
    assert_int_equal(process_await(other), 0);
}

static void an_attach_that_ends_early_ends_nothing(void **state)
{
    (void)state;
    OUTCOME detached = DETACH("endless", "echo ready; sleep 60");
    EXPECT(detached, EEP_OK);
    AWAIT(WRITTEN("endless") == 6);

    OUTCOME late = ATTACH("endless", .head.timeout_ms = 2000);
    EXPECT(late, EEP_E_DEADLINE);
    assert_true(FLAGS(late) & EEP_EXECUTION_RUNNING);
    EXPECT_OUTPUT(late.execution.stdout_data, "ready\n");
    assert_false(late.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_in_range(late.elapsed_ms, 2000, 7000);

    struct listener enough = {.answer = 1};
    OUTCOME left = ATTACH("endless", .on_output = listen, .output_ctx = &enough);
    EXPECT(left, EEP_E_CANCELLED);
    OUTCOME now = LOOK("endless");
    assert_true(FLAGS(now) & EEP_EXECUTION_RUNNING);
    OUTCOME killed = KILL("endless");
    EXPECT(killed, EEP_OK);
}

/* -- The sandbox stops ------------------------------------------------------------------------- */

static void expect_not_started(void)
{
    assert_int_equal(standin_count(&standin, "POST", "/start"), 0);
}

static void a_command_that_goes_with_its_sandbox_is_interrupted(void **state)
{
    (void)state;
    standin_forget(&standin);
    struct listener listener = {.sandbox = lease};
    OUTCOME ran = EXECUTE(env, lease, .execution_id = TEXT("cut"), .script = TEXT("echo ready; sleep 60"),
                          .on_output = listen, .output_ctx = &listener, .capture_bytes = 100);
    EXPECT(ran, EEP_E_INTERRUPTED);
    EXPECT_OUTPUT(ran.execution.stdout_data, "ready\n");
    assert_false(FLAGS(ran) & EEP_EXECUTION_RUNNING);
    assert_int_equal(ran.execution.exit_code, -1);
    OUTCOME killed = KILL("cut");
    EXPECT(killed, EEP_E_INTERRUPTED);
    OUTCOME looked = ATTACH("cut", .head.flags = EEP_ATTACH_NO_WAIT | EEP_ATTACH_NO_START);
    EXPECT(looked, EEP_E_CONFLICT);
    LISTED listed = executions_list(env, lease, 0, EEP_LIST_NO_START);
    assert_int_equal(listed.code, EEP_E_CONFLICT);
    expect_not_started();

    OUTCOME attached = ATTACH("cut", .stdout_from = 2);
    EXPECT(attached, EEP_E_INTERRUPTED);
    assert_true(FLAGS(attached) & EEP_EXECUTION_STARTED);
    EXPECT_OUTPUT(attached.execution.stdout_data, "ady\n");
    LISTED after = executions_list(env, lease, 0, 0);
    const eep_listed_execution *cut = listed_find(&after, "cut");
    assert_true(cut && cut->state == EEP_EXECUTION_STATE_INTERRUPTED);
}

static void an_attach_whose_sandbox_stops_is_interrupted(void **state)
{
    (void)state;
    OUTCOME detached = DETACH("cut-attach", "echo ready; sleep 60");
    EXPECT(detached, EEP_OK);
    standin_forget(&standin);
    struct listener listener = {.sandbox = lease};
    OUTCOME attached = ATTACH("cut-attach", .on_output = listen, .output_ctx = &listener);
    EXPECT(attached, EEP_E_INTERRUPTED);
    expect_not_started();
    place_touch("woken");
}

/* -- The client dies --------------------------------------------------------------------------- */

static bool is_there(const char *id)
{
    OUTCOME looked = LOOK(id);
    return looked.code == EEP_OK && looked.execution.stdout_total > 0;
}

static void a_killed_client_loses_nothing(void **state)
{
    (void)state;
    static const char script[] = "echo x >> clients; echo first; " WAIT_FOR("go5") "echo second; exit 8";
    pid_t client = elsewhere_begin_execute("orphan", script);
    AWAIT(is_there("orphan"));
    assert_int_equal(kill(client, SIGKILL), 0);
    assert_int_equal(process_await(client), -1);
    place_touch("go5");
    elsewhere_attach("orphan", "0", "first\nsecond\n", "8");
    EXPECT_RUN(env, lease, "cat clients", "x\n");
}

int main(int argc, char **argv)
{
    if (elsewhere_is_asked(argc, argv)) return elsewhere_main(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_extension_is_found_by_its_id),
        cmocka_unit_test(what_has_ended_is_read_from_any_byte),
        cmocka_unit_test(an_offset_beyond_the_end_is_the_hosts_mistake),
        cmocka_unit_test(large_output_is_read_from_its_middle),
        cmocka_unit_test(an_unknown_id_is_not_found),
        cmocka_unit_test(a_detached_command_goes_on_by_itself),
        cmocka_unit_test(a_live_command_is_joined_in_its_middle),
        cmocka_unit_test(an_attach_that_ends_early_ends_nothing),
        cmocka_unit_test(a_command_that_goes_with_its_sandbox_is_interrupted),
        cmocka_unit_test(an_attach_whose_sandbox_stops_is_interrupted),
        cmocka_unit_test(a_killed_client_loses_nothing),
    };
    return cmocka_run_group_tests(tests, place_start, place_stop);
}
