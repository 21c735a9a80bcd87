/* The I/O thread as a guest: it starts once, survives fork(), and touches nothing of its host's: descriptors,
 * signals, programs. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_testing.h"

/* -- The I/O threads of this process ----------------------------------------------------------- */

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

/* -- A good guest ------------------------------------------------------------------------------ */

static int is_any(int number)
{
    (void)number;
    return 1;
}

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
    for (int64_t start = clock_now_ms(); count_fds(is_any) > before && look_again(start);)
        ;
    assert_in_range(count_fds(is_any), 0, before);
    canned_stop(server);
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

/* Threads of the resolver's come and go: one that has gone between two looks takes none either. */
static int takes_signals(int task)
{
    uint64_t never = 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1) | 3ull << 31; /* 32 and 33 are glibc's */
    return is_io_thread(task) && (blocked_signals(task) | never) != UINT64_MAX && is_io_thread(task);
}

static void test_the_io_thread_takes_no_signals(void **state)
{
    (void)state;
    assert_true(count_io_threads() > 0); /* the resolver's threads inherit name and mask */
    assert_int_equal(each_number("/proc/self/task", takes_signals), 0);
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

/* A child that closes what it does not know, and opens other files, finds nothing written to them. */
static int cancel_beside_other_files(const char *url)
{
    eep_cancel *token = cancel_create();
    int file = memfd_create("other", 0);
    (void)url;
    for (int fd = 3; fd < 256; fd++)
        if (fd != file) dup2(file, fd);
    cancel_fire(token);
    cancel_destroy(token);
    return lseek(file, 0, SEEK_END) == 0 ? 0 : 1;
}

static void test_a_childs_files_are_its_own(void **state)
{
    SKIP_IF_FORK_IS_NOT_POSSIBLE();
    struct canned_server *server = canned_start(always_ok, 1);
    (void)state;
    struct trial trial = trial_get(canned_url(server));
    trial_succeeds(&trial, 200, "{}");
    trial_finish(&trial);
    assert_int_equal(in_child(cancel_beside_other_files, NULL), 0);
    canned_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_threads_are_first),
        cmocka_unit_test(test_many_threads_are_first_after_fork),
        cmocka_unit_test(test_descriptors_are_given_back),
        cmocka_unit_test(test_programs_inherit_nothing),
        cmocka_unit_test(test_the_io_thread_takes_no_signals),
        cmocka_unit_test(test_signals_stay_the_hosts),
        cmocka_unit_test(test_no_sigpipe),
        cmocka_unit_test(test_fork_with_a_request_in_flight),
        cmocka_unit_test(test_cancel_after_fork),
        cmocka_unit_test(test_a_childs_files_are_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
