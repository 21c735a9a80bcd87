#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"

static json *parse(const char *text)
{
    json *tree = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(json_parse(str_from(text), &tree, &err), EEP_OK);
    return tree;
}

static int status_of(eep_str text)
{
    json *tree = NULL;
    struct err err = ERR_INIT;
    int status = json_parse(text, &tree, &err);
    assert_true(status == EEP_OK || (!tree && err.message[0]));
    json_finish(&tree);
    return status;
}

static void test_documents(void **state)
{
    static const char *const good[] = {"{}",   "[]",    " {\"a\":[1,2.5,true,null]} \n", "1", "-0", "true",
                                       "null", "\"x\"", "\"\\u00e9\\ud83d\\ude00\""};
    static const char *const bad[] = {"",      " ",         "{",   "[1,]",  "{\"a\":1,}", "{a:1}",
                                      "{} {}", "[1 2]",     "1x",  "truex", "\"x\" 1",    "\"\xff\"",
                                      "\"x",   "/**/ null", "'x'", "nul"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (status_of(str_from(good[i])) != EEP_OK) fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (status_of(str_from(bad[i])) != EEP_E_PROTOCOL) fail_msg("taken: %s", bad[i]);
    assert_int_equal(status_of((eep_str){NULL, 0}), EEP_E_PROTOCOL);
    assert_int_equal(status_of((eep_str){"{}\0", 3}), EEP_E_PROTOCOL);
}

static void test_depth_is_limited(void **state)
{
    char text[200000];
    (void)state;
    memset(text, '[', sizeof text);
    assert_int_equal(status_of((eep_str){text, sizeof text}), EEP_E_PROTOCOL);
    memset(text, '[', 50);
    memset(text + 50, ']', 50);
    assert_int_equal(status_of((eep_str){text, 100}), EEP_OK);
}

static void test_typed_members(void **state)
{
    CLEANUP(json_finish)
    json *tree =
        parse("{\"s\":\"a\\u0000b\",\"i\":-7,\"d\":2.0,\"f\":2.5,\"huge\":1e300,\"t\":true,\"n\":null}");
    eep_str text = STR("old");
    int64_t number = 1;
    bool flag = false;
    (void)state;
    assert_true(json_get_str(tree, "s", &text));
    assert_int_equal(text.len, 3);
    assert_memory_equal(text.ptr, "a\0b", 3);
    assert_true(json_get_i64(tree, "i", &number) && number == -7);
    assert_true(json_get_i64(tree, "d", &number) && number == 2);
    assert_false(json_get_i64(tree, "f", &number) || json_get_i64(tree, "huge", &number));
    assert_false(json_get_i64(tree, "s", &number) || json_get_i64(tree, "t", &number));
    assert_true(json_get_bool(tree, "t", &flag) && flag);
    assert_false(json_get_bool(tree, "i", &flag) || json_get_str(tree, "i", &text));
    assert_null(json_get(tree, "n"));
    assert_null(json_get(tree, "missing"));
}

static void test_getters_take_anything(void **state)
{
    CLEANUP(json_finish) json *array = parse("[1,\"x\"]");
    eep_str text;
    (void)state;
    assert_null(json_get(NULL, "a"));
    assert_null(json_get(array, "a"));
    assert_false(json_get_str(NULL, "a", &text));
    assert_true(str_absent(json_str(NULL)) && str_absent(json_str(array)));
    assert_int_equal(json_len(NULL), 0);
    assert_null(json_at(array, 2));
    assert_null(json_at(NULL, 0));
    assert_true(json_is_array(array) && !json_is_object(array) && !json_is_array(NULL) &&
                !json_is_object(NULL));
    assert_int_equal(json_each(array, NULL, NULL), 0);
}

static int stop_at_b(void *ctx, eep_str key, json *value)
{
    int *count = ctx;
    (void)value;
    ++*count;
    return str_is(key, "b") ? 7 : 0;
}

static void test_visiting(void **state)
{
    CLEANUP(json_finish) json *tree = parse("{\"a\":1,\"b\":2,\"c\":3}");
    int count = 0;
    (void)state;
    assert_int_equal(json_each(tree, stop_at_b, &count), 7);
    assert_int_equal(count, 2);
}

static void test_building(void **state)
{
    CLEANUP(json_finish) json *object = json_new_object();
    json *array = json_new_array();
    (void)state;
    assert_int_equal(json_put(object, "list", array), EEP_OK);
    assert_int_equal(json_push(array, json_new_str(((eep_str){"a/\"\0", 4}))), EEP_OK);
    assert_int_equal(json_push(array, json_new_i64(INT64_MIN)), EEP_OK);
    assert_int_equal(json_put(object, "yes", json_new_bool(true)), EEP_OK);
    assert_int_equal(json_put_null(object, "none"), EEP_OK);
    assert_string_equal(json_text(object),
                        "{\"list\":[\"a/\\\"\\u0000\",-9223372036854775808],\"yes\":true,\"none\":null}");
}

static void test_building_without_memory(void **state)
{
    CLEANUP(json_finish) json *object = json_new_object();
    (void)state;
    assert_int_equal(json_put(object, "a", NULL), EEP_E_NO_MEMORY);
    assert_int_equal(json_put(NULL, "a", json_new_i64(1)), EEP_E_NO_MEMORY);
    assert_int_equal(json_put_null(NULL, "a"), EEP_E_NO_MEMORY);
    assert_int_equal(json_push(NULL, json_new_i64(1)), EEP_E_NO_MEMORY);
}

static void test_quoting(void **state)
{
    CLEANUP(buf_finish) struct buf out = BUF_INIT(100);
    (void)state;
    assert_int_equal(json_quote(&out, ((eep_str){"a\"\\\n\0\xc3\xa9\xff\x7f", 9})), EEP_OK);
    assert_string_equal(buf_cstr(&out), "\"a\\\"\\\\\\n\\u0000\xc3\xa9\xef\xbf\xbd\x7f\"");
    CLEANUP(json_finish) json *back = parse(buf_cstr(&out));
    assert_int_equal(json_str(back).len, 11);
}

/* Every byte at every place of a text that is looked at eight bytes at a time, behind one that is quoted, too. */
static void test_each_byte_is_quoted(void **state)
{
    (void)state;
    for (int c = 0; c < 0x80; c++) {
        for (size_t at = 0; at < 20; at++) {
            CLEANUP(buf_finish) struct buf out = BUF_INIT(100);
            char text[21] = "\"bcdefgh\x1fjklm opqrs";
            text[at] = (char)c;
            assert_int_equal(json_quote(&out, (eep_str){text, 20}), EEP_OK);
            CLEANUP(json_finish) json *back = parse(buf_cstr(&out));
            assert_int_equal(json_str(back).len, 20);
            assert_memory_equal(json_str(back).ptr, text, 20);
        }
    }
}

static void test_secret_trees(void **state)
{
    json *tree = parse("{\"a\":[\"secret\",{\"b\":\"secret\"}],\"c\":\"secret\",\"d\":null,\"e\":1}");
    json *none = NULL;
    (void)state;
    json_finish_secret(&tree);
    assert_null(tree);
    json_finish_secret(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_typed_members),
        cmocka_unit_test(test_getters_take_anything),
        cmocka_unit_test(test_visiting),
        cmocka_unit_test(test_building),
        cmocka_unit_test(test_building_without_memory),
        cmocka_unit_test(test_quoting),
        cmocka_unit_test(test_each_byte_is_quoted),
        cmocka_unit_test(test_secret_trees),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
