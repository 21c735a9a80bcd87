/* wire_test.c: what no client library sends: heads that are none, too long or never end, and clients that leave in the middle. The
 * server answers or hangs up, and lives on; that it forgets them is for the leak check of the sanitizers. */
#include "shared.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define HOST "Host: x\r\nAuthorization: Bearer local-key\r\n"

enum { LONG = 300000 };

static int connect_to_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)atoi(strrchr(server.origin, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* A server that has said no may hang up before it has read all. */
static void send_all(int fd, const char *text, size_t len)
{
    for (ssize_t n = 1; len > 0 && n > 0; text += n, len -= (size_t)(n > 0 ? n : 0))
        n = send(fd, text, len, MSG_NOSIGNAL);
}

/* The status of the answer; 0 if the connection is closed without one. */
static int read_status(int fd)
{
    char head[16] = "";
    for (size_t len = 0; len < 12;) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        if (poll(&readable, 1, LIMIT_MS) != 1) fail_msg("no answer within %d ms", LIMIT_MS);
        ssize_t n = recv(fd, head + len, 12 - len, 0);
        if (n <= 0) return 0;
        len += (size_t)n;
    }
    return atoi(head + strlen("HTTP/1.1 "));
}

static void expect_raw(const char *text, int status)
{
    int fd = connect_to_server();
    send_all(fd, text, strlen(text));
    int found = read_status(fd);
    if (found != status) fail_msg("%.60s: %d, not %d", text, found, status);
    close(fd);
}

/* before, count times piece, after */
static void expect_long(const char *before, const char *piece, size_t count, const char *after, int status)
{
    size_t len = strlen(piece), at = strlen(before);
    char *text = malloc(at + count * len + strlen(after) + 1);
    strcpy(text, before);
    for (size_t i = 0; i < count; i++, at += len)
        memcpy(text + at, piece, len);
    strcpy(text + at, after);
    expect_raw(text, status);
    free(text);
}

static void odd_heads_are_answered(void **state)
{
    (void)state;
    expect_raw("GET /api/health HTTP/1.0\r\n\r\n", 200);
    expect_raw("\r\nGET /api/health HTTP/1.1\r\nHost: x\r\n\r\n", 200);
    expect_raw("GET /api/health HTTP/2.0\r\n\r\n", 505);
    expect_raw("GET  HTTP/1.1\r\n\r\n", 400);
    expect_raw("GET /api/health HTTP/1.1\r\nno colon\r\n\r\n", 400);
    expect_raw("POST /api/sandbox HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400);
    expect_raw("POST /api/sandbox HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", 413);
    expect_raw("POST /api/sandbox HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400);
    expect_raw("GET /toolbox/../../etc/passwd HTTP/1.1\r\n" HOST "\r\n", 401);
    expect_raw("GET /toolbox HTTP/1.1\r\n" HOST "\r\n", 401);
}

static void long_heads_are_refused(void **state)
{
    (void)state;
    expect_long("GET /api/", "a", LONG, " HTTP/1.1\r\nHost: x\r\n\r\n", 414);
    expect_long("GET /api/", "a", LONG / 3, " HTTP/1.1\r\nHost: x\r\n\r\n", 404);
    expect_long("GET /api", "/a", LONG / 10, " HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    expect_long("GET /api/health HTTP/1.1\r\nX: ", "a", LONG, "\r\n\r\n", 431);
    expect_long("GET /api/sandbox?", "a=1&", 40, " HTTP/1.1\r\n" HOST "\r\n", 400);
    expect_long("GET /api/sandbox?", "a=1&", 5000, " HTTP/1.1\r\n" HOST "\r\n", 0);
}

static void half_a_request_is_no_burden(void **state)
{
    (void)state;
    static const char *const halves[] = {
        "GET /api/he", "GET /api/health HTTP/1.1\r\nHo",
        "POST /api/sandbox HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n{\"na",
        "POST /api/sandbox HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\n{", "\x16\x03\x01\x02"};
    int fds[200];
    for (size_t i = 0; i < 200; i++) {
        fds[i] = connect_to_server();
        send_all(fds[i], halves[i % 5], strlen(halves[i % 5]));
    }
    expect_status(&server, "GET", "/api/health", NULL, 200);
    for (size_t i = 0; i < 200; i++)
        close(fds[i]);
    expect_status(&server, "GET", "/api/health", NULL, 200);
}

/* One byte at a time, with others served between. */
static void a_slow_client_is_waited_for(void **state)
{
    (void)state;
    static const char text[] =
        "POST /api/sandbox HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    int fd = connect_to_server();
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        send_all(fd, text + i, 1);
        if (i % 20 == 0) expect_status(&server, "GET", "/api/health", NULL, 200);
    }
    assert_int_equal(read_status(fd), 200);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_heads_are_answered),
        cmocka_unit_test(long_heads_are_refused),
        cmocka_unit_test(half_a_request_is_no_burden),
        cmocka_unit_test(a_slow_client_is_waited_for),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, shared_start, shared_end);
}
