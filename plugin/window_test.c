/* window_test.c: cuts make windows shorter, peace makes them longer again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "window.h"

#define WANTED 20000

/* Waits `times` times to the end of its window behind somebody who cuts at limit_ms; how often was it cut? */
static unsigned wait_behind(struct window *window, int64_t limit_ms, unsigned times)
{
    unsigned before = window->cuts;
    for (unsigned i = 0; i < times; i++) {
        int64_t waits = window_limit(window, WANTED);
        if (waits > limit_ms)
            window_note_cut(window, waits, limit_ms);
        else
            window_note_answer(window, waits, waits);
    }
    return window->cuts - before;
}

static void nothing_learned_is_no_limit(void **state)
{
    struct window window = {0};
    (void)state;
    assert_int_equal(wait_behind(&window, WANTED, 100), 0);
    assert_int_equal(window_limit(&window, WANTED), WANTED);
}

static void a_cut_makes_it_shorter(void **state)
{
    struct window window = {0};
    (void)state;
    window_note_cut(&window, WANTED, 10000);
    assert_int_equal(window_limit(&window, WANTED), 7500);
    assert_int_equal(window_limit(&window, 3000), 3000);
    window_note_cut(&window, 7500, 1200);
    assert_int_equal(window_limit(&window, WANTED), 1000); /* never less */
}

/* Refused at once, or after its window: that is no time limit of somebody's. */
static void what_is_no_cut_teaches_nothing(void **state)
{
    struct window window = {0};
    (void)state;
    window_note_cut(&window, WANTED, 300);
    window_note_cut(&window, WANTED, WANTED + 5000);
    assert_int_equal(window_limit(&window, WANTED), WANTED);
}

/* Somebody had a bad moment, once. */
static void a_passing_trouble_is_forgotten(void **state)
{
    struct window window = {0};
    (void)state;
    window_note_cut(&window, WANTED, 1100);
    assert_int_equal(wait_behind(&window, WANTED, 8), 0);
    assert_int_equal(window_limit(&window, WANTED), 2000);
    assert_int_equal(wait_behind(&window, WANTED, 40), 0);
    assert_int_equal(window_limit(&window, WANTED), WANTED);
}

/* A limit that stays is tried more and more seldom. */
static void a_limit_that_stays_is_respected(void **state)
{
    struct window window = {0};
    (void)state;
    assert_in_range(wait_behind(&window, 10000, 1000), 1, 8);
    assert_in_range(wait_behind(&window, 10000, 1000), 0, 1);
}

/* News tells nothing about how long a request may wait. */
static void news_teach_nothing(void **state)
{
    struct window window = {0};
    (void)state;
    window_note_cut(&window, WANTED, 4000);
    for (int i = 0; i < 1000; i++)
        window_note_answer(&window, 3000, 200);
    assert_int_equal(window_limit(&window, WANTED), 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_learned_is_no_limit),     cmocka_unit_test(a_cut_makes_it_shorter),
        cmocka_unit_test(what_is_no_cut_teaches_nothing),  cmocka_unit_test(a_passing_trouble_is_forgotten),
        cmocka_unit_test(a_limit_that_stays_is_respected), cmocka_unit_test(news_teach_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
