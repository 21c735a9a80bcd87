#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"

static void test_setting_begins_anew(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(err_set(&err, EEP_E_NOT_FOUND, "no %s", "file"), EEP_E_NOT_FOUND);
    err.http_status = 404;
    assert_int_equal(err_flag(&err, EEP_ERROR_RETRYABLE), EEP_E_NOT_FOUND);
    assert_int_equal(err_set(&err, EEP_E_TLS, "other"), EEP_E_TLS);
    assert_int_equal(err.flags, 0);
    assert_int_equal(err.http_status, 0);
    assert_string_equal(err.message, "other");
}

static void test_an_error_may_quote_itself(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    err_set(&err, EEP_E_UNAVAILABLE, "no answer");
    err_set(&err, EEP_E_DEADLINE, "gave up: %s", err.message);
    assert_string_equal(err.message, "gave up: no answer");
}

static void test_prefixes(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(err_prefix(&err, "before"), EEP_OK);
    assert_string_equal(err.message, "");
    err_set(&err, EEP_E_QUOTA, "full");
    assert_int_equal(err_prefix(&err, "file %d", 3), EEP_E_QUOTA);
    assert_string_equal(err.message, "file 3: full");
}

static void test_suffixes(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(err_suffix(&err, "after"), EEP_OK);
    assert_string_equal(err.message, "");
    err_set(&err, EEP_E_QUOTA, "full");
    assert_int_equal(err_suffix(&err, "file %d is left", 3), EEP_E_QUOTA);
    assert_string_equal(err.message, "full; file 3 is left");
}

static void test_control_characters_become_blanks(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    err_set(&err, EEP_E_PROTOCOL, "%s", "a\nb\x1b[31mc\x7f\xc3\xa9");
    assert_string_equal(err.message, "a b [31mc \xc3\xa9");
}

/* However a long text is cut, what is left is UTF-8. */
static void test_cuts_are_between_characters(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        char text[3000] = "";
        struct err err = ERR_INIT;
        memset(text, 'x', shift);
        for (size_t at = shift; at + 5 < sizeof text; at += 4)
            memcpy(text + at, "\xf0\x9f\x98\x80", 5);
        err_set(&err, EEP_E_PROTOCOL, "%s", text);
        assert_true(strlen(err.message) > sizeof err.message - 6);
        assert_true(str_is_utf8(str_from(err.message)));
        err_prefix(&err, "%s", text);
        assert_true(str_is_utf8(str_from(err.message)));
        err_suffix(&err, "the end");
        assert_true(str_is_utf8(str_from(err.message)));
        assert_true(strlen(err.message) > sizeof err.message - 6);
        assert_non_null(strstr(err.message, "; the end"));
    }
}

static void test_the_first_place_stays(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    err_set(&err, EEP_E_TLS, "x");
    err_where(&err, "acquire: %s", "POST");
    err_where(&err, "later");
    assert_string_equal(err.where, "acquire: POST");
}

static void test_names(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    assert_string_equal(err_name(EEP_OK), "OK");
    assert_string_equal(err_name(EEP_E_LEASE_LOST), "LEASE_LOST");
    assert_string_equal(err_name(EEP_E_EXPIRED), "EXPIRED");
    assert_string_equal(err_name(EEP_E_INTERNAL), "INTERNAL");
    assert_string_equal(err_name(-5), "INTERNAL");
    assert_string_equal(err_name(1000), "INTERNAL");
    assert_int_equal(err_no_memory(&err), EEP_E_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_setting_begins_anew),
        cmocka_unit_test(test_an_error_may_quote_itself),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_suffixes),
        cmocka_unit_test(test_control_characters_become_blanks),
        cmocka_unit_test(test_cuts_are_between_characters),
        cmocka_unit_test(test_the_first_place_stays),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
