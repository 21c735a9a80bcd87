#include <stdio.h>
#include <string.h>

#include "daytona/wire.h"
#include "http/http_testing.h"

#define BYTES(literal)                                                                                       \
    {                                                                                                        \
        (literal), sizeof(literal) - 1                                                                       \
    }

static void test_ids(void **state)
{
    static const char *const good[] = {"a",       "0",    "3f0e1f3e-9f5e-4b2c-8f35-0a1b2c3d4e5f",
                                       "A.b_c-d", "a..b", "z-"};
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(wire_is_id(str_from(good[i])));
}

static void test_what_is_no_id(void **state)
{
    static const eep_str bad[] = {
        {NULL, 0},         BYTES(""),         BYTES("."),     BYTES(".."),     BYTES("-a"),
        BYTES("_a"),       BYTES("../x"),     BYTES("a/b"),   BYTES("a/../b"), BYTES("a%2fb"),
        BYTES("%2e%2e"),   BYTES("a b"),      BYTES(" a"),    BYTES("a\n"),    BYTES("a\r\nX: y"),
        BYTES("a\0b"),     BYTES("\0"),       BYTES("a?b"),   BYTES("a#b"),    BYTES("a;b"),
        BYTES("a\\b"),     BYTES("\xc3\xa4"), BYTES("a\xff"), BYTES("a:b"),    BYTES("a@b"),
        BYTES("$(touch)"), BYTES("a'b"),      BYTES("a\"b"),  BYTES("a\x7f"),  BYTES("a,b")};
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(wire_is_id(bad[i]));
}

static void test_names_of_ours(void **state)
{
    static const eep_str others[] = {{NULL, 0},
                                     BYTES("eep-"),
                                     BYTES("eep-0123456789abcdef0123456789abcde"),
                                     BYTES("eep-0123456789abcdef0123456789abcdef0"),
                                     BYTES("eep-0123456789ABCDEF0123456789abcdef"),
                                     BYTES("eep-0123456789abcdef\0"
                                           "123456789abcdef"),
                                     BYTES("xep-0123456789abcdef0123456789abcdef"),
                                     BYTES("3f0e1f3e-9f5e-4b2c-8f35-0a1b2c3d4e5f")};
    (void)state;
    assert_true(wire_is_our_name(STR("eep-0123456789abcdef0123456789abcdef")));
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(wire_is_our_name(others[i]));
}

static void test_the_length_of_ids(void **state)
{
    char text[300];
    (void)state;
    memset(text, 'a', sizeof text);
    assert_true(wire_is_id((eep_str){text, EEP_LEASE_MAX}));
    assert_false(wire_is_id((eep_str){text, EEP_LEASE_MAX + 1}));
    assert_false(wire_is_id((eep_str){text, sizeof text}));
}

static void expect_url(const char *text, bool https, const char *host, const char *authority,
                       const char *path)
{
    struct wire_url url;
    assert_true(wire_parse_url(str_from(text), &url));
    assert_int_equal(url.https, https);
    assert_true(str_is(url.host, host));
    assert_true(str_is(url.authority, authority));
    assert_true(str_is(url.path, path));
}

static void test_urls(void **state)
{
    (void)state;
    expect_url("https://proxy.example/toolbox", true, "proxy.example", "proxy.example", "/toolbox");
    expect_url("http://127.0.0.1:8080", false, "127.0.0.1", "127.0.0.1:8080", "");
    expect_url("http://[::1]:8080/a/@b:c", false, "[::1]", "[::1]:8080", "/a/@b:c");
    expect_url("https://[fe80::1]/", true, "[fe80::1]", "[fe80::1]", "/");
    expect_url("https://h:65535//x", true, "h", "h:65535", "//x");
}

/* Everything here would send credentials to some other place than it seems, or is damaged. */
static void test_urls_that_are_refused(void **state)
{
    static const eep_str bad[] = {
        {NULL, 0},
        BYTES(""),
        BYTES("proxy.example"),
        BYTES("//proxy.example"),
        BYTES("ftp://h/"),
        BYTES("file:///etc/passwd"),
        BYTES("HTTPS://h/"),
        BYTES("https:/h"),
        BYTES("https://"),
        BYTES("https:///path"),
        BYTES("https://user@h/"),
        BYTES("https://user:word@h/"),
        BYTES("https://good.example@evil.example/"),
        BYTES("https://good.example:80@evil.example/"),
        BYTES("https://h/?q"),
        BYTES("https://h?q"),
        BYTES("https://h/#f"),
        BYTES("https://evil.example#.good.example/"),
        BYTES("https://evil.example\\.good.example/"),
        BYTES("https://evil.example%2f.good.example/"),
        BYTES("https://evil%2eexample/"),
        BYTES("https://h /"),
        BYTES(" https://h/"),
        BYTES("https://h/a b"),
        BYTES("https://h/\n"),
        BYTES("https://h\r\nX: y/"),
        BYTES("https://h\0.good.example/"),
        BYTES("https://h\t/"),
        BYTES("https://h\x7f/"),
        BYTES("https://\xc3\xa4.example/"),
        BYTES("https://h:/"),
        BYTES("https://h:0/"),
        BYTES("https://h:65536/"),
        BYTES("https://h:-1/"),
        BYTES("https://h:80:80/"),
        BYTES("https://h:8o/"),
        BYTES("https://:80/"),
        BYTES("https://[::1/"),
        BYTES("https://[::1]x/"),
        BYTES("https://[]/"),
        BYTES("https://[h;x]/"),
        BYTES("https://[fe80::1%25eth0]/"),
        BYTES("https://a,b/"),
        BYTES("https://a;b/"),
        BYTES("https://$h/"),
    };
    struct wire_url url;
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        bool taken = wire_parse_url(bad[i], &url);
        if (taken) print_message("%s\n", bad[i].ptr);
        assert_false(taken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),           cmocka_unit_test(test_what_is_no_id),
        cmocka_unit_test(test_names_of_ours), cmocka_unit_test(test_the_length_of_ids),
        cmocka_unit_test(test_urls),          cmocka_unit_test(test_urls_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
