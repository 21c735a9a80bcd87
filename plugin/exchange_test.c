/* What a request about an execution learns from the one before. */
#include "exchange.h"

#include <stdlib.h>
#include <string.h>

#include "op_testing.h"

#define DEFAULT_WINDOW_MS 20000

/* The window that the sandbox was given in the nth request; both runners are told the same, sh in clear. */
static long window_told(struct canned_server *toolbox, size_t nth)
{
    const struct canned_request *request = canned_request(toolbox, "/process/execute", nth);
    const char *window = request ? strstr(request->body, "e_window=") : NULL;
    assert_non_null(window);
    return strtol(window + strlen("e_window="), NULL, 10);
}

/* Attaches to something at a service that gives up after so long, for as long as damaged answers are borne. */
static void attach(struct canned_server *toolbox)
{
    char started[300];
    struct scene scene;
    snprintf(started, sizeof started,
             "{\"id\":\"s1\",\"state\":\"started\",\"toolboxProxyUrl\":\"%s/toolbox\"}", canned_url(toolbox));
    const struct canned_exchange service = {.body = started, .times = CANNED_ALWAYS};
    scene_start(&scene, &service, 1, 60000);
    CLEANUP(execution_finish) struct execution execution = {0};
    assert_int_equal(execution_init(&execution, &scene.op, STR("s1"), STR("id"), &scene.err), EEP_OK);
    assert_int_equal(execution_listen(&execution, 0, NULL, NULL, &scene.err), EEP_OK);
    execution.goal = RUNNER_REQUEST_ATTACH;
    scene_failed(&scene, execution_run(&execution, &scene.err), EEP_E_PROTOCOL, "");
    scene_stop(&scene);
}

#define GATEWAY_TIMEOUT(ms)                                                                                  \
    {                                                                                                        \
        .status = 504, .type = "text/html", .body = "<html>", .delay_ms = (ms)                               \
    }
#define DAMAGED                                                                                              \
    {                                                                                                        \
        .body = "{\"exitCode\":0,\"result\":\"?\"}", .times = CANNED_ALWAYS                                  \
    }

/* The next one asks for less, and goes on doing so. */
static void test_a_cut_tells_how_long_a_request_may_be(void **state)
{
    static const struct canned_exchange script[] = {GATEWAY_TIMEOUT(1200), DAMAGED};
    struct canned_server *toolbox = canned_start(script, COUNT(script));
    (void)state;
    attach(toolbox);
    assert_int_equal(window_told(toolbox, 0), DEFAULT_WINDOW_MS);
    /* Three quarters of what it took, which on a busy machine is longer. */
    assert_in_range(window_told(toolbox, 1), 1000, DEFAULT_WINDOW_MS - 1);
    assert_int_equal(window_told(toolbox, 2), window_told(toolbox, 1));
    canned_stop(toolbox);
}

/* What dies at once has been cut by nobody's limit. */
static void test_a_quick_failure_tells_nothing(void **state)
{
    static const struct canned_exchange script[] = {{.status = -1, .action = CANNED_CLOSE}, DAMAGED};
    struct canned_server *toolbox = canned_start(script, COUNT(script));
    (void)state;
    attach(toolbox);
    assert_int_equal(window_told(toolbox, 1), DEFAULT_WINDOW_MS);
    canned_stop(toolbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cut_tells_how_long_a_request_may_be),
        cmocka_unit_test(test_a_quick_failure_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
