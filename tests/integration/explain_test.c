/* explain_test.c: explain of eep.lease/1: each thing that can be wrong is named, with evidence and advice. */
#include <pthread.h>
#include <stdio.h>

#include "place.h"
#include "symptoms.h"
#include "tests/support/canned_server.h"

static uint32_t state_of(const char *id)
{
    OUTCOME got = GET_LEASE(env, id);
    return got.code == EEP_OK && got.leases.lease_count == 1 ? got.leases.leases->state : EEP_STATE_UNKNOWN;
}

static void what_works_has_no_cause(void **state)
{
    (void)state;
    OUTCOME told = EXPLAIN(env, lease);
    EXPECT(told, EEP_OK);
    assert_int_equal(told.explanation.failed, 0);
    assert_int_equal(symptom(&told, "daemon")->status, EEP_CHECK_OK);
    assert_int_equal(symptom(&told, "identity")->status, EEP_CHECK_OK);
    assert_int_equal(symptom(&told, "disk")->status, EEP_CHECK_OK);
    assert_non_null(strstr(symptom(&told, "disk")->evidence.ptr, " MiB free in home (/home/daytona)"));
    assert_int_equal(symptom(&told, "tools")->status, EEP_CHECK_OK);
    assert_null(symptom(&told, "tools")->advice.ptr);
    assert_int_equal(told.explanation.lease_count, 1);
    assert_string_equal(told.explanation.leases->lease.ptr, lease);
}

static void the_service_is_down(void **state)
{
    (void)state;
    standin_faults(&standin, "[{'match':{'path':'/health'},'do':{'status':503}}]");
    OUTCOME told = EXPLAIN(env, lease);
    expect_cause(&told, "service", EEP_E_UNAVAILABLE, "503");
    assert_int_equal(symptom(&told, "lease")->status, EEP_CHECK_SKIPPED);
    standin_faults(&standin, NULL);
    eep_env *nowhere = NULL;
    OUTCOME opened = host_open_text("{'apiUrl':'http://127.0.0.1:9/api','apiKey':'" SENTINEL "'}", &nowhere);
    EXPECT(opened, EEP_OK);
    OUTCOME refused = EXPLAIN(nowhere, lease);
    EXPECT(refused, EEP_OK);
    assert_int_equal(symptom(&refused, "connect")->status, EEP_CHECK_FAILED);
    plugin()->close(nowhere);
}

static void the_credentials_are_refused(void **state)
{
    char config[256];
    eep_env *stranger = NULL;
    (void)state;
    snprintf(config, sizeof config, "{'apiUrl':'%s','apiKey':'wrong-key-of-somebody'}", standin.api);
    OUTCOME opened = host_open_text(config, &stranger);
    EXPECT(opened, EEP_OK);
    OUTCOME told = EXPLAIN(stranger, lease);
    expect_cause(&told, "credentials", EEP_E_UNAUTHENTICATED, "");
    plugin()->close(stranger);
}

static void a_lease_that_is_not_known(void **state)
{
    (void)state;
    OUTCOME told = EXPLAIN(env, "11111111-2222-3333-4444-555555555555");
    expect_cause(&told, "lease", EEP_E_LEASE_LOST, "does not know");
    assert_non_null(strstr(symptom(&told, "lease")->advice.ptr, "organization"));
    assert_int_equal(told.explanation.lease_count, 0);
}

static void the_daemon_is_dead(void **state)
{
    (void)state;
    standin_faults(&standin, "[{'match':{'path':'/process/execute'},'do':{'status':502}}]");
    OUTCOME told = EXPLAIN(env, lease);
    expect_cause(&told, "daemon", EEP_E_SANDBOX, "502");
    standin_faults(&standin, NULL);
}

/* A command that only looks does not come back. */
static void the_sandbox_hangs(void **state)
{
    (void)state;
    standin_faults(&standin, "[{'match':{'path':'/process/execute'},'do':{'status':408,'body':'{}'}}]");
    OUTCOME told = EXPLAIN(env, lease);
    expect_cause(&told, "shell", EEP_E_DEADLINE, "408");
    EXPECT_ADVICE(told, "shell", "did not end in 20 s");
    assert_int_equal(symptom(&told, "toolbox")->status, EEP_CHECK_OK);
    standin_faults(&standin, NULL);
}

static void the_toolbox_cannot_be_reached(void **state)
{
    eep_env *fenced = host_open(&standin, "'toolboxHosts':['elsewhere.example']");
    (void)state;
    OUTCOME told = EXPLAIN(fenced, lease);
    expect_cause(&told, "toolbox", EEP_E_PERMISSION_DENIED, "toolboxHosts");
    EXPECT_ADVICE(told, "toolbox", "one that you trust");
    plugin()->close(fenced);
    standin_faults(&standin, "[{'match':{'path':'/process/execute'},'do':{'status':401,'body':'{}'}}]");
    OUTCOME refused = EXPLAIN(env, lease);
    expect_cause(&refused, "toolbox", EEP_E_UNAUTHENTICATED, "401");
    EXPECT_ADVICE(refused, "toolbox", "takes up to 2 minutes");
    standin_faults(&standin, NULL);
}

/* At an address of its own, which something on the way blocks. (This service has one answer to all that it is asked.) */
static void the_way_to_the_toolbox_is_blocked(void **state)
{
    static const struct canned_exchange answer = {
        .times = CANNED_ALWAYS,
        .body =
            "{\"status\":\"ok\",\"version\":\"1\",\"permissions\":[\"write:sandboxes\",\"delete:sandboxes\"],"
            "\"id\":\"s1\",\"state\":\"started\",\"toolboxProxyUrl\":\"http://127.0.0.1:9/toolbox\"}"};
    struct canned_server *service = canned_start(&answer, 1);
    char config[128];
    eep_env *there = NULL;
    (void)state;
    snprintf(config, sizeof config, "{'apiUrl':'%s/api','apiKey':'" SENTINEL "'}", canned_url(service));
    OUTCOME opened = host_open_text(config, &there);
    EXPECT(opened, EEP_OK);
    OUTCOME told = EXPLAIN(there, "s1");
    expect_cause(&told, "toolbox", EEP_E_UNAVAILABLE, "cannot connect");
    EXPECT_ADVICE(told, "toolbox", "at another address than the service");
    plugin()->close(there);
    canned_stop(service);
}

static void what_another_tool_has_made_is_told(void **state)
{
    char id[64];
    (void)state;
    standin_create(&standin, "{}", id);
    AWAIT(state_of(id) == EEP_STATE_STARTED);
    OUTCOME told = EXPLAIN(env, id);
    EXPECT(told, EEP_OK);
    assert_int_equal(told.explanation.failed, 0);
    assert_int_equal(symptom(&told, "identity")->status, EEP_CHECK_UNKNOWN);
    assert_non_null(strstr(symptom(&told, "lease")->evidence.ptr, "was not made by acquire_lease"));
    host_destroy(env, id);
}

static void the_disk_is_full_and_the_identity_is_gone(void **state)
{
    char other[EEP_LEASE_MAX + 1];
    eep_env *odd = host_open(&standin, "'env':{'PATH':'/home/daytona/bin:/usr/bin:/bin'}");
    (void)state;
    host_acquire(odd, other);
    EXPECT_RUN(odd, other,
               "mkdir ~/bin; printf '#!/bin/sh\\necho a; echo x 1000000 1000000 12 100%% /\\n' >~/bin/df; "
               "chmod +x ~/bin/df",
               "");
    OUTCOME full = EXPLAIN(odd, other);
    expect_cause(&full, "disk", EEP_E_SANDBOX, "is full");
    EXPECT_RUN(odd, other, "rm ~/bin/df; rm ~/.eep/identity", "");
    OUTCOME lost = EXPLAIN(odd, other);
    expect_cause(&lost, "identity", EEP_E_LEASE_LOST, "missing");
    host_destroy(odd, other);
    plugin()->close(odd);
}

/* -- Cancelled --------------------------------------------------------------------------------- */

struct explaining {
    eep_env *env;
    const char *lease;
    eep_cancel *token;
    struct outcome outcome;
};

static void *explain_thread(void *argument)
{
    struct explaining *explaining = argument;
    explaining->outcome = EXPLAIN(explaining->env, explaining->lease, .head.cancel = explaining->token);
    return NULL;
}

/* Cancelled while the service is slow to answer this request. */
static void expect_cancelled(const struct standin *at, eep_env *as, const char *of, const char *path)
{
    struct explaining explaining = {.env = as, .lease = of, .token = plugin()->cancel_create()};
    char rules[160];
    pthread_t thread;
    snprintf(rules, sizeof rules, "[{'match':{'method':'GET','path':'%s'},'do':{'delay_ms':3000}}]", path);
    standin_faults(at, rules);
    standin_forget(at);
    assert_int_equal(pthread_create(&thread, NULL, explain_thread, &explaining), 0);
    AWAIT(standin_count(at, "GET", strrchr(path, '/')) >= 1);
    plugin()->cancel_fire(explaining.token);
    pthread_join(thread, NULL);
    plugin()->cancel_destroy(explaining.token);
    OUTCOME told = explaining.outcome;
    if (told.code != EEP_E_CANCELLED) print_error("cancelled at %s\n", path);
    EXPECT(told, EEP_E_CANCELLED);
    standin_faults(at, NULL);
}

static void cancelled_at_any_question_is_cancelled(void **state)
{
    (void)state;
    expect_cancelled(&standin, env, lease, "/health");
    expect_cancelled(&standin, env, lease, "/config");
    expect_cancelled(&standin, env, lease, "/api-keys/current");
    expect_cancelled(&standin, env, "11111111-2222-3333-4444-555555555555", "/api/sandbox");
}

/* Last: they change the sandbox. */
static void states_are_explained(void **state)
{
    (void)state;
    OUTCOME released = RELEASE(env, lease, EEP_RELEASE_STOP);
    EXPECT(released, EEP_OK);
    standin_forget(&standin);
    OUTCOME stopped = EXPLAIN(env, lease);
    expect_cause(&stopped, "state", EEP_E_CONFLICT, "stopped");
    assert_int_equal(standin_count(&standin, "POST", NULL), 0); /* nothing was started */
    assert_int_equal(symptom(&stopped, "quota")->status, EEP_CHECK_UNKNOWN);
    assert_non_null(strstr(symptom(&stopped, "quota")->evidence.ptr, "API key"));
    assert_int_equal(standin_count(&standin, "GET", "/usage"), 0); /* it would be taken for a wrong key */
    standin_force(&standin, lease, "{\"state\":\"error\",\"errorReason\":\"no room\",\"recoverable\":true}");
    OUTCOME broken = EXPLAIN(env, lease);
    expect_cause(&broken, "state", EEP_E_SANDBOX, "no room");
    EXPECT_ADVICE(broken, "state", "recover");
    standin_force(&standin, lease, "{\"state\":\"error\",\"errorReason\":\"\",\"recoverable\":false}");
    OUTCOME lost = EXPLAIN(env, lease);
    expect_cause(&lost, "state", EEP_E_SANDBOX, "nothing about the cause");
    EXPECT_ADVICE(lost, "state", "cannot recover");
    standin_force(&standin, lease, "{\"state\":\"starting\"}");
    OUTCOME changing = EXPLAIN(env, lease);
    expect_cause(&changing, "state", EEP_E_UNAVAILABLE, "it is starting for");
    EXPECT_ADVICE(changing, "state", "wait: calls do so by themselves");
    standin_force(&standin, lease, "{\"state\":\"started\",\"shown\":\"dreaming\"}");
    OUTCOME unknown = EXPLAIN(env, lease);
    expect_cause(&unknown, "state", EEP_E_UNAVAILABLE, "a state that this plugin does not know");
    standin_force(&standin, lease, "{\"state\":\"started\",\"shown\":\"destroying\"}");
    OUTCOME going = EXPLAIN(env, lease);
    expect_cause(&going, "state", EEP_E_LEASE_LOST, "it is being deleted");
    standin_force(&standin, lease, "{\"state\":\"started\"}");
    host_destroy(env, lease);
}

/* -- Quota: the service tells it to tokens only ------------------------------------------------- */

static struct standin small;
static eep_env *member; /* of the organization of `small` */

static int start_small(void **state)
{
    char config[256];
    (void)state;
    standin_start(&small, (const char *const[]){"--jwt", "some.jwt.token", "--quota", "2/8/6", NULL});
    snprintf(config, sizeof config,
             "{'apiUrl':'%s','jwtToken':'some.jwt.token','organizationId':'local','image':'debian:12',"
             "'cpu':1,'reuseLease':true}",
             small.api);
    OUTCOME opened = host_open_text(config, &member);
    EXPECT(opened, EEP_OK);
    return 0;
}

static int stop_small(void **state)
{
    (void)state;
    plugin()->close(member);
    standin_stop(&small);
    return 0;
}

static void acquire_and_stop(char *stopped)
{
    host_acquire(member, stopped);
    OUTCOME released = RELEASE(member, stopped, EEP_RELEASE_STOP);
    EXPECT(released, EEP_OK);
}

static void expect_quota(const char *of, uint32_t status, const char *says)
{
    OUTCOME told = EXPLAIN(member, of);
    EXPECT(told, EEP_OK);
    const eep_symptom *quota = symptom(&told, "quota");
    if (quota->status != status || strstr(quota->evidence.ptr, says) == NULL)
        fail_msg("quota: status %u: %s", quota->status, quota->evidence.ptr);
    assert_int_equal(quota->code, status == EEP_CHECK_FAILED ? EEP_E_QUOTA : EEP_OK);
    assert_int_equal(quota->advice.ptr != NULL, status == EEP_CHECK_FAILED);
}

/* 1 core, 1 GiB of memory and 3 GiB of disk each, of 2, 8 and 6. */
static void a_start_needs_room(void **state)
{
    char stopped[EEP_LEASE_MAX + 1], first[64], second[EEP_LEASE_MAX + 1];
    (void)state;
    acquire_and_stop(stopped);
    expect_quota(stopped, EEP_CHECK_OK, "there is room");
    standin_create(&small, "{'buildInfo':{'dockerfileContent':'FROM x'},'cpu':2}", first);
    expect_quota(stopped, EEP_CHECK_FAILED, "CPU: 2 of 2 are in use, it needs 1");
    standin_force(&small, first, "{\"state\":\"stopped\"}");
    standin_force(&small, stopped, "{\"state\":\"archived\"}");
    host_acquire(member, second);
    expect_quota(stopped, EEP_CHECK_FAILED, "disk (GiB): 6 of 6 are in use, it needs 3");
    standin_force(&small, stopped, "{\"state\":\"error\",\"recoverable\":true}");
    expect_quota(stopped, EEP_CHECK_FAILED, "disk (GiB): 6 of 6 are in use, it needs 3");
    host_destroy(member, first);
    AWAIT(standin_total(&small, "live") == 2);
    expect_quota(stopped, EEP_CHECK_OK, "there is room");
    host_destroy(member, second);
    host_destroy(member, stopped);
}

static void what_is_not_told_of_the_quota_is_unknown(void **state)
{
    char stopped[EEP_LEASE_MAX + 1];
    (void)state;
    acquire_and_stop(stopped);
    static const struct {
        const char *answer;
        uint32_t status;
    } cases[] = {
        {"{'status':403,'message':'Access denied'}", EEP_CHECK_UNKNOWN},
        {"{'status':200,'body':'[]'}", EEP_CHECK_UNKNOWN},
        {"{'status':200,'body':'{\\'regionUsage\\':[{\\'regionId\\':\\'moon\\'}]}'}", EEP_CHECK_UNKNOWN},
        {"{'status':200,'body':'{\\'regionUsage\\':[{\\'regionId\\':\\'local\\',"
         "\\'sandboxClass\\':\\'windows\\'}]}'}",
         EEP_CHECK_UNKNOWN},
        {"{'status':200,'body':'{\\'regionUsage\\':[{\\'regionId\\':\\'local\\',"
         "\\'currentCpuUsage\\':4,\\'totalCpuQuota\\':0}]}'}",
         EEP_CHECK_OK},
        {"{'status':200,'body':'{\\'regionUsage\\':[{\\'regionId\\':\\'local\\',"
         "\\'currentCpuUsage\\':9223372036854775807,\\'totalCpuQuota\\':9223372036854775807}]}'}",
         EEP_CHECK_FAILED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char rules[300];
        snprintf(rules, sizeof rules, "[{'match':{'path':'/usage'},'do':%s}]", cases[i].answer);
        standin_faults(&small, rules);
        expect_quota(stopped, cases[i].status, "");
    }
    standin_faults(&small, NULL);
    expect_cancelled(&small, member, stopped, "/usage");
    host_destroy(member, stopped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_works_has_no_cause),
        cmocka_unit_test(the_service_is_down),
        cmocka_unit_test(the_credentials_are_refused),
        cmocka_unit_test(a_lease_that_is_not_known),
        cmocka_unit_test(the_daemon_is_dead),
        cmocka_unit_test(the_sandbox_hangs),
        cmocka_unit_test(the_toolbox_cannot_be_reached),
        cmocka_unit_test(the_way_to_the_toolbox_is_blocked),
        cmocka_unit_test(what_another_tool_has_made_is_told),
        cmocka_unit_test(the_disk_is_full_and_the_identity_is_gone),
        cmocka_unit_test(cancelled_at_any_question_is_cancelled),
        cmocka_unit_test(states_are_explained),
    };
    const struct CMUnitTest quota[] = {
        cmocka_unit_test(a_start_needs_room),
        cmocka_unit_test(what_is_not_told_of_the_quota_is_unknown),
    };
    return cmocka_run_group_tests_name("explain", tests, place_start, stage_stop) +
           cmocka_run_group_tests_name("quota", quota, start_small, stop_small);
}
