/* separate_test.c: environments side by side share nothing that they should not, and secrets go where they belong and
 * nowhere else: all that the host gets and all that the server sees is searched. */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "tests/support/proxy.h"

#define TOKEN "other.jwt-5b1e.token"

static struct standin standin; /* takes two credentials */

static int start(void **state)
{
    (void)state;
    standin_start(&standin, (const char *const[]){"--jwt", TOKEN, "--organization", "acme", NULL});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    standin_stop(&standin);
    return 0;
}

static int no_faults(void **state)
{
    (void)state;
    standin_faults(&standin, NULL);
    return 0;
}

/* The same server, other credentials. */
static eep_env *open_other(void)
{
    char config[512];
    eep_env *env = NULL;
    snprintf(config, sizeof config,
             "{'apiUrl':'%s','jwtToken':'" TOKEN "','organizationId':'acme','timeoutMs':%d}", standin.api,
             LIMIT_MS);
    OUTCOME opened = host_open_text(config, &env);
    EXPECT(opened, EEP_OK);
    return env;
}

/* -- Side by side ------------------------------------------------------------------------------ */

static void what_one_knows_the_other_does_not(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    eep_env *one = host_open(&standin, NULL);
    eep_env *other = open_other();
    host_acquire(one, lease);
    standin_forget(&standin);
    OUTCOME known = RESUME(one, lease);
    EXPECT(known, EEP_OK);
    assert_int_equal(known.lease.requests, 1);
    OUTCOME learned = RESUME(other, lease);
    EXPECT(learned, EEP_OK);
    assert_int_equal(learned.lease.requests, 2);
    assert_int_equal(standin_count(&standin, NULL, NULL), 3);
    OUTCOME forgotten = RELEASE(other, lease, EEP_RELEASE_DETACH);
    EXPECT(forgotten, EEP_OK);
    OUTCOME still = RESUME(one, lease);
    EXPECT(still, EEP_OK);
    assert_int_equal(still.lease.requests, 1);
    plugin()->close(other);
    EXPECT_RUN(one, lease, "echo works", "works\n"); /* closing one ends nothing of the other */
    host_destroy(one, lease);
    plugin()->close(one);
}

static void a_limit_is_for_its_account(void **state)
{
    (void)state;
    eep_env *one = host_open(&standin, NULL);
    eep_env *same = host_open(&standin, NULL);
    eep_env *other = open_other();
    standin_faults(&standin, "[{'match':{'method':'POST','path':'/api/sandbox','count':1},'do':{'status':429,"
                             "'message':'x','headers':{'Retry-After-sandbox-create':'5'}}}]");
    OUTCOME limited = ACQUIRE(one, .head.timeout_ms = 1200);
    EXPECT(limited, EEP_E_RATE_LIMITED);
    OUTCOME free = ACQUIRE(other);
    EXPECT(free, EEP_OK);
    assert_int_equal(free.lease.queued_ms, 0);
    OUTCOME waits = ACQUIRE(same);
    EXPECT(waits, EEP_OK);
    assert_in_range(waits.lease.queued_ms, 200, 8000);
    host_destroy(other, free.lease.lease.ptr);
    host_destroy(same, waits.lease.lease.ptr);
    plugin()->close(one);
    plugin()->close(same);
    plugin()->close(other);
}

static void refused_credentials_are_nobody_elses(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    eep_env *wrong = host_open_as(&standin, "a-wrong-key-77", NULL);
    eep_env *other = open_other();
    OUTCOME refused = ACQUIRE(wrong);
    EXPECT(refused, EEP_E_UNAUTHENTICATED);
    host_acquire(other, lease);
    host_destroy(other, lease);
    plugin()->close(wrong);
    plugin()->close(other);
}

/* -- Secrets ----------------------------------------------------------------------------------- */

#define ENV_SECRET   "env-secret-c0ffee"
#define STDIN_SECRET "stdin-secret-decaf"

/* Where does it stand in what was sent? In lines that begin so, or in the body of such requests. */
static size_t count_in(const struct proxy *proxy, const char *what, const char *before)
{
    size_t found = 0;
    const char *end = proxy->seen + proxy->seen_len;
    for (const char *at = proxy->seen; (at = memmem(at, (size_t)(end - at), what, strlen(what))) != NULL;
         at++) {
        size_t len = strlen(before);
        found += (size_t)(at - proxy->seen) >= len && memcmp(at - len, before, len) == 0;
    }
    return found;
}

/* The request line and headers of each request; bodies are left out. */
static bool is_in_a_head(const struct proxy *proxy, const char *what)
{
    const char *end = proxy->seen + proxy->seen_len;
    for (const char *at = proxy->seen; (at = memmem(at, (size_t)(end - at), " HTTP/1.1\r\n", 11)) != NULL;) {
        const char *begin = at;
        while (begin > proxy->seen && begin[-1] != '\n' && begin[-1] != '}')
            begin--;
        const char *stop = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
        if (stop == NULL) stop = end;
        if (memmem(begin, (size_t)(stop - begin), what, strlen(what)) != NULL) return true;
        at = stop;
    }
    return false;
}

static bool is_in(eep_str is, const char *secret)
{
    return is.ptr != NULL && memmem(is.ptr, is.len, secret, strlen(secret)) != NULL;
}

static void expect_no_secret_in_lease(const eep_lease *lease)
{
    const eep_str all[] = {lease->lease, lease->name,     lease->state_text, lease->target,
                           lease->image, lease->snapshot, lease->shell,      lease->home,
                           lease->user,  lease->workdir,  lease->workspace,  lease->arch};
    static const char *const secrets[] = {SENTINEL, ENV_SECRET, STDIN_SECRET};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        for (size_t k = 0; k < COUNT_OF(secrets); k++)
            assert_false(is_in(all[i], secrets[k]));
}

/* Whatever the service keeps of the sandbox: name, labels, environment. */
static void expect_no_secret_in_description(const char *lease)
{
    char path[300];
    snprintf(path, sizeof path, "/api/sandbox/%s", lease);
    json_object *sandbox = standin_control(&standin, "GET", path, "");
    const char *text = json_object_to_json_string(sandbox);
    assert_null(strstr(text, SENTINEL));
    assert_null(strstr(text, ENV_SECRET));
    assert_null(strstr(text, STDIN_SECRET));
    json_object_put(sandbox);
}

static void use_everything(eep_env *env, struct proxy *proxy)
{
    OUTCOME made = ACQUIRE(env, .idempotency_key = TEXT("secret story"), .name_hint = TEXT("a name"),
                           LABELS({TEXT("team"), TEXT("blue")}));
    EXPECT(made, EEP_OK);
    const char *lease = made.lease.lease.ptr;
    expect_no_secret_in_lease(&made.lease);
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("cat >/dev/null; echo ok; echo ${#TOKEN} >&2"),
                          ENV({TEXT("TOKEN"), TEXT(ENV_SECRET)}), .stdin_data = BYTES(STDIN_SECRET));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "ok\n");
    OUTCOME stopped = RELEASE(env, lease, EEP_RELEASE_STOP);
    EXPECT(stopped, EEP_OK);
    OUTCOME back = RESUME(env, lease);
    EXPECT(back, EEP_OK);
    expect_no_secret_in_lease(&back.lease);
    expect_no_secret_in_description(lease);
    OUTCOME wrong = EXECUTE(env, lease, .script = TEXT("true"), .cwd = TEXT("/no/such"),
                            ENV({TEXT("TOKEN"), TEXT(ENV_SECRET)}));
    EXPECT(wrong, EEP_E_NOT_FOUND);
    assert_false(is_in(wrong.err.message, ENV_SECRET));
    OUTCOME lost = RESUME(env, "11111111-2222-3333-4444-555555555555");
    EXPECT(lost, EEP_E_LEASE_LOST);
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_FULL);
    EXPECT(probed, EEP_OK);
    host_destroy(env, lease);
    assert_true(proxy_saw(proxy, "POST "));
}

static void secrets_are_only_where_they_belong(void **state)
{
    char more[128];
    struct proxy proxy;
    (void)state;
    proxy_start(&proxy, NULL);
    snprintf(more, sizeof more, "'proxy':'http://127.0.0.1:%u'", proxy.port);
    eep_env *env = host_open(&standin, more);
    use_everything(env, &proxy);
    plugin()->close(env);
    size_t keys = count_in(&proxy, SENTINEL, "");
    assert_true(keys > 5);
    assert_int_equal(count_in(&proxy, SENTINEL, "Authorization: Bearer "), keys);
    assert_false(is_in_a_head(&proxy, ENV_SECRET));
    assert_false(is_in_a_head(&proxy, STDIN_SECRET));
    assert_true(is_in_a_head(&proxy, SENTINEL)); /* so the search finds something */
    assert_false(host_log_has(ENV_SECRET));
    assert_false(host_log_has(STDIN_SECRET));
    proxy_stop(&proxy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_knows_the_other_does_not),
        cmocka_unit_test_teardown(a_limit_is_for_its_account, no_faults),
        cmocka_unit_test(refused_credentials_are_nobody_elses),
        cmocka_unit_test(secrets_are_only_where_they_belong),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
