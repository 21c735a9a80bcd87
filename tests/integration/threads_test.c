/* threads_test.c: many threads, small stacks, forks, and environments side by side: no call minds the others. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "leases.h"
#include "process.h"
#include "stage.h"

static int start(void **state)
{
    (void)state;
    stage_make((const char *const[]){"--jwt", "other-token", "--organization", "org-1", NULL}, NULL);
    return 0;
}

/* -- Many at once ------------------------------------------------------------------------------ */

enum { THREADS = 64, LEASES = 4, ROUNDS = 2 };

struct worker {
    pthread_t thread;
    int number;
    const char *lease;
    const char *failure; /* NULL = all was well */
};

/* Its own number, through arguments, input and environment, comes back to it and to nobody else. */
static const char *work_once(const struct worker *worker, int round)
{
    char expected[128];
    char word[32];
    snprintf(word, sizeof word, "%d-%d", worker->number, round);
    snprintf(expected, sizeof expected, "%s/%s/%s\n", word, word, word);
    OUTCOME ran = EXECUTE(env, worker->lease, .script = TEXT("echo $A/$(cat)/$B; exit $C"),
                          .stdin_data = {word, strlen(word)},
                          ENV({TEXT("A"), text(word)}, {TEXT("B"), text(word)},
                              {TEXT("C"), {&"0123456789"[worker->number % 10], 1}}));
    if (ran.code != EEP_OK) return "failed";
    if (ran.execution.exit_code != worker->number % 10) return "somebody else's exit code";
    if (ran.execution.stdout_data.len != strlen(expected)) return "somebody else's length";
    if (memcmp(ran.execution.stdout_data.ptr, expected, strlen(expected)) != 0)
        return "somebody else's output";
    return NULL;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    for (int round = 0; round < ROUNDS && worker->failure == NULL; round++)
        worker->failure = work_once(worker, round);
    return NULL;
}

static void many_threads_do_not_mix(void **state)
{
    static struct worker workers[THREADS];
    char leases[LEASES][EEP_LEASE_MAX + 1];
    (void)state;
    for (int i = 0; i < LEASES; i++)
        host_acquire(env, leases[i]);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.number = i, .lease = leases[i % LEASES]};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < THREADS; i++)
        if (workers[i].failure != NULL) fail_msg("thread %d: %s", i, workers[i].failure);
    for (int i = 0; i < LEASES; i++)
        host_destroy(env, leases[i]);
}

/* The same id from many threads at once: it runs once, and all get its result. */
static atomic_int attached;

static void *work_same(void *argument)
{
    struct worker *worker = argument;
    OUTCOME ran = EXECUTE(env, worker->lease, .execution_id = TEXT("same"),
                          .script = TEXT("echo x >>same; sleep 0.2; echo done"));
    if (ran.code != EEP_OK || ran.execution.stdout_data.len != 5) worker->failure = "no result";
    if (ran.execution.head.flags & EEP_EXECUTION_ATTACHED) atomic_fetch_add(&attached, 1);
    return NULL;
}

static void the_same_id_at_once_runs_once(void **state)
{
    struct worker workers[8];
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        workers[i] = (struct worker){.lease = lease};
        pthread_create(&workers[i].thread, NULL, work_same, &workers[i]);
    }
    for (size_t i = 0; i < COUNT_OF(workers); i++)
        pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < COUNT_OF(workers); i++)
        if (workers[i].failure != NULL) fail_msg("thread %zu: %s", i, workers[i].failure);
    assert_int_equal(atomic_load(&attached), COUNT_OF(workers) - 1);
    EXPECT_RUN(env, lease, "cat same", "x\n");
    host_destroy(env, lease);
}

static void *work_key(void *argument)
{
    struct worker *worker = argument;
    OUTCOME made = ACQUIRE(env, .idempotency_key = TEXT("raced for"));
    if (made.code == EEP_OK)
        worker->lease = strdup(made.lease.lease.ptr);
    else
        worker->failure = "failed";
    return NULL;
}

static void the_same_key_at_once_is_one_lease(void **state)
{
    struct worker workers[8];
    (void)state;
    long live = standin_total(&standin, "live");
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        workers[i] = (struct worker){0};
        pthread_create(&workers[i].thread, NULL, work_key, &workers[i]);
    }
    for (size_t i = 0; i < COUNT_OF(workers); i++)
        pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        if (workers[i].failure != NULL) fail_msg("thread %zu: %s", i, workers[i].failure);
        assert_string_equal(workers[i].lease, workers[0].lease);
    }
    assert_int_equal(standin_total(&standin, "live"), live + 1);
    host_destroy(env, workers[0].lease);
    for (size_t i = 0; i < COUNT_OF(workers); i++)
        free((char *)(uintptr_t)workers[i].lease);
}

/* -- Small stacks ------------------------------------------------------------------------------ */

#if defined(__SANITIZE_ADDRESS__)
enum { STACK = 512 * 1024 }; /* its frames are larger */
#else
enum { STACK = 128 * 1024 }; /* musl's default, and that of Node's workers */
#endif

static void *work_whole_lease(void *argument)
{
    struct worker *worker = argument;
    worker->failure = "failed";
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_FULL);
    if (probed.code != EEP_OK || probed.probe.failed > 0) return NULL;
    OUTCOME made = ACQUIRE(env, LABELS({TEXT("a"), TEXT("b")}));
    if (made.code != EEP_OK) return NULL;
    const char *lease = made.lease.lease.ptr;
    OUTCOME realized =
        REALIZE(env, lease, SOURCES({.kind = EEP_SOURCE_FILE, .path = TEXT("f"), .data = BYTES("x")}));
    if (realized.code != EEP_OK) return NULL;
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("seq 1 100000; cat f"));
    if (ran.code != EEP_OK) return NULL;
    OUTCOME resumed = RESUME(env, lease);
    if (resumed.code != EEP_OK) return NULL;
    OUTCOME explained = EXPLAIN(env, lease);
    if (explained.code != EEP_OK || explained.explanation.failed > 0) return NULL;
    OUTCOME released = RELEASE(env, lease, EEP_RELEASE_DESTROY);
    if (released.code != EEP_OK) return NULL;
    worker->failure = NULL;
    return NULL;
}

static void small_stacks_suffice(void **state)
{
    struct worker worker = {0};
    pthread_attr_t attributes;
    (void)state;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, STACK), 0);
    assert_int_equal(pthread_create(&worker.thread, &attributes, work_whole_lease, &worker), 0);
    pthread_join(worker.thread, NULL);
    pthread_attr_destroy(&attributes);
    assert_null(worker.failure);
}

/* -- Environments side by side ----------------------------------------------------------------- */

static void one_credential_does_not_spoil_another(void **state)
{
    char config[512];
    char lease[EEP_LEASE_MAX + 1];
    eep_env *wrong = NULL;
    eep_env *token = NULL;
    (void)state;
    snprintf(config, sizeof config, "{'apiUrl':'%s','apiKey':'wrong-key'}", standin.api);
    OUTCOME first = host_open_text(config, &wrong);
    EXPECT(first, EEP_OK);
    snprintf(config, sizeof config, "{'apiUrl':'%s','jwtToken':'other-token','organizationId':'org-1'}",
             standin.api);
    OUTCOME second = host_open_text(config, &token);
    EXPECT(second, EEP_OK);
    host_acquire(token, lease);
    for (int i = 0; i < 3; i++) {
        OUTCOME refused = ACQUIRE(wrong);
        EXPECT(refused, EEP_E_UNAUTHENTICATED);
        OUTCOME stolen = EXECUTE(wrong, lease, .script = TEXT("true"));
        EXPECT(stolen, EEP_E_UNAUTHENTICATED);
        EXPECT_RUN(token, lease, "echo mine", "mine\n");
        OUTCOME probed = PROBE(env);
        EXPECT(probed, EEP_OK);
        assert_int_equal(probed.probe.failed, 0);
    }
    host_destroy(token, lease);
    plugin()->close(wrong);
    plugin()->close(token);
}

/* -- Forks ------------------------------------------------------------------------------------- */

/* The child's exit code: 0, or the number of the step that went wrong. No assert may be used in it. */
static int child(const char *lease)
{
    long begin = now_ms();
    struct outcome ran = EXECUTE(env, lease, .script = TEXT("true"));
    if (ran.code != EEP_E_FORKED || ran.err.message.ptr == NULL) return 1;
    plugin()->clear(&ran.err.head);
    struct outcome made = ACQUIRE(env);
    if (made.code != EEP_E_FORKED || now_ms() - begin > 5000) return 2;
    plugin()->close(env); /* leaves the parent's connections alone */
    eep_env *own = host_open(&standin, NULL);
    struct outcome again = EXECUTE(own, lease, .script = TEXT("echo from the child"));
    if (again.code != EEP_OK || again.execution.stdout_data.len != 15) return 3;
    plugin()->clear(&again.head);
    plugin()->close(own);
    return 0;
}

struct running {
    const char *lease;
    struct outcome outcome;
};

static void *run_meanwhile(void *argument)
{
    struct running *running = argument;
    running->outcome = EXECUTE(env, running->lease, .script = TEXT("touch ~/up; sleep 1; echo undisturbed"));
    return NULL;
}

static void a_fork_begins_anew_and_the_parent_goes_on(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    pthread_t thread;
    (void)state;
    host_acquire(env, lease);
    struct running running = {.lease = lease};
    pthread_create(&thread, NULL, run_meanwhile, &running);
    EXPECT_RUN(env, lease, "while [ ! -e ~/up ]; do sleep 0.02; done", "");
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0) _exit(child(lease));
        assert_int_equal(process_await(pid), 0);
    }
    EXPECT_RUN(env, lease, "echo parent", "parent\n");
    pthread_join(thread, NULL);
    OUTCOME ended = running.outcome;
    EXPECT(ended, EEP_OK);
    EXPECT_OUTPUT(ended.execution.stdout_data, "undisturbed\n");
    host_destroy(env, lease);
}

/* -- Leaving in the middle: in a fresh process ------------------------------------------------- */

static void *sleep_in(void *argument)
{
    EXECUTE(env, argument, .script = TEXT("touch ~/asleep; sleep 70"));
    return NULL;
}

/* A host may exit while calls are under way. */
static int exit_in_the_middle(char *lease)
{
    pthread_t thread;
    env = host_open(&standin, NULL);
    pthread_create(&thread, NULL, sleep_in, lease);
    EXPECT_RUN(env, lease, "while [ ! -e ~/asleep ]; do sleep 0.02; done; rm ~/asleep", "");
    exit(0);
}

static void a_host_may_exit_at_any_time(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    for (int i = 0; i < 3; i++)
        IN_FRESH_PROCESS(standin.api, lease);
    host_destroy(env, lease);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads_do_not_mix),
        cmocka_unit_test(the_same_id_at_once_runs_once),
        cmocka_unit_test(the_same_key_at_once_is_one_lease),
        cmocka_unit_test(small_stacks_suffice),
        cmocka_unit_test(one_credential_does_not_spoil_another),
        cmocka_unit_test(a_fork_begins_anew_and_the_parent_goes_on),
        cmocka_unit_test(a_host_may_exit_at_any_time),
    };
    if (argc == 3) {
        standin_attach(&standin, argv[1]);
        return exit_in_the_middle(argv[2]);
    }
    return cmocka_run_group_tests(tests, start, stage_stop);
}
