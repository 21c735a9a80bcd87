/* proxy_test.c: the key `proxy`: all goes through it, TLS reaches through it, and it learns no secret.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host.h"
#include "tests/support/proxy.h"

/* -- The servers behind it --------------------------------------------------------------------- */

static struct standin plain;
static struct standin secure; /* with a certificate of its own; port 0 = there is none */
static char directory[64];
static char cert[96];
static char key[96];

static bool make_certificate(void)
{
    char command[512];
    snprintf(directory, sizeof directory, "/tmp/integration.XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(cert, sizeof cert, "%s/cert.pem", directory);
    snprintf(key, sizeof key, "%s/key.pem", directory);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
             "-addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>/dev/null",
             key, cert);
    return system(command) == 0;
}

static int start(void **state)
{
    (void)state;
    standin_start(&plain, NULL);
    if (make_certificate())
        standin_start(&secure, (const char *const[]){"--tls-cert", cert, "--tls-key", key, NULL});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    standin_stop(&plain);
    standin_stop(&secure);
    unlink(cert);
    unlink(key);
    rmdir(directory);
    return 0;
}

static bool have_secure(void)
{
    if (secure.port == 0) print_message("SKIP: openssl is not installed\n");
    return secure.port != 0;
}

/* `login` is "" or "user:password@". */
static eep_env *open_through(const struct standin *standin, const struct proxy *proxy, const char *login,
                             const char *more)
{
    char config[512];
    snprintf(config, sizeof config, "'proxy':'http://%s127.0.0.1:%u'%s%s%s%s", login, proxy->port,
             standin == &secure ? ",'caFile':'" : "", standin == &secure ? cert : "",
             standin == &secure ? "'" : "", more);
    return host_open(standin, config);
}

static void go_round(eep_env *env)
{
    char lease[EEP_LEASE_MAX + 1];
    host_acquire(env, lease);
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("cat; echo done"), .stdin_data = BYTES("input "));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "input done\n");
    host_destroy(env, lease);
}

/* -- Passing ----------------------------------------------------------------------------------- */

#define LOGIN      "user:pass-7c21@"
#define LOGIN_WORD "pass-7c21"
#define LOGIN_B64  "dXNlcjpwYXNzLTdjMjE="

static void https_goes_through_a_tunnel_that_sees_nothing(void **state)
{
    (void)state;
    struct proxy proxy;
    if (!have_secure()) return;
    proxy_start(&proxy, NULL);
    eep_env *env = open_through(&secure, &proxy, "", "");
    go_round(env);
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_FULL);
    EXPECT(probed, EEP_OK);
    assert_int_equal(probed.probe.failed, 0);
    plugin()->close(env);
    assert_true(proxy_count(&proxy, &proxy.tunnels) > 0);
    assert_int_equal(proxy_count(&proxy, &proxy.forwarded), 0);
    assert_true(proxy_saw(&proxy, "CONNECT 127.0.0.1:"));
    assert_false(proxy_saw(&proxy, SENTINEL));
    assert_false(proxy_saw(&proxy, "Authorization"));
    proxy_stop(&proxy);
}

/* What is not encrypted the proxy must see: this also shows that looking for the key finds it. */
static void http_is_forwarded(void **state)
{
    (void)state;
    struct proxy proxy;
    proxy_start(&proxy, NULL);
    eep_env *env = open_through(&plain, &proxy, "", "");
    standin_forget(&plain);
    go_round(env);
    plugin()->close(env);
    assert_int_equal(proxy_count(&proxy, &proxy.tunnels), 0);
    assert_int_equal(proxy_count(&proxy, &proxy.forwarded), standin_count(&plain, NULL, NULL));
    assert_true(proxy_saw(&proxy, SENTINEL));
    proxy_stop(&proxy);
}

/* The address in the message is the proxy's, and the URL another one: whoever does not know of the proxy is lost. */
static void a_proxy_that_is_not_there_is_named(void **state)
{
    (void)state;
    eep_env *env = host_open(&plain, "'proxy':'http://127.0.0.1:1'");
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_REACH);
    EXPECT(probed, EEP_OK);
    assert_non_null(strstr(probed.probe.checks[0].message.ptr, "; a proxy is set"));
    size_t i = 0;
    while (i < probed.probe.check_count && probed.probe.checks[i].status != EEP_CHECK_FAILED)
        i++;
    assert_true(i < probed.probe.check_count);
    assert_non_null(strstr(probed.probe.checks[i].message.ptr, "; a proxy is set: check proxy and noProxy"));
    plugin()->close(env);
}

static void no_proxy_is_heeded(void **state)
{
    (void)state;
    struct proxy proxy;
    proxy_start(&proxy, NULL);
    eep_env *env = open_through(&plain, &proxy, "", ",'noProxy':'127.0.0.1'");
    go_round(env);
    plugin()->close(env);
    assert_int_equal(proxy_count(&proxy, &proxy.forwarded), 0);
    proxy_stop(&proxy);
}

static void the_password_in_the_url_is_for_the_proxy(void **state)
{
    (void)state;
    struct proxy proxy;
    if (!have_secure()) return;
    proxy_start(&proxy, LOGIN_B64);
    eep_env *env = open_through(&secure, &proxy, LOGIN, "");
    go_round(env);
    plugin()->close(env);
    assert_true(proxy_count(&proxy, &proxy.tunnels) > 0);
    assert_int_equal(proxy_count(&proxy, &proxy.refused), 0);
    assert_false(proxy_saw(&proxy, SENTINEL));
    assert_false(host_log_has(LOGIN_WORD));
    assert_false(host_log_has(LOGIN_B64));
    proxy_stop(&proxy);
}

/* -- Refused ----------------------------------------------------------------------------------- */

/* Nothing has been passed on, so nothing can have been done; who refuses is said, the password is not. */
static void expect_refused(const struct outcome *made, struct proxy *proxy)
{
    EXPECT(*made, EEP_E_INVALID_CONFIG);
    EXPECT_SAYS(*made, "proxy");
    EXPECT_SAYS(*made, "407");
    assert_null(strstr(made->err.message.ptr, LOGIN_WORD));
    assert_int_equal(made->err.head.flags & EEP_ERROR_MAYBE_APPLIED, 0);
    assert_null(made->err.lease.ptr);
    assert_true(proxy_count(proxy, &proxy->refused) > 0);
    assert_int_equal(proxy_count(proxy, &proxy->tunnels) + proxy_count(proxy, &proxy->forwarded), 0);
}

static void a_wrong_password_is_told_as_the_proxys_refusal(void **state)
{
    (void)state;
    struct proxy proxy;
    if (!have_secure()) return;
    proxy_start(&proxy, "b3RoZXI6b3RoZXI=");
    eep_env *env = open_through(&secure, &proxy, LOGIN, "");
    OUTCOME made = ACQUIRE(env, .head.timeout_ms = 3000);
    expect_refused(&made, &proxy);
    assert_false(proxy_saw(&proxy, SENTINEL));
    OUTCOME probed = PROBE(env, .head.timeout_ms = 3000);
    EXPECT(probed, EEP_OK);
    assert_int_equal(probed.probe.failed, 1);
    plugin()->close(env);
    proxy_stop(&proxy);
}

/* -- Environments side by side ----------------------------------------------------------------- */

/* The tunnel is open, idle, and leads to the same server: but it was paid for by somebody else. */
static void a_tunnel_is_not_lent(void **state)
{
    static const char *const logins[] = {"", "user:other@"};
    (void)state;
    struct proxy proxy;
    if (!have_secure()) return;
    proxy_start(&proxy, LOGIN_B64);
    eep_env *env = open_through(&secure, &proxy, LOGIN, "");
    for (size_t i = 0; i < COUNT_OF(logins); i++) {
        go_round(env);
        size_t tunnels = proxy_count(&proxy, &proxy.tunnels);
        go_round(env); /* through the one that is open */
        assert_int_equal(proxy_count(&proxy, &proxy.tunnels), tunnels);
        eep_env *other = open_through(&secure, &proxy, logins[i], "");
        OUTCOME made = ACQUIRE(other, .head.timeout_ms = 3000);
        EXPECT(made, EEP_E_INVALID_CONFIG);
        EXPECT_SAYS(made, "407");
        plugin()->close(other);
        assert_int_equal(proxy_count(&proxy, &proxy.tunnels), tunnels);
    }
    plugin()->close(env);
    proxy_stop(&proxy);
}

/* Who does not trust the server's certificate does not talk to it, though another environment is just doing so. */
static void trust_is_not_lent(void **state)
{
    char more[160];
    (void)state;
    if (!have_secure()) return;
    snprintf(more, sizeof more, "'caFile':'%s'", cert);
    eep_env *trusting = host_open(&secure, more);
    eep_env *other = host_open(&secure, NULL);
    go_round(trusting);
    OUTCOME made = ACQUIRE(other, .head.timeout_ms = 3000);
    EXPECT(made, EEP_E_TLS);
    plugin()->close(other);
    plugin()->close(trusting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(https_goes_through_a_tunnel_that_sees_nothing),
        cmocka_unit_test(http_is_forwarded),
        cmocka_unit_test(a_proxy_that_is_not_there_is_named),
        cmocka_unit_test(no_proxy_is_heeded),
        cmocka_unit_test(the_password_in_the_url_is_for_the_proxy),
        cmocka_unit_test(a_wrong_password_is_told_as_the_proxys_refusal),
        cmocka_unit_test(a_tunnel_is_not_lent),
        cmocka_unit_test(trust_is_not_lent),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
