#include "daytona/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "daytona/errors.h"

/* "Name: value" in its own memory. */
static char *header_line(const char *name, eep_str value)
{
    CLEANUP(buf_finish_secret) struct buf line = BUF_INIT(1u << 16);
    if (buf_append_cstr(&line, name) != EEP_OK || buf_append_str(&line, value) != EEP_OK) return NULL;
    char *text = line.data;
    line.data = NULL;
    line.cap = 0;
    return text;
}

int daytona_init(struct daytona *client, const struct daytona_settings *settings, struct err *err)
{
    *client = (struct daytona){.settings = *settings};
    client->pacing = pacing_hold(settings->api_url, settings->token);
    if (!client->pacing) return err_no_memory(err);
    client->authorization = header_line("Authorization: Bearer ", settings->token);
    if (!client->authorization) return err_no_memory(err);
    if (str_empty(settings->organization_id)) return EEP_OK;
    client->organization = header_line("X-Daytona-Organization-ID: ", settings->organization_id);
    return client->organization ? EEP_OK : err_no_memory(err);
}

void daytona_finish(struct daytona *client)
{
    if (client->authorization) wipe_free(client->authorization, strlen(client->authorization));
    free(client->organization);
    pacing_release(&client->pacing);
    client->authorization = NULL;
    client->organization = NULL;
}

/* Shorter ones are no credentials, and might be a part of any word. */
#define TOKEN_MIN 8

void daytona_hide_token_in(const struct daytona *client, char *text)
{
    eep_str token = client->settings.token;
    if (token.len < TOKEN_MIN) return;
    while ((text = memmem(text, strlen(text), token.ptr, token.len)) != NULL)
        memset(text, '*', token.len);
}

void daytona_hide_token(const struct daytona *client, struct err *err)
{
    daytona_hide_token_in(client, err->message);
    daytona_hide_token_in(client, err->where);
    daytona_hide_token_in(client, err->request_id);
    daytona_hide_token_in(client, err->lease); /* the service gave the id */
}

int daytona_send(struct daytona *client, struct http_request *request, const struct wait *wait,
                 struct http_response *response, struct err *err)
{
    request->profile = &client->settings.profile;
    request->secret_header = client->authorization;
    return engine_await(request, response, wait, err);
}

static int send_public(struct daytona *client, struct http_request *request, const struct wait *wait,
                       struct http_response *response, struct err *err)
{
    request->profile = &client->settings.profile;
    return engine_await(request, response, wait, err);
}

/* -- What goes out, and when ------------------------------------------------------------------- */

static bool is_refused(struct daytona *client)
{
    return atomic_load(&client->refused) || pacing_is_refused(client->pacing);
}

static int refused(struct err *err)
{
    return err_set(
        err, EEP_E_UNAUTHENTICATED,
        "the service has refused these credentials before; nothing more is sent with them, because "
        "repeated failures block the address of this machine: check apiKey (or jwtToken) and open again");
}

static int no_turn(enum throttler why, int64_t left, struct err *err)
{
    err_set(err, EEP_E_RATE_LIMITED, "too many requests: the service's limit (%s) opens again in %lld ms",
            pacing_name(why), (long long)left);
    err->http_status = 429;
    err->retry_after_ms = (uint32_t)left;
    err->paced = true;
    return err_flag(err, EEP_ERROR_RETRYABLE | EEP_ERROR_FROM_SERVICE);
}

/* A little later than allowed, so that not all who wait come at once. */
static int64_t spread(int64_t ms)
{
    return ms + ms * random_byte() / 4096;
}

int daytona_wait_turn(struct daytona *client, enum throttler kind, const struct wait *wait, struct err *err)
{
    enum throttler why = kind;
    int64_t turn;
    while ((turn = pacing_turn(client->pacing, kind, &why)) > 0) {
        int64_t now = clock_now_ms();
        int64_t ms = turn > now ? spread(turn - now) : 0;
        if (client->settings.queued) client->settings.queued(wait, pacing_name(why), ms);
        int status = engine_sleep(now + ms, wait, err);
        int64_t slept = clock_now_ms() - now;
        if (wait->queued_ms) *wait->queued_ms += (uint32_t)slept;
        if (status == EEP_E_DEADLINE) return no_turn(why, clock_left_ms(turn), err);
        TRY(status);
    }
    return EEP_OK;
}

/* The service holds a create or a start for 30 s at the most (protocol 4.2), everything else is answered at once. */
static int64_t answer_limit(const struct daytona *client, const struct api_call *call)
{
    if (client->settings.answer_limit_ms > 0) return client->settings.answer_limit_ms;
    return strcmp(call->method, "POST") == 0 ? 45000 : 20000;
}

static int no_answer(const struct api_call *call, int64_t limit, struct err *err)
{
    uint32_t flags = err->flags;
    enum err_layer layer = err->layer;
    err_set(err, EEP_E_UNAVAILABLE, "no answer to %s %.*s for %lld ms", call->method, (int)call->path.len,
            call->path.ptr, (long long)limit);
    err->layer = layer;
    return err_flag(err, flags | EEP_ERROR_RETRYABLE);
}

/* A connection may be dead without telling: then there is time left to try another one. */
static int send_in_time(struct daytona *client, const struct api_call *call, struct http_request *request,
                        const struct wait *wait, struct http_response *response, struct err *err)
{
    struct wait limited = *wait;
    int64_t limit = answer_limit(client, call);
    limited.answer_ms = limit;
    int status = call->public_route ? send_public(client, request, &limited, response, err)
                                    : daytona_send(client, request, &limited, response, err);
    return status == EEP_E_DEADLINE && clock_left_ms(wait->deadline) > 1 ? no_answer(call, limit, err)
                                                                         : status;
}

static int exchange(struct daytona *client, const struct api_call *call, const char *url,
                    const struct wait *wait, struct http_response *response, struct err *err)
{
    const char *headers[4] = {"Accept: application/json"};
    size_t count = 1;
    if (call->body.ptr) headers[count++] = "Content-Type: application/json";
    if (client->organization) headers[count++] = client->organization;
    struct http_request request = {
        .method = call->method,
        .url = url,
        .headers = headers,
        .body = {call->body.ptr, call->body.len},
        .idle_limit_s = API_IDLE_S,
        .once = call->once,
        .max_body = API_BODY_MAX,
    };
    return send_in_time(client, call, &request, wait, response, err);
}

/* -- What comes back --------------------------------------------------------------------------- */

static int parse_answer(const struct http_response *response, json **answer, struct err *err)
{
    if (response->body.len == 0) return EEP_OK;
    if (!error_is_json(response)) return error_not_json(response, err);
    if (json_parse(buf_str(&response->body), answer, err) == EEP_OK) return EEP_OK;
    return err_prefix(err, "the service's answer is damaged");
}

/* A success that cannot be read: the service has acted all the same. */
static int take_answer(const struct api_call *call, const struct http_response *response, json **answer,
                       struct err *err)
{
    if (parse_answer(response, answer, err) == EEP_OK) return EEP_OK;
    return err_flag(err, strcmp(call->method, "GET") == 0 ? 0 : EEP_ERROR_MAYBE_APPLIED);
}

int64_t daytona_wall_ms(const struct daytona *client)
{
    return clock_wall_ms() + atomic_load(&client->ahead_ms);
}

/* "Sat, 21 Nov 2026 10:48:13 GMT"; 0 = is none */
static int64_t date_ms(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char month[4] = "";
    struct tm t = {0};
    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &t.tm_mday, month, &t.tm_year,
               &t.tm_hour, &t.tm_min, &t.tm_sec) != 6)
        return 0;
    const char *at = strstr(months, month);
    if (!at || strlen(month) != 3 || (at - months) % 3 != 0) return 0;
    t.tm_year -= 1900;
    t.tm_mon = (int)(at - months) / 3;
    return (int64_t)timegm(&t) * 1000;
}

static void take_clock(struct daytona *client, const struct http_response *response)
{
    int64_t theirs = date_ms(response->date);
    if (theirs > 0) atomic_store(&client->ahead_ms, theirs - clock_wall_ms());
}

/* What an answer says about the calls after it. */
static void take_note(struct daytona *client, const struct api_call *call,
                      const struct http_response *response, struct err *err)
{
    if (call->public_route) return;
    err->paced = err->code == EEP_E_RATE_LIMITED && response->retry_after_ms > 0;
    if (err->paced)
        pacing_limit(client->pacing, pacing_throttler(response->retry_after_name, call->throttler),
                     response->retry_after_ms);
    if (err->code != EEP_E_UNAUTHENTICATED) return;
    atomic_store(&client->refused, true);
    pacing_refuse(client->pacing);
}

static int call_service(struct daytona *client, const struct api_call *call, const char *url,
                        const struct wait *wait, json **answer, struct err *err)
{
    CLEANUP(http_response_finish) struct http_response response = HTTP_RESPONSE_INIT;
    int status = exchange(client, call, url, wait, &response, err);
    take_clock(client, &response);
    if (status == EEP_OK && response.status / 100 != 2) status = error_from_api(&response, call->method, err);
    if (status == EEP_OK) return take_answer(call, &response, answer, err);
    take_note(client, call, &response, err);
    return err_flag(err, response.repeated && strcmp(call->method, "GET") != 0 ? EEP_ERROR_MAYBE_APPLIED : 0);
}

int daytona_api(struct daytona *client, const struct api_call *call, const struct wait *wait, json **answer,
                struct err *err)
{
    CLEANUP(buf_finish) struct buf url = BUF_INIT(8192);
    *answer = NULL;
    if (!call->public_route && is_refused(client)) return refused(err);
    TRY(buf_error(&url, buf_append_str(&url, client->settings.api_url), "the URL", err));
    TRY(buf_error(&url, buf_append_str(&url, call->path), "the URL", err));
    int status = call->public_route ? EEP_OK : daytona_wait_turn(client, call->throttler, wait, err);
    if (status == EEP_OK) status = call_service(client, call, buf_cstr(&url), wait, answer, err);
    if (status == EEP_OK) return EEP_OK;
    if (status == EEP_E_UNAUTHENTICATED && !call->public_route) err_prefix(err, "check apiKey (or jwtToken)");
    daytona_hide_token(client, err);
    err_where(err, "%s %.*s", call->method, (int)call->path.len, call->path.ptr);
    return status;
}
