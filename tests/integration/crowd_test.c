/* crowd_test.c: thousands of commands open at once from one thread, seen by a server that counts them
 * (tests/bench/delayserver); and a process that may have few descriptors, where they queue. */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async_host.h"
#include "process.h"

#ifdef __SANITIZE_ADDRESS__
enum { CROWD = 500, HOLD_MS = 4000 }; /* it makes everything many times slower */
#else
enum { CROWD = 4000, HOLD_MS = 5000 };
#endif

enum { LONG_MS = 15000 };

/* -- The server -------------------------------------------------------------------------------- */

struct delay_server {
    pid_t pid;
    char api[128];
};

/* It answers each command after so long, and none before so many have been open at once. */
static void delay_server_start(struct delay_server *server, int delay_ms, int hold)
{
    int out[2];
    char delay[16];
    char all[16];
    char *path = process_build_path("tests/bench/delayserver");
    snprintf(delay, sizeof delay, "%d", delay_ms);
    snprintf(all, sizeof all, "%d", hold);
    assert_int_equal(pipe(out), 0);
    server->pid = fork();
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], 1);
        execl(path, path, "--delay-ms", delay, "--hold", all, (char *)NULL);
        _exit(126);
    }
    close(out[1]);
    ssize_t got = read(out[0], server->api, sizeof server->api - 1);
    assert_true(got > 1);
    server->api[got - 1] = '\0'; /* the newline */
    close(out[0]);
    free(path);
}

static void delay_server_stop(struct delay_server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
}

static int connect_to(const struct delay_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(strrchr(server->api, ':') + 1)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = LIMIT_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* A number of its statistics. The answer is short, and comes in one piece. */
static long counted(const struct delay_server *server, const char *what)
{
    char answer[2048];
    char key[64];
    int fd = connect_to(server);
    dprintf(fd, "GET /_bench/stats HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ssize_t got = read(fd, answer, sizeof answer - 1);
    close(fd);
    assert_true(got > 0);
    answer[got] = '\0';
    snprintf(key, sizeof key, "\"%s\":", what);
    const char *at = strstr(answer, key);
    if (!at) fail_msg("the delay server does not tell %s: %s", what, answer);
    return atol(at + strlen(key));
}

static eep_env *open_env(const struct delay_server *server)
{
    char config[256];
    eep_env *env = NULL;
    snprintf(config, sizeof config, "{'apiUrl':'%s','apiKey':'" SENTINEL "','timeoutMs':60000}", server->api);
    OUTCOME opened = host_open_text(config, &env);
    EXPECT(opened, EEP_OK);
    return env;
}

/* -- This process ------------------------------------------------------------------------------ */

static long status_number(const char *name)
{
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "re");
    while (value < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0) value = atol(line + strlen(name));
    fclose(file);
    return value;
}

static bool may_have_descriptors(rlim_t wanted)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < wanted) return false;
    if (limit.rlim_cur < wanted) limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* -- Thousands --------------------------------------------------------------------------------- */

struct crowd {
    eep_env *env;
    long begun[CROWD]; /* by user_data */
    long took[CROWD];
    int ends;
    int failures;
};

static void submit_crowd(struct crowd *crowd, const char *lease, int count)
{
    eep_str argv[] = {TEXT("echo"), TEXT("hi")};
    eep_execute_request execute = {
        .head.struct_size = sizeof execute, .lease = text(lease), .argv = argv, .argv_count = 2};
    eep_async_request request = {.struct_size = sizeof request,
                                 .call = "execute",
                                 .request = &execute,
                                 .result_size = sizeof(eep_execution)};
    for (int i = 0; i < count; i++) {
        request.user_data = (uint64_t)i;
        crowd->begun[i] = now_ms();
        assert_int_equal(async_api()->submit(crowd->env, &request, NULL, NULL), EEP_OK);
    }
}

static void take_end(struct crowd *crowd, const eep_event *event)
{
    const eep_execution *result = event->result;
    assert_int_equal(event->type, EEP_EVENT_DONE);
    bool right = event->code == EEP_OK && result->stdout_data.len == 3;
    if (!right && crowd->failures++ == 0)
        print_error("%s\n", event->error ? event->error->message.ptr : "other output");
    assert_int_equal(crowd->took[event->user_data], 0); /* one end each */
    crowd->took[event->user_data] = now_ms() - crowd->begun[event->user_data];
    crowd->ends++;
}

/* One thread and poll, until so many have ended. */
static void read_crowd(struct crowd *crowd, int count)
{
    struct pollfd fd = {.events = POLLIN};
    assert_int_equal(async_api()->fd(crowd->env, &fd.fd, NULL), EEP_OK);
    while (crowd->ends < count) {
        eep_event events[64] = {0};
        uint32_t got = 0;
        for (size_t i = 0; i < COUNT_OF(events); i++)
            events[i].head.struct_size = sizeof events[i];
        if (poll(&fd, 1, LIMIT_MS) != 1) fail_msg("only %d of %d ended", crowd->ends, count);
        assert_int_equal(async_api()->next(crowd->env, events, COUNT_OF(events), 0, 0, &got, NULL), EEP_OK);
        for (uint32_t i = 0; i < got; i++) {
            take_end(crowd, &events[i]);
            plugin()->clear(&events[i].head);
        }
    }
}

static int by_size(const void *a, const void *b)
{
    long left = *(const long *)a;
    long right = *(const long *)b;
    return left < right ? -1 : left > right;
}

static void thousands_are_open_at_once(void **state)
{
    static struct crowd crowd;
    struct delay_server server;
    (void)state;
    if (!may_have_descriptors(2 * CROWD + CROWD / 2)) {
        print_message("SKIP: this process may not have %d descriptors\n", 2 * CROWD + CROWD / 2);
        skip();
    }
    delay_server_start(&server, HOLD_MS, CROWD);
    crowd.env = open_env(&server);
    long kib = status_number("VmRSS:");
    submit_crowd(&crowd, "lease", CROWD);
    AWAIT(counted(&server, "openMax") == CROWD);
    kib = status_number("VmRSS:") - kib;
    assert_in_range(status_number("Threads:"), 1, 8); /* some of them libcurl's, looking up the name */
    read_crowd(&crowd, CROWD);
    assert_int_equal(crowd.failures, 0);
    assert_int_equal(counted(&server, "openMax"), CROWD);
    assert_int_equal(counted(&server, "commands"), CROWD); /* none twice */
    qsort(crowd.took, CROWD, sizeof crowd.took[0], by_size);
    long p50 = crowd.took[CROWD / 2];
    long p99 = crowd.took[CROWD * 99 / 100];
    print_message("%d open at once: %ld KiB each, p50 %ld ms, p99 %ld ms\n", CROWD, kib / CROWD, p50, p99);
    assert_true(p99 <= 3 * p50);
#ifndef __SANITIZE_ADDRESS__
    assert_in_range(kib / CROWD, 0, 100);
#endif
    plugin()->close(crowd.env);
    delay_server_stop(&server);
}

/* -- Few descriptors --------------------------------------------------------------------------- */

/* In a fresh process. All come through, and none twice. */
static int with_few_descriptors(const char *api)
{
    enum { OPS = 400, DESCRIPTORS = 64 };
    static struct crowd crowd;
    struct delay_server server = {0};
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){DESCRIPTORS, DESCRIPTORS});
    snprintf(server.api, sizeof server.api, "%s", api);
    crowd.env = open_env(&server);
    submit_crowd(&crowd, "lease", OPS);
    read_crowd(&crowd, OPS);
    assert_int_equal(crowd.failures, 0);
    plugin()->close(crowd.env);
    return 0;
}

/* In a fresh process: all connections are taken for long. What cancels and what gives back goes at once; what has not
 * been sent is cancelled without a trace. */
static int cancels_go_at_once(const char *api)
{
    /* Of 64 descriptors, 32 are for connections, 30 for work, 27 for one origin (admission.h). */
    enum { OPS = 100, DESCRIPTORS = 64, AT_ONCE = 27 };
    struct delay_server server = {0};
    uint64_t ops[OPS];
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){DESCRIPTORS, DESCRIPTORS});
    snprintf(server.api, sizeof server.api, "%s", api);
    eep_env *env = open_env(&server);
    for (int i = 0; i < OPS; i++)
        ops[i] = SUBMIT(env, "execute", eep_execute_request, eep_execution, 0, .lease = TEXT("lease"),
                        .script = TEXT("echo hi"));
    AWAIT(counted(&server, "open") == AT_ONCE);
    long begin = now_ms();
    assert_int_equal(async_api()->cancel(env, ops[OPS - 1], NULL), EEP_OK); /* it waits for a connection */
    DONE unsent = async_await(env, ops[OPS - 1]);
    assert_int_equal(unsent.event.code, EEP_E_CANCELLED);
    assert_false(unsent.event.error->head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_int_equal(async_api()->cancel(env, ops[0], NULL), EEP_OK); /* it runs */
    DONE running = async_await(env, ops[0]);
    DONE released = async_await(env, SUBMIT(env, "release", eep_release_request, eep_released, 0,
                                            .lease = TEXT("lease"), .mode = EEP_RELEASE_DESTROY));
    assert_true(now_ms() - begin < LONG_MS / 2);
    /* One may have come in the place of ops[0]. */
    assert_in_range(counted(&server, "commands"), AT_ONCE, AT_ONCE + 1);
    async_api()->shutdown(env);
    for (int i = 1; i < OPS - 1; i++) {
        DONE ended = async_await(env, ops[i]); /* this server calls what is killed a good end */
        assert_true(ended.event.code == EEP_E_SHUTDOWN || ended.event.code == EEP_OK);
    }
    plugin()->close(env);
    return 0;
}

static void few_descriptors_make_a_queue(void **state)
{
    struct delay_server server;
    (void)state;
    delay_server_start(&server, 20, 0);
    IN_FRESH_PROCESS("few", server.api);
    assert_int_equal(counted(&server, "commands"), 400);
    assert_in_range(counted(&server, "connectionsMax"), 1, 32 + 1); /* half of 64, and ours */
    delay_server_stop(&server);
}

static void a_full_queue_lets_cancels_through(void **state)
{
    struct delay_server server;
    (void)state;
    delay_server_start(&server, LONG_MS, 0);
    IN_FRESH_PROCESS("cancel", server.api);
    delay_server_stop(&server);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_are_open_at_once),
        cmocka_unit_test(few_descriptors_make_a_queue),
        cmocka_unit_test(a_full_queue_lets_cancels_through),
    };
    if (argc == 3)
        return strcmp(argv[1], "few") == 0 ? with_few_descriptors(argv[2]) : cancels_go_at_once(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
