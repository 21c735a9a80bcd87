/* The table of keys, the JSON Schema and docs/config.md must tell the same. Runs from the top folder. */
#include "config_testing.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "config_keys.h"
#include "config_schema_json.h"

static json *schema;

/* The key that is looked at, for the message. */
static const char *current;

#define AGREES(condition)                                                                                    \
    if (!(condition)) fail_msg("%s: %s", current, #condition)

static int parse_schema(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(json_parse(str_from(config_schema_json), &schema, &err), EEP_OK);
    return 0;
}

static int drop_schema(void **state)
{
    (void)state;
    json_finish(&schema);
    return 0;
}

static json *properties(void)
{
    return json_get(schema, "properties");
}

static json *volume_properties(void)
{
    return json_get(json_get(json_get(properties(), "volumes"), "items"), "properties");
}

static void assert_number(json *property, const char *keyword, int64_t expected)
{
    int64_t value;
    AGREES(json_get_i64(property, keyword, &value));
    AGREES(value == expected);
}

/* Is the type among those that the property takes? */
static bool takes(json *property, const char *type)
{
    json *types = json_get(property, "type");
    if (str_is(json_str(types), type)) return true;
    for (size_t i = 0; i < json_len(types); i++)
        if (str_is(json_str(json_at(types, i)), type)) return true;
    return false;
}

static const char *schema_type(enum key_type type)
{
    static const char *const names[] = {
        [KEY_TEXT] = "string", [KEY_INTEGER] = "integer", [KEY_BOOLEAN] = "boolean",
        [KEY_LIST] = "array",  [KEY_PAIRS] = "object",    [KEY_VOLUMES] = "array"};
    return names[type];
}

static void check_text(const struct key *key, json *property)
{
    assert_number(property, "maxLength", (int64_t)key->longest);
    AGREES((json_get(property, "minLength") != NULL) == ((key->flags & KEY_BLANK_IS_ERROR) != 0));
    AGREES((json_get(property, "writeOnly") != NULL) == ((key->flags & KEY_SECRET) != 0));
    AGREES((json_get(property, "default") != NULL) == (key->initial_text != NULL));
    if (key->initial_text) AGREES(str_is(json_str(json_get(property, "default")), key->initial_text));
}

static void check_integer(const struct key *key, json *property)
{
    assert_number(property, "minimum", key->min);
    assert_number(property, "maximum", key->max);
    if (key->initial != CONFIG_UNSET)
        assert_number(property, "default", key->initial);
    else
        AGREES(!json_get(property, "default"));
}

static void check_pairs(const struct key *key, json *property)
{
    json *value = json_get(property, "additionalProperties");
    assert_number(property, "maxProperties", (int64_t)key->most);
    assert_number(value, "maxLength", (int64_t)key->longest);
    AGREES((json_get(value, "writeOnly") != NULL) == ((key->flags & KEY_SECRET) != 0));
}

static void check_key(const struct key *key, json *property)
{
    AGREES(property);
    AGREES(json_str(json_get(property, "description")).len > 0);
    AGREES(takes(property, schema_type(key->type)));
    AGREES(takes(property, "null") || (key->flags & KEY_REQUIRED));
    if (key->type == KEY_TEXT) check_text(key, property);
    if (key->type == KEY_INTEGER) check_integer(key, property);
    if (key->type == KEY_PAIRS) check_pairs(key, property);
    if (key->type == KEY_LIST || key->type == KEY_VOLUMES)
        assert_number(property, "maxItems", (int64_t)key->most);
    if (key->type == KEY_LIST) assert_number(json_get(property, "items"), "maxLength", (int64_t)key->longest);
}

static int check_is_known(void *ctx, eep_str name, json *value)
{
    (void)value;
    if (!key_find(ctx, name)) fail_msg("the schema has %s, the table has not", name.ptr);
    return 0;
}

static void check_set(const struct key_set *set, json *described)
{
    for (size_t i = 0; i < set->count; i++) {
        current = set->keys[i].name;
        check_key(&set->keys[i], json_get(described, set->keys[i].name));
    }
    json_each(described, check_is_known, (void *)set);
}

static void test_the_schema_has_the_keys_of_the_table(void **state)
{
    (void)state;
    check_set(&config_keys, properties());
    check_set(&config_volume_keys, volume_properties());
}

/* The defaults that the schema states are those that an empty configuration gets. */
static int check_default(void *ctx, eep_str name, json *property)
{
    json *stated = json_get(property, "default");
    json *effective = json_get(ctx, name.ptr);
    if (stated) assert_string_equal(json_text(effective), json_text(stated));
    return 0;
}

static void test_stated_defaults_are_effective(void **state)
{
    CLEANUP(config_destroy_ptr) struct config *config = load_valid("");
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 16);
    CLEANUP(json_finish) json *normalized = NULL;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(config_normalized(config, &text), EEP_OK);
    assert_int_equal(json_parse(buf_str(&text), &normalized, &err), EEP_OK);
    json_each(properties(), check_default, normalized);
}

static void read_file(const char *path, struct buf *out)
{
    char part[4096];
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("cannot open %s: run the tests from the top folder", path);
    for (size_t len; (len = fread(part, 1, sizeof part, file)) > 0;)
        assert_int_equal(buf_append(out, part, len), EEP_OK);
    fclose(file);
}

static void assert_documented(const struct buf *manual, const char *name)
{
    CLEANUP(buf_finish) struct buf quoted = BUF_INIT(128);
    assert_int_equal(buf_appendf(&quoted, "`%s`", name), EEP_OK);
    if (!str_contains(buf_str(manual), buf_cstr(&quoted)))
        fail_msg("docs/config.md does not mention %s", name);
}

static void test_the_manual_mentions_every_key_and_finding(void **state)
{
    CLEANUP(buf_finish) struct buf manual = BUF_INIT(1 << 20);
    (void)state;
    read_file("docs/config.md", &manual);
    for (size_t i = 0; i < config_keys.count; i++)
        assert_documented(&manual, config_keys.keys[i].name);
    for (size_t i = 0; i < config_volume_keys.count; i++)
        assert_documented(&manual, config_volume_keys.keys[i].name);
    for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++)
        assert_documented(&manual, finding_code(kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_schema_has_the_keys_of_the_table),
        cmocka_unit_test(test_stated_defaults_are_effective),
        cmocka_unit_test(test_the_manual_mentions_every_key_and_finding),
    };
    return cmocka_run_group_tests_name("config schema", tests, parse_schema, drop_schema);
}
