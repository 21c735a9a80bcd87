#include "daytona/sandboxes.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "daytona/wire.h"

/* "/sandbox/" id suffix; the id may be a name, which is percent-encoded all the same. */
static int sandbox_path(struct buf *path, eep_str id, const char *suffix, struct err *err)
{
    int status = buf_append_cstr(path, "/sandbox/");
    if (status == EEP_OK) status = str_percent_encode(path, id);
    if (status == EEP_OK) status = buf_append_cstr(path, suffix);
    return buf_error(path, status, "the path of the request", err);
}

/* A success that says nothing usable: the service has acted all the same. */
static int take_sandbox(const struct api_call *call, json *answer, eep_str expected_id, struct sandbox *out,
                        struct err *err)
{
    if (sandbox_from_json(out, answer, expected_id, err) == EEP_OK) return EEP_OK;
    if (strcmp(call->method, "GET") != 0) err_flag(err, EEP_ERROR_MAYBE_APPLIED);
    err_where(err, "%s %.*s", call->method, (int)call->path.len, call->path.ptr);
    return err->code;
}

static int call_for_sandbox(struct daytona *client, const struct api_call *call, eep_str expected_id,
                            const struct wait *wait, struct sandbox *out, struct err *err)
{
    json *answer = NULL;
    TRY(daytona_api(client, call, wait, &answer, err));
    return take_sandbox(call, answer, expected_id, out, err);
}

/* Whoever takes another's sandbox for its own deletes it in the end. */
static int check_made(struct sandbox *made, eep_str name, struct err *err)
{
    if (str_absent(made->name) || str_eq(made->name, name)) return EEP_OK;
    err_set(err, EEP_E_PROTOCOL, "asked to make sandbox %.*s, the service answered about %.*s", (int)name.len,
            name.ptr, (int)made->name.len, made->name.ptr);
    sandbox_finish(made);
    err_where(err, "POST /sandbox");
    return err_flag(err, EEP_ERROR_MAYBE_APPLIED);
}

int sandboxes_create(struct daytona *client, eep_str body, eep_str name, const struct wait *wait,
                     struct sandbox *out, struct err *err)
{
    /* once: a repeat that the service takes up late would make another when the first is deleted */
    struct api_call call = {
        .method = "POST", .path = STR("/sandbox"), .body = body, .once = true, .throttler = THROTTLER_CREATE};
    TRY(call_for_sandbox(client, &call, (eep_str){NULL, 0}, wait, out, err));
    return check_made(out, name, err);
}

int sandboxes_get(struct daytona *client, eep_str id, const struct wait *wait, struct sandbox *out,
                  struct err *err)
{
    CLEANUP(buf_finish) struct buf path = BUF_INIT(1024);
    TRY(wire_check_id(id, err));
    TRY(sandbox_path(&path, id, "", err));
    struct api_call call = {.method = "GET", .path = buf_str(&path)};
    return call_for_sandbox(client, &call, id, wait, out, err);
}

int sandboxes_get_by_name(struct daytona *client, eep_str name, const struct wait *wait, struct sandbox *out,
                          struct err *err)
{
    CLEANUP(buf_finish) struct buf path = BUF_INIT(1024);
    TRY(sandbox_path(&path, name, "", err));
    struct api_call call = {.method = "GET", .path = buf_str(&path)};
    return call_for_sandbox(client, &call, (eep_str){NULL, 0}, wait, out, err);
}

int sandboxes_action(struct daytona *client, eep_str id, const char *action, const struct wait *wait,
                     struct sandbox *out, struct err *err)
{
    CLEANUP(buf_finish) struct buf path = BUF_INIT(1024);
    TRY(wire_check_id(id, err));
    TRY(sandbox_path(&path, id, "/", err));
    TRY(buf_error(&path, buf_append_cstr(&path, action), "the path of the request", err));
    struct api_call call = {.method = "POST", .path = buf_str(&path), .throttler = THROTTLER_LIFECYCLE};
    return call_for_sandbox(client, &call, id, wait, out, err);
}

int sandboxes_set_auto_stop(struct daytona *client, eep_str id, uint32_t minutes, const struct wait *wait,
                            struct sandbox *out, struct err *err)
{
    char action[32];
    snprintf(action, sizeof action, "autostop/%u", minutes);
    return sandboxes_action(client, id, action, wait, out, err);
}

int sandboxes_delete(struct daytona *client, eep_str id, const struct wait *wait, struct sandbox *out,
                     struct err *err)
{
    CLEANUP(buf_finish) struct buf path = BUF_INIT(1024);
    json *answer = NULL;
    TRY(wire_check_id(id, err));
    TRY(sandbox_path(&path, id, "", err));
    struct api_call call = {.method = "DELETE", .path = buf_str(&path), .throttler = THROTTLER_LIFECYCLE};
    TRY(daytona_api(client, &call, wait, &answer, err));
    if (!json_get(answer, "id")) {
        json_finish(&answer); /* some versions answer nothing */
        return EEP_OK;
    }
    /* what was asked for by its name has lost it (protocol 6) */
    return take_sandbox(&call, answer, wire_is_our_name(id) ? (eep_str){NULL, 0} : id, out, err);
}

int sandboxes_toolbox_url(struct daytona *client, eep_str id, const struct wait *wait, struct buf *out,
                          struct err *err)
{
    CLEANUP(buf_finish) struct buf path = BUF_INIT(1024);
    CLEANUP(json_finish) json *answer = NULL;
    eep_str url;
    TRY(wire_check_id(id, err));
    TRY(sandbox_path(&path, id, "/toolbox-proxy-url", err));
    struct api_call call = {.method = "GET", .path = buf_str(&path)};
    TRY(daytona_api(client, &call, wait, &answer, err));
    if (!json_get_str(answer, "url", &url))
        return err_set(err, EEP_E_PROTOCOL, "the service did not tell the toolbox URL of sandbox %.*s",
                       (int)id.len, id.ptr);
    return buf_error(out, buf_append_str(out, url), "the toolbox URL", err);
}

int sandboxes_touch(struct daytona *client, eep_str id, const struct wait *wait, struct err *err)
{
    CLEANUP(buf_finish) struct buf path = BUF_INIT(1024);
    CLEANUP(json_finish) json *answer = NULL;
    TRY(wire_check_id(id, err));
    TRY(sandbox_path(&path, id, "/last-activity", err));
    struct api_call call = {.method = "POST", .path = buf_str(&path)};
    return daytona_api(client, &call, wait, &answer, err);
}
