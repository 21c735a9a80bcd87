/* A page of the service's list: what is asked for, and which answers are none. */
#include "daytona/pages.h"

#include <string.h>

#include "daytona/daytona_testing.h"

static int get(struct account *account, const struct page_query *query, struct page *page)
{
    return page_get(&account->client, query, &account->wait, page, &account->err);
}

static void test_what_is_asked_for(void **state)
{
    static const struct {
        struct page_query query;
        const char *path;
    } cases[] = {
        {{.limit = 10}, "GET /api/sandbox?limit=10&sort=name&order=asc HTTP"},
        {{.limit = 200, .name_prefix = STR("eep-")}, "?limit=200&sort=name&order=asc&name=eep- HTTP"},
        {{.limit = 10, .cursor = STR("a+b/c=&d")}, "order=asc&cursor=a%2Bb%2Fc%3D%26d HTTP"},
        {{.limit = 10, .label = STR("eep.owner"), .label_value = STR("a \"b\"")},
         "order=asc&labels=%7B%22eep.owner%22%3A%22a%20%5C%22b%5C%22%22%7D HTTP"},
    };
    static const struct canned_exchange none = {.body = "{\"items\":[]}", .times = CANNED_ALWAYS};
    struct account account;
    (void)state;
    account_start(&account, &none, 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(page_finish) struct page page = {0};
        assert_int_equal(get(&account, &cases[i].query, &page), EEP_OK);
        assert_int_equal(json_len(page.items), 0);
        assert_null(page.next.ptr);
        assert_non_null(strstr(canned_request(account.server, NULL, i)->head, cases[i].path));
    }
    account_stop(&account);
}

static void test_a_page_and_the_next_one(void **state)
{
    static const struct canned_exchange script[] = {
        {.body = "{\"items\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"nextCursor\":\"c1\"}"},
        {.expect = "cursor=c1 ", .body = "{\"items\":[{\"id\":\"c\"}],\"nextCursor\":null}"},
    };
    CLEANUP(page_finish) struct page page = {0};
    struct page_query query = {.limit = 2};
    struct account account;
    (void)state;
    account_start(&account, script, COUNT(script));
    assert_int_equal(get(&account, &query, &page), EEP_OK);
    assert_int_equal(json_len(page.items), 2);
    assert_true(str_is(page.next, "c1"));
    char cursor[8];
    str_copy(cursor, sizeof cursor, page.next); /* a view into the page that goes */
    query.cursor = str_from(cursor);
    assert_int_equal(get(&account, &query, &page), EEP_OK);
    assert_int_equal(json_len(page.items), 1);
    assert_true(str_absent(page.next));
    account_stop(&account);
}

/* A list without end, or one that goes round and round with cursors as large as it likes, is not followed. */
static void test_answers_that_are_no_page(void **state)
{
    static const struct {
        const char *body;
        const char *says;
    } cases[] = {
        {"{}", "no items"},
        {"[]", "no items"},
        {"{\"items\":{}}", "no items"},
        {"{\"items\":[1,2,3]}", "3 sandboxes instead of at most 2"},
        {"{\"items\":[],\"nextCursor\":\"a b\"}", "cursor"},
        {"{\"items\":[],\"nextCursor\":\"\\u0000\"}", "cursor"},
        {"{\"items\":[],\"nextCursor\":\"same\"}", "same cursor"},
    };
    struct account account;
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(page_finish) struct page page = {0};
        const struct page_query query = {.limit = 2, .cursor = STR("same")};
        const struct canned_exchange script = {.body = cases[i].body};
        account_start(&account, &script, 1);
        account_failed(&account, get(&account, &query, &page), EEP_E_PROTOCOL);
        assert_non_null(strstr(account.err.message, cases[i].says));
        assert_string_equal(account.err.where, "GET /sandbox");
        assert_null(page.tree);
        account_stop(&account);
    }
}

static void test_cursors_up_to_the_longest(void **state)
{
    (void)state;
    for (size_t len = PAGE_CURSOR_MAX; len <= PAGE_CURSOR_MAX + 1; len++) {
        CLEANUP(page_finish) struct page page = {0};
        char body[PAGE_CURSOR_MAX + 100] = "{\"items\":[],\"nextCursor\":\"";
        size_t at = strlen(body);
        memset(body + at, 'c', len);
        strcpy(body + at + len, "\"}");
        const struct page_query query = {.limit = 10};
        const struct canned_exchange script = {.body = body};
        struct account account;
        account_start(&account, &script, 1);
        int expected = len > PAGE_CURSOR_MAX ? EEP_E_PROTOCOL : EEP_OK;
        assert_int_equal(get(&account, &query, &page), expected);
        account_stop(&account);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_asked_for),
        cmocka_unit_test(test_a_page_and_the_next_one),
        cmocka_unit_test(test_answers_that_are_no_page),
        cmocka_unit_test(test_cursors_up_to_the_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
