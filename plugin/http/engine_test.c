/* The I/O thread as a guest: it starts once, keeps time, lets go when told to, survives fork(), and touches
 * nothing of its host's. */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http_testing.h"

#define LIMIT_MS 10000

#ifdef __SANITIZE_THREAD__
#define SKIP_IF_FORK_IS_NOT_POSSIBLE() skip() /* ThreadSanitizer cannot follow threads into a child */
#else
#define SKIP_IF_FORK_IS_NOT_POSSIBLE() (void)0
#endif

/* A look of a bounded wait: another one is due. */
static bool look_again(int64_t start)
{
    if (clock_now_ms() - start > LIMIT_MS) return false;
    usleep(1000);
    return true;
}

/* -- A resolver that can be held --------------------------------------------------------------- */

static atomic_bool resolver_held;
static atomic_int resolving;

/* libcurl calls this one: "held.test" is not answered while resolver_held. Visible, unlike all else here. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **out)
{
    typedef int function(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!node || strcmp(node, "held.test") != 0) {
        void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
        function *real;
        memcpy(&real, &symbol, sizeof real);
        return real(node, service, hints, out);
    }
    int64_t start = clock_now_ms();
    atomic_fetch_add(&resolving, 1);
    while (atomic_load(&resolver_held) && look_again(start))
        ;
    atomic_fetch_sub(&resolving, 1);
    return EAI_AGAIN;
}

static void await_resolving(int count)
{
    int64_t start = clock_now_ms();
    while (atomic_load(&resolving) != count && look_again(start))
        ;
    assert_int_equal(atomic_load(&resolving), count);
}

/* -- A trial on a thread of its own ------------------------------------------------------------ */

struct runner {
    pthread_t thread;
    struct trial trial;
};

static void *runner_main(void *argument)
{
    struct runner *runner = argument;
    trial_run(&runner->trial);
    return NULL;
}

static void runner_start(struct runner *runner, struct trial trial)
{
    runner->trial = trial;
    assert_int_equal(pthread_create(&runner->thread, NULL, runner_main, runner), 0);
}

static void runner_join(struct runner *runner)
{
    pthread_join(runner->thread, NULL);
    trial_finish(&runner->trial);
}

/* -- Descriptors and threads of this process --------------------------------------------------- */

/* Calls visit for each number in a folder of /proc; returns the sum of what it returns. */
static int each_number(const char *folder, int (*visit)(int number))
{
    int sum = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int number = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && number != dirfd(dir)) sum += visit(number);
    }
    closedir(dir);
    return sum;
}

static int is_any(int number)
{
    (void)number;
    return 1;
}

static int is_inet_socket(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    return getsockname(fd, (struct sockaddr *)&address, &len) == 0 && address.ss_family == AF_INET;
}

/* libcurl's own pairs of local sockets lead nowhere; connections and the engine's eventfd must not be passed
 * on. */
static int is_inherited_by_programs(int fd)
{
    char path[32];
    char target[64] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (readlink(path, target, sizeof target - 1) < 0) return 0;
    if (!is_inet_socket(fd) && !strstr(target, "eventfd")) return 0;
    return !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static int count_fds(int (*visit)(int fd))
{
    return each_number("/proc/self/fd", visit);
}

static void await_sockets(int count)
{
    int64_t start = clock_now_ms();
    while (count_fds(is_inet_socket) < count && look_again(start))
        ;
    assert_true(count_fds(is_inet_socket) >= count);
}

static void read_task(int task, const char *file, char *out, size_t cap)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/%s", task, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, cap - 1);
    out[got < 0 ? 0 : got] = '\0';
    if (fd >= 0) close(fd);
}

static int is_io_thread(int task)
{
    char name[32];
    read_task(task, "comm", name, sizeof name);
    return strcmp(name, "eep-io\n") == 0;
}

static int count_io_threads(void)
{
    return each_number("/proc/self/task", is_io_thread);
}

/* The others have lost the race to be the first, and end. */
static bool one_io_thread_is_left(void)
{
    int64_t start = clock_now_ms();
    while (count_io_threads() != 1 && look_again(start))
        ;
    return count_io_threads() == 1;
}

/* -- Starting ---------------------------------------------------------------------------------- */

static const struct canned_exchange always_ok[] = {{.body = "{}", .times = CANNED_ALWAYS}};

enum { MANY = 32 };

/* All at once. Returns how many succeeded. */
static int run_many(const char *url)
{
    struct runner runners[MANY];
    int succeeded = 0;
    for (size_t i = 0; i < MANY; i++)
        runner_start(&runners[i], trial_get(url));
    for (size_t i = 0; i < MANY; i++) {
        runner_join(&runners[i]);
        succeeded += runners[i].trial.status == EEP_OK;
    }
    return succeeded;
}

/* Must be the first of all tests: nothing has started the engine yet. */
static void test_many_threads_are_first(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    (void)state;
    assert_int_equal(count_io_threads(), 0);
    assert_int_equal(run_many(canned_url(server)), MANY);
    assert_true(one_io_thread_is_left());
    assert_int_equal(canned_count(server, NULL), MANY);
    canned_stop(server);
}

/* Runs body in a child; its exit status. The child is killed when it takes too long. */
static int in_child(int (*body)(const char *url), const char *url)
{
    int status = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(body(url));
    int64_t start = clock_now_ms();
    while (waitpid(child, &status, WNOHANG) == 0)
        if (!look_again(start)) kill(child, SIGKILL);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int many_in_child(const char *url)
{
    return run_many(url) == MANY && one_io_thread_is_left() ? 0 : 1;
}

static void test_many_threads_are_first_after_fork(void **state)
{
    SKIP_IF_FORK_IS_NOT_POSSIBLE();
    struct canned_server *server = canned_start(always_ok, 1);
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(in_child(many_in_child, canned_url(server)), 0);
    canned_stop(server);
}

/* -- Time -------------------------------------------------------------------------------------- */

static void expect_deadline(struct trial trial, bool maybe_applied)
{
    trial.wait.deadline = clock_now_ms() + 150;
    trial_fails(&trial, EEP_E_DEADLINE, maybe_applied);
    assert_in_range(trial.took_ms, 149, 150 + LATE_MS);
    assert_true(trial.err.flags & EEP_ERROR_RETRYABLE);
}

static void test_deadlines(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/silent", .action = CANNED_STALL, .status = -1, .times = CANNED_ALWAYS},
        {.expect = "/head", .action = CANNED_STALL, .raw = "HTTP/1.1 200 OK\r\nX: ", .times = CANNED_ALWAYS},
        {.expect = "/body", .action = CANNED_STALL, .body = "{", .promise = 9, .times = CANNED_ALWAYS},
    };
    static const char *const paths[] = {"/silent", "/head", "/body"};
    struct canned_server *server = canned_start(script, COUNT(script));
    (void)state;
    for (size_t i = 0; i < COUNT(paths); i++) {
        expect_deadline(trial_make("GET", canned_url(server), paths[i]), false);
        expect_deadline(trial_make("POST", canned_url(server), paths[i]), true);
    }
    canned_stop(server);
}

static void test_deadlines_before_there_is_a_connection(void **state)
{
    static const struct canned_exchange greeting = {
        .unread = true, .status = -1, .action = CANNED_STALL, .times = CANNED_ALWAYS};
    struct canned_server *server = canned_start(&greeting, 1);
    struct canned_void hole;
    char url[64];
    (void)state;
    canned_void_open(&hole);
    expect_deadline(trial_post(hole.url, STR("{}")), false);
    canned_void_close(&hole);
    snprintf(url, sizeof url, "https%s", canned_url(server) + 4);
    expect_deadline(trial_post(url, STR("{}")), false);
    canned_stop(server);
    atomic_store(&resolver_held, true);
    expect_deadline(trial_post("http://held.test", STR("{}")), false);
    atomic_store(&resolver_held, false);
    await_resolving(0);
}

static void test_a_deadline_that_has_passed(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    struct trial trial = trial_post(canned_url(server), STR("{}"));
    (void)state;
    trial.wait.deadline = clock_now_ms();
    trial_fails(&trial, EEP_E_DEADLINE, false);
    assert_int_equal(canned_connections(server), 0);
    canned_stop(server);
}

/* timeout_ms has 32 bits. */
static void test_a_deadline_far_away(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    struct trial trial = trial_get(canned_url(server));
    (void)state;
    trial.wait.deadline = clock_now_ms() + UINT32_MAX;
    trial_succeeds(&trial, 200, "{}");
    trial_finish(&trial);
    canned_stop(server);
}

/* There is time left, so another try may help. */
static void test_the_connect_timeout_is_not_the_deadline(void **state)
{
    struct canned_void hole;
    (void)state;
    canned_void_open(&hole);
    struct trial trial = trial_post(hole.url, STR("{}"));
    trial.profile.connect_timeout_ms = 100;
    trial_fails(&trial, EEP_E_UNAVAILABLE, false);
    assert_in_range(trial.took_ms, 99, 100 + LATE_MS);
    assert_true(trial.err.flags & EEP_ERROR_RETRYABLE);
    canned_void_close(&hole);
}

/* -- Cancelling -------------------------------------------------------------------------------- */

/* Fires when `ready` says that the request is where it is wanted; it must end at once. */
static void expect_cancelled(struct trial trial, void (*ready)(void *ctx), void *ctx, bool maybe_applied)
{
    struct runner runner;
    eep_cancel *token = cancel_create();
    trial.wait.cancel = token;
    runner_start(&runner, trial);
    ready(ctx);
    int64_t fired = clock_now_ms();
    cancel_fire(token);
    runner_join(&runner);
    assert_in_range(clock_now_ms() - fired, 0, LATE_MS);
    assert_int_equal(runner.trial.status, EEP_E_CANCELLED);
    assert_int_equal(!!(runner.trial.err.flags & EEP_ERROR_MAYBE_APPLIED), maybe_applied);
    cancel_destroy(token);
}

static void until_stalled(void *server)
{
    assert_true(canned_await_stalls(server, 1));
}

static void until_connecting(void *sockets)
{
    await_sockets(*(int *)sockets + 1);
}

static void until_resolving(void *ctx)
{
    (void)ctx;
    await_resolving(1);
}

static void test_cancel_while_waiting_for_the_server(void **state)
{
    static const struct canned_exchange scripts[] = {
        {.action = CANNED_STALL, .status = -1},
        {.action = CANNED_STALL, .raw = "HTTP/1.1 200 OK\r\nX: "},
        {.action = CANNED_STALL, .body = "{\"id\":", .promise = 100},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(scripts); i++) {
        struct canned_server *server = canned_start(&scripts[i], 1);
        expect_cancelled(trial_post(canned_url(server), STR("{}")), until_stalled, server, true);
        assert_true(canned_await_closed(server, 1)); /* and the connection is gone */
        canned_stop(server);
    }
}

static void test_cancel_a_get(void **state)
{
    static const struct canned_exchange script = {.action = CANNED_STALL, .status = -1};
    struct canned_server *server = canned_start(&script, 1);
    (void)state;
    expect_cancelled(trial_get(canned_url(server)), until_stalled, server, false);
    canned_stop(server);
}

static void test_cancel_while_connecting(void **state)
{
    struct canned_void hole;
    (void)state;
    canned_void_open(&hole);
    int sockets = count_fds(is_inet_socket);
    expect_cancelled(trial_post(hole.url, STR("{}")), until_connecting, &sockets, false);
    canned_void_close(&hole);
}

/* Looking a name up takes a thread that cannot be stopped: nobody may have to wait for it. */
static void test_cancel_while_resolving(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    struct trial other = trial_get(canned_url(server));
    (void)state;
    atomic_store(&resolver_held, true);
    expect_cancelled(trial_post("http://held.test", STR("{}")), until_resolving, NULL, false);
    trial_succeeds(&other, 200, "{}");
    assert_in_range(other.took_ms, 0, LATE_MS);
    trial_finish(&other);
    atomic_store(&resolver_held, false);
    await_resolving(0);
    canned_stop(server);
}

static void test_a_token_that_was_fired_before(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    struct trial trial = trial_post(canned_url(server), STR("{}"));
    eep_cancel *token = cancel_create();
    (void)state;
    cancel_fire(token);
    trial.wait.cancel = token;
    trial_fails(&trial, EEP_E_CANCELLED, false);
    assert_int_equal(canned_connections(server), 0);
    cancel_destroy(token);
    canned_stop(server);
}

static void test_while_undoing_only_the_second_fire_counts(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET", .body = "{}"},
        {.expect = "POST", .action = CANNED_STALL, .status = -1},
    };
    struct canned_server *server = canned_start(script, COUNT(script));
    struct trial quick = trial_get(canned_url(server));
    struct trial slow = trial_post(canned_url(server), STR("{}"));
    struct runner runner;
    eep_cancel *token = cancel_create();
    (void)state;
    cancel_fire(token);
    quick.wait.cancel = slow.wait.cancel = token;
    quick.wait.cancel_level = slow.wait.cancel_level = 2;
    trial_succeeds(&quick, 200, "{}");
    trial_finish(&quick);
    runner_start(&runner, slow);
    until_stalled(server);
    cancel_fire(token);
    runner_join(&runner);
    assert_int_equal(runner.trial.status, EEP_E_CANCELLED);
    cancel_destroy(token);
    canned_stop(server);
}

static void test_one_token_ends_many_requests(void **state)
{
    static const struct canned_exchange script = {
        .action = CANNED_STALL, .status = -1, .times = CANNED_ALWAYS};
    struct canned_server *server = canned_start(&script, 1);
    struct runner runners[MANY];
    eep_cancel *token = cancel_create();
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        struct trial trial = trial_get(canned_url(server));
        trial.wait.cancel = token;
        runner_start(&runners[i], trial);
    }
    assert_true(canned_await_stalls(server, MANY));
    int64_t fired = clock_now_ms();
    cancel_fire(token);
    for (size_t i = 0; i < MANY; i++) {
        runner_join(&runners[i]);
        assert_int_equal(runners[i].trial.status, EEP_E_CANCELLED);
    }
    assert_in_range(clock_now_ms() - fired, 0, LATE_MS);
    cancel_destroy(token);
    canned_stop(server);
}

static eep_cancel *signal_token;

static void fire_on_signal(int number)
{
    (void)number;
    cancel_fire(signal_token);
}

static void test_cancel_from_a_signal_handler(void **state)
{
    static const struct canned_exchange script = {.action = CANNED_STALL, .status = -1};
    struct canned_server *server = canned_start(&script, 1);
    struct sigaction action = {.sa_handler = fire_on_signal};
    struct sigaction old;
    struct runner runner;
    struct trial trial = trial_get(canned_url(server));
    (void)state;
    signal_token = cancel_create();
    trial.wait.cancel = signal_token;
    sigaction(SIGUSR1, &action, &old);
    runner_start(&runner, trial);
    until_stalled(server);
    int64_t fired = clock_now_ms();
    pthread_kill(runner.thread, SIGUSR1);
    runner_join(&runner);
    assert_in_range(clock_now_ms() - fired, 0, LATE_MS);
    assert_int_equal(runner.trial.status, EEP_E_CANCELLED);
    sigaction(SIGUSR1, &old, NULL);
    cancel_destroy(signal_token);
    canned_stop(server);
}

static void test_closing_ends_requests_and_sleeps(void **state)
{
    static const struct canned_exchange script = {.action = CANNED_STALL, .status = -1};
    struct canned_server *server = canned_start(&script, 1);
    struct trial trial = trial_post(canned_url(server), STR("{}"));
    struct runner runner;
    struct err err = ERR_INIT;
    atomic_bool closing = false;
    (void)state;
    trial.wait.closing = &closing;
    runner_start(&runner, trial);
    until_stalled(server);
    atomic_store(&closing, true);
    wake();
    runner_join(&runner);
    assert_int_equal(runner.trial.status, EEP_E_SHUTDOWN);
    assert_true(runner.trial.err.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_int_equal(engine_sleep(clock_now_ms() + 5000, &trial.wait, &err), EEP_E_SHUTDOWN);
    canned_stop(server);
}

/* -- Sleeping ---------------------------------------------------------------------------------- */

static void test_sleeps(void **state)
{
    struct err err = ERR_INIT;
    int64_t start = clock_now_ms();
    struct wait wait = {.deadline = start + 300, .cancel_level = 1};
    (void)state;
    assert_int_equal(engine_sleep(start - 5, &wait, &err), EEP_OK);
    assert_in_range(clock_now_ms() - start, 0, LATE_MS);
    start = clock_now_ms();
    assert_int_equal(engine_sleep(start + 60, &wait, &err), EEP_OK);
    assert_in_range(clock_now_ms() - start, 60, 60 + LATE_MS);
    start = clock_now_ms();
    wait.deadline = start + 60;
    assert_int_equal(engine_sleep(start + 5000, &wait, &err), EEP_E_DEADLINE);
    assert_in_range(clock_now_ms() - start, 60, 60 + LATE_MS);
}

struct sleeper {
    pthread_t thread;
    struct wait wait;
    int status;
};

static void *sleeper_main(void *argument)
{
    struct sleeper *sleeper = argument;
    struct err err = ERR_INIT;
    sleeper->status = engine_sleep(clock_now_ms() + LIMIT_MS, &sleeper->wait, &err);
    return NULL;
}

static void test_cancel_a_sleep(void **state)
{
    eep_cancel *token = cancel_create();
    int64_t start = clock_now_ms();
    struct sleeper sleeper = {.wait = {.deadline = start + LIMIT_MS, .cancel = token, .cancel_level = 1}};
    (void)state;
    assert_int_equal(pthread_create(&sleeper.thread, NULL, sleeper_main, &sleeper), 0);
    cancel_fire(token); /* before or while it sleeps */
    pthread_join(sleeper.thread, NULL);
    assert_int_equal(sleeper.status, EEP_E_CANCELLED);
    assert_in_range(clock_now_ms() - start, 0, LATE_MS);
    cancel_destroy(token);
}

/* -- Connections ------------------------------------------------------------------------------- */

static void test_connections_are_kept(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct trial trial = trial_get(canned_url(server));
        trial_succeeds(&trial, 200, "{}");
        trial_finish(&trial);
    }
    assert_int_equal(canned_connections(server), 1);
    canned_stop(server);
}

static void test_idle_connections_are_not_used_after_their_limit(void **state)
{
    struct canned_server *server = canned_start(always_ok, 1);
    struct trial first = trial_get(canned_url(server));
    struct trial second = trial_get(canned_url(server));
    struct err err = ERR_INIT;
    (void)state;
    second.request.idle_limit_s = 1;
    trial_succeeds(&first, 200, "{}");
    assert_int_equal(engine_sleep(clock_now_ms() + 2100, &second.wait, &err), EEP_OK);
    trial_succeeds(&second, 200, "{}");
    assert_int_equal(canned_connections(server), 2);
    trial_finish(&first);
    trial_finish(&second);
    canned_stop(server);
}

/* The server takes a request on a kept connection and dies: libcurl sends it again, POST or not. Who cannot
 * bear that asks for a fresh connection. */
static void test_libcurl_repeats_on_a_connection_that_died(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET"},
        {.expect = "POST", .status = -1, .action = CANNED_CLOSE},
        {.expect = "POST", .body = "second", .times = CANNED_ALWAYS},
    };
    (void)state;
    for (int fresh = 0; fresh <= 1; fresh++) {
        struct canned_server *server = canned_start(script, COUNT(script));
        struct trial first = trial_get(canned_url(server));
        struct trial post = trial_post(canned_url(server), STR("{}"));
        trial_succeeds(&first, 200, "");
        trial_finish(&first);
        post.request.fresh_connection = fresh;
        if (fresh)
            trial_fails(&post, EEP_E_UNAVAILABLE, true);
        else
            trial_succeeds(&post, 200, "second");
        trial_finish(&post);
        assert_int_equal(canned_count(server, "POST"), fresh ? 1 : 2);
        assert_int_equal(canned_connections(server), 2);
        canned_stop(server);
    }
}

static void test_what_comes_unasked_is_not_the_next_answer(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/first",
         .raw = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\n"
                "Content-Length: 4\r\n\r\nevil"},
        {.expect = "/second", .body = "2"},
    };
    struct canned_server *server = canned_start(script, COUNT(script));
    struct trial first = trial_make("GET", canned_url(server), "/first");
    struct trial second = trial_make("GET", canned_url(server), "/second");
    (void)state;
    trial_succeeds(&first, 200, "1");
    trial_succeeds(&second, 200, "2");
    trial_finish(&first);
    trial_finish(&second);
    canned_stop(server);
}

/* -- A good guest ------------------------------------------------------------------------------ */

static void test_descriptors_are_given_back(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/close", .body = "{}", .action = CANNED_CLOSE, .times = CANNED_ALWAYS},
        {.expect = "/reset", .status = -1, .action = CANNED_RESET, .times = CANNED_ALWAYS},
        {.expect = "/endless", .promise = 1u << 30, .action = CANNED_ENDLESS, .times = CANNED_ALWAYS},
    };
    static const char *const paths[] = {"/close", "/reset", "/endless"};
    struct canned_server *server = canned_start(script, COUNT(script));
    int before = 0;
    (void)state;
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < COUNT(paths); i++) {
            struct trial trial = trial_make("POST", canned_url(server), paths[i]);
            trial.request.headers = (const char *const[]){"Connection: close", NULL};
            trial_run(&trial);
            trial_finish(&trial);
        }
        assert_true(canned_await_closed(server, 3 * (round + 1)));
        if (round == 0) before = count_fds(is_any);
    }
    assert_in_range(count_fds(is_any), 0, before);
    canned_stop(server);
}

static void test_programs_inherit_nothing(void **state)
{
    static const struct canned_exchange script = {.action = CANNED_STALL, .status = -1};
    struct canned_server *server = canned_start(&script, 1);
    struct runner waiting;
    struct runner resolving_one;
    (void)state;
    atomic_store(&resolver_held, true);
    runner_start(&waiting, trial_get(canned_url(server)));
    runner_start(&resolving_one, trial_get("http://held.test"));
    until_stalled(server);
    await_resolving(1);
    assert_int_equal(count_fds(is_inherited_by_programs), 0);
    atomic_store(&resolver_held, false);
    canned_release(server);
    runner_join(&waiting);
    runner_join(&resolving_one);
    await_resolving(0);
    canned_stop(server);
}

static uint64_t blocked_signals(int task)
{
    char status[4096];
    read_task(task, "status", status, sizeof status);
    const char *line = strstr(status, "\nSigBlk:");
    return line ? strtoull(line + strlen("\nSigBlk:"), NULL, 16) : 0;
}

static int blocks_all_signals(int task)
{
    uint64_t never = 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1) | 3ull << 31; /* 32 and 33 are glibc's */
    return is_io_thread(task) && (blocked_signals(task) | never) == UINT64_MAX;
}

static void test_the_io_thread_takes_no_signals(void **state)
{
    (void)state;
    assert_true(count_io_threads() > 0); /* the resolver's threads inherit name and mask */
    assert_int_equal(each_number("/proc/self/task", blocks_all_signals), count_io_threads());
}

static void test_signals_stay_the_hosts(void **state)
{
    SKIP_IF_FORK_IS_NOT_POSSIBLE();
    struct canned_server *server = canned_start(always_ok, 1);
    struct sigaction before[65];
    sigset_t mask_before;
    sigset_t mask_after;
    (void)state;
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    for (int i = 1; i < 65; i++)
        sigaction(i, NULL, &before[i]);
    assert_int_equal(in_child(many_in_child, canned_url(server)), 0);
    struct trial trial = trial_get(canned_url(server));
    trial_succeeds(&trial, 200, "{}");
    trial_finish(&trial);
    for (int i = 1; i < 65; i++) {
        struct sigaction after;
        if (sigaction(i, NULL, &after) != 0) continue;
        assert_ptr_equal(after.sa_handler, before[i].sa_handler);
        assert_int_equal(after.sa_flags, before[i].sa_flags);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    assert_memory_equal(&mask_before, &mask_after, sizeof(uint64_t));
    canned_stop(server);
}

/* With the default disposition a single SIGPIPE would end the process. */
static void test_no_sigpipe(void **state)
{
    static const struct canned_exchange script[] = {
        {.unread = true, .status = -1, .action = CANNED_CLOSE, .times = CANNED_ALWAYS},
    };
    size_t len = 1 << 20;
    char *data = calloc(1, len);
    struct sigaction standard = {.sa_handler = SIG_DFL};
    struct sigaction old;
    struct canned_server *server = canned_start(script, COUNT(script));
    (void)state;
    assert_non_null(data);
    sigaction(SIGPIPE, &standard, &old);
    for (int i = 0; i < 100; i++) {
        struct trial trial = trial_post(canned_url(server), (eep_str){data, len});
        assert_int_equal(trial_run(&trial), EEP_E_UNAVAILABLE);
        trial_finish(&trial);
    }
    sigaction(SIGPIPE, &old, NULL);
    canned_stop(server);
    free(data);
}

/* -- fork -------------------------------------------------------------------------------------- */

static int one_in_child(const char *url)
{
    struct trial trial = trial_get(url);
    int status = trial_run(&trial);
    bool right = status == EEP_OK && str_is(buf_str(&trial.response.body), "{}");
    trial_finish(&trial);
    return right && one_io_thread_is_left() ? 0 : 1;
}

static void test_fork_with_a_request_in_flight(void **state)
{
    SKIP_IF_FORK_IS_NOT_POSSIBLE();
    static const struct canned_exchange script[] = {
        {.expect = "POST", .action = CANNED_STALL, .body = "{\"whole\":true}"},
        {.expect = "GET", .body = "{}", .times = CANNED_ALWAYS},
    };
    struct canned_server *server = canned_start(script, COUNT(script));
    struct runner runner;
    (void)state;
    struct trial kept = trial_get(canned_url(server)); /* an idle connection, which is the parent's */
    trial_succeeds(&kept, 200, "{}");
    trial_finish(&kept);
    runner_start(&runner, trial_post(canned_url(server), STR("{}")));
    assert_true(canned_await_requests(server, 2));
    for (int i = 0; i < 5; i++)
        assert_int_equal(in_child(one_in_child, canned_url(server)), 0);
    canned_release(server);
    pthread_join(runner.thread, NULL);
    assert_int_equal(runner.trial.status, EEP_OK);
    assert_string_equal(buf_cstr(&runner.trial.response.body), "{\"whole\":true}");
    trial_finish(&runner.trial);
    assert_int_equal(canned_count(server, "POST"), 1);
    canned_stop(server);
}

static int cancel_in_child(const char *url)
{
    struct runner runner;
    struct trial trial = trial_make("GET", url, "/stall");
    trial.wait.cancel = cancel_create();
    runner.trial = trial;
    if (!trial.wait.cancel || pthread_create(&runner.thread, NULL, runner_main, &runner) != 0) return 1;
    cancel_fire(trial.wait.cancel);
    pthread_join(runner.thread, NULL);
    return runner.trial.status == EEP_E_CANCELLED ? 0 : 1;
}

/* The child's tokens wake the child's engine. */
static void test_cancel_after_fork(void **state)
{
    SKIP_IF_FORK_IS_NOT_POSSIBLE();
    static const struct canned_exchange script = {
        .action = CANNED_STALL, .status = -1, .times = CANNED_ALWAYS};
    struct canned_server *server = canned_start(&script, 1);
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(in_child(cancel_in_child, canned_url(server)), 0);
    canned_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_threads_are_first),
        cmocka_unit_test(test_many_threads_are_first_after_fork),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_deadlines_before_there_is_a_connection),
        cmocka_unit_test(test_a_deadline_that_has_passed),
        cmocka_unit_test(test_a_deadline_far_away),
        cmocka_unit_test(test_the_connect_timeout_is_not_the_deadline),
        cmocka_unit_test(test_cancel_while_waiting_for_the_server),
        cmocka_unit_test(test_cancel_a_get),
        cmocka_unit_test(test_cancel_while_connecting),
        cmocka_unit_test(test_cancel_while_resolving),
        cmocka_unit_test(test_a_token_that_was_fired_before),
        cmocka_unit_test(test_while_undoing_only_the_second_fire_counts),
        cmocka_unit_test(test_one_token_ends_many_requests),
        cmocka_unit_test(test_cancel_from_a_signal_handler),
        cmocka_unit_test(test_closing_ends_requests_and_sleeps),
        cmocka_unit_test(test_sleeps),
        cmocka_unit_test(test_cancel_a_sleep),
        cmocka_unit_test(test_connections_are_kept),
        cmocka_unit_test(test_idle_connections_are_not_used_after_their_limit),
        cmocka_unit_test(test_libcurl_repeats_on_a_connection_that_died),
        cmocka_unit_test(test_what_comes_unasked_is_not_the_next_answer),
        cmocka_unit_test(test_descriptors_are_given_back),
        cmocka_unit_test(test_programs_inherit_nothing),
        cmocka_unit_test(test_the_io_thread_takes_no_signals),
        cmocka_unit_test(test_signals_stay_the_hosts),
        cmocka_unit_test(test_no_sigpipe),
        cmocka_unit_test(test_fork_with_a_request_in_flight),
        cmocka_unit_test(test_cancel_after_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
