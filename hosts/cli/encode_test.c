/* encode_test.c: base64 (vectors of RFC 4648), UTF-8 (edges of RFC 3629), and texts made fit for terminals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "err.h"

static void base64(void **state)
{
    (void)state;
    static const struct {
        const char *plain;
        const char *encoded;
    } vectors[] = {{"", ""},
                   {"f", "Zg=="},
                   {"fo", "Zm8="},
                   {"foo", "Zm9v"},
                   {"foob", "Zm9vYg=="},
                   {"fooba", "Zm9vYmE="},
                   {"foobar", "Zm9vYmFy"},
                   {"\xff\xfe\xfd", "//79"}};
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        char *encoded = encode_base64(vectors[i].plain, strlen(vectors[i].plain));
        assert_string_equal(encoded, vectors[i].encoded);
        free(encoded);
    }
    char *zeros = encode_base64("\0\0\0\0", 4);
    assert_string_equal(zeros, "AAAAAA==");
    free(zeros);
}

static void utf8(void **state)
{
    (void)state;
    static const char *const right[] = {"",
                                        "ascii",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf"};
    static const char *const wrong[] = {"\x80",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xc2",
                                        "\xe0\x9f\xbf",
                                        "\xed\xa0\x80",
                                        "\xe2\x82",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xff",
                                        "a\xc2z"};
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        assert_true(encode_is_utf8(right[i], strlen(right[i])));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(encode_is_utf8(wrong[i], strlen(wrong[i])));
    assert_true(encode_is_utf8("a\0b", 3));
    assert_false(encode_is_utf8("\xe2\x82\xac", 2)); /* does not look past the end */
}

static void printable(void **state)
{
    (void)state;
    char text[] = "a\n\tb\033[2J\x7f \xc2\x9b \xc3\xbc \xff \xe2\x82";
    err_make_printable(text);
    assert_string_equal(text, "a  b?[2J? ?? \xc3\xbc ? ??");
}

/* A message that is cut at its end must not be cut inside of a character. */
static void long_messages(void **state)
{
    (void)state;
    struct err err;
    char text[1200];
    memset(text, 'x', sizeof(text));
    memcpy(text + 1022, "\xc3\xbc", 3);
    err_set(&err, EEP_E_INTERNAL, "%s", text);
    assert_int_equal(strlen(err.message), 1023);
    assert_int_equal(err.message[1022], '?');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64),
        cmocka_unit_test(utf8),
        cmocka_unit_test(printable),
        cmocka_unit_test(long_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
