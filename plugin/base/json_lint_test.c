#include "base/json_lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/str.h"

/* Collects "code pointer;" */
static int collect(void *ctx, enum json_fault fault, const char *pointer)
{
    static const char codes[] = "DNCS"; /* duplicate, NUL, control, strict */
    return buf_appendf(ctx, "%c%s;", codes[fault], pointer);
}

static void expect(const char *text, const char *faults)
{
    CLEANUP(buf_finish) struct buf found = BUF_INIT(4096);
    CLEANUP(json_finish) json *tree = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(json_parse(str_from(text), &tree, &err), EEP_OK); /* only such texts are its business */
    assert_int_equal(json_lint(str_from(text), collect, &found), EEP_OK);
    assert_string_equal(buf_cstr(&found), faults);
}

static void test_good_json(void **state)
{
    (void)state;
    expect("{}", "");
    expect("[{\"a\":1},{\"a\":1}]", "");
    expect("{\"a\":{\"a\":{\"a\":[]}},\"b\":\"a\",\"c\":\"{\\\"a\\\":[\"}", "");
    expect(" [0, -0, 10, 1.5, -1.25e10, 1E-2, 0e+1, true, false, null, \"NaN\"] ", "");
    expect("\"\\\\\"", "");
    expect("7", "");
}

static void test_duplicates(void **state)
{
    (void)state;
    expect("{\"a\":1,\"a\":2,\"a\":3}", "D/a;D/a;");
    expect("{\"a\":1,\"\\u0061\":2}", "D/a;");
    expect("[0,{\"x\":{\"k\":1,\"k\":2}},{\"y\" : 1 , \"y\" : 2}]", "D/1/x/k;D/2/y;");
    expect("{\"a/b~\":1,\"a/b~\":2}", "D/a~1b~0;");
    expect("{\"\":1,\"\":2}", "D/;");
    expect("{\"a\":[1,2],\"b\":{\"a\":1},\"a\":1}", "D/a;");
}

static void test_nul_in_keys(void **state)
{
    (void)state;
    expect("{\"a\\u0000b\":1,\"a\\u0000c\":2}", "N;N;");
    expect("[{\"x\":{\"\\u0000\":1}}]", "N/0/x;");
    expect("{\"a\":\"\\u0000\"}", "");
}

static void test_raw_control_characters(void **state)
{
    (void)state;
    expect("{\"a\":\"x\ny\",\"b\tc\":[\"\x01\"]}", "C/a;C/b\tc;C/b\tc/0;");
    expect("{\n\t\"a\"\r\n:1}", "");
}

static void test_lax_numbers_and_quotes(void **state)
{
    (void)state;
    expect("{\"a\":NaN,\"b\":NaN}", "S/a;");
    expect("{\"a\":[1,Infinity]}", "S/a/1;");
    expect("{\"a\":-Infinity}", "S/a;");
    expect("{\"a\":1.}", "S/a;");
    expect("{\"a\":-01}", "S/a;");
    expect("{'b':2,\"a\":1}", "S;");
}

static int refuse(void *ctx, enum json_fault fault, const char *pointer)
{
    int *count = ctx;
    (void)fault, (void)pointer;
    ++*count;
    return EEP_E_TOO_LARGE;
}

static void test_the_reporter_may_stop_it(void **state)
{
    int count = 0;
    (void)state;
    assert_int_equal(json_lint(STR("{\"a\":1,\"a\":2,\"a\":3}"), refuse, &count), EEP_E_TOO_LARGE);
    assert_int_equal(count, 1);
}

/* Texts that are no JSON at all are not its business, but must not hurt. */
static void test_broken_texts(void **state)
{
    static const char *const texts[] = {"\"", "\"a",     "{\"a", "\"a\\", "]]]", "}}",
                                        "[",  "{\"a\":", ",,",   "-",     "1e"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        CLEANUP(buf_finish) struct buf found = BUF_INIT(4096);
        (void)!json_lint(str_from(texts[i]), collect, &found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_json),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_nul_in_keys),
        cmocka_unit_test(test_raw_control_characters),
        cmocka_unit_test(test_lax_numbers_and_quotes),
        cmocka_unit_test(test_the_reporter_may_stop_it),
        cmocka_unit_test(test_broken_texts),
    };
    return cmocka_run_group_tests_name("json_lint", tests, NULL, NULL);
}
