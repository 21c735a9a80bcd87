/* Single values and what they say together: each case is the members beside "apiKey":"k", and its findings.
 */
#include "config_testing.h"

#include <string.h>

struct sample {
    const char *members;
    const char *findings;
};

static void expect_all(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(samples[i].members, samples[i].findings);
}

#define EXPECT_ALL(samples) expect_all(samples, sizeof(samples) / sizeof((samples)[0]))

/* -- What the paperclip adapter checked: its ten texts, in its order --------------------------- */

static void test_the_adapters_ten_errors(void **state)
{
    static const struct sample samples[] = {
        {"\"image\":\"  \"", "E blank /image"},
        {"\"snapshot\":\"\"", "E blank /snapshot"},
        {"\"image\":\"a\",\"snapshot\":\"b\"", "E image_and_snapshot /snapshot"},
        {"\"apiUrl\":\"not a url\"", "E bad_url /apiUrl"},
        {"\"timeoutMs\":0", "E out_of_range /timeoutMs"},
        {"\"timeoutMs\":86400001", "E out_of_range /timeoutMs"},
        {"\"autoStopInterval\":-1", "E out_of_range /autoStopInterval"},
        {"\"autoArchiveInterval\":-1", "E out_of_range /autoArchiveInterval"},
        {"\"autoDeleteInterval\":-2", "E out_of_range /autoDeleteInterval"},
        {"\"image\":\"a\",\"cpu\":0", "E out_of_range /cpu"},
        {"\"image\":\"a\",\"memory\":-1", "E out_of_range /memory"},
        {"\"image\":\"a\",\"disk\":0", "E out_of_range /disk"},
        {"\"image\":\"a\",\"gpu\":0", "E out_of_range /gpu"},
    };
    (void)state;
    EXPECT_ALL(samples);
    config_destroy(load_expecting(STR("{\"apiKey\":\"  \"}"), 0, "E missing_credentials /apiKey"));
}

static void test_what_the_adapter_took(void **state)
{
    static const struct sample samples[] = {
        {"\"image\":null,\"snapshot\":null,\"cpu\":null,\"timeoutMs\":null,\"reuseLease\":null,\"labels\":"
         "null",
         ""},
        {"\"target\":\"\",\"language\":\" \",\"apiUrl\":\"\"", ""},
        {"\"timeoutMs\":1", ""},
        {"\"timeoutMs\":86400000", ""},
        {"\"autoArchiveInterval\":0,\"autoDeleteInterval\":-1", ""},
        {"\"autoStopInterval\":\"15\"", "W number_as_text /autoStopInterval"},
        {"\"autoStopInterval\":\"\"", "W number_as_text /autoStopInterval"},
        {"\"reuseLease\":true,\"snapshot\":\" mine \"", ""},
    };
    (void)state;
    EXPECT_ALL(samples);
}

/* It took them, but did not do what they said: told now. */
static void test_what_the_adapter_dropped_silently(void **state)
{
    static const struct sample samples[] = {
        {"\"cpu\":2,\"memory\":4,\"disk\":5", "E resources_without_image /cpu, E resources_without_image "
                                              "/memory, E resources_without_image /disk"},
        {"\"snapshot\":\"s\",\"gpu\":1,\"autoDeleteInterval\":0", "E resources_without_image /gpu"},
        {"\"timeoutMs\":\"soon\"", "E not_an_integer /timeoutMs"},
        {"\"autoStopInterval\":2.5", "E not_an_integer /autoStopInterval"},
        {"\"autoStopInterval\":true", "E not_an_integer /autoStopInterval"},
        {"\"autoStopInterval\":[]", "E not_an_integer /autoStopInterval"},
        {"\"image\":7", "E wrong_type /image"},
        {"\"reuseLease\":\"true\"", "E wrong_type /reuseLease"},
        {"\"reuseLease\":1", "E wrong_type /reuseLease"},
    };
    (void)state;
    EXPECT_ALL(samples);
}

/* -- Numbers ----------------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
    static const struct sample samples[] = {
        {"\"timeoutMs\":2.0", ""},
        {"\"timeoutMs\":1e3", ""},
        {"\"timeoutMs\":\" 7 \"", "W number_as_text /timeoutMs"},
        {"\"autoDeleteInterval\":\"-1\"", "W number_as_text /autoDeleteInterval"},
        {"\"timeoutMs\":\"-\"", "E not_an_integer /timeoutMs"},
        {"\"timeoutMs\":\"+1\"", "E not_an_integer /timeoutMs"},
        {"\"timeoutMs\":\"1 000\"", "E not_an_integer /timeoutMs"},
        {"\"timeoutMs\":\"0x10\"", "E not_an_integer /timeoutMs"},
        {"\"timeoutMs\":\"99999999999999999999\"", "E not_an_integer /timeoutMs"},
        {"\"timeoutMs\":99999999999999999999", "E out_of_range /timeoutMs"},
        {"\"timeoutMs\":-99999999999999999999", "E out_of_range /timeoutMs"},
        {"\"autoDeleteInterval\":-9223372036854775808", "E out_of_range /autoDeleteInterval"},
        {"\"timeoutMs\":1e400", "E not_an_integer /timeoutMs"},
        {"\"timeoutMs\":0.5", "E not_an_integer /timeoutMs"},
        {"\"autoStopInterval\":2147483647", ""},
        {"\"autoStopInterval\":2147483648", "E out_of_range /autoStopInterval"},
        {"\"graceMs\":0", "E out_of_range /graceMs"},
        {"\"executeWindowS\":301", "E out_of_range /executeWindowS"},
        {"\"maxOutputBytes\":1099511627776", ""},
        {"\"maxOutputBytes\":1099511627777", "E out_of_range /maxOutputBytes"},
    };
    (void)state;
    EXPECT_ALL(samples);
}

static void test_numbers_arrive(void **state)
{
    CLEANUP(config_destroy_ptr)
    struct config *config =
        load_valid("\"timeoutMs\":\"1500\",\"autoDeleteInterval\":\"-1\",\"autoStopInterval\":0.0");
    (void)state;
    assert_int_equal(config->timeout_ms, 1500);
    assert_int_equal(config->auto_delete_interval, -1);
    assert_int_equal(config->auto_stop_interval, 0);
    assert_int_equal(config->auto_archive_interval, CONFIG_UNSET);
    assert_int_equal(config->cpu, CONFIG_UNSET);
}

/* -- Texts ------------------------------------------------------------------------------------- */

static void test_header_values(void **state)
{
    static const struct sample samples[] = {
        {"\"organizationId\":\"a\\r\\nX-Evil: 1\"", "E bad_character /organizationId"},
        {"\"organizationId\":\"a b\"", "E bad_character /organizationId"},
        {"\"organizationId\":\"\xc3\xa9\"", "E bad_character /organizationId"},
        {"\"organizationId\":\"a\\u0000\"", "E bad_character /organizationId"},
        {"\"organizationId\":\" 7f3c-12 \"", ""},
        {"\"user\":\"root\"", ""},
        {"\"user\":\"ro ot\"", "E bad_character /user"},
    };
    (void)state;
    EXPECT_ALL(samples);
    config_destroy(load_expecting(STR("{\"apiKey\":\"a\\nb\"}"), 0, "E bad_character /apiKey"));
    config_destroy(load_expecting(STR("{\"apiKey\":\"a\\nb\\n\"}"), 0, "E bad_character /apiKey"));
    config_destroy(load_expecting(STR("{\"apiKey\":\"line end\"}"), 0, "E bad_character /apiKey"));
    config_destroy(load_expecting(STR("{\"apiKey\":\"k\\n\"}"), 0, "")); /* trimmed, as the adapter did */
}

static void test_images(void **state)
{
    static const struct sample samples[] = {
        {"\"image\":\"debian:12\"", ""},
        {"\"image\":\"registry.example.com:5000/team/app@sha256:0123\"", ""},
        {"\"image\":\"debian:12 AS x\"", "E bad_image /image"},
        {"\"image\":\"debian:12\\nRUN evil\"", "E bad_image /image"},
        {"\"image\":\"debian\\t\\u0007\"", "E bad_image /image"},
        {"\"image\":\"--platform=linux/arm64\"", "E bad_image /image"},
        {"\"image\":\"debian\\\\\"", "E bad_image /image"},
        {"\"image\":\"d\xc3\xa9"
         "bian\"",
         "E bad_image /image"},
        {"\"snapshot\":\"my snapshot\"", ""},
        {"\"snapshot\":\"a\\u001bb\"", "E bad_character /snapshot"},
    };
    (void)state;
    EXPECT_ALL(samples);
}

static void test_plain_texts(void **state)
{
    static const struct sample samples[] = {
        {"\"target\":\"eu \xe2\x82\xac\"", ""},
        {"\"target\":\"a\\u0000b\"", "E bad_character /target"},
        {"\"owner\":\"a\\u007fb\"", "E bad_character /owner"},
        {"\"owner\":[\"a\"]", "E wrong_type /owner"},
        {"\"language\":\"python\"", ""},
        {"\"language\":\"javascript\"", ""},
        {"\"language\":\"Python\"", "W unknown_language /language"},
        {"\"runner\":\"native\"", ""},
        {"\"runner\":\" \"", ""},
        {"\"runner\":\"Sh\"", "E unknown_runner /runner"},
        {"\"language\":\"c\\u0001\"", "E bad_character /language"},
    };
    (void)state;
    EXPECT_ALL(samples);
}

static void expect_length(const char *key, size_t longest)
{
    CLEANUP(buf_finish) struct buf members = BUF_INIT(1 << 20);
    CLEANUP(buf_finish) struct buf finding = BUF_INIT(128);
    assert_int_equal(buf_appendf(&members, "\"%s\":\"", key), EEP_OK);
    for (size_t i = 0; i < longest; i++)
        assert_int_equal(buf_append_char(&members, 'x'), EEP_OK);
    assert_int_equal(buf_append_char(&members, '"'), EEP_OK);
    expect(buf_cstr(&members), "");
    members.len--;
    assert_int_equal(buf_append_cstr(&members, "x\""), EEP_OK);
    assert_int_equal(buf_appendf(&finding, "E too_long /%s", key), EEP_OK);
    expect(buf_cstr(&members), buf_cstr(&finding));
}

static void test_lengths(void **state)
{
    (void)state;
    expect_length("organizationId", 128);
    expect_length("target", 255);
    expect_length("owner", 255);
    expect_length("image", 512);
    expect_length("snapshot", 512);
    expect_length("user", 64);
    expect_length("noProxy", 4096);
}

static void test_paths(void **state)
{
    static const struct sample samples[] = {
        {"\"workspaceDir\":\"/home/me/work\",\"caFile\":\"/etc/ssl/ca.pem\"", ""},
        {"\"workspaceDir\":\"work\"", "E bad_path /workspaceDir"},
        {"\"workspaceDir\":\"~/work\"", "E bad_path /workspaceDir"},
        {"\"workspaceDir\":\"/a/../b\"", "E bad_path /workspaceDir"},
        {"\"workspaceDir\":\"/a/..b\"", ""},
        {"\"workspaceDir\":\"/a\\nb\"", "E bad_character /workspaceDir"},
        {"\"caFile\":\"ca.pem\"", "E bad_path /caFile"},
    };
    (void)state;
    EXPECT_ALL(samples);
    CLEANUP(config_destroy_ptr) struct config *root = load_valid("\"workspaceDir\":\"//\"");
    assert_string_equal(root->workspace_dir.ptr, "/");
}

/* -- URLs and networks ------------------------------------------------------------------------- */

static void test_api_urls(void **state)
{
    static const struct sample samples[] = {
        {"\"apiUrl\":\"https://daytona.example.com/api\"", ""},
        {"\"apiUrl\":\"http://localhost:3000/api\"", ""},
        {"\"apiUrl\":\"http://api.localhost/api\"", ""},
        {"\"apiUrl\":\"http://127.9.9.9/api\"", ""},
        {"\"apiUrl\":\"http://[::1]:3000/api\"", ""},
        {"\"apiUrl\":\"http://127.0.0.1.example.com/api\"", "W insecure_url /apiUrl"},
        {"\"apiUrl\":\"http://daytona.example.com/api\"", "W insecure_url /apiUrl"},
        {"\"apiUrl\":\"https://daytona.example.com\"", "W url_without_path /apiUrl"},
        {"\"apiUrl\":\"ftp://daytona.example.com/api\"", "E bad_url /apiUrl"},
        {"\"apiUrl\":\"daytona.example.com/api\"", "E bad_url /apiUrl"},
        {"\"apiUrl\":\"https:///api\"", "E bad_url /apiUrl"},
        {"\"apiUrl\":\"https://me:word@example.com/api\"", "E bad_url /apiUrl"},
        {"\"apiUrl\":\"https://example.com/api?x=1\"", "E bad_url /apiUrl"},
        {"\"apiUrl\":\"https://example.com/api#x\"", "E bad_url /apiUrl"},
        {"\"apiUrl\":\"https://example.com:0/api\"", "E bad_url /apiUrl"},
        {"\"apiUrl\":\"https://example.com:65536/api\"", "E bad_url /apiUrl"},
        {"\"apiUrl\":\"https://example.com/a pi\"", "E bad_url /apiUrl"},
        {"\"apiUrl\":\"https://example.com/api\\r\\nX: y\"", "E bad_url /apiUrl"},
        {"\"apiUrl\":\"/\"", "E bad_url /apiUrl"},
        {"\"apiUrl\":5", "E wrong_type /apiUrl"},
    };
    (void)state;
    EXPECT_ALL(samples);
}

static void test_proxies(void **state)
{
    static const struct sample samples[] = {
        {"\"proxy\":\"http://proxy.example.com:3128/\"", ""},
        {"\"proxy\":\"socks5h://me:p@ss@[::1]:1080\"", ""},
        {"\"proxy\":\"proxy:3128\"", ""},
        {"\"proxy\":\"ftp://proxy\"", "E bad_proxy /proxy"},
        {"\"proxy\":\"http://proxy/path\"", "E bad_proxy /proxy"},
        {"\"proxy\":\"http://\"", "E bad_proxy /proxy"},
        {"\"proxy\":\"a b\"", "E bad_proxy /proxy"},
        {"\"noProxy\":\"localhost, .internal, *\"", ""},
        {"\"noProxy\":\"a\\nb\"", "E bad_character /noProxy"},
    };
    (void)state;
    EXPECT_ALL(samples);
}

static void test_network_lists(void **state)
{
    static const struct sample samples[] = {
        {"\"networkAllowList\":\"10.0.0.0/8,1.2.3.4/32\"", ""},
        {"\"networkAllowList\":[\"10.0.0.0/8\",\" 1.2.3.4/32 \"]", ""},
        {"\"networkAllowList\":\"\"", ""},
        {"\"networkAllowList\":[]", ""},
        {"\"networkAllowList\":\"10.0.0.0\"", "E bad_cidr /networkAllowList"},
        {"\"networkAllowList\":[\"10.0.0.0/33\",\"::/0\",\"300.0.0.0/8\",\"\",7]",
         "E bad_cidr /networkAllowList/0, E bad_cidr /networkAllowList/1, E bad_cidr /networkAllowList/2, "
         "E blank /networkAllowList/3, E wrong_type /networkAllowList/4"},
        {"\"networkAllowList\":\"1,2,3,4,5,6,7,8,9,10,11\"", "E too_many /networkAllowList"},
        {"\"networkAllowList\":{}", "E wrong_type /networkAllowList"},
        {"\"networkBlockAll\":true", ""},
        {"\"networkBlockAll\":true,\"networkAllowList\":\"10.0.0.0/8\"",
         "W blocked_but_allowed /networkAllowList"},
        {"\"toolboxHosts\":[\"*.daytona.io\",\"proxy.example.com\",\"[::1]\",\"127.0.0.1\"]", ""},
        {"\"toolboxHosts\":[\"https://a\",\"a:80\",\"a/b\",\"*\",\"a.*.b\",\"*.[::1]\",\"a..b\"]",
         "E bad_host /toolboxHosts/0, E bad_host /toolboxHosts/1, E bad_host /toolboxHosts/2, E bad_host "
         "/toolboxHosts/3, E bad_host /toolboxHosts/4, E bad_host /toolboxHosts/5, E bad_host "
         "/toolboxHosts/6"},
    };
    (void)state;
    EXPECT_ALL(samples);
}

/* -- Objects ----------------------------------------------------------------------------------- */

static void test_env_and_labels(void **state)
{
    static const struct sample samples[] = {
        {"\"env\":{\"PATH\":\"/bin\",\"_x1\":\"a\\nb\"}", ""},
        {"\"env\":{\"1A\":\"x\",\"A-B\":\"x\",\"\":\"x\"}",
         "E bad_env_name /env/1A, E bad_env_name /env/A-B, E bad_env_name /env/"},
        {"\"env\":{\"A\":1,\"B\":null,\"C\":\"a\\u0000b\"}",
         "E wrong_type /env/A, E wrong_type /env/B, E bad_character /env/C"},
        {"\"env\":[]", "E wrong_type /env"},
        {"\"labels\":{\"team\":\"blue\",\"empty\":\"\",\"daytona.io/public\":\"true\"}", ""},
        {"\"labels\":{\"eep.owner\":\"x\",\"eep\":\"x\",\"code-toolbox-language\":\"x\",\"\":\"x\"}",
         "E reserved_label /labels/eep.owner, E reserved_label /labels/code-toolbox-language, E blank "
         "/labels/"},
        {"\"labels\":{\"a\\nb\":\"x\"}", "E bad_character /labels/a\nb"},
        {"\"labels\":{\"a\":\"x\\ny\",\"b\":true}", "E bad_character /labels/a, E wrong_type /labels/b"},
        {"\"labels\":\"a=b\"", "E wrong_type /labels"},
    };
    (void)state;
    EXPECT_ALL(samples);
}

static void test_too_many_entries(void **state)
{
    CLEANUP(buf_finish) struct buf members = BUF_INIT(1 << 20);
    (void)state;
    assert_int_equal(buf_append_cstr(&members, "\"labels\":{"), EEP_OK);
    for (int i = 0; i < 65; i++)
        assert_int_equal(buf_appendf(&members, "%s\"l%d\":\"\"", i > 0 ? "," : "", i), EEP_OK);
    assert_int_equal(buf_append_cstr(&members, "}"), EEP_OK);
    expect(buf_cstr(&members), "E too_many /labels");
}

static void test_volumes(void **state)
{
    static const struct sample samples[] = {
        {"\"volumes\":[{\"volumeId\":\"v\",\"mountPath\":\"/data\"}]", ""},
        {"\"volumes\":[{\"volumeId\":\"v\",\"mountPath\":\"/data\",\"subpath\":\"users/alice/\"}]", ""},
        {"\"volumes\":[{}]", "E missing_member /volumes/0/volumeId, E missing_member /volumes/0/mountPath"},
        {"\"volumes\":[{\"volumeId\":\" \",\"mountPath\":\"data\",\"subpath\":\"/x\"}]",
         "E blank /volumes/0/volumeId, E bad_path /volumes/0/mountPath, E bad_path /volumes/0/subpath"},
        {"\"volumes\":[{\"volumeId\":\"v\",\"mountPath\":\"/data\",\"subpath\":\"../other\"}]",
         "E bad_path /volumes/0/subpath"},
        {"\"volumes\":[7,{\"volumeId\":7,\"mountPath\":\"/x\"}]",
         "E wrong_type /volumes/0, E wrong_type /volumes/1/volumeId"},
        {"\"volumes\":{}", "E wrong_type /volumes"},
        {"\"volumes\":[]", ""},
    };
    (void)state;
    EXPECT_ALL(samples);
}

/* -- Together ---------------------------------------------------------------------------------- */

static void test_resources(void **state)
{
    static const struct sample samples[] = {
        {"\"image\":\"a\",\"cpu\":1,\"memory\":1,\"disk\":10", ""},
        {"\"image\":\"a\",\"disk\":11", "W disk_above_hosted_limit /disk"},
        {"\"image\":\"a\",\"gpu\":1", "E gpu_needs_ephemeral /gpu"},
        {"\"image\":\"a\",\"gpu\":1,\"autoDeleteInterval\":0", ""},
        {"\"image\":\"a b\",\"cpu\":1", "E bad_image /image"}, /* one fault, one finding */
    };
    (void)state;
    EXPECT_ALL(samples);
}

static void test_life(void **state)
{
    static const struct sample samples[] = {
        {"\"reuseLease\":true,\"autoDeleteInterval\":0", "W reused_but_ephemeral /autoDeleteInterval"},
        {"\"reuseLease\":true,\"autoDeleteInterval\":10", ""},
        {"\"autoStopInterval\":0", "I never_stops /autoStopInterval"},
        {"\"autoStopInterval\":1", "W stops_under_work /autoStopInterval"},
        {"\"autoStopInterval\":2", ""},
    };
    (void)state;
    EXPECT_ALL(samples);
    CLEANUP(config_destroy_ptr) struct config *once = load_valid("");
    CLEANUP(config_destroy_ptr) struct config *reused = load_valid("\"reuseLease\":true");
    assert_int_equal(once->auto_delete_interval, 60);
    assert_int_equal(reused->auto_delete_interval, -1);
}

static void test_credentials(void **state)
{
    (void)state;
    config_destroy(load_expecting(STR("{\"jwtToken\":\"t\",\"organizationId\":\"o\"}"), 0, ""));
    config_destroy(
        load_expecting(STR("{\"jwtToken\":\"t\"}"), 0, "E missing_organization_id /organizationId"));
    config_destroy(load_expecting(STR("{\"jwtToken\":\"t\",\"organizationId\":\"o o\"}"), 0,
                                  "E bad_character /organizationId"));
    config_destroy(load_expecting(STR("{\"apiKey\":7}"), 0, "E wrong_type /apiKey"));
    expect("\"jwtToken\":\"t\",\"organizationId\":\"o\"", "E api_key_and_jwt_token /jwtToken");
}

static void test_all_findings_at_once_in_table_order(void **state)
{
    (void)state;
    config_destroy(load_expecting(
        STR("{\"zzz\":1,\"timeoutMs\":0,\"image\":\"\",\"disk\":20,\"apiUrl\":\"x\",\"gpu\":1,\"snapshot\":"
            "\"s\"}"),
        0,
        "E bad_url /apiUrl, E blank /image, E out_of_range /timeoutMs, E missing_credentials /apiKey, "
        "W disk_above_hosted_limit /disk, E gpu_needs_ephemeral /gpu, W unknown_key /zzz"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_adapters_ten_errors),
        cmocka_unit_test(test_what_the_adapter_took),
        cmocka_unit_test(test_what_the_adapter_dropped_silently),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_numbers_arrive),
        cmocka_unit_test(test_header_values),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_plain_texts),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_api_urls),
        cmocka_unit_test(test_proxies),
        cmocka_unit_test(test_network_lists),
        cmocka_unit_test(test_env_and_labels),
        cmocka_unit_test(test_too_many_entries),
        cmocka_unit_test(test_volumes),
        cmocka_unit_test(test_resources),
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_all_findings_at_once_in_table_order),
    };
    return cmocka_run_group_tests_name("config values", tests, NULL, NULL);
}
