/* reuse_test.c: EEP_ACQUIRE_REUSE: an acquire by labels finds, adopts, or makes; never two. */
#include <stdio.h>
#include <stdlib.h>

#include "process.h"
#include "stage.h"

#define TASK(name) LABELS({TEXT("task"), TEXT(name)})
#define REUSE(env, name, ...)                                                                                \
    ACQUIRE(env, .head.flags = EEP_ACQUIRE_REUSE, TASK(name) __VA_OPT__(, ) __VA_ARGS__)

static void expect_lease(const struct outcome *got, const char *lease, uint32_t flags)
{
    EXPECT(*got, EEP_OK);
    assert_string_equal(got->lease.lease.ptr, lease);
    assert_int_equal(got->lease.head.flags, flags);
}

/* The story of an agent that comes back to its files, from wherever. */
static void what_was_made_is_found_again(void **state)
{
    (void)state;
    eep_env *reusing = host_open(&standin, "'reuseLease':true");
    OUTCOME first = REUSE(reusing, "a");
    EXPECT(first, EEP_OK);
    const char *lease = first.lease.lease.ptr;
    assert_int_equal(first.lease.head.flags, 0);
    EXPECT_RUN(reusing, lease, "echo kept >file", "");
    OUTCOME second = REUSE(reusing, "a");
    expect_lease(&second, lease, EEP_LEASE_REUSED);
    OUTCOME stopped = RELEASE(reusing, lease, EEP_RELEASE_BY_CONFIG);
    EXPECT(stopped, EEP_OK);
    eep_env *other = host_open(&standin, "'reuseLease':true");
    OUTCOME third = REUSE(other, "a");
    expect_lease(&third, lease, EEP_LEASE_REUSED | EEP_LEASE_STARTED);
    EXPECT_RUN(other, lease, "cat file", "kept\n");
    OUTCOME another = REUSE(other, "b");
    EXPECT(another, EEP_OK);
    assert_string_not_equal(another.lease.lease.ptr, lease);
    host_destroy(other, another.lease.lease.ptr);
    host_destroy(other, lease);
    plugin()->close(reusing);
    plugin()->close(other);
}

/* By a user, by another tool, or by the service's restoring too little: told, not silently used. */
static void an_emptied_one_is_told(void **state)
{
    (void)state;
    OUTCOME first = REUSE(env, "a");
    EXPECT(first, EEP_OK);
    const char *lease = first.lease.lease.ptr;
    EXPECT_RUN(env, lease, "rm -rf ~/.eep/identity ~/.eep/life ~/eep-workspace/*", "");
    eep_env *other = host_open(&standin, NULL);
    OUTCOME second = REUSE(other, "a");
    expect_lease(&second, lease, EEP_LEASE_REUSED | EEP_LEASE_BARE);
    OUTCOME third = REUSE(other, "a"); /* told once: it has been prepared now */
    expect_lease(&third, lease, EEP_LEASE_REUSED);
    host_destroy(env, lease);
    plugin()->close(other);
    AWAIT(standin_total(&standin, "live") == 0);
}

static void one_that_somebody_else_has_started_is_told(void **state)
{
    (void)state;
    eep_env *other = host_open(&standin, NULL);
    OUTCOME first = ACQUIRE(env, .idempotency_key = TEXT("restarted"));
    EXPECT(first, EEP_OK);
    const char *lease = first.lease.lease.ptr;
    OUTCOME stopped = RELEASE(env, lease, EEP_RELEASE_STOP);
    EXPECT(stopped, EEP_OK);
    EXPECT_RUN(other, lease, "echo awake", "awake\n"); /* which starts it */
    OUTCOME second = ACQUIRE(env, .idempotency_key = TEXT("restarted"));
    expect_lease(&second, lease, EEP_LEASE_REUSED | EEP_LEASE_STARTED);
    OUTCOME third = ACQUIRE(env, .idempotency_key = TEXT("restarted"));
    expect_lease(&third, lease, EEP_LEASE_REUSED);
    host_destroy(env, lease);
    plugin()->close(other);
    AWAIT(standin_total(&standin, "live") == 0);
}

/* Made through an SDK, with that label and nothing of ours. */
static void what_another_tool_made_is_adopted(void **state)
{
    static const char *const states[] = {"started", "stopped", "archived", "paused"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        char id[64];
        char forced[64];
        standin_create(&standin, "{'name':'hermes-a','labels':{'task':'a','x':'y'}}", id);
        snprintf(forced, sizeof forced, "{\"state\":\"%s\"}", states[i]);
        if (i > 0) standin_force(&standin, id, forced);
        OUTCOME made = REUSE(env, "a");
        expect_lease(&made, id, EEP_LEASE_REUSED | (i > 0 ? EEP_LEASE_STARTED : 0));
        EXPECT_RUN(env, id, "echo works", "works\n");
        OUTCOME back = RESUME(env, id);
        EXPECT(back, EEP_OK);
        host_destroy(env, id);
        AWAIT(standin_total(&standin, "live") == 0);
    }
}

/* All labels of the request must be there, with their values; those of the configuration do not count. */
static void only_all_labels_are_a_match(void **state)
{
    char ids[3][64];
    (void)state;
    eep_env *labelled = host_open(&standin, "'labels':{'team':'red'}");
    standin_create(&standin, "{'labels':{'task':'a'}}", ids[0]);
    standin_create(&standin, "{'labels':{'task':'a','kind':'wrong'}}", ids[1]);
    standin_create(&standin, "{'labels':{'task':'a','kind':'right','more':'1'}}", ids[2]);
    OUTCOME made = ACQUIRE(labelled, .head.flags = EEP_ACQUIRE_REUSE,
                           LABELS({TEXT("task"), TEXT("a")}, {TEXT("kind"), TEXT("right")}));
    expect_lease(&made, ids[2], EEP_LEASE_REUSED);
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        host_destroy(env, ids[i]);
    plugin()->close(labelled);
    AWAIT(standin_total(&standin, "live") == 0);
}

/* Only one label is asked for, in a URL: not the one that is too long for that. */
static void a_long_label_is_compared_here(void **state)
{
    static char note[20001];
    char lease[64];
    (void)state;
    memset(note, 'n', sizeof note - 1);
    OUTCOME made = ACQUIRE(env, .head.flags = EEP_ACQUIRE_REUSE,
                           LABELS({TEXT("a-note"), text(note)}, {TEXT("task"), TEXT("a")}));
    EXPECT(made, EEP_OK);
    snprintf(lease, sizeof lease, "%s", made.lease.lease.ptr);
    OUTCOME again = ACQUIRE(env, .head.flags = EEP_ACQUIRE_REUSE,
                            LABELS({TEXT("task"), TEXT("a")}, {TEXT("a-note"), text(note)}));
    expect_lease(&again, lease, EEP_LEASE_REUSED);
    host_destroy(env, lease);
    AWAIT(standin_total(&standin, "live") == 0);
}

/* What runs before what rests, the oldest of those; what is broken last. */
static void the_best_is_chosen(void **state)
{
    char broken[64];
    char rests[64];
    char runs[64];
    char younger[64];
    (void)state;
    standin_create(&standin, "{'labels':{'task':'a'}}", broken);
    standin_create(&standin, "{'labels':{'task':'a'}}", rests);
    standin_create(&standin, "{'labels':{'task':'a'}}", runs);
    standin_create(&standin, "{'labels':{'task':'a'}}", younger);
    standin_force(&standin, broken, "{\"state\":\"error\",\"errorReason\":\"disk broke\"}");
    standin_force(&standin, rests, "{\"state\":\"stopped\"}");
    OUTCOME first = REUSE(env, "a");
    expect_lease(&first, runs, EEP_LEASE_REUSED);
    host_destroy(env, runs);
    host_destroy(env, younger);
    OUTCOME second = REUSE(env, "a");
    expect_lease(&second, rests, EEP_LEASE_REUSED | EEP_LEASE_STARTED);
    host_destroy(env, rests);
    OUTCOME third = REUSE(env, "a");
    EXPECT(third, EEP_E_SANDBOX); /* said, not replaced by a second one */
    EXPECT_SAYS(third, "disk broke");
    EXPECT_SAYS(third, "release it with DESTROY");
    assert_string_equal(third.err.lease.ptr, broken);
    assert_int_equal(standin_total(&standin, "live"), 1);
    host_destroy(env, broken);
}

static void a_start_that_fails_makes_no_second(void **state)
{
    char id[64];
    (void)state;
    standin_create(&standin, "{'labels':{'task':'a'}}", id);
    standin_force(&standin, id, "{\"state\":\"stopped\"}");
    standin_faults(&standin,
                   "[{'match':{'method':'POST','path':'/start'},'do':{'message':'Total CPU limit exceeded. "
                   "Maximum allowed: 10.'}}]");
    OUTCOME made = REUSE(env, "a");
    EXPECT(made, EEP_E_QUOTA);
    assert_true(made.err.head.flags & EEP_ERROR_RETRYABLE);
    assert_string_equal(made.err.lease.ptr, id);
    assert_int_equal(standin_total(&standin, "created"), standin_total(&standin, "destroyed") + 1);
    standin_faults(&standin, NULL);
    host_destroy(env, id);
}

static void another_request_is_a_conflict(void **state)
{
    (void)state;
    OUTCOME made = REUSE(env, "a");
    EXPECT(made, EEP_OK);
    OUTCOME other = REUSE(env, "a", ENV({TEXT("A"), TEXT("1")}));
    EXPECT(other, EEP_E_CONFLICT);
    EXPECT_SAYS(other, made.lease.lease.ptr);
    assert_int_equal(standin_total(&standin, "live"), 1);
    host_destroy(env, made.lease.lease.ptr);
}

static void another_owners_is_not_taken(void **state)
{
    (void)state;
    eep_env *a = host_open(&standin, "'owner':'a'");
    eep_env *b = host_open(&standin, "'owner':'b'");
    OUTCOME of_a = REUSE(a, "x");
    OUTCOME of_b = REUSE(b, "x");
    OUTCOME of_none = REUSE(env, "x");
    OUTCOME again = REUSE(b, "x");
    EXPECT(of_a, EEP_OK);
    EXPECT(of_b, EEP_OK);
    EXPECT(of_none, EEP_OK);
    expect_lease(&again, of_b.lease.lease.ptr, EEP_LEASE_REUSED);
    assert_int_equal(standin_total(&standin, "live"), 3);
    host_destroy(a, of_a.lease.lease.ptr);
    host_destroy(b, of_b.lease.lease.ptr);
    host_destroy(env, of_none.lease.lease.ptr);
    plugin()->close(a);
    plugin()->close(b);
}

/* -- A list that lags behind ------------------------------------------------------------------- */

static const char stale_list[] = "[{'match':{'method':'GET','path':'/api/sandbox'},'do':{'stale_ms':60000}}]";

/* The older one was made for another request: that one would be a conflict. */
static void one_that_fits_comes_before_an_older_one(void **state)
{
    (void)state;
    OUTCOME older = ACQUIRE(env, TASK("fits"), ENV({TEXT("A"), TEXT("1")}));
    EXPECT(older, EEP_OK);
    OUTCOME fits = ACQUIRE(env, TASK("fits"));
    EXPECT(fits, EEP_OK);
    OUTCOME found = REUSE(env, "fits");
    expect_lease(&found, fits.lease.lease.ptr, EEP_LEASE_REUSED);
    host_destroy(env, fits.lease.lease.ptr);
    OUTCOME left = REUSE(env, "fits");
    EXPECT(left, EEP_E_CONFLICT);
    host_destroy(env, older.lease.lease.ptr);
}

static void what_the_list_does_not_show_yet_is_found(void **state)
{
    (void)state;
    standin_faults(&standin, stale_list);
    OUTCOME first = REUSE(env, "stale");
    EXPECT(first, EEP_OK);
    OUTCOME second = REUSE(env, "stale");
    expect_lease(&second, first.lease.lease.ptr, EEP_LEASE_REUSED);
    host_destroy(env, first.lease.lease.ptr);
}

static void what_the_list_still_shows_is_not_believed(void **state)
{
    char id[64];
    (void)state;
    standin_create(&standin, "{'labels':{'task':'a'}}", id);
    standin_faults(&standin, "[{'match':{'method':'GET','path':'/api/sandbox'},'do':{'stale_requests':2}}]");
    host_destroy(env, id);
    OUTCOME made = REUSE(env, "a");
    EXPECT(made, EEP_OK);
    assert_string_not_equal(made.lease.lease.ptr, id);
    host_destroy(env, made.lease.lease.ptr);
}

static void lost_answers_are_asked_for_again(void **state)
{
    (void)state;
    long created = standin_total(&standin, "created");
    standin_faults(
        &standin,
        "[{'match':{'method':'GET','path':'/api/sandbox','count':1},'do':{'status':502}},"
        "{'match':{'method':'POST','path':'/api/sandbox','count':1},'do':{'drop':'after_action'}}]");
    OUTCOME made = REUSE(env, "a");
    EXPECT(made, EEP_OK);
    assert_int_equal(made.lease.head.flags, 0);
    assert_int_equal(standin_total(&standin, "created"), created + 1);
    host_destroy(env, made.lease.lease.ptr);
}

/* -- At the same time -------------------------------------------------------------------------- */

static int reuse_in_this_process(const char *api)
{
    struct standin there;
    standin_attach(&there, api);
    eep_env *mine = host_open(&there, NULL);
    OUTCOME made = REUSE(mine, "race");
    plugin()->close(mine);
    return made.code;
}

static void hosts_at_once_end_with_one(void **state)
{
    pid_t hosts[4];
    long created = standin_total(&standin, "created");
    (void)state;
    standin_faults(&standin, "[{'match':{'method':'GET','path':'/api/sandbox'},'do':{'stale_ms':60000}},"
                             "{'match':{'method':'POST','path':'/api/sandbox'},'do':{'transition_ms':100}}]");
    for (size_t i = 0; i < COUNT_OF(hosts); i++)
        hosts[i] = process_start_self((const char *const[]){"race", standin.api, NULL});
    for (size_t i = 0; i < COUNT_OF(hosts); i++)
        assert_int_equal(process_await(hosts[i]), EEP_OK);
    assert_int_equal(standin_total(&standin, "created"), created + 1);
    OUTCOME made = REUSE(env, "race");
    EXPECT(made, EEP_OK);
    host_destroy(env, made.lease.lease.ptr);
}

/* -- Requests that cannot be ------------------------------------------------------------------- */

static void it_needs_labels_and_no_key(void **state)
{
    (void)state;
    OUTCOME nothing = ACQUIRE(env, .head.flags = EEP_ACQUIRE_REUSE);
    EXPECT(nothing, EEP_E_INVALID_ARGUMENT);
    OUTCOME both = REUSE(env, "a", .idempotency_key = TEXT("k"));
    EXPECT(both, EEP_E_INVALID_ARGUMENT);
    OUTCOME unknown = ACQUIRE(env, .head.flags = 0x200);
    EXPECT(unknown, EEP_E_UNSUPPORTED);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_made_is_found_again),
        cmocka_unit_test(an_emptied_one_is_told),
        cmocka_unit_test(one_that_somebody_else_has_started_is_told),
        cmocka_unit_test(what_another_tool_made_is_adopted),
        cmocka_unit_test(only_all_labels_are_a_match),
        cmocka_unit_test(a_long_label_is_compared_here),
        cmocka_unit_test(the_best_is_chosen),
        cmocka_unit_test_teardown(a_start_that_fails_makes_no_second, stage_without_faults),
        cmocka_unit_test(another_request_is_a_conflict),
        cmocka_unit_test(another_owners_is_not_taken),
        cmocka_unit_test(one_that_fits_comes_before_an_older_one),
        cmocka_unit_test_teardown(what_the_list_does_not_show_yet_is_found, stage_without_faults),
        cmocka_unit_test_teardown(what_the_list_still_shows_is_not_believed, stage_without_faults),
        cmocka_unit_test_teardown(lost_answers_are_asked_for_again, stage_without_faults),
        cmocka_unit_test_teardown(hosts_at_once_end_with_one, stage_without_faults),
        cmocka_unit_test(it_needs_labels_and_no_key),
    };
    if (argc == 3) return reuse_in_this_process(argv[2]);
    return cmocka_run_group_tests(tests, stage_start, stage_stop);
}
