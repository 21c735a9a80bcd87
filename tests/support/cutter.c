#include "tests/support/cutter.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LINKS = 64, TICK_MS = 10 };

/* A client and its own connection to the server. */
struct link {
    int client;
    int server;
    long asked_at; /* when the request began that has had no answer yet; 0 = none is under way */
};

struct cutter {
    int listener;
    unsigned port;
    unsigned patience_ms;
    const char *answer;
    _Atomic unsigned forward_to;
    atomic_size_t cuts;
    atomic_bool ending;
    pthread_t thread;
    struct link links[MAX_LINKS];
    size_t count;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* -- Links ------------------------------------------------------------------------------------- */

static void accept_link(struct cutter *cutter)
{
    struct sockaddr_in address = loopback(atomic_load(&cutter->forward_to));
    struct link link = {.client = accept4(cutter->listener, NULL, NULL, SOCK_CLOEXEC),
                        .server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (link.client < 0 || link.server < 0) die("cutter: accept");
    if (cutter->count == MAX_LINKS ||
        connect(link.server, (struct sockaddr *)&address, sizeof address) != 0) {
        close(link.client);
        close(link.server);
        return;
    }
    cutter->links[cutter->count++] = link;
}

static void end_link(struct cutter *cutter, size_t index, bool reset)
{
    struct link *link = &cutter->links[index];
    struct linger at_once = {.l_onoff = 1};
    if (reset) setsockopt(link->client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(link->client);
    close(link->server);
    *link = cutter->links[--cutter->count];
}

static bool move(int from, int to)
{
    char bytes[65536];
    ssize_t got = read(from, bytes, sizeof bytes);
    for (ssize_t done = 0; done < got;) {
        ssize_t put = send(to, bytes + done, (size_t)(got - done), MSG_NOSIGNAL);
        if (put <= 0) return false;
        done += put;
    }
    return got > 0;
}

/* False when the link has ended. */
static bool serve_link(struct link *link, const struct pollfd watched[2])
{
    if (watched[0].revents) {
        if (!move(link->client, link->server)) return false;
        link->asked_at = now_ms();
    }
    if (watched[1].revents) {
        link->asked_at = 0;
        return move(link->server, link->client);
    }
    return true;
}

static bool is_out_of_patience(const struct cutter *cutter, const struct link *link)
{
    return link->asked_at > 0 && now_ms() - link->asked_at >= cutter->patience_ms;
}

static void cut(struct cutter *cutter, size_t index)
{
    struct link *link = &cutter->links[index];
    if (cutter->answer) (void)!write(link->client, cutter->answer, strlen(cutter->answer));
    end_link(cutter, index, !cutter->answer);
    atomic_fetch_add(&cutter->cuts, 1);
}

static void *run(void *argument)
{
    struct cutter *cutter = argument;
    while (!atomic_load(&cutter->ending)) {
        struct pollfd watched[1 + 2 * MAX_LINKS] = {{.fd = cutter->listener, .events = POLLIN}};
        size_t count = cutter->count;
        for (size_t i = 0; i < count; i++) {
            watched[1 + 2 * i] = (struct pollfd){.fd = cutter->links[i].client, .events = POLLIN};
            watched[2 + 2 * i] = (struct pollfd){.fd = cutter->links[i].server, .events = POLLIN};
        }
        poll(watched, 1 + 2 * count, TICK_MS);
        for (size_t i = count; i-- > 0;) { /* the last one takes the place of one that ends */
            if (!serve_link(&cutter->links[i], &watched[1 + 2 * i]))
                end_link(cutter, i, false);
            else if (is_out_of_patience(cutter, &cutter->links[i]))
                cut(cutter, i);
        }
        if (watched[0].revents) accept_link(cutter);
    }
    return NULL;
}

/* -- Life -------------------------------------------------------------------------------------- */

static int bind_somewhere(unsigned *port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        die("cutter: bind");
    *port = ntohs(address.sin_port);
    return fd;
}

struct cutter *cutter_create(unsigned patience_ms, const char *answer)
{
    struct cutter *cutter = calloc(1, sizeof *cutter);
    if (!cutter) die("cutter");
    cutter->patience_ms = patience_ms;
    cutter->answer = answer;
    cutter->listener = bind_somewhere(&cutter->port);
    if (listen(cutter->listener, MAX_LINKS) != 0) die("cutter: listen");
    return cutter;
}

void cutter_forward_to(struct cutter *cutter, unsigned port)
{
    atomic_store(&cutter->forward_to, port);
    if (pthread_create(&cutter->thread, NULL, run, cutter) != 0) die("cutter: thread");
}

void cutter_destroy(struct cutter *cutter)
{
    if (atomic_load(&cutter->forward_to) > 0) {
        atomic_store(&cutter->ending, true);
        pthread_join(cutter->thread, NULL);
    }
    while (cutter->count > 0)
        end_link(cutter, 0, false);
    close(cutter->listener);
    free(cutter);
}

unsigned cutter_free_port(void)
{
    enum { FIRST = 20000, COUNT = 12000 }; /* the kernel's own begin at 32768 */
    static unsigned calls;
    unsigned seed = (unsigned)getpid() * 2654435761u ^ (unsigned)now_ms() ^ ++calls << 20;
    for (int tries = 0; tries < 1000; tries++) {
        unsigned port = FIRST + (unsigned)rand_r(&seed) % COUNT;
        struct sockaddr_in address = loopback(port);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int status = bind(fd, (struct sockaddr *)&address, sizeof address);
        close(fd);
        if (status == 0) return port;
    }
    die("cutter: no port is free");
    return 0;
}

unsigned cutter_port(const struct cutter *cutter)
{
    return cutter->port;
}

size_t cutter_cuts(const struct cutter *cutter)
{
    return atomic_load(&cutter->cuts);
}
