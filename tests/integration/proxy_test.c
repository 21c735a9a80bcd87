/* proxy_test.c: the key `proxy`: all goes through it, TLS reaches through it, and it learns no secret.
 *
 * The proxy is a real one, small, in this process: CONNECT, and plain requests forwarded one a connection. It
 * goes to loopback only. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"

/* -- The proxy --------------------------------------------------------------------------------- */

enum { CONNECTIONS_MAX = 128, HEAD_MAX = 16384, SEEN_MAX = 1 << 20 };

struct proxy {
    const char *credentials; /* what Basic must say; NULL = anybody may pass */
    int listener;
    int stop[2]; /* closing [1] ends all threads */
    unsigned port;
    pthread_t thread;

    pthread_mutex_t lock; /* of the rest */
    size_t tunnels;       /* CONNECTs that were let through */
    size_t forwarded;     /* plain requests that were */
    size_t refused;       /* 407 */
    char *seen;           /* all that clients have sent */
    size_t seen_len;
};

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

static bool saw(struct proxy *proxy, const char *what)
{
    pthread_mutex_lock(&proxy->lock);
    bool has = memmem(proxy->seen, proxy->seen_len, what, strlen(what)) != NULL;
    pthread_mutex_unlock(&proxy->lock);
    return has;
}

static size_t count(struct proxy *proxy, const size_t *counter)
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
    if (poll(watched, 2, LIMIT_MS) <= 0 || watched[1].revents != 0) return 0;
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
        if (poll(watched, 3, LIMIT_MS) <= 0 || watched[2].revents != 0) return;
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

static void proxy_start(struct proxy *proxy, const char *credentials)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    *proxy = (struct proxy){.credentials = credentials, .lock = PTHREAD_MUTEX_INITIALIZER};
    proxy->seen = malloc(SEEN_MAX);
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(pipe2(proxy->stop, O_CLOEXEC), 0);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(proxy->listener, 32), 0);
    assert_int_equal(getsockname(proxy->listener, (struct sockaddr *)&address, &len), 0);
    proxy->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&proxy->thread, NULL, accept_thread, proxy), 0);
}

static void proxy_stop(struct proxy *proxy)
{
    close(proxy->stop[1]);
    pthread_join(proxy->thread, NULL);
    close(proxy->stop[0]);
    close(proxy->listener);
    free(proxy->seen);
}

/* -- The servers behind it --------------------------------------------------------------------- */

static struct standin plain;
static struct standin secure; /* with a certificate of its own; port 0 = there is none */
static char directory[64];
static char cert[96];
static char key[96];

static bool make_certificate(void)
{
    char command[512];
    snprintf(directory, sizeof directory, "/tmp/integration.XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(cert, sizeof cert, "%s/cert.pem", directory);
    snprintf(key, sizeof key, "%s/key.pem", directory);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
             "-addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>/dev/null",
             key, cert);
    return system(command) == 0;
}

static int start(void **state)
{
    (void)state;
    standin_start(&plain, NULL);
    if (make_certificate())
        standin_start(&secure, (const char *const[]){"--tls-cert", cert, "--tls-key", key, NULL});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    standin_stop(&plain);
    standin_stop(&secure);
    unlink(cert);
    unlink(key);
    rmdir(directory);
    return 0;
}

static bool have_secure(void)
{
    if (secure.port == 0) print_message("SKIP: openssl is not installed\n");
    return secure.port != 0;
}

/* `login` is "" or "user:password@". */
static eep_env *open_through(const struct standin *standin, const struct proxy *proxy, const char *login,
                             const char *more)
{
    char config[512];
    snprintf(config, sizeof config, "'proxy':'http://%s127.0.0.1:%u'%s%s%s%s", login, proxy->port,
             standin == &secure ? ",'caFile':'" : "", standin == &secure ? cert : "",
             standin == &secure ? "'" : "", more);
    return host_open(standin, config);
}

static void go_round(eep_env *env)
{
    char lease[EEP_LEASE_MAX + 1];
    host_acquire(env, lease);
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("cat; echo done"), .stdin_data = BYTES("input "));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "input done\n");
    host_destroy(env, lease);
}

/* -- Passing ----------------------------------------------------------------------------------- */

#define LOGIN      "user:pass-7c21@"
#define LOGIN_WORD "pass-7c21"
#define LOGIN_B64  "dXNlcjpwYXNzLTdjMjE="

static void https_goes_through_a_tunnel_that_sees_nothing(void **state)
{
    (void)state;
    struct proxy proxy;
    if (!have_secure()) return;
    proxy_start(&proxy, NULL);
    eep_env *env = open_through(&secure, &proxy, "", "");
    go_round(env);
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_FULL);
    EXPECT(probed, EEP_OK);
    assert_int_equal(probed.probe.failed, 0);
    plugin()->close(env);
    assert_true(count(&proxy, &proxy.tunnels) > 0);
    assert_int_equal(count(&proxy, &proxy.forwarded), 0);
    assert_true(saw(&proxy, "CONNECT 127.0.0.1:"));
    assert_false(saw(&proxy, SENTINEL));
    assert_false(saw(&proxy, "Authorization"));
    proxy_stop(&proxy);
}

/* What is not encrypted the proxy must see: this also shows that looking for the key finds it. */
static void http_is_forwarded(void **state)
{
    (void)state;
    struct proxy proxy;
    proxy_start(&proxy, NULL);
    eep_env *env = open_through(&plain, &proxy, "", "");
    standin_forget(&plain);
    go_round(env);
    plugin()->close(env);
    assert_int_equal(count(&proxy, &proxy.tunnels), 0);
    assert_int_equal(count(&proxy, &proxy.forwarded), standin_count(&plain, NULL, NULL));
    assert_true(saw(&proxy, SENTINEL));
    proxy_stop(&proxy);
}

static void no_proxy_is_heeded(void **state)
{
    (void)state;
    struct proxy proxy;
    proxy_start(&proxy, NULL);
    eep_env *env = open_through(&plain, &proxy, "", ",'noProxy':'127.0.0.1'");
    go_round(env);
    plugin()->close(env);
    assert_int_equal(count(&proxy, &proxy.forwarded), 0);
    proxy_stop(&proxy);
}

static void the_password_in_the_url_is_for_the_proxy(void **state)
{
    (void)state;
    struct proxy proxy;
    if (!have_secure()) return;
    proxy_start(&proxy, LOGIN_B64);
    eep_env *env = open_through(&secure, &proxy, LOGIN, "");
    go_round(env);
    plugin()->close(env);
    assert_true(count(&proxy, &proxy.tunnels) > 0);
    assert_int_equal(count(&proxy, &proxy.refused), 0);
    assert_false(saw(&proxy, SENTINEL));
    assert_false(host_log_has(LOGIN_WORD));
    assert_false(host_log_has(LOGIN_B64));
    proxy_stop(&proxy);
}

/* -- Refused ----------------------------------------------------------------------------------- */

/* Nothing has been passed on, so nothing can have been done; who refuses is said, the password is not. */
static void expect_refused(const struct outcome *made, struct proxy *proxy)
{
    EXPECT(*made, EEP_E_INVALID_CONFIG);
    EXPECT_SAYS(*made, "proxy");
    EXPECT_SAYS(*made, "407");
    assert_null(strstr(made->err.message.ptr, LOGIN_WORD));
    assert_int_equal(made->err.head.flags & EEP_ERROR_MAYBE_APPLIED, 0);
    assert_null(made->err.lease.ptr);
    assert_true(count(proxy, &proxy->refused) > 0);
    assert_int_equal(count(proxy, &proxy->tunnels) + count(proxy, &proxy->forwarded), 0);
}

static void a_wrong_password_is_told_as_the_proxys_refusal(void **state)
{
    (void)state;
    struct proxy proxy;
    if (!have_secure()) return;
    proxy_start(&proxy, "b3RoZXI6b3RoZXI=");
    eep_env *env = open_through(&secure, &proxy, LOGIN, "");
    OUTCOME made = ACQUIRE(env, .head.timeout_ms = 3000);
    expect_refused(&made, &proxy);
    assert_false(saw(&proxy, SENTINEL));
    OUTCOME probed = PROBE(env, .head.timeout_ms = 3000);
    EXPECT(probed, EEP_OK);
    assert_int_equal(probed.probe.failed, 1);
    plugin()->close(env);
    proxy_stop(&proxy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(https_goes_through_a_tunnel_that_sees_nothing),
        cmocka_unit_test(http_is_forwarded),
        cmocka_unit_test(no_proxy_is_heeded),
        cmocka_unit_test(the_password_in_the_url_is_for_the_proxy),
        cmocka_unit_test(a_wrong_password_is_told_as_the_proxys_refusal),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
