#include "daytona/client.h"

#include <stdlib.h>
#include <string.h>

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
    client->authorization = NULL;
    client->organization = NULL;
}

/* Shorter ones are no credentials, and might be a part of any word. */
#define TOKEN_MIN 8

static void hide(eep_str token, char *text)
{
    while ((text = memmem(text, strlen(text), token.ptr, token.len)) != NULL)
        memset(text, '*', token.len);
}

void daytona_hide_token(const struct daytona *client, struct err *err)
{
    if (client->settings.token.len < TOKEN_MIN) return;
    hide(client->settings.token, err->message);
    hide(client->settings.token, err->request_id);
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

static int refused(struct err *err)
{
    return err_set(
        err, EEP_E_UNAUTHENTICATED,
        "the service has refused these credentials before; nothing more is sent with them, because "
        "repeated failures block the address of this machine: check apiKey (or jwtToken) and open again");
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
        .max_body = API_BODY_MAX,
    };
    if (call->public_route) return send_public(client, &request, wait, response, err);
    return daytona_send(client, &request, wait, response, err);
}

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

int daytona_api(struct daytona *client, const struct api_call *call, const struct wait *wait, json **answer,
                struct err *err)
{
    CLEANUP(buf_finish) struct buf url = BUF_INIT(8192);
    CLEANUP(http_response_finish) struct http_response response = HTTP_RESPONSE_INIT;
    *answer = NULL;
    if (!call->public_route && atomic_load(&client->refused)) return refused(err);
    TRY(buf_error(&url, buf_append_str(&url, client->settings.api_url), "the URL", err));
    TRY(buf_error(&url, buf_append_str(&url, call->path), "the URL", err));
    int status = exchange(client, call, buf_cstr(&url), wait, &response, err);
    if (status == EEP_OK && response.status / 100 != 2) status = error_from_api(&response, call->method, err);
    if (status == EEP_OK) status = take_answer(call, &response, answer, err);
    if (status == EEP_OK) return EEP_OK;
    if (status == EEP_E_UNAUTHENTICATED && !call->public_route) {
        atomic_store(&client->refused, true);
        err_prefix(err, "check apiKey (or jwtToken)");
    }
    daytona_hide_token(client, err);
    err_where(err, "%s %.*s", call->method, (int)call->path.len, call->path.ptr);
    return status;
}
