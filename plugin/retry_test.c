/* When something is tried again, for how long, and what is told in the end. */
#include "retry.h"

#include <string.h>

#include "op_testing.h"

static int unreachable(struct err *err, enum err_layer layer)
{
    err_set(err, EEP_E_UNAVAILABLE, "nobody there");
    err->layer = layer;
    return err_flag(err, EEP_ERROR_RETRYABLE);
}

static void test_what_passes(void **state)
{
    (void)state;
    for (int code = 0; code < 30; code++) {
        const struct err err = {.code = code};
        bool passes = code == EEP_E_UNAVAILABLE || code == EEP_E_RATE_LIMITED;
        assert_int_equal(retry_is_passing(&err), passes);
    }
}

/* Pauses of 50 ms for a second, between looks; from then on longer and longer ones, up to a second. */
static void test_pauses_between_looks(void **state)
{
    struct scene scene;
    struct retry retry = RETRY_INIT;
    (void)state;
    scene_start(&scene, NULL, 0, 60000);
    for (int i = 0; i < 20; i++)
        assert_int_equal(retry_poll(&scene.op, &retry, &scene.err), EEP_OK);
    assert_int_equal(retry.delay_ms, RETRY_FIRST_POLL_MS);
    scene_took(&scene, 20 * RETRY_FIRST_POLL_MS);
    assert_int_equal(retry_poll(&scene.op, &retry, &scene.err), EEP_OK);
    assert_int_equal(retry.delay_ms, 75);
    retry.delay_ms = 900;
    assert_int_equal(retry_poll(&scene.op, &retry, &scene.err), EEP_OK);
    assert_int_equal(retry.delay_ms, 1000);
    scene_stop(&scene);
}

/* As long as the service says; unless its client keeps to that by itself, for all calls of that kind. */
static void test_pauses_that_the_service_asks_for(void **state)
{
    (void)state;
    for (int paced = 0; paced < 2; paced++) {
        struct scene scene;
        struct retry retry = RETRY_INIT;
        scene_start(&scene, NULL, 0, 200);
        err_set(&scene.err, EEP_E_RATE_LIMITED, "too many");
        scene.err.retry_after_ms = 60000;
        scene.err.paced = paced;
        int status = retry_wait(&scene.op, &retry, &scene.err);
        if (paced) assert_int_equal(status, EEP_OK);
        if (!paced) scene_failed(&scene, status, EEP_E_RATE_LIMITED, "test gave up after 200 ms: too many");
        scene_stop(&scene);
    }
}

/* Whoever cannot be connected to for 5 s is told of at once, whatever time there is; an answer, even a bad one, begins
 * them anew. */
static void test_nobody_there_for_long(void **state)
{
    struct scene scene;
    struct retry retry = RETRY_INIT;
    (void)state;
    scene_start(&scene, NULL, 0, 60000);
    unreachable(&scene.err, ERR_LAYER_CONNECT);
    assert_int_equal(retry_wait(&scene.op, &retry, &scene.err), EEP_OK);
    assert_in_range(clock_now_ms() - retry.unreachable_since, 0, LATE_MS);

    retry.unreachable_since -= 5000;
    unreachable(&scene.err, ERR_LAYER_SERVICE);
    assert_int_equal(retry_wait(&scene.op, &retry, &scene.err), EEP_OK);
    assert_int_equal(retry.unreachable_since, 0);

    unreachable(&scene.err, ERR_LAYER_RESOLVE);
    assert_int_equal(retry_wait(&scene.op, &retry, &scene.err), EEP_OK);
    retry.unreachable_since -= 5000;
    unreachable(&scene.err, ERR_LAYER_CONNECT);
    scene_failed(&scene, retry_wait(&scene.op, &retry, &scene.err), EEP_E_UNAVAILABLE, "nobody there");
    scene_stop(&scene);
}

/* "Out of time" says less than what took it. */
static void test_what_is_told_in_the_end(void **state)
{
    struct scene scene;
    struct retry retry = RETRY_INIT;
    (void)state;
    scene_start(&scene, NULL, 0, 5000);
    err_set(&scene.err, EEP_E_DEADLINE, "out of time");
    scene_failed(&scene, retry_give_up(&scene.op, &retry, &scene.err), EEP_E_DEADLINE, "out of time");

    retry.why = (struct err){.code = EEP_E_UNAVAILABLE, .http_status = 502, .message = "bad gateway"};
    err_flag(&scene.err, EEP_ERROR_MAYBE_APPLIED | EEP_ERROR_RETRYABLE);
    scene_failed(&scene, retry_give_up(&scene.op, &retry, &scene.err), EEP_E_UNAVAILABLE,
                 "test gave up after 5000 ms: bad gateway");
    assert_int_equal(scene.err.http_status, 502);
    assert_int_equal(scene.err.flags, EEP_ERROR_MAYBE_APPLIED);

    err_set(&scene.err, EEP_E_CANCELLED, "cancelled");
    scene_failed(&scene, retry_give_up(&scene.op, &retry, &scene.err), EEP_E_CANCELLED, "cancelled");
    scene_stop(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_passes),
        cmocka_unit_test(test_pauses_between_looks),
        cmocka_unit_test(test_pauses_that_the_service_asks_for),
        cmocka_unit_test(test_nobody_there_for_long),
        cmocka_unit_test(test_what_is_told_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
