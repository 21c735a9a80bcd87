/* Tokens by themselves: how often they were fired, who waits for them, and whose lists count. No thread is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/cancel.h"

/* Whom a visit has been to, as a sum of powers of two. */
static void visit(void *ctx, void *who)
{
    *(unsigned *)ctx += *(unsigned *)who;
}

static unsigned visited(const void *owner)
{
    unsigned sum = 0;
    cancel_each_rung(owner, visit, &sum);
    return sum;
}

static void test_fires_are_counted(void **state)
{
    eep_cancel *token = cancel_create();
    (void)state;
    assert_int_equal(cancel_count(token), 0);
    cancel_fire(token);
    cancel_fire(token);
    assert_int_equal(cancel_count(token), 2);
    cancel_poke(token);
    assert_int_equal(cancel_count(token), 2);
    assert_int_equal(cancel_pokes(token), 1);
    cancel_destroy(token);
    assert_int_equal(visited(NULL), 0); /* what rang has been kept until it was heard */
}

static void test_none_is_never_fired(void **state)
{
    struct cancel_link link = {0};
    (void)state;
    cancel_fire(NULL);
    assert_int_equal(cancel_count(NULL), 0);
    assert_int_equal(cancel_pokes(NULL), 0);
    assert_null(cancel_hold(NULL));
    cancel_watch(NULL, &link, NULL, NULL);
    cancel_unwatch(&link);
    cancel_destroy(NULL);
}

static void test_who_waits_is_visited_once_for_each_look(void **state)
{
    static unsigned names[] = {1, 2, 4};
    struct cancel_link links[3] = {0};
    int thread = 0;
    eep_cancel *token = cancel_create();
    eep_cancel *silent = cancel_create();
    (void)state;
    cancel_watch(token, &links[0], &names[0], &thread);
    cancel_watch(token, &links[1], &names[1], &thread);
    cancel_watch(silent, &links[2], &names[2], &thread);
    cancel_fire(token);
    cancel_fire(token);
    assert_int_equal(visited(&thread), 1 + 2);
    assert_int_equal(visited(&thread), 0);
    cancel_unwatch(&links[0]);
    cancel_unwatch(&links[0]);
    cancel_poke(token);
    assert_int_equal(visited(&thread), 2);
    cancel_destroy(token);
    cancel_destroy(silent);
}

/* In a child after fork() the parent's waiters are still on the lists, and their memory may be anything by now. */
static void test_another_threads_waiters_count_for_nothing(void **state)
{
    static unsigned names[] = {1, 2};
    struct cancel_link links[2] = {0};
    int parent = 0, child = 0;
    eep_cancel *token = cancel_create();
    (void)state;
    cancel_watch(token, &links[0], &names[0], &parent);
    cancel_fire(token);
    assert_int_equal(visited(&child), 0);
    cancel_watch(token, &links[1], &names[1], &child);
    cancel_fire(token);
    assert_int_equal(visited(&child), 2);
    cancel_destroy(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fires_are_counted),
        cmocka_unit_test(test_none_is_never_fired),
        cmocka_unit_test(test_who_waits_is_visited_once_for_each_look),
        cmocka_unit_test(test_another_threads_waiters_count_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
