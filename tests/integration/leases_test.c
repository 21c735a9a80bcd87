/* leases_test.c: get, list and keepalive of eep.lease/1: what is told of leases, and how long they stay. */
#include <stdio.h>
#include <stdlib.h>

#include "leases.h"
#include "stage.h"

enum { MINUTE_MS = 60000 };

static void an_extension_is_found_by_its_id(void **state)
{
    (void)state;
    assert_non_null(leases());
    assert_int_equal(leases()->struct_size, sizeof(eep_lease_table));
    assert_null(plugin()->get_extension("eep.lease/2"));
}

/* -- get --------------------------------------------------------------------------------------- */

static void get_tells_what_a_lease_is(void **state)
{
    (void)state;
    eep_env *of = host_open(&standin, "'owner':'ann','labels':{'team':'blue'},'image':'debian:12','cpu':2,"
                                      "'autoStopInterval':7,'autoDeleteInterval':30");
    OUTCOME made = ACQUIRE(of, .idempotency_key = TEXT("k"), .name_hint = TEXT("build 7"));
    EXPECT(made, EEP_OK);
    standin_forget(&standin);
    OUTCOME got = GET_LEASE(of, made.lease.lease.ptr);
    EXPECT(got, EEP_OK);
    assert_int_equal(standin_count(&standin, NULL, NULL), 1);
    assert_int_equal(got.leases.lease_count, 1);
    assert_null(got.leases.next.ptr);
    const eep_leased *leased = leased_at(&got.leases, 0);
    assert_string_equal(leased->lease.ptr, made.lease.lease.ptr);
    assert_string_equal(leased->name.ptr, made.lease.name.ptr);
    assert_string_equal(leased->owner.ptr, "ann");
    assert_string_equal(leased->name_hint.ptr, "build 7");
    assert_string_equal(leased->state_text.ptr, "started");
    assert_int_equal(leased->state, EEP_STATE_STARTED);
    assert_int_equal(leased->flags, EEP_LEASED_OWN | EEP_LEASED_KEYED);
    assert_int_equal(leased->cpu, 2);
    assert_int_equal(leased->auto_stop_min, 7);
    assert_int_equal(leased->auto_delete_min, 30);
    assert_true(leased->created_at_ms > wall_ms() - MINUTE_MS &&
                leased->created_at_ms <= leased->active_at_ms);
    assert_null(leased->reason.ptr);
    assert_int_equal(leased->label_count, 2); /* the plugin's own are told as fields */
    assert_string_equal(leased->labels[0].name.ptr, "team");
    assert_string_equal(leased->labels[0].value.ptr, "blue");
    host_destroy(of, made.lease.lease.ptr);
    OUTCOME gone = GET_LEASE(of, made.lease.lease.ptr);
    EXPECT(gone, EEP_E_LEASE_LOST);
    assert_int_equal(gone.leases.lease_count, 0);
    plugin()->close(of);
}

static void get_tells_whose_it_is_and_what_is_wrong(void **state)
{
    (void)state;
    eep_env *ann = host_open(&standin, "'owner':'ann','reuseLease':true");
    char lease[EEP_LEASE_MAX + 1];
    host_acquire(ann, lease);
    OUTCOME kept = GET_LEASE(ann, lease);
    EXPECT(kept, EEP_OK);
    assert_int_equal(leased_at(&kept.leases, 0)->flags, EEP_LEASED_OWN | EEP_LEASED_REUSABLE);
    assert_int_equal(leased_at(&kept.leases, 0)->auto_delete_min, -1);
    standin_force(&standin, lease, "{\"state\":\"error\",\"errorReason\":\"no room\",\"recoverable\":true}");
    OUTCOME other = GET_LEASE(env, lease);
    EXPECT(other, EEP_OK);
    const eep_leased *leased = leased_at(&other.leases, 0);
    assert_int_equal(leased->flags, EEP_LEASED_REUSABLE | EEP_LEASED_RECOVERABLE);
    assert_int_equal(leased->state, EEP_STATE_ERROR);
    assert_string_equal(leased->reason.ptr, "no room");
    host_destroy(ann, lease);
    plugin()->close(ann);
}

static void a_wrong_id_is_told_before_anything_is_sent(void **state)
{
    (void)state;
    standin_forget(&standin);
    OUTCOME got = GET_LEASE(env, "../../api-keys");
    EXPECT(got, EEP_E_INVALID_ARGUMENT);
    OUTCOME kept = KEEPALIVE(env, "a b", .until_ms = wall_ms() + MINUTE_MS);
    EXPECT(kept, EEP_E_INVALID_ARGUMENT);
    assert_int_equal(standin_count(&standin, NULL, NULL), 0);
}

/* -- list -------------------------------------------------------------------------------------- */

static void owners_see_their_own_and_all_on_demand(void **state)
{
    (void)state;
    char of_ann[EEP_LEASE_MAX + 1], of_bob[EEP_LEASE_MAX + 1], of_nobody[EEP_LEASE_MAX + 1];
    eep_env *ann = host_open(&standin, "'owner':'ann+1 & {co}, 100%'");
    eep_env *bob = host_open(&standin, "'owner':'bob'");
    host_acquire(ann, of_ann);
    host_acquire(bob, of_bob);
    host_acquire(env, of_nobody);
    OUTCOME anns = LIST_LEASES(ann);
    EXPECT(anns, EEP_OK);
    assert_int_equal(anns.leases.lease_count, 1);
    assert_non_null(leased_find(&anns.leases, of_ann));
    OUTCOME nobodys = LIST_LEASES(env);
    EXPECT(nobodys, EEP_OK);
    assert_int_equal(nobodys.leases.lease_count, 1);
    assert_int_equal(leased_find(&nobodys.leases, of_nobody)->flags, EEP_LEASED_OWN);
    OUTCOME all = LIST_LEASES(bob, .head.flags = EEP_LEASES_ALL);
    EXPECT(all, EEP_OK);
    assert_int_equal(all.leases.lease_count, 3);
    assert_int_equal(leased_find(&all.leases, of_ann)->flags, 0);
    assert_int_equal(leased_find(&all.leases, of_bob)->flags, EEP_LEASED_OWN);
    host_destroy(ann, of_ann);
    host_destroy(bob, of_bob);
    host_destroy(env, of_nobody);
    plugin()->close(ann);
    plugin()->close(bob);
}

static void a_state_can_be_asked_for(void **state)
{
    char running[EEP_LEASE_MAX + 1], stopped[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, running);
    host_acquire(env, stopped);
    OUTCOME released = RELEASE(env, stopped, EEP_RELEASE_STOP);
    EXPECT(released, EEP_OK);
    OUTCOME resting = LIST_LEASES(env, .states = 1u << EEP_STATE_STOPPED | 1u << EEP_STATE_ARCHIVED);
    EXPECT(resting, EEP_OK);
    assert_int_equal(resting.leases.lease_count, 1);
    assert_non_null(leased_find(&resting.leases, stopped));
    OUTCOME none = LIST_LEASES(env, .states = 1u << EEP_STATE_ERROR);
    EXPECT(none, EEP_OK);
    assert_int_equal(none.leases.lease_count, 0);
    host_destroy(env, running);
    host_destroy(env, stopped);
}

static void pages_follow_each_other(void **state)
{
    enum { LEASES = 23, PAGE = 10 };
    char made[LEASES][EEP_LEASE_MAX + 1], cursor[2048] = "";
    uint32_t seen = 0, pages = 0;
    (void)state;
    for (int i = 0; i < LEASES; i++)
        host_acquire(env, made[i]);
    do {
        OUTCOME page =
            LIST_LEASES(env, .page = PAGE, .cursor = cursor[0] ? text(cursor) : (eep_str){NULL, 0});
        EXPECT(page, EEP_OK);
        assert_true(page.leases.lease_count <= PAGE);
        for (int i = 0; i < LEASES; i++)
            seen += leased_find(&page.leases, made[i]) != NULL;
        snprintf(cursor, sizeof cursor, "%s", page.leases.next.ptr ? page.leases.next.ptr : "");
        pages++;
    } while (cursor[0]);
    assert_int_equal(seen, LEASES); /* each once, none missing */
    assert_int_equal(pages, 3);
    for (int i = 0; i < LEASES; i++)
        host_destroy(env, made[i]);
}

static void wrong_pages_and_cursors_are_told(void **state)
{
    (void)state;
    OUTCOME small = LIST_LEASES(env, .page = EEP_LEASES_PAGE_MIN - 1);
    EXPECT(small, EEP_E_INVALID_ARGUMENT);
    OUTCOME large = LIST_LEASES(env, .page = EEP_LEASES_PAGE_MAX + 1);
    EXPECT(large, EEP_E_INVALID_ARGUMENT);
    EXPECT_SAYS(large, "200");
    OUTCOME empty = LIST_LEASES(env, .cursor = TEXT(""));
    EXPECT(empty, EEP_E_INVALID_ARGUMENT);
    OUTCOME wild = LIST_LEASES(env, .cursor = TEXT("not a cursor"));
    EXPECT(wild, EEP_E_INVALID_ARGUMENT);
    OUTCOME unknown = LIST_LEASES(env, .cursor = TEXT("no-cursor-of-the-service"));
    EXPECT(unknown, EEP_E_INVALID_ARGUMENT);
    EXPECT_SAYS(unknown, "cursor");
    OUTCOME flags = LIST_LEASES(env, .head.flags = 0x800);
    EXPECT(flags, EEP_E_UNSUPPORTED);
}

/* A service that is busy for a moment is asked again. */
static void a_list_waits_for_a_busy_service(void **state)
{
    (void)state;
    standin_faults(&standin,
                   "[{'match':{'method':'GET','path':'/api/sandbox','count':2},'do':{'status':503}}]");
    OUTCOME page = LIST_LEASES(env);
    EXPECT(page, EEP_OK);
    standin_faults(&standin, "[{'match':{'path':'/api/sandbox'},'do':{'status':503}}]");
    OUTCOME never = LIST_LEASES(env, .head.timeout_ms = 1500);
    EXPECT(never, EEP_E_UNAVAILABLE);
    assert_true(never.elapsed_ms < 6000);
    standin_faults(&standin, NULL);
}

/* Nothing but the service's own list will do. */
static void a_list_that_is_none_is_a_protocol_error(void **state)
{
    static const char *const bodies[] = {"[]",
                                         "{}",
                                         "{\\\"items\\\":7}",
                                         "{\\\"items\\\":[{\\\"name\\\":\\\"without id\\\"}]}",
                                         "{\\\"items\\\":[{\\\"id\\\":\\\"../x\\\"}]}",
                                         "{\\\"items\\\":[],\\\"nextCursor\\\":\\\"a b\\\"}"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        char rules[512];
        snprintf(rules, sizeof rules,
                 "[{'match':{'path':'/api/sandbox'},'do':{'status':200,'content_type':'application/json',"
                 "'body':'%s'}}]",
                 bodies[i]);
        standin_faults(&standin, rules);
        OUTCOME page = LIST_LEASES(env);
        if (page.code != EEP_E_PROTOCOL) print_error("body %zu: %s\n", i, bodies[i]);
        EXPECT(page, EEP_E_PROTOCOL);
        assert_int_equal(page.leases.lease_count, 0);
    }
    standin_faults(&standin, NULL);
}

/* -- keepalive --------------------------------------------------------------------------------- */

/* Its idle interval, as the service tells it. */
static int32_t interval_of(const char *lease)
{
    OUTCOME got = GET_LEASE(env, lease);
    EXPECT(got, EEP_OK);
    return leased_at(&got.leases, 0)->auto_stop_min;
}

static void one_use_is_enough_within_the_interval(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease); /* 15 minutes */
    OUTCOME before = GET_LEASE(env, lease);
    EXPECT(before, EEP_OK);
    standin_forget(&standin);
    int64_t until = wall_ms() + 10 * MINUTE_MS;
    OUTCOME kept = KEEPALIVE(env, lease, .until_ms = until);
    EXPECT(kept, EEP_OK);
    assert_int_equal(kept.kept.head.flags, 0);
    assert_int_equal(kept.kept.auto_stop_min, 15);
    assert_true(kept.kept.kept_until_ms >= until && kept.kept.kept_until_ms <= until + 5 * MINUTE_MS);
    assert_int_equal(standin_count(&standin, NULL, NULL), 2);
    assert_int_equal(standin_count(&standin, "POST", "/last-activity"), 1);
    OUTCOME after = GET_LEASE(env, lease);
    EXPECT(after, EEP_OK);
    assert_true(leased_at(&after.leases, 0)->active_at_ms >= leased_at(&before.leases, 0)->active_at_ms);
    host_destroy(env, lease);
}

static void beyond_the_interval_it_is_raised(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    int64_t until = wall_ms() + 100 * MINUTE_MS;
    OUTCOME short_of = KEEPALIVE(env, lease, .until_ms = until, .head.flags = EEP_KEEPALIVE_NO_RAISE);
    EXPECT(short_of, EEP_OK);
    assert_int_equal(short_of.kept.head.flags, EEP_KEPT_SHORT);
    assert_true(short_of.kept.kept_until_ms > wall_ms() + 14 * MINUTE_MS);
    assert_true(short_of.kept.kept_until_ms <= wall_ms() + 15 * MINUTE_MS);
    assert_int_equal(interval_of(lease), 15);
    OUTCOME kept = KEEPALIVE(env, lease, .until_ms = until);
    EXPECT(kept, EEP_OK);
    assert_int_equal(kept.kept.head.flags, EEP_KEPT_RAISED);
    assert_true(kept.kept.kept_until_ms >= until);
    assert_int_equal(kept.kept.auto_stop_min, 101);
    assert_int_equal(interval_of(lease), 101);
    OUTCOME again = KEEPALIVE(env, lease, .until_ms = until);
    EXPECT(again, EEP_OK);
    assert_int_equal(again.kept.head.flags, 0); /* it reaches by now; never lowered */
    host_destroy(env, lease);
}

static void what_is_never_stopped_needs_nothing(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    eep_env *steady = host_open(&standin, "'autoStopInterval':0");
    host_acquire(steady, lease);
    standin_forget(&standin);
    OUTCOME kept = KEEPALIVE(steady, lease, .until_ms = wall_ms() + MINUTE_MS);
    EXPECT(kept, EEP_OK);
    assert_int_equal(kept.kept.head.flags, EEP_KEPT_NO_STOP);
    assert_int_equal(kept.kept.kept_until_ms, 0);
    assert_int_equal(standin_count(&standin, "POST", NULL), 0);
    host_destroy(steady, lease);
    plugin()->close(steady);
}

/* With one minute the idleness before the use could still count: it is waited until the service tells of the use. */
static void a_short_interval_is_confirmed(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    eep_env *hasty = host_open(&standin, "'autoStopInterval':1");
    host_acquire(hasty, lease);
    standin_forget(&standin);
    OUTCOME kept = KEEPALIVE(hasty, lease, .until_ms = wall_ms() + 20000);
    EXPECT(kept, EEP_OK);
    assert_int_equal(kept.kept.head.flags, 0);
    assert_true(kept.kept.kept_until_ms >= wall_ms() + 20000);
    assert_true(standin_count(&standin, "GET", "/api/sandbox/") >= 2);
    host_destroy(hasty, lease);
    plugin()->close(hasty);
}

/* Whether it is close to its stop is told by the clock that will stop it. */
static void a_clock_that_is_behind_hides_nothing(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    standin_set_clock(&standin, 10 * MINUTE_MS);
    host_acquire(env, lease);
    standin_force(&standin, lease, "{\"idle_ms\":840000}"); /* 14 of 15 minutes */
    standin_forget(&standin);
    OUTCOME kept = KEEPALIVE(env, lease, .until_ms = wall_ms() + 5 * MINUTE_MS);
    EXPECT(kept, EEP_OK);
    assert_true(standin_count(&standin, "GET", "/api/sandbox/") >= 2); /* it is looked after */
    standin_set_clock(&standin, 0);
    host_destroy(env, lease);
}

static void keepalive_is_bounded_and_starts_nothing(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    OUTCOME past = KEEPALIVE(env, lease, .until_ms = wall_ms() - 1);
    EXPECT(past, EEP_E_INVALID_ARGUMENT);
    OUTCOME zero = KEEPALIVE(env, lease);
    EXPECT(zero, EEP_E_INVALID_ARGUMENT);
    OUTCOME far = KEEPALIVE(env, lease, .until_ms = wall_ms() + EEP_KEEPALIVE_MAX_MS + 10000);
    EXPECT(far, EEP_E_INVALID_ARGUMENT);
    EXPECT_SAYS(far, "7 days");
    OUTCOME farthest = KEEPALIVE(env, lease, .until_ms = INT64_MAX);
    EXPECT(farthest, EEP_E_INVALID_ARGUMENT);
    OUTCOME released = RELEASE(env, lease, EEP_RELEASE_STOP);
    EXPECT(released, EEP_OK);
    OUTCOME resting = KEEPALIVE(env, lease, .until_ms = wall_ms() + MINUTE_MS);
    EXPECT(resting, EEP_E_CONFLICT);
    EXPECT_SAYS(resting, "stopped");
    assert_string_equal(resting.err.lease.ptr, lease);
    host_destroy(env, lease);
    OUTCOME gone = KEEPALIVE(env, lease, .until_ms = wall_ms() + MINUTE_MS);
    EXPECT(gone, EEP_E_LEASE_LOST);
}

/* Deleted by somebody else between the look and the order. */
static void a_lease_that_goes_meanwhile_is_lost(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    standin_faults(&standin,
                   "[{'match':{'path':'/autostop/*'},'do':{'status':404,'message':'Sandbox not found'}}]");
    OUTCOME raised = KEEPALIVE(env, lease, .until_ms = wall_ms() + 100 * MINUTE_MS);
    EXPECT(raised, EEP_E_LEASE_LOST);
    assert_string_equal(raised.err.lease.ptr, lease);
    OUTCOME detached = EXECUTE(env, lease, .head.flags = EEP_EXECUTE_DETACH, .time_limit_ms = 60 * MINUTE_MS,
                               .script = TEXT("true"));
    EXPECT(detached, EEP_E_LEASE_LOST);
    EXPECT_SAYS(detached, "nothing was started");
    assert_false(detached.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    standin_faults(&standin, "[{'match':{'path':'/last-activity'},'do':{'status':404,'message':'Not found'}},"
                             "{'match':{'method':'GET','path':'/api/sandbox/"
                             "*','nth':2},'do':{'status':404,'message':'Not found'}}]");
    OUTCOME touched = KEEPALIVE(env, lease, .until_ms = wall_ms() + MINUTE_MS);
    EXPECT(touched, EEP_E_LEASE_LOST);
    assert_string_equal(touched.err.lease.ptr, lease);
    standin_faults(&standin, NULL);
    host_destroy(env, lease);
}

/* An older service, say. */
static void a_service_without_that_request_is_told(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    standin_faults(&standin,
                   "[{'match':{'path':'/last-activity'},'do':{'status':404,'message':'Not found'}}]");
    OUTCOME touched = KEEPALIVE(env, lease, .until_ms = wall_ms() + MINUTE_MS);
    EXPECT(touched, EEP_E_UNSUPPORTED);
    EXPECT_SAYS(touched, "no request that counts as a use");
    standin_faults(&standin, NULL);
    host_destroy(env, lease);
}

/* A promise that cannot be kept is none. */
static void an_interval_that_cannot_be_raised_is_an_error(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    standin_faults(&standin, "[{'match':{'method':'POST','path':'/autostop/31'},'do':{'status':403}}]");
    OUTCOME refused = KEEPALIVE(env, lease, .until_ms = wall_ms() + 30 * MINUTE_MS);
    EXPECT(refused, EEP_E_PERMISSION_DENIED);
    EXPECT_SAYS(refused, "after 15 idle minutes");
    standin_faults(&standin,
                   "[{'match':{'method':'POST','path':'/last-activity','count':1},'do':{'status':502}}]");
    OUTCOME kept = KEEPALIVE(env, lease, .until_ms = wall_ms() + MINUTE_MS);
    EXPECT(kept, EEP_OK);
    standin_faults(&standin, NULL);
    host_destroy(env, lease);
}

/* -- Who keeps a lease alive, and who does not -------------------------------------------------- */

/* Minutes of a second: a sandbox that is idle for two of them is stopped. */
static int start_fast(void **state)
{
    (void)state;
    standin_start(&standin, (const char *const[]){"--minute-ms", "1000", NULL});
    env = host_open(&standin, "'autoStopInterval':2,'executeWindowS':1");
    return 0;
}

static uint32_t state_of(const char *lease)
{
    OUTCOME got = GET_LEASE(env, lease);
    EXPECT(got, EEP_OK);
    return leased_at(&got.leases, 0)->state;
}

/* A command that says nothing for far longer than the interval, over many windows. */
static void execute_keeps_its_own_lease_alive(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("sleep 5; echo done"));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "done\n");
    assert_int_equal(ran.execution.head.flags & EEP_EXECUTION_STARTED, 0);
    assert_int_equal(state_of(lease), EEP_STATE_STARTED);
    host_destroy(env, lease);
}

/* Looking is no use: once nobody uses it, the service stops it, as it does when the host dies. */
static void nothing_else_does(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    AWAIT(state_of(lease) == EEP_STATE_STOPPED);
    host_destroy(env, lease);
}

static void keepalive_does(void **state)
{
    char lease[EEP_LEASE_MAX + 1], other[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    host_acquire(env, other);
    OUTCOME kept = KEEPALIVE(env, lease, .until_ms = wall_ms() + 30 * MINUTE_MS);
    EXPECT(kept, EEP_OK);
    AWAIT(state_of(other) == EEP_STATE_STOPPED);
    assert_int_equal(state_of(lease), EEP_STATE_STARTED);
    host_destroy(env, lease);
    host_destroy(env, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_extension_is_found_by_its_id),
        cmocka_unit_test(get_tells_what_a_lease_is),
        cmocka_unit_test(get_tells_whose_it_is_and_what_is_wrong),
        cmocka_unit_test(a_wrong_id_is_told_before_anything_is_sent),
        cmocka_unit_test(owners_see_their_own_and_all_on_demand),
        cmocka_unit_test(a_state_can_be_asked_for),
        cmocka_unit_test(pages_follow_each_other),
        cmocka_unit_test(wrong_pages_and_cursors_are_told),
        cmocka_unit_test(a_list_waits_for_a_busy_service),
        cmocka_unit_test(a_list_that_is_none_is_a_protocol_error),
        cmocka_unit_test(one_use_is_enough_within_the_interval),
        cmocka_unit_test(beyond_the_interval_it_is_raised),
        cmocka_unit_test(what_is_never_stopped_needs_nothing),
        cmocka_unit_test(a_short_interval_is_confirmed),
        cmocka_unit_test(a_clock_that_is_behind_hides_nothing),
        cmocka_unit_test(keepalive_is_bounded_and_starts_nothing),
        cmocka_unit_test(a_lease_that_goes_meanwhile_is_lost),
        cmocka_unit_test(a_service_without_that_request_is_told),
        cmocka_unit_test(an_interval_that_cannot_be_raised_is_an_error),
    };
    const struct CMUnitTest fast[] = {
        cmocka_unit_test(execute_keeps_its_own_lease_alive),
        cmocka_unit_test(nothing_else_does),
        cmocka_unit_test(keepalive_does),
    };
    return cmocka_run_group_tests_name("leases", tests, stage_start, stage_stop) +
           cmocka_run_group_tests_name("who keeps a lease alive", fast, start_fast, stage_stop);
}
