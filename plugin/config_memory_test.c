/* Every single allocation fails once: config_load says NO_MEMORY, or succeeds, and never crashes or leaks.
 *
 * Linked with --wrap for the allocators (config.mk), those of json-c included, but for two: json-c before
 * 0.17 does not look whether its parser got its copy of a key, and loses that copy when a table cannot grow.
 */
#include "config_testing.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);
json_object *__real_json_tokener_parse_ex(struct json_tokener *tokener, const char *text, int len);
json_object *__wrap_json_tokener_parse_ex(struct json_tokener *tokener, const char *text, int len);
int __real_lh_table_insert_w_hash(struct lh_table *table, const void *key, const void *value,
                                  unsigned long hash, unsigned flags);
int __wrap_lh_table_insert_w_hash(struct lh_table *table, const void *key, const void *value,
                                  unsigned long hash, unsigned flags);

static long left = LONG_MAX; /* allocations until one fails */

static bool fails(void)
{
    return left != LONG_MAX && left-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

json_object *__wrap_json_tokener_parse_ex(struct json_tokener *tokener, const char *text, int len)
{
    long before = left;
    left = LONG_MAX;
    json_object *tree = __real_json_tokener_parse_ex(tokener, text, len);
    left = before;
    return tree;
}

int __wrap_lh_table_insert_w_hash(struct lh_table *table, const void *key, const void *value,
                                  unsigned long hash, unsigned flags)
{
    long before = left;
    left = LONG_MAX;
    int status = __real_lh_table_insert_w_hash(table, key, value, hash, flags);
    left = before;
    return status;
}

/* Loads with the nth allocation failing; tells whether there was an nth. */
static bool load_and_fail_at(const char *text, long nth)
{
    CLEANUP(findings_finish) struct findings findings = FINDINGS_INIT;
    CLEANUP(config_destroy_ptr) struct config *config = NULL;
    CLEANUP(buf_finish) struct buf normalized = BUF_INIT(1 << 16);
    struct err err = ERR_INIT;
    left = nth;
    int status = config_load(str_from(text), 0, &findings, &config, &err);
    if (status == EEP_OK && config) status = config_normalized(config, &normalized);
    bool failed = left < 0;
    left = LONG_MAX;
    if (status != EEP_OK) assert_int_equal(status, EEP_E_NO_MEMORY);
    if (failed && status != EEP_OK) assert_true(err.code == EEP_E_NO_MEMORY || config);
    return failed;
}

static void fail_everywhere(const char *text)
{
    long nth = 0;
    while (load_and_fail_at(text, nth))
        nth++;
    assert_true(nth > 20);
    print_message("    %ld allocations\n", nth);
}

static void test_a_valid_configuration(void **state)
{
    (void)state;
    fail_everywhere(
        "{\"apiKey\":\"k\",\"image\":\"debian:12\",\"cpu\":\"2\",\"env\":{\"A\":\"secret\"},\"labels\":{"
        "\"a\":\"b\"},"
        "\"volumes\":[{\"volumeId\":\"v\",\"mountPath\":\"/x\"}],\"networkAllowList\":\"10.0.0.0/8\","
        "\"toolboxHosts\":[\"*.example.com\"],\"proxy\":\"http://u:p@h:1\"}");
}

static void test_a_wrong_configuration(void **state)
{
    (void)state;
    fail_everywhere(
        "{\"apiKey\":\"k k\",\"image\":\"\",\"cpu\":2.5,\"env\":{\"1\":\"x\"},\"apiUrl\":\"x\",\"apiurl\":1,"
        "\"volumes\":[{}],\"networkAllowList\":\"x\",\"apiKey\":\"k\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_valid_configuration),
        cmocka_unit_test(test_a_wrong_configuration),
    };
    return cmocka_run_group_tests_name("config memory", tests, NULL, NULL);
}
