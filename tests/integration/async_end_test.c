/* async_end_test.c: how submitted calls end: by cancel, by their time, with their environment, beside a fork, with the host;
 * and what is no submission. One DONE each, whatever happens. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async_host.h"
#include "place.h"
#include "process.h"

#define RUN(...) SUBMIT_SCRIPT(env, lease, __VA_ARGS__)

static int stop(void **state)
{
    async_expect_nothing_left(env);
    return place_stop(state);
}

/* A command of a test has come to its `touch ~/asleep`. */
static void await_asleep(void)
{
    EXPECT_RUN(env, lease, "while [ ! -e ~/asleep ]; do sleep 0.02; done; rm ~/asleep", "");
}

/* -- Cancelling -------------------------------------------------------------------------------- */

static void one_operation_is_cancelled(void **state)
{
    (void)state;
    uint64_t other = RUN("sleep 0.5; echo undisturbed", 0);
    uint64_t op = RUN("echo partial; touch ~/asleep; sleep 60", 0);
    await_asleep();
    assert_int_equal(async_api()->cancel(env, op, NULL), EEP_OK);
    DONE done = async_await(env, op);
    async_expect_code(&done, EEP_E_CANCELLED);
    const eep_execution *result = done.event.result;
    EXPECT_OUTPUT(result->stdout_data, "partial\n");
    assert_true(result->head.flags & EEP_EXECUTION_KILLED);
    EXPECT_RUN(env, lease, "pgrep -x sleep -f 'sleep 60' || echo none", "none\n");
    eep_error err = {.head.struct_size = sizeof err};
    assert_int_equal(async_api()->cancel(env, op, &err), EEP_E_NOT_FOUND);
    assert_true(text_is(err.where, "cancel"));
    plugin()->clear(&err.head);
    DONE undisturbed = async_await(env, other);
    async_expect_code(&undisturbed, EEP_OK);
}

static void a_second_cancel_waits_for_nothing(void **state)
{
    (void)state;
    uint64_t op = RUN("trap '' INT TERM; touch ~/asleep; while :; do sleep 1; done", 0,
                      .execution_id = TEXT("stubborn"));
    await_asleep();
    long begin = now_ms();
    assert_int_equal(async_api()->cancel(env, op, NULL), EEP_OK);
    assert_int_equal(async_api()->cancel(env, op, NULL), EEP_OK);
    DONE done = async_await(env, op);
    async_expect_code(&done, EEP_E_CANCELLED);
    assert_true(now_ms() - begin < 6000); /* the grace is 10 s */
    assert_true(done.event.error->head.flags & EEP_ERROR_MAYBE_APPLIED);
    DONE killed = async_await(env, SUBMIT(env, EEP_EXT_EXECUTION ".kill", eep_kill_request, eep_execution, 0,
                                          .lease = text(lease), .execution_id = TEXT("stubborn")));
    async_expect_code(&killed, EEP_OK);
}

static void the_hosts_token_works_too(void **state)
{
    (void)state;
    eep_cancel *token = plugin()->cancel_create();
    uint64_t op = RUN("touch ~/asleep; sleep 60", 0, .head.cancel = token);
    await_asleep();
    plugin()->cancel_fire(token);
    uint64_t late = RUN("true", 0, .head.cancel = token);
    plugin()->cancel_destroy(token); /* the operations hold it */
    DONE done = async_await(env, op);
    async_expect_code(&done, EEP_E_CANCELLED);
    DONE never = async_await(env, late);
    async_expect_code(&never, EEP_E_CANCELLED);
}

static void time_counts_from_submit(void **state)
{
    (void)state;
    long begin = now_ms();
    DONE done = async_await(env, RUN("echo x; sleep 30", 0, .head.timeout_ms = 1000));
    async_expect_code(&done, EEP_OK);
    assert_true(((const eep_execution *)done.event.result)->head.flags & EEP_EXECUTION_TIMED_OUT);
    assert_true(now_ms() - begin < 25000);
}

/* -- The descriptor and next ------------------------------------------------------------------- */

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, timeout_ms) == 1;
}

static void the_descriptor_tells(void **state)
{
    int32_t fd = -1;
    int32_t again = -1;
    (void)state;
    assert_int_equal(async_api()->fd(env, &fd, NULL), EEP_OK);
    assert_int_equal(async_api()->fd(env, &again, NULL), EEP_OK);
    assert_int_equal(fd, again);
    assert_false(is_readable(fd, 0));
    uint64_t op = RUN("echo x", EEP_ASYNC_OUTPUT);
    assert_true(is_readable(fd, LIMIT_MS));
    eep_event event = {.head.struct_size = sizeof event};
    uint32_t count = 0;
    while (event.type != EEP_EVENT_DONE) {
        assert_true(is_readable(fd, LIMIT_MS));
        plugin()->clear(&event.head);
        assert_int_equal(async_api()->next(env, &event, 1, 0, 0, &count, NULL), EEP_OK);
    }
    assert_int_equal(event.op, op);
    plugin()->clear(&event.head);
    assert_false(is_readable(fd, 0));
    long begin = now_ms();
    assert_int_equal(async_api()->next(env, &event, 1, 0, 100, &count, NULL), EEP_OK);
    assert_int_equal(count, 0);
    assert_in_range(now_ms() - begin, 99, 5000);
}

static void what_cannot_be_submitted_is_refused(void **state)
{
    (void)state;
    eep_execute_request execute = {
        .head.struct_size = sizeof execute, .lease = text(lease), .script = TEXT("true")};
    eep_execute_request callback = execute;
    eep_execute_request stride = execute;
    eep_str word = TEXT("true");
    callback.on_output = (eep_output_fn)(void *)abort;
    stride.argv = &word;
    stride.argv_count = 1;
    stride.argv_stride = 4;
    const struct {
        eep_async_request request;
        int32_t code;
    } bad[] = {
        {{.call = "execute"}, EEP_E_INVALID_ARGUMENT},
        {{.call = NULL, .request = &execute}, EEP_E_INVALID_ARGUMENT},
        {{.call = "open", .request = &execute}, EEP_E_UNSUPPORTED},
        {{.call = "execute", .request = &execute, .flags = 0x80}, EEP_E_UNSUPPORTED},
        {{.call = "execute", .request = &execute, .reserved = 1}, EEP_E_UNSUPPORTED},
        {{.call = "execute", .request = &execute, .result_size = 4}, EEP_E_INVALID_ARGUMENT},
        {{.call = "execute", .request = &execute, .result_size = 1u << 20}, EEP_E_INVALID_ARGUMENT},
        {{.call = "probe", .request = &execute, .flags = EEP_ASYNC_OUTPUT}, EEP_E_INVALID_ARGUMENT},
        {{.call = "execute", .request = &callback}, EEP_E_INVALID_ARGUMENT},
        {{.call = "execute", .request = &stride}, EEP_E_INVALID_ARGUMENT},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        eep_async_request request = bad[i].request;
        eep_error err = {.head.struct_size = sizeof err};
        uint64_t op = 99;
        request.struct_size = sizeof request;
        assert_int_equal(async_api()->submit(env, &request, &op, &err), bad[i].code);
        assert_true(err.message.len > 0);
        assert_int_equal(op, 99);
        plugin()->clear(&err.head);
    }
    uint32_t count;
    eep_event event = {.head.struct_size = sizeof event};
    assert_int_equal(async_api()->next(env, &event, 0, 0, 0, &count, NULL), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(async_api()->next(env, NULL, 1, 0, 0, &count, NULL), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(async_api()->next(NULL, &event, 1, 0, 0, &count, NULL), EEP_E_INVALID_ARGUMENT);
    async_api()->shutdown(NULL);
}

/* -- Closing ----------------------------------------------------------------------------------- */

/* Every operation is told its end, then the queue says that it is over. */
static void shutdown_tells_every_end(void **state)
{
    enum { OPS = 20 };
    int32_t fd = -1;
    int ends = 0;
    int32_t code = EEP_OK;
    (void)state;
    eep_env *own = host_open(&standin, NULL);
    async_api()->fd(own, &fd, NULL);
    for (int i = 0; i < OPS; i++)
        SUBMIT(own, "execute", eep_execute_request, eep_execution, EEP_ASYNC_OUTPUT, .lease = text(lease),
               .script = TEXT("echo x; sleep 60"));
    async_api()->shutdown(own);
    async_api()->shutdown(own);
    uint64_t refused = 0;
    eep_execute_request request = {
        .head.struct_size = sizeof request, .lease = text(lease), .script = TEXT("true")};
    eep_async_request submit = {.struct_size = sizeof submit, .call = "execute", .request = &request};
    assert_int_equal(async_api()->submit(own, &submit, &refused, NULL), EEP_E_SHUTDOWN);
    OUTCOME blocking = EXECUTE(own, lease, .script = TEXT("true"));
    EXPECT(blocking, EEP_E_SHUTDOWN);
    while (code == EEP_OK) {
        eep_event event = {.head.struct_size = sizeof event};
        uint32_t count = 0;
        assert_true(is_readable(fd, LIMIT_MS));
        code = async_api()->next(own, &event, 1, 0, 0, &count, NULL);
        if (code == EEP_OK && event.type == EEP_EVENT_DONE) {
            assert_true(event.code == EEP_E_SHUTDOWN || event.code == EEP_OK);
            ends++;
        }
        plugin()->clear(&event.head);
    }
    assert_int_equal(code, EEP_E_SHUTDOWN);
    assert_int_equal(ends, OPS);
    assert_true(is_readable(fd, 0));
    plugin()->close(own);
}

static void close_without_reading_is_well(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        eep_env *own = host_open(&standin, NULL);
        for (int k = 0; k < 5; k++)
            SUBMIT(own, "execute", eep_execute_request, eep_execution, EEP_ASYNC_OUTPUT, .lease = text(lease),
                   .script = TEXT("echo x; sleep 60"));
        usleep((unsigned)i * 20000);
        long begin = now_ms();
        plugin()->close(own);
        assert_true(now_ms() - begin < LIMIT_MS);
    }
}

struct dispatcher {
    pthread_t thread;
    eep_env *env;
    int ends;
    int32_t code;
};

static void *dispatch(void *argument)
{
    struct dispatcher *dispatcher = argument;
    while (dispatcher->code == EEP_OK) {
        eep_event event = {.head.struct_size = sizeof event};
        uint32_t count = 0;
        dispatcher->code = async_api()->next(dispatcher->env, &event, 1, 0, UINT32_MAX, &count, NULL);
        dispatcher->ends += count == 1 && event.type == EEP_EVENT_DONE;
        plugin()->clear(&event.head);
    }
    return NULL;
}

/* Several threads may wait; all of them hear of the end. */
static void threads_that_wait_are_told(void **state)
{
    enum { THREADS = 4, OPS = 12 };
    struct dispatcher each[THREADS];
    int ends = 0;
    (void)state;
    eep_env *own = host_open(&standin, NULL);
    for (int i = 0; i < THREADS; i++) {
        each[i] = (struct dispatcher){.env = own};
        assert_int_equal(pthread_create(&each[i].thread, NULL, dispatch, &each[i]), 0);
    }
    for (int i = 0; i < OPS; i++)
        SUBMIT_SCRIPT(own, lease, "echo x", 0);
    usleep(300000);
    async_api()->shutdown(own);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(each[i].thread, NULL);
        assert_int_equal(each[i].code, EEP_E_SHUTDOWN);
        ends += each[i].ends;
    }
    assert_int_equal(ends, OPS);
    plugin()->close(own);
}

static void join_in_time(pthread_t thread)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += LIMIT_MS / 1000;
    assert_int_equal(pthread_timedjoin_np(thread, NULL, &limit), 0);
}

static atomic_bool go;

static void *dispatch_on_go(void *dispatcher)
{
    while (!atomic_load(&go)) {
    }
    return dispatch(dispatcher);
}

/* The first `next` makes the queue and shows it to others: a shutdown just before that must not get lost. Rounds with
 * ever longer pauses before the shutdown find the moment; a machine with one free CPU may miss it. */
static void shutdown_may_come_within_the_first_next(void **state)
{
    enum { ROUNDS = 300, PAUSES = 60, PAUSE = 100 };
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct dispatcher reader = {.env = host_open(&standin, NULL)};
        atomic_store(&go, false);
        assert_int_equal(pthread_create(&reader.thread, NULL, dispatch_on_go, &reader), 0);
        atomic_store(&go, true);
        for (volatile int i = 0; i < round % PAUSES * PAUSE; i++) {
        }
        async_api()->shutdown(reader.env);
        join_in_time(reader.thread);
        assert_int_equal(reader.code, EEP_E_SHUTDOWN);
        plugin()->close(reader.env);
    }
}

/* -- Forks ------------------------------------------------------------------------------------- */

/* The child's exit code: 0, or the step that went wrong. */
static int child(int parents)
{
    eep_event event = {.head.struct_size = sizeof event};
    eep_execute_request request = {
        .head.struct_size = sizeof request, .lease = text(lease), .script = TEXT("echo child")};
    eep_async_request submit = {.struct_size = sizeof submit,
                                .call = "execute",
                                .request = &request,
                                .user_data = 7,
                                .result_size = sizeof(eep_execution)};
    uint64_t op = 0;
    int32_t fd = -1;
    uint32_t count = 1;
    if (async_api()->submit(env, &submit, &op, NULL) != EEP_E_FORKED) return 1;
    if (async_api()->next(env, &event, 1, 0, UINT32_MAX, &count, NULL) != EEP_E_FORKED || count != 0)
        return 2;
    if (async_api()->fd(env, &fd, NULL) != EEP_E_FORKED) return 3;
    if (async_api()->cancel(env, 1, NULL) != EEP_E_FORKED) return 4;
    dup2(2, parents); /* the child closed all that it does not know, and opened something else */
    async_api()->shutdown(env);
    plugin()->close(env);
    if (close(parents) != 0) return 8;
    eep_env *own = host_open(&standin, NULL);
    if (async_api()->submit(own, &submit, &op, NULL) != EEP_OK) return 5;
    if (async_api()->next(own, &event, 1, 0, LIMIT_MS, &count, NULL) != EEP_OK || count != 1) return 6;
    if (event.code != EEP_OK) return 7;
    plugin()->clear(&event.head);
    plugin()->close(own);
    return 0;
}

static void a_fork_begins_anew_and_the_parent_goes_on(void **state)
{
    int32_t fd = -1;
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it cannot follow threads into a child */
#endif
    uint64_t op = RUN("sleep 1; echo undisturbed", 0);
    assert_int_equal(async_api()->fd(env, &fd, NULL), EEP_OK);
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0) _exit(child(fd));
        assert_int_equal(process_await(pid), 0);
    }
    DONE done = async_await(env, op);
    async_expect_code(&done, EEP_OK);
    EXPECT_OUTPUT(((const eep_execution *)done.event.result)->stdout_data, "undisturbed\n");
}

static void *close_it(void *own)
{
    plugin()->close(own);
    return NULL;
}

/* The parent's thread that waits in close() is none of the child's: it does not wait for that. */
static void a_child_may_close_what_its_parent_is_closing(void **state)
{
    pthread_t thread;
    int status = -1;
    (void)state;
    eep_env *own = host_open(&standin, NULL);
    SUBMIT_SCRIPT(own, lease, "trap '' INT TERM; touch ~/asleep; while :; do sleep 1; done", 0);
    await_asleep();
    assert_int_equal(pthread_create(&thread, NULL, close_it, own), 0);
    usleep(300000);
    pid_t pid = fork();
    if (pid == 0) {
        plugin()->close(own);
        _exit(0);
    }
    for (long end = now_ms() + LIMIT_MS; waitpid(pid, &status, WNOHANG) == 0; nap())
        if (now_ms() > end) kill(pid, SIGKILL);
    assert_int_equal(status, 0);
    join_in_time(thread);
}

/* In a fresh process: a host may leave in the middle. */
static int exit_in_the_middle(const char *id)
{
    env = host_open(&standin, NULL);
    snprintf(lease, sizeof lease, "%s", id);
    for (int i = 0; i < 20; i++)
        RUN("echo x; touch ~/asleep; sleep 60", EEP_ASYNC_OUTPUT, .time_limit_ms = 3000);
    await_asleep();
    exit(0);
}

static void a_host_may_exit_at_any_time(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        IN_FRESH_PROCESS(standin.api, lease);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_operation_is_cancelled),
        cmocka_unit_test(a_second_cancel_waits_for_nothing),
        cmocka_unit_test(the_hosts_token_works_too),
        cmocka_unit_test(time_counts_from_submit),
        cmocka_unit_test(the_descriptor_tells),
        cmocka_unit_test(what_cannot_be_submitted_is_refused),
        cmocka_unit_test(shutdown_tells_every_end),
        cmocka_unit_test(close_without_reading_is_well),
        cmocka_unit_test(threads_that_wait_are_told),
        cmocka_unit_test(shutdown_may_come_within_the_first_next),
        cmocka_unit_test(a_fork_begins_anew_and_the_parent_goes_on),
        cmocka_unit_test(a_child_may_close_what_its_parent_is_closing),
        cmocka_unit_test(a_host_may_exit_at_any_time),
    };
    if (argc == 3) {
        standin_attach(&standin, argv[1]);
        return exit_in_the_middle(argv[2]);
    }
    return cmocka_run_group_tests(tests, place_start, stop);
}
