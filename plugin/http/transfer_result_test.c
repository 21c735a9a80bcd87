/* What everything that can go wrong on the way is called, and whether the service may have acted. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "http_testing.h"

/* -- Answers that are none --------------------------------------------------------------------- */

struct failure {
    struct canned_exchange exchange;
    int code;
};

/* A GET changes nothing, whatever happens; after a POST has left, nobody knows. */
static void check_failure(const struct failure *failure)
{
    struct canned_exchange script = failure->exchange;
    script.times = CANNED_ALWAYS;
    struct canned_server *server = serve_one(&script);
    struct trial get = trial_get(canned_url(server));
    trial_fails(&get, failure->code, false);
    assert_true(failure->code != EEP_E_UNAVAILABLE || (get.err.flags & EEP_ERROR_RETRYABLE));
    struct trial post = trial_post(canned_url(server), STR("{}"));
    trial_fails(&post, failure->code, true);
    assert_int_equal(post.err.layer, ERR_LAYER_SERVICE);
    canned_stop(server);
}

static void test_broken_answers(void **state)
{
    static const struct failure failures[] = {
        {{.status = -1, .action = CANNED_CLOSE}, EEP_E_UNAVAILABLE},
        {{.status = -1, .action = CANNED_RESET}, EEP_E_UNAVAILABLE},
        {{.action = CANNED_CLOSE, .body = "{\"id\":", .promise = 500}, EEP_E_UNAVAILABLE},
        {{.action = CANNED_RESET, .body = "{\"id\":", .promise = 500}, EEP_E_UNAVAILABLE},
        {{.action = CANNED_CLOSE, .raw = "HTTP/1.1 200"}, EEP_E_UNAVAILABLE},
        {{.action = CANNED_CLOSE, .raw = "HTTP/1.1 200 OK\r\nContent-Ty"}, EEP_E_UNAVAILABLE},
        {{.action = CANNED_CLOSE, .raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"},
         EEP_E_UNAVAILABLE},
        {{.action = CANNED_CLOSE, .raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab"},
         EEP_E_UNAVAILABLE},
        {{.action = CANNED_CLOSE, .raw = "220 mail.example ESMTP\r\n"}, EEP_E_PROTOCOL},
        {{.action = CANNED_CLOSE, .raw = "\xff\xfe garbage \x01\x02\x03 without an end"}, EEP_E_PROTOCOL},
        {{.action = CANNED_CLOSE, .raw = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc"}, EEP_E_PROTOCOL},
        {{.action = CANNED_CLOSE, .raw = "HTTP/9.9 200 OK\r\n\r\n"}, EEP_E_PROTOCOL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(failures); i++)
        check_failure(&failures[i]);
}

/* -- Nobody there ------------------------------------------------------------------------------ */

static void test_refused(void **state)
{
    char url[40];
    int port = canned_refuse(url);
    struct trial trial = trial_post(url, STR("{}"));
    (void)state;
    trial_fails(&trial, EEP_E_UNAVAILABLE, false);
    assert_true(trial.err.flags & EEP_ERROR_RETRYABLE);
    assert_int_equal(trial.err.layer, ERR_LAYER_CONNECT);
    assert_int_equal(trial.err.os_errno, ECONNREFUSED);
    close(port);
}

/* A label has 63 characters at the most (RFC 1035): so this name is nobody's, and no resolver is asked about it. */
#define NO_NAME "a-name-with-a-label-that-is-longer-than-any-may-be-in-the-whole-dns.example"

static void test_an_unknown_host(void **state)
{
    struct trial trial = trial_post("http://" NO_NAME, STR("{}"));
    (void)state;
    trial_fails(&trial, EEP_E_UNAVAILABLE, false);
    assert_int_equal(trial.err.layer, ERR_LAYER_RESOLVE);
    assert_non_null(strstr(trial.err.message, NO_NAME));
}

static void test_urls_that_are_none(void **state)
{
    static const char *const urls[] = {"",
                                       "http://",
                                       "http:// a/",
                                       "http://a b/",
                                       "file:///etc/passwd",
                                       "ftp://h/",
                                       "gopher://h/",
                                       "http://h:99999/",
                                       "http://[::1/",
                                       "dict://127.0.0.1:1/",
                                       "http://h\n",
                                       "http://h/\r\nX: y",
                                       "smb://127.0.0.1/a",
                                       "javascript:alert(1)",
                                       "telnet://127.0.0.1:1"};
    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct trial trial = trial_make("POST", urls[i], "");
        trial_fails(&trial, EEP_E_INVALID_CONFIG, false);
    }
}

/* -- TLS and proxies --------------------------------------------------------------------------- */

static void test_tls_with_something_else(void **state)
{
    static const struct canned_exchange greetings[] = {
        {.unread = true, .raw = "HTTP/1.1 400 Bad Request\r\n\r\n", .action = CANNED_CLOSE},
        {.unread = true, .status = -1, .action = CANNED_CLOSE},
        {.unread = true, .status = -1, .action = CANNED_RESET, .delay_ms = 1000}, /* in the handshake */
    };
    char url[64];
    (void)state;
    for (size_t i = 0; i < COUNT(greetings); i++) {
        struct canned_server *server = serve_one(&greetings[i]);
        snprintf(url, sizeof url, "https%s", canned_url(server) + 4);
        struct trial trial = trial_post(url, STR("{}"));
        trial_fails(&trial, EEP_E_TLS, false);
        assert_int_equal(trial.err.layer, ERR_LAYER_TLS);
        assert_non_null(strstr(trial.err.message, "caFile"));
        canned_stop(server);
    }
}

static void test_a_ca_file_that_cannot_be_read(void **state)
{
    static const struct canned_exchange script[] = {{.unread = true, .status = -1, .action = CANNED_STALL}};
    struct canned_server *server = serve_one(script);
    char url[64];
    (void)state;
    snprintf(url, sizeof url, "https%s", canned_url(server) + 4);
    struct trial trial = trial_get(url);
    trial.profile.ca_file = "/nonexistent/ca.pem";
    trial_fails(&trial, EEP_E_TLS, false);
    assert_non_null(strstr(trial.err.message, "/nonexistent/ca.pem"));
    canned_stop(server);
}

/* CONNECT was all that left: nothing can have been applied. */
static void test_a_proxy_that_refuses(void **state)
{
    static const struct {
        int status;
        int code;
        const char *text;
    } answers[] = {{407, EEP_E_INVALID_CONFIG, "wants a user name"}, {403, EEP_E_UNAVAILABLE, "proxy"}};
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const struct canned_exchange script[] = {
            {.expect = "CONNECT sandbox.example:443", .status = answers[i].status, .times = CANNED_ALWAYS}};
        struct canned_server *proxy = canned_start(script, 1);
        struct trial trial = trial_post("https://sandbox.example", STR("x"));
        trial.profile.proxy = canned_url(proxy);
        trial_fails(&trial, answers[i].code, false);
        assert_non_null(strstr(trial.err.message, answers[i].text));
        assert_int_equal(trial.err.layer, ERR_LAYER_CONNECT);
        canned_stop(proxy);
    }
}

static void test_secrets_stay_out_of_errors(void **state)
{
    static const struct canned_exchange greeting = {.unread = true, .status = -1, .action = CANNED_CLOSE};
    static const struct canned_exchange script = {.status = -1, .action = CANNED_CLOSE};
    char refusing[40];
    char url[64];
    struct canned_server *tls = serve_one(&greeting);
    struct canned_server *closing = serve_one(&script);
    int port = canned_refuse(refusing);
    (void)state;
    snprintf(url, sizeof url, "https%s", canned_url(tls) + 4);
    struct trial trials[] = {trial_post(refusing, STR("{}")), trial_post(url, STR("{}")),
                             trial_post(canned_url(closing), STR("{}")), trial_post("http://h", STR("{}")),
                             trial_post("http://h", STR("{}"))};
    trials[3].profile.proxy = "http://user:s3cr3t@" NO_NAME ":1";
    char proxy[80];
    snprintf(proxy, sizeof proxy, "http://user:s3cr3t@%s", refusing + strlen("http://"));
    trials[4].profile.proxy = proxy;
    for (size_t i = 0; i < COUNT(trials); i++) {
        trials[i].request.secret_header = "Authorization: Bearer s3cr3t";
        assert_int_not_equal(trial_run(&trials[i]), EEP_OK);
        assert_null(strstr(trials[i].err.message, "s3cr3t"));
        trial_finish(&trials[i]);
    }
    close(port);
    canned_stop(tls);
    canned_stop(closing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_answers),          cmocka_unit_test(test_refused),
        cmocka_unit_test(test_an_unknown_host),         cmocka_unit_test(test_urls_that_are_none),
        cmocka_unit_test(test_tls_with_something_else), cmocka_unit_test(test_a_ca_file_that_cannot_be_read),
        cmocka_unit_test(test_a_proxy_that_refuses),    cmocka_unit_test(test_secrets_stay_out_of_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
