/* resume_test.c: resume_lease proves that the machine is the one that was leased, tells whether it was started, and whose
 * lease it is that is not there; whatever goes wrong, it deletes nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "stage.h"

/* The stand-in's starts take no time: "started" is the first answer. */

/* A resume in an environment that knows nothing of the lease, as of another process. */
static uint32_t flags_elsewhere(const char *lease)
{
    eep_env *other = host_open(&standin, NULL);
    OUTCOME back = RESUME(other, lease);
    EXPECT(back, EEP_OK);
    plugin()->close(other);
    return back.lease.head.flags;
}

static uint32_t flags_here(const char *lease)
{
    OUTCOME back = RESUME(env, lease);
    EXPECT(back, EEP_OK);
    return back.lease.head.flags;
}

/* -- Was it started? --------------------------------------------------------------------------- */

static void a_start_is_told_though_the_answer_hides_it(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    assert_int_equal(flags_here(lease), EEP_LEASE_RESUMED);
    assert_int_equal(flags_elsewhere(lease), EEP_LEASE_RESUMED);
    standin_force(&standin, lease,
                  "{\"state\":\"stopped\"}"); /* behind our back: the cache says that it runs */
    assert_int_equal(flags_here(lease), EEP_LEASE_RESUMED | EEP_LEASE_STARTED);
    assert_int_equal(flags_here(lease), EEP_LEASE_RESUMED);
    standin_force(&standin, lease, "{\"state\":\"stopped\"}");
    assert_int_equal(flags_elsewhere(lease), EEP_LEASE_RESUMED | EEP_LEASE_STARTED);
    assert_int_equal(flags_elsewhere(lease), EEP_LEASE_RESUMED);
    host_destroy(env, lease);
}

/* Stopped and started again by somebody else: what ran in it has ended all the same. */
static void a_restart_by_another_is_noticed(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    eep_env *other = host_open(&standin, NULL);
    OUTCOME stopped = RELEASE(other, lease, EEP_RELEASE_STOP);
    EXPECT(stopped, EEP_OK);
    OUTCOME ran = EXECUTE(other, lease, .script = TEXT("true"));
    EXPECT(ran, EEP_OK);
    assert_true(ran.execution.head.flags & EEP_EXECUTION_STARTED);
    assert_int_equal(flags_here(lease), EEP_LEASE_RESUMED | EEP_LEASE_STARTED);
    plugin()->close(other);
    host_destroy(env, lease);
}

/* -- Is it the same machine? ------------------------------------------------------------------- */

/* Something is wrong with it: told, and left as it is. */
static void expect_another_machine(const char *lease, const char *says)
{
    for (int cached = 0; cached < 2; cached++) {
        eep_env *there = cached ? env : host_open(&standin, NULL);
        standin_force(&standin, lease, "{\"state\":\"stopped\"}");
        OUTCOME back = RESUME(there, lease);
        EXPECT(back, EEP_E_LEASE_LOST);
        EXPECT_SAYS(back, says);
        assert_string_equal(back.err.lease.ptr, lease);
        assert_null(back.lease.lease.ptr);
        if (!cached) plugin()->close(there);
    }
    assert_int_equal(standin_total(&standin, "live"), 1);
}

static void a_replaced_machine_is_told(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    EXPECT_RUN(env, lease, "echo kept >file; echo 0123456789abcdef0123456789abcdef >~/.eep/identity", "");
    expect_another_machine(lease, "belongs to another sandbox");
    EXPECT_RUN(env, lease, "cat file", "kept\n");
    host_destroy(env, lease);
}

static void an_emptied_machine_is_told(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    EXPECT_RUN(env, lease, "rm -rf ~/.eep/identity ~/eep-workspace/*", "");
    expect_another_machine(lease, "is missing");
    host_destroy(env, lease);
}

/* -- What is not there ------------------------------------------------------------------------- */

/* A wrong key must not look like a dead lease: whose leases this key sees is told. */
static void the_organization_is_named(void **state)
{
    static const char nobodys[] = "11111111-2222-3333-4444-555555555555";
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    eep_env *fresh = host_open(&standin, NULL);
    OUTCOME alone = RESUME(fresh, nobodys); /* no sandbox in sight: the key's name must do */
    EXPECT(alone, EEP_E_LEASE_LOST);
    EXPECT_SAYS(alone, "key \"");
    host_acquire(env, lease);
    OUTCOME seen = RESUME(fresh, nobodys); /* a list tells */
    EXPECT(seen, EEP_E_LEASE_LOST);
    EXPECT_SAYS(seen, "of organization local");
    standin_forget(&standin);
    OUTCOME known = RESUME(env, nobodys);
    EXPECT(known, EEP_E_LEASE_LOST);
    EXPECT_SAYS(known, "of organization local");
    assert_int_equal(known.err.http_status, 404);
    assert_int_equal(standin_count(&standin, NULL, NULL), 1);
    plugin()->close(fresh);
    host_destroy(env, lease);
}

static void an_organization_of_a_token_is_known(void **state)
{
    struct standin other;
    char config[512];
    eep_env *there = NULL;
    (void)state;
    standin_start(&other, (const char *const[]){"--jwt", "some.jwt.token", "--organization", "acme", NULL});
    snprintf(config, sizeof config,
             "{'apiUrl':'%s','jwtToken':'some.jwt.token','organizationId':'acme','timeoutMs':%d}", other.api,
             LIMIT_MS);
    OUTCOME opened = host_open_text(config, &there);
    EXPECT(opened, EEP_OK);
    OUTCOME back = RESUME(there, "11111111-2222-3333-4444-555555555555");
    EXPECT(back, EEP_E_LEASE_LOST);
    EXPECT_SAYS(back, "of organization acme");
    plugin()->close(there);
    standin_stop(&other);
}

/* -- Failures on the way ----------------------------------------------------------------------- */

static void a_setup_that_fails_deletes_nothing(void **state)
{
    static const char *const failures[] = {"'status':500,'body':'{}'", "'status':408,'body':'{}'",
                                           "'status':200,'html':true",
                                           "'status':200,'body':'{\\'exitCode\\':0,\\'result\\':\\'?\\'}'"};
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    EXPECT_RUN(env, lease, "echo kept >file", "");
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        char rule[512];
        eep_env *there = host_open(&standin, NULL);
        snprintf(rule, sizeof rule, "[{'match':{'path':'/process/execute'},'do':{%s}}]", failures[i]);
        standin_faults(&standin, rule);
        standin_forget(&standin);
        OUTCOME back = RESUME(there, lease, .head.timeout_ms = 400, .head.grace_ms = 200);
        assert_int_not_equal(back.code, EEP_OK);
        EXPECT(back, back.code);
        assert_string_equal(back.err.lease.ptr, lease);
        assert_int_equal(standin_count(&standin, "DELETE", NULL), 0);
        assert_true(back.elapsed_ms < 400 + 200 + 5000);
        plugin()->close(there);
    }
    standin_faults(&standin, NULL);
    EXPECT_RUN(env, lease, "cat file", "kept\n");
    host_destroy(env, lease);
}

/* The preparing request may be repeated, so losing its answer is no failure. */
static void a_lost_preparation_is_made_again(void **state)
{
    static const char *const lost[] = {"'drop':'before'", "'drop':'after_action'",
                                       "'drop':'after_action','reset':true", "'drop':'mid_body'",
                                       "'status':429,'body':'{}'"};
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    for (size_t i = 0; i < COUNT_OF(lost); i++) {
        char rule[512];
        eep_env *there = host_open(&standin, NULL);
        snprintf(rule, sizeof rule, "[{'match':{'path':'/process/execute','count':2},'do':{%s}}]", lost[i]);
        standin_faults(&standin, rule);
        OUTCOME back = RESUME(there, lease);
        EXPECT(back, EEP_OK);
        plugin()->close(there);
    }
    standin_faults(&standin, NULL);
    host_destroy(env, lease);
}

/* Not the service's own limit, but of something before the toolbox. */
static void a_limit_on_the_way_in_is_kept(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    eep_env *there = host_open(&standin, NULL);
    standin_faults(&standin, "[{'match':{'path':'/process/execute','count':1},'do':{'status':429,'body':'{}',"
                             "'headers':{'Retry-After':'1'}}}]");
    OUTCOME back = RESUME(there, lease);
    EXPECT(back, EEP_OK);
    assert_in_range(back.elapsed_ms, 950, 5000);
    plugin()->close(there);
    host_destroy(env, lease);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_is_told_though_the_answer_hides_it),
        cmocka_unit_test(a_restart_by_another_is_noticed),
        cmocka_unit_test(a_replaced_machine_is_told),
        cmocka_unit_test(an_emptied_machine_is_told),
        cmocka_unit_test(the_organization_is_named),
        cmocka_unit_test(an_organization_of_a_token_is_known),
        cmocka_unit_test_teardown(a_setup_that_fails_deletes_nothing, stage_without_faults),
        cmocka_unit_test_teardown(a_lost_preparation_is_made_again, stage_without_faults),
        cmocka_unit_test_teardown(a_limit_on_the_way_in_is_kept, stage_without_faults),
    };
    return cmocka_run_group_tests(tests, stage_start, stage_stop);
}
