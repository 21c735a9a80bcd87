/* probe_test.c: validate_config and probe: what is wrong is found, named, and nothing is created. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host.h"
#include "process.h"
#include "tests/support/canned_server.h"

static struct standin standin;

static int start(void **state)
{
    (void)state;
    standin_start(&standin, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    standin_stop(&standin);
    return 0;
}

/* -- validate_config --------------------------------------------------------------------------- */

static struct outcome validate(const char *config, uint32_t flags)
{
    eep_validate_request request = {.struct_size = sizeof request, .flags = flags, .config = text(config)};
    return call_validate(&request);
}

static const eep_finding *finding_at(const eep_validation *validation, uint32_t i)
{
    return (const eep_finding *)((const char *)validation->findings + i * validation->finding_stride);
}

static const eep_finding *find(const eep_validation *validation, const char *code)
{
    for (uint32_t i = 0; i < validation->finding_count; i++)
        if (text_is(finding_at(validation, i)->code, code)) return finding_at(validation, i);
    fail_msg("no finding %s", code);
    return NULL;
}

static void a_good_configuration_has_a_normal_form(void **state)
{
    (void)state;
    OUTCOME is = validate("{\"apiKey\":\"" SENTINEL "\",\"image\":\"debian:12\",\"cpu\":2}", 0);
    EXPECT(is, EEP_OK);
    assert_int_equal(is.validation.valid, 1);
    assert_int_equal(is.validation.errors, 0);
    json_object *normal = json_tokener_parse(is.validation.normalized.ptr);
    assert_int_equal(json_object_get_int(json_object_object_get(normal, "cpu")), 2);
    assert_null(json_object_object_get(normal, "apiKey"));
    json_object_put(normal);
    assert_int_equal(is.validation.secret_count, 1);
    assert_true(text_is(is.validation.secrets[0], "/apiKey"));
}

static void all_findings_come_at_once(void **state)
{
    (void)state;
    OUTCOME is =
        validate("{\"cpu\":2,\"image\":\"a\",\"snapshot\":\"b\",\"timeoutMs\":0,\"tragte\":\"eu\"}", 0);
    EXPECT(is, EEP_OK);
    assert_int_equal(is.validation.valid, 0);
    assert_null(is.validation.normalized.ptr);
    assert_true(is.validation.errors >= 3);
    find(&is.validation, "missing_credentials");
    find(&is.validation, "image_and_snapshot");
    assert_true(text_is(find(&is.validation, "out_of_range")->pointer, "/timeoutMs"));
    assert_int_equal(find(&is.validation, "unknown_key")->severity, EEP_SEVERITY_WARNING);
}

static void strict_makes_unknown_keys_errors(void **state)
{
    (void)state;
    OUTCOME is = validate("{\"apiKey\":\"k\",\"tragte\":\"eu\"}", EEP_VALIDATE_STRICT);
    EXPECT(is, EEP_OK);
    assert_int_equal(is.validation.valid, 0);
    assert_int_equal(find(&is.validation, "unknown_key")->severity, EEP_SEVERITY_ERROR);
}

static void open_names_the_first_error(void **state)
{
    (void)state;
    eep_env *env = (eep_env *)state;
    OUTCOME opened = host_open_text("{'apiKey':'" SENTINEL "','cpu':0,'memory':0}", &env);
    EXPECT(opened, EEP_E_INVALID_CONFIG);
    EXPECT_SAYS(opened, "/cpu");
    EXPECT_SAYS(opened, "errors in all");
    assert_null(env);
}

/* -- probe ------------------------------------------------------------------------------------- */

static const eep_check *check_of(const struct outcome *probed, const char *name)
{
    const eep_probe *probe = &probed->probe;
    for (uint32_t i = 0; i < probe->check_count; i++) {
        const eep_check *check = (const eep_check *)((const char *)probe->checks + i * probe->check_stride);
        if (text_is(check->name, name)) return check;
    }
    fail_msg("no check \"%s\"", name);
    return NULL;
}

static void expect_status(const struct outcome *probed, const char *name, uint32_t status)
{
    const eep_check *check = check_of(probed, name);
    if (check->status != status) fail_msg("%s is %u: %s", name, check->status, check->message.ptr);
}

static void expect_failure(const struct outcome *probed, const char *name, int32_t code)
{
    assert_int_equal(probed->code, EEP_OK);
    expect_status(probed, name, EEP_CHECK_FAILED);
    assert_int_equal(check_of(probed, name)->code, code);
    assert_true(check_of(probed, name)->message.len > 10);
    assert_int_equal(probed->probe.failed, 1);
}

struct known_check {
    const char *name;
    uint32_t depth;
};

static const struct known_check all_checks[] = {
    {"config", EEP_PROBE_LOCAL},     {"libraries", EEP_PROBE_LOCAL},  {"certificates", EEP_PROBE_LOCAL},
    {"dns", EEP_PROBE_REACH},        {"connect", EEP_PROBE_REACH},    {"tls", EEP_PROBE_REACH},
    {"service", EEP_PROBE_REACH},    {"version", EEP_PROBE_REACH},    {"credentials", EEP_PROBE_AUTH},
    {"permissions", EEP_PROBE_AUTH}, {"rate-limit", EEP_PROBE_QUOTA}, {"capacity", EEP_PROBE_QUOTA},
    {"create", EEP_PROBE_FULL},      {"execute", EEP_PROBE_FULL},     {"delete", EEP_PROBE_FULL},
};

static void expect_skipped(const eep_check *check, const char *why)
{
    if (check->status != EEP_CHECK_SKIPPED) fail_msg("%s is %u", check->name.ptr, check->status);
    assert_string_equal(check->message.ptr, why);
}

/* Every check once, in the same order; behind the first failure and below max_depth nothing but SKIPPED. */
static void expect_whole_list(const struct outcome *probed, uint32_t max_depth)
{
    bool failed = false;
    assert_int_equal(probed->probe.check_count, COUNT_OF(all_checks));
    for (uint32_t i = 0; i < COUNT_OF(all_checks); i++) {
        const eep_check *check = check_of(probed, all_checks[i].name);
        const char *at = (const char *)probed->probe.checks + i * probed->probe.check_stride;
        assert_ptr_equal(check, at);
        assert_int_equal(check->depth, all_checks[i].depth);
        if (check->depth > max_depth)
            expect_skipped(check, "deeper than was asked for");
        else if (failed)
            expect_skipped(check, "not reached: an earlier check failed");
        failed = failed || check->status == EEP_CHECK_FAILED;
    }
}

static void depths_go_as_far_as_asked(void **state)
{
    static const char *const deepest[] = {"config", "service", "credentials", "rate-limit", "create"};
    static const size_t requests[] = {0, 2, 3, 3};
    (void)state;
    eep_env *env = host_open(&standin, NULL);
    for (uint32_t depth = EEP_PROBE_LOCAL; depth < EEP_PROBE_FULL; depth++) {
        standin_forget(&standin);
        OUTCOME probed = PROBE(env, .max_depth = depth);
        EXPECT(probed, EEP_OK);
        assert_int_equal(probed.probe.failed, 0);
        assert_int_not_equal(check_of(&probed, deepest[depth - 1])->status, EEP_CHECK_SKIPPED);
        expect_whole_list(&probed, depth);
        assert_true(standin_count(&standin, NULL, NULL) <= requests[depth - 1]);
        assert_true(text_is(probed.probe.api_url, standin.api));
    }
    assert_int_equal(standin_total(&standin, "created"), 0);
    plugin()->close(env);
}

static void full_goes_round_and_leaves_nothing(void **state)
{
    (void)state;
    eep_env *env = host_open(&standin, NULL);
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_FULL);
    EXPECT(probed, EEP_OK);
    assert_int_equal(probed.probe.failed, 0);
    expect_status(&probed, "create", EEP_CHECK_OK);
    expect_status(&probed, "execute", EEP_CHECK_OK);
    expect_status(&probed, "delete", EEP_CHECK_OK);
    expect_whole_list(&probed, EEP_PROBE_FULL);
    assert_null(probed.probe.lease.ptr);
    assert_true(probed.probe.sandbox_name.len > 0 && probed.probe.workspace.len > 0);
    assert_true(probed.probe.server_version.len > 0);
    AWAIT(standin_total(&standin, "live") == 0);
    assert_int_equal(standin_total(&standin, "created"), 1);
    plugin()->close(env);
}

/* What the service does not tell is not guessed. */
static void unknown_is_said_with_its_reason(void **state)
{
    (void)state;
    eep_env *env = host_open(&standin, NULL);
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_QUOTA);
    EXPECT(probed, EEP_OK);
    expect_status(&probed, "capacity", EEP_CHECK_UNKNOWN);
    assert_true(check_of(&probed, "capacity")->message.len > 10);
    assert_true(probed.probe.unknown >= 1);
    plugin()->close(env);
}

static eep_env *open_at(const char *url, const char *more)
{
    char config[1024];
    eep_env *env = NULL;
    snprintf(config, sizeof config, "{'apiUrl':'%s','apiKey':'%s','timeoutMs':5000%s}", url, SENTINEL, more);
    OUTCOME opened = host_open_text(config, &env);
    EXPECT(opened, EEP_OK);
    return env;
}

static void a_bad_key_is_told_from_bad_tls(void **state)
{
    (void)state;
    eep_env *env = NULL;
    char config[256];
    snprintf(config, sizeof config, "{'apiUrl':'%s','apiKey':'wrong'}", standin.api);
    OUTCOME opened = host_open_text(config, &env);
    EXPECT(opened, EEP_OK);
    OUTCOME probed = PROBE(env);
    EXPECT(probed, EEP_OK);
    expect_status(&probed, "connect", EEP_CHECK_OK);
    expect_status(&probed, "service", EEP_CHECK_OK);
    expect_failure(&probed, "credentials", EEP_E_UNAUTHENTICATED);
    expect_whole_list(&probed, EEP_PROBE_AUTH);
    plugin()->close(env);
}

static void no_server_is_a_failed_connect(void **state)
{
    (void)state;
    char url[40];
    int refusing = canned_refuse(url);
    eep_env *env = open_at(url, "");
    OUTCOME probed = PROBE(env);
    EXPECT(probed, EEP_OK);
    expect_status(&probed, "dns", EEP_CHECK_OK);
    expect_failure(&probed, "connect", EEP_E_UNAVAILABLE);
    expect_whole_list(&probed, EEP_PROBE_AUTH);
    plugin()->close(env);
    close(refusing);
}

/* The stand-in serves HTML outside /api, as the real server does. */
static void a_wrong_server_is_not_daytona(void **state)
{
    (void)state;
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/elsewhere", standin.port);
    eep_env *env = open_at(url, "");
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_FULL);
    EXPECT(probed, EEP_OK);
    expect_status(&probed, "connect", EEP_CHECK_OK);
    expect_failure(&probed, "service", EEP_E_PROTOCOL);
    expect_whole_list(&probed, EEP_PROBE_FULL);
    assert_non_null(strstr(check_of(&probed, "service")->message.ptr, "apiUrl"));
    plugin()->close(env);
}

static void an_unknown_depth_is_refused(void **state)
{
    (void)state;
    eep_env *env = host_open(&standin, NULL);
    OUTCOME probed = PROBE(env, .max_depth = 6);
    EXPECT(probed, EEP_E_UNSUPPORTED);
    plugin()->close(env);
}

/* -- What the service tells -------------------------------------------------------------------- */

#define JSON(body) "{'status':200,'content_type':'application/json','body':'" body "'}"

/* Probes while the key has these permissions: a JSON list, with \" around its words. */
static struct outcome probe_with_permissions(const char *list)
{
    char rules[512];
    snprintf(rules, sizeof rules,
             "[{'match':{'path':'/api-keys/current'},'do':" JSON(
                 "{\\\"name\\\":\\\"k\\\",\\\"permissions\\\":%s}") "}]",
             list);
    standin_faults(&standin, rules);
    eep_env *env = host_open(&standin, NULL);
    struct outcome probed = PROBE(env);
    plugin()->close(env);
    standin_faults(&standin, NULL);
    return probed;
}

static void expect_lacking(const struct outcome *probed, const char *write, const char *delete)
{
    expect_failure(probed, "permissions", EEP_E_PERMISSION_DENIED);
    expect_status(probed, "credentials", EEP_CHECK_OK);
    expect_whole_list(probed, EEP_PROBE_AUTH);
    const char *message = check_of(probed, "permissions")->message.ptr;
    assert_int_equal(strstr(message, "write:sandboxes") != NULL, write != NULL);
    assert_int_equal(strstr(message, "delete:sandboxes") != NULL, delete != NULL);
}

static void a_key_that_lacks_permissions_is_told_which(void **state)
{
    (void)state;
    OUTCOME writes = probe_with_permissions("[\\\"write:sandboxes\\\"]");
    expect_lacking(&writes, NULL, "delete:sandboxes");
    OUTCOME deletes = probe_with_permissions("[\\\"read:x\\\",\\\"delete:sandboxes\\\"]");
    expect_lacking(&deletes, "write:sandboxes", NULL);
    OUTCOME neither = probe_with_permissions("[]");
    expect_lacking(&neither, "write:sandboxes", "delete:sandboxes");
    OUTCOME both = probe_with_permissions("[\\\"delete:sandboxes\\\",\\\"write:sandboxes\\\"]");
    expect_status(&both, "permissions", EEP_CHECK_OK);
}

static void a_rate_limit_that_is_told_is_shown(void **state)
{
    (void)state;
    standin_faults(&standin,
                   "[{'match':{'path':'/api/config'},'do':" JSON(
                       "{\\\"version\\\":\\\"9\\\",\\\"rateLimit\\\":{\\\"sandboxCreate\\\":{\\\"ttl\\\":60,"
                       "\\\"limit\\\":17}}}") "}]");
    eep_env *env = host_open(&standin, NULL);
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_QUOTA);
    standin_faults(&standin, NULL);
    EXPECT(probed, EEP_OK);
    expect_status(&probed, "rate-limit", EEP_CHECK_OK);
    assert_non_null(strstr(check_of(&probed, "rate-limit")->message.ptr, "17"));
    assert_true(text_is(probed.probe.server_version, "9"));
    plugin()->close(env);
}

/* -- Tokens with an organization --------------------------------------------------------------- */

static eep_env *open_with_token(const char *api, const char *token, const char *organization)
{
    char config[512];
    eep_env *env = NULL;
    snprintf(config, sizeof config, "{'apiUrl':'%s','jwtToken':'%s','organizationId':'%s'}", api, token,
             organization);
    OUTCOME opened = host_open_text(config, &env);
    EXPECT(opened, EEP_OK);
    return env;
}

static void a_token_is_good_for_its_organization_only(void **state)
{
    (void)state;
    struct standin own;
    standin_start(&own, (const char *const[]){"--jwt", "token-1", "--organization", "org-1", NULL});
    eep_env *env = open_with_token(own.api, "token-1", "org-1");
    OUTCOME good = PROBE(env, .max_depth = EEP_PROBE_FULL);
    EXPECT(good, EEP_OK);
    assert_int_equal(good.probe.failed, 0);
    expect_status(&good, "credentials", EEP_CHECK_OK);
    expect_status(&good, "permissions", EEP_CHECK_UNKNOWN);
    plugin()->close(env);

    env = open_with_token(own.api, "token-1", "org-2");
    OUTCOME elsewhere = PROBE(env, .max_depth = EEP_PROBE_FULL);
    expect_failure(&elsewhere, "credentials", EEP_E_PERMISSION_DENIED);
    expect_whole_list(&elsewhere, EEP_PROBE_FULL);
    plugin()->close(env);

    env = open_with_token(own.api, "token-2", "org-1");
    OUTCOME unknown = PROBE(env);
    expect_failure(&unknown, "credentials", EEP_E_UNAUTHENTICATED);
    plugin()->close(env);
    AWAIT(standin_total(&own, "live") == 0);
    assert_int_equal(standin_total(&own, "created"), 1);
    standin_stop(&own);
}

/* -- TLS --------------------------------------------------------------------------------------- */

struct tls {
    char directory[64];
    char cert[96];
    char key[96];
    struct standin standin;
};

/* False, said as SKIP, where there is no openssl to make a certificate with. */
static bool tls_init(struct tls *tls)
{
    char command[512];
    snprintf(tls->directory, sizeof tls->directory, "/tmp/integration.XXXXXX");
    assert_non_null(mkdtemp(tls->directory));
    snprintf(tls->cert, sizeof tls->cert, "%s/cert.pem", tls->directory);
    snprintf(tls->key, sizeof tls->key, "%s/key.pem", tls->directory);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
             "-addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>/dev/null",
             tls->key, tls->cert);
    if (system(command) != 0) {
        print_message("SKIP: openssl is not installed\n");
        rmdir(tls->directory);
        return false;
    }
    standin_start(&tls->standin, (const char *const[]){"--tls-cert", tls->cert, "--tls-key", tls->key, NULL});
    return true;
}

static void tls_finish(struct tls *tls)
{
    standin_stop(&tls->standin);
    unlink(tls->cert);
    unlink(tls->key);
    rmdir(tls->directory);
}

static void certificates_are_checked(void **state)
{
    (void)state;
    struct tls tls;
    char more[160];
    if (!tls_init(&tls)) return;
    eep_env *env = open_at(tls.standin.api, "");
    OUTCOME unknown = PROBE(env);
    expect_status(&unknown, "connect", EEP_CHECK_OK);
    expect_failure(&unknown, "tls", EEP_E_TLS);
    OUTCOME refused = ACQUIRE(env);
    EXPECT(refused, EEP_E_TLS);
    plugin()->close(env);

    snprintf(more, sizeof more, ",'caFile':'%s'", tls.cert);
    env = open_at(tls.standin.api, more);
    OUTCOME known = PROBE(env, .max_depth = EEP_PROBE_FULL);
    EXPECT(known, EEP_OK);
    expect_status(&known, "tls", EEP_CHECK_OK);
    expect_status(&known, "delete", EEP_CHECK_OK);
    plugin()->close(env);
    tls_finish(&tls);
}

static void a_missing_ca_file_is_found_without_the_network(void **state)
{
    (void)state;
    eep_env *env = host_open(&standin, "'caFile':'/nonexistent/ca.pem'");
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_LOCAL);
    expect_failure(&probed, "certificates", EEP_E_INVALID_CONFIG);
    assert_non_null(strstr(check_of(&probed, "certificates")->message.ptr, "/nonexistent/ca.pem"));
    plugin()->close(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_configuration_has_a_normal_form),
        cmocka_unit_test(all_findings_come_at_once),
        cmocka_unit_test(strict_makes_unknown_keys_errors),
        cmocka_unit_test(open_names_the_first_error),
        cmocka_unit_test(depths_go_as_far_as_asked),
        cmocka_unit_test(full_goes_round_and_leaves_nothing),
        cmocka_unit_test(unknown_is_said_with_its_reason),
        cmocka_unit_test(a_bad_key_is_told_from_bad_tls),
        cmocka_unit_test(no_server_is_a_failed_connect),
        cmocka_unit_test(a_wrong_server_is_not_daytona),
        cmocka_unit_test(an_unknown_depth_is_refused),
        cmocka_unit_test(a_key_that_lacks_permissions_is_told_which),
        cmocka_unit_test(a_rate_limit_that_is_told_is_shown),
        cmocka_unit_test(a_token_is_good_for_its_organization_only),
        cmocka_unit_test(certificates_are_checked),
        cmocka_unit_test(a_missing_ca_file_is_found_without_the_network),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
