/* Calls into a sandbox that is stopped, gone, elsewhere, or not listening yet. */
#include "access.h"

#include <string.h>

#include "op_testing.h"

#define LEASE STR("s1")

/* A sandbox whose toolbox is a server of its own. */
struct reach {
    struct canned_server *toolbox;
    char started[512]; /* descriptions of it */
    char stopped[512];
    struct scene scene;
    struct access access;
    struct toolbox_execution execution;
};

#define WORKS                                                                                                \
    {                                                                                                        \
        .expect = "POST /toolbox/s1/process/execute ", .body = "{\"exitCode\":0,\"result\":\"ok\"}",         \
        .times = CANNED_ALWAYS                                                                               \
    }

static const struct canned_exchange works = WORKS;

static void describe(char out[512], const char *state, const char *toolbox_url)
{
    snprintf(out, 512,
             "{\"id\":\"s1\",\"state\":\"%s\",\"toolboxProxyUrl\":\"%s/"
             "toolbox\",\"labels\":{\"eep.identity\":\"i1\"}}",
             state, toolbox_url);
}

/* First the toolbox, for its address is part of what the service tells. */
static void reach_toolbox(struct reach *reach, const struct canned_exchange *script, size_t count)
{
    *reach = (struct reach){.toolbox = canned_start(script, count), .execution.output = BUF_INIT(1000)};
    describe(reach->started, "started", canned_url(reach->toolbox));
    describe(reach->stopped, "stopped", canned_url(reach->toolbox));
}

static void reach_service(struct reach *reach, const struct canned_exchange *script, size_t count,
                          uint32_t timeout_ms)
{
    scene_start(&reach->scene, script, count, timeout_ms);
    assert_int_equal(access_init(&reach->access, &reach->scene.op, LEASE, &reach->scene.err), EEP_OK);
}

static void reach_stop(struct reach *reach)
{
    assert_int_equal(canned_unexpected(reach->scene.server), 0);
    access_finish(&reach->access);
    scene_stop(&reach->scene);
    canned_stop(reach->toolbox);
    toolbox_execution_finish(&reach->execution);
}

static int execute(struct reach *reach)
{
    return access_execute(&reach->access, STR("true"), 5, &reach->execution, &reach->scene.err);
}

static bool is_remembered(struct reach *reach)
{
    CLEANUP(facts_release) struct facts *facts = facts_get(&reach->scene.env->cache, LEASE);
    return facts != NULL;
}

/* -- Finding it -------------------------------------------------------------------------------------------- */

static void test_the_way_is_asked_for_once(void **state)
{
    struct reach reach;
    (void)state;
    reach_toolbox(&reach, &works, 1);
    const struct canned_exchange service[] = {{.expect = "GET /api/sandbox/s1 ", .body = reach.started}};
    reach_service(&reach, service, COUNT(service), 5000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(execute(&reach), EEP_OK);
        assert_false(reach.access.started);
        access_finish(&reach.access); /* as if each were a call of its own */
        assert_int_equal(access_init(&reach.access, &reach.scene.op, LEASE, &reach.scene.err), EEP_OK);
    }
    assert_string_equal(buf_cstr(&reach.execution.output), "okokok");
    assert_true(str_is(reach.access.facts->identity, "i1"));
    assert_int_equal(reach.scene.op.requests, 4);
    reach_stop(&reach);
}

static void test_leases_that_are_none(void **state)
{
    static const eep_str leases[] = {{NULL, 0},    {"", 0},     {"../x", 4},
                                     {"s1/..", 5}, {"s%31", 4}, {"s\0001", 3}};
    struct scene scene;
    (void)state;
    scene_start(&scene, NULL, 0, 5000);
    for (size_t i = 0; i < COUNT(leases); i++) {
        struct access access;
        scene_failed(&scene, access_init(&access, &scene.op, leases[i], &scene.err), EEP_E_INVALID_ARGUMENT,
                     "lease");
        access_finish(&access);
    }
    assert_int_equal(canned_connections(scene.server), 0);
    scene_stop(&scene);
}

static void test_a_description_without_the_address(void **state)
{
    char url[100];
    struct reach reach;
    (void)state;
    reach_toolbox(&reach, &works, 1);
    snprintf(url, sizeof url, "{\"url\":\"%s/toolbox\"}", canned_url(reach.toolbox));
    const struct canned_exchange service[] = {
        {.expect = "GET /api/sandbox/s1 ",
         .body = "{\"id\":\"s1\",\"state\":\"started\",\"toolboxProxyUrl\":\"\"}"},
        {.expect = "GET /api/sandbox/s1/toolbox-proxy-url ", .body = url},
    };
    reach_service(&reach, service, COUNT(service), 5000);
    assert_int_equal(execute(&reach), EEP_OK);
    reach_stop(&reach);
}

/* The credentials would go there. */
static void test_addresses_that_are_not_used(void **state)
{
    static const char *const formats[] = {
        "{\"id\":\"s1\",\"state\":\"started\",\"toolboxProxyUrl\":\"http://me@%s/\"}",
        "{\"id\":\"s1\",\"state\":\"started\",\"toolboxProxyUrl\":\"http://%s/?\"}",
        "{\"id\":\"s1\",\"state\":\"started\",\"toolboxProxyUrl\":\"http://%s/ x\"}",
        "{\"id\":\"s2\",\"state\":\"started\",\"toolboxProxyUrl\":\"http://%s/\"}"};
    (void)state;
    for (size_t i = 0; i < COUNT(formats); i++) {
        char body[200];
        struct reach reach;
        reach_toolbox(&reach, &works, 1);
        snprintf(body, sizeof body, formats[i], canned_url(reach.toolbox) + strlen("http://"));
        const struct canned_exchange service[] = {{.body = body}};
        reach_service(&reach, service, COUNT(service), 5000);
        scene_failed(&reach.scene, execute(&reach), EEP_E_PROTOCOL, "");
        assert_int_equal(canned_connections(reach.toolbox), 0);
        assert_false(is_remembered(&reach));
        reach_stop(&reach);
    }
}

static void test_a_stopped_sandbox_is_started_first(void **state)
{
    struct reach reach;
    (void)state;
    reach_toolbox(&reach, &works, 1);
    const struct canned_exchange service[] = {
        {.expect = "GET /api/sandbox/s1 ", .body = reach.stopped},
        {.expect = "POST /api/sandbox/s1/start ", .body = reach.started},
    };
    reach_service(&reach, service, COUNT(service), 5000);
    assert_int_equal(execute(&reach), EEP_OK);
    assert_int_equal(canned_count(reach.toolbox, NULL), 1);
    reach_stop(&reach);
}

/* -- What the toolbox cannot say --------------------------------------------------------------------------- */

static void test_stopped_meanwhile(void **state)
{
    static const struct canned_exchange toolbox[] = {
        {.status = 400, .body = "{\"message\":\"no IP address found. Is the Sandbox started?\"}"}, WORKS};
    struct reach reach;
    (void)state;
    reach_toolbox(&reach, toolbox, COUNT(toolbox));
    const struct canned_exchange service[] = {
        {.expect = "GET /api/sandbox/s1 ", .body = reach.started},
        {.expect = "GET /api/sandbox/s1 ", .body = reach.stopped},
        {.expect = "POST /api/sandbox/s1/start ", .body = "{\"id\":\"s1\",\"state\":\"starting\"}"},
        {.expect = "GET /api/sandbox/s1 ", .body = reach.started},
    };
    reach_service(&reach, service, COUNT(service), 5000);
    assert_int_equal(execute(&reach), EEP_OK);
    assert_true(reach.access.started);
    assert_int_equal(canned_count(reach.toolbox, NULL), 2);
    reach_stop(&reach);
}

/* The proxy answers 401 for what does not exist (protocol 3.3). */
static void test_gone_meanwhile(void **state)
{
    static const struct canned_exchange unknown[] = {
        {.status = 401,
         .body = "{\"message\":\"unauthorized: Bearer token is invalid\"}",
         .times = CANNED_ALWAYS}};
    static const struct canned_exchange ends[] = {
        {.expect = "GET ", .status = 404},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"destroyed\"}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        struct reach reach;
        reach_toolbox(&reach, unknown, COUNT(unknown));
        const struct canned_exchange service[] = {
            {.expect = "GET ", .body = reach.started}, ends[i], {.expect = "POST ", .status = 404}};
        reach_service(&reach, service, COUNT(service), 5000);
        scene_failed(&reach.scene, execute(&reach), EEP_E_LEASE_LOST, "s1");
        assert_false(is_remembered(&reach));
        assert_false(atomic_load(&reach.scene.env->client.refused));
        assert_int_equal(canned_count(reach.toolbox, NULL), 1);
        reach_stop(&reach);
    }
}

static void test_a_401_of_a_sandbox_that_runs(void **state)
{
    static const struct canned_exchange once[] = {{.status = 401}, WORKS};
    static const struct canned_exchange always[] = {
        {.status = 401, .body = "{\"message\":\"bad credentials\"}", .times = CANNED_ALWAYS}};
    struct reach reach;
    (void)state;
    reach_toolbox(&reach, once, COUNT(once)); /* the proxy remembers a refusal for some seconds */
    const struct canned_exchange patient[] = {{.expect = "GET ", .body = reach.started, .times = 2}};
    reach_service(&reach, patient, COUNT(patient), 5000);
    assert_int_equal(execute(&reach), EEP_OK);
    reach_stop(&reach);
    reach_toolbox(&reach, always, COUNT(always));
    /* The time runs out in a look: one that does so in a call, which may yet be answered, says less. */
    const struct canned_exchange service[] = {
        {.expect = "GET ", .body = reach.started, .times = 2},
        {.expect = "GET ", .status = -1, .action = CANNED_STALL, .times = CANNED_ALWAYS}};
    reach_service(&reach, service, COUNT(service), 2000);
    scene_failed(&reach.scene, execute(&reach), EEP_E_UNAUTHENTICATED, "credentials");
    assert_int_equal(canned_count(reach.toolbox, NULL), 2);
    assert_false(atomic_load(&reach.scene.env->client.refused)); /* the control plane takes them */
    reach_stop(&reach);
}

static void test_a_401_of_both(void **state)
{
    static const struct canned_exchange toolbox[] = {{.status = 401, .times = CANNED_ALWAYS}};
    struct reach reach;
    (void)state;
    reach_toolbox(&reach, toolbox, COUNT(toolbox));
    const struct canned_exchange service[] = {{.expect = "GET ", .body = reach.started},
                                              {.expect = "GET ", .status = 401, .times = CANNED_ALWAYS}};
    reach_service(&reach, service, COUNT(service), 5000);
    scene_failed(&reach.scene, execute(&reach), EEP_E_UNAUTHENTICATED, "");
    assert_true(atomic_load(&reach.scene.env->client.refused));
    assert_int_equal(canned_count(reach.scene.server, NULL), 2);
    reach_stop(&reach);
}

static void test_a_daemon_that_is_coming_up(void **state)
{
    static const struct canned_exchange toolbox[] = {{.status = 502, .type = "", .times = 3}, WORKS};
    struct reach reach;
    (void)state;
    reach_toolbox(&reach, toolbox, COUNT(toolbox));
    const struct canned_exchange service[] = {
        {.expect = "GET ", .body = reach.started, .times = CANNED_ALWAYS}};
    reach_service(&reach, service, COUNT(service), 5000);
    assert_int_equal(execute(&reach), EEP_OK);
    assert_false(reach.access.started);
    reach_stop(&reach);
}

static void test_a_daemon_that_never_comes_up(void **state)
{
    static const struct canned_exchange toolbox[] = {{.status = 502, .type = "", .times = CANNED_ALWAYS}};
    struct reach reach;
    (void)state;
    reach_toolbox(&reach, toolbox, COUNT(toolbox));
    const struct canned_exchange service[] = {
        {.expect = "GET ", .body = reach.started, .times = CANNED_ALWAYS}};
    /* looks are about a second apart by then, so this is while it waits, not in a request */
    reach_service(&reach, service, COUNT(service), 3950);
    scene_failed(&reach.scene, execute(&reach), EEP_E_DEADLINE, "daemon");
    scene_took(&reach.scene, 3950);
    reach_stop(&reach);
    reach_toolbox(&reach, toolbox, COUNT(toolbox)); /* and this is in one */
    const struct canned_exchange slow[] = {
        {.expect = "GET ", .body = reach.started, .times = 2},
        {.expect = "GET ", .status = -1, .action = CANNED_STALL, .times = CANNED_ALWAYS}};
    reach_service(&reach, slow, COUNT(slow), 3000);
    scene_failed(&reach.scene, execute(&reach), EEP_E_DEADLINE, "daemon");
    reach_stop(&reach);
}

static void test_answers_that_are_final(void **state)
{
    static const struct {
        struct canned_exchange exchange;
        int code;
    } cases[] = {
        {{.status = 408, .body = "{\"message\":\"command execution timeout\"}"}, EEP_E_DEADLINE},
        {{.status = 409}, EEP_E_CONFLICT},
        {{.status = 413}, EEP_E_TOO_LARGE},
        {{.status = 429}, EEP_E_RATE_LIMITED},
        {{.status = 500}, EEP_E_UNAVAILABLE},
        {{.status = 302}, EEP_E_PROTOCOL},
        {{.type = "text/html", .body = "<html>"}, EEP_E_PROTOCOL},
        {{.status = -1, .action = CANNED_CLOSE}, EEP_E_UNAVAILABLE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reach reach;
        reach_toolbox(&reach, &cases[i].exchange, 1);
        const struct canned_exchange service[] = {{.expect = "GET ", .body = reach.started}};
        reach_service(&reach, service, COUNT(service), 5000);
        scene_failed(&reach.scene, execute(&reach), cases[i].code, "");
        assert_int_equal(canned_count(reach.scene.server, NULL), 1);
        assert_int_equal(canned_count(reach.toolbox, NULL), 1);
        reach_stop(&reach);
    }
}

/* A gateway that gives up in the middle of a window has a time limit of its own. One that does so behind it, or where there
 * is none, may have a reason in the sandbox. */
static void test_what_a_502_is_about(void **state)
{
    static const struct {
        int64_t window_ms;
        bool looks;
    } cases[] = {{60000, false}, {200, true}, {0, true}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct canned_exchange toolbox[] = {{.status = 502, .type = "", .delay_ms = 1200}, WORKS};
        struct reach reach;
        reach_toolbox(&reach, toolbox, COUNT(toolbox));
        const struct canned_exchange service[] = {
            {.expect = "GET ", .body = reach.started, .times = CANNED_ALWAYS}};
        reach_service(&reach, service, COUNT(service), 10000);
        reach.access.window_ms = cases[i].window_ms;
        assert_int_equal(execute(&reach), cases[i].looks ? EEP_OK : EEP_E_UNAVAILABLE);
        assert_int_equal(canned_count(reach.scene.server, NULL), 1 + cases[i].looks);
        reach_stop(&reach);
    }
}

static void test_a_sandbox_that_has_moved(void **state)
{
    static const struct canned_exchange gone[] = {{.status = 404, .times = CANNED_ALWAYS}};
    struct canned_server *elsewhere = canned_start(&works, 1);
    struct reach reach;
    char moved[512];
    (void)state;
    describe(moved, "started", canned_url(elsewhere));
    reach_toolbox(&reach, gone, COUNT(gone));
    const struct canned_exchange service[] = {{.expect = "GET ", .body = reach.started},
                                              {.expect = "GET ", .body = moved}};
    reach_service(&reach, service, COUNT(service), 5000);
    assert_int_equal(execute(&reach), EEP_OK);
    assert_int_equal(canned_count(elsewhere, NULL), 1);
    reach_stop(&reach);
    canned_stop(elsewhere);
}

static void test_files_go_the_same_way(void **state)
{
    static const struct canned_exchange toolbox[] = {
        {.expect = "/files/bulk-upload", .status = 502, .type = ""},
        {.expect = "/files/bulk-upload", .body = "{}"},
        {.expect = "/files/download", .status = 401},
        {.expect = "/files/download", .status = 206, .type = "", .body = "abc"},
    };
    static const struct toolbox_file file = {STR("/f"), {"abc", 3}};
    struct reach reach;
    (void)state;
    reach_toolbox(&reach, toolbox, COUNT(toolbox));
    const struct canned_exchange service[] = {
        {.expect = "GET ", .body = reach.started, .times = CANNED_ALWAYS}};
    reach_service(&reach, service, COUNT(service), 5000);
    assert_int_equal(access_upload(&reach.access, &file, 1, &reach.scene.err), EEP_OK);
    assert_int_equal(
        access_download(&reach.access, STR("/f"), 0, 3, &reach.execution.output, &reach.scene.err), EEP_OK);
    assert_string_equal(buf_cstr(&reach.execution.output), "abc");
    reach_stop(&reach);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_way_is_asked_for_once),
        cmocka_unit_test(test_leases_that_are_none),
        cmocka_unit_test(test_a_description_without_the_address),
        cmocka_unit_test(test_addresses_that_are_not_used),
        cmocka_unit_test(test_a_stopped_sandbox_is_started_first),
        cmocka_unit_test(test_stopped_meanwhile),
        cmocka_unit_test(test_gone_meanwhile),
        cmocka_unit_test(test_a_401_of_a_sandbox_that_runs),
        cmocka_unit_test(test_a_401_of_both),
        cmocka_unit_test(test_a_daemon_that_is_coming_up),
        cmocka_unit_test(test_a_daemon_that_never_comes_up),
        cmocka_unit_test(test_answers_that_are_final),
        cmocka_unit_test(test_what_a_502_is_about),
        cmocka_unit_test(test_a_sandbox_that_has_moved),
        cmocka_unit_test(test_files_go_the_same_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
