/* exit() with requests under way: libraries clean up then, so the I/O thread does not touch libcurl any more; and what
 * the host does in handlers of its own ends all the same.
 *
 * The test is a child that exits; the handler that looks around was registered before the engine's, and comes after it. */
#include <curl/curl.h>
#include <sys/wait.h>

#include "engine_testing.h"

enum { RUNNERS = 4 };

static atomic_uint curl_calls;

/* The I/O thread calls this one. */
__attribute__((visibility("default"))) CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t socket,
                                                                          int events, int *running)
{
    typedef CURLMcode function(CURLM *, curl_socket_t, int, int *);
    void *symbol = dlsym(RTLD_NEXT, "curl_multi_socket_action");
    function *real;
    memcpy(&real, &symbol, sizeof real);
    atomic_fetch_add(&curl_calls, 1);
    return real(multi, socket, events, running);
}

/* -- The child --------------------------------------------------------------------------------- */

static struct canned_server *server;
static struct trial stalled;
static atomic_bool stalled_is_back;

static void start(void *(*body)(void *argument))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, NULL) != 0 || pthread_detach(thread) != 0) _exit(21);
}

static void *stall(void *argument)
{
    trial_run(&stalled);
    atomic_store(&stalled_is_back, true);
    return argument;
}

/* So that there is always something to do for libcurl. */
static void *ask_again_and_again(void *argument)
{
    for (bool well = true; well;) {
        struct trial trial = trial_make("GET", canned_url(server), "/ok");
        well = trial_run(&trial) == EEP_OK;
        trial_finish(&trial);
    }
    return argument;
}

static bool comes_true(atomic_bool *what)
{
    int64_t start = clock_now_ms();
    while (!atomic_load(what) && look_again(start))
        ;
    return atomic_load(what);
}

/* Its exit code is the step that went wrong. */
static void look_around(void)
{
    unsigned calls = atomic_load(&curl_calls);
    struct wait wait = {.deadline = clock_now_ms() + LIMIT_MS, .cancel_level = 1};
    struct err err = ERR_INIT;
    struct trial late = trial_make("GET", canned_url(server), "/ok");
    if (calls == 0) _exit(10);
    if (trial_run(&late) != EEP_E_SHUTDOWN) _exit(11);
    if (engine_sleep(clock_now_ms() + 50, &wait, &err) != EEP_OK) _exit(12);
    if (atomic_load(&stalled_is_back)) _exit(13);
    cancel_fire(stalled.wait.cancel);
    if (!comes_true(&stalled_is_back)) _exit(14);
    if (stalled.status != EEP_E_CANCELLED) _exit(15);
    if (!(stalled.err.flags & EEP_ERROR_MAYBE_APPLIED)) _exit(16);
    if (atomic_load(&curl_calls) != calls) _exit(17);
    _exit(0);
}

_Noreturn static void exit_in_the_middle(void)
{
    static const struct canned_exchange script[] = {
        {.expect = "/ok", .body = "{}", .times = CANNED_ALWAYS},
        {.expect = "/stall", .status = -1, .action = CANNED_STALL},
    };
    if (atexit(look_around) != 0) _exit(20);
    server = canned_start(script, COUNT(script));
    stalled = trial_make("POST", canned_url(server), "/stall");
    stalled.wait.cancel = cancel_create();
    start(stall);
    for (size_t i = 0; i < RUNNERS; i++)
        start(ask_again_and_again);
    if (!canned_await_stalls(server, 1) || !canned_await_requests(server, 50)) _exit(22);
    exit(23);
}

/* -- The parent -------------------------------------------------------------------------------- */

static void test_nothing_of_libcurl_is_touched_after_exit(void **state)
{
    int status = -1;
    (void)state;
    pid_t pid = fork(); /* this process has one thread */
    assert_true(pid >= 0);
    if (pid == 0) exit_in_the_middle();
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_of_libcurl_is_touched_after_exit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
