/* Executions by their ids: ended, listed, their output removed. */
#include <signal.h>

#include "elsewhere.h"
#include "executions.h"
#include "place.h"

/* -- kill -------------------------------------------------------------------------------------- */

static void kill_climbs_as_far_as_it_must(void **state)
{
    (void)state;
    OUTCOME meek = DETACH("meek", "echo ready; sleep 60");
    OUTCOME stubborn = DETACH("stubborn", "trap '' INT TERM; echo ready; while :; do sleep 0.1; done");
    EXPECT(meek, EEP_OK);
    EXPECT(stubborn, EEP_OK);
    AWAIT(WRITTEN("meek") == 6 && WRITTEN("stubborn") == 6);

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
    elsewhere_attach("stubborn", "0", "ready\n", "-1");
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
    AWAIT(WRITTEN("service") >= seen + 10);
    OUTCOME more = LOOK("service", .stdout_from = seen, .capture_bytes = 10);
    EXPECT(more, EEP_OK);
    assert_int_equal(more.execution.stdout_data.len, 10);
    OUTCOME busy = DROP("service");
    EXPECT(busy, EEP_E_CONFLICT);

    OUTCOME killed = KILL("service");
    EXPECT(killed, EEP_OK);
    uint64_t end = WRITTEN("service");
    EXPECT_RUN(env, lease, "sleep 0.1", "");
    assert_int_equal(WRITTEN("service"), end);
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

int main(int argc, char **argv)
{
    if (elsewhere_is_asked(argc, argv)) return elsewhere_main(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kill_climbs_as_far_as_it_must),
        cmocka_unit_test(killing_what_has_ended_tells_its_end),
        cmocka_unit_test(a_killed_id_that_never_ran_never_will),
        cmocka_unit_test(a_service_is_looked_at_and_stopped_by_its_id),
        cmocka_unit_test(a_list_tells_how_each_one_is),
        cmocka_unit_test(what_is_dropped_keeps_its_outcome),
        cmocka_unit_test(what_runs_is_not_dropped),
    };
    return cmocka_run_group_tests(tests, place_start, place_stop);
}
