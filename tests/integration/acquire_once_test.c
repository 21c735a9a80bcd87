/* acquire_once_test.c: one acquire is one sandbox, counted by the server, whatever becomes of the answers: lost, late, wrong
 * or stale ones, a host that dies, hosts that do it at the same time. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "process.h"
#include "stage.h"

/* -- Ambiguous outcomes ------------------------------------------------------------------------ */

#define ONCE "'match':{'method':'POST','path':'/api/sandbox','count':1},'do':"
#define LOOK "'match':{'method':'GET','path':'/api/sandbox/*','count':1},'do':"

static const char *const ambiguous[] = {
    /* the answer is lost, before or after the action */
    "{" ONCE "{'drop':'before'}}",
    "{" ONCE "{'drop':'before','reset':true}}",
    "{" ONCE "{'drop':'after_action'}}",
    "{" ONCE "{'drop':'after_action','reset':true}}",
    "{" ONCE "{'drop':'after_headers'}}",
    "{" ONCE "{'drop':'mid_body'}}",
    "{'match':{'method':'POST','path':'/api/sandbox','reused':true,'count':1},'do':{'drop':'after_action'}}",
    /* it is another one's */
    "{" ONCE "{'act':true,'status':500,'body':'{}'}}",
    "{" ONCE "{'act':true,'status':502,'body':''}}",
    "{" ONCE "{'act':true,'status':503,'html':true}}",
    "{" ONCE "{'act':true,'status':504,'html':true}}",
    "{" ONCE "{'act':true,'status':429,'body':'{}'}}",
    "{" ONCE "{'act':true,'html':true}}",
    "{" ONCE "{'act':true,'status':200,'body':'{\\'id\\':'}}",
    "{" ONCE "{'act':true,'status':200,'body':'{}'}}",
    "{" ONCE "{'act':true,'status':204}}",
    "{" ONCE "{'act':true,'message':'Sandbox failed to start: timeout'}}",
    "{" ONCE "{'act':true,'status':409,'message':'Sandbox with name x already exists'}}",
    "{" ONCE "{'status':409,'message':'Sandbox with name x already exists'}}",
    /* it is stale, and held as v0.190 does */
    "{" ONCE "{'transition_ms':200,'hold_ms':1000}}",
    "{" ONCE "{'transition_ms':100}}",
    /* and the look at it goes wrong, too, or finds what was there before */
    "{" ONCE "{'drop':'after_action'}},{" LOOK "{'status':502,'body':''}}",
    "{" ONCE "{'drop':'after_action'}},{" LOOK "{'drop':'before','reset':true}}",
    "{" ONCE "{'drop':'after_action'}},{" LOOK "{'status':429,'body':'{}'}}",
    "{" ONCE "{'drop':'after_action'}},{" LOOK "{'stale_ms':60000}}",
    "{" ONCE "{'act':true,'status':502}},{'match':{'method':'GET','path':'/api/sandbox/*','count':4},"
    "'do':{'stale_ms':60000}}",
    /* it fails, but can be recovered */
    "{" ONCE
    "{'transition_ms':20,'hold_ms':1000,'ends':{'state':'error','errorReason':'x','recoverable':true}}}",
};

/* Creates one more request on the connection, so that it is a reused one. */
static void warm_up(eep_env *there)
{
    OUTCOME looked = RELEASE(there, "nobodys-lease", EEP_RELEASE_DESTROY);
    EXPECT(looked, EEP_OK);
}

static void expect_one(const char *rules, eep_str key)
{
    char text[1024];
    long created = standin_total(&standin, "created");
    warm_up(env);
    snprintf(text, sizeof text, "[%s]", rules);
    standin_faults(&standin, text);
    OUTCOME made = ACQUIRE(env, .idempotency_key = key);
    standin_faults(&standin, NULL);
    if (made.code != EEP_OK || standin_total(&standin, "created") != created + 1)
        print_error("%s: %ld created\n", rules, standin_total(&standin, "created") - created);
    EXPECT(made, EEP_OK);
    assert_int_equal(standin_total(&standin, "created"), created + 1);
    assert_false(made.lease.head.flags & EEP_LEASE_REUSED); /* it is this call's own */
    EXPECT_RUN(env, made.lease.lease.ptr, "echo works", "works\n");
    host_destroy(env, made.lease.lease.ptr);
    AWAIT(standin_total(&standin, "live") == 0);
}

static void an_ambiguous_outcome_is_settled(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ambiguous); i++) {
        char key[32];
        snprintf(key, sizeof key, "ambiguous %zu", i);
        expect_one(ambiguous[i], i % 2 ? text(key) : (eep_str){0});
    }
}

/* An answer that was another request's, as a broken proxy mixes them up: what it tells of is not ours, whatever comes. */
static void an_answer_about_anothers_sandbox(void **state)
{
    char others[64], rules[512];
    (void)state;
    standin_create(&standin, "{\"name\":\"others\"}", others);
    snprintf(rules, sizeof rules,
             "[{" ONCE
             "{'status':200,'body':'{\\\"id\\\":\\\"%s\\\",\\\"name\\\":\\\"others\\\",\\\"state\\\":"
             "\\\"started\\\"}','act':true}}]",
             others);
    standin_faults(&standin, rules);
    OUTCOME made = ACQUIRE(env);
    EXPECT(made, EEP_OK);
    assert_string_not_equal(made.lease.lease.ptr, others);
    assert_int_equal(standin_total(&standin, "live"), 2);
    host_destroy(env, made.lease.lease.ptr);
    host_destroy(env, others);
}

/* -- What cannot be had ------------------------------------------------------------------------ */

static const char broken[] =
    "[{" ONCE "{'transition_ms':20,'hold_ms':1000,'ends':{'state':'error','errorReason':'no disk'}}}]";

/* "Failed to start", and no id: the sandbox is there all the same, in an error. */
static void a_broken_create_leaves_nothing(void **state)
{
    (void)state;
    standin_faults(&standin, broken);
    OUTCOME made = ACQUIRE(env);
    EXPECT(made, EEP_E_SANDBOX);
    EXPECT_SAYS(made, "no disk");
    assert_null(made.err.lease.ptr);
    assert_int_equal(standin_total(&standin, "live"), 0);
}

/* With a key it stays, and every acquire tells what to do about it; nobody gets a second one silently. */
static void a_broken_create_with_a_key_is_told_again(void **state)
{
    char id[64];
    (void)state;
    standin_faults(&standin, broken);
    for (int i = 0; i < 2; i++) {
        OUTCOME made = ACQUIRE(env, .idempotency_key = TEXT("broken"));
        EXPECT(made, EEP_E_SANDBOX);
        EXPECT_SAYS(made, "no disk");
        EXPECT_SAYS(made, "release it with DESTROY");
        standin_only_id(&standin, id);
        assert_string_equal(made.err.lease.ptr, id);
    }
    host_destroy(env, id);
    OUTCOME made = ACQUIRE(env, .idempotency_key = TEXT("broken"));
    EXPECT(made, EEP_OK);
    assert_string_not_equal(made.lease.lease.ptr, id);
    host_destroy(env, made.lease.lease.ptr);
}

/* The service says that it is gone already: nothing to look for. */
static void a_failed_start_without_a_sandbox_costs_no_time(void **state)
{
    (void)state;
    standin_faults(&standin, "[{" ONCE "{'message':'Sandbox failed to start: no runner'}}]");
    standin_forget(&standin);
    OUTCOME made = ACQUIRE(env);
    EXPECT(made, EEP_E_SANDBOX);
    EXPECT_SAYS(made, "no runner");
    assert_false(made.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_int_equal(standin_count(&standin, NULL, NULL), 2);
    assert_true(made.elapsed_ms < 5000);
}

/* The reason comes first: what may be left is of no use to somebody whose URL is wrong. */
static void a_wrong_url_is_told_first(void **state)
{
    char config[256];
    eep_env *wrong = NULL;
    (void)state;
    snprintf(config, sizeof config, "{'apiUrl':'%.*s','apiKey':'key'}",
             (int)(strlen(standin.api) - strlen("/api")), standin.api);
    OUTCOME opened = host_open_text(config, &wrong);
    EXPECT(opened, EEP_OK);
    OUTCOME made = ACQUIRE(wrong);
    EXPECT(made, EEP_E_PROTOCOL);
    plugin()->close(wrong);
    EXPECT_SAYS(made, "the answer is text/html instead of JSON: this is not the Daytona API; check apiUrl");
    assert_memory_equal(made.err.message.ptr, "the answer", strlen("the answer"));
}

/* Nobody knows what became of it: then its name is told, and a name is a lease that can be released. */
static void what_cannot_be_found_is_named(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    standin_faults(&standin,
                   "[{'match':{'method':'POST','path':'/api/sandbox'},'do':{'drop':'after_action'}},"
                   "{'match':{'method':'GET','path':'/api/sandbox/*'},'do':{'stale_ms':60000}}]");
    OUTCOME made = ACQUIRE(env, .head.timeout_ms = 1500, .head.grace_ms = 300);
    standin_faults(&standin, NULL);
    assert_int_not_equal(made.code, EEP_OK);
    EXPECT(made, made.code);
    assert_true(made.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_true(made.elapsed_ms < 1500 + 300 + 5000);
    EXPECT_SAYS(made, "may be left behind");
    assert_int_equal(standin_total(&standin, "live"), 1);
    snprintf(lease, sizeof lease, "%s", made.err.lease.ptr);
    assert_memory_equal(lease, "eep-", 4);
    OUTCOME released = RELEASE(env, lease, EEP_RELEASE_DESTROY);
    EXPECT(released, EEP_OK);
    assert_false(released.released.head.flags & EEP_RELEASED_ALREADY);
    AWAIT(standin_total(&standin, "live") == 0);
}

/* libcurl repeats the request by itself, and only the repeat is refused, clearly: the first one was carried out. */
static void a_refused_repeat_is_no_refusal(void **state)
{
    static const char *const refusals[] = {
        "'status':429,'message':'ThrottlerException: Too Many "
        "Requests','headers':{'Retry-After-sandbox-create':'2'}",
        "'message':'No available runners'",
        "'message':'Total CPU limit exceeded. Maximum allowed: 10.'",
        "'status':403,'message':'Organization is suspended'",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        char rules[512];
        warm_up(env);
        snprintf(rules, sizeof rules,
                 "[{'match':{'method':'POST','path':'/api/"
                 "sandbox','reused':true,'count':1},'do':{'drop':'after_action'}},"
                 "{'match':{'method':'POST','path':'/api/sandbox'},'do':{%s}}]",
                 refusals[i]);
        standin_faults(&standin, rules);
        long created = standin_total(&standin, "created");
        OUTCOME made = ACQUIRE(env, .head.timeout_ms = 3000);
        standin_faults(&standin, NULL);
        EXPECT(made, EEP_OK);
        assert_int_equal(standin_total(&standin, "created"), created + 1);
        host_destroy(env, made.lease.lease.ptr);
    }
    AWAIT(standin_total(&standin, "live") == 0);
}

/* Two creates may be under way, and only one of them is seen: the other may still be carried out once the name is free. */
static void an_order_that_may_still_come_is_named(void **state)
{
    (void)state;
    standin_faults(&standin,
                   "[{'match':{'method':'POST','path':'/api/sandbox','count':1},'do':{'status':502}},"
                   "{'match':{'path':'/process/execute'},'do':{'status':500,'body':'{}'}}]");
    OUTCOME made = ACQUIRE(env, .head.timeout_ms = 3000);
    assert_int_not_equal(made.code, EEP_OK);
    EXPECT_SAYS(made, "may still make it again");
    assert_memory_equal(made.err.lease.ptr, "eep-", 4);
    assert_true(made.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_int_equal(standin_total(&standin, "live"), 0);
    OUTCOME released = RELEASE(env, made.err.lease.ptr, EEP_RELEASE_DESTROY);
    EXPECT(released, EEP_OK);
}

static void an_undoing_that_is_not_confirmed_is_named(void **state)
{
    char id[64];
    (void)state;
    standin_faults(&standin, "[{'match':{'path':'/process/execute'},'do':{'status':500,'body':'{}'}},"
                             "{'match':{'method':'DELETE'},'do':{'stuck':true}}]");
    OUTCOME made = ACQUIRE(env, .head.timeout_ms = 1500, .head.grace_ms = 1000);
    assert_int_not_equal(made.code, EEP_OK);
    EXPECT_SAYS(made, "may be left behind");
    standin_only_id(&standin, id);
    assert_string_equal(made.err.lease.ptr, id);
    standin_faults(&standin, NULL);
    standin_force(&standin, id, "{\"state\":\"destroyed\"}");
}

/* Another host destroys the lease while this one is about to adopt it: then there is none, and one is made. */
static void what_is_given_back_meanwhile_is_made_anew(void **state)
{
    (void)state;
    eep_env *other = host_open(&standin, NULL);
    OUTCOME first = ACQUIRE(other, .idempotency_key = TEXT("given back"));
    EXPECT(first, EEP_OK);
    host_destroy(other, first.lease.lease.ptr);
    standin_faults(&standin, "[{" ONCE "{'status':409,'message':'Sandbox with name x already exists'}},"
                             "{" LOOK "{'stale_requests':3}}]");
    standin_forget(&standin);
    OUTCOME second = ACQUIRE(env, .idempotency_key = TEXT("given back"));
    EXPECT(second, EEP_OK);
    assert_string_not_equal(second.lease.lease.ptr, first.lease.lease.ptr);
    assert_int_equal(second.lease.head.flags, 0);
    assert_true(standin_count(&standin, "POST", first.lease.lease.ptr) >
                0); /* it was believed in, at first */
    assert_int_equal(standin_total(&standin, "live"), 1);
    host_destroy(env, second.lease.lease.ptr);
    plugin()->close(other);
}

/* Destroys what has been made as soon as it is being prepared. */
static void *destroy_it(void *unused)
{
    char id[64];
    (void)unused;
    AWAIT(standin_count(&standin, "POST", "/process/execute") > 0);
    standin_only_id(&standin, id);
    standin_force(&standin, id, "{\"state\":\"destroyed\"}");
    standin_faults(&standin, NULL);
    return NULL;
}

/* Another host has found by its key what this one has just made, and destroys it. */
static void what_is_given_back_before_it_is_ready_is_made_anew(void **state)
{
    pthread_t other;
    (void)state;
    standin_faults(&standin, "[{'match':{'path':'/process/execute'},'do':{'status':502}}]");
    standin_forget(&standin);
    long created = standin_total(&standin, "created");
    assert_int_equal(pthread_create(&other, NULL, destroy_it, NULL), 0);
    OUTCOME made = ACQUIRE(env, .idempotency_key = TEXT("found and given back"));
    pthread_join(other, NULL);
    EXPECT(made, EEP_OK);
    assert_int_equal(made.lease.head.flags, 0);
    assert_int_equal(standin_total(&standin, "created"), created + 2);
    assert_int_equal(standin_total(&standin, "live"), 1);
    EXPECT_RUN(env, made.lease.lease.ptr, "echo works", "works\n");
    host_destroy(env, made.lease.lease.ptr);
}

/* -- A host that dies -------------------------------------------------------------------------- */

/* acquire_once_test acquire API KEY: prints the lease, or the code. */
static int acquire_in_this_process(const char *api, const char *key)
{
    struct standin there;
    standin_attach(&there, api);
    eep_env *mine = host_open(&there, NULL);
    OUTCOME made = ACQUIRE(mine, .idempotency_key = text(key));
    plugin()->close(mine);
    return made.code;
}

/* Killed when the service has the order: before it is carried out, while it is, and after. */
static void a_killed_host_has_made_one(void **state)
{
    static const char *const moments[] = {"{'delay_ms':1500}", "{'transition_ms':1500}",
                                          "{'answer_delay_ms':2000}"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(moments); i++) {
        char rule[256];
        char key[32];
        long created = standin_total(&standin, "created");
        snprintf(rule, sizeof rule, "[{" ONCE "%s}]", moments[i]);
        snprintf(key, sizeof key, "killed %zu", i);
        standin_faults(&standin, rule);
        standin_forget(&standin);
        pid_t host = process_start_self((const char *const[]){"acquire", standin.api, key, NULL});
        AWAIT(standin_count(&standin, "POST", "/api/sandbox") == 1);
        kill(host, SIGKILL);
        assert_int_equal(process_await(host), -1);
        OUTCOME made = ACQUIRE(env, .idempotency_key = text(key));
        EXPECT(made, EEP_OK);
        AWAIT(strstr(standin_log_text(&standin), "POST /api/sandbox: 0") == NULL); /* the dead host's, too */
        assert_int_equal(standin_total(&standin, "created"), created + 1);
        host_destroy(env, made.lease.lease.ptr);
        AWAIT(standin_total(&standin, "live") == 0);
    }
}

/* -- At the same time -------------------------------------------------------------------------- */

enum { HOSTS = 4 };

static void hosts_at_once_share_one(void **state)
{
    pid_t hosts[HOSTS];
    long created = standin_total(&standin, "created");
    (void)state;
    standin_faults(&standin,
                   "[{'match':{'method':'POST','path':'/api/sandbox'},'do':{'transition_ms':100}}]");
    for (int i = 0; i < HOSTS; i++)
        hosts[i] = process_start_self((const char *const[]){"acquire", standin.api, "at once", NULL});
    for (int i = 0; i < HOSTS; i++)
        assert_int_equal(process_await(hosts[i]), EEP_OK);
    assert_int_equal(standin_total(&standin, "created"), created + 1);
    OUTCOME made = ACQUIRE(env, .idempotency_key = TEXT("at once"));
    EXPECT(made, EEP_OK);
    assert_true(made.lease.head.flags & EEP_LEASE_REUSED);
    host_destroy(env, made.lease.lease.ptr);
}

struct racer {
    pthread_t thread;
    eep_env *env;
    struct outcome outcome;
};

static void *race(void *argument)
{
    struct racer *racer = argument;
    racer->outcome = ACQUIRE(racer->env, .idempotency_key = TEXT("race"));
    return NULL;
}

/* Of all that get it, one has made it; another owner with the same key has one of its own. */
static void one_of_many_is_the_maker(void **state)
{
    struct racer racers[8] = {0};
    size_t makers = 0;
    (void)state;
    long created = standin_total(&standin, "created");
    for (size_t i = 0; i < COUNT_OF(racers); i++)
        racers[i].env = host_open(&standin, i == 0 ? "'owner':'other'" : "'owner':'same'");
    for (size_t i = 0; i < COUNT_OF(racers); i++)
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    for (size_t i = 0; i < COUNT_OF(racers); i++)
        pthread_join(racers[i].thread, NULL);
    for (size_t i = 0; i < COUNT_OF(racers); i++) {
        EXPECT(racers[i].outcome, EEP_OK);
        makers += i > 0 && !(racers[i].outcome.lease.head.flags & EEP_LEASE_REUSED);
        bool same = strcmp(racers[i].outcome.lease.lease.ptr, racers[1].outcome.lease.lease.ptr) == 0;
        assert_int_equal(same, i > 0);
    }
    assert_int_equal(makers, 1);
    assert_int_equal(standin_total(&standin, "created"), created + 2);
    host_destroy(env, racers[0].outcome.lease.lease.ptr);
    host_destroy(env, racers[1].outcome.lease.lease.ptr);
    for (size_t i = 0; i < COUNT_OF(racers); i++) {
        outcome_clear(&racers[i].outcome);
        plugin()->close(racers[i].env);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_ambiguous_outcome_is_settled, stage_without_faults),
        cmocka_unit_test_teardown(an_answer_about_anothers_sandbox, stage_without_faults),
        cmocka_unit_test_teardown(a_broken_create_leaves_nothing, stage_without_faults),
        cmocka_unit_test_teardown(a_broken_create_with_a_key_is_told_again, stage_without_faults),
        cmocka_unit_test_teardown(a_failed_start_without_a_sandbox_costs_no_time, stage_without_faults),
        cmocka_unit_test(a_wrong_url_is_told_first),
        cmocka_unit_test_teardown(what_cannot_be_found_is_named, stage_without_faults),
        cmocka_unit_test_teardown(a_refused_repeat_is_no_refusal, stage_without_faults),
        cmocka_unit_test_teardown(an_order_that_may_still_come_is_named, stage_without_faults),
        cmocka_unit_test_teardown(an_undoing_that_is_not_confirmed_is_named, stage_without_faults),
        cmocka_unit_test_teardown(what_is_given_back_meanwhile_is_made_anew, stage_without_faults),
        cmocka_unit_test_teardown(what_is_given_back_before_it_is_ready_is_made_anew, stage_without_faults),
        cmocka_unit_test_teardown(a_killed_host_has_made_one, stage_without_faults),
        cmocka_unit_test_teardown(hosts_at_once_share_one, stage_without_faults),
        cmocka_unit_test(one_of_many_is_the_maker),
    };
    if (argc == 4) return acquire_in_this_process(argv[2], argv[3]);
    return cmocka_run_group_tests(tests, stage_start, stage_stop);
}
