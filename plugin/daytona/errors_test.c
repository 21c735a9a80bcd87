#include <stdio.h>
#include <string.h>

#include "daytona/errors.h"
#include "http/http_testing.h"

static struct http_response answer(long status, const char *type, const char *body)
{
    struct http_response response = HTTP_RESPONSE_INIT;
    response.status = status;
    response.body.max = 1 << 16;
    str_copy(response.content_type, sizeof response.content_type, str_from(type));
    assert_int_equal(buf_append_cstr(&response.body, body), EEP_OK);
    return response;
}

static struct err from_api(long status, const char *type, const char *body, const char *method)
{
    CLEANUP(http_response_finish) struct http_response response = answer(status, type, body);
    struct err err = ERR_INIT;
    int status_code = error_from_api(&response, method, &err);
    assert_int_equal(status_code, err.code);
    assert_int_not_equal(err.code, EEP_OK);
    assert_int_equal(err.http_status, status);
    assert_true(err.flags & EEP_ERROR_FROM_SERVICE);
    assert_true(str_is_utf8(str_from(err.message)));
    return err;
}

static struct err from_json(long status, const char *body)
{
    return from_api(status, "application/json; charset=utf-8", body, "POST");
}

/* -- Status first ------------------------------------------------------------------------------ */

static void test_what_each_status_means(void **state)
{
    static const struct {
        long status;
        int code;
        uint32_t flags;
    } meanings[] = {
        {400, EEP_E_INVALID_ARGUMENT, 0},
        {401, EEP_E_UNAUTHENTICATED, 0},
        {403, EEP_E_PERMISSION_DENIED, 0},
        {404, EEP_E_NOT_FOUND, 0},
        {405, EEP_E_PROTOCOL, 0},
        {407, EEP_E_INVALID_CONFIG, 0},
        {408, EEP_E_DEADLINE, EEP_ERROR_RETRYABLE | EEP_ERROR_MAYBE_APPLIED},
        {409, EEP_E_CONFLICT, EEP_ERROR_RETRYABLE},
        {410, EEP_E_NOT_FOUND, 0},
        {413, EEP_E_TOO_LARGE, 0},
        {418, EEP_E_PROTOCOL, 0},
        {422, EEP_E_UNSUPPORTED, 0},
        {429, EEP_E_RATE_LIMITED, EEP_ERROR_RETRYABLE},
        {500, EEP_E_UNAVAILABLE, EEP_ERROR_RETRYABLE | EEP_ERROR_MAYBE_APPLIED},
        {501, EEP_E_UNSUPPORTED, 0},
        {502, EEP_E_UNAVAILABLE, EEP_ERROR_RETRYABLE | EEP_ERROR_MAYBE_APPLIED},
        {503, EEP_E_UNAVAILABLE, EEP_ERROR_RETRYABLE},
        {504, EEP_E_UNAVAILABLE, EEP_ERROR_RETRYABLE | EEP_ERROR_MAYBE_APPLIED},
        {599, EEP_E_UNAVAILABLE, EEP_ERROR_RETRYABLE | EEP_ERROR_MAYBE_APPLIED},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(meanings); i++) {
        struct err err = from_api(meanings[i].status, "application/json", "{\"message\":\"so\"}", "POST");
        assert_int_equal(err.code, meanings[i].code);
        assert_int_equal(err.flags, meanings[i].flags | EEP_ERROR_FROM_SERVICE);
        err = from_api(meanings[i].status, "application/json", "{\"message\":\"so\"}", "GET");
        assert_false(err.flags & EEP_ERROR_MAYBE_APPLIED);
    }
}

static void test_redirects(void **state)
{
    static const long statuses[] = {300, 301, 302, 303, 304, 307, 308};
    (void)state;
    for (size_t i = 0; i < COUNT(statuses); i++) {
        struct http_response response = answer(statuses[i], "text/html", "<a href=x>moved</a>");
        struct err err = ERR_INIT;
        str_copy(response.location, sizeof response.location, STR("https://login.example/"));
        assert_int_equal(error_from_api(&response, "GET", &err), EEP_E_PROTOCOL);
        assert_non_null(strstr(err.message, "https://login.example/"));
        assert_int_equal(error_from_toolbox(&response, &err), EEP_E_PROTOCOL);
        assert_int_equal(err.http_status, statuses[i]);
        assert_false(err.flags & EEP_ERROR_RETRYABLE);
        http_response_finish(&response);
    }
}

static void test_what_comes_with_the_headers(void **state)
{
    struct http_response response = answer(429, "application/json", "{\"message\":\"Too Many Requests\"}");
    struct err err = ERR_INIT;
    (void)state;
    response.retry_after_ms = 12000;
    str_copy(response.request_id, sizeof response.request_id, STR("req-1"));
    assert_int_equal(error_from_api(&response, "POST", &err), EEP_E_RATE_LIMITED);
    assert_int_equal(err.retry_after_ms, 12000);
    assert_string_equal(err.request_id, "req-1");
    http_response_finish(&response);
}

/* -- What the body says ------------------------------------------------------------------------ */

static void test_the_shapes_of_bodies(void **state)
{
    (void)state;
    assert_string_equal(
        from_json(409, "{\"statusCode\":409,\"message\":\"busy\",\"error\":\"Conflict\"}").message,
        "busy (HTTP 409)");
    assert_string_equal(from_json(400, "{\"error\":\"bad request\"}").message, "bad request (HTTP 400)");
    assert_string_equal(from_json(400, "{\"errors\":[\"first\",\"second\"],\"files\":null}").message,
                        "first (HTTP 400)");
    assert_string_equal(from_api(405, "text/plain", "405 not allowed\n", "GET").message,
                        "405 not allowed (HTTP 405)");
}

/* Nothing for people in it: our own words then. */
static void test_bodies_that_say_nothing(void **state)
{
    static const char *const bodies[] = {"",
                                         "null",
                                         "[]",
                                         "3",
                                         "\"text\"",
                                         "{}",
                                         "{\"message\":7}",
                                         "{\"mess",
                                         "{",
                                         "\xff",
                                         "{\"message\":[\"a\"]}",
                                         "{\"errors\":{}}",
                                         "{\"errors\":[]}",
                                         "{\"message\":\"\"}"};
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++)
        assert_string_equal(from_json(422, bodies[i]).message,
                            "the service does not support this here (HTTP 422)");
    assert_string_equal(from_api(422, "text/html", "<h1>No</h1>", "GET").message,
                        "the service does not support this here (HTTP 422)");
}

/* A lease is not given up, and credentials are not, because some proxy has a page for it. */
static void test_gone_and_refused_must_come_from_the_service(void **state)
{
    static const long statuses[] = {401, 404, 410};
    (void)state;
    for (size_t i = 0; i < COUNT(statuses); i++) {
        const struct err errors[] = {
            from_api(statuses[i], "text/html", "<h1>Not Found</h1>", "DELETE"),
            from_api(statuses[i], "text/plain", "no", "GET"),
            from_api(statuses[i], "", "{\"message\":\"x\"}", "GET"),
            from_api(statuses[i], "application/json", "", "GET"),
            from_json(statuses[i], "{}"),
        };
        for (size_t k = 0; k < COUNT(errors); k++) {
            assert_int_equal(errors[k].code, EEP_E_PROTOCOL);
            assert_int_equal(errors[k].http_status, statuses[i]);
            assert_non_null(strstr(errors[k].message, "apiUrl"));
        }
    }
}

static void test_texts_that_would_spoil_a_log(void **state)
{
    char body[4096];
    (void)state;
    assert_string_equal(from_json(400, "{\"message\":\"a\\nb\\u001b[31m\\u007f\"}").message,
                        "a b [31m  (HTTP 400)");
    assert_string_equal(from_json(400, "{\"message\":\"%s%n%d\"}").message, "%s%n%d (HTTP 400)");
    from_api(400, "text/plain", "caf\xe9 \xff\xfe \xc3", "POST");
    for (size_t len = 760; len < 1100; len++) { /* cut within a character */
        snprintf(body, sizeof body, "{\"message\":\"%.*s\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80%s\"}",
                 (int)(len - 760),
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "");
        from_json(400, body);
    }
    for (int pad = 740; pad < 1030; pad++) {
        memset(body, 'x', sizeof body);
        memcpy(body, "{\"message\":\"", 12);
        strcpy(body + 12 + pad, "\xe2\x82\xac\xf0\x9f\x98\x80\xe2\x82\xac\"}");
        from_json(400, body);
    }
}

/* -- What only the text says ------------------------------------------------------------------- */

static void test_quota_is_told_by_text(void **state)
{
    static const char *const passing[] = {"Total CPU limit exceeded. Maximum allowed: 10.",
                                          "Total memory limit exceeded. Maximum allowed: 10.",
                                          "No available runners"};
    char body[200];
    (void)state;
    for (size_t i = 0; i < COUNT(passing); i++) {
        snprintf(body, sizeof body, "{\"message\":\"%s\"}", passing[i]);
        struct err err = from_json(400, body);
        assert_int_equal(err.code, EEP_E_QUOTA);
        assert_true(err.flags & EEP_ERROR_RETRYABLE);
    }
    struct err err =
        from_json(400, "{\"message\":\"CPU request 9 exceeds maximum allowed per sandbox (4).\"}");
    assert_int_equal(err.code, EEP_E_QUOTA);
    assert_false(err.flags & EEP_ERROR_RETRYABLE);
    err = from_json(403, "{\"message\":\"Total CPU limit exceeded\"}");
    assert_int_equal(err.code, EEP_E_PERMISSION_DENIED);
}

static void test_a_start_that_failed(void **state)
{
    (void)state;
    struct err err = from_json(400, "{\"message\":\"Sandbox failed to start: no such image\"}");
    assert_int_equal(err.code, EEP_E_SANDBOX);
    assert_true(err.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_true(error_is_failed_start(&err));
    err = from_json(400, "{\"message\":\"name is wrong: Sandbox failed to start\"}");
    assert_false(error_is_failed_start(&err));
    err = from_json(500, "{\"message\":\"Sandbox failed to start: x\"}");
    assert_false(error_is_failed_start(&err));
}

/* -- The rest ---------------------------------------------------------------------------------- */

static void test_html_instead_of_json(void **state)
{
    struct http_response response = answer(200, "text/html; charset=utf-8", "<html>");
    struct err err = ERR_INIT;
    (void)state;
    assert_false(error_is_json(&response));
    assert_int_equal(error_not_json(&response, &err), EEP_E_PROTOCOL);
    assert_non_null(strstr(err.message, "text/html"));
    assert_non_null(strstr(err.message, "apiUrl"));
    assert_int_equal(err.http_status, 200);
    response.content_type[0] = '\0';
    assert_int_equal(error_not_json(&response, &err), EEP_E_PROTOCOL);
    http_response_finish(&response);
}

/* As the runner and the proxy say it in v0.190 (protocol 3.3); a file that is not found is something else. */
static void test_the_way_in_is_told_by_text(void **state)
{
    static const struct {
        int status;
        const char *message;
        bool no_way_in;
    } cases[] = {
        {400,
         "bad request: failed to resolve container IP after 3 attempts: no IP address found. Is the Sandbox "
         "started?",
         true},
        {400, "bad request: failed to get runner info: Sandbox with ID x does not have a runner", true},
        {404, "not found: sandbox container not found: x", true},
        {401, "unauthorized: authentication failed: Bearer token is invalid", true},
        {404, "not found: file", false},
        {400, "bad request: invalid request body", false},
        {502, "Is the Sandbox started?", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {.code = EEP_E_SANDBOX, .http_status = cases[i].status};
        snprintf(err.message, sizeof err.message, "%s", cases[i].message);
        assert_int_equal(error_is_no_way_in(&err), cases[i].no_way_in);
    }
}

static void test_toolbox_statuses_that_call_for_a_look(void **state)
{
    static const long look[] = {400, 401, 403, 404, 410, 502, 503, 504};
    static const long final[] = {200, 302, 408, 409, 413, 422, 429, 500, 501};
    (void)state;
    for (size_t i = 0; i < COUNT(look); i++)
        assert_true(error_calls_for_state(look[i]));
    for (size_t i = 0; i < COUNT(final); i++)
        assert_false(error_calls_for_state(final[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_each_status_means),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_what_comes_with_the_headers),
        cmocka_unit_test(test_the_shapes_of_bodies),
        cmocka_unit_test(test_bodies_that_say_nothing),
        cmocka_unit_test(test_gone_and_refused_must_come_from_the_service),
        cmocka_unit_test(test_texts_that_would_spoil_a_log),
        cmocka_unit_test(test_quota_is_told_by_text),
        cmocka_unit_test(test_a_start_that_failed),
        cmocka_unit_test(test_html_instead_of_json),
        cmocka_unit_test(test_the_way_in_is_told_by_text),
        cmocka_unit_test(test_toolbox_statuses_that_call_for_a_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
