/* http_testing.h: for the tests of the HTTP layer: one request and all that became of it.
 *
 *     struct trial trial = trial_get(url);
 *     trial.wait.deadline = clock_now_ms() + 200;
 *     trial_run(&trial); … trial_finish(&trial); */
#ifndef HTTP_TESTING_H
#define HTTP_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "http/engine.h"
#include "tests/support/canned_server.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* How late the engine may be. Generous: sanitizers and busy machines are slow. What it is told from takes longer: a
 * connection's 5 s, a trial's 10 s. */
#define LATE_MS 3000

static inline struct canned_server *serve_one(const struct canned_exchange *exchange)
{
    return canned_start(exchange, 1);
}

struct trial {
    char url[256];
    struct http_profile profile;
    struct http_request request;
    struct wait wait;
    struct http_response response;
    struct err err;
    int status;
    int64_t took_ms;
};

static inline struct trial trial_make(const char *method, const char *origin, const char *path)
{
    struct trial trial = {
        .profile = {.user_agent = "test/1", .connect_timeout_ms = 5000},
        .request = {.method = method, .idle_limit_s = 30, .max_body = 1 << 20},
        .wait = {.deadline = clock_now_ms() + 10000, .cancel_level = 1},
        .response = HTTP_RESPONSE_INIT,
    };
    str_copy(trial.url, sizeof trial.url, str_from(origin));
    str_copy(trial.url + strlen(trial.url), sizeof trial.url - strlen(trial.url), str_from(path));
    return trial;
}

static inline struct trial trial_get(const char *origin)
{
    return trial_make("GET", origin, "/");
}

static inline struct trial trial_post(const char *origin, eep_str body)
{
    struct trial trial = trial_make("POST", origin, "/");
    trial.request.body = (eep_bytes){body.ptr, body.len};
    return trial;
}

static inline int trial_run(struct trial *trial)
{
    int64_t start = clock_now_ms();
    trial->request.profile = &trial->profile;
    trial->request.url = trial->url;
    trial->status = engine_await(&trial->request, &trial->response, &trial->wait, &trial->err);
    trial->took_ms = clock_now_ms() - start;
    return trial->status;
}

static inline void trial_finish(struct trial *trial)
{
    http_response_finish(&trial->response);
}

/* Runs it; it must fail with this code, and with MAYBE_APPLIED or without. */
static inline void trial_fails(struct trial *trial, int code, bool maybe_applied)
{
    trial_run(trial);
    if (trial->status != code) print_message("%s: %s\n", err_name(trial->status), trial->err.message);
    assert_int_equal(trial->status, code);
    assert_int_equal(trial->err.code, code);
    assert_true(trial->err.message[0] != '\0');
    assert_int_equal(!!(trial->err.flags & EEP_ERROR_MAYBE_APPLIED), maybe_applied);
    trial_finish(trial);
}

static inline void trial_succeeds(struct trial *trial, long http_status, const char *body)
{
    if (trial_run(trial) != EEP_OK) print_message("%s: %s\n", err_name(trial->status), trial->err.message);
    assert_int_equal(trial->status, EEP_OK);
    assert_int_equal(trial->response.status, http_status);
    if (body) assert_string_equal(buf_cstr(&trial->response.body), body);
}

#endif
