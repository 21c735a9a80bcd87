/* Connections that are slow to come: a host whose first address does not answer, a server that does not speak TLS. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_testing.h"

static int listen_at(const char *address, unsigned *port, int backlog)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    socklen_t len = sizeof where;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(inet_pton(AF_INET, address, &where.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&where, len), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &len), 0);
    *port = ntohs(where.sin_port);
    return fd;
}

/* -- Two addresses ----------------------------------------------------------------------------- */

#define FIRST  "127.0.0.2"
#define SECOND "127.0.0.1"

typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* libcurl calls this one: "two.test" has two addresses. libc frees each by itself. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **out)
{
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    look_up *real;
    memcpy(&real, &symbol, sizeof real);
    if (!node || strcmp(node, "two.test") != 0) return real(node, service, hints, out);
    int failure = real(FIRST, service, hints, out);
    return failure ? failure : real(SECOND, service, hints, &(*out)->ai_next);
}

/* Fills the line of those who wait to be taken: the kernel drops whoever comes after them. */
static void fill(const char *address, unsigned port, int held[3])
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, address, &where.sin_addr);
    for (int i = 0; i < 3; i++) {
        held[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(held[i], (struct sockaddr *)&where, sizeof where);
    }
}

static void test_the_second_address_is_tried(void **state)
{
    struct canned_server *server = canned_start(&(struct canned_exchange){.body = "{}"}, 1);
    unsigned port = (unsigned)strtoul(strrchr(canned_url(server), ':') + 1, NULL, 10);
    char origin[64];
    int held[3];
    (void)state;
    int silent = listen_at(FIRST, &port, 0);
    fill(FIRST, port, held);
    snprintf(origin, sizeof origin, "http://two.test:%u", port);
    struct trial trial = trial_get(origin);
    trial_succeeds(&trial, 200, "{}");
    trial_finish(&trial);
    for (int i = 0; i < 3; i++)
        close(held[i]);
    close(silent);
    canned_stop(server);
}

/* -- Waiting for what turns out to be HTTP/2 --------------------------------------------------- */

static void *run_trial(void *argument)
{
    trial_run(argument);
    return NULL;
}

/* Who waits for another's connection keeps its own time. */
static void test_a_deadline_behind_another_connection(void **state)
{
    unsigned port = 0;
    char origin[64];
    pthread_t thread;
    struct timeval limit = {.tv_sec = 10};
    (void)state;
    int listener = listen_at("127.0.0.1", &port, 16);
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    snprintf(origin, sizeof origin, "https://127.0.0.1:%u", port);
    struct trial first = trial_get(origin);
    struct trial second = trial_get(origin);
    assert_int_equal(pthread_create(&thread, NULL, run_trial, &first), 0);
    int connection = accept(listener, NULL, NULL); /* and no word */
    assert_true(connection >= 0);
    second.wait.deadline = clock_now_ms() + 300;
    trial_fails(&second, EEP_E_DEADLINE, false);
    assert_in_range(second.took_ms, 299, 300 + LATE_MS);
    close(connection);
    pthread_join(thread, NULL);
    trial_finish(&first);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_second_address_is_tried),
        cmocka_unit_test(test_a_deadline_behind_another_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
