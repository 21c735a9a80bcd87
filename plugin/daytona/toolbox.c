#include "daytona/toolbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daytona/errors.h"
#include "daytona/wire.h"

/* JSON around the output: member names, the exit code. */
#define EXECUTE_OVERHEAD 4096u

/* What an error may say, however little was asked for. */
#define ERROR_BODY_MAX 65536u

int toolbox_base(const struct daytona *client, eep_str toolbox_proxy_url, eep_str id, struct buf *out,
                 struct err *err)
{
    struct wire_url url;
    struct wire_url api;
    if (!wire_parse_url(toolbox_proxy_url, &url))
        return err_set(err, EEP_E_PROTOCOL, "the service gave a toolbox URL that cannot be used: \"%.*s\"",
                       (int)(toolbox_proxy_url.len < 200 ? toolbox_proxy_url.len : 200),
                       toolbox_proxy_url.ptr ? toolbox_proxy_url.ptr : "");
    bool api_is_http = wire_parse_url(client->settings.api_url, &api) && !api.https;
    if (!url.https && !api_is_http)
        return err_set(err, EEP_E_PROTOCOL,
                       "the toolbox URL is http although the API is https: credentials are not sent there");
    if (!client->settings.toolbox_host_allowed(client->settings.ctx, url.host))
        return err_set(err, EEP_E_PERMISSION_DENIED,
                       "the toolbox of this sandbox is on %.*s, which toolboxHosts does not name",
                       (int)url.host.len, url.host.ptr);
    while (str_has_suffix(toolbox_proxy_url, "/"))
        toolbox_proxy_url.len--;
    int status = buf_append_str(out, toolbox_proxy_url);
    if (status == EEP_OK) status = buf_append_char(out, '/');
    if (status == EEP_OK) status = str_percent_encode(out, id);
    return buf_error(out, status, "the toolbox URL", err);
}

/* Sends a request to base + route and turns everything outside 2xx into an error. */
static int call_toolbox(struct daytona *client, eep_str base, const char *route, struct http_request *request,
                        const struct wait *wait, struct http_response *response, struct err *err)
{
    CLEANUP(buf_finish) struct buf url = BUF_INIT(8192 + 3 * 4096);
    const char *headers[] = {"Accept: application/json", "Content-Type: application/json", NULL};
    const char *headers_org[] = {headers[0], client->organization, headers[1], NULL};
    int status = buf_append_str(&url, base);
    if (status == EEP_OK) status = buf_append_cstr(&url, route);
    TRY(buf_error(&url, status, "the URL", err));
    if (!request->headers) request->headers = client->organization ? headers_org : headers;
    request->url = buf_cstr(&url);
    request->idle_limit_s = TOOLBOX_IDLE_S;
    status = daytona_send(client, request, wait, response, err);
    if (status == EEP_OK && response->status / 100 != 2) status = error_from_toolbox(response, err);
    if (status == EEP_OK) return EEP_OK;
    daytona_hide_token(client, err);
    err_where(err, "%s toolbox%.*s", request->method, 60, route);
    bool may_have_acted = response->repeated && strcmp(request->method, "GET") != 0;
    return err_flag(err, may_have_acted ? EEP_ERROR_MAYBE_APPLIED : 0);
}

/* -- Commands ---------------------------------------------------------------------------------- */

void toolbox_execution_finish(struct toolbox_execution *execution)
{
    buf_finish(&execution->output);
}

static int execute_body(struct buf *body, eep_str command, unsigned window_s, struct err *err)
{
    int status = buf_append_cstr(body, "{\"command\":");
    if (status == EEP_OK) status = json_quote(body, command);
    if (status == EEP_OK && window_s > 0) status = buf_appendf(body, ",\"timeout\":%u", window_s);
    if (status == EEP_OK) status = buf_append_char(body, '}');
    return buf_error(body, status, "the command", err);
}

static int take_execution(const struct http_response *response, struct toolbox_execution *execution,
                          struct err *err)
{
    CLEANUP(json_finish) json *answer = NULL;
    eep_str result;
    if (!error_is_json(response)) return error_not_json(response, err);
    if (json_parse(buf_str(&response->body), &answer, err) != EEP_OK)
        return err_prefix(err, "the toolbox's answer is damaged");
    /* old daemons say "code" (protocol 7) */
    if (!json_get_i64(answer, "exitCode", &execution->exit_code) &&
        !json_get_i64(answer, "code", &execution->exit_code))
        return err_set(err, EEP_E_PROTOCOL, "the toolbox's answer has no exit code");
    if (!json_get_str(answer, "result", &result))
        return err_set(err, EEP_E_PROTOCOL, "the toolbox's answer has no result");
    return buf_error(&execution->output, buf_append_str(&execution->output, result), "the output", err);
}

int toolbox_execute(struct daytona *client, eep_str base, eep_str command, unsigned window_s,
                    const struct wait *wait, struct toolbox_execution *execution, struct err *err)
{
    /* Commands carry environments and input: secrets. Six bytes at the most for one, as JSON. */
    CLEANUP(buf_finish_secret) struct buf body = BUF_INIT(6 * command.len + EXECUTE_OVERHEAD);
    CLEANUP(http_response_finish) struct http_response response = HTTP_RESPONSE_INIT;
    TRY(execute_body(&body, command, window_s, err));
    struct http_request request = {
        .method = "POST",
        .body = {body.data, body.len},
        .max_body = 6 * execution->output.max + EXECUTE_OVERHEAD,
    };
    TRY(call_toolbox(client, base, "/process/execute", &request, wait, &response, err));
    execution->repeated = response.repeated;
    if (take_execution(&response, execution, err) == EEP_OK) return EEP_OK;
    err_where(err, "POST toolbox/process/execute");
    /* it was executed, whatever became of the answer */
    return err_flag(err, EEP_ERROR_MAYBE_APPLIED | EEP_ERROR_FROM_SERVICE);
}

/* -- Files ------------------------------------------------------------------------------------- */

/* Two parts a file: its path first, then its content (protocol 10.1). The names live in `names`, 64 bytes
 * each. */
static void make_parts(const struct toolbox_file *files, size_t count, struct http_part *parts,
                       char (*names)[64])
{
    for (size_t i = 0; i < count; i++) {
        snprintf(names[2 * i], sizeof names[0], "files[%zu].path", i);
        snprintf(names[2 * i + 1], sizeof names[0], "files[%zu].file", i);
        parts[2 * i] = (struct http_part){names[2 * i], NULL, {files[i].path.ptr, files[i].path.len}};
        parts[2 * i + 1] = (struct http_part){names[2 * i + 1], "file", files[i].data};
    }
}

int toolbox_upload(struct daytona *client, eep_str base, const struct toolbox_file *files, size_t count,
                   const struct wait *wait, struct err *err)
{
    CLEANUP(http_response_finish) struct http_response response = HTTP_RESPONSE_INIT;
    CLEANUP(cleanup_free) struct http_part *parts = calloc(2 * count + 1, sizeof *parts);
    CLEANUP(cleanup_free) char(*names)[64] = calloc(2 * count + 1, sizeof *names);
    const char *headers[] = {"Accept: application/json", client->organization, NULL};
    if (!parts || !names) return err_no_memory(err);
    make_parts(files, count, parts, names);
    struct http_request request = {
        .method = "POST",
        .headers = headers,
        .parts = parts,
        .part_count = 2 * count,
        .max_body = 4096 + 8192 * count, /* it repeats every path */
    };
    return call_toolbox(client, base, "/files/bulk-upload", &request, wait, &response, err);
}

static int download_route(struct buf *route, eep_str path, struct err *err)
{
    int status = buf_append_cstr(route, "/files/download?path=");
    if (status == EEP_OK) status = str_percent_encode(route, path);
    return buf_error(route, status, "the path of the file", err);
}

int toolbox_download(struct daytona *client, eep_str base, eep_str path, uint64_t offset, size_t len,
                     const struct wait *wait, struct buf *out, struct err *err)
{
    CLEANUP(http_response_finish) struct http_response response = HTTP_RESPONSE_INIT;
    CLEANUP(buf_finish) struct buf route = BUF_INIT(64 + 3 * 4096);
    char range[96];
    const char *headers[] = {range, client->organization, NULL};
    TRY(download_route(&route, path, err));
    snprintf(range, sizeof range, "Range: bytes=%llu-%llu", (unsigned long long)offset,
             (unsigned long long)(offset + len - 1));
    struct http_request request = {.method = "GET", .headers = headers, .max_body = len + ERROR_BODY_MAX};
    int status = call_toolbox(client, base, buf_cstr(&route), &request, wait, &response, err);
    if (status != EEP_OK && err->http_status == 416) { /* the file ends before */
        *err = (struct err)ERR_INIT;
        return EEP_OK;
    }
    TRY(status);
    /* 200 = the range was ignored: right only for the beginning of a file that is not longer */
    if (response.status != 206 && offset != 0)
        return err_set(err, EEP_E_PROTOCOL, "the toolbox ignored the range of a download");
    if (response.body.len > len)
        return err_set(err, EEP_E_PROTOCOL, "the toolbox sent more than the %zu bytes that were asked for",
                       len);
    return buf_error(out, buf_append_buf(out, &response.body), "the file", err);
}
