#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>

static const eep_str absent = {NULL, 0};

static void test_absent_and_empty(void **state)
{
    (void)state;
    assert_true(str_absent(str_from(NULL)));
    assert_false(str_absent(STR("")));
    assert_true(str_empty(absent) && str_empty(STR("")) && !str_empty(STR("a")));
    assert_true(str_eq(absent, STR("")));
    assert_true(str_has_prefix(absent, "") && str_has_suffix(absent, ""));
    assert_false(str_has_prefix(absent, "a") || str_has_suffix(absent, "a") || str_contains(absent, "a"));
    assert_false(str_has_byte(absent, '\0'));
    assert_int_equal(str_trim(absent).len, 0);
}

static void test_comparing(void **state)
{
    (void)state;
    assert_true(str_is(STR("abc"), "abc"));
    assert_false(str_is(STR("abc"), "ab") || str_is(STR("ab"), "abc"));
    assert_false(str_is(((eep_str){"a\0b", 3}), "a"));
    assert_true(str_has_prefix(STR("eep.x"), "eep.") && !str_has_prefix(STR("eep"), "eep."));
    assert_true(str_has_suffix(STR("a.sh"), ".sh") && !str_has_suffix(STR("sh"), ".sh"));
    assert_true(str_contains(STR("a://b"), "://") && !str_contains(STR("a:/"), "://"));
    assert_true(str_has_byte(((eep_str){"a\0", 2}), '\0'));
}

static void test_trimming_and_splitting(void **state)
{
    eep_str rest;
    (void)state;
    assert_true(str_is(str_trim(STR(" \t\r\n\v\f a b \n")), "a b"));
    assert_int_equal(str_trim(STR("  ")).len, 0);
    assert_true(str_is(str_split(STR("a,,b"), ',', &rest), "a"));
    assert_true(str_is(rest, ",b"));
    assert_true(str_is(str_split(rest, ',', &rest), ""));
    assert_true(str_is(str_split(rest, ',', &rest), "b"));
    assert_true(str_absent(rest));
    str_split(STR("a,"), ',', &rest);
    assert_true(!str_absent(rest) && rest.len == 0);
}

static void test_character_classes(void **state)
{
    (void)state;
    assert_true(str_is_graph(STR("!~aZ09")));
    assert_false(str_is_graph(STR("a b")) || str_is_graph(STR("\x7f")) || str_is_graph(STR("\x80")));
    assert_true(str_is_print(STR("a b")));
    assert_false(str_is_print(STR("a\n")) || str_is_print(((eep_str){"\0", 1})));
    assert_true(str_is_env_name(STR("_A9")) && str_is_env_name(STR("a")));
    assert_false(str_is_env_name(STR("")) || str_is_env_name(STR("9A")) || str_is_env_name(STR("A-B")));
    assert_true(str_is_word(STR("9-_a")));
    assert_false(str_is_word(STR("")) || str_is_word(STR("a.b")) || str_is_word(STR("\xc3\xa9")));
}

/* The borders of RFC 3629, from both sides. */
static void test_utf8(void **state)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\xc2",
                                      "\xe0\x9f\xbf",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xf0\x90\x80",
                                      "\xff",
                                      "a\xfe"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(str_is_utf8(str_from(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(str_is_utf8(str_from(bad[i])));
    assert_true(str_is_utf8((eep_str){"a\0b", 3}));
}

static void test_numbers(void **state)
{
    unsigned long long value = 7;
    (void)state;
    assert_true(str_to_u64(STR("0"), 0, &value) && value == 0);
    assert_true(str_to_u64(STR("18446744073709551615"), ULLONG_MAX, &value) && value == ULLONG_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), ULLONG_MAX, &value));
    assert_true(str_to_u64(STR("0032"), 32, &value) && value == 32);
    assert_false(str_to_u64(STR("33"), 32, &value));
    assert_false(str_to_u64(STR("9"), 5, &value)); /* wrapped around once */
    assert_false(str_to_u64(STR("1"), 0, &value));
    assert_false(str_to_u64(STR(""), 9, &value) || str_to_u64(absent, 9, &value));
    assert_false(str_to_u64(STR("-1"), 9, &value) || str_to_u64(STR(" 1"), 9, &value));
    assert_false(str_to_u64(STR("1x"), 99, &value));
}

static void test_percent_encoding(void **state)
{
    CLEANUP(buf_finish) struct buf out = BUF_INIT(100);
    (void)state;
    assert_int_equal(str_percent_encode(&out, STR("aZ09-._~")), EEP_OK);
    assert_int_equal(str_percent_encode(&out, ((eep_str){" /?%\0\xff", 6})), EEP_OK);
    assert_string_equal(buf_cstr(&out), "aZ09-._~%20%2F%3F%25%00%FF");
}

static void test_paths_that_climb(void **state)
{
    static const char *const climbing[] = {"..", "../a", "a/..", "a/../b", "/.."};
    static const char *const staying[] = {"", "/", "a", "...", "a..", "..a", "a/..b/c", "./a/."};
    (void)state;
    for (size_t i = 0; i < sizeof climbing / sizeof *climbing; i++)
        assert_true(str_climbs(str_from(climbing[i])));
    for (size_t i = 0; i < sizeof staying / sizeof *staying; i++)
        assert_false(str_climbs(str_from(staying[i])));
    assert_false(str_climbs(absent));
}

static void test_control_characters(void **state)
{
    (void)state;
    assert_false(str_has_control(absent));
    assert_false(str_has_control(STR(" ~\xc3\xa4\xff")));
    assert_true(str_has_control(((eep_str){"a\0", 2})));
    assert_true(str_has_control(STR("a\x1f")));
    assert_true(str_has_control(STR("\x7f")));
}

static void test_copying_cuts(void **state)
{
    char out[4];
    (void)state;
    str_copy(out, sizeof out, STR("abc"));
    assert_string_equal(out, "abc");
    str_copy(out, sizeof out, STR("abcd"));
    assert_string_equal(out, "abc");
    str_copy(out, sizeof out, absent);
    assert_string_equal(out, "");
    str_copy(out, 1, STR("a"));
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_and_empty),
        cmocka_unit_test(test_comparing),
        cmocka_unit_test(test_trimming_and_splitting),
        cmocka_unit_test(test_character_classes),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_percent_encoding),
        cmocka_unit_test(test_paths_that_climb),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_copying_cuts),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
