/* Calls to the daemon in a sandbox, and where they may go. */
#include <stdio.h>
#include <string.h>

#include "daytona/toolbox.h"
#include "daytona_testing.h"

/* -- Where credentials may go ------------------------------------------------------------------ */

static bool only_example(const void *ctx, eep_str host)
{
    (void)ctx;
    return str_has_suffix(host, ".daytona.example");
}

static int base_of(const char *api_url, eep_str url, const char *id, struct buf *base, struct err *err)
{
    struct daytona client = {
        .settings = {.api_url = str_from(api_url), .toolbox_host_allowed = only_example}};
    return toolbox_base(&client, url, str_from(id), base, err);
}

static void test_bases(void **state)
{
    static const struct {
        const char *url;
        const char *base;
    } cases[] = {
        {"https://proxy.daytona.example/toolbox", "https://proxy.daytona.example/toolbox/s1"},
        {"https://proxy.daytona.example/toolbox///", "https://proxy.daytona.example/toolbox/s1"},
        {"https://proxy.daytona.example:8443", "https://proxy.daytona.example:8443/s1"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_finish) struct buf base = BUF_INIT(200);
        struct err err = ERR_INIT;
        assert_int_equal(base_of("https://api.example/api", str_from(cases[i].url), "s1", &base, &err),
                         EEP_OK);
        assert_string_equal(buf_cstr(&base), cases[i].base);
    }
}

#define BYTES(literal)                                                                                       \
    {                                                                                                        \
        (literal), sizeof(literal) - 1                                                                       \
    }

static void test_urls_that_credentials_are_not_sent_to(void **state)
{
    static const struct {
        eep_str url;
        int code;
    } cases[] = {
        {{NULL, 0}, EEP_E_PROTOCOL},
        {BYTES(""), EEP_E_PROTOCOL},
        {BYTES("http://proxy.daytona.example/toolbox"), EEP_E_PROTOCOL},
        {BYTES("https://me@proxy.daytona.example/"), EEP_E_PROTOCOL},
        {BYTES("https://proxy.daytona.example@evil.example/"), EEP_E_PROTOCOL},
        {BYTES("https://evil.example\\.daytona.example/"), EEP_E_PROTOCOL},
        {BYTES("https://evil.example%2f.daytona.example/"), EEP_E_PROTOCOL},
        {BYTES("https://evil.example?.daytona.example/"), EEP_E_PROTOCOL},
        {BYTES("https://evil.example#.daytona.example/"), EEP_E_PROTOCOL},
        {BYTES("https://proxy.daytona.example/tool box"), EEP_E_PROTOCOL},
        {BYTES("https://proxy.daytona.example/\nX: y"), EEP_E_PROTOCOL},
        {BYTES("https://evil.example\0.daytona.example/"), EEP_E_PROTOCOL},
        {BYTES("file:///etc/passwd"), EEP_E_PROTOCOL},
        {BYTES("https://evil.example/"), EEP_E_PERMISSION_DENIED},
        {BYTES("https://daytona.example/"), EEP_E_PERMISSION_DENIED},
        {BYTES("https://proxy.daytona.example.evil.example/"), EEP_E_PERMISSION_DENIED},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(buf_finish) struct buf base = BUF_INIT(200);
        struct err err = ERR_INIT;
        assert_int_equal(base_of("https://api.example/api", cases[i].url, "s1", &base, &err), cases[i].code);
        assert_int_equal(base.len, 0);
    }
}

static void test_http_is_for_an_http_api_only(void **state)
{
    CLEANUP(buf_finish) struct buf base = BUF_INIT(200);
    struct err err = ERR_INIT;
    const eep_str url = STR("http://proxy.daytona.example");
    (void)state;
    assert_int_equal(base_of("HTTPS://api.example/api", url, "s1", &base, &err), EEP_E_PROTOCOL);
    assert_int_equal(base_of("what?", url, "s1", &base, &err), EEP_E_PROTOCOL);
    assert_int_equal(base_of("http://localhost/api", url, "s1", &base, &err), EEP_OK);
}

static void test_a_base_that_is_too_long(void **state)
{
    CLEANUP(buf_finish) struct buf base = BUF_INIT(20);
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(base_of("https://a", STR("https://proxy.daytona.example"), "s1", &base, &err),
                     EEP_E_TOO_LARGE);
}

/* -- Commands ---------------------------------------------------------------------------------- */

struct sandbox_account {
    struct account account;
    char base[80];
};

static void start(struct sandbox_account *s, const struct canned_exchange *script, size_t count)
{
    account_start(&s->account, script, count);
    snprintf(s->base, sizeof s->base, "%s/toolbox/s1", canned_url(s->account.server));
}

static int execute(struct sandbox_account *s, eep_str command, unsigned window_s,
                   struct toolbox_execution *execution)
{
    struct account *a = &s->account;
    return toolbox_execute(&a->client, str_from(s->base), command, window_s, &a->wait, execution, &a->err);
}

static void test_an_execution(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "POST /toolbox/s1/process/execute HTTP",
         .body = "{\"exitCode\":3,\"result\":\"a\\u0000b\"}"},
        {.expect = "POST /toolbox/s1/process/execute HTTP", .body = "{\"code\":-1,\"result\":\"\"}"},
    };
    CLEANUP(toolbox_execution_finish) struct toolbox_execution execution = {.output = BUF_INIT(100)};
    struct sandbox_account s;
    (void)state;
    start(&s, script, COUNT(script));
    assert_int_equal(execute(&s, (eep_str){"echo \"\\\n\x01\xff\0x", 12}, 30, &execution), EEP_OK);
    assert_int_equal(execution.exit_code, 3);
    assert_int_equal(execution.output.len, 3);
    assert_memory_equal(execution.output.data, "a\0b", 3);
    const struct canned_request *request = canned_request(s.account.server, NULL, 0);
    assert_string_equal(request->body,
                        "{\"command\":\"echo \\\"\\\\\\n\\u0001\xef\xbf\xbd\\u0000x\",\"timeout\":30}");
    assert_non_null(strstr(request->head, "\r\nAuthorization: Bearer " TEST_TOKEN "\r\n"));
    assert_non_null(strstr(request->head, "\r\nContent-Type: application/json\r\n"));
    assert_int_equal(execute(&s, STR("true"), 0, &execution), EEP_OK);
    assert_int_equal(execution.exit_code, -1);
    assert_string_equal(canned_request(s.account.server, NULL, 1)->body, "{\"command\":\"true\"}");
    account_stop(&s.account);
}

static void test_executions_whose_answer_is_useless(void **state)
{
    static const struct canned_exchange answers[] = {
        {.body = ""},
        {.body = "{}"},
        {.body = "null"},
        {.body = "[]"},
        {.body = "{\"exitCode\":0}"},
        {.body = "{\"result\":\"x\"}"},
        {.body = "{\"exitCode\":\"0\",\"result\":\"x\"}"},
        {.body = "{\"exitCode\":0.5,\"result\":\"x\"}"},
        {.body = "{\"exitCode\":0,\"result\":7}"},
        {.body = "{\"exitCode\":0,\"result\":null}"},
        {.body = "{\"exitCode\":0,\"result\":\"x"},
        {.type = "text/html", .body = "<html>"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        CLEANUP(toolbox_execution_finish) struct toolbox_execution execution = {.output = BUF_INIT(100)};
        struct sandbox_account s;
        start(&s, &answers[i], 1);
        account_failed(&s.account, execute(&s, STR("true"), 1, &execution), EEP_E_PROTOCOL);
        assert_true(s.account.err.flags & EEP_ERROR_MAYBE_APPLIED); /* it ran */
        assert_string_equal(s.account.err.where, "POST toolbox/process/execute");
        assert_int_equal(execution.output.len, 0);
        account_stop(&s.account);
    }
}

static void test_output_beyond_its_limit(void **state)
{
    static const struct canned_exchange script[] = {
        {.body = "{\"exitCode\":0,\"result\":\"12345678\"}"},
        {.body = "{\"exitCode\":0,\"result\":\"123456789\"}"},
        {.raw = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"result\":\"",
         .action = CANNED_ENDLESS},
    };
    static const int codes[] = {EEP_OK, EEP_E_TOO_LARGE, EEP_E_PROTOCOL};
    struct sandbox_account s;
    (void)state;
    start(&s, script, COUNT(script));
    for (size_t i = 0; i < COUNT(codes); i++) {
        CLEANUP(toolbox_execution_finish) struct toolbox_execution execution = {.output = BUF_INIT(8)};
        assert_int_equal(execute(&s, STR("yes"), 1, &execution), codes[i]);
    }
    account_stop(&s.account);
}

static void test_what_the_proxy_and_the_daemon_say(void **state)
{
    static const struct {
        struct canned_exchange exchange;
        int code;
    } cases[] = {
        {{.status = 400, .body = "{\"message\":\"no IP address found. Is the Sandbox started?\"}"},
         EEP_E_INVALID_ARGUMENT},
        {{.status = 401, .body = "{\"message\":\"unauthorized: Bearer token is invalid\"}"},
         EEP_E_UNAUTHENTICATED},
        {{.status = 404, .type = "text/plain", .body = "404 page not found"}, EEP_E_NOT_FOUND},
        {{.status = 408, .body = "{\"message\":\"request timeout: command execution timeout\"}"},
         EEP_E_DEADLINE},
        {{.status = 500, .type = ""}, EEP_E_UNAVAILABLE},
        {{.status = 502, .type = ""}, EEP_E_UNAVAILABLE},
        {{.status = 302, .headers = "Location: https://login.example/?" TEST_TOKEN "\r\n"}, EEP_E_PROTOCOL},
        {{.status = 400, .body = "{\"error\":\"you sent " TEST_TOKEN "\"}"}, EEP_E_INVALID_ARGUMENT},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(toolbox_execution_finish) struct toolbox_execution execution = {.output = BUF_INIT(100)};
        struct sandbox_account s;
        start(&s, &cases[i].exchange, 1);
        account_failed(&s.account, execute(&s, STR("true"), 1, &execution), cases[i].code);
        assert_int_equal(s.account.err.http_status, cases[i].exchange.status);
        assert_true(s.account.err.flags & EEP_ERROR_FROM_SERVICE);
        assert_false(atomic_load(&s.account.client.refused)); /* that is for the control plane to say */
        account_stop(&s.account);
    }
}

/* -- Files ------------------------------------------------------------------------------------- */

static void test_an_upload(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "POST /toolbox/s1/files/bulk-upload HTTP", .body = "{\"files\":[]}"}};
    static const struct toolbox_file files[] = {
        {STR("/tmp/a \"b\""), {"one\0two", 7}},
        {STR("/tmp/empty"), {NULL, 0}},
    };
    struct sandbox_account s;
    (void)state;
    start(&s, script, COUNT(script));
    struct account *a = &s.account;
    assert_int_equal(toolbox_upload(&a->client, str_from(s.base), files, COUNT(files), &a->wait, &a->err),
                     EEP_OK);
    const struct canned_request *request = canned_request(a->server, NULL, 0);
    const char *first = strstr(request->body, "name=\"files[0].path\"\r\n\r\n/tmp/a \"b\"\r\n--");
    assert_non_null(first); /* the path comes first, as a plain field */
    assert_non_null(strstr(first, "name=\"files[0].file\"; filename=\""));
    assert_non_null(memmem(request->body, request->body_len, "\r\n\r\none\0two\r\n--", 15));
    assert_non_null(
        memmem(request->body, request->body_len, "name=\"files[1].path\"\r\n\r\n/tmp/empty\r\n", 36));
    assert_null(strstr(request->head, "application/json\r\nContent-Length"));
    account_stop(a);
}

static int download(struct sandbox_account *s, const char *path, uint64_t offset, size_t len, struct buf *out)
{
    struct account *a = &s->account;
    return toolbox_download(&a->client, str_from(s->base), str_from(path), offset, len, &a->wait, out,
                            &a->err);
}

static void test_downloads(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET /toolbox/s1/files/download?path=%2Ftmp%2Fa%20b%26c%2B%C3%A4 HTTP",
         .status = 206,
         .type = "application/octet-stream",
         .body = "cde"},
        {.expect = "path=%2Fshort ", .status = 200, .body = "ab"},
        {.expect = "path=%2Fended ", .status = 416, .type = "", .headers = "Content-Range: bytes */10\r\n"},
    };
    CLEANUP(buf_finish) struct buf out = BUF_INIT(100);
    struct sandbox_account s;
    (void)state;
    start(&s, script, COUNT(script));
    assert_int_equal(download(&s, "/tmp/a b&c+\xc3\xa4", 2, 3, &out), EEP_OK);
    assert_string_equal(buf_cstr(&out), "cde");
    assert_non_null(strstr(canned_request(s.account.server, NULL, 0)->head, "\r\nRange: bytes=2-4\r\n"));
    assert_int_equal(download(&s, "/short", 0, 50, &out), EEP_OK);
    assert_string_equal(buf_cstr(&out), "cdeab");
    assert_int_equal(download(&s, "/ended", 10, 50, &out), EEP_OK); /* nothing more */
    assert_string_equal(buf_cstr(&out), "cdeab");
    account_stop(&s.account);
}

static void test_downloads_that_are_not_what_was_asked_for(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "path=%2Fignored ", .status = 200, .body = "abc"},
        {.expect = "path=%2Fmore ", .status = 206, .body = "abcd"},
        {.expect = "path=%2Fmissing ", .status = 404, .type = ""},
    };
    CLEANUP(buf_finish) struct buf out = BUF_INIT(100);
    struct sandbox_account s;
    (void)state;
    start(&s, script, COUNT(script));
    account_failed(&s.account, download(&s, "/ignored", 1, 3, &out), EEP_E_PROTOCOL);
    account_failed(&s.account, download(&s, "/more", 1, 3, &out), EEP_E_PROTOCOL);
    account_failed(&s.account, download(&s, "/missing", 0, 3, &out), EEP_E_NOT_FOUND);
    assert_int_equal(out.len, 0);
    account_stop(&s.account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bases),
        cmocka_unit_test(test_urls_that_credentials_are_not_sent_to),
        cmocka_unit_test(test_http_is_for_an_http_api_only),
        cmocka_unit_test(test_a_base_that_is_too_long),
        cmocka_unit_test(test_an_execution),
        cmocka_unit_test(test_executions_whose_answer_is_useless),
        cmocka_unit_test(test_output_beyond_its_limit),
        cmocka_unit_test(test_what_the_proxy_and_the_daemon_say),
        cmocka_unit_test(test_an_upload),
        cmocka_unit_test(test_downloads),
        cmocka_unit_test(test_downloads_that_are_not_what_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
