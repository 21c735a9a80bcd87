/* probe_full_test.c: a FULL probe makes a sandbox and always deletes it again; what it cannot delete it names.
 *
 * What is left is asked of the server, not of the plugin. */
#include <pthread.h>
#include <stdio.h>

#include "stage.h"

static struct standin slow; /* a create takes a while */

static int start(void **state)
{
    standin_start(&slow, (const char *const[]){"--create-ms", "2000", NULL});
    return stage_start(state);
}

static int stop(void **state)
{
    standin_stop(&slow);
    return stage_stop(state);
}

static int no_faults(void **state)
{
    standin_faults(&slow, NULL);
    return stage_without_faults(state);
}

/* -- The list ---------------------------------------------------------------------------------- */

static const eep_check *check_of(const struct outcome *probed, const char *name)
{
    const eep_probe *probe = &probed->probe;
    for (uint32_t i = 0; i < probe->check_count; i++) {
        const eep_check *check = (const eep_check *)((const char *)probe->checks + i * probe->check_stride);
        if (text_is(check->name, name)) return check;
    }
    fail_msg("no check \"%s\"", name);
    return NULL;
}

/* How the three checks of FULL ended; those before them are well. */
static void expect_ends(const struct outcome *probed, uint32_t create, uint32_t execute, uint32_t delete)
{
    const uint32_t expected[] = {create, execute, delete};
    static const char *const names[] = {"create", "execute", "delete"};
    uint32_t failed = 0;
    EXPECT(*probed, EEP_OK);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const eep_check *check = check_of(probed, names[i]);
        if (check->status != expected[i])
            fail_msg("%s is %u: %s", names[i], check->status, check->message.ptr);
        failed += expected[i] == EEP_CHECK_FAILED;
    }
    assert_int_equal(probed->probe.failed, failed);
}

#define OK      EEP_CHECK_OK
#define FAILED  EEP_CHECK_FAILED
#define SKIPPED EEP_CHECK_SKIPPED

static void expect_code(const struct outcome *probed, const char *name, int32_t code)
{
    const eep_check *check = check_of(probed, name);
    if (check->code != code) fail_msg("%s is %d: %s", name, check->code, check->message.ptr);
}

/* -- What is left ------------------------------------------------------------------------------ */

static void expect_nothing_left(const struct standin *at, const struct outcome *probed)
{
    assert_null(probed->probe.lease.ptr);
    AWAIT(standin_total(at, "live") == 0);
    assert_int_equal(standin_total(at, "processes"), 0);
}

/* The one that is there is the one that is named; it is removed. */
static void expect_left(const struct standin *at, eep_env *through, eep_str named)
{
    char id[64];
    assert_int_equal(standin_total(at, "live"), 1);
    standin_only_id(at, id);
    assert_true(text_is(named, id));
    standin_faults(at, NULL);
    host_destroy(through, id);
    AWAIT(standin_total(at, "live") == 0);
}

#define REFUSED                                                                                              \
    "{'status':403,'content_type':'application/"                                                             \
    "json','body':'{\\\"statusCode\\\":403,\\\"message\\\":\\\"no\\\"}'}"
#define EXECUTE_REFUSED(nth) "{'match':{'path':'/process/execute','nth':" #nth "},'do':" REFUSED "}"
#define DELETE_REFUSED       "{'match':{'method':'DELETE'},'do':" REFUSED "}"

/* The first execute of a probe prepares the sandbox, the second is the check. */
static void a_failed_command_is_cleaned_up_after(void **state)
{
    (void)state;
    long created = standin_total(&standin, "created");
    standin_faults(&standin, "[" EXECUTE_REFUSED(2) "]");
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_FULL);
    expect_ends(&probed, OK, FAILED, OK);
    expect_code(&probed, "execute", EEP_E_PERMISSION_DENIED);
    assert_int_equal(standin_total(&standin, "created"), created + 1);
    assert_true(probed.probe.sandbox_name.len > 0);
    expect_nothing_left(&standin, &probed);
}

static void a_failed_preparation_is_cleaned_up_after(void **state)
{
    (void)state;
    long created = standin_total(&standin, "created");
    standin_faults(&standin, "[" EXECUTE_REFUSED(1) "]");
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_FULL);
    expect_ends(&probed, FAILED, SKIPPED, SKIPPED);
    expect_code(&probed, "create", EEP_E_PERMISSION_DENIED);
    assert_int_equal(standin_total(&standin, "created"), created + 1);
    expect_nothing_left(&standin, &probed);
}

static void a_refused_create_leaves_nothing(void **state)
{
    (void)state;
    standin_faults(&standin, "[{'match':{'method':'POST','path':'/api/sandbox'},'do':" REFUSED "}]");
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_FULL);
    expect_ends(&probed, FAILED, SKIPPED, SKIPPED);
    expect_nothing_left(&standin, &probed);
}

/* -- When it cannot be deleted ----------------------------------------------------------------- */

static void what_cannot_be_deleted_is_named(void **state)
{
    (void)state;
    standin_faults(&standin, "[" DELETE_REFUSED "]");
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_FULL);
    expect_ends(&probed, OK, OK, FAILED);
    expect_code(&probed, "delete", EEP_E_PERMISSION_DENIED);
    expect_left(&standin, env, probed.probe.lease);
}

static void also_behind_a_failed_command(void **state)
{
    (void)state;
    standin_faults(&standin, "[" EXECUTE_REFUSED(2) "," DELETE_REFUSED "]");
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_FULL);
    expect_ends(&probed, OK, FAILED, FAILED);
    expect_left(&standin, env, probed.probe.lease);
}

static void also_behind_a_failed_preparation(void **state)
{
    (void)state;
    standin_faults(&standin, "[" EXECUTE_REFUSED(1) "," DELETE_REFUSED "]");
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_FULL);
    expect_ends(&probed, FAILED, SKIPPED, SKIPPED);
    expect_left(&standin, env, probed.probe.lease);
}

/* -- Cancelled --------------------------------------------------------------------------------- */

struct probing {
    eep_env *env;
    eep_cancel *token;
    uint32_t depth;
    struct outcome outcome;
    pthread_t thread;
};

static void *probe_thread(void *argument)
{
    struct probing *probing = argument;
    probing->outcome = PROBE(probing->env, .max_depth = probing->depth, .head.cancel = probing->token);
    return NULL;
}

static void begin(struct probing *probing, eep_env *at, uint32_t depth)
{
    *probing = (struct probing){.env = at, .token = plugin()->cancel_create(), .depth = depth};
    assert_int_equal(pthread_create(&probing->thread, NULL, probe_thread, probing), 0);
}

static struct outcome cancel(struct probing *probing)
{
    plugin()->cancel_fire(probing->token);
    pthread_join(probing->thread, NULL);
    plugin()->cancel_destroy(probing->token);
    return probing->outcome;
}

static void cancelled_during_the_create_leaves_nothing(void **state)
{
    (void)state;
    struct probing probing;
    eep_env *patient = host_open(&slow, NULL);
    begin(&probing, patient, EEP_PROBE_FULL);
    AWAIT(standin_total(&slow, "created") == 1);
    OUTCOME probed = cancel(&probing);
    EXPECT(probed, EEP_E_CANCELLED);
    EXPECT_SAYS(probed, "create");
    assert_null(probed.err.lease.ptr);
    AWAIT(standin_total(&slow, "live") == 0);
    plugin()->close(patient);
}

/* The version is nice to know; its question is not to be taken for an answer. */
static void cancelled_at_the_last_question_is_cancelled(void **state)
{
    (void)state;
    struct probing probing;
    standin_faults(&standin, "[{'match':{'path':'/config'},'do':{'delay_ms':3000}}]");
    standin_forget(&standin);
    begin(&probing, env, EEP_PROBE_REACH);
    AWAIT(standin_count(&standin, "GET", "/config") == 1);
    OUTCOME probed = cancel(&probing);
    EXPECT(probed, EEP_E_CANCELLED);
    EXPECT_SAYS(probed, "version");
}

static void begin_with_a_slow_command(struct probing *probing, const char *more)
{
    char rules[512];
    snprintf(rules, sizeof rules, "[{'match':{'path':'/process/execute','nth':2},'do':{'delay_ms':3000}}%s]",
             more);
    standin_faults(&standin, rules);
    standin_forget(&standin);
    begin(probing, env, EEP_PROBE_FULL);
    AWAIT(standin_count(&standin, "POST", "/process/execute") == 2);
}

static void cancelled_during_the_command_leaves_nothing(void **state)
{
    (void)state;
    struct probing probing;
    begin_with_a_slow_command(&probing, "");
    OUTCOME probed = cancel(&probing);
    EXPECT(probed, EEP_E_CANCELLED);
    EXPECT_SAYS(probed, "execute");
    assert_null(probed.err.lease.ptr);
    AWAIT(standin_total(&standin, "live") == 0);
}

static void cancelled_and_not_deleted_is_named(void **state)
{
    (void)state;
    struct probing probing;
    begin_with_a_slow_command(&probing, "," DELETE_REFUSED);
    OUTCOME probed = cancel(&probing);
    EXPECT(probed, EEP_E_CANCELLED);
    expect_left(&standin, env, probed.err.lease);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_failed_command_is_cleaned_up_after, no_faults),
        cmocka_unit_test_teardown(a_failed_preparation_is_cleaned_up_after, no_faults),
        cmocka_unit_test_teardown(a_refused_create_leaves_nothing, no_faults),
        cmocka_unit_test_teardown(what_cannot_be_deleted_is_named, no_faults),
        cmocka_unit_test_teardown(also_behind_a_failed_command, no_faults),
        cmocka_unit_test_teardown(also_behind_a_failed_preparation, no_faults),
        cmocka_unit_test_teardown(cancelled_at_the_last_question_is_cancelled, no_faults),
        cmocka_unit_test_teardown(cancelled_during_the_create_leaves_nothing, no_faults),
        cmocka_unit_test_teardown(cancelled_during_the_command_leaves_nothing, no_faults),
        cmocka_unit_test_teardown(cancelled_and_not_deleted_is_named, no_faults),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
