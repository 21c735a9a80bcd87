/* delayserver: answers what a client needs for an execute (answers.h), each command after a fixed delay, and counts how
 * many were open at once. It runs nothing: what it measures is its client.
 *
 *     delayserver [--delay-ms N] [--hold N] [--port N]     writes the API's URL to standard output when it is ready
 *
 * With --hold nothing is answered until so many commands have been open at once: however slow the client, it must be
 * able to.
 *
 * GET /_bench/stats tells {requests, commands, open, openMax, connections, connectionsOpen, connectionsMax}; DELETE
 * sets the counters to zero and openMax to what is open now.
 *
 * One thread, epoll, HTTP/1.1 on loopback with Content-Length. A connection is read until a request is whole, then
 * answered at once or put at the end of the queue of delayed answers: with one delay for all, the queue is in order.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "answers.h"

enum { READ_STEP = 16384, REQUEST_MAX = 8 << 20, EVENTS = 256 };

struct connection {
    int fd;
    char *in; /* what has arrived and is not answered yet */
    size_t in_len;
    size_t in_cap;
    size_t asked_len; /* bytes of the request that is being answered; 0 = none is */
    char *out;        /* the answer: what is left of it begins at out_at */
    size_t out_len;
    size_t out_at;
    int64_t due; /* when a delayed answer is to be sent */
    struct connection *next;
    struct connection *prev;
};

struct stats {
    long requests;
    long commands;
    long open;
    long open_max;
    long connections;
    long connections_open;
    long connections_max;
};

struct server {
    int epoll;
    int listener;
    int64_t delay_ms;
    long hold; /* how many commands must have been open before any is answered */
    char origin[64];
    struct stats stats;
    struct connection *first; /* of the queue of delayed answers */
    struct connection *last;
};

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "delayserver: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void raise_to(long *most, long value)
{
    if (value > *most) *most = value;
}

/* -- The queue of delayed answers -------------------------------------------------------------- */

static void enqueue(struct server *server, struct connection *connection)
{
    connection->due = now_ms() + server->delay_ms;
    connection->prev = server->last;
    *(server->last ? &server->last->next : &server->first) = connection;
    server->last = connection;
    raise_to(&server->stats.open_max, ++server->stats.open);
}

static void dequeue(struct server *server, struct connection *connection)
{
    *(connection->prev ? &connection->prev->next : &server->first) = connection->next;
    *(connection->next ? &connection->next->prev : &server->last) = connection->prev;
    connection->next = connection->prev = NULL;
    connection->due = 0;
    server->stats.open--;
}

/* -- Connections ------------------------------------------------------------------------------- */

static void watch(struct server *server, struct connection *connection, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(server->epoll, operation, connection->fd, &event) != 0) die("epoll_ctl");
}

static void open_connection(struct server *server, int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) die("out of memory");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    connection->fd = fd;
    watch(server, connection, EPOLL_CTL_ADD, EPOLLIN);
    server->stats.connections++;
    raise_to(&server->stats.connections_max, ++server->stats.connections_open);
}

static void close_connection(struct server *server, struct connection *connection)
{
    if (connection->due != 0) dequeue(server, connection);
    server->stats.connections_open--;
    close(connection->fd);
    free(connection->in);
    free(connection->out);
    free(connection);
}

static void accept_all(struct server *server)
{
    int fd;
    while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        open_connection(server, fd);
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) die("accept");
}

/* -- Requests ---------------------------------------------------------------------------------- */

static size_t content_length(const char *head, const char *end)
{
    static const char name[] = "content-length:";
    for (const char *line = head; line < end; line++) {
        if (strncasecmp(line, name, sizeof name - 1) == 0) return strtoul(line + sizeof name - 1, NULL, 10);
        line = memchr(line, '\n', (size_t)(end - line));
        if (line == NULL) break;
    }
    return 0;
}

/* How many bytes the request at the beginning of `in` has; 0 = not all of it is here. */
static size_t whole_request(const struct connection *connection, size_t *body_at)
{
    const char *end = memmem(connection->in, connection->in_len, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    *body_at = (size_t)(end + 4 - connection->in);
    size_t len = *body_at + content_length(connection->in, end + 2);
    return len <= connection->in_len ? len : 0;
}

/* Cuts the request line into words, in place; false = it is none. */
static bool split_line(char *line, struct asked *asked)
{
    char *save = NULL;
    line[strcspn(line, "\r")] = '\0';
    asked->method = strtok_r(line, " ", &save);
    asked->path = strtok_r(NULL, " ", &save);
    return asked->method != NULL && asked->path != NULL;
}

static void give_stats(struct server *server, const struct asked *asked, struct said *said)
{
    struct stats *stats = &server->stats;
    if (strcmp(asked->method, "DELETE") == 0)
        *stats = (struct stats){.open = stats->open,
                                .open_max = stats->open,
                                .connections_open = stats->connections_open,
                                .connections_max = stats->connections_open};
    said->status = 200;
    said->delayed = false;
    said->len = (size_t)snprintf(
        said->body, sizeof said->body,
        "{\"requests\":%ld,\"commands\":%ld,\"open\":%ld,\"openMax\":%ld,\"connections\":%ld,"
        "\"connectionsOpen\":%ld,\"connectionsMax\":%ld}",
        stats->requests, stats->commands, stats->open, stats->open_max, stats->connections,
        stats->connections_open, stats->connections_max);
}

/* -- Answers ----------------------------------------------------------------------------------- */

static void write_answer(struct connection *connection, const struct said *said)
{
    char head[256];
    int head_len = snprintf(
        head, sizeof head,
        "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n\r\n",
        said->status, said->status == 200 ? "OK" : "Not Found", said->len);
    connection->out = malloc((size_t)head_len + said->len);
    if (connection->out == NULL) die("out of memory");
    memcpy(connection->out, head, (size_t)head_len);
    memcpy(connection->out + head_len, said->body, said->len);
    connection->out_len = (size_t)head_len + said->len;
    connection->out_at = 0;
}

/* false = the client is gone. */
static bool send_answer(struct server *server, struct connection *connection)
{
    while (connection->out_at < connection->out_len) {
        ssize_t sent = send(connection->fd, connection->out + connection->out_at,
                            connection->out_len - connection->out_at, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN) {
            watch(server, connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return true;
        }
        if (sent <= 0) return false;
        connection->out_at += (size_t)sent;
    }
    free(connection->out);
    connection->out = NULL;
    connection->in_len -= connection->asked_len;
    memmove(connection->in, connection->in + connection->asked_len, connection->in_len);
    connection->asked_len = 0;
    return true;
}

static bool take_request(struct server *server, struct connection *connection)
{
    struct said said;
    struct asked asked = {0};
    size_t body_at = 0;
    connection->asked_len = whole_request(connection, &body_at);
    if (connection->asked_len == 0) return connection->in_len < REQUEST_MAX;
    if (!split_line(connection->in, &asked)) return false;
    asked.body = connection->in + body_at;
    asked.body_len = connection->asked_len - body_at;
    if (strcmp(asked.path, "/_bench/stats") == 0) {
        give_stats(server, &asked, &said);
    } else {
        answers_give(&asked, server->origin, &said);
        server->stats.requests++;
        server->stats.commands += said.delayed;
    }
    write_answer(connection, &said);
    if (!said.delayed || server->delay_ms == 0) return send_answer(server, connection);
    enqueue(server, connection);
    return true;
}

/* Sends what has been waited for long enough; how long until the next one, in ms, -1 = there is none. */
static int answer_due(struct server *server)
{
    int64_t now = now_ms();
    if (server->stats.open_max < server->hold) return -1;
    while (server->first != NULL && server->first->due <= now) {
        struct connection *connection = server->first;
        dequeue(server, connection);
        if (!send_answer(server, connection)) close_connection(server, connection);
    }
    return server->first != NULL ? (int)(server->first->due - now) : -1;
}

static bool read_some(struct connection *connection)
{
    if (connection->in_cap - connection->in_len < READ_STEP) {
        connection->in_cap = connection->in_cap * 2 + 2 * READ_STEP;
        connection->in = realloc(connection->in, connection->in_cap);
        if (connection->in == NULL) die("out of memory");
    }
    ssize_t got =
        recv(connection->fd, connection->in + connection->in_len, connection->in_cap - connection->in_len, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    connection->in_len += (size_t)got;
    return got > 0;
}

static bool serve(struct server *server, struct connection *connection, uint32_t events)
{
    if (events & EPOLLOUT) {
        watch(server, connection, EPOLL_CTL_MOD, EPOLLIN);
        if (!send_answer(server, connection)) return false;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        if (!read_some(connection)) return false;
    return connection->asked_len > 0 || take_request(server, connection);
}

/* -- The program ------------------------------------------------------------------------------- */

static void listen_on(struct server *server, int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
    if (listen(server->listener, 8192) != 0) die("listen");
    if (getsockname(server->listener, (struct sockaddr *)&address, &len) != 0) die("getsockname");
    snprintf(server->origin, sizeof server->origin, "http://127.0.0.1:%u", ntohs(address.sin_port));
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &event) != 0) die("epoll_ctl");
}

_Noreturn static void run(struct server *server)
{
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(server->epoll, events, EVENTS, answer_due(server));
        if (count < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL)
                accept_all(server);
            else if (!serve(server, connection, events[i].events))
                close_connection(server, connection);
        }
    }
}

static long number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text != '\0' && *end == '\0' && value >= 0 && value <= 3600000) return value;
    fprintf(stderr, "delayserver: not a number that it can use: %s\n", text);
    exit(2);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limits;
    if (getrlimit(RLIMIT_NOFILE, &limits) != 0) return;
    limits.rlim_cur = limits.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limits);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"delay-ms", required_argument, NULL, 'd'},
                                            {"hold", required_argument, NULL, 'o'},
                                            {"port", required_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct server server = {.delay_ms = 0};
    int port = 0;
    for (int chosen; (chosen = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (chosen == 'd')
            server.delay_ms = number(optarg);
        else if (chosen == 'o')
            server.hold = number(optarg);
        else if (chosen == 'p')
            port = (int)number(optarg);
        else {
            fprintf(chosen == 'h' ? stdout : stderr,
                    "usage: delayserver [--delay-ms N] [--hold N] [--port N]\n");
            return chosen == 'h' ? 0 : 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    listen_on(&server, port);
    printf("%s/api\n", server.origin);
    fflush(stdout);
    run(&server);
}
