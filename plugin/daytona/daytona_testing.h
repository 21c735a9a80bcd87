/* daytona_testing.h: for the tests of the Daytona client: a client of a scripted server.
 *
 *     struct account account;
 *     account_start(&account, script, COUNT(script)); … account_stop(&account); */
#ifndef DAYTONA_TESTING_H
#define DAYTONA_TESTING_H

#include "daytona/client.h"
#include "http/http_testing.h"

#define TEST_TOKEN "dtn_a-secret-token"

struct account {
    struct canned_server *server;
    char api_url[64];
    struct daytona client;
    struct wait wait;
    struct err err;
};

static inline bool any_host(const void *ctx, eep_str host)
{
    (void)ctx, (void)host;
    return true;
}

/* The API lives at /api of the server; the organisation may be NULL. */
static inline void account_start_for(struct account *account, const struct canned_exchange *script,
                                     size_t count, const char *organization)
{
    *account = (struct account){.server = canned_start(script, count)};
    str_copy(account->api_url, sizeof account->api_url, str_from(canned_url(account->server)));
    strcat(account->api_url, "/api");
    struct daytona_settings settings = {
        .api_url = str_from(account->api_url),
        .token = STR(TEST_TOKEN),
        .organization_id = str_from(organization),
        .profile = {.user_agent = "test/1", .connect_timeout_ms = 5000},
        .toolbox_host_allowed = any_host,
    };
    assert_int_equal(daytona_init(&account->client, &settings, &account->err), EEP_OK);
    account->wait = (struct wait){.deadline = clock_now_ms() + 10000, .cancel_level = 1};
}

static inline void account_start(struct account *account, const struct canned_exchange *script, size_t count)
{
    account_start_for(account, script, count, NULL);
}

static inline void account_stop(struct account *account)
{
    daytona_finish(&account->client);
    canned_stop(account->server);
}

/* The last call must have failed like this; errors are for people, and never tell the token. */
static inline void account_failed(const struct account *account, int status, int code)
{
    if (status != code) print_message("%s: %s\n", err_name(status), account->err.message);
    assert_int_equal(status, code);
    assert_int_equal(account->err.code, code);
    assert_true(account->err.message[0] != '\0');
    assert_null(strstr(account->err.message, TEST_TOKEN));
    assert_true(str_is_utf8(str_from(account->err.message)));
}

#endif
