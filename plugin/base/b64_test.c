#include "base/b64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void expect_both_ways(const char *plain, size_t len, const char *encoded)
{
    CLEANUP(buf_finish) struct buf there = BUF_INIT(100);
    CLEANUP(buf_finish) struct buf back = BUF_INIT(100);
    assert_int_equal(b64_encode(&there, plain, len, 0), EEP_OK);
    assert_string_equal(buf_cstr(&there), encoded);
    assert_int_equal(b64_decode(&back, encoded, strlen(encoded)), EEP_OK);
    assert_int_equal(back.len, len);
    assert_memory_equal(buf_cstr(&back), plain, len);
}

static void test_rfc_4648_vectors(void **state)
{
    (void)state;
    expect_both_ways("", 0, "");
    expect_both_ways("f", 1, "Zg==");
    expect_both_ways("fo", 2, "Zm8=");
    expect_both_ways("foo", 3, "Zm9v");
    expect_both_ways("foob", 4, "Zm9vYg==");
    expect_both_ways("fooba", 5, "Zm9vYmE=");
    expect_both_ways("foobar", 6, "Zm9vYmFy");
    expect_both_ways("\0\xff\xfe\xfb", 4, "AP/++w==");
}

static void test_every_byte_survives(void **state)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(4096);
    CLEANUP(buf_finish) struct buf back = BUF_INIT(256);
    unsigned char all[256];
    (void)state;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (unsigned char)i;
    assert_int_equal(b64_encode(&text, all, sizeof all, 76), EEP_OK);
    assert_int_equal(b64_decode(&back, buf_cstr(&text), text.len), EEP_OK);
    assert_memory_equal(back.data, all, sizeof all);
}

static void test_lines(void **state)
{
    CLEANUP(buf_finish) struct buf out = BUF_INIT(100);
    (void)state;
    assert_int_equal(b64_encode(&out, "foobarfoo", 9, 8), EEP_OK);
    assert_string_equal(buf_cstr(&out), "Zm9vYmFy\nZm9v\n");
    buf_reset(&out);
    assert_int_equal(b64_encode(&out, "foobar", 6, 8), EEP_OK);
    assert_string_equal(buf_cstr(&out), "Zm9vYmFy\n");
}

static void test_blanks_are_skipped(void **state)
{
    CLEANUP(buf_finish) struct buf out = BUF_INIT(100);
    static const char text[] = " Zm\r\n9v\tYg =\n= \n";
    (void)state;
    assert_int_equal(b64_decode(&out, text, strlen(text)), EEP_OK);
    assert_string_equal(buf_cstr(&out), "foob");
}

static void test_what_is_no_base64(void **state)
{
    static const char *const bad[] = {
        "Z",     "Zg",   "Zg=",  "Zm9",  "=",    "====", "Z===",       "Zg=g", "Zg==Z",
        "Zg===", "Zm9*", "Zm9-", "Zm9_", "Zh==", "Zm9=", "Zg==\nZg==", "\xff", "Zm9v\x80"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CLEANUP(buf_finish) struct buf out = BUF_INIT(100);
        if (b64_decode(&out, bad[i], strlen(bad[i])) != EEP_E_PROTOCOL) fail_msg("taken: %s", bad[i]);
    }
    CLEANUP(buf_finish) struct buf out = BUF_INIT(100);
    assert_int_equal(b64_decode(&out, "Zm9\0", 4), EEP_E_PROTOCOL);
}

static void test_caps(void **state)
{
    CLEANUP(buf_finish) struct buf small = BUF_INIT(5);
    (void)state;
    assert_int_equal(b64_encode(&small, "foobar", 6, 0), EEP_E_TOO_LARGE);
    buf_reset(&small);
    assert_int_equal(b64_decode(&small, "Zm9vYmFy", 8), EEP_E_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_4648_vectors),
        cmocka_unit_test(test_every_byte_survives),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_blanks_are_skipped),
        cmocka_unit_test(test_what_is_no_base64),
        cmocka_unit_test(test_caps),
    };
    return cmocka_run_group_tests_name("b64", tests, NULL, NULL);
}
