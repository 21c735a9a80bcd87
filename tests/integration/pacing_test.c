/* pacing_test.c: a service that limits the rate: kept to, told, never a failure before the deadline; and what is a limit is
 * told from what is a mistake. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "stage.h"

/* Limits outlive environments, so each test has a service of its own. */
static void throttle(const char *limits)
{
    json_object_put(standin_control(&standin, "PUT", "/_standin/throttlers", limits));
}

/* -- Many at once ------------------------------------------------------------------------------ */

enum { HOSTS = 6 };

struct acquiring {
    pthread_t thread;
    struct outcome outcome;
};

static void *acquire_thread(void *argument)
{
    struct acquiring *acquiring = argument;
    acquiring->outcome = ACQUIRE(env);
    return NULL;
}

/* Two creates in two seconds, six hosts: all get theirs, after a while that they are told, with few requests in vain. */
static void a_storm_is_spread(void **state)
{
    struct acquiring hosts[HOSTS];
    uint32_t longest = 0;
    (void)state;
    throttle("{'sandbox-create':{'limit':2,'ttl_ms':2000}}");
    for (int i = 0; i < HOSTS; i++)
        pthread_create(&hosts[i].thread, NULL, acquire_thread, &hosts[i]);
    for (int i = 0; i < HOSTS; i++)
        pthread_join(hosts[i].thread, NULL);
    for (int i = 0; i < HOSTS; i++) {
        EXPECT(hosts[i].outcome, EEP_OK);
        assert_true(hosts[i].outcome.lease.requests >= 2);
        if (hosts[i].outcome.lease.queued_ms > longest) longest = hosts[i].outcome.lease.queued_ms;
        assert_true(hosts[i].outcome.lease.queued_ms <= (uint32_t)hosts[i].outcome.elapsed_ms + 1);
    }
    assert_in_range(longest, 500, LIMIT_MS);
    assert_true(host_log_has("the service limits the rate (sandbox-create)"));
    assert_in_range(standin_count(&standin, "POST", "/api/sandbox"), HOSTS, 4 * HOSTS);
    assert_int_equal(standin_total(&standin, "created"), HOSTS);
    throttle("{}");
    for (int i = 0; i < HOSTS; i++) {
        host_destroy(env, hosts[i].outcome.lease.lease.ptr);
        outcome_clear(&hosts[i].outcome);
    }
}

/* -- Any header -------------------------------------------------------------------------------- */

/* Any header whose name begins so, the largest of them; a date, too; and none at all. */
static void any_retry_after_is_kept(void **state)
{
    static const struct {
        const char *headers;
        long at_least_ms;
    } cases[] = {
        {"{'Retry-After':'1'}", 900},
        {"{'Retry-After-sandbox-create':'1'}", 900},
        {"{'retry-after-Something-Else':'1'}", 900},
        {"{'Retry-After':'0','Retry-After-sandbox-create':'1'}", 900},
        {"{'Retry-After':'Thu, 01 Jan 1970 00:00:00 GMT'}", 0},
        {"{'Retry-After':'soon'}", 0},
        {"{}", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char rule[256];
        snprintf(
            rule, sizeof rule,
            "[{'match':{'method':'POST','path':'/api/sandbox','count':1},'do':{'status':429,'message':'x',"
            "'headers':%s}}]",
            cases[i].headers);
        standin_faults(&standin, rule);
        OUTCOME made = ACQUIRE(env);
        EXPECT(made, EEP_OK);
        assert_in_range(made.elapsed_ms, cases[i].at_least_ms, cases[i].at_least_ms + 8000);
        assert_int_equal(made.lease.queued_ms > 0, cases[i].at_least_ms > 0);
        host_destroy(env, made.lease.lease.ptr);
    }
    standin_faults(&standin, NULL);
}

/* -- While it is waited for -------------------------------------------------------------------- */

/* Each second look is refused: the acquire goes on all the same. */
static void limits_while_polling_fail_nothing(void **state)
{
    (void)state;
    standin_faults(&standin, "[{'match':{'method':'POST','path':'/api/sandbox'},'do':{'transition_ms':1500}},"
                             "{'match':{'method':'GET','path':'/api/sandbox/*','chance':50,'seed':7},"
                             "'do':{'status':429,'message':'ThrottlerException: Too Many Requests'}}]");
    OUTCOME made = ACQUIRE(env);
    standin_faults(&standin, NULL);
    EXPECT(made, EEP_OK);
    host_destroy(env, made.lease.lease.ptr);
}

/* Nothing but refusals: told at the deadline, not before, as what it is. */
static void a_limit_that_never_opens(void **state)
{
    (void)state;
    standin_faults(&standin, "[{'match':{'method':'POST','path':'/api/sandbox'},'do':{'stuck':true}},"
                             "{'match':{'method':'GET','path':'/api/sandbox/*'},"
                             "'do':{'status':429,'message':'Too Many'}}]");
    OUTCOME made = ACQUIRE(env, .idempotency_key = TEXT("k"), .head.timeout_ms = 2000, .head.grace_ms = 200);
    EXPECT(made, EEP_E_RATE_LIMITED);
    assert_in_range(made.elapsed_ms, 2000, 2000 + 200 + 5000);
    assert_true(made.err.head.flags & EEP_ERROR_RETRYABLE);
    standin_faults(&standin, NULL);
}

/* -- Capacity and mistakes --------------------------------------------------------------------- */

static void what_is_full_may_be_tried_again(void **state)
{
    static const struct {
        const char *message;
        int32_t code;
        bool retryable;
    } cases[] = {
        {"Total CPU limit exceeded. Maximum allowed: 10.", EEP_E_QUOTA, true},
        {"Total memory limit exceeded. Maximum allowed: 10.", EEP_E_QUOTA, true},
        {"Total disk limit exceeded. Maximum allowed: 30.", EEP_E_QUOTA, true},
        {"Total GPU limit exceeded. Maximum allowed: 0.", EEP_E_QUOTA, true},
        {"No available runners", EEP_E_QUOTA, true},
        {"CPU request 64 exceeds maximum allowed per sandbox (4).", EEP_E_QUOTA, false},
        {"Snapshot nope not found. Did you add it through the Daytona Dashboard?", EEP_E_INVALID_ARGUMENT,
         false},
        {"Cannot specify Sandbox resources when using a snapshot", EEP_E_INVALID_ARGUMENT, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char rule[512];
        snprintf(rule, sizeof rule,
                 "[{'match':{'method':'POST','path':'/api/sandbox'},'do':{'message':'%s'}}]",
                 cases[i].message);
        standin_faults(&standin, rule);
        standin_forget(&standin);
        OUTCOME made = ACQUIRE(env);
        EXPECT(made, cases[i].code);
        EXPECT_SAYS(made, cases[i].message);
        assert_int_equal(!!(made.err.head.flags & EEP_ERROR_RETRYABLE), cases[i].retryable);
        assert_false(made.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
        assert_int_equal(standin_count(&standin, NULL, NULL), 1); /* the host decides about trying again */
    }
    standin_faults(&standin, NULL);
}

/* -- Credentials ------------------------------------------------------------------------------- */

/* The toolbox cannot tell "no such sandbox" from "bad credentials" (protocol 3.3): the control plane is asked, and its word
 * counts. */
static void a_401_of_the_toolbox_is_looked_into(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    standin_faults(&standin, "[{'match':{'path':'/process/execute','count':1},'do':{'status':401,'body':"
                             "'{\\'message\\':\\'unauthorized\\',\\'code\\':\\'UNAUTHORIZED\\'}'}}]");
    EXPECT_RUN(env, lease, "echo works", "works\n");
    standin_faults(&standin, NULL);
    standin_force(&standin, lease, "{\"state\":\"destroyed\"}");
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("true"));
    EXPECT(ran, EEP_E_LEASE_LOST);
    host_acquire(env, lease); /* the credentials are as good as before */
    host_destroy(env, lease);
}

/* From then on nothing goes to the control plane; what runs is still reached. */
static void a_401_of_the_service_stops_the_calls(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    standin_faults(&standin,
                   "[{'match':{'method':'POST','path':'/start','count':1},'do':{'status':401,'body':"
                   "'{\\'message\\':\\'Invalid credentials\\'}'}}]");
    OUTCOME back = RESUME(env, lease);
    EXPECT(back, EEP_E_UNAUTHENTICATED);
    standin_forget(&standin);
    OUTCOME again = RESUME(env, lease);
    EXPECT(again, EEP_E_UNAUTHENTICATED);
    OUTCOME made = ACQUIRE(env);
    EXPECT(made, EEP_E_UNAUTHENTICATED);
    OUTCOME released = RELEASE(env, lease, EEP_RELEASE_DESTROY);
    EXPECT(released, EEP_E_UNAUTHENTICATED);
    assert_int_equal(standin_count(&standin, NULL, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_storm_is_spread, stage_start, stage_stop),
        cmocka_unit_test_setup_teardown(any_retry_after_is_kept, stage_start, stage_stop),
        cmocka_unit_test_setup_teardown(limits_while_polling_fail_nothing, stage_start, stage_stop),
        cmocka_unit_test_setup_teardown(a_limit_that_never_opens, stage_start, stage_stop),
        cmocka_unit_test_setup_teardown(what_is_full_may_be_tried_again, stage_start, stage_stop),
        cmocka_unit_test_setup_teardown(a_401_of_the_toolbox_is_looked_into, stage_start, stage_stop),
        cmocka_unit_test_setup_teardown(a_401_of_the_service_stops_the_calls, stage_start, stage_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
