#include "tests/support/proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 128, HEAD_MAX = 16384, SEEN_MAX = 1 << 20, PROXY_LIMIT_MS = 20000 };

struct connection {
    struct proxy *proxy;
    int fd;
    char head[HEAD_MAX];
    size_t len;  /* of what has been read into head, */
    size_t body; /* and where the bytes behind the head begin */
    pthread_t thread;
};

static void note(struct proxy *proxy, const char *bytes, size_t len)
{
    pthread_mutex_lock(&proxy->lock);
    if (len <= SEEN_MAX - proxy->seen_len) {
        memcpy(proxy->seen + proxy->seen_len, bytes, len);
        proxy->seen_len += len;
    }
    pthread_mutex_unlock(&proxy->lock);
}

bool proxy_saw(struct proxy *proxy, const char *what)
{
    pthread_mutex_lock(&proxy->lock);
    bool has = memmem(proxy->seen, proxy->seen_len, what, strlen(what)) != NULL;
    pthread_mutex_unlock(&proxy->lock);
    return has;
}

size_t proxy_count(struct proxy *proxy, const size_t *counter)
{
    pthread_mutex_lock(&proxy->lock);
    size_t is = *counter;
    pthread_mutex_unlock(&proxy->lock);
    return is;
}

static void add(struct proxy *proxy, size_t *counter)
{
    pthread_mutex_lock(&proxy->lock);
    ++*counter;
    pthread_mutex_unlock(&proxy->lock);
}

static bool put(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool put_text(int fd, const char *line)
{
    return put(fd, line, strlen(line));
}

/* One chunk; 0 = over, also when the proxy is to stop. */
static size_t take(const struct proxy *proxy, int fd, char *into, size_t room)
{
    struct pollfd watched[] = {{.fd = fd, .events = POLLIN}, {.fd = proxy->stop[0]}};
    if (poll(watched, 2, PROXY_LIMIT_MS) <= 0 || watched[1].revents != 0) return 0;
    ssize_t got = recv(fd, into, room, 0);
    return got > 0 ? (size_t)got : 0;
}

static bool take_head(struct connection *connection)
{
    for (;;) {
        char *end = strstr(connection->head, "\r\n\r\n");
        if (end != NULL) {
            connection->body = (size_t)(end + 4 - connection->head);
            return true;
        }
        size_t room = sizeof connection->head - 1 - connection->len;
        size_t got = take(connection->proxy, connection->fd, connection->head + connection->len, room);
        if (got == 0) return false; /* over, or no head at all */
        note(connection->proxy, connection->head + connection->len, got);
        connection->len += got;
    }
}

static bool may_pass(const struct connection *connection)
{
    char line[128];
    if (connection->proxy->credentials == NULL) return true;
    snprintf(line, sizeof line, "\r\nProxy-Authorization: Basic %s\r\n", connection->proxy->credentials);
    const char *found = strstr(connection->head, line);
    return found != NULL && found < connection->head + connection->body;
}

static int connect_loopback(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

/* Both ways, until one of the two is done. */
static void relay(struct proxy *proxy, int client, int server)
{
    char bytes[16384];
    for (;;) {
        struct pollfd watched[] = {
            {.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}, {.fd = proxy->stop[0]}};
        if (poll(watched, 3, PROXY_LIMIT_MS) <= 0 || watched[2].revents != 0) return;
        int from = watched[1].revents != 0 ? server : client;
        ssize_t got = recv(from, bytes, sizeof bytes, 0);
        if (got <= 0) return;
        if (from == client) note(proxy, bytes, (size_t)got);
        if (!put(from == client ? server : client, bytes, (size_t)got)) return;
    }
}

/* The head as the server wants it: no origin in the path, no Proxy- lines, and one request a connection. */
static bool put_forwarded_head(const struct connection *connection, int server)
{
    const char *head = connection->head;
    const char *path = strchr(strstr(head, "://") + 3, '/');
    const char *end = head + connection->body - 2;
    if (!put(server, head, strcspn(head, " ") + 1)) return false;
    for (const char *line = path; line < end;) {
        size_t len = (size_t)(strstr(line, "\r\n") + 2 - line);
        if (strncasecmp(line, "Proxy-", 6) != 0 && !put(server, line, len)) return false;
        line += len;
    }
    return put_text(server, "Connection: close\r\n\r\n");
}

static bool open_way(struct connection *connection, bool tunnel, int server)
{
    add(connection->proxy, tunnel ? &connection->proxy->tunnels : &connection->proxy->forwarded);
    if (tunnel && !put_text(connection->fd, "HTTP/1.1 200 Connection established\r\n\r\n")) return false;
    if (!tunnel && !put_forwarded_head(connection, server)) return false;
    return put(server, connection->head + connection->body, connection->len - connection->body);
}

static void serve(struct connection *connection)
{
    unsigned port = 0;
    if (!take_head(connection)) return;
    if (!may_pass(connection)) {
        add(connection->proxy, &connection->proxy->refused);
        put_text(connection->fd, "HTTP/1.1 407 Proxy Authentication Required\r\n"
                                 "Proxy-Authenticate: Basic realm=\"test\"\r\n"
                                 "Content-Length: 0\r\nConnection: close\r\n\r\n");
        return;
    }
    bool tunnel = sscanf(connection->head, "CONNECT 127.0.0.1:%u HTTP", &port) == 1;
    if (!tunnel && sscanf(connection->head, "%*s http://127.0.0.1:%u/", &port) != 1) return;
    int server = connect_loopback(port);
    if (server < 0) return;
    if (open_way(connection, tunnel, server)) relay(connection->proxy, connection->fd, server);
    close(server);
}

static void *serve_thread(void *argument)
{
    struct connection *connection = argument;
    serve(connection);
    close(connection->fd);
    return NULL;
}

static void *accept_thread(void *argument)
{
    struct proxy *proxy = argument;
    struct connection *all[CONNECTIONS_MAX];
    size_t used = 0;
    struct pollfd watched[] = {{.fd = proxy->listener, .events = POLLIN}, {.fd = proxy->stop[0]}};
    while (used < CONNECTIONS_MAX && poll(watched, 2, -1) > 0 && watched[1].revents == 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        connection->proxy = proxy;
        connection->fd = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
        pthread_create(&connection->thread, NULL, serve_thread, connection);
        all[used++] = connection;
    }
    for (size_t i = 0; i < used; i++) {
        pthread_join(all[i]->thread, NULL);
        free(all[i]);
    }
    return NULL;
}

/* Failures to set up end the process with a message. */
static void must(int result, const char *what)
{
    if (result == 0) return;
    perror(what);
    exit(1);
}

void proxy_start(struct proxy *proxy, const char *credentials)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    *proxy = (struct proxy){.credentials = credentials, .lock = PTHREAD_MUTEX_INITIALIZER};
    proxy->seen = malloc(SEEN_MAX);
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(pipe2(proxy->stop, O_CLOEXEC), "pipe");
    must(bind(proxy->listener, (struct sockaddr *)&address, len), "bind");
    must(listen(proxy->listener, 32), "listen");
    must(getsockname(proxy->listener, (struct sockaddr *)&address, &len), "getsockname");
    proxy->port = ntohs(address.sin_port);
    must(pthread_create(&proxy->thread, NULL, accept_thread, proxy), "pthread_create");
}

void proxy_stop(struct proxy *proxy)
{
    close(proxy->stop[1]);
    pthread_join(proxy->thread, NULL);
    close(proxy->stop[0]);
    close(proxy->listener);
    free(proxy->seen);
}
