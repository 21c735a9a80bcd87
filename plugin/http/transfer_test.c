/* What goes out, and what comes back. (What everything that can go wrong is called: transfer_result_test.c.) */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http_testing.h"

static bool head_has(struct canned_server *server, size_t index, const char *line)
{
    const struct canned_request *request = canned_request(server, NULL, index);
    return request && strcasestr(request->head, line);
}

/* -- What goes out ----------------------------------------------------------------------------- */

static void test_a_get(void **state)
{
    static const struct canned_exchange script[] = {{.expect = "GET /a%20b?c=d HTTP/1.1", .body = "{}"}};
    static const char *const headers[] = {"Accept: application/json", "X-One: 1", NULL};
    struct canned_server *server = serve_one(script);
    struct trial trial = trial_make("GET", canned_url(server), "/a%20b?c=d");
    unsigned sent = 0;
    (void)state;
    trial.request.headers = headers;
    trial.request.secret_header = "Authorization: Bearer s3cr3t";
    trial.wait.trace_header = "X-Request-Id: trace";
    trial.wait.requests = &sent;
    trial_succeeds(&trial, 200, "{}");
    assert_int_equal(sent, 1);
    assert_string_equal(trial.response.content_type, "application/json");
    assert_true(head_has(server, 0, "\r\nX-One: 1\r\n"));
    assert_true(head_has(server, 0, "\r\nAuthorization: Bearer s3cr3t\r\n"));
    assert_true(head_has(server, 0, "\r\nX-Request-Id: trace\r\n"));
    assert_true(head_has(server, 0, "\r\nUser-Agent: test/1\r\n"));
    assert_false(head_has(server, 0, "\r\nExpect:"));
    assert_false(head_has(server, 0, "\r\nAccept-Encoding:"));
    assert_false(head_has(server, 0, "\r\nCookie:"));
    trial_finish(&trial);
    canned_stop(server);
}

static void test_bodies_of_all_methods(void **state)
{
    static const struct canned_exchange script[] = {{.times = CANNED_ALWAYS}};
    static const char *const methods[] = {"POST", "PUT", "DELETE"};
    struct canned_server *server = serve_one(script);
    (void)state;
    for (size_t i = 0; i < COUNT(methods); i++) {
        struct trial trial = trial_make(methods[i], canned_url(server), "/with");
        trial.request.body = (eep_bytes){"a\0b", 3};
        trial_succeeds(&trial, 200, "");
        trial_finish(&trial);
        const struct canned_request *request = canned_request(server, "/with", i);
        assert_memory_equal(request->head, methods[i], strlen(methods[i]));
        assert_int_equal(request->body_len, 3);
        assert_memory_equal(request->body, "a\0b", 3);
    }
    for (size_t i = 0; i < COUNT(methods); i++) {
        struct trial trial = trial_make(methods[i], canned_url(server), "/without");
        trial_succeeds(&trial, 200, "");
        trial_finish(&trial);
        const struct canned_request *request = canned_request(server, "/without", i);
        assert_memory_equal(request->head, methods[i], strlen(methods[i]));
        assert_int_equal(request->body_len, 0);
    }
    canned_stop(server);
}

static void test_an_empty_post_says_so(void **state)
{
    static const struct canned_exchange script[] = {{.status = 204, .type = ""}};
    struct canned_server *server = serve_one(script);
    struct trial trial = trial_post(canned_url(server), (eep_str){NULL, 0});
    (void)state;
    trial_succeeds(&trial, 204, "");
    assert_true(head_has(server, 0, "\r\nContent-Length: 0\r\n"));
    assert_string_equal(trial.response.content_type, "");
    trial_finish(&trial);
    canned_stop(server);
}

static void test_multipart(void **state)
{
    static const struct canned_exchange script[] = {{.expect = "POST"}};
    static const struct http_part parts[] = {
        {"files[0].path", NULL, {"/tmp/a b", 8}},
        {"files[0].file", "file", {"x\0\r\n--y", 7}},
        {"files[1].file", "file", {"", 0}},
    };
    struct canned_server *server = serve_one(script);
    struct trial trial = trial_make("POST", canned_url(server), "/");
    (void)state;
    trial.request.parts = parts;
    trial.request.part_count = COUNT(parts);
    trial_succeeds(&trial, 200, "");
    const struct canned_request *request = canned_request(server, NULL, 0);
    assert_true(head_has(server, 0, "\r\nContent-Type: multipart/form-data; boundary="));
    const char *path = strstr(request->body, "name=\"files[0].path\"\r\n\r\n/tmp/a b\r\n--");
    assert_non_null(path);
    assert_non_null(strstr(path, "name=\"files[0].file\"; filename=\"file\"\r\n"));
    assert_non_null(memmem(request->body, request->body_len, "\r\n\r\nx\0\r\n--y\r\n--", 15));
    assert_non_null(memmem(request->body, request->body_len, "name=\"files[1].file\"", 20));
    trial_finish(&trial);
    canned_stop(server);
}

/* Every byte of a part may be asked for again: libcurl rewinds when it repeats a request. */
static void test_a_large_multipart_survives_a_dead_connection(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET", .action = CANNED_CLOSE},
        {.expect = "POST"},
    };
    size_t len = 3 << 20;
    char *data = malloc(len);
    struct canned_server *server = canned_start(script, COUNT(script));
    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < len; i++)
        data[i] = (char)(i * 7);
    const struct http_part part = {"files[0].file", "file", {data, len}};
    struct trial first = trial_get(canned_url(server));
    trial_succeeds(&first, 200, "");
    assert_true(canned_await_closed(server, 1));
    struct trial upload = trial_make("POST", canned_url(server), "/");
    upload.request.parts = &part;
    upload.request.part_count = 1;
    trial_succeeds(&upload, 200, "");
    const struct canned_request *request = canned_request(server, "POST", 0);
    assert_non_null(memmem(request->body, request->body_len, data, len));
    assert_int_equal(canned_count(server, "POST"), 1);
    trial_finish(&first);
    trial_finish(&upload);
    canned_stop(server);
    free(data);
}

/* -- What comes back --------------------------------------------------------------------------- */

static void test_headers_of_interest(void **state)
{
    static const struct canned_exchange script[] = {
        {.status = 206,
         .headers = "x-request-id:  abc-1 \r\nContent-Range: bytes 0-1/1234\r\nretry-after: 2\r\n"
                    "Retry-After-sandbox-create: 7\r\nRetry-After-authenticated: 3\r\n",
         .body = "ab"}};
    struct canned_server *server = serve_one(script);
    struct trial trial = trial_get(canned_url(server));
    (void)state;
    trial_succeeds(&trial, 206, "ab");
    assert_string_equal(trial.response.request_id, "abc-1");
    assert_int_equal(trial.response.range_total, 1234);
    assert_int_equal(trial.response.retry_after_ms, 7000);
    assert_string_equal(trial.response.retry_after_name, "sandbox-create");
    trial_finish(&trial);
    canned_stop(server);
}

/* As proxies send it. */
static void test_a_date_to_come_back_at(void **state)
{
    char headers[100];
    struct canned_exchange script = {.status = 503, .headers = headers};
    time_t then = time(NULL) + 30;
    struct tm utc;
    (void)state;
    strftime(headers, sizeof headers, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&then, &utc));
    struct canned_server *server = serve_one(&script);
    struct trial trial = trial_get(canned_url(server));
    trial_succeeds(&trial, 503, NULL);
    assert_in_range(trial.response.retry_after_ms, 25000, 30000);
    assert_string_equal(trial.response.retry_after_name, "");
    trial_finish(&trial);
    canned_stop(server);
}

static void test_headers_that_are_nonsense(void **state)
{
    static const struct canned_exchange script[] = {
        {.headers =
             "X-Request-Id: a\tb\x01\r\nContent-Range: bytes 0-1/99999999999999999999999\r\n"
             "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nRetry-After-a: -1\r\nRetry-After-b: 1e3\r\n"
             "Retry-After-c: 99999999999999999999\r\nRetry-After-d: Wed, 21 Oct 2099 07:28:00 GMT\r\n"
             "Retry-Aft: 9\r\n: 3\r\n"}};
    struct canned_server *server = serve_one(script);
    struct trial trial = trial_get(canned_url(server));
    (void)state;
    trial_succeeds(&trial, 200, "");
    assert_string_equal(trial.response.request_id, "");
    assert_int_equal(trial.response.range_total, -1);
    assert_int_equal(trial.response.retry_after_ms, 0);
    trial_finish(&trial);
    canned_stop(server);
}

static void test_long_headers_are_cut(void **state)
{
    char headers[3000];
    struct canned_exchange script = {.status = 302, .headers = headers};
    (void)state;
    snprintf(headers, sizeof headers, "X-Request-Id: %0*d\r\nLocation: http://elsewhere/%0*d\r\n", 500, 0,
             900, 0);
    struct canned_server *server = serve_one(&script);
    struct trial trial = trial_get(canned_url(server));
    trial_succeeds(&trial, 302, "");
    assert_int_equal(strlen(trial.response.request_id), sizeof trial.response.request_id - 1);
    assert_int_equal(strlen(trial.response.location), sizeof trial.response.location - 1);
    trial_finish(&trial);
    canned_stop(server);
}

/* Our credentials would go along. */
static void test_redirects_are_not_followed(void **state)
{
    static const int statuses[] = {301, 302, 303, 307, 308};
    char location[100];
    (void)state;
    for (size_t i = 0; i < COUNT(statuses); i++) {
        static const struct canned_exchange none = {.times = CANNED_ALWAYS};
        struct canned_server *other = serve_one(&none);
        snprintf(location, sizeof location, "Location: %s/\r\n", canned_url(other));
        struct canned_exchange script = {.status = statuses[i], .headers = location, .times = CANNED_ALWAYS};
        struct canned_server *server = serve_one(&script);
        struct trial trial = trial_post(canned_url(server), STR("{}"));
        trial_succeeds(&trial, statuses[i], "");
        assert_int_equal(canned_count(server, NULL), 1);
        assert_int_equal(canned_connections(other), 0);
        trial_finish(&trial);
        canned_stop(server);
        canned_stop(other);
    }
}

static void test_bodies_up_to_the_limit(void **state)
{
    static const struct canned_exchange script[] = {{.body = "12345678", .times = CANNED_ALWAYS}};
    struct canned_server *server = serve_one(script);
    struct trial fits = trial_get(canned_url(server));
    struct trial too_large = trial_get(canned_url(server));
    struct trial posted = trial_post(canned_url(server), STR("{}"));
    (void)state;
    fits.request.max_body = 8;
    trial_succeeds(&fits, 200, "12345678");
    trial_finish(&fits);
    too_large.request.max_body = 7;
    trial_fails(&too_large, EEP_E_PROTOCOL, false);
    posted.request.max_body = 0;
    trial_fails(&posted, EEP_E_PROTOCOL, true);
    canned_stop(server);
}

/* What came while a transfer gave way to others is looked at when it goes on: the limit holds there, too, and no body has
 * a gap or an end that nobody sent. */
static void test_large_bodies_up_to_the_limit(void **state)
{
    enum { KIB = 1 << 10, MOST = 264 * KIB, STEP = 500, END = MOST + 20 * KIB };
    char *body = calloc(1, END + 1);
    (void)state;
    assert_non_null(body);
    for (size_t len = MOST; len < END; len += STEP) {
        memset(body, 'x', len);
        struct canned_exchange script = {.body = body};
        struct canned_server *server = serve_one(&script);
        struct trial trial = trial_get(canned_url(server));
        trial.request.max_body = MOST;
        if (len > MOST) {
            trial_fails(&trial, EEP_E_PROTOCOL, false);
        } else {
            trial_succeeds(&trial, 200, body);
            trial_finish(&trial);
        }
        canned_stop(server);
    }
    free(body);
}

static void test_endless_bodies(void **state)
{
    static const struct canned_exchange script[] = {
        {.action = CANNED_ENDLESS, .raw = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"},
        {.action = CANNED_ENDLESS, .promise = SIZE_MAX / 4},
    };
    struct canned_server *server = canned_start(script, COUNT(script));
    (void)state;
    for (size_t i = 0; i < COUNT(script); i++) {
        struct trial trial = trial_get(canned_url(server));
        trial_fails(&trial, EEP_E_PROTOCOL, false);
        assert_true(canned_await_closed(server, i + 1)); /* the connection is not kept */
    }
    canned_stop(server);
}

static void test_endless_headers(void **state)
{
    static const struct canned_exchange one_line[] = {
        {.action = CANNED_ENDLESS, .raw = "HTTP/1.1 200 OK\r\nX-Long: "}};
    size_t lines = 200000;
    const char *line = "X-Many: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    char *many = malloc(32 + lines * strlen(line));
    (void)state;
    assert_non_null(many);
    char *end = stpcpy(many, "HTTP/1.1 200 OK\r\n");
    for (size_t i = 0; i < lines; i++)
        end = stpcpy(end, line);
    struct canned_exchange many_lines = {.raw = many, .action = CANNED_STALL};
    const struct canned_exchange *scripts[] = {one_line, &many_lines};
    const int expected[] = {EEP_E_NO_MEMORY, EEP_E_PROTOCOL}; /* libcurl's own limit speaks of memory */
    for (size_t i = 0; i < COUNT(scripts); i++) {
        struct canned_server *server = serve_one(scripts[i]);
        struct trial trial = trial_get(canned_url(server));
        trial_run(&trial);
        assert_in_range(trial.took_ms, 0, 5000);
        assert_int_equal(trial.status, expected[i]);
        trial_finish(&trial);
        canned_stop(server);
    }
    free(many);
}

static void test_nul_bytes_in_a_body(void **state)
{
    static const char raw[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\0b";
    static const struct canned_exchange script[] = {{.raw = raw, .raw_len = sizeof raw - 1}};
    struct canned_server *server = serve_one(script);
    struct trial trial = trial_get(canned_url(server));
    (void)state;
    trial_succeeds(&trial, 200, NULL);
    assert_int_equal(trial.response.body.len, 3);
    assert_memory_equal(trial.response.body.data, "a\0b", 3);
    trial_finish(&trial);
    canned_stop(server);
}

/* -- Nothing from the process environment ------------------------------------------------------ */

static void write_netrc(const char *folder)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/.netrc", folder);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "machine 127.0.0.1 login me password from-netrc\ndefault login me password p\n") >
                0);
    close(fd);
}

static void remove_netrc(const char *folder)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/.netrc", folder);
    unlink(path);
    rmdir(folder);
}

static void test_the_environment_is_ignored(void **state)
{
    static const char *const names[] = {"http_proxy", "all_proxy", "ALL_PROXY", "HTTP_PROXY", "no_proxy"};
    static const struct canned_exchange script[] = {{.times = CANNED_ALWAYS}};
    struct canned_server *proxy = serve_one(script);
    struct canned_server *server = serve_one(script);
    char folder[] = "/tmp/eep-http-test-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    write_netrc(folder);
    setenv("HOME", folder, 1);
    setenv("NETRC", folder, 1);
    for (size_t i = 0; i < COUNT(names); i++)
        setenv(names[i], canned_url(proxy), 1);
    struct trial trial = trial_get(canned_url(server));
    trial_succeeds(&trial, 200, "");
    assert_int_equal(canned_connections(proxy), 0);
    assert_int_equal(canned_count(server, NULL), 1);
    assert_false(head_has(server, 0, "Authorization"));
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
    trial_finish(&trial);
    remove_netrc(folder);
    canned_stop(server);
    canned_stop(proxy);
}

static void test_a_configured_proxy_is_used(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET http://sandbox.example/ HTTP/1.1", .body = "proxied", .times = CANNED_ALWAYS}};
    struct canned_server *proxy = serve_one(script);
    struct trial trial = trial_get("http://sandbox.example");
    (void)state;
    setenv("no_proxy", "*", 1);
    trial.profile.proxy = canned_url(proxy);
    trial_succeeds(&trial, 200, "proxied");
    unsetenv("no_proxy");
    trial_finish(&trial);
    canned_stop(proxy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_get),
        cmocka_unit_test(test_bodies_of_all_methods),
        cmocka_unit_test(test_an_empty_post_says_so),
        cmocka_unit_test(test_multipart),
        cmocka_unit_test(test_a_large_multipart_survives_a_dead_connection),
        cmocka_unit_test(test_headers_of_interest),
        cmocka_unit_test(test_a_date_to_come_back_at),
        cmocka_unit_test(test_headers_that_are_nonsense),
        cmocka_unit_test(test_long_headers_are_cut),
        cmocka_unit_test(test_redirects_are_not_followed),
        cmocka_unit_test(test_bodies_up_to_the_limit),
        cmocka_unit_test(test_large_bodies_up_to_the_limit),
        cmocka_unit_test(test_endless_bodies),
        cmocka_unit_test(test_endless_headers),
        cmocka_unit_test(test_nul_bytes_in_a_body),
        cmocka_unit_test(test_the_environment_is_ignored),
        cmocka_unit_test(test_a_configured_proxy_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
