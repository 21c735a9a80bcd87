/* Who may have a connection: in the order of arrival, within the limits, and urgent ones always. */
#include "http/admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HOST  "https://one.test:8080/a/b?c"
#define OTHER "https://two.test/"

enum { CAPACITY = 64, WORK = 60, ONE_ORIGIN = 53, TICKETS = 300 }; /* 64 less a sixteenth; less an eighth */

static struct admission admission;
static struct ticket tickets[TICKETS];
static const int64_t now = 1000;

static int start(void **state)
{
    (void)state;
    memset(tickets, 0, sizeof tickets);
    admission_init(&admission, CAPACITY);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (int i = 0; i < TICKETS; i++)
        admission_leave(&admission, &tickets[i]);
    assert_int_equal(admission.slots, 0);
    assert_int_equal(admission.waiting, 0);
    admission_finish(&admission);
    return 0;
}

static void enter(int from, int count, const char *url, bool urgent)
{
    for (int i = from; i < from + count; i++)
        assert_int_equal(admission_enter(&admission, &tickets[i], &tickets[i], url, urgent), EEP_OK);
}

/* The next one's number, -1 = nobody; it has its connection at once. */
static int next(void)
{
    struct ticket *ticket = admission_next(&admission, now);
    if (!ticket) return -1;
    assert_ptr_equal(ticket->who, ticket);
    admission_connected(&admission, ticket, now);
    return (int)(ticket - tickets);
}

static void expect_next(int from, int count)
{
    for (int i = from; i < from + count; i++)
        assert_int_equal(next(), i);
}

static void test_first_come_first_served(void **state)
{
    (void)state;
    enter(0, 3, HOST, false);
    enter(3, 3, OTHER, false);
    enter(6, 3, HOST, false);
    expect_next(0, 9);
    assert_int_equal(next(), -1);
}

static void test_one_origin_does_not_get_all(void **state)
{
    (void)state;
    enter(0, 100, HOST, false);
    enter(100, 100, OTHER, false);
    expect_next(0, ONE_ORIGIN);
    expect_next(100, WORK - ONE_ORIGIN);
    assert_int_equal(next(), -1);
    assert_int_equal(admission.slots, WORK);
    assert_int_equal(admission.waiting, 200 - WORK);
    admission_leave(&admission, &tickets[5]);
    assert_int_equal(next(), ONE_ORIGIN); /* the older one, now that it may */
    assert_int_equal(next(), -1);
}

static void test_urgent_ones_have_a_reserve_and_come_first(void **state)
{
    (void)state;
    enter(0, 100, HOST, false);
    enter(100, 100, OTHER, false);
    while (next() >= 0)
        ;
    enter(200, 6, HOST, true);
    expect_next(200, CAPACITY - WORK);
    assert_int_equal(next(), -1); /* the reserve has an end, too */
    admission_leave(&admission, &tickets[0]);
    assert_int_equal(next(), 200 + CAPACITY - WORK);
}

static void test_who_leaves_the_queue_is_forgotten(void **state)
{
    (void)state;
    enter(0, 5, HOST, false);
    admission_leave(&admission, &tickets[0]);
    admission_leave(&admission, &tickets[2]);
    admission_leave(&admission, &tickets[4]);
    assert_int_equal(next(), 1);
    assert_int_equal(next(), 3);
    assert_int_equal(next(), -1);
}

/* Each may be a thread of the resolver. */
static void test_few_explore_what_is_not_known(void **state)
{
    struct ticket *first = NULL;
    (void)state;
    enter(0, 40, HOST, false);
    for (int i = 0; i < ADMISSION_EXPLORERS; i++) {
        struct ticket *ticket = admission_next(&admission, now);
        assert_non_null(ticket);
        if (!first) first = ticket;
    }
    assert_null(admission_next(&admission, now));
    enter(40, 1, OTHER, false);
    assert_ptr_equal(admission_next(&admission, now), &tickets[40]); /* elsewhere is elsewhere */
    enter(41, 1, HOST, true);
    assert_ptr_equal(admission_next(&admission, now), &tickets[41]);
    admission_connected(&admission, first, now);
    expect_next(ADMISSION_EXPLORERS, 40 - ADMISSION_EXPLORERS);
}

static void test_what_was_known_is_explored_again(void **state)
{
    int64_t later = now + ADMISSION_REACHED_MS;
    int started = 0;
    (void)state;
    enter(0, 1, HOST, false);
    assert_int_equal(next(), 0);
    enter(1, 30, HOST, false);
    while (admission_next(&admission, later))
        started++;
    assert_int_equal(started, ADMISSION_EXPLORERS);
    while (admission_next(&admission, later - 1))
        started++;
    assert_int_equal(started, 30);
}

static void test_streams_share_a_connection(void **state)
{
    (void)state;
    enter(0, 1, HOST, false);
    assert_int_equal(next(), 0);
    admission_multiplexed(&admission, &tickets[0], true);
    enter(1, 250, HOST, false);
    expect_next(1, 250);
    assert_int_equal(admission.slots, 3); /* 251 transfers */
    admission_multiplexed(&admission, &tickets[0], false);
    assert_int_equal(admission.slots, 251);
    assert_true(admission_is_crowded(&admission));
}

static void test_who_is_sent_back_keeps_its_place(void **state)
{
    (void)state;
    enter(0, 4, HOST, false);
    struct ticket *first = admission_next(&admission, now);
    struct ticket *second = admission_next(&admission, now);
    admission_return(&admission, second);
    admission_return(&admission, first);
    assert_int_equal(admission.slots, 0);
    expect_next(0, 4);
}

static void test_crowded(void **state)
{
    (void)state;
    assert_false(admission_is_crowded(&admission));
    enter(0, WORK - WORK / 4 - 1, HOST, false);
    while (next() >= 0)
        ;
    assert_false(admission_is_crowded(&admission));
    enter(100, 1, HOST, false);
    assert_true(admission_is_crowded(&admission)); /* it waits */
    assert_int_equal(next(), 100);
    assert_true(admission_is_crowded(&admission)); /* three quarters are in use */
}

static void test_many_origins_are_forgotten(void **state)
{
    char url[64];
    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(url, sizeof url, "http://host-%d.test", i);
        enter(0, 1, url, false);
        assert_int_equal(next(), 0);
        admission_leave(&admission, &tickets[0]);
    }
    assert_in_range(admission.origin_count, 1, 100);
}

static void test_capacities(void **state)
{
    (void)state;
    assert_int_equal(admission_capacity_of(0), ADMISSION_MIN);
    assert_int_equal(admission_capacity_of(64), 32);
    assert_int_equal(admission_capacity_of(1024), 512);
    assert_int_equal(admission_capacity_of(UINT64_MAX), ADMISSION_MAX);
    for (unsigned capacity = 1; capacity < 100; capacity++) {
        admission.capacity = capacity;
        enter(0, 1, HOST, false);
        assert_int_equal(next(), 0); /* there is always room for one */
        admission_leave(&admission, &tickets[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_come_first_served, start, stop),
        cmocka_unit_test_setup_teardown(test_one_origin_does_not_get_all, start, stop),
        cmocka_unit_test_setup_teardown(test_urgent_ones_have_a_reserve_and_come_first, start, stop),
        cmocka_unit_test_setup_teardown(test_who_leaves_the_queue_is_forgotten, start, stop),
        cmocka_unit_test_setup_teardown(test_few_explore_what_is_not_known, start, stop),
        cmocka_unit_test_setup_teardown(test_what_was_known_is_explored_again, start, stop),
        cmocka_unit_test_setup_teardown(test_streams_share_a_connection, start, stop),
        cmocka_unit_test_setup_teardown(test_who_is_sent_back_keeps_its_place, start, stop),
        cmocka_unit_test_setup_teardown(test_crowded, start, stop),
        cmocka_unit_test_setup_teardown(test_many_origins_are_forgotten, start, stop),
        cmocka_unit_test_setup_teardown(test_capacities, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
