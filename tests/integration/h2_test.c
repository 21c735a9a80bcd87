/* h2_test.c: HTTP/2, where TLS agrees on it: nghttpx in front of the stand-in. Many commands share a connection, one
 * that is cancelled disturbs no other, and a front that dies or stops loses and doubles nothing. */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async_host.h"
#include "process.h"
#include "tests/support/cutter.h"

static struct standin standin;
static eep_env *env;
static char lease[EEP_LEASE_MAX + 1];

/* -- The front --------------------------------------------------------------------------------- */

static struct {
    pid_t pid;
    unsigned port;
    char folder[64];
} front;

static char *in_folder(const char *name)
{
    static char paths[4][128];
    static size_t turn;
    char *path = paths[turn++ % COUNT_OF(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", front.folder, name);
    return path;
}

static int connect_front(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)front.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int status = connect(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return status;
}

/* Its log has a line for each answer: protocol, the client's port, request line. */
static void front_start(void)
{
    char listen_at[64];
    char backend[64];
    char *log = in_folder("log");
    char *key = in_folder("key.pem");
    char *cert = in_folder("cert.pem");
    snprintf(listen_at, sizeof listen_at, "--frontend=127.0.0.1,%u", front.port);
    snprintf(backend, sizeof backend, "--backend=127.0.0.1,%u", standin.port);
    front.pid = fork();
    if (front.pid == 0) {
        char access[160];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
        snprintf(access, sizeof access, "--accesslog-file=%s", log);
        execlp("nghttpx", "nghttpx", "--conf=/dev/null", "--log-level=ERROR", "--no-ocsp", "--single-process",
               "--no-add-x-forwarded-proto", "--accesslog-format=$alpn $remote_port $request", access,
               listen_at, backend, key, cert, (char *)NULL);
        _exit(126);
    }
    AWAIT(connect_front() == 0);
}

static void front_kill(void)
{
    kill(front.pid, SIGKILL);
    waitpid(front.pid, NULL, 0);
}

static void front_forget(void)
{
    assert_int_equal(truncate(in_folder("log"), 0), 0);
}

struct seen {
    size_t requests;
    size_t h2;
    size_t connections;
};

static struct seen front_seen(const char *path)
{
    struct seen seen = {0};
    unsigned ports[256];
    char line[4096];
    FILE *log = fopen(in_folder("log"), "re");
    assert_non_null(log);
    while (fgets(line, sizeof line, log)) {
        char protocol[16];
        unsigned port = 0;
        size_t known = 0;
        if (sscanf(line, "%15s %u", protocol, &port) != 2 || !strstr(line, path)) continue;
        seen.requests++;
        seen.h2 += strcmp(protocol, "h2") == 0;
        while (known < seen.connections && ports[known] != port)
            known++;
        if (known == seen.connections && known < COUNT_OF(ports)) ports[seen.connections++] = port;
    }
    fclose(log);
    return seen;
}

static bool make_certificate(void)
{
    char command[512];
    snprintf(front.folder, sizeof front.folder, "/tmp/integration.XXXXXX");
    assert_non_null(mkdtemp(front.folder));
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext "
             "subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>/dev/null && command -v nghttpx >/dev/null",
             in_folder("key.pem"), in_folder("cert.pem"));
    return system(command) == 0;
}

static int start(void **state)
{
    char public_url[64];
    char port[16];
    char config[512];
    (void)state;
    if (!make_certificate()) {
        return 0;
    }
    front.port = cutter_free_port();
    snprintf(public_url, sizeof public_url, "https://127.0.0.1:%u", front.port);
    unsigned behind = cutter_free_port();
    snprintf(port, sizeof port, "%u", behind);
    standin_start(&standin, (const char *const[]){"--public-url", public_url, "--port", port, NULL});
    standin.port = behind; /* it told the public one */
    front_start();
    snprintf(config, sizeof config,
             "{'apiUrl':'%s/api','apiKey':'" SENTINEL "','caFile':'%s','timeoutMs':60000}", public_url,
             in_folder("cert.pem"));
    OUTCOME opened = host_open_text(config, &env);
    EXPECT(opened, EEP_OK);
    host_acquire(env, lease);
    return 0;
}

/* At the beginning of each test. */
#define NEED_FRONT()                                                                                         \
    do {                                                                                                     \
        if (env) break;                                                                                      \
        print_message("SKIP: openssl or nghttpx is not installed\n");                                        \
        skip();                                                                                              \
    } while (0)

static int stop(void **state)
{
    char command[128];
    (void)state;
    if (env) {
        host_destroy(env, lease);
        plugin()->close(env);
        front_kill();
        standin_stop(&standin);
    }
    snprintf(command, sizeof command, "rm -r %s", front.folder);
    return system(command);
}

/* -- Sharing a connection ---------------------------------------------------------------------- */

static void everything_goes_over_http_2(void **state)
{
    (void)state;
    NEED_FRONT();
    EXPECT_RUN(env, lease, "echo hello", "hello\n");
    AWAIT(front_seen("/").requests >= 3); /* acquire's and the execute's; it writes a line behind an answer */
    struct seen seen = front_seen("/");
    assert_int_equal(seen.h2, seen.requests);
}

static void many_share_few_connections(void **state)
{
    enum { OPS = 80 };
    uint64_t ops[OPS];
    (void)state;
    NEED_FRONT();
    front_forget();
    for (int i = 0; i < OPS; i++) {
        char script[64];
        snprintf(script, sizeof script, "echo %d; sleep 0.5", i);
        ops[i] = SUBMIT(env, "execute", eep_execute_request, eep_execution, 0, .lease = text(lease),
                        .script = text(script));
    }
    for (int i = 0; i < OPS; i++) {
        char expected[16];
        DONE done = async_await(env, ops[i]);
        if (done.event.code != EEP_OK) fail_msg("%s", done.event.error->message.ptr);
        snprintf(expected, sizeof expected, "%d\n", i);
        EXPECT_BYTES(((const eep_execution *)done.event.result)->stdout_data, expected, strlen(expected));
    }
    AWAIT(front_seen("/process/execute").requests >= OPS);
    struct seen seen = front_seen("/process/execute");
    assert_int_equal(seen.h2, seen.requests);
    assert_in_range(seen.connections, 1, 4);
}

static void large_bodies_both_ways(void **state)
{
    enum { SIZE = 8 << 20 };
    char *bytes = malloc(SIZE);
    (void)state;
    NEED_FRONT();
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("cat")), .stdin_data = {bytes, SIZE});
    EXPECT(ran, EEP_OK);
    EXPECT_BYTES(ran.execution.stdout_data, bytes, SIZE);
    free(bytes);
}

static void a_cancelled_one_disturbs_no_other(void **state)
{
    (void)state;
    NEED_FRONT();
    front_forget();
    uint64_t other = SUBMIT(env, "execute", eep_execute_request, eep_execution, 0, .lease = text(lease),
                            .script = TEXT("sleep 2; echo undisturbed"));
    uint64_t op = SUBMIT(env, "execute", eep_execute_request, eep_execution, 0, .lease = text(lease),
                         .script = TEXT("touch ~/asleep; sleep 60"));
    EXPECT_RUN(env, lease, "while [ ! -e ~/asleep ]; do sleep 0.02; done; rm ~/asleep", "");
    assert_int_equal(async_api()->cancel(env, op, NULL), EEP_OK);
    DONE cancelled = async_await(env, op);
    assert_int_equal(cancelled.event.code, EEP_E_CANCELLED);
    DONE undisturbed = async_await(env, other);
    assert_int_equal(undisturbed.event.code, EEP_OK);
    assert_int_equal(((const eep_execution *)undisturbed.event.result)->requests,
                     1); /* it was not asked for again */
    EXPECT_OUTPUT(((const eep_execution *)undisturbed.event.result)->stdout_data, "undisturbed\n");
}

/* -- A large one and short ones ---------------------------------------------------------------- */

/* Who has to wait for all of it does not get to the second. */
enum { BULK_BYTES = 250000000, SHORT = 20, SHORT_MIN = 4 };

struct bulk {
    pthread_t thread;
    char lease[EEP_LEASE_MAX + 1];
    atomic_size_t received;
    atomic_bool enough;
    int32_t code;
};

static int32_t take_bulk(void *ctx, uint32_t stream, const void *data, size_t len)
{
    struct bulk *bulk = ctx;
    (void)stream, (void)data;
    atomic_fetch_add(&bulk->received, len);
    return atomic_load(&bulk->enough);
}

static void *bulk_main(void *argument)
{
    struct bulk *bulk = argument;
    char script[64];
    snprintf(script, sizeof script, "head -c %d /dev/zero", BULK_BYTES);
    OUTCOME ran =
        EXECUTE(env, bulk->lease, .script = text(script), .on_output = take_bulk, .output_ctx = bulk);
    bulk->code = ran.code;
    return NULL;
}

/* Over the connections that they share, pieces of the large one and short ones take turns. */
static void a_large_output_lets_short_commands_through(void **state)
{
    struct bulk bulk = {.code = EEP_OK};
    int ran = 0;
    (void)state;
    NEED_FRONT();
    host_acquire(env, bulk.lease);
    EXPECT_RUN(env, lease, "true", "");
    front_forget();
    assert_int_equal(pthread_create(&bulk.thread, NULL, bulk_main, &bulk), 0);
    AWAIT(atomic_load(&bulk.received) > 1 << 20);
    while (ran < SHORT && atomic_load(&bulk.received) < BULK_BYTES) {
        EXPECT_RUN(env, lease, "echo short", "short\n");
        ran++;
    }
    size_t received = atomic_load(&bulk.received);
    atomic_store(&bulk.enough, true);
    pthread_join(bulk.thread, NULL);
    print_message("  %d short commands while %zu MB arrived\n", ran, received >> 20);
    assert_true(ran >= SHORT_MIN);
    assert_true(bulk.code == EEP_OK || bulk.code == EEP_E_CANCELLED);
    assert_in_range(front_seen("/").connections, 1, 4);
    host_destroy(env, bulk.lease);
}

/* -- A front that fails ------------------------------------------------------------------------ */

enum { RUNNING = 10 };

static void start_running(uint64_t ops[RUNNING])
{
    EXPECT_RUN(env, lease, "rm -f ~/ran; touch ~/ran", "");
    for (int i = 0; i < RUNNING; i++)
        ops[i] = SUBMIT(env, "execute", eep_execute_request, eep_execution, 0, .lease = text(lease),
                        .script = TEXT("echo x >>~/ran; sleep 2; echo done"));
    AWAIT(standin_total(&standin, "processes") > RUNNING);
}

static void expect_each_ran_once(const uint64_t ops[RUNNING])
{
    for (int i = 0; i < RUNNING; i++) {
        DONE done = async_await(env, ops[i]);
        if (done.event.code != EEP_OK) fail_msg("%s", done.event.error->message.ptr);
        EXPECT_OUTPUT(((const eep_execution *)done.event.result)->stdout_data, "done\n");
    }
    EXPECT_RUN(env, lease, "wc -l <~/ran", "10\n");
}

/* All connections end in the middle of everything. */
static void a_front_that_dies_doubles_nothing(void **state)
{
    uint64_t ops[RUNNING];
    (void)state;
    NEED_FRONT();
    start_running(ops);
    front_kill();
    front_start();
    expect_each_ran_once(ops);
}

/* Between two calls: the connection is dead when it is used again. */
static void a_connection_that_died_unseen_doubles_nothing(void **state)
{
    (void)state;
    NEED_FRONT();
    EXPECT_RUN(env, lease, "rm -f ~/ran; echo ready", "ready\n");
    for (int i = 0; i < 3; i++) {
        front_kill();
        front_start();
        EXPECT_RUN(env, lease, "echo x >>~/ran; echo once", "once\n");
    }
    EXPECT_RUN(env, lease, "wc -l <~/ran", "3\n");
}

/* It takes what is sent, and is silent for a while. */
static void a_front_that_stops_for_a_while_is_waited_for(void **state)
{
    uint64_t ops[RUNNING];
    (void)state;
    NEED_FRONT();
    start_running(ops);
    kill(front.pid, SIGSTOP);
    sleep(3); /* longer than the commands take */
    kill(front.pid, SIGCONT);
    expect_each_ran_once(ops);
}

/* -- Leaving in the middle --------------------------------------------------------------------- */

/* In a fresh process: libraries clean up at exit, with the I/O thread in the middle of TLS. */
static int exit_in_the_middle(const char *url, const char *cert, const char *id)
{
    char config[512];
    snprintf(config, sizeof config, "{'apiUrl':'%s/api','apiKey':'" SENTINEL "','caFile':'%s'}", url, cert);
    OUTCOME opened = host_open_text(config, &env);
    EXPECT(opened, EEP_OK);
    for (int i = 0; i < 10; i++)
        SUBMIT(env, "execute", eep_execute_request, eep_execution, EEP_ASYNC_OUTPUT, .lease = text(id),
               .script = TEXT("head -c 3000000 /dev/zero"));
    eep_event event = {.head.struct_size = sizeof event};
    uint32_t count = 0;
    assert_int_equal(async_api()->next(env, &event, 1, 0, LIMIT_MS, &count, NULL), EEP_OK);
    plugin()->clear(&event.head);
    exit(0);
}

static void a_host_may_exit_at_any_time(void **state)
{
    char url[64];
    (void)state;
    NEED_FRONT();
    snprintf(url, sizeof url, "https://127.0.0.1:%u", front.port);
    for (int i = 0; i < 5; i++)
        IN_FRESH_PROCESS(url, in_folder("cert.pem"), lease);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_goes_over_http_2),
        cmocka_unit_test(many_share_few_connections),
        cmocka_unit_test(large_bodies_both_ways),
        cmocka_unit_test(a_cancelled_one_disturbs_no_other),
        cmocka_unit_test(a_large_output_lets_short_commands_through),
        cmocka_unit_test(a_front_that_dies_doubles_nothing),
        cmocka_unit_test(a_connection_that_died_unseen_doubles_nothing),
        cmocka_unit_test(a_front_that_stops_for_a_while_is_waited_for),
        cmocka_unit_test(a_host_may_exit_at_any_time),
    };
    if (argc == 4) return exit_in_the_middle(argv[1], argv[2], argv[3]);
    return cmocka_run_group_tests(tests, start, stop);
}
