/* What the process environment adds, and when. Each test begins without any of the variables. */
#include "config_testing.h"

#include <stdlib.h>
#include <string.h>

static const char *const variables[] = {
    "DAYTONA_API_KEY", "DAYTONA_JWT_TOKEN",  "DAYTONA_ORGANIZATION_ID",
    "DAYTONA_API_URL", "DAYTONA_SERVER_URL", "DAYTONA_TARGET",
    "https_proxy",     "HTTPS_PROXY",        "http_proxy",
    "HTTP_PROXY",      "all_proxy",          "ALL_PROXY",
    "no_proxy",        "NO_PROXY",           "SSL_CERT_FILE",
};

static int clear_variables(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    return 0;
}

static void set(const char *name, const char *value)
{
    assert_int_equal(setenv(name, value, 1), 0);
}

static struct config *load_trusting(const char *text, const char *expected)
{
    return load_expecting(str_from(text), CONFIG_TRUST_ENV, expected);
}

static void test_it_is_not_read_unless_trusted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        set(variables[i], "https://trap.example/api");
    config_destroy(load_expecting(STR("{}"), 0, "E missing_credentials /apiKey"));
    config_destroy(load_expecting(STR("{\"trustEnv\":false}"), 0, "E missing_credentials /apiKey"));
    CLEANUP(config_destroy_ptr) struct config *config = load_valid("");
    assert_string_equal(config->api_url.ptr, "https://app.daytona.io/api");
    assert_null(config->proxy.ptr);
    assert_null(config->no_proxy.ptr);
    assert_null(config->ca_file.ptr);
    assert_null(config->target.ptr);
    assert_null(config->organization_id.ptr);
}

static void test_the_key_and_the_flag_trust_it(void **state)
{
    (void)state;
    set("DAYTONA_API_KEY", " from-env\n");
    CLEANUP(config_destroy_ptr) struct config *by_key = load_expecting(STR("{\"trustEnv\":true}"), 0, "");
    CLEANUP(config_destroy_ptr) struct config *by_flag = load_trusting("{\"trustEnv\":false}", "");
    CLEANUP(config_destroy_ptr)
    struct config *absent = load_expecting((eep_str){NULL, 0}, CONFIG_TRUST_ENV, "");
    assert_string_equal(by_key->api_key.ptr, "from-env");
    assert_true(by_flag->trust_env);
    assert_string_equal(absent->api_key.ptr, "from-env");
}

static void test_a_secret_from_the_environment_is_one(void **state)
{
    (void)state;
    set("DAYTONA_API_KEY", "from-env");
    set("https_proxy", "http://me:word@proxy");
    CLEANUP(config_destroy_ptr) struct config *config = load_trusting("{}", "");
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 16);
    assert_int_equal(config->secrets.count, 2);
    assert_string_equal(config->secrets.items[0].ptr, "/apiKey");
    assert_string_equal(config->secrets.items[1].ptr, "/proxy");
    assert_int_equal(config_normalized(config, &text), EEP_OK);
    assert_false(str_contains(buf_str(&text), "from-env"));
    assert_false(str_contains(buf_str(&text), "word"));
}

/* Protocol 2.2 */
static void test_credentials_precedence(void **state)
{
    (void)state;
    set("DAYTONA_API_KEY", "env-key");
    set("DAYTONA_JWT_TOKEN", "env-jwt");
    set("DAYTONA_ORGANIZATION_ID", "env-org");
    CLEANUP(config_destroy_ptr) struct config *env = load_trusting("{}", "");
    assert_string_equal(env->api_key.ptr, "env-key");
    assert_null(env->jwt_token.ptr);
    assert_null(env->organization_id.ptr);

    CLEANUP(config_destroy_ptr) struct config *own_key = load_trusting("{\"apiKey\":\"mine\"}", "");
    assert_string_equal(own_key->api_key.ptr, "mine");
    assert_null(own_key->jwt_token.ptr);

    CLEANUP(config_destroy_ptr) struct config *own_jwt = load_trusting("{\"jwtToken\":\"mine\"}", "");
    assert_null(own_jwt->api_key.ptr);
    assert_string_equal(own_jwt->jwt_token.ptr, "mine");
    assert_string_equal(own_jwt->organization_id.ptr, "env-org");

    unsetenv("DAYTONA_API_KEY");
    CLEANUP(config_destroy_ptr) struct config *env_jwt = load_trusting("{\"organizationId\":\"mine\"}", "");
    assert_string_equal(env_jwt->jwt_token.ptr, "env-jwt");
    assert_string_equal(env_jwt->organization_id.ptr, "mine");

    unsetenv("DAYTONA_ORGANIZATION_ID");
    config_destroy(load_trusting("{}", "E missing_organization_id /organizationId"));
}

static void test_blank_variables_count_as_unset(void **state)
{
    (void)state;
    set("DAYTONA_API_KEY", "  ");
    set("DAYTONA_API_URL", "");
    set("DAYTONA_SERVER_URL", "https://old.example/api");
    config_destroy(load_trusting("{}", "I deprecated_variable /apiUrl, E missing_credentials /apiKey"));
    CLEANUP(config_destroy_ptr) struct config *blank = NULL;
    set("DAYTONA_API_KEY", "env-key");
    blank = load_trusting("{\"apiKey\":\" \",\"apiUrl\":\"https://mine.example/api\"}", "");
    assert_string_equal(blank->api_key.ptr, "env-key");
}

static void test_api_url_and_target(void **state)
{
    (void)state;
    set("DAYTONA_TARGET", "eu");
    set("DAYTONA_SERVER_URL", "https://old.example/api/");
    CLEANUP(config_destroy_ptr)
    struct config *old = load_trusting("{\"apiKey\":\"k\"}", "I deprecated_variable /apiUrl");
    assert_string_equal(old->api_url.ptr, "https://old.example/api");
    assert_string_equal(old->target.ptr, "eu");

    set("DAYTONA_API_URL", "https://new.example/api");
    CLEANUP(config_destroy_ptr) struct config *new = load_trusting("{\"apiKey\":\"k\"}", "");
    assert_string_equal(new->api_url.ptr, "https://new.example/api");

    CLEANUP(config_destroy_ptr)
    struct config *own =
        load_trusting("{\"apiKey\":\"k\",\"apiUrl\":\"https://own.example/api\",\"target\":\"us\"}", "");
    assert_string_equal(own->api_url.ptr, "https://own.example/api");
    assert_string_equal(own->target.ptr, "us");
}

static void test_values_are_checked_and_named(void **state)
{
    CLEANUP(findings_finish) struct findings findings = FINDINGS_INIT;
    struct config *config = NULL;
    struct err err = ERR_INIT;
    (void)state;
    set("DAYTONA_API_KEY", "two words");
    set("DAYTONA_API_URL", "nonsense");
    set("DAYTONA_TARGET", "\xff\xfe");
    set("SSL_CERT_FILE", "ca.pem");
    config_destroy(load_trusting("{}", "E bad_character /apiKey, E bad_url /apiUrl, E bad_character /target, "
                                       "E bad_path /caFile"));
    assert_int_equal(config_load(STR("{}"), CONFIG_TRUST_ENV, &findings, &config, &err), EEP_OK);
    assert_string_equal(findings.items[0].message.ptr,
                        "apiKey (from DAYTONA_API_KEY) must be printable ASCII without blanks");
}

static struct config *with_api(const char *url)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1024);
    assert_int_equal(buf_appendf(&text, "{\"apiKey\":\"k\",\"apiUrl\":\"%s\"}", url), EEP_OK);
    return load_trusting(buf_cstr(&text), "");
}

static void expect_proxy(const char *api_url, const char *expected)
{
    CLEANUP(config_destroy_ptr) struct config *config = with_api(api_url);
    if (expected)
        assert_string_equal(config->proxy.ptr, expected);
    else
        assert_null(config->proxy.ptr);
}

/* As curl chooses: by the scheme of the URL, lower case first, HTTP_PROXY never. */
static void test_proxy_precedence(void **state)
{
    (void)state;
    set("HTTP_PROXY", "http://never:1");
    expect_proxy("https://a.example/api", NULL);
    expect_proxy("http://localhost/api", NULL);
    set("ALL_PROXY", "http://all-upper:1");
    expect_proxy("https://a.example/api", "http://all-upper:1");
    expect_proxy("http://localhost/api", "http://all-upper:1");
    set("all_proxy", "http://all-lower:1");
    expect_proxy("http://localhost/api", "http://all-lower:1");
    set("http_proxy", "http://plain:1");
    expect_proxy("http://localhost/api", "http://plain:1");
    expect_proxy("https://a.example/api", "http://all-lower:1");
    set("HTTPS_PROXY", "http://upper:1");
    expect_proxy("https://a.example/api", "http://upper:1");
    set("https_proxy", "http://lower:1");
    expect_proxy("https://a.example/api", "http://lower:1");
}

static void test_the_rest_of_the_way(void **state)
{
    (void)state;
    set("NO_PROXY", "upper");
    set("SSL_CERT_FILE", "/etc/ca.pem");
    CLEANUP(config_destroy_ptr) struct config *upper = with_api("https://a.example/api");
    assert_string_equal(upper->no_proxy.ptr, "upper");
    assert_string_equal(upper->ca_file.ptr, "/etc/ca.pem");
    set("no_proxy", "lower");
    CLEANUP(config_destroy_ptr)
    struct config *own = load_trusting(
        "{\"apiKey\":\"k\",\"proxy\":\"own:1\",\"noProxy\":\"own\",\"caFile\":\"/own.pem\"}", "");
    assert_string_equal(own->proxy.ptr, "own:1");
    assert_string_equal(own->no_proxy.ptr, "own");
    assert_string_equal(own->ca_file.ptr, "/own.pem");
    CLEANUP(config_destroy_ptr) struct config *lower = with_api("https://a.example/api");
    assert_string_equal(lower->no_proxy.ptr, "lower");
}

/* The host may change its environment as soon as config_load has returned. */
static void test_values_are_copies(void **state)
{
    (void)state;
    set("DAYTONA_API_KEY", "first");
    CLEANUP(config_destroy_ptr) struct config *config = load_trusting("{}", "");
    set("DAYTONA_API_KEY", "other");
    assert_string_equal(config->api_key.ptr, "first");
}

#define TEST(name) cmocka_unit_test_setup(name, clear_variables)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_not_read_unless_trusted),
        TEST(test_the_key_and_the_flag_trust_it),
        TEST(test_a_secret_from_the_environment_is_one),
        TEST(test_credentials_precedence),
        TEST(test_blank_variables_count_as_unset),
        TEST(test_api_url_and_target),
        TEST(test_values_are_checked_and_named),
        TEST(test_proxy_precedence),
        TEST(test_the_rest_of_the_way),
        TEST(test_values_are_copies),
    };
    return cmocka_run_group_tests_name("config environment", tests, NULL, NULL);
}
