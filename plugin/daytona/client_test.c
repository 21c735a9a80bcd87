/* Calls to the control plane, answered by everything but a well-meaning service. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "daytona/account.h"
#include "daytona/sandboxes.h"
#include "daytona_testing.h"

static int call(struct account *account, const char *method, json **answer)
{
    struct api_call call = {.method = method, .path = STR("/thing")};
    if (strcmp(method, "POST") == 0) call.body = STR("{\"a\":1}");
    return daytona_api(&account->client, &call, &account->wait, answer, &account->err);
}

/* -- What is sent ------------------------------------------------------------------------------ */

static bool sent(struct account *account, size_t index, const char *line)
{
    return strstr(canned_request(account->server, NULL, index)->head, line) != NULL;
}

static void test_headers(void **state)
{
    static const struct canned_exchange script[] = {{.expect = "/api/thing", .body = "{}", .times = 2}};
    struct account account;
    json *answer = NULL;
    (void)state;
    account_start_for(&account, script, COUNT(script), "org-1");
    assert_int_equal(call(&account, "GET", &answer), EEP_OK);
    json_finish(&answer);
    assert_int_equal(call(&account, "POST", &answer), EEP_OK);
    json_finish(&answer);
    for (size_t i = 0; i < 2; i++) {
        assert_true(sent(&account, i, "\r\nAuthorization: Bearer " TEST_TOKEN "\r\n"));
        assert_true(sent(&account, i, "\r\nX-Daytona-Organization-ID: org-1\r\n"));
        assert_true(sent(&account, i, "\r\nAccept: application/json\r\n"));
        assert_true(sent(&account, i, "\r\nUser-Agent: test/1\r\n"));
        assert_int_equal(sent(&account, i, "\r\nContent-Type: application/json\r\n"), i == 1);
    }
    assert_string_equal(canned_request(account.server, "POST", 0)->body, "{\"a\":1}");
    account_stop(&account);
}

static void test_an_api_key_needs_no_organisation(void **state)
{
    static const struct canned_exchange script[] = {{.body = "{}"}};
    struct account account;
    json *answer = NULL;
    (void)state;
    account_start(&account, script, COUNT(script));
    assert_int_equal(call(&account, "GET", &answer), EEP_OK);
    assert_false(sent(&account, 0, "X-Daytona-Organization-ID"));
    json_finish(&answer);
    account_stop(&account);
}

static void test_public_routes_get_no_credentials(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET /api/health ", .body = "{\"status\":\"ok\"}"},
        {.expect = "GET /api/config ", .body = "{\"version\":\"1\"}"},
    };
    struct account account;
    json *answer = NULL;
    (void)state;
    account_start(&account, script, COUNT(script));
    assert_int_equal(account_health(&account.client, &account.wait, &answer, &account.err), EEP_OK);
    json_finish(&answer);
    assert_int_equal(account_config(&account.client, &account.wait, &answer, &account.err), EEP_OK);
    json_finish(&answer);
    assert_false(sent(&account, 0, "Authorization"));
    assert_false(sent(&account, 1, "Authorization"));
    account_stop(&account);
}

/* -- What cannot be an answer ------------------------------------------------------------------ */

static void check_damaged(const struct canned_exchange *exchange)
{
    struct canned_exchange script = *exchange;
    struct account account;
    json *answer = NULL;
    script.times = CANNED_ALWAYS;
    account_start(&account, &script, 1);
    account_failed(&account, call(&account, "GET", &answer), EEP_E_PROTOCOL);
    assert_null(answer);
    assert_string_equal(account.err.where, "GET /thing");
    assert_false(account.err.flags & EEP_ERROR_MAYBE_APPLIED);
    account.err = (struct err)ERR_INIT;
    account_failed(&account, call(&account, "POST", &answer), EEP_E_PROTOCOL);
    assert_true(account.err.flags & EEP_ERROR_MAYBE_APPLIED); /* it said 200: something has been done */
    account_stop(&account);
}

static void test_successes_that_cannot_be_read(void **state)
{
    static const char deep[] =
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]";
    static const char nul[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
                              "{\"a\":1}\0 ";
    static const struct canned_exchange answers[] = {
        {.type = "text/html", .body = "<!doctype html><title>Dashboard</title>"},
        {.type = "", .body = "{}"},
        {.type = "text/plain", .body = "{}"},
        {.body = "{\"id\":\"s1\",\"na"},
        {.body = "{\"id\":\"s1\"}{\"id\":\"s2\"}"},
        {.body = "{\"id\":\"\xff\"}"},
        {.body = "   "},
        {.body = deep},
        {.body = "<html>"},
        {.raw = nul, .raw_len = sizeof nul - 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++)
        check_damaged(&answers[i]);
}

static void test_a_wrong_base_url_is_explained(void **state)
{
    static const struct canned_exchange script[] = {{.type = "text/html", .body = "<html>"}};
    struct account account;
    json *answer = NULL;
    (void)state;
    account_start(&account, script, COUNT(script));
    account_failed(&account, call(&account, "GET", &answer), EEP_E_PROTOCOL);
    assert_non_null(strstr(account.err.message, "apiUrl"));
    assert_int_equal(account.err.http_status, 200);
    account_stop(&account);
}

static void test_empty_successes(void **state)
{
    static const struct canned_exchange script[] = {{.status = 200, .type = "text/html"},
                                                    {.status = 204, .type = ""}};
    struct account account;
    json *answer = NULL;
    (void)state;
    account_start(&account, script, COUNT(script));
    for (size_t i = 0; i < COUNT(script); i++) {
        assert_int_equal(call(&account, "DELETE", &answer), EEP_OK);
        assert_null(answer);
    }
    account_stop(&account);
}

static void test_an_endless_answer(void **state)
{
    static const struct canned_exchange script[] = {
        {.raw = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"", .action = CANNED_ENDLESS},
        {.raw = "HTTP/1.1 500 Oh\r\nContent-Type: application/json\r\n\r\n{\"", .action = CANNED_ENDLESS},
    };
    struct account account;
    json *answer = NULL;
    (void)state;
    account_start(&account, script, COUNT(script));
    for (size_t i = 0; i < COUNT(script); i++)
        account_failed(&account, call(&account, "GET", &answer), EEP_E_PROTOCOL);
    account_stop(&account);
}

static void test_redirects_lead_nowhere(void **state)
{
    static const struct canned_exchange trap = {.times = CANNED_ALWAYS};
    struct canned_server *other = canned_start(&trap, 1);
    char location[80];
    struct canned_exchange script = {.status = 307, .headers = location};
    struct account account;
    json *answer = NULL;
    (void)state;
    snprintf(location, sizeof location, "Location: %s/x\r\n", canned_url(other));
    account_start(&account, &script, 1);
    account_failed(&account, call(&account, "POST", &answer), EEP_E_PROTOCOL);
    assert_non_null(strstr(account.err.message, canned_url(other)));
    assert_int_equal(canned_connections(other), 0);
    assert_int_equal(canned_count(account.server, NULL), 1);
    account_stop(&account);
    canned_stop(other);
}

static void test_paths_that_are_too_long(void **state)
{
    static char path[10000];
    struct account account;
    json *answer = NULL;
    struct api_call too_long = {.method = "GET", .path = {path, sizeof path}};
    (void)state;
    memset(path, 'a', sizeof path);
    account_start(&account, NULL, 0);
    account_failed(&account, daytona_api(&account.client, &too_long, &account.wait, &answer, &account.err),
                   EEP_E_TOO_LARGE);
    assert_int_equal(canned_connections(account.server), 0);
    account_stop(&account);
}

/* -- Credentials ------------------------------------------------------------------------------- */

/* Each further failure would count against the address of this machine. */
static void test_refused_credentials_are_not_sent_again(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/api/thing", .status = 401, .body = "{\"message\":\"Invalid credentials\"}", .times = 9},
        {.expect = "/api/health", .body = "{}"},
    };
    struct account account;
    json *answer = NULL;
    (void)state;
    account_start(&account, script, COUNT(script));
    account_failed(&account, call(&account, "GET", &answer), EEP_E_UNAUTHENTICATED);
    assert_int_equal(account.err.http_status, 401);
    for (int i = 0; i < 3; i++)
        account_failed(&account, call(&account, "POST", &answer), EEP_E_UNAUTHENTICATED);
    assert_int_equal(canned_count(account.server, "/api/thing"), 1);
    assert_int_equal(account_health(&account.client, &account.wait, &answer, &account.err), EEP_OK);
    json_finish(&answer);
    account_stop(&account);
}

static void test_a_public_401_says_nothing_about_credentials(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/api/health", .status = 401},
        {.expect = "/api/thing", .body = "{}"},
    };
    struct account account;
    json *answer = NULL;
    (void)state;
    account_start(&account, script, COUNT(script));
    account_failed(&account, account_health(&account.client, &account.wait, &answer, &account.err),
                   EEP_E_UNAUTHENTICATED);
    assert_int_equal(call(&account, "GET", &answer), EEP_OK);
    json_finish(&answer);
    account_stop(&account);
}

/* Long before the time of the call is over: there is time for another try. */
static void test_an_answer_that_does_not_come(void **state)
{
    static const struct canned_exchange script[] = {
        {.status = -1, .action = CANNED_STALL, .times = CANNED_ALWAYS}};
    struct account account;
    json *answer = NULL;
    (void)state;
    account_start(&account, script, COUNT(script));
    account.client.settings.answer_limit_ms = 1000;
    int64_t start = clock_now_ms();
    account_failed(&account, call(&account, "POST", &answer), EEP_E_UNAVAILABLE);
    assert_in_range(clock_now_ms() + 1 - start, 1000, 1000 + 1 + LATE_MS);
    assert_true(account.err.flags & EEP_ERROR_MAYBE_APPLIED && account.err.flags & EEP_ERROR_RETRYABLE);
    assert_non_null(strstr(account.err.message, "1000 ms"));
    account.wait.deadline = clock_now_ms() + 100; /* the call's own end comes first */
    account_failed(&account, call(&account, "GET", &answer), EEP_E_DEADLINE);
    account_stop(&account);
}

/* The next call of that kind waits for its turn, and that is counted; others do not. */
static void test_a_limit_is_waited_for_before_sending(void **state)
{
    static const struct canned_exchange script[] = {
        {.status = 429, .headers = "Retry-After-sandbox-create: 2\r\n"},
        {.body = "{\"id\":\"s1\"}", .times = CANNED_ALWAYS},
    };
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct account account;
    uint32_t queued_ms = 0;
    (void)state;
    account_start(&account, script, COUNT(script));
    account.wait.queued_ms = &queued_ms;
    account_failed(
        &account,
        sandboxes_create(&account.client, STR("{}"), STR("n"), &account.wait, &sandbox, &account.err),
        EEP_E_RATE_LIMITED);
    assert_int_equal(sandboxes_get(&account.client, STR("s1"), &account.wait, &sandbox, &account.err),
                     EEP_OK);
    assert_int_equal(queued_ms, 0);
    assert_int_equal(
        sandboxes_create(&account.client, STR("{}"), STR("n"), &account.wait, &sandbox, &account.err),
        EEP_OK);
    assert_in_range(queued_ms, 500, 2600 + LATE_MS); /* less what the call in between took */
    account_stop(&account);
}

static void test_other_refusals_are_not_final(void **state)
{
    static const struct canned_exchange script[] = {
        {.status = 403, .body = "{\"message\":\"Access denied\"}"},
        {.status = 429, .body = "{}", .headers = "Retry-After-sandbox-create: 4\r\nRetry-After: 2\r\n"},
        {.status = 503, .headers = "X-Request-Id: r-7\r\n"},
        {.body = "{}"},
    };
    struct account account;
    json *answer = NULL;
    (void)state;
    account_start(&account, script, COUNT(script));
    account_failed(&account, call(&account, "GET", &answer), EEP_E_PERMISSION_DENIED);
    account_failed(&account, call(&account, "GET", &answer), EEP_E_RATE_LIMITED);
    assert_int_equal(account.err.retry_after_ms, 4000);
    account_failed(&account, call(&account, "GET", &answer), EEP_E_UNAVAILABLE);
    assert_string_equal(account.err.request_id, "r-7");
    assert_int_equal(call(&account, "GET", &answer), EEP_OK);
    json_finish(&answer);
    account_stop(&account);
}

static void test_an_answer_that_repeats_the_token(void **state)
{
    static const struct canned_exchange script[] = {
        {.status = 400,
         .body = "{\"message\":\"bad header Authorization: Bearer " TEST_TOKEN ", " TEST_TOKEN "!\"}"},
        {.status = 400, .type = "text/plain", .body = "Authorization: Bearer " TEST_TOKEN},
        {.status = 302, .headers = "Location: https://login.example/?t=" TEST_TOKEN "\r\n"},
    };
    struct account account;
    json *answer = NULL;
    (void)state;
    account_start(&account, script, COUNT(script));
    account_failed(&account, call(&account, "GET", &answer), EEP_E_INVALID_ARGUMENT);
    account_failed(&account, call(&account, "GET", &answer), EEP_E_INVALID_ARGUMENT);
    account_failed(&account, call(&account, "GET", &answer), EEP_E_PROTOCOL);
    account_stop(&account);
}

/* -- Sandboxes --------------------------------------------------------------------------------- */

static void test_each_call_is_one_request(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "POST /api/sandbox HTTP", .body = "{\"id\":\"s1\",\"state\":\"creating\"}"},
        {.expect = "GET /api/sandbox/s1 HTTP", .body = "{\"id\":\"s1\",\"state\":\"started\"}"},
        {.expect = "GET /api/sandbox/my%20name%2Fwith%20slash HTTP", .body = "{\"id\":\"s1\"}"},
        {.expect = "POST /api/sandbox/s1/stop HTTP", .body = "{\"id\":\"s1\",\"state\":\"stopping\"}"},
        {.expect = "DELETE /api/sandbox/s1 HTTP", .body = "{\"id\":\"s1\",\"state\":\"destroying\"}"},
        {.expect = "GET /api/sandbox/s1/toolbox-proxy-url HTTP", .body = "{\"url\":\"https://p\"}"},
    };
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    CLEANUP(buf_finish) struct buf url = BUF_INIT(100);
    struct account a;
    (void)state;
    account_start(&a, script, COUNT(script));
    assert_int_equal(sandboxes_create(&a.client, STR("{\"b\":2}"), STR("n"), &a.wait, &sandbox, &a.err),
                     EEP_OK);
    assert_true(str_is(sandbox.state, "creating"));
    assert_string_equal(canned_request(a.server, "POST", 0)->body, "{\"b\":2}");
    assert_int_equal(sandboxes_get(&a.client, STR("s1"), &a.wait, &sandbox, &a.err), EEP_OK);
    assert_true(str_is(sandbox.state, "started"));
    assert_int_equal(sandboxes_get_by_name(&a.client, STR("my name/with slash"), &a.wait, &sandbox, &a.err),
                     EEP_OK);
    assert_true(str_is(sandbox.id, "s1"));
    assert_int_equal(sandboxes_action(&a.client, STR("s1"), "stop", &a.wait, &sandbox, &a.err), EEP_OK);
    assert_int_equal(sandboxes_delete(&a.client, STR("s1"), &a.wait, &sandbox, &a.err), EEP_OK);
    assert_true(str_is(sandbox.state, "destroying"));
    assert_int_equal(sandboxes_toolbox_url(&a.client, STR("s1"), &a.wait, &url, &a.err), EEP_OK);
    assert_string_equal(buf_cstr(&url), "https://p");
    assert_int_equal(canned_unexpected(a.server), 0);
    account_stop(&a);
}

#define BYTES(literal)                                                                                       \
    {                                                                                                        \
        (literal), sizeof(literal) - 1                                                                       \
    }

static void test_ids_that_would_lead_elsewhere_are_not_sent(void **state)
{
    static char longest[300];
    static const eep_str ids[] = {{NULL, 0},
                                  BYTES(""),
                                  BYTES("../admin"),
                                  BYTES(".."),
                                  BYTES("s1/../s2"),
                                  BYTES("s1%2fstop"),
                                  BYTES("s1?x=1"),
                                  BYTES("s1#"),
                                  BYTES("s 1"),
                                  BYTES("s1\0x"),
                                  BYTES("s1\r\nX: y"),
                                  BYTES("\xc3\xa4"),
                                  {longest, sizeof longest}};
    struct account a;
    (void)state;
    memset(longest, 'a', sizeof longest);
    account_start(&a, NULL, 0);
    for (size_t i = 0; i < COUNT(ids); i++) {
        CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
        CLEANUP(buf_finish) struct buf url = BUF_INIT(100);
        const int wrong = EEP_E_INVALID_ARGUMENT;
        account_failed(&a, sandboxes_get(&a.client, ids[i], &a.wait, &sandbox, &a.err), wrong);
        account_failed(&a, sandboxes_action(&a.client, ids[i], "start", &a.wait, &sandbox, &a.err), wrong);
        account_failed(&a, sandboxes_delete(&a.client, ids[i], &a.wait, &sandbox, &a.err), wrong);
        account_failed(&a, sandboxes_toolbox_url(&a.client, ids[i], &a.wait, &url, &a.err), wrong);
    }
    assert_int_equal(canned_connections(a.server), 0);
    account_stop(&a);
}

static void test_answers_about_another_sandbox(void **state)
{
    static const struct canned_exchange script[] = {{.body = "{\"id\":\"s2\"}", .times = CANNED_ALWAYS}};
    struct account a;
    (void)state;
    account_start(&a, script, COUNT(script));
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    account_failed(&a, sandboxes_get(&a.client, STR("s1"), &a.wait, &sandbox, &a.err), EEP_E_PROTOCOL);
    assert_false(a.err.flags & EEP_ERROR_MAYBE_APPLIED);
    account_failed(&a, sandboxes_action(&a.client, STR("s1"), "stop", &a.wait, &sandbox, &a.err),
                   EEP_E_PROTOCOL);
    assert_true(a.err.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_string_equal(a.err.where, "POST /sandbox/s1/stop");
    account_failed(&a, sandboxes_delete(&a.client, STR("s1"), &a.wait, &sandbox, &a.err), EEP_E_PROTOCOL);
    assert_true(a.err.flags & EEP_ERROR_MAYBE_APPLIED);
    account_stop(&a);
}

/* A create that was answered without a usable id has made a sandbox all the same. */
static void test_creates_whose_answer_is_useless(void **state)
{
    static const char *const bodies[] = {"",
                                         "{}",
                                         "null",
                                         "[]",
                                         "{\"id\":\"../x\"}",
                                         "{\"id\":7}",
                                         "{\"id\":",
                                         "{\"id\":\"s1\",\"name\":\"m\"}"};
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
        struct canned_exchange script = {.body = bodies[i]};
        struct account a;
        account_start(&a, &script, 1);
        account_failed(&a, sandboxes_create(&a.client, STR("{}"), STR("n"), &a.wait, &sandbox, &a.err),
                       EEP_E_PROTOCOL);
        assert_true(a.err.flags & EEP_ERROR_MAYBE_APPLIED);
        account_stop(&a);
    }
}

static void test_deletes_without_a_word(void **state)
{
    static const struct canned_exchange script[] = {
        {.status = 204, .type = ""}, {.body = "{}"}, {.body = "\"ok\""}};
    struct account a;
    (void)state;
    account_start(&a, script, COUNT(script));
    for (size_t i = 0; i < COUNT(script); i++) {
        CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
        assert_int_equal(sandboxes_delete(&a.client, STR("s1"), &a.wait, &sandbox, &a.err), EEP_OK);
        assert_null(sandbox.tree);
    }
    account_stop(&a);
}

static void test_a_toolbox_url_that_is_not_told(void **state)
{
    static const char *const bodies[] = {"{}", "{\"url\":null}", "{\"url\":3}", "[]", ""};
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        CLEANUP(buf_finish) struct buf url = BUF_INIT(100);
        struct canned_exchange script = {.body = bodies[i]};
        struct account a;
        account_start(&a, &script, 1);
        account_failed(&a, sandboxes_toolbox_url(&a.client, STR("s1"), &a.wait, &url, &a.err),
                       EEP_E_PROTOCOL);
        account_stop(&a);
    }
}

/* -- Its clock --------------------------------------------------------------------------------- */

static void test_the_services_clock(void **state)
{
    static const struct {
        const char *header;
        int64_t wall_ms; /* 0 = ours */
    } cases[] = {
        {"Date: Sat, 21 Nov 2026 10:48:13 GMT\r\n", 1795258093000},
        {"date:Thu, 01 Jan 1970 00:00:01 GMT\r\n", 1000},
        {"", 0},
        {"Date: tomorrow\r\n", 0},
        {"Date:\r\n", 0},
        {"Date: Sat, 21 anF 2026 10:48:13 GMT\r\n", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct canned_exchange script[] = {{.headers = cases[i].header, .body = "{}"}};
        struct account account;
        json *answer = NULL;
        account_start(&account, script, COUNT(script));
        assert_int_equal(call(&account, "GET", &answer), EEP_OK);
        int64_t expected = cases[i].wall_ms ? cases[i].wall_ms : clock_wall_ms();
        int64_t told = daytona_wall_ms(&account.client);
        assert_true(told >= expected - 1000 && told < expected + 30000); /* it goes on */
        json_finish(&answer);
        account_stop(&account);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_an_api_key_needs_no_organisation),
        cmocka_unit_test(test_public_routes_get_no_credentials),
        cmocka_unit_test(test_successes_that_cannot_be_read),
        cmocka_unit_test(test_a_wrong_base_url_is_explained),
        cmocka_unit_test(test_empty_successes),
        cmocka_unit_test(test_an_endless_answer),
        cmocka_unit_test(test_redirects_lead_nowhere),
        cmocka_unit_test(test_paths_that_are_too_long),
        cmocka_unit_test(test_refused_credentials_are_not_sent_again),
        cmocka_unit_test(test_a_public_401_says_nothing_about_credentials),
        cmocka_unit_test(test_an_answer_that_does_not_come),
        cmocka_unit_test(test_a_limit_is_waited_for_before_sending),
        cmocka_unit_test(test_other_refusals_are_not_final),
        cmocka_unit_test(test_an_answer_that_repeats_the_token),
        cmocka_unit_test(test_each_call_is_one_request),
        cmocka_unit_test(test_ids_that_would_lead_elsewhere_are_not_sent),
        cmocka_unit_test(test_answers_about_another_sandbox),
        cmocka_unit_test(test_creates_whose_answer_is_useless),
        cmocka_unit_test(test_deletes_without_a_word),
        cmocka_unit_test(test_a_toolbox_url_that_is_not_told),
        cmocka_unit_test(test_the_services_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
