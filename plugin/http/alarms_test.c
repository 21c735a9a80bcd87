/* Moments come in their order, whatever was set and cleared meanwhile. */
#include "http/alarms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY_ALARMS = 500 };

static void test_none(void **state)
{
    struct alarms alarms = {0};
    struct alarm alarm = {0};
    (void)state;
    assert_null(alarms_first(&alarms));
    alarms_clear(&alarms, &alarm);
    alarms_finish(&alarms);
}

static void test_the_earliest_comes_first(void **state)
{
    struct alarms alarms = {0};
    struct alarm each[3] = {0};
    (void)state;
    assert_int_equal(alarms_set(&alarms, &each[0], &each[0], 30), EEP_OK);
    assert_int_equal(alarms_set(&alarms, &each[1], &each[1], 10), EEP_OK);
    assert_int_equal(alarms_set(&alarms, &each[2], &each[2], 20), EEP_OK);
    assert_ptr_equal(alarms_first(&alarms)->who, &each[1]);
    alarms_clear(&alarms, &each[1]);
    alarms_clear(&alarms, &each[1]); /* not set any more: nothing */
    assert_ptr_equal(alarms_first(&alarms)->who, &each[2]);
    alarms_finish(&alarms);
}

/* Takes all out; they must come in order. Returns how many there were. */
static int drain(struct alarms *alarms)
{
    int count = 0;
    int64_t before = INT64_MIN;
    for (struct alarm *first; (first = alarms_first(alarms)) != NULL; count++) {
        assert_true(first->at >= before);
        before = first->at;
        alarms_clear(alarms, first);
        assert_int_equal(first->place, 0);
    }
    return count;
}

static void test_any_mixture(void **state)
{
    static struct alarm each[MANY_ALARMS];
    struct alarms alarms = {0};
    unsigned seed = 7;
    int set = 0;
    (void)state;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 2 * MANY_ALARMS; i++) {
            struct alarm *alarm = &each[rand_r(&seed) % MANY_ALARMS];
            if (alarm->place) {
                alarms_clear(&alarms, alarm);
                set--;
            } else {
                assert_int_equal(alarms_set(&alarms, alarm, alarm, rand_r(&seed) % 100), EEP_OK);
                set++;
            }
        }
        assert_int_equal(drain(&alarms), set);
        set = 0;
    }
    alarms_finish(&alarms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_the_earliest_comes_first),
        cmocka_unit_test(test_any_mixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
