#include "tests/support/canned_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 1024,
    REQUESTS_MAX = 4096,
    HEAD_MAX = 64 << 10,
    BODY_MAX = 32 << 20,
    LINE_BYTES = 4096,
    STALL_LOOK_MS = 10,
};

struct connection {
    struct canned_server *server;
    pthread_t thread;
    size_t number;
    int fd;
};

struct canned_server {
    const struct canned_exchange *script;
    size_t script_count;
    unsigned *used; /* times, one for each exchange */
    int listener;
    char url[40];
    pthread_t thread;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t changed;
    bool stopping;
    bool released;
    size_t stalled;
    size_t closed;
    size_t unexpected;
    size_t connection_count;
    size_t request_count;
    struct connection connections[CONNECTIONS_MAX];
    struct canned_request *requests[REQUESTS_MAX];
};

static void die(const char *what)
{
    perror(what);
    exit(99);
}

static void *take(void *memory)
{
    if (!memory) die("canned_server");
    return memory;
}

/* -- Waiting ----------------------------------------------------------------------------------- */

static struct timespec moment_in(unsigned ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

static void init_sync(struct canned_server *server)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&server->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&server->lock, NULL);
}

/* Until *counter has reached count. */
static bool await_count(struct canned_server *server, const size_t *counter, size_t count)
{
    struct timespec limit = moment_in(CANNED_LIMIT_MS);
    pthread_mutex_lock(&server->lock);
    while (*counter < count && pthread_cond_timedwait(&server->changed, &server->lock, &limit) == 0)
        ;
    bool reached = *counter >= count;
    pthread_mutex_unlock(&server->lock);
    return reached;
}

bool canned_await_connections(struct canned_server *server, size_t count)
{
    return await_count(server, &server->connection_count, count);
}

bool canned_await_requests(struct canned_server *server, size_t count)
{
    return await_count(server, &server->request_count, count);
}

bool canned_await_stalls(struct canned_server *server, size_t count)
{
    return await_count(server, &server->stalled, count);
}

bool canned_await_closed(struct canned_server *server, size_t count)
{
    return await_count(server, &server->closed, count);
}

/* Until ms are over, or the server stops. */
static void pause_for(struct canned_server *server, unsigned ms)
{
    struct timespec limit = moment_in(ms);
    pthread_mutex_lock(&server->lock);
    while (!server->stopping && pthread_cond_timedwait(&server->changed, &server->lock, &limit) == 0)
        ;
    pthread_mutex_unlock(&server->lock);
}

/* -- Reading ----------------------------------------------------------------------------------- */

/* One request being read; what follows it (pipelining) is not supported. */
struct reading {
    char *data;
    size_t len;
    size_t head_len; /* with the empty line; 0 = not complete yet */
    size_t body_len; /* promised */
};

static size_t content_length(const char *head)
{
    const char *line = strcasestr(head, "\r\nContent-Length:");
    return line ? strtoul(line + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

static bool is_complete(struct reading *in)
{
    char *end = in->head_len ? NULL : strstr(in->data, "\r\n\r\n");
    if (end) {
        in->head_len = (size_t)(end - in->data) + 4;
        in->body_len = content_length(in->data);
    }
    return in->head_len > 0 && in->len >= in->head_len + in->body_len;
}

/* false: the client has gone, or sends more than the limits allow. */
static bool read_request(int fd, struct reading *in)
{
    while (!is_complete(in)) {
        size_t need = in->head_len ? in->head_len + in->body_len : HEAD_MAX;
        if (in->len >= need || need > HEAD_MAX + BODY_MAX) return false;
        in->data = take(realloc(in->data, need + 1));
        ssize_t got = recv(fd, in->data + in->len, need - in->len, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        in->len += (size_t)got;
        in->data[in->len] = '\0';
    }
    return true;
}

static void keep_request(struct connection *connection, const struct reading *in)
{
    struct canned_server *server = connection->server;
    char *copy = take(calloc(1, in->head_len + in->body_len + 2));
    struct canned_request *request = take(calloc(1, sizeof *request));
    memcpy(copy, in->data, in->head_len);
    memcpy(copy + in->head_len + 1, in->data + in->head_len, in->body_len);
    *request = (struct canned_request){copy, copy + in->head_len + 1, in->body_len, connection->number};
    pthread_mutex_lock(&server->lock);
    if (server->request_count == REQUESTS_MAX) die("canned_server: too many requests");
    server->requests[server->request_count++] = request;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static bool line_has(const char *head, const char *what)
{
    char line[LINE_BYTES];
    snprintf(line, sizeof line, "%.*s", (int)strcspn(head, "\r\n"), head);
    return !what || strstr(line, what);
}

/* The exchange for a request, or (head NULL) for a connection that has just been made; NULL = none. */
static const struct canned_exchange *choose(struct canned_server *server, const char *head)
{
    const struct canned_exchange *chosen = NULL;
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->script_count && !chosen; i++) {
        const struct canned_exchange *exchange = &server->script[i];
        unsigned times = exchange->times ? exchange->times : 1;
        if (exchange->unread != !head || server->used[i] >= times) continue;
        if (head && !line_has(head, exchange->expect)) continue;
        server->used[i]++;
        chosen = exchange;
    }
    if (head && !chosen) server->unexpected++;
    pthread_mutex_unlock(&server->lock);
    return chosen;
}

/* -- Answering --------------------------------------------------------------------------------- */

static bool send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool send_answer(int fd, const struct canned_exchange *exchange)
{
    char head[4096];
    bool refuses = exchange->status >= 400 && !exchange->type; /* as the API does: always in JSON */
    const char *body = exchange->body ? exchange->body : refuses ? "{\"message\":\"as scripted\"}" : "";
    const char *type = exchange->type ? exchange->type : "application/json";
    if (exchange->raw)
        return send_all(fd, exchange->raw, exchange->raw_len ? exchange->raw_len : strlen(exchange->raw));
    if (exchange->status < 0) return true;
    int len = snprintf(head, sizeof head, "HTTP/1.1 %d Canned\r\n%s%s%s%sContent-Length: %zu\r\n\r\n",
                       exchange->status ? exchange->status : 200, *type ? "Content-Type: " : "", type,
                       *type ? "\r\n" : "", exchange->headers ? exchange->headers : "",
                       exchange->promise ? exchange->promise : strlen(body));
    return send_all(fd, head, (size_t)len) && send_all(fd, body, strlen(body));
}

static void reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* Until canned_release, unless the client goes away first. */
static void stall(struct connection *connection)
{
    struct canned_server *server = connection->server;
    struct pollfd gone = {.fd = connection->fd, .events = POLLRDHUP};
    pthread_mutex_lock(&server->lock);
    server->stalled++;
    pthread_cond_broadcast(&server->changed);
    for (int left = CANNED_LIMIT_MS; left > 0 && !server->released && !server->stopping;
         left -= STALL_LOOK_MS) {
        pthread_mutex_unlock(&server->lock);
        int closed = poll(&gone, 1, STALL_LOOK_MS);
        pthread_mutex_lock(&server->lock);
        if (closed) break;
    }
    pthread_mutex_unlock(&server->lock);
}

static void pour(int fd)
{
    char block[4096];
    struct timespec limit = moment_in(CANNED_LIMIT_MS);
    struct timespec now = {0};
    memset(block, 'x', sizeof block);
    while (now.tv_sec < limit.tv_sec && send_all(fd, block, sizeof block))
        clock_gettime(CLOCK_MONOTONIC, &now);
}

/* true: the connection may be used again. */
static bool act(struct connection *connection, const struct canned_exchange *exchange)
{
    if (exchange->delay_ms) pause_for(connection->server, exchange->delay_ms);
    if (!send_answer(connection->fd, exchange)) return false;
    switch (exchange->action) {
    case CANNED_ANSWER: return true;
    case CANNED_RESET: reset(connection->fd); return false;
    case CANNED_STALL: stall(connection); return false;
    case CANNED_ENDLESS: pour(connection->fd); return false;
    default: return false;
    }
}

static bool serve_one(struct connection *connection)
{
    static const struct canned_exchange none = {.status = 599, .body = "{\"message\":\"not in the script\"}"};
    struct reading in = {.data = take(calloc(1, 1))};
    bool more = read_request(connection->fd, &in);
    if (more) {
        keep_request(connection, &in);
        const struct canned_exchange *exchange = choose(connection->server, in.data);
        more = act(connection, exchange ? exchange : &none);
    }
    free(in.data);
    return more;
}

static void *connection_main(void *argument)
{
    struct connection *connection = argument;
    struct canned_server *server = connection->server;
    const struct canned_exchange *greeting = choose(server, NULL);
    bool more = !greeting || act(connection, greeting);
    while (more)
        more = serve_one(connection);
    pthread_mutex_lock(&server->lock);
    close(connection->fd);
    connection->fd = -1;
    server->closed++;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* -- The server -------------------------------------------------------------------------------- */

static void add_connection(struct canned_server *server, int fd)
{
    struct timeval limit = {.tv_sec = CANNED_LIMIT_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* head and body are two writes */
    pthread_mutex_lock(&server->lock);
    if (server->connection_count == CONNECTIONS_MAX) die("canned_server: too many connections");
    struct connection *connection = &server->connections[server->connection_count++];
    *connection = (struct connection){.server = server, .number = server->connection_count, .fd = fd};
    if (pthread_create(&connection->thread, NULL, connection_main, connection) != 0) die("pthread_create");
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

/* Ends when canned_stop shuts the listener down. */
static void *accept_main(void *argument)
{
    struct canned_server *server = argument;
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            add_connection(server, fd);
        else if (errno != EINTR && errno != ECONNABORTED)
            return NULL;
    }
}

/* A negative backlog: bound only, so that connections are refused. */
static int listen_on_loopback(int backlog, char url[40])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        (backlog >= 0 && listen(fd, backlog) != 0) || getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        die("canned_server: listen");
    snprintf(url, 40, "http://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

struct canned_server *canned_start(const struct canned_exchange *script, size_t count)
{
    struct canned_server *server = take(calloc(1, sizeof *server));
    server->script = script;
    server->script_count = count;
    server->used = take(calloc(count + 1, sizeof *server->used));
    server->listener = listen_on_loopback(256, server->url);
    init_sync(server);
    if (pthread_create(&server->thread, NULL, accept_main, server) != 0) die("pthread_create");
    return server;
}

static void end_connections(struct canned_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    for (size_t i = 0; i < server->connection_count; i++)
        if (server->connections[i].fd >= 0) shutdown(server->connections[i].fd, SHUT_RDWR);
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    for (size_t i = 0; i < server->connection_count; i++)
        pthread_join(server->connections[i].thread, NULL);
}

void canned_stop(struct canned_server *server)
{
    if (!server) return;
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    end_connections(server);
    close(server->listener);
    for (size_t i = 0; i < server->request_count; i++) {
        free((char *)server->requests[i]->head);
        free(server->requests[i]);
    }
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server->used);
    free(server);
}

void canned_release(struct canned_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->released = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

/* -- Looking ----------------------------------------------------------------------------------- */

const char *canned_url(const struct canned_server *server)
{
    return server->url;
}

static size_t locked_value(struct canned_server *server, const size_t *value)
{
    pthread_mutex_lock(&server->lock);
    size_t copy = *value;
    pthread_mutex_unlock(&server->lock);
    return copy;
}

size_t canned_connections(struct canned_server *server)
{
    return locked_value(server, &server->connection_count);
}

size_t canned_unexpected(struct canned_server *server)
{
    return locked_value(server, &server->unexpected);
}

const struct canned_request *canned_request(struct canned_server *server, const char *what, size_t index)
{
    const struct canned_request *found = NULL;
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->request_count && !found; i++)
        if (line_has(server->requests[i]->head, what) && index-- == 0) found = server->requests[i];
    pthread_mutex_unlock(&server->lock);
    return found;
}

size_t canned_count(struct canned_server *server, const char *what)
{
    size_t count = 0;
    while (canned_request(server, what, count))
        count++;
    return count;
}

/* -- Ports without a server -------------------------------------------------------------------- */

/* A backlog of 0 takes one connection; what comes after it is left without an answer. */
void canned_void_open(struct canned_void *hole)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    hole->fds[0] = listen_on_loopback(0, hole->url);
    getsockname(hole->fds[0], (struct sockaddr *)&address, &len);
    for (size_t i = 1; i < sizeof hole->fds / sizeof hole->fds[0]; i++) {
        hole->fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(hole->fds[i], (struct sockaddr *)&address, len) != 0 && errno != EINPROGRESS)
            die("canned_server: connect");
    }
}

void canned_void_close(struct canned_void *hole)
{
    for (size_t i = 0; i < sizeof hole->fds / sizeof hole->fds[0]; i++)
        close(hole->fds[i]);
}

int canned_refuse(char url[40])
{
    return listen_on_loopback(-1, url);
}
