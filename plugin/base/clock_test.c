#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void test_random_digits(void **state)
{
    char a[2 * 64 + 1];
    char b[2 * 64 + 1];
    (void)state;
    for (size_t bytes = 1; bytes <= 64; bytes++) {
        memset(a, '?', sizeof a);
        random_hex(a, bytes);
        assert_int_equal(strlen(a), 2 * bytes);
        assert_int_equal(strspn(a, "0123456789abcdef"), 2 * bytes);
        if (bytes < 8) continue; /* shorter ones may be equal by chance */
        random_hex(b, bytes);
        assert_string_not_equal(a, b);
        assert_string_not_equal(a + bytes, b + bytes);
    }
}

static void test_random_bytes_differ(void **state)
{
    unsigned char first = random_byte();
    (void)state;
    for (int i = 0; i < 100; i++)
        if (random_byte() != first) return;
    fail_msg("100 random bytes are the same");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_digits),
        cmocka_unit_test(test_random_bytes_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
