/* What is kept of an account, for whom, and for how long. */
#include "daytona/pacing.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/http_testing.h"

#define URL   STR("http://127.0.0.1:1/api")
#define TOKEN STR("dtn_one")

static void test_what_waits_for_what(void **state)
{
    static const struct {
        enum throttler limited;
        bool waits[THROTTLERS]; /* calls of each kind */
    } cases[] = {
        {THROTTLER_CREATE, {false, true, false, false}},
        {THROTTLER_LIFECYCLE, {false, false, true, false}},
        {THROTTLER_REQUESTS, {true, true, true, true}},
        {THROTTLER_OTHER, {true, true, true, true}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char token[16];
        snprintf(token, sizeof token, "case %zu", i);
        struct pacing *pacing = pacing_hold(URL, str_from(token));
        pacing_limit(pacing, cases[i].limited, 5000);
        for (enum throttler kind = 0; kind < THROTTLERS; kind++) {
            enum throttler why = THROTTLERS;
            int64_t turn = pacing_turn(pacing, kind, &why);
            assert_int_equal(turn > 0, cases[i].waits[kind]);
            if (turn > 0) assert_int_equal(why, cases[i].limited);
            if (turn > 0) assert_in_range(turn - clock_now_ms(), 4000, 5000);
        }
        pacing_release(&pacing);
        assert_null(pacing);
    }
}

/* The longest counts, and a shorter one that comes later does not shorten it. */
static void test_the_longest_counts(void **state)
{
    enum throttler why;
    (void)state;
    struct pacing *pacing = pacing_hold(URL, STR("longest"));
    pacing_limit(pacing, THROTTLER_CREATE, 9000);
    pacing_limit(pacing, THROTTLER_CREATE, 10);
    pacing_limit(pacing, THROTTLER_REQUESTS, 3000);
    assert_true(pacing_turn(pacing, THROTTLER_CREATE, &why) - clock_now_ms() > 8000);
    assert_int_equal(why, THROTTLER_CREATE);
    pacing_release(&pacing);
}

/* A proxy that says "come back tomorrow" is asked again all the same, now and then. */
static void test_nobody_waits_till_tomorrow(void **state)
{
    enum throttler why;
    (void)state;
    struct pacing *pacing = pacing_hold(URL, STR("tomorrow"));
    pacing_limit(pacing, THROTTLER_OTHER, 24 * 3600 * 1000);
    assert_in_range(pacing_turn(pacing, THROTTLER_REQUESTS, &why) - clock_now_ms(), 60 * 1000, 300 * 1000);
    pacing_release(&pacing);
}

static void test_which_limit_a_header_is_about(void **state)
{
    (void)state;
    assert_int_equal(pacing_throttler("sandbox-create", THROTTLER_REQUESTS), THROTTLER_CREATE);
    assert_int_equal(pacing_throttler("sandbox-lifecycle", THROTTLER_CREATE), THROTTLER_LIFECYCLE);
    assert_int_equal(pacing_throttler("authenticated", THROTTLER_CREATE), THROTTLER_REQUESTS);
    assert_int_equal(pacing_throttler("", THROTTLER_CREATE), THROTTLER_OTHER);
    assert_int_equal(pacing_throttler("new-one", THROTTLER_CREATE), THROTTLER_CREATE);
}

/* Shared by those with the same credentials at the same address, and remembered after them; by nobody else. */
static void test_whose_it_is(void **state)
{
    enum throttler why;
    (void)state;
    struct pacing *one = pacing_hold(URL, TOKEN);
    struct pacing *same = pacing_hold(URL, TOKEN);
    struct pacing *other_key = pacing_hold(URL, STR("dtn_two"));
    struct pacing *other_place = pacing_hold(STR("http://127.0.0.1:2/api"), TOKEN);
    pacing_limit(one, THROTTLER_REQUESTS, 5000);
    pacing_refuse(one);
    assert_true(pacing_turn(same, THROTTLER_REQUESTS, &why) > 0 && pacing_is_refused(same));
    assert_false(pacing_turn(other_key, THROTTLER_REQUESTS, &why) > 0 || pacing_is_refused(other_key));
    assert_false(pacing_turn(other_place, THROTTLER_REQUESTS, &why) > 0 || pacing_is_refused(other_place));
    pacing_release(&one);
    pacing_release(&same);
    pacing_release(&other_key);
    pacing_release(&other_place);
    struct pacing *later = pacing_hold(URL, TOKEN);
    assert_true(pacing_is_refused(later));
    pacing_release(&later);
}

/* Also of those that no limit keeps in mind. */
static void test_a_refusal_outlives_who_heard_it(void **state)
{
    (void)state;
    struct pacing *refused = pacing_hold(URL, STR("refused"));
    pacing_refuse(refused);
    pacing_release(&refused);
    struct pacing *another = pacing_hold(URL, STR("another")); /* what can be forgotten is, now */
    refused = pacing_hold(URL, STR("refused"));
    assert_true(pacing_is_refused(refused));
    pacing_release(&refused);
    pacing_release(&another);
}

/* The child has nobody's locks and limits, and can give the parent's back. */
static void test_a_child_begins_anew(void **state)
{
    int status = 0;
    (void)state;
    struct pacing *pacing = pacing_hold(URL, STR("forked"));
    pacing_refuse(pacing);
    pid_t child = fork();
    if (child == 0) {
        struct pacing *fresh = pacing_hold(URL, STR("forked"));
        bool well = fresh && !pacing_is_refused(fresh);
        pacing_release(&fresh);
        pacing_release(&pacing);
        _exit(well ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    pacing_release(&pacing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_waits_for_what),
        cmocka_unit_test(test_the_longest_counts),
        cmocka_unit_test(test_nobody_waits_till_tomorrow),
        cmocka_unit_test(test_which_limit_a_header_is_about),
        cmocka_unit_test(test_whose_it_is),
        cmocka_unit_test(test_a_refusal_outlives_who_heard_it),
        cmocka_unit_test(test_a_child_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
