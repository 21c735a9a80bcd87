/* Fibres: they go on where they were, keep what is on their stacks, and end at a page that stops them. */
#include "base/fibre.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct fibre_pool pool;

static int finish_pool(void **state)
{
    (void)state;
    fibre_pool_finish(&pool);
    return 0;
}

struct counter {
    struct fibre *fibre;
    int turns;
    int count;
    uint64_t sum;
};

/* What is on the stack must be there after each switch. */
static void count_turns(void *argument)
{
    struct counter *counter = argument;
    uint64_t mine[64];
    for (int i = 0; i < 64; i++)
        mine[i] = (uint64_t)(uintptr_t)counter + (unsigned)i;
    for (; counter->count < counter->turns; counter->count++)
        fibre_suspend(counter->fibre);
    for (int i = 0; i < 64; i++)
        counter->sum += mine[i] - (uint64_t)(uintptr_t)counter;
}

static void test_many_take_turns(void **state)
{
    enum { FIBRES = 300, TURNS = 20 };
    static struct counter counters[FIBRES];
    (void)state;
    for (int i = 0; i < FIBRES; i++) {
        counters[i] = (struct counter){.turns = i % TURNS};
        counters[i].fibre = fibre_create(&pool, count_turns, &counters[i]);
        assert_non_null(counters[i].fibre);
    }
    for (int turn = 0; turn <= TURNS; turn++)
        for (int i = 0; i < FIBRES; i++)
            if (turn <= counters[i].turns)
                assert_int_equal(fibre_resume(counters[i].fibre), turn == counters[i].turns);
    for (int i = 0; i < FIBRES; i++) {
        assert_int_equal(counters[i].sum, 64 * 63 / 2);
        fibre_destroy(&pool, counters[i].fibre);
    }
    assert_in_range(pool.count, 1, 64);
}

static void test_stacks_are_used_again(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++) {
        struct counter counter = {.turns = 1};
        counter.fibre = fibre_create(&pool, count_turns, &counter);
        assert_false(fibre_resume(counter.fibre));
        assert_true(fibre_resume(counter.fibre));
        fibre_destroy(&pool, counter.fibre);
    }
    assert_in_range(pool.count, 1, 64);
}

static void test_one_that_never_ran(void **state)
{
    struct counter counter = {0};
    (void)state;
    fibre_destroy(&pool, fibre_create(&pool, count_turns, &counter));
    fibre_destroy(&pool, NULL);
}

static int deep(int depth)
{
    volatile char frame[4096];
    memset((char *)frame, depth, sizeof frame);
    return depth == 0 ? frame[0] : deep(depth - 1) + frame[4095];
}

static void go_deep(void *argument)
{
    *(int *)argument = deep(*(int *)argument);
}

/* A fibre may use what a caller with the smallest stack may use. */
static void test_a_stack_is_large_enough(void **state)
{
    int depth = 110 * 1024 / 4200;
    (void)state;
    struct fibre *fibre = fibre_create(&pool, go_deep, &depth);
    assert_true(fibre_resume(fibre));
    assert_int_not_equal(depth, 110 * 1024 / 4200); /* it came to its end */
    fibre_destroy(&pool, fibre);
}

/* As many as are a little more than a stack. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WIDE_FRAMES 19
#else
#define WIDE_FRAMES 3
#endif

/* A frame of which only the far end is touched. */
static void go_wide(void *argument)
{
    volatile char frame[56 * 1024];
    frame[0] = 1;
    if (--*(int *)argument > 0) go_wide(argument);
    *(int *)argument += frame[0];
}

static void expect_killed(void (*overflow)(void *argument), int times)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGSEGV, SIG_DFL);
        struct fibre *fibre = fibre_create(&pool, overflow, &times);
        fibre_create(&pool, overflow, &times); /* what lies below the guard could be written */
        fibre_resume(fibre);
        _exit(0);
    }
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* The guard: nothing beside the stack is ever written. */
static void test_a_stack_that_is_too_small_ends_the_process(void **state)
{
    (void)state;
    expect_killed(go_deep, 1 << 20);
    expect_killed(go_wide, WIDE_FRAMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_many_take_turns, finish_pool),
        cmocka_unit_test_teardown(test_stacks_are_used_again, finish_pool),
        cmocka_unit_test_teardown(test_one_that_never_ran, finish_pool),
        cmocka_unit_test_teardown(test_a_stack_is_large_enough, finish_pool),
        cmocka_unit_test_teardown(test_a_stack_that_is_too_small_ends_the_process, finish_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
