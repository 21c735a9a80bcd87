/* What POST /sandbox is asked for: the bytes, the names, and what hosts may not put into them. */
#include "config_testing.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/json.h"
#include "create.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* -- From a configuration and a request to a body ---------------------------------------------- */

/* The document {"apiKey": "k", MEMBERS}. */
static struct config *configure(const char *members)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 20);
    assert_int_equal(buf_appendf(&text, "{\"apiKey\":\"k\"%s%s}", *members ? "," : "", members), EEP_OK);
    return load_expecting(buf_str(&text), 0, "");
}

static struct create_request make(const char *members, const eep_acquire_request *request)
{
    CLEANUP(config_destroy_ptr) struct config *config = configure(members);
    struct create_request create;
    struct err err = ERR_INIT;
    int status = create_request_init(&create, config, request, &err);
    if (status != EEP_OK) print_message("%s\n", err.message);
    assert_int_equal(status, EEP_OK);
    create.owner = (eep_str){NULL, 0}; /* the configuration's, which is gone */
    return create;
}

static int refused(const char *members, const eep_acquire_request *request, const char *text)
{
    CLEANUP(config_destroy_ptr) struct config *config = configure(members);
    CLEANUP(create_request_finish) struct create_request create;
    struct err err = ERR_INIT;
    int status = create_request_init(&create, config, request, &err);
    assert_int_not_equal(status, EEP_OK);
    assert_int_equal(create.body.len, 0);
    if (!strstr(err.message, text)) print_message("%s\n", err.message);
    assert_non_null(strstr(err.message, text));
    return status;
}

/* The body must be WISHES with our labels and the name at the places where they belong. */
static void expect_body(const char *members, const eep_acquire_request *request, const char *before,
                        const char *labels, const char *after)
{
    CLEANUP(create_request_finish) struct create_request create = make(members, request);
    CLEANUP(buf_finish) struct buf expected = BUF_INIT(1 << 20);
    assert_int_equal(buf_appendf(&expected,
                                 "{%s,\"labels\":{%s,\"eep.request\":\"%s\",\"eep.identity\":\"%s\"}%s,"
                                 "\"name\":\"%s\"}",
                                 before, labels, create.request, create.identity, after, create.name),
                     EEP_OK);
    assert_string_equal(buf_cstr(&create.body), buf_cstr(&expected));
}

static const eep_acquire_request plain = {.head = {.struct_size = sizeof plain}};

static void test_the_smallest_body(void **state)
{
    (void)state;
    expect_body("\"autoDeleteInterval\":-1", &plain, "\"env\":{}", "\"code-toolbox-language\":\"python\"",
                ",\"autoDeleteInterval\":-1");
}

/* A configuration may have names that are longer than those of requests: whole, or two of them would be one. */
static void test_long_names_are_whole(void **state)
{
    char members[2000];
    char before[1000];
    char labels[1000];
    char name[301];
    (void)state;
    memset(name, 'n', 300);
    name[300] = '\0';
    snprintf(members, sizeof members,
             "\"env\":{\"%sA\":\"1\",\"%sB\":\"2\"},\"labels\":{\"%s\":\"v\"},\"autoDeleteInterval\":-1",
             name, name, name);
    snprintf(before, sizeof before, "\"env\":{\"%sA\":\"1\",\"%sB\":\"2\"}", name, name);
    snprintf(labels, sizeof labels, "\"%s\":\"v\",\"code-toolbox-language\":\"python\"", name);
    expect_body(members, &plain, before, labels, ",\"autoDeleteInterval\":-1");
}

static void test_a_snapshot(void **state)
{
    (void)state;
    expect_body("\"snapshot\":\"snap1\",\"user\":\"u\",\"target\":\"eu\",\"language\":\"typescript\","
                "\"env\":{\"B\":\"2\",\"A\":\"1\"},\"labels\":{\"l\":\"v\"},\"autoStopInterval\":5,"
                "\"autoArchiveInterval\":60,\"autoDeleteInterval\":0,"
                "\"volumes\":[{\"volumeId\":\"v\",\"mountPath\":\"/m\"},"
                "{\"volumeId\":\"w\",\"mountPath\":\"/n\",\"subpath\":\"a/b\"}],"
                "\"networkAllowList\":\"10.0.0.0/8,192.168.0.0/16\"",
                &plain,
                "\"snapshot\":\"snap1\",\"user\":\"u\",\"target\":\"eu\",\"env\":{\"A\":\"1\",\"B\":\"2\"}",
                "\"l\":\"v\",\"code-toolbox-language\":\"typescript\"",
                ",\"autoStopInterval\":5,\"autoArchiveInterval\":60,\"autoDeleteInterval\":0,"
                "\"volumes\":[{\"volumeId\":\"v\",\"mountPath\":\"/m\"},"
                "{\"volumeId\":\"w\",\"mountPath\":\"/n\",\"subpath\":\"a/b\"}],"
                "\"networkAllowList\":\"10.0.0.0/8,192.168.0.0/16\"");
}

/* Resources go with an image, flat; there is no "image" and no "resources" on the wire (protocol 4.1). */
static void test_an_image(void **state)
{
    (void)state;
    expect_body(
        "\"image\":\"debian:12\",\"cpu\":2,\"memory\":4,\"disk\":5,\"autoDeleteInterval\":-1,"
        "\"networkBlockAll\":true",
        &plain,
        "\"buildInfo\":{\"dockerfileContent\":\"FROM debian:12\\n\"},\"cpu\":2,\"memory\":4,\"disk\":5,"
        "\"env\":{}",
        "\"code-toolbox-language\":\"python\"", ",\"autoDeleteInterval\":-1,\"networkBlockAll\":true");
}

static void test_the_request_wins_over_the_configuration(void **state)
{
    static const eep_pair labels[] = {
        {STR("run"), STR("7")}, {STR("l"), STR("mine")}, {STR("l"), STR("last")}};
    static const eep_pair env[] = {{STR("A"), STR("x\ny\"\\\xc3\xa4")}, {STR("C"), {NULL, 0}}};
    eep_acquire_request request = plain;
    (void)state;
    request.labels = labels;
    request.label_count = COUNT(labels);
    request.env = env;
    request.env_count = COUNT(env);
    request.name_hint = STR("for people");
    expect_body("\"autoDeleteInterval\":-1,\"labels\":{\"l\":\"theirs\",\"z\":\"1\"},\"env\":{\"A\":\"1\","
                "\"B\":\"2\"}",
                &request, "\"env\":{\"A\":\"x\\ny\\\"\\\\\xc3\xa4\",\"B\":\"2\",\"C\":\"\"}",
                "\"l\":\"last\",\"run\":\"7\",\"z\":\"1\",\"code-toolbox-language\":\"python\","
                "\"eep.name\":\"for people\"",
                ",\"autoDeleteInterval\":-1");
}

/* -- Names and digests ------------------------------------------------------------------------- */

static eep_acquire_request with_key(const char *key)
{
    eep_acquire_request request = plain;
    request.idempotency_key = str_from(key);
    return request;
}

static bool is_hex(const char *text, size_t len)
{
    return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

static void test_names_without_a_key_are_random(void **state)
{
    CLEANUP(create_request_finish) struct create_request a = make("", &plain);
    CLEANUP(create_request_finish) struct create_request b = make("", &plain);
    (void)state;
    assert_memory_equal(a.name, "eep-", 4);
    assert_true(is_hex(a.name + 4, CREATE_DIGEST));
    assert_true(is_hex(a.identity, CREATE_DIGEST));
    assert_true(is_hex(a.request, CREATE_DIGEST));
    assert_false(a.keyed);
    assert_string_not_equal(a.name, b.name);
    assert_string_not_equal(a.identity, b.identity);
    assert_string_equal(a.request, b.request);
}

/* These digests are on labels of sandboxes that live longer than a version of the plugin. */
static void test_names_with_a_key_are_forever(void **state)
{
    eep_acquire_request request = with_key("run-1");
    CLEANUP(create_request_finish) struct create_request a = make("\"owner\":\"me\"", &request);
    CLEANUP(create_request_finish)
    struct create_request b = make("\"owner\":\"me\",\"cpu\":2,\"image\":\"i\"", &request);
    (void)state;
    assert_true(a.keyed);
    assert_string_equal(a.name, "eep-e76fc1441dc528d851cbf511a897a9bb");
    assert_string_equal(a.key, "bdd754ff3c43028c0c97c3261eedf7a9");
    assert_string_equal(a.name, b.name);
    assert_string_equal(a.key, b.key);
    assert_string_not_equal(a.request, b.request);
    assert_string_not_equal(a.identity, b.identity);
}

static void test_owner_and_key_are_kept_apart(void **state)
{
    static const struct {
        const char *config;
        const char *key;
    } cases[] = {{"", "ab"},
                 {"\"owner\":\"a\"", "b"},
                 {"\"owner\":\"ab\"", "a"},
                 {"\"owner\":\"a\"", "ab"},
                 {"\"owner\":\"b\"", "a"}};
    struct create_request made[COUNT(cases)];
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        eep_acquire_request request = with_key(cases[i].key);
        made[i] = make(cases[i].config, &request);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(made[i].name, made[k].name);
    }
    for (size_t i = 0; i < COUNT(cases); i++)
        create_request_finish(&made[i]);
}

static void digest(const char *members, const eep_acquire_request *request, char out[CREATE_DIGEST + 1])
{
    CLEANUP(create_request_finish) struct create_request create = make(members, request);
    memcpy(out, create.request, CREATE_DIGEST + 1);
}

static void test_what_shapes_a_sandbox_changes_the_digest(void **state)
{
    static const char *const configs[] = {"",
                                          "\"snapshot\":\"a\"",
                                          "\"snapshot\":\"b\"",
                                          "\"image\":\"a\"",
                                          "\"image\":\"a\",\"cpu\":1",
                                          "\"image\":\"a\",\"memory\":1",
                                          "\"target\":\"eu\"",
                                          "\"user\":\"u\"",
                                          "\"language\":\"typescript\"",
                                          "\"env\":{\"A\":\"1\"}",
                                          "\"env\":{\"A\":\"2\"}",
                                          "\"labels\":{\"A\":\"1\"}",
                                          "\"autoStopInterval\":7",
                                          "\"autoArchiveInterval\":7",
                                          "\"autoDeleteInterval\":7",
                                          "\"networkBlockAll\":true",
                                          "\"networkAllowList\":\"10.0.0.0/8\"",
                                          "\"volumes\":[{\"volumeId\":\"v\",\"mountPath\":\"/m\"}]"};
    char digests[COUNT(configs)][CREATE_DIGEST + 1];
    (void)state;
    for (size_t i = 0; i < COUNT(configs); i++) {
        digest(configs[i], &plain, digests[i]);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(digests[i], digests[k]) == 0) print_message("%s = %s\n", configs[i], configs[k]);
            assert_string_not_equal(digests[i], digests[k]);
        }
    }
}

static void test_what_does_not_shape_it_does_not(void **state)
{
    static const char *const configs[] = {"",
                                          "\"timeoutMs\":1000",
                                          "\"graceMs\":1000",
                                          "\"toolboxHosts\":[\"*.example.com\"]",
                                          "\"connectTimeoutMs\":1000",
                                          "\"maxOutputBytes\":100000",
                                          "\"apiUrl\":\"https://other.example/api\"",
                                          "\"language\":\"python\"",
                                          "\"owner\":\"me\""};
    static const eep_pair ab[] = {{STR("A"), STR("1")}, {STR("B"), STR("2")}};
    static const eep_pair ba[] = {{STR("B"), STR("2")}, {STR("A"), STR("1")}};
    eep_acquire_request request = plain;
    char first[CREATE_DIGEST + 1];
    char other[CREATE_DIGEST + 1];
    (void)state;
    digest("", &plain, first);
    for (size_t i = 0; i < COUNT(configs); i++) {
        digest(configs[i], &plain, other);
        assert_string_equal(other, first);
    }
    request.head.timeout_ms = 5;
    request.head.trace_id = STR("t");
    request.idempotency_key = STR("k");
    digest("", &request, other);
    assert_string_equal(other, first);
    request.env = request.labels = ab;
    request.env_count = request.label_count = 2;
    digest("", &request, first);
    request.env = request.labels = ba;
    digest("", &request, other);
    assert_string_equal(other, first);
    request.name_hint = STR("hint");
    digest("", &request, other);
    assert_string_not_equal(other, first);
}

/* -- Adopting ---------------------------------------------------------------------------------- */

static bool matches(const struct create_request *create, const char *labels)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 12);
    struct err err = ERR_INIT;
    json *tree = NULL;
    assert_int_equal(buf_appendf(&text, "{\"id\":\"s1\",\"labels\":%s}", labels), EEP_OK);
    assert_int_equal(json_parse(buf_str(&text), &tree, &err), EEP_OK);
    assert_int_equal(sandbox_from_json(&sandbox, tree, (eep_str){NULL, 0}, &err), EEP_OK);
    return create_request_matches(create, &sandbox);
}

static void test_only_the_same_request_of_the_same_owner_matches(void **state)
{
    CLEANUP(create_request_finish)
    struct create_request create = {.keyed = true, .key = "k1", .request = "r1", .owner = STR("me")};
    (void)state;
    assert_true(matches(&create, "{\"eep.owner\":\"me\",\"eep.key\":\"k1\",\"eep.request\":\"r1\"}"));
    assert_false(matches(&create, "{\"eep.owner\":\"you\",\"eep.key\":\"k1\",\"eep.request\":\"r1\"}"));
    assert_false(matches(&create, "{\"eep.key\":\"k1\",\"eep.request\":\"r1\"}"));
    assert_false(matches(&create, "{\"eep.owner\":\"me\",\"eep.key\":\"k2\",\"eep.request\":\"r1\"}"));
    assert_false(matches(&create, "{\"eep.owner\":\"me\",\"eep.request\":\"r1\"}"));
    assert_false(matches(&create, "{\"eep.owner\":\"me\",\"eep.key\":\"k1\",\"eep.request\":\"r2\"}"));
    assert_false(matches(&create, "{\"eep.owner\":\"me\",\"eep.key\":\"k1\"}"));
    assert_false(matches(&create, "{}"));
    assert_false(matches(&create, "null"));
    create.owner = (eep_str){NULL, 0};
    assert_true(matches(&create, "{\"eep.key\":\"k1\",\"eep.request\":\"r1\"}"));
    assert_false(matches(&create, "{\"eep.owner\":\"me\",\"eep.key\":\"k1\",\"eep.request\":\"r1\"}"));
    create.keyed = false;
    assert_true(matches(&create, "{\"eep.request\":\"r1\"}"));
    assert_false(matches(&create, "{\"eep.key\":\"k1\",\"eep.request\":\"r1\"}"));
}

/* -- What hosts may not send ------------------------------------------------------------------- */

#define BYTES(literal)                                                                                       \
    {                                                                                                        \
        (literal), sizeof(literal) - 1                                                                       \
    }

static char long_text[1 << 17];

static int refused_label(eep_str name, eep_str value, const char *text)
{
    const eep_pair label = {name, value};
    eep_acquire_request request = plain;
    request.labels = &label;
    request.label_count = 1;
    return refused("", &request, text);
}

static int refused_variable(eep_str name, eep_str value, const char *text)
{
    const eep_pair variable = {name, value};
    eep_acquire_request request = plain;
    request.env = &variable;
    request.env_count = 1;
    return refused("", &request, text);
}

static void test_labels(void **state)
{
    const eep_str v = STR("v");
    (void)state;
    assert_int_equal(refused_label(STR("eep.owner"), v, "eep.owner"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_label(STR("eep."), v, "plugin's own"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_label(STR("code-toolbox-language"), v, "language"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_label(STR("eep.anything"), v, "plugin's own"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_label(STR(""), v, "no name"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_label((eep_str){NULL, 0}, v, "no name"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_label((eep_str){NULL, 4}, v, "no pointer"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_label(STR("a"), (eep_str){NULL, 4}, "no pointer"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_label(STR("a\0b"), v, "NUL"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_label(STR("a"), STR("\0"), "NUL"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_label(STR("\xff"), v, "UTF-8"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_label(STR("a"), STR("\xc3"), "UTF-8"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_label((eep_str){long_text, 256}, v, "256"), EEP_E_TOO_LARGE);
    assert_int_equal(refused_label(STR("a"), (eep_str){long_text, 65537}, "65537"), EEP_E_TOO_LARGE);
}

static void test_variables(void **state)
{
    static const eep_str bad[] = {BYTES(""),    BYTES("1A"),  BYTES("A-B"),      BYTES("A B"), BYTES("A=B"),
                                  BYTES("A\0"), BYTES("A\n"), BYTES("\xc3\xa4"), {NULL, 0},    BYTES("$(x)")};
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(refused_variable(bad[i], STR("v"), "environment variable"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_variable((eep_str){NULL, 3}, STR("v"), "no pointer"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_variable((eep_str){long_text, 256}, STR("v"), ""), EEP_E_TOO_LARGE);
    assert_int_equal(refused_variable(STR("A"), STR("a\0b"), "NUL"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_variable(STR("A"), STR("\xed\xa0\x80"), "UTF-8"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_variable(STR("A"), (eep_str){long_text, 65537}, "65537"), EEP_E_TOO_LARGE);
}

static void test_keys_and_hints(void **state)
{
    static const struct {
        eep_str text;
        int code;
    } cases[] = {{{NULL, 1}, EEP_E_INVALID_ARGUMENT},
                 {BYTES("a\0b"), EEP_E_INVALID_ARGUMENT},
                 {BYTES("\xff"), EEP_E_INVALID_ARGUMENT},
                 {{long_text, 256}, EEP_E_TOO_LARGE}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        eep_acquire_request request = plain;
        request.idempotency_key = cases[i].text;
        assert_int_equal(refused("", &request, "idempotency_key"), cases[i].code);
        request = plain;
        request.name_hint = cases[i].text;
        assert_int_equal(refused("", &request, "name_hint"), cases[i].code);
    }
    eep_acquire_request request = with_key("");
    assert_int_equal(refused("", &request, "empty"), EEP_E_INVALID_ARGUMENT);
}

static void test_arrays_that_are_none(void **state)
{
    static const eep_pair pair = {STR("A"), STR("1")};
    eep_acquire_request request = plain;
    (void)state;
    request.label_count = 3;
    assert_int_equal(refused("", &request, "labels"), EEP_E_INVALID_ARGUMENT);
    request.labels = &pair;
    request.label_stride = 4;
    assert_int_equal(refused("", &request, "stride"), EEP_E_INVALID_ARGUMENT);
    request = plain;
    request.env_count = 1;
    assert_int_equal(refused("", &request, "env"), EEP_E_INVALID_ARGUMENT);
}

static void test_too_many_labels(void **state)
{
    static eep_pair labels[5000];
    static char names[5000][8];
    eep_acquire_request request = plain;
    (void)state;
    for (size_t i = 0; i < COUNT(labels); i++) {
        snprintf(names[i], sizeof names[i], "n%zu", i);
        labels[i] = (eep_pair){str_from(names[i]), STR("v")};
    }
    request.labels = labels;
    request.label_count = COUNT(labels);
    assert_int_equal(refused("", &request, "4096"), EEP_E_TOO_LARGE);
    request.label_count = 4096;
    CLEANUP(create_request_finish) struct create_request create = make("", &request);
    assert_non_null(strstr(buf_cstr(&create.body), "\"n4095\":\"v\""));
}

/* Strings of hosts have a length and nothing behind them that may be read. */
static void test_texts_at_the_end_of_memory(void **state)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    assert_true(page != MAP_FAILED);
    assert_int_equal(mprotect(page + 4096, 4096, PROT_NONE), 0);
    memcpy(page + 4096 - 5, "eep.x", 5);
    const eep_str reserved = {page + 4096 - 5, 5};
    assert_int_equal(refused_label(reserved, STR("v"), "eep.x"), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(refused_variable(reserved, STR("v"), "eep.x"), EEP_E_INVALID_ARGUMENT);
    const eep_pair pair = {{page + 4096 - 1, 1}, reserved};
    eep_acquire_request request = plain;
    request.labels = request.env = &pair;
    request.label_count = request.env_count = 1;
    request.name_hint = request.idempotency_key = reserved;
    CLEANUP(create_request_finish) struct create_request create = make("", &request);
    assert_non_null(strstr(buf_cstr(&create.body), "\"env\":{\"x\":\"eep.x\"}"));
    munmap(page, 8192);
}

/* Whatever a host puts into a value, it stays in its value. */
static void test_values_cannot_leave_their_quotes(void **state)
{
    static const eep_pair label = {STR("a\",\"name\":\"evil"), STR("b\"},\"buildInfo\":{\"x\":\"\\")};
    eep_acquire_request request = plain;
    json *tree = NULL;
    struct err err = ERR_INIT;
    eep_str value;
    (void)state;
    request.labels = &label;
    request.label_count = 1;
    CLEANUP(create_request_finish) struct create_request create = make("", &request);
    assert_int_equal(json_parse(buf_str(&create.body), &tree, &err), EEP_OK);
    assert_true(json_get_str(tree, "name", &value));
    assert_true(str_is(value, create.name));
    assert_null(json_get(tree, "buildInfo"));
    assert_true(json_get_str(json_get(tree, "labels"), "a\",\"name\":\"evil", &value));
    assert_true(str_is(value, "b\"},\"buildInfo\":{\"x\":\"\\"));
    json_finish(&tree);
}

static int fill_long_text(void **state)
{
    (void)state;
    memset(long_text, 'A', sizeof long_text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_smallest_body),
        cmocka_unit_test(test_long_names_are_whole),
        cmocka_unit_test(test_a_snapshot),
        cmocka_unit_test(test_an_image),
        cmocka_unit_test(test_the_request_wins_over_the_configuration),
        cmocka_unit_test(test_names_without_a_key_are_random),
        cmocka_unit_test(test_names_with_a_key_are_forever),
        cmocka_unit_test(test_owner_and_key_are_kept_apart),
        cmocka_unit_test(test_what_shapes_a_sandbox_changes_the_digest),
        cmocka_unit_test(test_what_does_not_shape_it_does_not),
        cmocka_unit_test(test_only_the_same_request_of_the_same_owner_matches),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_keys_and_hints),
        cmocka_unit_test(test_arrays_that_are_none),
        cmocka_unit_test(test_too_many_labels),
        cmocka_unit_test(test_texts_at_the_end_of_memory),
        cmocka_unit_test(test_values_cannot_leave_their_quotes),
    };
    return cmocka_run_group_tests(tests, fill_long_text, NULL);
}
