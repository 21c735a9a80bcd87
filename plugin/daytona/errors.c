#include "daytona/errors.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/str.h"

#define FAILED_START "Sandbox failed to start"

bool error_is_json(const struct http_response *response)
{
    return strncasecmp(response->content_type, "application/json", 16) == 0;
}

int error_not_json(const struct http_response *response, struct err *err)
{
    err_set(err, EEP_E_PROTOCOL,
            "the answer is %s instead of JSON: this is not the Daytona API; check apiUrl (it usually ends in "
            "/api)",
            response->content_type[0] ? response->content_type : "of no type");
    err->http_status = (int)response->status;
    return err->code;
}

/* -- What the body says ------------------------------------------------------------------------ */

/* body.message, body.error, or the first of body.errors: the shapes of protocol 3.1 and 3.2. */
static void message_from_json(const struct http_response *response, char *out, size_t cap)
{
    CLEANUP(json_finish) json *tree = NULL;
    struct err unused = ERR_INIT;
    eep_str text = {NULL, 0};
    if (json_parse(buf_str(&response->body), &tree, &unused) != EEP_OK) return;
    if (!json_get_str(tree, "message", &text) && !json_get_str(tree, "error", &text))
        text = json_str(json_at(json_get(tree, "errors"), 0));
    if (text.ptr) str_copy(out, cap, text);
}

/* What the service says, or "": an empty body, HTML and the like are nothing for people. */
static void service_text(const struct http_response *response, char *out, size_t cap)
{
    out[0] = '\0';
    if (error_is_json(response))
        message_from_json(response, out, cap);
    else if (strncasecmp(response->content_type, "text/plain", 10) == 0)
        str_copy(out, cap, str_trim(buf_str(&response->body)));
}

/* -- What the status says ---------------------------------------------------------------------- */

struct meaning {
    long status;
    int code;
    uint32_t flags;
    const char *text; /* used when the service gives none */
};

static const struct meaning meanings[] = {
    {400, EEP_E_INVALID_ARGUMENT, 0, "the service refuses the request"},
    {401, EEP_E_UNAUTHENTICATED, 0, "the service does not know these credentials"},
    {403, EEP_E_PERMISSION_DENIED, 0, "these credentials may not do this"},
    {404, EEP_E_NOT_FOUND, 0, "not found"},
    {407, EEP_E_INVALID_CONFIG, 0,
     "the proxy wants a user name and a password: set proxy to http://USER:PASSWORD@HOST:PORT"},
    {408, EEP_E_DEADLINE, EEP_ERROR_RETRYABLE | EEP_ERROR_MAYBE_APPLIED, "the service gave up waiting"},
    {409, EEP_E_CONFLICT, EEP_ERROR_RETRYABLE, "the sandbox is changing its state"},
    {410, EEP_E_NOT_FOUND, 0, "gone"},
    {413, EEP_E_TOO_LARGE, 0, "the request is too large for the service or a proxy before it"},
    {422, EEP_E_UNSUPPORTED, 0, "the service does not support this here"},
    {429, EEP_E_RATE_LIMITED, EEP_ERROR_RETRYABLE, "too many requests"},
    {501, EEP_E_UNSUPPORTED, 0, "the service does not support this"},
    {502, EEP_E_UNAVAILABLE, EEP_ERROR_RETRYABLE | EEP_ERROR_MAYBE_APPLIED,
     "bad gateway: what is behind it does not answer"},
    {503, EEP_E_UNAVAILABLE, EEP_ERROR_RETRYABLE, "the service is not available now"},
    {504, EEP_E_UNAVAILABLE, EEP_ERROR_RETRYABLE | EEP_ERROR_MAYBE_APPLIED, "gateway timeout"},
};

static struct meaning meaning_of(long status)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].status == status) return meanings[i];
    if (status >= 500)
        return (struct meaning){status, EEP_E_UNAVAILABLE, EEP_ERROR_RETRYABLE | EEP_ERROR_MAYBE_APPLIED,
                                "the service failed"};
    return (struct meaning){status, EEP_E_PROTOCOL, 0, "an answer that the service should not give"};
}

static int from_meaning(const struct http_response *response, const char *text, struct err *err)
{
    struct meaning meaning = meaning_of(response->status);
    err_set(err, meaning.code, "%s (HTTP %ld)", text[0] ? text : meaning.text, response->status);
    err->flags = meaning.flags | EEP_ERROR_FROM_SERVICE;
    err->http_status = (int)response->status;
    err->retry_after_ms = response->retry_after_ms;
    str_copy(err->request_id, sizeof err->request_id, str_from(response->request_id));
    return err->code;
}

static int redirect(const struct http_response *response, struct err *err)
{
    err_set(err, EEP_E_PROTOCOL, "the service redirects (HTTP %ld) to %s, which is never followed: %s",
            response->status, response->location[0] ? response->location : "nowhere",
            "set apiUrl to the final address, and check that no login page or proxy is in between");
    err->http_status = (int)response->status;
    return err_flag(err, EEP_ERROR_FROM_SERVICE);
}

/* -- What only the text says ------------------------------------------------------------------- */

/* Limits of the account, and no machine free: both come as 400 (protocol 12.2). */
static bool is_capacity(eep_str text)
{
    return (str_has_prefix(text, "Total ") && str_contains(text, "limit exceeded")) ||
           str_contains(text, "No available runners");
}

static void refine_400(const char *text, struct err *err)
{
    if (is_capacity(str_from(text))) {
        err->code = EEP_E_QUOTA;
        err_flag(err, EEP_ERROR_RETRYABLE);
    } else if (str_has_prefix(str_from(text), FAILED_START)) {
        err->code = EEP_E_SANDBOX;
        err_flag(err, EEP_ERROR_MAYBE_APPLIED);
    } else if (str_contains(str_from(text), "exceeds maximum allowed per sandbox")) {
        err->code = EEP_E_QUOTA;
    }
}

bool error_is_failed_start(const struct err *err)
{
    return err->http_status == 400 && str_has_prefix(str_from(err->message), FAILED_START);
}

/* "Gone" and "bad credentials" have consequences: a lease is given up, no more calls are made. Any proxy or
 * other server on the way says the same with a page of its own; only the service says it in JSON (protocol 3.1). */
static bool must_be_the_service(long status)
{
    return status == 401 || status == 404 || status == 410;
}

static int not_the_service(const struct http_response *response, struct err *err)
{
    err_set(
        err, EEP_E_PROTOCOL,
        "HTTP %ld, but not in the words of the Daytona API: something else answers there; check apiUrl (it "
        "usually ends in /api) and what is in between",
        response->status);
    err->http_status = (int)response->status;
    return err_flag(err, EEP_ERROR_FROM_SERVICE);
}

int error_from_api(const struct http_response *response, const char *method, struct err *err)
{
    char text[768];
    if (response->status / 100 == 3) return redirect(response, err);
    service_text(response, text, sizeof text);
    if (must_be_the_service(response->status) && !(error_is_json(response) && text[0]))
        return not_the_service(response, err);
    from_meaning(response, text, err);
    if (response->status == 400) refine_400(text, err);
    if (strcmp(method, "GET") == 0) err->flags &= ~EEP_ERROR_MAYBE_APPLIED;
    return err->code;
}

int error_from_toolbox(const struct http_response *response, struct err *err)
{
    char text[768];
    if (response->status / 100 == 3) return redirect(response, err);
    service_text(response, text, sizeof text);
    return from_meaning(response, text, err);
}

bool error_is_no_way_in(const struct err *err)
{
    static const char *const texts[] = {"Is the Sandbox started?", "failed to get runner info",
                                        "failed to get sandbox public status", "sandbox container not found"};
    if (err->http_status == 401) return true;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if ((err->http_status == 400 || err->http_status == 404) &&
            str_contains(str_from(err->message), texts[i]))
            return true;
    return false;
}

bool error_calls_for_state(long status)
{
    return status == 400 || status == 401 || status == 403 || status == 404 || status == 410 ||
           status == 502 || status == 503 || status == 504;
}
