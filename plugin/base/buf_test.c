#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void test_appending(void **state)
{
    CLEANUP(buf_finish) struct buf buf = BUF_INIT(100);
    (void)state;
    assert_string_equal(buf_cstr(&buf), "");
    assert_int_equal(buf_str(&buf).len, 0);
    assert_non_null(buf_str(&buf).ptr);
    assert_int_equal(buf_append(&buf, "a\0b", 3), EEP_OK);
    assert_int_equal(buf_append_char(&buf, 'c'), EEP_OK);
    assert_int_equal(buf_appendf(&buf, "%d-%s", 42, "x"), EEP_OK);
    assert_int_equal(buf_append_str(&buf, (eep_str){NULL, 0}), EEP_OK);
    assert_int_equal(buf.len, 8);
    assert_memory_equal(buf.data, "a\0bc42-x", 9);
}

static void test_the_maximum_holds(void **state)
{
    CLEANUP(buf_finish) struct buf buf = BUF_INIT(5);
    (void)state;
    assert_int_equal(buf_append_cstr(&buf, "12345"), EEP_OK);
    assert_int_equal(buf_append_char(&buf, '6'), EEP_E_TOO_LARGE);
    assert_int_equal(buf_appendf(&buf, "%d", 6), EEP_E_TOO_LARGE);
    assert_null(buf_extend(&buf, 1));
    assert_int_equal(buf_append(&buf, "", 0), EEP_OK);
    assert_string_equal(buf_cstr(&buf), "12345");
}

static void test_a_buffer_joins_another(void **state)
{
    CLEANUP(buf_finish) struct buf buf = BUF_INIT(5);
    CLEANUP(buf_finish) struct buf from = BUF_INIT(100);
    (void)state;
    assert_int_equal(buf_append_buf(&buf, &from), EEP_OK);
    assert_string_equal(buf_cstr(&buf), "");
    assert_int_equal(buf_append_cstr(&from, "abc"), EEP_OK);
    const char *moved = from.data;
    assert_int_equal(buf_append_buf(&buf, &from), EEP_OK);
    assert_ptr_equal(buf.data, moved);
    assert_int_equal(from.len, 0);
    assert_int_equal(buf_append_cstr(&from, "de"), EEP_OK);
    assert_int_equal(buf_append_buf(&buf, &from), EEP_OK);
    assert_string_equal(buf_cstr(&buf), "abcde");
    assert_string_equal(buf_cstr(&from), "");
    assert_int_equal(buf_append_cstr(&from, "too long"), EEP_OK);
    assert_int_equal(buf_append_buf(&buf, &from), EEP_E_TOO_LARGE);
    buf_reset(&buf);
    assert_int_equal(buf_append_buf(&buf, &from), EEP_E_TOO_LARGE);
    assert_string_equal(buf_cstr(&from), "too long");
    assert_int_equal(buf.max, 5);
}

static void test_zeroed_buffers_take_nothing(void **state)
{
    struct buf buf;
    (void)state;
    memset(&buf, 0, sizeof buf);
    assert_int_equal(buf_append_char(&buf, 'x'), EEP_E_TOO_LARGE);
    buf_reset(&buf);
    buf_finish(&buf);
    buf_finish_secret(&buf);
}

static void test_growing_over_many_sizes(void **state)
{
    CLEANUP(buf_finish) struct buf buf = BUF_INIT(1 << 20);
    (void)state;
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(buf_append_char(&buf, (char)('a' + i % 26)), EEP_OK);
    for (size_t i = 0; i < buf.len; i++)
        assert_int_equal(buf.data[i], 'a' + i % 26);
    assert_int_equal(buf.data[buf.len], '\0');
}

/* What can never be used is not asked of malloc. */
static void test_no_more_memory_than_the_maximum(void **state)
{
    CLEANUP(buf_finish) struct buf buf = BUF_INIT(1000);
    (void)state;
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(buf_append_char(&buf, 'x'), EEP_OK);
    assert_int_equal(buf.cap, 1001);
}

/* A length from a hostile answer must not wrap around. */
static void test_absurd_lengths(void **state)
{
    CLEANUP(buf_finish) struct buf buf = BUF_INIT(SIZE_MAX);
    (void)state;
    assert_int_equal(buf_append_char(&buf, 'x'), EEP_OK);
    assert_null(buf_extend(&buf, SIZE_MAX));
    assert_null(buf_extend(&buf, SIZE_MAX - 1));
    assert_null(buf_extend(&buf, SIZE_MAX / 2));
    assert_string_equal(buf_cstr(&buf), "x");
}

static void test_used_again_after_reset_and_finish(void **state)
{
    CLEANUP(buf_finish) struct buf buf = BUF_INIT(3);
    (void)state;
    assert_int_equal(buf_append_cstr(&buf, "abc"), EEP_OK);
    buf_reset(&buf);
    assert_string_equal(buf_cstr(&buf), "");
    assert_int_equal(buf_append_cstr(&buf, "def"), EEP_OK);
    buf_finish(&buf);
    assert_int_equal(buf_append_cstr(&buf, "abcd"), EEP_E_TOO_LARGE);
    assert_int_equal(buf_append_cstr(&buf, "ghi"), EEP_OK);
}

static void test_extending_gives_room(void **state)
{
    CLEANUP(buf_finish_secret) struct buf buf = BUF_INIT(10);
    (void)state;
    assert_int_equal(buf_append_cstr(&buf, "ab"), EEP_OK);
    char *room = buf_extend(&buf, 3);
    assert_non_null(room);
    memcpy(room, "cde", 3);
    assert_string_equal(buf_cstr(&buf), "abcde");
}

static void test_errors(void **state)
{
    struct buf buf = BUF_INIT(7);
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(buf_error(&buf, EEP_OK, "the answer", &err), EEP_OK);
    assert_int_equal(buf_error(&buf, EEP_E_NO_MEMORY, "the answer", &err), EEP_E_NO_MEMORY);
    assert_int_equal(buf_error(&buf, EEP_E_TOO_LARGE, "the answer", &err), EEP_E_TOO_LARGE);
    assert_string_equal(err.message, "the answer is larger than 7 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appending),
        cmocka_unit_test(test_the_maximum_holds),
        cmocka_unit_test(test_a_buffer_joins_another),
        cmocka_unit_test(test_zeroed_buffers_take_nothing),
        cmocka_unit_test(test_growing_over_many_sizes),
        cmocka_unit_test(test_no_more_memory_than_the_maximum),
        cmocka_unit_test(test_absurd_lengths),
        cmocka_unit_test(test_used_again_after_reset_and_finish),
        cmocka_unit_test(test_extending_gives_room),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
