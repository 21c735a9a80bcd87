#include "config_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/str.h"

static void assert_part(eep_str part, const char *expected)
{
    if (!expected) {
        assert_null(part.ptr);
        return;
    }
    assert_non_null(part.ptr);
    assert_true(str_is(part, expected));
}

static void test_all_parts(void **state)
{
    struct url url;
    (void)state;
    assert_true(url_split(STR("https://me:w@rd@host.example:8443/a/b?q=1?#f#g"), &url));
    assert_part(url.scheme, "https");
    assert_part(url.userinfo, "me:w@rd");
    assert_part(url.host, "host.example");
    assert_part(url.port, "8443");
    assert_part(url.path, "/a/b");
    assert_part(url.query, "q=1?");
    assert_part(url.fragment, "f#g");
}

static void test_absent_parts(void **state)
{
    struct url url;
    (void)state;
    assert_true(url_split(STR("http://[2001:db8::1]"), &url));
    assert_part(url.userinfo, NULL);
    assert_part(url.host, "[2001:db8::1]");
    assert_part(url.port, NULL);
    assert_part(url.path, "");
    assert_part(url.query, NULL);
    assert_part(url.fragment, NULL);
    assert_true(url_split_authority(STR("proxy:3128"), &url));
    assert_part(url.scheme, NULL);
    assert_part(url.host, "proxy");
    assert_part(url.port, "3128");
}

static void test_what_is_no_url(void **state)
{
    static const char *const bad[] = {
        "",
        "://",
        "http://",
        "://host",
        "ht tp://h",
        "http:/h",
        "http//h",
        "http://h:",
        "http://h:x",
        "http://h:0",
        "http://h:65536",
        "http://h:1:2",
        "http://[::1",
        "http://::1",
        "http://[::1]x:80",
        "http://[zz]",
        "http://a..b",
        "http://.a",
        "http://a.",
        "http://a b",
        "http://a/\\b",
        "http://a/\"b",
        "http://a/<b>",
        "http://a%41",
        "http://@",
        "http://u@",
        "http://h\r\n",
        "http://h/\x7f",
        "http://h/\xc3\xa9",
        "http://[127.0.0.1]",
    };
    struct url url;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (url_split(str_from(bad[i]), &url)) fail_msg("taken for a URL: %s", bad[i]);
    assert_false(url_split((eep_str){NULL, 0}, &url));
    assert_false(url_split(((eep_str){"http://h\0x", 10}), &url));
}

static void test_hosts(void **state)
{
    char longest[255];
    (void)state;
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = i % 2 ? '.' : 'a';
    assert_true(url_is_host((eep_str){longest, 253}));
    assert_false(url_is_host((eep_str){longest, 255}));
    assert_true(url_is_host(STR("my_host-1.example")));
    assert_false(url_is_host(STR("*.example")));
    assert_false(url_is_host(STR("[]")));
}

static void test_loopback(void **state)
{
    static const char *const yes[] = {"localhost", "LOCALHOST",   "a.localhost",
                                      "127.0.0.1", "127.255.0.3", "[::1]"};
    static const char *const no[] = {
        "localhost.example", "notlocalhost", ".localhost", "128.0.0.1", "0.0.0.0",
        "127.0.0.1.example", "[::2]",        "",           "127.1"};
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_true(url_host_is_loopback(str_from(yes[i])));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        if (url_host_is_loopback(str_from(no[i]))) fail_msg("taken for loopback: %s", no[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_parts),      cmocka_unit_test(test_absent_parts),
        cmocka_unit_test(test_what_is_no_url), cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_loopback),
    };
    return cmocka_run_group_tests_name("config url", tests, NULL, NULL);
}
