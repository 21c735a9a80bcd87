#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "facts.h"

/* Too large for a stack. */
static struct facts_cache cache;

static int init(void **state)
{
    (void)state;
    facts_cache_init(&cache);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    facts_cache_finish(&cache);
    return 0;
}

static struct facts *put(const char *lease, const char *toolbox)
{
    struct facts known = {.lease = str_from(lease), .toolbox = str_from(toolbox)};
    struct facts *out = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(facts_put(&cache, &known, &out, &err), EEP_OK);
    return out;
}

static void forget(const char *lease, const char *toolbox)
{
    struct facts *facts = put(lease, toolbox);
    facts_release(&facts);
}

static void test_what_was_put_is_got(void **state)
{
    char lease[] = "s1";
    char toolbox[] = "https://p/s1";
    CLEANUP(facts_release) struct facts *put_one = put(lease, toolbox);
    (void)state;
    memset(lease, 'x', 2); /* it keeps copies */
    memset(toolbox, 'x', 5);
    CLEANUP(facts_release) struct facts *got = facts_get(&cache, STR("s1"));
    assert_ptr_equal(got, put_one);
    assert_true(str_is(got->toolbox, "https://p/s1"));
    assert_string_equal(got->toolbox.ptr, "https://p/s1");
    assert_true(str_absent(got->shell));
}

static void test_what_was_not_put_is_not_there(void **state)
{
    (void)state;
    assert_null(facts_get(&cache, STR("s1")));
    forget("s1", "a");
    assert_null(facts_get(&cache, STR("s")));
    assert_null(facts_get(&cache, STR("s12")));
    assert_null(facts_get(&cache, (eep_str){NULL, 0}));
    facts_drop(&cache, STR("s2"));
}

static void test_new_facts_replace_old_ones(void **state)
{
    CLEANUP(facts_release) struct facts *old = put("s1", "old");
    forget("s1", "new");
    CLEANUP(facts_release) struct facts *got = facts_get(&cache, STR("s1"));
    (void)state;
    assert_true(str_is(got->toolbox, "new"));
    assert_true(str_is(old->toolbox, "old")); /* who holds them may go on */
    assert_int_equal(cache.count, 1);
}

static void test_dropped_facts_live_as_long_as_they_are_held(void **state)
{
    CLEANUP(facts_release) struct facts *held = put("s1", "a");
    (void)state;
    facts_drop(&cache, STR("s1"));
    assert_null(facts_get(&cache, STR("s1")));
    assert_true(str_is(held->toolbox, "a"));
    assert_int_equal(cache.count, 0);
}

static void test_facts_are_added_to(void **state)
{
    CLEANUP(facts_release) struct facts *first = put("s1", "a");
    CLEANUP(facts_release) struct facts *second = NULL;
    struct facts known = facts_strings(first);
    struct facts nothing = facts_strings(NULL);
    struct err err = ERR_INIT;
    (void)state;
    known.shell = STR("/bin/bash");
    assert_int_equal(facts_put(&cache, &known, &second, &err), EEP_OK);
    assert_true(str_is(second->lease, "s1"));
    assert_true(str_is(second->toolbox, "a"));
    assert_true(str_is(second->shell, "/bin/bash"));
    assert_true(str_absent(nothing.lease));
}

static void test_a_full_cache_starts_anew(void **state)
{
    char lease[32];
    (void)state;
    for (int i = 0; i <= FACTS_MAX; i++) {
        snprintf(lease, sizeof lease, "s%d", i);
        forget(lease, "a");
        assert_in_range(cache.count, 1, FACTS_MAX);
    }
    assert_int_equal(cache.count, 1);
    CLEANUP(facts_release) struct facts *last = facts_get(&cache, str_from(lease));
    assert_non_null(last);
}

/* -- From many threads ------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 2000, LEASES = 5 };

static void look_at(struct facts *facts, const char *lease)
{
    if (!facts) return;
    assert_true(str_is(facts->lease, lease));
    assert_true(str_has_prefix(facts->toolbox, lease));
}

static void *hammer(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    for (int i = 0; i < ROUNDS; i++) {
        char lease[16];
        char toolbox[32];
        seed = seed * 1103515245 + 12345;
        snprintf(lease, sizeof lease, "s%u", (seed >> 16) % LEASES);
        snprintf(toolbox, sizeof toolbox, "%s-%d", lease, i);
        struct facts *facts = facts_get(&cache, str_from(lease));
        look_at(facts, lease);
        struct facts known = facts_strings(facts);
        struct facts *fresh = NULL;
        struct err err = ERR_INIT;
        known.lease = str_from(lease);
        known.toolbox = str_from(toolbox);
        if ((seed >> 24) % 4 == 0) facts_drop(&cache, str_from(lease));
        if (facts_put(&cache, &known, &fresh, &err) == EEP_OK) look_at(fresh, lease);
        facts_release(&facts);
        facts_release(&fresh);
    }
    return NULL;
}

static void test_many_threads(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_in_range(cache.count, 1, LEASES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_put_is_got, init, finish),
        cmocka_unit_test_setup_teardown(test_what_was_not_put_is_not_there, init, finish),
        cmocka_unit_test_setup_teardown(test_new_facts_replace_old_ones, init, finish),
        cmocka_unit_test_setup_teardown(test_dropped_facts_live_as_long_as_they_are_held, init, finish),
        cmocka_unit_test_setup_teardown(test_facts_are_added_to, init, finish),
        cmocka_unit_test_setup_teardown(test_a_full_cache_starts_anew, init, finish),
        cmocka_unit_test_setup_teardown(test_many_threads, init, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
