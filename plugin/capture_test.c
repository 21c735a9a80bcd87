/* capture_test.c: head and tail against the whole stream, for all small sizes and cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"

static char byte_at(uint64_t offset)
{
    return (char)('a' + offset * 7 % 26);
}

static void add_range(struct capture *capture, uint64_t from, uint64_t to, size_t piece)
{
    struct err err = ERR_INIT;
    while (from < to) {
        char bytes[64];
        size_t len = to - from < piece ? (size_t)(to - from) : piece;
        for (size_t i = 0; i < len; i++)
            bytes[i] = byte_at(from + i);
        assert_int_equal(capture_add(capture, bytes, len, &err), EEP_OK);
        from += len;
    }
}

/* What is held must be the first `head` and the last `len - head` bytes of a stream of `total`. */
static void check_taken(struct capture *capture, uint64_t total, size_t want_len)
{
    size_t len;
    size_t head;
    char *bytes = capture_take(capture, &len, &head);
    assert_non_null(bytes);
    assert_int_equal(len, want_len);
    for (size_t i = 0; i < head; i++)
        assert_int_equal(bytes[i], byte_at(i));
    for (size_t i = head; i < len; i++)
        assert_int_equal(bytes[i], byte_at(total - (len - i)));
    assert_int_equal(bytes[len], '\0');
    free(bytes);
}

static void test_all_small_sizes(void **state)
{
    (void)state;
    for (size_t capacity = 2; capacity < 12; capacity++)
        for (uint64_t total = 0; total < 40; total++)
            for (size_t piece = 1; piece < 14; piece++) {
                struct capture capture;
                capture_init(&capture, capacity);
                add_range(&capture, 0, total, piece);
                check_taken(&capture, total, total < capacity ? (size_t)total : capacity);
                capture_finish(&capture);
            }
}

/* Fetching only what capture_next asks for gives the same as the whole stream. */
static void test_skipping_the_middle(void **state)
{
    (void)state;
    for (size_t capacity = 2; capacity < 12; capacity++)
        for (uint64_t total = 0; total < 60; total++) {
            struct capture capture;
            uint64_t fetched = 0;
            capture_init(&capture, capacity);
            while (capture.seen < total) {
                capture_skip(&capture, capture_next(&capture, total));
                add_range(&capture, capture.seen, capture.seen + 1, 1);
                fetched++;
            }
            check_taken(&capture, total, total < capacity ? (size_t)total : capacity);
            assert_true(fetched <= capacity);
            capture_finish(&capture);
        }
}

/* A fetch that breaks off in the tail shows no bytes that never came. */
static void test_broken_off(void **state)
{
    (void)state;
    struct capture capture;
    size_t len;
    size_t head;
    capture_init(&capture, 8);
    add_range(&capture, 0, 4, 4);
    capture_skip(&capture, capture_next(&capture, 100));
    add_range(&capture, capture.seen, capture.seen + 2, 2);
    char *bytes = capture_take(&capture, &len, &head);
    assert_non_null(bytes);
    assert_int_equal(head, 4);
    assert_int_equal(len, 6);
    assert_int_equal(bytes[4], byte_at(96));
    assert_int_equal(bytes[5], byte_at(97));
    free(bytes);
    capture_finish(&capture);
}

static void test_no_capacity(void **state)
{
    (void)state;
    for (size_t capacity = 0; capacity < 2; capacity++) {
        struct capture capture;
        capture_init(&capture, capacity);
        add_range(&capture, 0, 1000, 60);
        assert_int_equal(capture.seen, 1000);
        check_taken(&capture, 1000, 0);
        capture_finish(&capture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_small_sizes),
        cmocka_unit_test(test_skipping_the_middle),
        cmocka_unit_test(test_broken_off),
        cmocka_unit_test(test_no_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
