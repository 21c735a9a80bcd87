/* hostile_test.c: servers that lie: what they answer becomes an error with a reason, never a request to somewhere
 * else, endless memory, or a secret in a text. The servers are scripts in this process. */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "tests/support/canned_server.h"

#define ID "11111111-2222-3333-4444-555555555555"

static eep_env *open_at(const char *url, const char *more)
{
    char config[1024];
    eep_env *env = NULL;
    snprintf(config, sizeof config,
             "{'apiUrl':'%s/api','apiKey':'" SENTINEL "','timeoutMs':4000,'graceMs':500%s}", url, more);
    OUTCOME opened = host_open_text(config, &env);
    EXPECT(opened, EEP_OK);
    return env;
}

/* A server whose answer to a create and to a look is this body, and which lets itself be told to delete. */
struct service {
    struct canned_exchange script[4];
    struct canned_server *server;
    eep_env *env;
};

static void service_init(struct service *service, const char *body, const char *more)
{
    *service = (struct service){
        .script = {
            {.expect = "POST /api/sandbox", .body = body, .times = CANNED_ALWAYS},
            {.expect = "GET /api/sandbox/eep-", .status = 404, .body = "{}", .times = CANNED_ALWAYS},
            {.expect = "GET /api/sandbox", .body = body, .times = CANNED_ALWAYS},
            {.expect = "DELETE /api/sandbox", .body = "", .times = CANNED_ALWAYS},
        }};
    service->server = canned_start(service->script, COUNT_OF(service->script));
    service->env = open_at(canned_url(service->server), more);
}

static void service_finish(struct service *service)
{
    plugin()->close(service->env);
    canned_stop(service->server);
}

#define SANDBOX(id, url)                                                                                     \
    "{\"id\":\"" id "\",\"state\":\"started\",\"labels\":{},\"toolboxProxyUrl\":\"" url "\"}"

/* -- Where commands would go ------------------------------------------------------------------- */

static void expect_no_toolbox(const char *body, const char *more, int32_t code)
{
    struct service service;
    service_init(&service, body, more);
    service.script[1].times = 0; /* once: when the deletion is looked after */
    service.script[1].expect = "GET /api/sandbox/" ID;
    service.script[1].body = NULL;
    OUTCOME made = ACQUIRE(service.env);
    if (made.code != code) print_error("%s\n", body);
    EXPECT(made, code);
    assert_int_equal(canned_unexpected(service.server), 0);
    assert_int_equal(canned_count(service.server, "DELETE /api/sandbox/" ID), 1); /* it is of no use */
    assert_null(made.err.lease.ptr);
    OUTCOME ran = EXECUTE(service.env, ID, .script = TEXT("true"), ENV({TEXT("T"), TEXT(SENTINEL)}));
    EXPECT(ran, code);
    service_finish(&service);
}

static void a_toolbox_address_is_an_address(void **state)
{
    static const char *const bad[] = {
        SANDBOX(ID, "ftp://127.0.0.1/toolbox"),
        SANDBOX(ID, "file:///etc/passwd"),
        SANDBOX(ID, "javascript:alert(1)"),
        SANDBOX(ID, "//127.0.0.1/toolbox"),
        SANDBOX(ID, "http://user:word@127.0.0.1/toolbox"),
        SANDBOX(ID, "http://127.0.0.1/toolbox?to=/elsewhere"),
        SANDBOX(ID, "http://127.0.0.1/toolbox#x"),
        SANDBOX(ID, "http://127.0.0.1:99999/toolbox"),
        SANDBOX(ID, "http://127.0.0.1/a b"),
        SANDBOX(ID, "http://127.0.0.1\\\\@evil.example/toolbox"),
        SANDBOX(ID, "http://127.0.0.1/x\\r\\nX-Evil: 1"),
        SANDBOX(ID, "http:///toolbox"),
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        expect_no_toolbox(bad[i], "", EEP_E_PROTOCOL);
}

static void a_toolbox_is_on_the_hosts_list(void **state)
{
    (void)state;
    expect_no_toolbox(SANDBOX(ID, "http://evil.example/toolbox"),
                      ",'toolboxHosts':['127.0.0.1','*.daytona.io']", EEP_E_PERMISSION_DENIED);
    expect_no_toolbox(SANDBOX(ID, "http://evil-daytona.io/toolbox"), ",'toolboxHosts':['*.daytona.io']",
                      EEP_E_PERMISSION_DENIED);
}

/* Another server waits there, and must not hear of it. */
static void redirects_are_not_followed(void **state)
{
    static const struct canned_exchange nothing[] = {{.body = "{}", .times = CANNED_ALWAYS}};
    static const int codes[] = {301, 302, 303, 307, 308};
    char location[128];
    (void)state;
    struct canned_server *elsewhere = canned_start(nothing, 1);
    snprintf(location, sizeof location, "Location: %s/api/sandbox\r\n", canned_url(elsewhere));
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        const struct canned_exchange script[] = {
            {.status = codes[i], .headers = location, .times = CANNED_ALWAYS}};
        struct canned_server *server = canned_start(script, 1);
        eep_env *env = open_at(canned_url(server), "");
        OUTCOME resumed = RESUME(env, ID);
        EXPECT(resumed, EEP_E_PROTOCOL);
        EXPECT_SAYS(resumed, "redirect");
        OUTCOME made = ACQUIRE(env);
        EXPECT(made, EEP_E_PROTOCOL);
        plugin()->close(env);
        canned_stop(server);
    }
    assert_int_equal(canned_connections(elsewhere), 0);
    canned_stop(elsewhere);
}

/* -- Who it is about --------------------------------------------------------------------------- */

static void an_id_is_no_path(void **state)
{
    static const char *const bad[] = {
        SANDBOX("../../admin", "http://127.0.0.1/t"),
        SANDBOX("", "http://127.0.0.1/t"),
        SANDBOX("a/b", "http://127.0.0.1/t"),
        SANDBOX("a\\u0000b", "http://127.0.0.1/t"),
        SANDBOX("a%2fb", "http://127.0.0.1/t"),
        "{\"id\":17,\"state\":\"started\"}",
        "{\"state\":\"started\"}",
        "{\"id\":[\"" ID "\"],\"state\":\"started\"}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct service service;
        service_init(&service, bad[i], "");
        OUTCOME made = ACQUIRE(service.env, .head.grace_ms = 100);
        EXPECT(made, EEP_E_PROTOCOL);
        assert_true(made.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
        assert_int_equal(canned_count(service.server, "admin"), 0);
        assert_int_equal(canned_count(service.server, "DELETE"), 0);
        service_finish(&service);
    }
}

static void another_sandbox_is_not_taken_for_this_one(void **state)
{
    struct service service;
    (void)state;
    service_init(&service, SANDBOX("99999999-2222-3333-4444-555555555555", "http://127.0.0.1:1/t"), "");
    OUTCOME resumed = RESUME(service.env, ID);
    assert_true(resumed.code == EEP_E_PROTOCOL || resumed.code == EEP_E_LEASE_LOST);
    OUTCOME ran = EXECUTE(service.env, ID, .script = TEXT("true"));
    assert_true(ran.code == EEP_E_PROTOCOL || ran.code == EEP_E_LEASE_LOST);
    EXPECT(ran, ran.code);
    service_finish(&service);
}

/* -- Bodies ------------------------------------------------------------------------------------ */

/* What a resume comes to when every answer is this. */
static int32_t code_for(struct canned_exchange exchange, long at_most_ms)
{
    exchange.times = CANNED_ALWAYS;
    struct canned_server *server = canned_start(&exchange, 1);
    eep_env *env = open_at(canned_url(server), "");
    OUTCOME resumed = RESUME(env, ID, .head.timeout_ms = 3000);
    EXPECT(resumed, resumed.code);
    assert_true(resumed.code == EEP_OK || resumed.err.message.len > 10);
    assert_true(resumed.elapsed_ms < at_most_ms);
    plugin()->close(env);
    canned_release(server);
    canned_stop(server);
    return resumed.code;
}

static void expect_answer(struct canned_exchange exchange, int32_t expected, long at_most_ms)
{
    int32_t code = code_for(exchange, at_most_ms);
    if (code != expected) fail_msg("%s: %d", exchange.body != NULL ? exchange.body : exchange.raw, code);
}

static void damaged_bodies_are_damaged(void **state)
{
    static const char *const bad[] = {"",   "{",          "{\"id\":\"" ID "\",\"sta",   "[]",        "null",
                                      "17", "\"" ID "\"", "{\"id\":\"" ID "\"}garbage", "\xff\xfe{}"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        expect_answer((struct canned_exchange){.body = bad[i]}, EEP_E_PROTOCOL, 8000);
}

static void deep_json_is_refused(void **state)
{
    enum { DEPTH = 200000 };
    (void)state;
    char *deep = malloc(DEPTH + 1);
    memset(deep, '[', DEPTH);
    deep[DEPTH] = '\0';
    expect_answer((struct canned_exchange){.body = deep}, EEP_E_PROTOCOL, 8000);
    free(deep);
}

static void what_is_not_json_is_named(void **state)
{
    (void)state;
    expect_answer((struct canned_exchange){.body = "<html>login</html>", .type = "text/html"}, EEP_E_PROTOCOL,
                  8000);
    expect_answer((struct canned_exchange){.body = "{}", .type = ""}, EEP_E_PROTOCOL, 8000);
    expect_answer(
        (struct canned_exchange){.status = -1, .raw = "SSH-2.0-OpenSSH_9.2\r\n", .action = CANNED_CLOSE},
        EEP_E_PROTOCOL, 8000);
}

static void endless_bodies_have_an_end(void **state)
{
    (void)state;
    expect_answer(
        (struct canned_exchange){.action = CANNED_ENDLESS, .body = "{\"id\":\"", .promise = (size_t)1 << 40},
        EEP_E_PROTOCOL, 8000);
    struct canned_exchange head = {.action = CANNED_ENDLESS, .status = -1, .raw = "HTTP/1.1 200 OK\r\nX-A: "};
    int32_t code = code_for(head, 8000);
    assert_true(code == EEP_E_PROTOCOL || code == EEP_E_NO_MEMORY); /* libcurl's word for a long line */
}

static void silence_ends_at_the_deadline(void **state)
{
    (void)state;
    expect_answer((struct canned_exchange){.action = CANNED_STALL, .body = "{\"id\":\"", .promise = 1000},
                  EEP_E_DEADLINE, 8000);
}

static void cut_answers_are_tried_again(void **state)
{
    (void)state;
    expect_answer((struct canned_exchange){.action = CANNED_RESET, .body = "{", .promise = 1000},
                  EEP_E_UNAVAILABLE, 8000);
    expect_answer((struct canned_exchange){.action = CANNED_CLOSE, .body = "{", .promise = 1000},
                  EEP_E_UNAVAILABLE, 8000);
}

/* -- Secrets ----------------------------------------------------------------------------------- */

/* Whoever echoes the key does not get it into a text of ours: every EXPECT looks for it. */
static void an_echoed_key_is_not_repeated(void **state)
{
    static const struct canned_exchange echoes[] = {
        {.status = 400, .body = "{\"message\":\"bad: Authorization: Bearer " SENTINEL "\"}"},
        {.status = 401, .body = "{\"message\":\"" SENTINEL " is unknown\"}"},
        {.status = 403, .body = "{\"message\":\"" SENTINEL " may not\"}"},
        {.status = 404, .body = "{\"message\":\"" SENTINEL "\"}"},
        {.status = 500, .body = "{\"error\":\"" SENTINEL "\"}"},
        {.status = 302, .headers = "Location: http://x/?token=" SENTINEL "\r\n"},
        {.status = 400, .headers = "X-Request-Id: " SENTINEL "\r\n", .body = "{}"},
        {.status = 200, .type = "text/" SENTINEL, .body = "x"},
        {.status = 200, .body = "{\"id\":\"" SENTINEL "\"}"},
        {.status = 200, .body = SANDBOX(ID, "ftp://" SENTINEL "/")},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(echoes); i++) {
        struct canned_exchange echo = echoes[i];
        echo.times = CANNED_ALWAYS;
        struct canned_server *server = canned_start(&echo, 1);
        eep_env *env = open_at(canned_url(server), "");
        OUTCOME resumed = RESUME(env, ID, .head.timeout_ms = 300);
        assert_int_not_equal(resumed.code, EEP_OK);
        EXPECT(resumed, resumed.code);
        OUTCOME made = ACQUIRE(env, .head.timeout_ms = 300, ENV({TEXT("T"), TEXT(SENTINEL)}));
        EXPECT(made, made.code);
        OUTCOME ran = EXECUTE(env, ID, .head.timeout_ms = 300, .script = TEXT("true"),
                              ENV({TEXT("T"), TEXT(SENTINEL)}), .stdin_data = BYTES(SENTINEL));
        EXPECT(ran, ran.code);
        OUTCOME strange =
            RESUME(env, SENTINEL, .head.timeout_ms = 300); /* a lease of this name would be in its path */
        EXPECT(strange, strange.code);
        plugin()->close(env);
        canned_stop(server);
    }
    assert_true(host_log_has("failed:")); /* the log was looked at, too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_toolbox_address_is_an_address),
        cmocka_unit_test(a_toolbox_is_on_the_hosts_list),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(an_id_is_no_path),
        cmocka_unit_test(another_sandbox_is_not_taken_for_this_one),
        cmocka_unit_test(damaged_bodies_are_damaged),
        cmocka_unit_test(deep_json_is_refused),
        cmocka_unit_test(what_is_not_json_is_named),
        cmocka_unit_test(endless_bodies_have_an_end),
        cmocka_unit_test(silence_ends_at_the_deadline),
        cmocka_unit_test(cut_answers_are_tried_again),
        cmocka_unit_test(an_echoed_key_is_not_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
