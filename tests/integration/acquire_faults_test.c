/* acquire_faults_test.c: a create that goes wrong: never two sandboxes, never one that nobody knows of. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "stage.h"

static struct standin slow; /* a create takes a while, and is answered at once */
static struct standin held; /* a create takes a while, and so does its answer */

static int start(void **state)
{
    standin_start(&slow, (const char *const[]){"--create-ms", "2000", NULL});
    standin_start(&held, (const char *const[]){"--create-ms", "2000", "--create-blocks-ms", "10000", NULL});
    return stage_start(state);
}

static int stop(void **state)
{
    standin_stop(&slow);
    standin_stop(&held);
    return stage_stop(state);
}

#define CREATE(times, action)                                                                                \
    "[{'match':{'method':'POST','path':'/api/sandbox','count':" #times "},'do':{" action "}}]"

/* -- Answers that are lost or wrong ------------------------------------------------------------ */

/* The acquire succeeds, and what it has made is all there is. */
static void expect_one(const char *faults)
{
    standin_faults(&standin, faults);
    OUTCOME made = ACQUIRE(env);
    EXPECT(made, EEP_OK);
    assert_int_equal(standin_total(&standin, "live"), 1);
    standin_faults(&standin, NULL);
    EXPECT_RUN(env, made.lease.lease.ptr, "echo works", "works\n");
    host_destroy(env, made.lease.lease.ptr);
    AWAIT(standin_total(&standin, "live") == 0);
}

static void lost_answers_make_one_sandbox(void **state)
{
    (void)state;
    expect_one(CREATE(1, "'drop':'after_action'"));
    expect_one(CREATE(1, "'drop':'before'"));
    expect_one(CREATE(1, "'drop':'mid_body'"));
    expect_one(CREATE(2, "'drop':'after_headers'"));
    expect_one(CREATE(1, "'drop':'after_action','delay_ms':20"));
}

/* The create is carried out and the kept connection dies; a repeat of it behind our back would wait in the service until
 * the first is found and deleted, and then make another. */
static void no_create_comes_late(void **state)
{
    (void)state;
    OUTCOME first = ACQUIRE(env); /* keeps a connection to the control plane */
    EXPECT(first, EEP_OK);
    standin_forget(&standin);
    standin_faults(&standin, "[{'match':{'method':'POST','path':'/api/sandbox','reused':true,'count':1},"
                             "  'do':{'drop':'after_action'}},"
                             " {'match':{'method':'POST','path':'/api/sandbox'},'do':{'delay_ms':1500}}]");
    OUTCOME second = ACQUIRE(env, .head.timeout_ms = 5000);
    standin_faults(&standin, NULL);
    EXPECT(second, EEP_OK);
    assert_int_equal(standin_count(&standin, "POST", "/api/sandbox"), 1);
    assert_int_equal(standin_total(&standin, "live"), 2);
    host_destroy(env, first.lease.lease.ptr);
    host_destroy(env, second.lease.lease.ptr);
}

static void passing_trouble_passes(void **state)
{
    (void)state;
    expect_one(CREATE(1, "'status':502,'body':''"));
    expect_one(CREATE(1, "'status':503,'body':'<html>try later</html>','content_type':'text/html'"));
}

/* What cannot be mended is said once, with the service's words. */
static void expect_error(const char *faults, int32_t code, const char *says)
{
    standin_forget(&standin);
    standin_faults(&standin, faults);
    eep_env *fresh = host_open(&standin, NULL);
    OUTCOME made = ACQUIRE(fresh, .head.timeout_ms = 3000, .head.grace_ms = 300);
    plugin()->close(fresh);
    EXPECT(made, code);
    EXPECT_SAYS(made, says);
    assert_true(made.err.where.len > 0);
    assert_true(made.err.head.flags & EEP_ERROR_FROM_SERVICE);
    assert_int_equal(standin_total(&standin, "live"), 0);
}

static void a_refusal_is_told_in_the_services_words(void **state)
{
    (void)state;
    expect_error(CREATE(9, "'status':400,'body':'{\\'message\\':\\'Sandbox failed to start: no runner\\'}'"),
                 EEP_E_SANDBOX, "no runner");
    expect_error(CREATE(9, "'status':400,'body':'{\\'message\\':\\'cpu must be small\\'}'"),
                 EEP_E_INVALID_ARGUMENT, "cpu must be small");
    expect_error(CREATE(9, "'status':403,'body':'{\\'message\\':\\'no right to it\\'}'"),
                 EEP_E_PERMISSION_DENIED, "no right to it");
}

/* What fails at this very request is not tried until the deadline. */
static void a_service_that_fails_again_and_again_is_told(void **state)
{
    (void)state;
    standin_forget(&standin);
    standin_faults(&standin, CREATE(99, "'status':500,'body':'{\\'message\\':\\'boom\\'}'"));
    OUTCOME made = ACQUIRE(env, .head.timeout_ms = 60000);
    EXPECT(made, EEP_E_UNAVAILABLE);
    EXPECT_SAYS(made, "boom");
    assert_int_equal(standin_count(&standin, "POST", "/sandbox"), 3);
}

/* Each refusal counts against the address of the machine: so no environment with the same credentials sends them again,
 * and those with others are not touched. */
static void credentials_are_told_and_not_sent_again(void **state)
{
    (void)state;
    struct standin strict;
    standin_start(&strict, NULL);
    standin_faults(&strict, CREATE(1, "'status':401,'body':'{\\'message\\':\\'Unauthorized\\'}'"));
    for (int i = 0; i < 3; i++) {
        eep_env *there = host_open(&strict, NULL);
        OUTCOME made = ACQUIRE(there);
        EXPECT(made, EEP_E_UNAUTHENTICATED);
        EXPECT_SAYS(made, "apiKey");
        plugin()->close(there);
    }
    assert_int_equal(standin_count(&strict, NULL, NULL), 1);
    eep_env *other = host_open_as(&strict, "another-key", NULL);
    OUTCOME refused = ACQUIRE(other);
    EXPECT(refused, EEP_E_UNAUTHENTICATED);
    assert_int_equal(standin_count(&strict, NULL, NULL), 2);
    plugin()->close(other);
    standin_stop(&strict);
}

static void the_quota_is_told(void **state)
{
    (void)state;
    struct standin small;
    standin_start(&small, (const char *const[]){"--max-sandboxes", "1", NULL});
    eep_env *there = host_open(&small, NULL);
    OUTCOME first = ACQUIRE(there);
    EXPECT(first, EEP_OK);
    OUTCOME second = ACQUIRE(there);
    EXPECT(second, EEP_E_QUOTA);
    plugin()->close(there);
    standin_stop(&small);
}

/* The header that the service really uses. */
static void a_rate_limit_is_waited_for(void **state)
{
    (void)state;
    standin_faults(&standin,
                   CREATE(1, "'status':429,'body':'{}','headers':{'Retry-After-sandbox-create':'1'}"));
    OUTCOME made = ACQUIRE(env);
    EXPECT(made, EEP_OK);
    assert_true(made.elapsed_ms >= 1000 && made.elapsed_ms < LIMIT_MS);
    host_destroy(env, made.lease.lease.ptr);
}

/* What the service asked for is kept by all who use the same credentials, and by nobody else: other environments wait
 * without a request, deletes and other keys go on. */
static void a_rate_limit_beyond_the_deadline_is_told(void **state)
{
    (void)state;
    struct standin busy;
    standin_start(&busy, NULL);
    standin_faults(&busy,
                   CREATE(1, "'status':429,'body':'{}','headers':{'Retry-After-sandbox-create':'60'}"));
    for (int i = 0; i < 2; i++) {
        eep_env *there = host_open(&busy, NULL);
        OUTCOME made = ACQUIRE(there, .head.timeout_ms = 1500);
        EXPECT(made, EEP_E_RATE_LIMITED);
        EXPECT_SAYS(made, "sandbox-create");
        assert_in_range(made.err.retry_after_ms, 40000, 60000);
        assert_int_equal(made.err.http_status, 429);
        assert_true(made.err.head.flags & EEP_ERROR_RETRYABLE);
        assert_in_range(made.elapsed_ms, 1500, 6000);
        OUTCOME gone = RELEASE(there, "some-lease", EEP_RELEASE_DESTROY);
        EXPECT(gone, EEP_OK);
        plugin()->close(there);
    }
    assert_int_equal(standin_count(&busy, "POST", NULL), 1);
    assert_true(host_log_has("the service limits the rate (sandbox-create)"));
    standin_stop(&busy);
}

/* v0.190 waits for the sandbox, and then tells how things were before. */
static void a_stale_answer_is_looked_after(void **state)
{
    (void)state;
    eep_env *there = host_open(&held, NULL);
    standin_forget(&held);
    OUTCOME made = ACQUIRE(there);
    EXPECT(made, EEP_OK);
    assert_int_equal(made.lease.state, EEP_STATE_STARTED);
    assert_int_equal(standin_count(&held, NULL, NULL), 3); /* create, look, prepare */
    host_destroy(there, made.lease.lease.ptr);
    plugin()->close(there);
}

/* -- Cut short --------------------------------------------------------------------------------- */

struct acquiring {
    eep_env *env;
    eep_acquire_request request;
    struct outcome outcome;
    pthread_t thread;
};

static void *acquire_thread(void *argument)
{
    struct acquiring *acquiring = argument;
    acquiring->outcome = call_acquire(acquiring->env, &acquiring->request);
    return NULL;
}

/* Begins an acquire and fires its token as soon as the server has the request. */
static struct outcome acquire_cancelled(const struct standin *there, eep_env *at, eep_str key, uint32_t flags)
{
    struct acquiring acquiring = {.env = at};
    acquiring.request = *REQUEST(eep_acquire_request, .head.flags = flags, .idempotency_key = key,
                                 .head.cancel = plugin()->cancel_create());
    standin_forget(there);
    pthread_create(&acquiring.thread, NULL, acquire_thread, &acquiring);
    AWAIT(standin_count(there, "POST", "/api/sandbox") == 1 && standin_total(there, "live") == 1);
    long fired = now_ms();
    plugin()->cancel_fire(acquiring.request.head.cancel);
    pthread_join(acquiring.thread, NULL);
    acquiring.outcome.elapsed_ms = now_ms() - fired;
    plugin()->cancel_destroy(acquiring.request.head.cancel);
    return acquiring.outcome;
}

static void expect_nothing_left(const struct standin *there)
{
    eep_env *at = host_open(there, NULL);
    OUTCOME made = acquire_cancelled(there, at, (eep_str){0}, 0);
    EXPECT(made, EEP_E_CANCELLED);
    assert_null(made.err.lease.ptr);
    assert_false(made.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    AWAIT(standin_total(there, "live") == 0);
    plugin()->close(at);
}

static void a_cancelled_create_leaves_nothing(void **state)
{
    (void)state;
    expect_nothing_left(&slow);
    expect_nothing_left(&held);
}

static void expect_adopted(const struct standin *there)
{
    eep_env *at = host_open(there, NULL);
    OUTCOME made = acquire_cancelled(there, at, TEXT("kept"), 0);
    EXPECT(made, EEP_E_CANCELLED);
    assert_true(made.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_int_equal(standin_total(there, "live"), 1);
    OUTCOME next = ACQUIRE(at, .idempotency_key = TEXT("kept"));
    EXPECT(next, EEP_OK);
    assert_int_equal(next.lease.head.flags, EEP_LEASE_REUSED | EEP_LEASE_BARE);
    assert_int_equal(standin_total(there, "live"), 1);
    if (made.err.lease.ptr != NULL) assert_string_equal(made.err.lease.ptr, next.lease.lease.ptr);
    host_destroy(at, next.lease.lease.ptr);
    AWAIT(standin_total(there, "live") == 0);
    plugin()->close(at);
}

static void a_cancelled_create_with_a_key_is_adopted(void **state)
{
    (void)state;
    expect_adopted(&slow);
    expect_adopted(&held);
}

/* By its id, or, when the answer had not come yet, by the name that it was asked for with. */
static void expect_named(const struct outcome *made, const char *id)
{
    assert_non_null(made->err.lease.ptr);
    assert_true(text_is(made->err.lease, id) || strncmp(made->err.lease.ptr, "eep-", 4) == 0);
}

static void without_grace_what_may_be_left_is_named(void **state)
{
    (void)state;
    char id[64];
    eep_env *at = host_open(&slow, NULL);
    OUTCOME made = acquire_cancelled(&slow, at, (eep_str){0}, EEP_REQUEST_NO_GRACE);
    EXPECT(made, EEP_E_CANCELLED);
    assert_true(made.elapsed_ms < 1900); /* the create takes 2 s */
    assert_true(made.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    standin_only_id(&slow, id);
    expect_named(&made, id);
    host_destroy(at, id);
    AWAIT(standin_total(&slow, "live") == 0);
    plugin()->close(at);
}

static void a_deadline_says_what_it_waited_for(void **state)
{
    (void)state;
    eep_env *at = host_open(&slow, NULL);
    OUTCOME made = ACQUIRE(at, .head.timeout_ms = 1000, .head.grace_ms = 10000);
    EXPECT(made, EEP_E_DEADLINE);
    EXPECT_SAYS(made, "creating");
    EXPECT_SAYS(made, "1000 ms");
    assert_null(made.err.lease.ptr);
    AWAIT(standin_total(&slow, "live") == 0);
    plugin()->close(at);
}

static void a_grace_that_is_too_short_is_kept_all_the_same(void **state)
{
    (void)state;
    char id[64];
    eep_env *at = host_open(&slow, NULL);
    OUTCOME made = ACQUIRE(at, .head.timeout_ms = 1000, .head.grace_ms = 100);
    EXPECT(made, EEP_E_DEADLINE);
    assert_true(made.elapsed_ms < 1900); /* the create takes 2 s */
    assert_true(made.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    standin_only_id(&slow, id);
    expect_named(&made, id);
    host_destroy(at, id);
    AWAIT(standin_total(&slow, "live") == 0);
    plugin()->close(at);
}

static void a_delete_that_fails_names_what_is_left(void **state)
{
    (void)state;
    char id[64];
    standin_faults(&standin, "[{'match':{'path':'/process/execute'},'do':{'status':500,'body':'{}'}},"
                             "{'match':{'method':'DELETE'},'do':{'status':500,'body':'{}'}}]");
    OUTCOME made = ACQUIRE(env, .head.timeout_ms = 1500, .head.grace_ms = 1000);
    assert_int_not_equal(made.code, EEP_OK);
    standin_only_id(&standin, id);
    assert_true(text_is(made.err.lease, id));
    assert_true(made.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    standin_faults(&standin, NULL);
    host_destroy(env, id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(lost_answers_make_one_sandbox, stage_without_faults),
        cmocka_unit_test_teardown(no_create_comes_late, stage_without_faults),
        cmocka_unit_test_teardown(passing_trouble_passes, stage_without_faults),
        cmocka_unit_test_teardown(a_refusal_is_told_in_the_services_words, stage_without_faults),
        cmocka_unit_test_teardown(a_service_that_fails_again_and_again_is_told, stage_without_faults),
        cmocka_unit_test(credentials_are_told_and_not_sent_again),
        cmocka_unit_test(the_quota_is_told),
        cmocka_unit_test_teardown(a_rate_limit_is_waited_for, stage_without_faults),
        cmocka_unit_test_teardown(a_rate_limit_beyond_the_deadline_is_told, stage_without_faults),
        cmocka_unit_test(a_stale_answer_is_looked_after),
        cmocka_unit_test(a_cancelled_create_leaves_nothing),
        cmocka_unit_test(a_cancelled_create_with_a_key_is_adopted),
        cmocka_unit_test(without_grace_what_may_be_left_is_named),
        cmocka_unit_test(a_deadline_says_what_it_waited_for),
        cmocka_unit_test(a_grace_that_is_too_short_is_kept_all_the_same),
        cmocka_unit_test_teardown(a_delete_that_fails_names_what_is_left, stage_without_faults),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
