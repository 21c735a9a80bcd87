/* pure_test.c: the parts without I/O: UTF-8, JSON strings, URLs, ranges, label filters, multipart heads,
 * buffers. */
#include "buf.h"
#include "clock.h"
#include "form.h"
#include "go_path.h"
#include "json_out.h"
#include "json_scan.h"
#include "labels.h"
#include "media_type.h"
#include "mem.h"
#include "multipart.h"
#include "range.h"
#include "url.h"
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void characters_are_measured(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        size_t expected;
    } cases[] = {
        {"a", 1, 1},
        {"\0", 1, 1},
        {"\xc3\xa4", 2, 2},
        {"\xe2\x82\xac", 3, 3},
        {"\xf0\x9f\x98\x80", 4, 4},
        {"\x80", 1, 0},             /* stray continuation */
        {"\xff", 1, 0},             /* never valid */
        {"\xc0\x80", 2, 0},         /* overlong */
        {"\xe0\x80\x80", 3, 0},     /* overlong */
        {"\xed\xa0\x80", 3, 0},     /* surrogate */
        {"\xf4\x90\x80\x80", 4, 0}, /* beyond U+10FFFF */
        {"\xe2\x82", 2, 0},         /* cut off */
        {"\xe2\x28\xa1", 3, 0},     /* bad second byte */
        {"\xf0\x9f\x98\x28", 4, 0}, /* bad last byte */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(utf8_char_len(cases[i].text, cases[i].len), cases[i].expected);
}

static void expect_json(const char *bytes, size_t len, const char *expected)
{
    CLEANUP(buf_finish) struct buf out = BUF_INIT(1024);
    assert_int_equal(json_out_string(&out, bytes, len), 0);
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data, expected, out.len);
}

static void strings_are_spelled_as_go_spells_them(void **state)
{
    (void)state;
    expect_json("", 0, "\"\"");
    expect_json("a\0b", 3, "\"a\\u0000b\"");
    expect_json("\"\\\n\r\t\x1b\x7f", 7, "\"\\\"\\\\\\n\\r\\t\\u001b\x7f\"");
    expect_json("<&>", 3, "\"\\u003c\\u0026\\u003e\"");
    expect_json("\xff\xfe", 2, "\"\\ufffd\\ufffd\"");
    expect_json("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"");
    expect_json("\xe2\x82", 2, "\"\\ufffd\\ufffd\"");
    expect_json("\xe2\x80\xa8\xe2\x80\xa9", 6, "\"\\u2028\\u2029\"");
    expect_json("\xc3\xa4\xf0\x9f\x98\x80", 6, "\"\xc3\xa4\xf0\x9f\x98\x80\"");
}

static void a_buffer_keeps_its_maximum(void **state)
{
    (void)state;
    CLEANUP(buf_finish) struct buf b = BUF_INIT(5);
    assert_int_equal(buf_append(&b, "abc", 3), 0);
    assert_int_equal(buf_append(&b, "def", 3), -1);
    assert_true(b.overflowed);
    assert_int_equal(buf_append(&b, "d", 1), -1); /* for good */
    assert_int_equal(b.len, 3);
}

static void targets_are_taken_apart(void **state)
{
    (void)state;
    struct url url;
    assert_true(
        url_parse(&url, "/api//sandbox/my%20name%2Fx/stop?force=true&a=b+c%2B&states=x&states[]=y&empty"));
    assert_int_equal(url.segment_count, 4);
    assert_string_equal(url.segments[2], "my name/x");
    assert_string_equal(url_query(&url, "force"), "true");
    assert_string_equal(url_query(&url, "a"), "b c+");
    assert_string_equal(url_query(&url, "empty"), "");
    assert_null(url_query(&url, "forc"));
    size_t index = 0;
    assert_string_equal(url_query_next(&url, "states", &index), "x");
    assert_string_equal(url_query_next(&url, "states", &index), "y");
    assert_null(url_query_next(&url, "states", &index));
    url_finish(&url);
}

static void a_plus_in_a_path_is_a_plus(void **state)
{
    (void)state;
    struct url url;
    assert_true(url_parse(&url, "/a+b"));
    assert_string_equal(url.segments[0], "a+b");
    url_finish(&url);
}

static void bad_pairs_are_passed_over(void **state)
{
    (void)state;
    struct url url;
    assert_true(url_parse(&url, "/toolbox/x/files?a=%zz&b=%00&c;d=1&e=%3B&%=f&g=1"));
    assert_int_equal(url.pair_count, 2);
    assert_string_equal(url_query(&url, "e"), ";");
    assert_string_equal(url_query(&url, "g"), "1");
    url_finish(&url);
    assert_true(url_parse(&url, "/api/sandbox?name=a;b"));
    assert_string_equal(url_query(&url, "name"), "a;b");
    url_finish(&url);
}

static void bad_targets_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"/a%", "/a%2", "/a%zz", "/a%00b", "/1/2/3/4/5/6/7/8/9/10/11/12/13"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct url url;
        assert_false(url_parse(&url, bad[i]));
        assert_int_equal(url.segment_count, 0);
    }
}

static void expect_range(const char *header, enum range_kind kind, uint64_t offset, uint64_t len)
{
    struct range range;
    assert_int_equal(range_parse(header, 10, &range), kind);
    assert_int_equal(range.offset, offset);
    assert_int_equal(range.len, len);
}

static void ranges_are_understood(void **state)
{
    (void)state;
    expect_range(NULL, RANGE_WHOLE, 0, 10);
    expect_range("bytes=0-3", RANGE_PART, 0, 4);
    expect_range("bytes=4-", RANGE_PART, 4, 6);
    expect_range("bytes=9-99", RANGE_PART, 9, 1);
    expect_range("bytes=-3", RANGE_PART, 7, 3);
    expect_range("bytes=-30", RANGE_PART, 0, 10);
    expect_range("bytes=10-", RANGE_OUTSIDE, 0, 10);
    expect_range("bytes=-0", RANGE_PART, 10, 0);
    expect_range("bytes=3-2", RANGE_INVALID, 0, 10);
    expect_range("bytes=0-1,3-4", RANGE_WHOLE, 0, 10);
    expect_range("bytes=x", RANGE_INVALID, 0, 10);
    expect_range("lines=0-1", RANGE_INVALID, 0, 10);
    expect_range("bytes=", RANGE_WHOLE, 0, 10);
    expect_range("bytes=0 - 1,", RANGE_PART, 0, 2);
    expect_range("bytes=0-18446744073709551615", RANGE_INVALID, 0, 10);
}

static bool filter(const char *have, const char *wanted)
{
    struct json_object *h = labels_parse(have), *w = labels_parse(wanted);
    bool result = labels_contain(h, w);
    json_object_put(h);
    json_object_put(w);
    return result;
}

static void labels_are_contained_or_not(void **state)
{
    (void)state;
    assert_true(filter("{\"a\":\"1\",\"b\":\"2\"}", "{}"));
    assert_true(filter("{\"a\":\"1\",\"b\":\"2\"}", "{\"b\":\"2\"}"));
    assert_true(filter("{\"a\":\"1\",\"b\":\"2\"}", "{\"b\":\"2\",\"a\":\"1\"}"));
    assert_false(filter("{\"a\":\"1\"}", "{\"a\":\"2\"}"));
    assert_false(filter("{\"a\":\"1\"}", "{\"a\":\"1\",\"b\":\"2\"}"));
    assert_false(filter("{}", "{\"a\":\"\"}"));
    assert_null(labels_parse("{\"a\":"));
    assert_null(labels_parse("[]"));
    assert_null(labels_parse(""));
}

static void part_heads_name_the_full_path(void **state)
{
    (void)state;
    CLEANUP(buf_finish) struct buf out = BUF_INIT(4096);
    multipart_file_head(&out, true, "/tmp/a \xc3\xa4\xe2\x82\xac\"", 5);
    multipart_end(&out, false);
    buf_append(&out, "", 1);
    assert_string_equal(out.data,
                        "--DAYTONA-FILE-BOUNDARY\r\n"
                        "Content-Disposition: form-data; name=\"file\"; filename=\"/tmp/a \xe4_\\\"\"; "
                        "filename*=utf-8''%2Ftmp%2Fa%20%C3%A4%E2%82%AC%22\r\n"
                        "Content-Length: 5\r\n"
                        "Content-Type: application/octet-stream\r\n\r\n"
                        "\r\n--DAYTONA-FILE-BOUNDARY--\r\n");
}

static void times_are_iso(void **state)
{
    (void)state;
    assert_string_equal(clock_iso(0).text, "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_iso(1769860800007).text, "2026-01-31T12:00:00.007Z");
}

/* What a reader of forms tells, as text: <name> for a part, its bytes, | at its end. */
static void on_form_part(void *state, const char *name, bool is_file)
{
    buf_format(state, is_file ? "<%s!>" : "<%s>", name);
}

static void on_form_bytes(void *state, const char *bytes, size_t len)
{
    buf_append(state, bytes, len);
}

static void on_form_end(void *state)
{
    buf_text(state, "|");
}

static void expect_form(const char *body, size_t step, enum form_state end, const char *told)
{
    static const struct form_handler handler = {on_form_part, on_form_bytes, on_form_end};
    CLEANUP(buf_finish) struct buf out = BUF_INIT(1000);
    struct form *form = form_create("multipart/form-data; boundary=\"B\"", &handler, &out);
    for (size_t at = 0, len = strlen(body); at < len; at += step)
        form_feed(form, body + at, len - at < step ? len - at : step);
    assert_int_equal(form_finish(form), end);
    buf_append(&out, "", 1);
    assert_string_equal(out.data, told);
    form_destroy(form);
}

static void forms_are_read_in_any_pieces(void **state)
{
    (void)state;
#define HEAD(name) "Content-Disposition: form-data; name=\"" name "\"\r\nX: y\r\n\r\n"
    for (size_t step = 1; step < 40; step++) {
        expect_form("skipped\r\n--B\r\n" HEAD("a") "1\r\n--Bx\r\n-\r\r\n--B \r\n" HEAD("b\\\"c") "\r\n--B--",
                    step, FORM_WHOLE, "<a>1\r\n--Bx\r\n-\r|<b\"c>|");
        expect_form("--B\r\n" HEAD("a") "--B--\r\n", step, FORM_WHOLE, "<a>|");
        expect_form("--B\r\n" HEAD("a") "--Bold", step, FORM_PART, "<a>--Bold");
        expect_form("--B\r\n" HEAD("a") "cut\r\n--", step, FORM_PART, "<a>cut");
        expect_form("--B\r\n" HEAD("a") "cut\r\n--B", step, FORM_BETWEEN, "<a>cut|");
        expect_form("--B\r\n" HEAD("a") "1\r\n--B\r\nContent-", step, FORM_BROKEN, "<a>1|");
        expect_form("--B\r\n" HEAD("a") "1\r\n--B\r\nContent-X: y\r\n", step, FORM_WHOLE, "<a>1|");
        expect_form("--B\n" HEAD("a") "1\r\n--B\n" HEAD("b") "2\n--B--\n", step, FORM_WHOLE, "<a>1\r|<b>2|");
        expect_form("--B\r\nno colon\r\n", step, FORM_BROKEN, "");
        expect_form("--B\r\n: y\r\n", step, FORM_BROKEN, "");
        expect_form("--B\r\n" HEAD("a\"; filename=\"f") "\r\n--B--", step, FORM_WHOLE, "<a!>|");
        expect_form("--B\r\n" HEAD("a\"; filename=\"") "\r\n--B--", step, FORM_WHOLE, "<a>|");
        expect_form("--B\r\n" HEAD("a") "1\r\n--B-no\r\n--B--", step, FORM_WHOLE, "<a>1\r\n--B-no|");
        expect_form("--B\r\n" HEAD("a") "1\r\n--B-", step, FORM_PART, "<a>1\r\n--B-");
        expect_form("--B\r\n" HEAD("a") "--B-no\r\n--B no\r\n", step, FORM_BROKEN, "<a>--B-no|");
        expect_form("nothing", step, FORM_BETWEEN, "");
    }
    assert_null(form_create("multipart/form-data", NULL, NULL));
    assert_null(form_create("application/json; boundary=B", NULL, NULL));
    assert_null(form_create("multipart/form-datas; boundary=B", NULL, NULL));
    assert_null(form_create("multipart/form-data; boundary=B; boundary=C", NULL, NULL));
    assert_null(form_create("multipart/form-data; boundary=\"B", NULL, NULL));
    assert_null(form_create(NULL, NULL, NULL));
}

static void expect_parameter(const char *value, const char *expected)
{
    CLEANUP(mem_free_text) char *found = media_type_parameter(value, "name");
    if (expected == NULL)
        assert_null(found);
    else
        assert_string_equal(found, expected);
}

static void media_types_are_taken_apart_strictly(void **state)
{
    (void)state;
    assert_true(media_type_is(" Form-Data ; x=y", "form-data"));
    assert_false(media_type_is("form-data2", "form-data"));
    assert_false(media_type_is("form", "form-data"));
    assert_false(media_type_is("", "form-data"));
    expect_parameter("form-data; NAME = a", "a");
    expect_parameter("form-data;x=1;name=\"a;\\\"b\";", "a;\"b");
    expect_parameter("form-data; name=\"C:\\dir\"", "C:\\dir");
    expect_parameter("form-data; name=a; name=a", "a");
    expect_parameter("form-data; name=a; name=b", NULL);
    expect_parameter("form-data; name=files[0].path", NULL);
    expect_parameter("form-data; name=a; junk", NULL);
    expect_parameter("form-data; name=", NULL);
    expect_parameter("form-data; name=\"a", NULL);
    expect_parameter("form-data", NULL);
}

static void expect_scan(const char *text, const char *complaint)
{
    struct fail why = {""};
    size_t len = 0;
    char *exact = mem_alloc(strlen(text) + !*text); /* no terminator to lean on: the sanitizers would tell */
    memcpy(exact, text, strlen(text));
    int result = json_scan(exact, strlen(text), &len, &why);
    mem_free_text(&exact);
    assert_string_equal(why.text, complaint);
    assert_int_equal(result, *complaint == '\0' ? 0 : -1);
}

static void json_is_read_to_the_letter(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}", " [ ] ", "null", "-0.5e+1", "\"\\u00E4\\n\xff\"", "{\"a\":[1,{\"b\":true}]} more", "1 2"};
    static const char *const bad[][2] = {
        {"", "EOF"},
        {" \n", "EOF"},
        {"{", "unexpected EOF"},
        {"[1", "unexpected EOF"},
        {"\"a", "unexpected EOF"},
        {"-", "unexpected EOF"},
        {"nul", "unexpected EOF"},
        {"not", "invalid character 'o' in literal null (expecting 'u')"},
        {"\xef\xbb\xbf{}", "invalid character '\xc3\xaf' looking for beginning of value"},
        {"\v", "invalid character '\\v' looking for beginning of value"},
        {"NaN", "invalid character 'N' looking for beginning of value"},
        {"'a'", "invalid character '\\'' looking for beginning of value"},
        {"[1,]", "invalid character ']' looking for beginning of value"},
        {"[01]", "invalid character '1' after array element"},
        {"[+1]", "invalid character '+' looking for beginning of value"},
        {"[1.]", "invalid character ']' after decimal point in numeric literal"},
        {"[1e]", "invalid character ']' in exponent of numeric literal"},
        {"[-a]", "invalid character 'a' in numeric literal"},
        {"{\"a\":1,}", "invalid character '}' looking for beginning of object key string"},
        {"{\"a\" 1}", "invalid character '1' after object key"},
        {"{\"a\":1 \"b\":2}", "invalid character '\"' after object key:value pair"},
        {"\"a\nb\"", "invalid character '\\n' in string literal"},
        {"\"\\x\"", "invalid character 'x' in string escape code"},
        {"\"\\u00\"", "invalid character '\"' in \\u hexadecimal character escape"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        expect_scan(good[i], "");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_scan(bad[i][0], bad[i][1]);
}

static void json_may_be_deep_but_not_without_end(void **state)
{
    (void)state;
    char deep[10002];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    expect_scan(deep, "invalid character '[' exceeded max depth");
    expect_scan(deep + 1, "unexpected EOF");
}

static void expect_path(const char *path, const char *clean, const char *directory)
{
    CLEANUP(mem_free_text) char *cleaned = go_path_clean(path);
    CLEANUP(mem_free_text) char *above = go_path_dir(path);
    assert_string_equal(cleaned, clean);
    assert_string_equal(above, directory);
}

static void paths_are_cleaned_by_their_text(void **state)
{
    (void)state;
    expect_path("", ".", ".");
    expect_path("a", "a", ".");
    expect_path("/", "/", "/");
    expect_path("//a//b/", "/a/b", "/a/b");
    expect_path("a/./b", "a/b", "a");
    expect_path("a/../b", "b", ".");
    expect_path("a/b/../../..", "..", ".");
    expect_path("../a/..", "..", "../a");
    expect_path("../../a", "../../a", "../..");
    expect_path("/../a", "/a", "/");
    expect_path("/a/..", "/", "/a");
    expect_path("..a/.b", "..a/.b", "..a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_measured),
        cmocka_unit_test(strings_are_spelled_as_go_spells_them),
        cmocka_unit_test(a_buffer_keeps_its_maximum),
        cmocka_unit_test(targets_are_taken_apart),
        cmocka_unit_test(a_plus_in_a_path_is_a_plus),
        cmocka_unit_test(bad_pairs_are_passed_over),
        cmocka_unit_test(bad_targets_are_refused),
        cmocka_unit_test(ranges_are_understood),
        cmocka_unit_test(labels_are_contained_or_not),
        cmocka_unit_test(part_heads_name_the_full_path),
        cmocka_unit_test(forms_are_read_in_any_pieces),
        cmocka_unit_test(media_types_are_taken_apart_strictly),
        cmocka_unit_test(json_is_read_to_the_letter),
        cmocka_unit_test(json_may_be_deep_but_not_without_end),
        cmocka_unit_test(paths_are_cleaned_by_their_text),
        cmocka_unit_test(times_are_iso),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
