/* Executions by their ids: detached, attached to, listed, killed, dropped; also from other processes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "executions.h"
#include "place.h"
#include "process.h"

enum { MINUTE_MS = 60000 };

static void make_file(const char *name)
{
    OUTCOME made = EXECUTE(env, lease, ARGV(TEXT("touch"), text(name)));
    EXPECT(made, EEP_OK);
}

static uint64_t bytes_written(const char *id)
{
    return executions_written(env, lease, id);
}

/* -- In a fresh process ------------------------------------------------------------------------ */

/* attach API LEASE ID FROM OUTPUT CODE: attaches from an offset; expects this output and exit code. */
static int attach_elsewhere(char **words)
{
    snprintf(standin.api, sizeof standin.api, "%s", words[0]);
    snprintf(lease, sizeof lease, "%s", words[1]);
    env = host_open(&standin, NULL);
    OUTCOME attached = ATTACH(words[2], .stdout_from = strtoull(words[3], NULL, 10));
    bool right = attached.code == EEP_OK && attached.execution.exit_code == atoi(words[5]) &&
                 attached.execution.stdout_data.len == strlen(words[4]) &&
                 memcmp(attached.execution.stdout_data.ptr, words[4], strlen(words[4])) == 0;
    if (!right)
        fprintf(stderr, "code %d (%s), exit code %d, output \"%s\"\n", attached.code,
                attached.code ? attached.err.message.ptr : "", attached.execution.exit_code,
                attached.code ? "" : (const char *)attached.execution.stdout_data.ptr);
    plugin()->close(env);
    return right ? 0 : 1;
}

/* execute API LEASE ID SCRIPT */
static int execute_elsewhere(char **words)
{
    snprintf(standin.api, sizeof standin.api, "%s", words[0]);
    env = host_open(&standin, NULL);
    OUTCOME ran = EXECUTE(env, words[1], .execution_id = text(words[2]), .script = text(words[3]));
    return ran.code;
}

static void expect_elsewhere(const char *id, const char *from, const char *output, const char *code)
{
    IN_FRESH_PROCESS("attach", standin.api, lease, id, from, output, code);
}

/* -- attach ------------------------------------------------------------------------------------ */

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
    expect_elsewhere("ended", "0", "0123456789", "7");
    expect_elsewhere("ended", "5", "56789", "7");
    expect_elsewhere("ended", "10", "", "7");
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

/* -- Detached ---------------------------------------------------------------------------------- */

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
    if (listener->file) make_file(listener->file);
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
    expect_elsewhere("alone", "4", "two\n", "3");
}

static void a_live_command_is_joined_in_its_middle(void **state)
{
    (void)state;
    OUTCOME detached = DETACH("live", "printf 12345; " WAIT_FOR("go2") "printf 67");
    EXPECT(detached, EEP_OK);
    AWAIT(bytes_written("live") == 5);
    OUTCOME now = LOOK("live", .stdout_from = 2);
    EXPECT(now, EEP_OK);
    EXPECT_OUTPUT(now.execution.stdout_data, "345");
    assert_true(FLAGS(now) & EEP_EXECUTION_RUNNING);
    const char *const words[] = {"attach", standin.api, lease, "live", "3", "4567", "0", NULL};
    pid_t other = process_start_self(words);
    make_file("go2");
    assert_int_equal(process_await(other), 0);
}

static void detaching_needs_a_time_limit(void **state)
{
    (void)state;
    standin_forget(&standin);
    OUTCOME refused = EXECUTE(env, lease, .head.flags = EEP_EXECUTE_DETACH, .script = TEXT("true"));
    EXPECT(refused, EEP_E_INVALID_ARGUMENT);
    EXPECT_SAYS(refused, "time_limit_ms");
    assert_int_equal(standin_count(&standin, NULL, NULL), 0);
}

static void the_time_limit_of_a_detached_command_holds(void **state)
{
    (void)state;
    OUTCOME detached = EXECUTE(env, lease, .head.flags = EEP_EXECUTE_DETACH, .execution_id = TEXT("limit"),
                               .script = TEXT("echo on; sleep 60"), .time_limit_ms = 1500);
    EXPECT(detached, EEP_OK);
    OUTCOME ended = ATTACH("limit");
    EXPECT(ended, EEP_OK);
    assert_true(FLAGS(ended) & EEP_EXECUTION_TIMED_OUT);
    EXPECT_OUTPUT(ended.execution.stdout_data, "on\n");
}

static void the_same_detached_command_starts_once(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        OUTCOME detached = DETACH("twice", "echo x >> twice; " WAIT_FOR("go3"));
        EXPECT(detached, EEP_OK);
        assert_int_equal(!!(FLAGS(detached) & EEP_EXECUTION_ATTACHED), i);
    }
    make_file("go3");
    OUTCOME ended = ATTACH("twice");
    EXPECT(ended, EEP_OK);
    EXPECT_RUN(env, lease, "cat twice", "x\n");
}

/* The answer to the start is lost: the id finds what has been started. */
static void a_lost_answer_to_a_detached_start_loses_nothing(void **state)
{
    (void)state;
    standin_faults(&standin,
                   "[{'match':{'path':'/process/execute','count':1},'do':{'drop':'after_action'}}]");
    OUTCOME detached = DETACH("dropped-answer", "echo x >> drops; " WAIT_FOR("go4"));
    standin_faults(&standin, NULL);
    EXPECT(detached, EEP_OK);
    assert_true(FLAGS(detached) & EEP_EXECUTION_RUNNING);
    make_file("go4");
    OUTCOME ended = ATTACH("dropped-answer");
    EXPECT(ended, EEP_OK);
    EXPECT_RUN(env, lease, "cat drops", "x\n");
}

/* -- An attach that does not see the end ------------------------------------------------------- */

static void an_attach_that_ends_early_ends_nothing(void **state)
{
    (void)state;
    OUTCOME detached = DETACH("endless", "echo ready; sleep 60");
    EXPECT(detached, EEP_OK);
    AWAIT(bytes_written("endless") == 6);

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

/* -- kill -------------------------------------------------------------------------------------- */

static void kill_climbs_as_far_as_it_must(void **state)
{
    (void)state;
    OUTCOME meek = DETACH("meek", "echo ready; sleep 60");
    OUTCOME stubborn = DETACH("stubborn", "trap '' INT TERM; echo ready; while :; do sleep 0.1; done");
    EXPECT(meek, EEP_OK);
    EXPECT(stubborn, EEP_OK);
    AWAIT(bytes_written("meek") == 6 && bytes_written("stubborn") == 6);

    OUTCOME first = KILL("meek", .head.timeout_ms = 12000); /* a rung is a sixth of it */
    EXPECT(first, EEP_OK);
    assert_int_equal(FLAGS(first), EEP_EXECUTION_KILLED);
    assert_int_equal(first.execution.kill_signal, SIGINT);
    assert_null(first.execution.stdout_data.ptr);
    assert_int_equal(first.execution.stdout_total, 6);

    OUTCOME last = KILL("stubborn", .head.timeout_ms = 9000);
    EXPECT(last, EEP_OK);
    assert_int_equal(FLAGS(last), EEP_EXECUTION_KILLED);
    assert_int_equal(last.execution.kill_signal, SIGKILL);
    assert_in_range(last.elapsed_ms, 0, 9000);
    expect_elsewhere("stubborn", "0", "ready\n", "-1");
}

static void killing_what_has_ended_tells_its_end(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .execution_id = TEXT("over"), .script = TEXT("exit 9"));
    EXPECT(ran, EEP_OK);
    OUTCOME killed = KILL("over");
    EXPECT(killed, EEP_OK);
    assert_int_equal(FLAGS(killed), 0);
    assert_int_equal(killed.execution.exit_code, 9);
}

static void a_killed_id_that_never_ran_never_will(void **state)
{
    (void)state;
    OUTCOME killed = KILL("not-yet");
    EXPECT(killed, EEP_E_NOT_FOUND);
    OUTCOME late = EXECUTE(env, lease, .execution_id = TEXT("not-yet"), .script = TEXT("touch ran"));
    EXPECT(late, EEP_E_INTERRUPTED);
    EXPECT_RUN(env, lease, "ls ran 2>&-; :", "");
}

/* A service: its starter ends, what it left in the background goes on. */
static void a_service_is_looked_at_and_stopped_by_its_id(void **state)
{
    (void)state;
    OUTCOME detached = DETACH("service", "(while :; do echo tick; sleep 0.02; done) & echo started");
    EXPECT(detached, EEP_OK);
    OUTCOME begun = ATTACH("service");
    EXPECT(begun, EEP_OK);
    assert_true(FLAGS(begun) & EEP_EXECUTION_HELD);
    assert_int_equal(begun.execution.exit_code, 0);

    uint64_t seen = begun.execution.stdout_data.len;
    AWAIT(bytes_written("service") >= seen + 10);
    OUTCOME more = LOOK("service", .stdout_from = seen, .capture_bytes = 10);
    EXPECT(more, EEP_OK);
    assert_int_equal(more.execution.stdout_data.len, 10);
    OUTCOME busy = DROP("service");
    EXPECT(busy, EEP_E_CONFLICT);

    OUTCOME killed = KILL("service");
    EXPECT(killed, EEP_OK);
    uint64_t end = bytes_written("service");
    EXPECT_RUN(env, lease, "sleep 0.1", "");
    assert_int_equal(bytes_written("service"), end);
    OUTCOME dropped = DROP("service");
    EXPECT(dropped, EEP_OK);
}

/* -- list and drop ----------------------------------------------------------------------------- */

static struct listed list(uint32_t max, uint32_t flags)
{
    return executions_list(env, lease, max, flags);
}

static const eep_listed_execution *find(const struct listed *listed, const char *id)
{
    const eep_listed_execution *found = listed_find(listed, id);
    if (found == NULL) fail_msg("%s is not in the list", id);
    return found;
}

static void a_list_tells_how_each_one_is(void **state)
{
    (void)state;
    OUTCOME ended = EXECUTE(env, lease, .execution_id = TEXT("list-done"), .script = TEXT("echo a; exit 4"));
    OUTCOME dropped = DROP("list-done");
    EXPECT(dropped, EEP_OK);
    OUTCOME done = EXECUTE(env, lease, .execution_id = TEXT("list-kept"), .script = TEXT("echo ab >&2"));
    OUTCOME running = DETACH("list-runs", "sleep 60");
    OUTCOME never = KILL("list-never");
    EXPECT(never, EEP_E_NOT_FOUND);

    LISTED all = list(0, 0);
    assert_int_equal(all.code, EEP_OK);
    assert_int_equal(all.list.execution_stride, sizeof(eep_listed_execution));
    assert_int_equal(all.list.head.flags, 0);
    assert_int_equal(find(&all, "list-done")->state, EEP_EXECUTION_STATE_EXPIRED);
    assert_int_equal(find(&all, "list-done")->exit_code, 4);
    assert_int_equal(find(&all, "list-kept")->state, EEP_EXECUTION_STATE_DONE);
    assert_int_equal(find(&all, "list-kept")->stderr_total, 3);
    assert_true(find(&all, "list-kept")->finished_at_ms > 0);
    assert_int_equal(find(&all, "list-runs")->state, EEP_EXECUTION_STATE_RUNNING);
    assert_int_equal(find(&all, "list-runs")->flags, EEP_EXECUTION_RUNNING);
    assert_int_equal(find(&all, "list-runs")->exit_code, -1);
    assert_int_equal(find(&all, "list-never")->state, EEP_EXECUTION_STATE_NEVER);

    LISTED two = list(2, 0);
    assert_int_equal(two.list.execution_count, 2);
    assert_int_equal(two.list.head.flags, EEP_EXECUTION_LIST_MORE);
    LISTED much = list(EEP_LIST_MAX + 1, 0);
    assert_int_equal(much.code, EEP_E_TOO_LARGE);
    OUTCOME killed = KILL("list-runs");
    EXPECT(killed, EEP_OK);
}

static void what_is_dropped_keeps_its_outcome(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .execution_id = TEXT("gone"), .script = TEXT("echo out; exit 6"));
    EXPECT(ran, EEP_OK);
    for (int i = 0; i < 2; i++) {
        OUTCOME dropped = DROP("gone");
        EXPECT(dropped, EEP_OK);
        assert_int_equal(dropped.execution.exit_code, 6);
    }
    OUTCOME attached = ATTACH("gone");
    EXPECT(attached, EEP_E_EXPIRED);
    assert_int_equal(attached.execution.exit_code, 6);
    assert_int_equal(attached.execution.stdout_data.len, 0);
    OUTCOME again = EXECUTE(env, lease, .execution_id = TEXT("gone"), .script = TEXT("echo out; exit 6"));
    EXPECT(again, EEP_E_EXPIRED);
    OUTCOME killed = KILL("gone");
    EXPECT(killed, EEP_OK);
    assert_int_equal(killed.execution.exit_code, 6);
}

static void what_runs_is_not_dropped(void **state)
{
    (void)state;
    OUTCOME detached = DETACH("keeps-going", "echo ready; sleep 60");
    EXPECT(detached, EEP_OK);
    OUTCOME dropped = DROP("keeps-going");
    EXPECT(dropped, EEP_E_CONFLICT);
    OUTCOME killed = KILL("keeps-going");
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
    LISTED listed = list(0, EEP_LIST_NO_START);
    assert_int_equal(listed.code, EEP_E_CONFLICT);
    expect_not_started();

    OUTCOME attached = ATTACH("cut", .stdout_from = 2);
    EXPECT(attached, EEP_E_INTERRUPTED);
    assert_true(FLAGS(attached) & EEP_EXECUTION_STARTED);
    EXPECT_OUTPUT(attached.execution.stdout_data, "ady\n");
    LISTED after = list(0, 0);
    assert_int_equal(find(&after, "cut")->state, EEP_EXECUTION_STATE_INTERRUPTED);
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
    make_file("woken");
}

/* -- Auto-stop --------------------------------------------------------------------------------- */

#define FIVE_MINUTES (5 * MINUTE_MS)

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void the_auto_stop_interval_is_raised_for_a_longer_limit(void **state)
{
    (void)state;
    char other[EEP_LEASE_MAX + 1];
    eep_env *idle = host_open(&standin, "'autoStopInterval':1");
    host_acquire(idle, other);
    standin_forget(&standin);
    for (int i = 0; i < 2; i++) {
        int64_t before = wall_ms();
        OUTCOME detached = EXECUTE(idle, other, .head.flags = EEP_EXECUTE_DETACH, .script = TEXT("sleep 30"),
                                   .time_limit_ms = FIVE_MINUTES);
        EXPECT(detached, EEP_OK);
        assert_true(detached.execution.kept_until_ms >= before + FIVE_MINUTES);
        assert_true(detached.execution.kept_until_ms <= wall_ms() + 6 * MINUTE_MS);
        assert_int_equal(standin_count(&standin, "POST", "/autostop/6"), 1);
    }
    host_destroy(idle, other);
    plugin()->close(idle);
}

static void a_sandbox_that_never_stops_keeps_for_ever(void **state)
{
    (void)state;
    char other[EEP_LEASE_MAX + 1];
    eep_env *steady = host_open(&standin, "'autoStopInterval':0");
    host_acquire(steady, other);
    standin_forget(&standin);
    OUTCOME detached = EXECUTE(steady, other, .head.flags = EEP_EXECUTE_DETACH, .script = TEXT("sleep 30"),
                               .time_limit_ms = FIVE_MINUTES);
    EXPECT(detached, EEP_OK);
    assert_int_equal(detached.execution.kept_until_ms, 0);
    assert_int_equal(standin_count(&standin, "POST", "/autostop/"), 0);
    host_destroy(steady, other);
    plugin()->close(steady);
}

static void an_interval_that_cannot_be_raised_is_told(void **state)
{
    (void)state;
    char other[EEP_LEASE_MAX + 1];
    eep_env *idle = host_open(&standin, "'autoStopInterval':1");
    host_acquire(idle, other);
    standin_forget(&standin);
    standin_faults(&standin, "[{'match':{'path':'/autostop/6'},'do':{'status':403,'body':'{}'}}]");
    OUTCOME refused = EXECUTE(idle, other, .head.flags = EEP_EXECUTE_DETACH, .script = TEXT("sleep 30"),
                              .time_limit_ms = FIVE_MINUTES);
    standin_faults(&standin, NULL);
    EXPECT(refused, EEP_E_PERMISSION_DENIED);
    EXPECT_SAYS(refused, "300000");
    EXPECT_SAYS(refused, "after 1 idle");
    assert_false(refused.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_int_equal(standin_count(&standin, "POST", "/process/execute"), 0);
    host_destroy(idle, other);
    plugin()->close(idle);
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
    const char *const words[] = {"execute", standin.api, lease, "orphan", script, NULL};
    pid_t client = process_start_self(words);
    AWAIT(is_there("orphan"));
    assert_int_equal(kill(client, SIGKILL), 0);
    assert_int_equal(process_await(client), -1);
    make_file("go5");
    expect_elsewhere("orphan", "0", "first\nsecond\n", "8");
    EXPECT_RUN(env, lease, "cat clients", "x\n");
}

int main(int argc, char **argv)
{
    if (argc == 8 && strcmp(argv[1], "attach") == 0) return attach_elsewhere(argv + 2);
    if (argc == 6 && strcmp(argv[1], "execute") == 0) return execute_elsewhere(argv + 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_extension_is_found_by_its_id),
        cmocka_unit_test(what_has_ended_is_read_from_any_byte),
        cmocka_unit_test(an_offset_beyond_the_end_is_the_hosts_mistake),
        cmocka_unit_test(large_output_is_read_from_its_middle),
        cmocka_unit_test(an_unknown_id_is_not_found),
        cmocka_unit_test(a_detached_command_goes_on_by_itself),
        cmocka_unit_test(a_live_command_is_joined_in_its_middle),
        cmocka_unit_test(detaching_needs_a_time_limit),
        cmocka_unit_test(the_time_limit_of_a_detached_command_holds),
        cmocka_unit_test(the_same_detached_command_starts_once),
        cmocka_unit_test(a_lost_answer_to_a_detached_start_loses_nothing),
        cmocka_unit_test(an_attach_that_ends_early_ends_nothing),
        cmocka_unit_test(kill_climbs_as_far_as_it_must),
        cmocka_unit_test(killing_what_has_ended_tells_its_end),
        cmocka_unit_test(a_killed_id_that_never_ran_never_will),
        cmocka_unit_test(a_service_is_looked_at_and_stopped_by_its_id),
        cmocka_unit_test(a_list_tells_how_each_one_is),
        cmocka_unit_test(what_is_dropped_keeps_its_outcome),
        cmocka_unit_test(what_runs_is_not_dropped),
        cmocka_unit_test(a_command_that_goes_with_its_sandbox_is_interrupted),
        cmocka_unit_test(an_attach_whose_sandbox_stops_is_interrupted),
        cmocka_unit_test(the_auto_stop_interval_is_raised_for_a_longer_limit),
        cmocka_unit_test(a_sandbox_that_never_stops_keeps_for_ever),
        cmocka_unit_test(an_interval_that_cannot_be_raised_is_told),
        cmocka_unit_test(a_killed_client_loses_nothing),
    };
    return cmocka_run_group_tests(tests, place_start, place_stop);
}
