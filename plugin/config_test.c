#include "config_testing.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

static void expect_document(const char *text, uint32_t flags, const char *expected)
{
    config_destroy(load_expecting(str_from(text), flags, expected));
}

/* -- The text ---------------------------------------------------------------------------------- */

static void test_texts_that_are_no_configuration(void **state)
{
    static const char *const not_json[] = {"",
                                           " ",
                                           "{",
                                           "{\"a\":1,}",
                                           "{a:1}",
                                           "[1,]",
                                           "{} {}",
                                           "{}x",
                                           "nope",
                                           "\xff{}",
                                           "{\"a\":01}",
                                           "{\"a\"}",
                                           "{\"a\":",
                                           "/* hello */ {}",
                                           "{\"a\":tru}",
                                           "\"\\x\"",
                                           "\xef\xbb\xbf{}"};
    static const char *const no_object[] = {"null", "[]", "1", "true", "\"apiKey\"", "[{\"apiKey\":\"k\"}]"};
    (void)state;
    for (size_t i = 0; i < sizeof not_json / sizeof not_json[0]; i++)
        expect_document(not_json[i], 0, "E not_json");
    for (size_t i = 0; i < sizeof no_object / sizeof no_object[0]; i++)
        expect_document(no_object[i], 0, "E not_an_object");
}

static void test_absent_text_is_an_empty_object(void **state)
{
    (void)state;
    config_destroy(load_expecting((eep_str){NULL, 0}, 0, "E missing_credentials /apiKey"));
    expect_document("{}", 0, "E missing_credentials /apiKey");
}

static void test_text_with_a_nul_byte(void **state)
{
    static const char text[] = "{\"apiKey\":\"k\"}\0{}";
    (void)state;
    config_destroy(load_expecting((eep_str){text, sizeof text - 1}, 0, "E not_json"));
    config_destroy(load_expecting((eep_str){text, strlen(text)}, 0, ""));
}

static void test_what_json_c_takes_and_json_does_not(void **state)
{
    (void)state;
    expect("\"timeoutMs\":NaN", "E not_json /timeoutMs, E not_an_integer /timeoutMs");
    expect("\"cpu\":Infinity", "E not_json /cpu, E not_an_integer /cpu");
    expect("'cpu':1,\"image\":\"i\"", "E not_json");
    expect("\"cpu\":-01,\"image\":\"i\"", "E not_json /cpu, E out_of_range /cpu");
    expect("\"cpu\":1.,\"image\":\"i\"", "E not_json /cpu");
    expect("\"image\":\"i\",\f\"cpu\":1", "E not_json");
    expect("\"owner\":\"a\tb\"", "E not_json /owner, E bad_character /owner");
    expect("\"env\":{\"A\":\"a\nb\"}", "E not_json /env/A");
    expect("\"env\":{\"A\":\"a\\nb\"}", "");
}

static void test_duplicate_keys(void **state)
{
    (void)state;
    expect("\"apiKey\":\"other\"", "E duplicate_key /apiKey");
    expect("\"\\u0061piKey\":\"other\"", "E duplicate_key /apiKey");
    expect("\"env\":{\"A\":\"1\",\"B\":\"2\",\"A\":\"3\"},\"env\":{}",
           "E duplicate_key /env/A, E duplicate_key /env");
    expect("\"volumes\":[{\"volumeId\":\"v\",\"mountPath\":\"/a\"},{\"volumeId\":\"v\",\"mountPath\":\"/"
           "a\",\"volumeId\":"
           "\"w\"}]",
           "E duplicate_key /volumes/1/volumeId");
    expect("\"labels\":{\"a/b~c\":\"1\",\"a/b~c\":\"2\"}", "E duplicate_key /labels/a~1b~0c");
}

static void test_nul_in_a_key(void **state)
{
    (void)state;
    expect("\"owner\\u0000x\":\"a\"", "E nul_in_key");
    expect("\"env\":{\"A\\u0000B\":\"a\"}", "E nul_in_key /env");
}

static void test_deep_and_large_texts(void **state)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(4 << 20);
    (void)state;
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_append_char(&text, '['), EEP_OK);
    config_destroy(load_expecting(buf_str(&text), 0, "E not_json"));
    buf_reset(&text);
    assert_int_equal(buf_append_cstr(&text, "{\"apiKey\":\"k\"}"), EEP_OK);
    while (text.len < CONFIG_TEXT_MAX)
        assert_int_equal(buf_append_char(&text, ' '), EEP_OK);
    config_destroy(load_expecting(buf_str(&text), 0, ""));
    assert_int_equal(buf_append_char(&text, ' '), EEP_OK);
    config_destroy(load_expecting(buf_str(&text), 0, "E config_too_large"));
}

/* Was quadratic once: a minute. */
static void test_a_hundred_thousand_keys(void **state)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(CONFIG_TEXT_MAX);
    CLEANUP(findings_finish) struct findings findings = FINDINGS_INIT;
    struct config *config = NULL;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(buf_append_char(&text, '{'), EEP_OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_appendf(&text, "\"%x\":1,", (unsigned)i), EEP_OK);
    assert_int_equal(buf_append_cstr(&text, "\"x\":1}"), EEP_OK);
    assert_int_equal(config_load(buf_str(&text), 0, &findings, &config, &err), EEP_OK);
    assert_null(config);
    assert_int_equal(findings.count, FINDINGS_MAX);
    assert_string_equal(findings.items[FINDINGS_MAX - 1].code.ptr, "too_many_findings");
}

static void test_no_error_hides_behind_many_warnings(void **state)
{
    CLEANUP(buf_finish) struct buf members = BUF_INIT(1 << 20);
    CLEANUP(findings_finish) struct findings findings = FINDINGS_INIT;
    struct config *config = NULL;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(buf_append_cstr(&members, "{\"apiKey\":\"k\""), EEP_OK);
    for (int i = 0; i < 300; i++)
        assert_int_equal(buf_appendf(&members, ",\"unknown%d\":1", i), EEP_OK);
    assert_int_equal(buf_append_cstr(&members, ",\"cpu\":1}"), EEP_OK);
    assert_int_equal(config_load(buf_str(&members), 0, &findings, &config, &err), EEP_OK);
    assert_null(config);
    assert_string_equal(findings.items[0].code.ptr, "resources_without_image");
    assert_int_equal(findings.errors, 2);
}

/* -- Unknown keys ------------------------------------------------------------------------------ */

static void test_unknown_keys(void **state)
{
    (void)state;
    expect("\"colour\":1", "W unknown_key /colour");
    expect("\"volumes\":[{\"volumeId\":\"v\",\"mountPath\":\"/a\",\"size\":1}]",
           "W unknown_key /volumes/0/size");
    expect_document("{\"apiKey\":\"k\",\"colour\":null}", CONFIG_STRICT, "E unknown_key /colour");
    expect_document("{\"apiKey\":\"k\",\"volumes\":[{\"volumeId\":\"v\",\"mountPath\":\"/a\",\"size\":1}]}",
                    CONFIG_STRICT, "E unknown_key /volumes/0/size");
    expect("\"a/b~c\":1", "W unknown_key /a~1b~0c");
    expect("\"\":1", "W unknown_key /");
}

static void expect_hint(const char *key, const char *hint)
{
    CLEANUP(findings_finish) struct findings findings = FINDINGS_INIT;
    CLEANUP(config_destroy_ptr) struct config *config = NULL;
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1024);
    struct err err = ERR_INIT;
    assert_int_equal(buf_appendf(&text, "{\"apiKey\":\"k\",\"%s\":1}", key), EEP_OK);
    assert_int_equal(config_load(buf_str(&text), 0, &findings, &config, &err), EEP_OK);
    assert_int_equal(findings.count, 1);
    assert_string_equal(findings.items[0].hint.ptr, hint);
}

static void test_did_you_mean(void **state)
{
    (void)state;
    expect_hint("api_url", "did you mean apiUrl?");
    expect_hint("APIURL", "did you mean apiUrl?");
    expect_hint("auto-stop-interval", "did you mean autoStopInterval?");
    expect_hint("autoStop", "did you mean autoStopInterval?");
    expect_hint("timeout", "did you mean timeoutMs?");
    expect_hint("snapshto", "did you mean snapshot?");
    expect_hint("label", "did you mean labels?");
    expect_hint("x", "leave it out");
    expect_hint("colour", "leave it out");
    expect_hint("aVeryLongNameThatIsNotComparedWithAnythingAtAll", "leave it out");
}

static void test_messages_hold_no_control_characters(void **state)
{
    CLEANUP(findings_finish) struct findings findings = FINDINGS_INIT;
    CLEANUP(config_destroy_ptr) struct config *config = NULL;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(config_load(STR("{\"apiKey\":\"k\",\"a\\n\\u001bb\":1}"), 0, &findings, &config, &err),
                     EEP_OK);
    assert_string_equal(findings.items[0].message.ptr, "a  b is not a key of the configuration");
    assert_string_equal(findings.items[0].pointer.ptr, "/a\n\033b");
}

/* -- Normalised form and secrets --------------------------------------------------------------- */

static void assert_normalized(const struct config *config, const char *expected)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 20);
    assert_int_equal(config_normalized(config, &text), EEP_OK);
    assert_string_equal(buf_cstr(&text), expected);
}

/* clang-format off */
static const char defaults_normalized[] =
    "{\"jwtToken\":null,\"organizationId\":null,\"apiUrl\":\"https://app.daytona.io/api\","
    "\"target\":null,\"owner\":null,\"image\":null,\"snapshot\":null,\"language\":\"python\","
    "\"cpu\":null,\"memory\":null,\"disk\":null,\"gpu\":null,\"user\":null,\"workspaceDir\":null,"
    "\"env\":{},\"labels\":{},\"volumes\":[],\"networkBlockAll\":false,\"networkAllowList\":[],"
    "\"reuseLease\":false,\"autoStopInterval\":null,\"autoArchiveInterval\":null,"
    "\"autoDeleteInterval\":60,\"timeoutMs\":300000,\"graceMs\":10000,\"connectTimeoutMs\":10000,"
    "\"executeWindowS\":20,\"maxOutputBytes\":268435456,\"runner\":\"auto\",\"caFile\":null,"
    "\"proxy\":null,\"noProxy\":null,"
    "\"toolboxHosts\":[],\"trustEnv\":false}";
/* clang-format on */

static void test_normalized_defaults(void **state)
{
    CLEANUP(config_destroy_ptr) struct config *config = load_valid("");
    (void)state;
    assert_normalized(config, defaults_normalized);
}

/* clang-format off */
static const char everything[] =
    "{\"apiKey\":\" key \",\"apiUrl\":\"http://localhost:3000/api//\",\"target\":\" us \","
    "\"owner\":\"team \xc3\xa9\",\"image\":\" debian:12 \",\"language\":\"typescript\",\"cpu\":2,"
    "\"memory\":4.0,\"disk\":\"5\",\"gpu\":1,\"user\":\"daytona\",\"workspaceDir\":\"/work/\","
    "\"env\":{\"A\":\" secret value \",\"B\":\"\"},\"labels\":{\"team\":\"blue/green\"},"
    "\"volumes\":[{\"volumeId\":\"v\",\"mountPath\":\"/data\",\"subpath\":\"a/b\"}],"
    "\"networkAllowList\":\"10.0.0.0/8, 192.168.1.0/24\",\"autoStopInterval\":15,"
    "\"autoArchiveInterval\":60,\"autoDeleteInterval\":0,\"timeoutMs\":1,\"graceMs\":2,"
    "\"connectTimeoutMs\":3,\"executeWindowS\":4,\"maxOutputBytes\":5,\"runner\":\" sh \",\"caFile\":\"/etc/ca.pem\","
    "\"proxy\":\"http://me:word@proxy:3128\",\"noProxy\":\"localhost,.internal\","
    "\"toolboxHosts\":[\"*.daytona.io\",\"127.0.0.1\"],\"trustEnv\":false}";
/* clang-format on */

/* clang-format off */
static const char everything_normalized[] =
    "{\"jwtToken\":null,\"organizationId\":null,\"apiUrl\":\"http://localhost:3000/api\","
    "\"target\":\"us\",\"owner\":\"team \xc3\xa9\",\"image\":\"debian:12\",\"snapshot\":null,"
    "\"language\":\"typescript\",\"cpu\":2,\"memory\":4,\"disk\":5,\"gpu\":1,\"user\":\"daytona\","
    "\"workspaceDir\":\"/work\",\"env\":{},\"labels\":{\"team\":\"blue/green\"},"
    "\"volumes\":[{\"volumeId\":\"v\",\"mountPath\":\"/data\",\"subpath\":\"a/b\"}],"
    "\"networkBlockAll\":false,\"networkAllowList\":[\"10.0.0.0/8\",\"192.168.1.0/24\"],"
    "\"reuseLease\":false,\"autoStopInterval\":15,\"autoArchiveInterval\":60,\"autoDeleteInterval\":0,"
    "\"timeoutMs\":1,\"graceMs\":2,\"connectTimeoutMs\":3,\"executeWindowS\":4,\"maxOutputBytes\":5,"
    "\"runner\":\"sh\",\"caFile\":\"/etc/ca.pem\",\"noProxy\":\"localhost,.internal\",\"toolboxHosts\":[\"*.daytona.io\","
    "\"127.0.0.1\"],\"trustEnv\":false}";
/* clang-format on */

static void test_everything_set(void **state)
{
    CLEANUP(config_destroy_ptr)
    struct config *config = load_expecting(str_from(everything), CONFIG_STRICT, "W number_as_text /disk");
    (void)state;
    assert_normalized(config, everything_normalized);
    assert_string_equal(config->api_key.ptr, "key");
    assert_int_equal(config->env.count, 2);
    assert_string_equal(config->env.items[0].value.ptr, " secret value ");
    assert_int_equal(config->env.items[1].value.len, 0);
    assert_int_equal(config->volumes.count, 1);
    assert_string_equal(config->volumes.items[0].subpath.ptr, "a/b");
}

static void test_secrets_are_listed(void **state)
{
    static const char *const expected[] = {"/apiKey", "/env/A", "/env/B", "/proxy"};
    CLEANUP(config_destroy_ptr)
    struct config *config = load_expecting(str_from(everything), 0, "W number_as_text /disk");
    (void)state;
    assert_int_equal(config->secrets.count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < config->secrets.count; i++)
        assert_string_equal(config->secrets.items[i].ptr, expected[i]);
}

static void test_a_proxy_without_password_is_no_secret(void **state)
{
    CLEANUP(config_destroy_ptr) struct config *config = load_valid("\"proxy\":\"proxy:3128\"");
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 20);
    (void)state;
    assert_int_equal(config->secrets.count, 1);
    assert_int_equal(config_normalized(config, &text), EEP_OK);
    assert_true(str_contains(buf_str(&text), "\"proxy\":\"proxy:3128\""));
}

/* What a host stores (the normalised text) and what it keeps apart (the secrets) make the same configuration.
 */
static void test_normalized_and_secrets_make_it_whole(void **state)
{
    CLEANUP(json_finish) json *tree = NULL;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(json_parse(str_from(everything_normalized), &tree, &err), EEP_OK);
    assert_int_equal(json_put(tree, "apiKey", json_new_str(STR("key"))), EEP_OK);
    assert_int_equal(json_put(tree, "proxy", json_new_str(STR("http://me:word@proxy:3128"))), EEP_OK);
    assert_int_equal(json_put(json_get(tree, "env"), "A", json_new_str(STR(" secret value "))), EEP_OK);
    CLEANUP(config_destroy_ptr)
    struct config *config = load_expecting(str_from(json_text(tree)), CONFIG_STRICT, "");
    assert_normalized(config, everything_normalized);
}

/* Values never stand in findings: any of them may be a secret in the wrong place. */
static void test_findings_do_not_repeat_values(void **state)
{
    /* clang-format off */
    static const char text[] =
        "{\"apiKey\":\"hush hush\",\"jwtToken\":\"hush\\n\",\"organizationId\":\"hush hush\","
        "\"apiUrl\":\"ftp://hush@hush\",\"target\":\"hush\\n\",\"image\":\"hush hush\","
        "\"snapshot\":\"hush\\n\",\"language\":\"hush\",\"cpu\":\"hush\",\"user\":\"hush hush\","
        "\"workspaceDir\":\"hush\",\"env\":{\"A\":\"hush\\u0000\",\"B\":[\"hush\"]},"
        "\"labels\":{\"a\":\"hush\\n\"},\"networkAllowList\":[\"hush\"],\"caFile\":\"hush\","
        "\"proxy\":\"hush://hush\",\"toolboxHosts\":\"hush/hush\",\"surplus\":\"hush\"}";
    /* clang-format on */
    CLEANUP(findings_finish) struct findings findings = FINDINGS_INIT;
    struct config *config = NULL;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(config_load(str_from(text), 0, &findings, &config, &err), EEP_OK);
    assert_null(config);
    assert_true(findings.count >= 18);
    for (uint32_t i = 0; i < findings.count; i++) {
        assert_false(str_contains(findings.items[i].message, "hush"));
        assert_false(str_contains(findings.items[i].hint, "hush"));
    }
}

static void test_toolbox_hosts(void **state)
{
    CLEANUP(config_destroy_ptr) struct config *any = load_valid("");
    CLEANUP(config_destroy_ptr)
    struct config *some = load_valid("\"toolboxHosts\":\"*.Daytona.io, proxy.example.com ,[::1]\"");
    (void)state;
    assert_true(config_toolbox_host_allowed(any, STR("evil.example")));
    assert_true(config_toolbox_host_allowed(some, STR("proxy.app.daytona.io")));
    assert_true(config_toolbox_host_allowed(some, STR("PROXY.daytona.IO")));
    assert_true(config_toolbox_host_allowed(some, STR("Proxy.example.com")));
    assert_true(config_toolbox_host_allowed(some, STR("[::1]")));
    assert_false(config_toolbox_host_allowed(some, STR("daytona.io")));
    assert_false(config_toolbox_host_allowed(some, STR(".daytona.io")));
    assert_false(config_toolbox_host_allowed(some, STR("evildaytona.io")));
    assert_false(config_toolbox_host_allowed(some, STR("daytona.io.evil.example")));
    assert_false(config_toolbox_host_allowed(some, STR("a.proxy.example.com")));
    assert_false(config_toolbox_host_allowed(some, STR("")));
}

static void test_destroying_nothing(void **state)
{
    CLEANUP(config_destroy_ptr) struct config *config = NULL;
    CLEANUP(findings_finish) struct findings findings = FINDINGS_INIT;
    (void)state;
    config_destroy(NULL);
    findings_finish(&findings);
    assert_null(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_that_are_no_configuration),
        cmocka_unit_test(test_absent_text_is_an_empty_object),
        cmocka_unit_test(test_text_with_a_nul_byte),
        cmocka_unit_test(test_what_json_c_takes_and_json_does_not),
        cmocka_unit_test(test_duplicate_keys),
        cmocka_unit_test(test_nul_in_a_key),
        cmocka_unit_test(test_deep_and_large_texts),
        cmocka_unit_test(test_a_hundred_thousand_keys),
        cmocka_unit_test(test_no_error_hides_behind_many_warnings),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_did_you_mean),
        cmocka_unit_test(test_messages_hold_no_control_characters),
        cmocka_unit_test(test_normalized_defaults),
        cmocka_unit_test(test_everything_set),
        cmocka_unit_test(test_secrets_are_listed),
        cmocka_unit_test(test_a_proxy_without_password_is_no_secret),
        cmocka_unit_test(test_normalized_and_secrets_make_it_whole),
        cmocka_unit_test(test_findings_do_not_repeat_values),
        cmocka_unit_test(test_toolbox_hosts),
        cmocka_unit_test(test_destroying_nothing),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
