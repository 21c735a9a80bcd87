/* From every state to every other, with a service that says "not now", "not any more" or nothing at all. */
#include "lifecycle.h"

#include <string.h>

#include "states_testing.h"

static int start_lease(struct scene *scene, bool *was_resting)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    int status = lifecycle_start(&scene->op, LEASE, &sandbox, was_resting, &scene->err);
    if (status == EEP_OK) assert_true(str_is(sandbox.state, "started"));
    return status;
}

/* -- Starting ----------------------------------------------------------------------------------------------
 */

/* What the service answers to the first order, given the state (protocol 6). */
static int first_answer_to_start(enum sandbox_phase phase)
{
    switch (phase) {
    case PHASE_STARTED:
    case PHASE_RESTING: return 200;
    case PHASE_STARTING:
    case PHASE_LEAVING: return 409;
    default: return 400;
    }
}

static int expected_of_start(enum sandbox_phase phase)
{
    return phase == PHASE_FAILED ? EEP_E_SANDBOX : phase == PHASE_GONE ? EEP_E_LEASE_LOST : EEP_OK;
}

static void start_from(const char *state)
{
    char now[160];
    enum sandbox_phase phase = sandbox_phase_of(str_from(state));
    bool leaves = phase == PHASE_LEAVING;
    bool was_resting = false;
    described(now, phase == PHASE_RESTING ? "starting" : state);
    const struct canned_exchange script[] = {
        {.expect = "POST /api/sandbox/s1/start ", .status = first_answer_to_start(phase), .body = now},
        {.expect = "GET /api/sandbox/s1 ", .body = now},
        {.expect = "GET /api/sandbox/s1 ", .body = leaves ? IS("stopped") : IS("started")},
        {.expect = "POST /api/sandbox/s1/start ", .body = IS("starting")},
        {.expect = "GET /api/sandbox/s1 ", .body = IS("started")},
    };
    struct scene scene;
    scene_start(&scene, script, COUNT(script), 5000);
    int status = start_lease(&scene, &was_resting);
    if (status != expected_of_start(phase)) print_message("%s: %s\n", state, scene.err.message);
    assert_int_equal(status, expected_of_start(phase));
    assert_int_equal(canned_unexpected(scene.server), 0);
    if (phase == PHASE_STARTED) assert_int_equal(scene.op.requests, 1);
    if (status == EEP_OK) assert_int_equal(was_resting, phase == PHASE_RESTING || leaves);
    if (status != EEP_OK) assert_string_equal(scene.err.lease, "s1");
    if (phase == PHASE_FAILED) {
        assert_non_null(strstr(scene.err.message, state));
        assert_non_null(strstr(scene.err.message, "disk is full"));
    }
    scene_stop(&scene);
}

static void test_start_from_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(all_states); i++)
        start_from(all_states[i]);
}

static void test_an_error_that_can_be_recovered_from(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/s1/start ", .status = 400, .body = "{\"message\":\"Sandbox is in an errored state\"}"},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"error\",\"recoverable\":true}"},
        {.expect = "/s1/recover ", .body = IS("starting")},
        {.expect = "GET ", .body = IS("started")},
    };
    struct scene scene;
    bool was_resting = false;
    (void)state;
    scene_start(&scene, script, COUNT(script), 5000);
    assert_int_equal(start_lease(&scene, &was_resting), EEP_OK);
    assert_int_equal(canned_unexpected(scene.server), 0);
    scene_stop(&scene);
}

/* Quota, suspended organisations and the like: the host must know, not wait. */
static void test_a_refusal_for_a_reason(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/start",
         .status = 400,
         .body = "{\"message\":\"Total CPU limit exceeded. Maximum: 10\"}"},
        {.expect = "GET ", .body = IS("stopped")},
    };
    static const struct canned_exchange forbidden = {.status = 403, .body = "{\"message\":\"suspended\"}"};
    struct scene scene;
    bool was_resting = false;
    (void)state;
    scene_start(&scene, script, COUNT(script), 5000);
    scene_failed(&scene, start_lease(&scene, &was_resting), EEP_E_QUOTA, "Total CPU limit exceeded");
    scene_stop(&scene);
    scene_start(&scene, &forbidden, 1, 5000);
    scene_failed(&scene, start_lease(&scene, &was_resting), EEP_E_PERMISSION_DENIED, "suspended");
    assert_int_equal(canned_count(scene.server, NULL), 1);
    scene_stop(&scene);
}

static void test_a_lease_that_is_gone(void **state)
{
    static const struct canned_exchange script[] = {{.status = 404, .times = CANNED_ALWAYS}};
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct scene scene;
    bool was_resting = false;
    (void)state;
    scene_start(&scene, script, COUNT(script), 5000);
    scene_failed(&scene, start_lease(&scene, &was_resting), EEP_E_LEASE_LOST, "s1");
    assert_int_equal(scene.err.http_status, 404);
    assert_true(scene.err.flags & EEP_ERROR_FROM_SERVICE);
    scene_failed(&scene, lifecycle_get(&scene.op, LEASE, &sandbox, &scene.err), EEP_E_LEASE_LOST, "apiKey");
    scene_stop(&scene);
}

/* -- Waiting -----------------------------------------------------------------------------------------------
 */

static int wait_for(struct scene *scene, const char *first_state)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    char text[160];
    json *tree = NULL;
    assert_int_equal(json_parse(str_from(described(text, first_state)), &tree, &scene->err), EEP_OK);
    assert_int_equal(sandbox_from_json(&sandbox, tree, LEASE, &scene->err), EEP_OK);
    return lifecycle_wait_started(&scene->op, LEASE, &sandbox, &scene->err);
}

static void test_a_stale_answer_costs_one_look(void **state)
{
    static const struct canned_exchange script[] = {{.body = IS("started")}};
    struct scene scene;
    (void)state;
    scene_start(&scene, script, COUNT(script), 5000);
    assert_int_equal(wait_for(&scene, "creating"), EEP_OK);
    scene_took(&scene, 0);
    assert_int_equal(wait_for(&scene, "started"), EEP_OK);
    assert_int_equal(canned_count(scene.server, NULL), 1);
    scene_stop(&scene);
}

static void test_how_a_wait_can_end(void **state)
{
    static const struct {
        struct canned_exchange last;
        int code;
    } ends[] = {
        {{.body = IS("started")}, EEP_OK},
        {{.body = IS("error")}, EEP_E_SANDBOX},
        {{.body = IS("build_failed")}, EEP_E_SANDBOX},
        {{.body = IS("destroying")}, EEP_E_LEASE_LOST},
        {{.body = IS("destroyed")}, EEP_E_LEASE_LOST},
        {{.status = 404}, EEP_E_LEASE_LOST},
        {{.status = 401}, EEP_E_UNAUTHENTICATED},
        {{.status = 403}, EEP_E_PERMISSION_DENIED},
        {{.body = "{\"id\":\"s2\",\"state\":\"started\"}"}, EEP_E_PROTOCOL},
        {{.body = "{\"id\":"}, EEP_E_PROTOCOL},
        {{.type = "text/html", .body = "<html>"}, EEP_E_PROTOCOL},
        {{.status = 302}, EEP_E_PROTOCOL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        const struct canned_exchange script[] = {{.body = "{\"id\":\"s1\"}"},
                                                 ends[i].last}; /* no state: go on */
        struct scene scene;
        scene_start(&scene, script, COUNT(script), 5000);
        assert_int_equal(wait_for(&scene, "creating"), ends[i].code);
        assert_int_equal(canned_unexpected(scene.server), 0);
        scene_stop(&scene);
    }
}

static void test_a_service_with_hiccups(void **state)
{
    static const struct canned_exchange script[] = {
        {.status = 502, .type = ""},
        {.status = -1, .action = CANNED_RESET},
        {.body = IS("started")},
    };
    struct scene scene;
    (void)state;
    scene_start(&scene, script, COUNT(script), 5000);
    assert_int_equal(wait_for(&scene, "creating"), EEP_OK);
    assert_int_equal(canned_unexpected(scene.server), 0);
    scene_stop(&scene);
}

static void test_the_deadline_names_the_state(void **state)
{
    static const struct canned_exchange polling[] = {
        {.body = IS("pulling_snapshot"), .times = CANNED_ALWAYS}};
    static const struct canned_exchange silent[] = {
        {.body = IS("pulling_snapshot")}, {.status = -1, .action = CANNED_STALL, .times = CANNED_ALWAYS}};
    const struct canned_exchange *scripts[] = {polling, silent};
    const size_t counts[] = {COUNT(polling), COUNT(silent)};
    (void)state;
    for (size_t i = 0; i < COUNT(scripts); i++) {
        struct scene scene;
        scene_start(&scene, scripts[i], counts[i], 1500);
        scene_failed(&scene, wait_for(&scene, "creating"), EEP_E_DEADLINE, "pulling_snapshot");
        scene_took(&scene, 1500);
        assert_string_equal(scene.err.lease, "s1");
        assert_true(scene.err.flags & EEP_ERROR_RETRYABLE);
        scene_stop(&scene);
    }
}

static void test_polls_get_rarer(void **state)
{
    static const struct canned_exchange script[] = {{.body = IS("creating"), .times = CANNED_ALWAYS}};
    struct scene scene;
    (void)state;
    scene_start(&scene, script, COUNT(script), 2000);
    assert_int_equal(wait_for(&scene, "creating"), EEP_E_DEADLINE);
    assert_in_range(canned_count(scene.server, NULL), 5, 25); /* 50 ms for a second; then up to 1 s */
    scene_stop(&scene);
}

static void *cancel_after_two_polls(void *argument)
{
    struct scene *scene = argument;
    canned_await_requests(scene->server, 2);
    cancel_fire(scene->cancel);
    return NULL;
}

static void test_cancel_while_polling(void **state)
{
    static const struct canned_exchange script[] = {{.body = IS("creating"), .times = CANNED_ALWAYS}};
    struct scene scene;
    pthread_t thread;
    (void)state;
    scene_start(&scene, script, COUNT(script), 10000);
    assert_int_equal(pthread_create(&thread, NULL, cancel_after_two_polls, &scene), 0);
    assert_int_equal(wait_for(&scene, "creating"), EEP_E_CANCELLED);
    assert_in_range(clock_now_ms() - scene.started, 0, 50 + LATE_MS);
    pthread_join(thread, NULL);
    scene_stop(&scene);
}

/* -- "Not now" ---------------------------------------------------------------------------------------------
 */

static void test_rate_limits_are_waited_out(void **state)
{
    static const struct canned_exchange script[] = {
        {.status = 429, .headers = "Retry-After-sandbox-lifecycle: 1\r\n"},
        {.body = IS("started")},
    };
    struct scene scene;
    bool was_resting = false;
    (void)state;
    scene_start(&scene, script, COUNT(script), 5000);
    assert_int_equal(start_lease(&scene, &was_resting), EEP_OK);
    scene_took(&scene, 1000);
    scene_stop(&scene);
}

/* The host learns how long to wait, not just that the time was over. */
static void test_a_rate_limit_beyond_the_deadline(void **state)
{
    static const struct canned_exchange script[] = {
        {.status = 429, .headers = "Retry-After-sandbox-lifecycle: 60\r\n", .times = CANNED_ALWAYS}};
    struct scene scene;
    bool was_resting = false;
    (void)state;
    scene_start(&scene, script, COUNT(script), 1500);
    scene_failed(&scene, start_lease(&scene, &was_resting), EEP_E_RATE_LIMITED, "1500 ms");
    assert_in_range(scene.err.retry_after_ms, 50000, 60000);
    assert_in_range(clock_now_ms() - scene.started, 0, 1500 + LATE_MS);
    assert_int_equal(canned_count(scene.server, NULL), 1);
    scene_stop(&scene);
}

/* Whether the time ran out between two tries or within one. */
static void test_a_service_that_stays_down(void **state)
{
    static const struct canned_exchange down[] = {{.status = 503, .times = CANNED_ALWAYS}};
    static const struct canned_exchange then_silent[] = {
        {.status = 503}, {.status = -1, .action = CANNED_STALL, .times = CANNED_ALWAYS}};
    const struct canned_exchange *scripts[] = {down, then_silent};
    const size_t counts[] = {COUNT(down), COUNT(then_silent)};
    (void)state;
    for (size_t i = 0; i < COUNT(scripts); i++) {
        CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
        struct scene scene;
        scene_start(&scene, scripts[i], counts[i], 1500);
        scene_failed(&scene, lifecycle_get(&scene.op, LEASE, &sandbox, &scene.err), EEP_E_UNAVAILABLE,
                     "1500 ms");
        assert_int_equal(scene.err.http_status, 503);
        scene_took(&scene, 1500);
        scene_stop(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_from_every_state),
        cmocka_unit_test(test_an_error_that_can_be_recovered_from),
        cmocka_unit_test(test_a_refusal_for_a_reason),
        cmocka_unit_test(test_a_lease_that_is_gone),
        cmocka_unit_test(test_a_stale_answer_costs_one_look),
        cmocka_unit_test(test_how_a_wait_can_end),
        cmocka_unit_test(test_a_service_with_hiccups),
        cmocka_unit_test(test_the_deadline_names_the_state),
        cmocka_unit_test(test_polls_get_rarer),
        cmocka_unit_test(test_cancel_while_polling),
        cmocka_unit_test(test_rate_limits_are_waited_out),
        cmocka_unit_test(test_a_rate_limit_beyond_the_deadline),
        cmocka_unit_test(test_a_service_that_stays_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
