#include "request.h"

#include "clock.h"
#include "fd.h"
#include "json_scan.h"
#include "media_type.h"
#include "mem.h"
#include "utf8.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_MAX_DEPTH = 64, REPLY_MAX = 2047 << 20 };

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *request_address(const struct request *request)
{
    return request->address;
}

void reply_init(struct reply *reply)
{
    *reply = (struct reply){.file = -1};
    buf_init(&reply->body, REPLY_MAX);
}

void reply_finish(struct reply *reply)
{
    buf_finish(&reply->body);
    fd_close(&reply->file);
    if (reply->source_free != NULL) reply->source_free(reply->source_state);
    while (reply->header_count > 0) {
        free(reply->headers[--reply->header_count].name);
        free(reply->headers[reply->header_count].value);
    }
}

void reply_reset(struct reply *reply)
{
    reply_finish(reply);
    reply_init(reply);
}

/* Malformed JSON is answered by the framework, before the API's own error filter (protocol 3.1). */
static void reply_malformed(struct request *request)
{
    struct json_object *body = json_object_new_object();
    if (request->daemon_path != NULL) {
        json_object_put(body);
        reply_toolbox_error(request, 400, "bad request: invalid request body: malformed JSON");
        return;
    }
    json_object_object_add(body, "message", json_object_new_string("Unexpected token in JSON"));
    json_object_object_add(body, "error", json_object_new_string("Bad Request"));
    json_object_object_add(body, "statusCode", json_object_new_int(400));
    reply_json(request, 400, body);
}

/* The value of a text that is JSON to the letter, as JSON.parse wants it; else NULL. */
static struct json_object *parse_whole(const struct buf *text)
{
    struct fail why;
    size_t len;
    if (json_scan(text->data, text->len, &len, &why) != 0) return NULL;
    for (size_t at = len; at < text->len; at++)
        if (memchr(" \t\r\n", text->data[at], 4) == NULL) return NULL;
    struct json_tokener *parser = json_tokener_new_ex(JSON_MAX_DEPTH);
    struct json_object *object = json_tokener_parse_ex(parser, text->data, (int)len);
    json_tokener_free(parser);
    return object;
}

struct json_object *request_json_untyped(struct request *request)
{
    if (request->body.len == 0) return json_object_new_object();
    struct json_object *object = parse_whole(&request->body);
    if (json_object_is_type(object, json_type_object)) return object;
    json_object_put(object);
    reply_malformed(request);
    return NULL;
}

/* The framework's parser reads one type; a hook of the service tries the body as JSON if there is none, without a complaint. */
struct json_object *request_json(struct request *request)
{
    const char *type = request_header(request, "Content-Type");
    if (type != NULL && *type != '\0')
        return media_type_is(type, "application/json") ? request_json_untyped(request)
                                                       : json_object_new_object();
    struct json_object *object = parse_whole(&request->body);
    if (json_object_is_type(object, json_type_object)) return object;
    json_object_put(object);
    return json_object_new_object();
}

void reply_empty(struct request *request, int status)
{
    request->reply.status = status;
    request->reply.content_type = NULL;
}

void reply_text(struct request *request, int status, const char *content_type, const char *text)
{
    request->reply.status = status;
    request->reply.content_type = content_type;
    buf_text(&request->reply.body, text);
}

/* Bad UTF-8 can only stand in a string, where both servers write U+FFFD instead: a file's name may be any bytes. */
static void append_repaired(struct buf *out, const char *text, size_t len)
{
    for (size_t start = 0, at = 0; at < len || start < len;) {
        size_t size = at < len ? utf8_char_len(text + at, len - at) : 0;
        at += size;
        if (size > 0) continue;
        buf_append(out, text + start, at - start);
        if (at < len) buf_text(out, "\\ufffd");
        start = at = at + 1;
    }
}

void reply_json(struct request *request, int status, struct json_object *object)
{
    size_t len = 0;
    const char *text = json_object_to_json_string_length(object, JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    request->reply.status = status;
    request->reply.content_type = "application/json; charset=utf-8";
    append_repaired(&request->reply.body, text, len);
    json_object_put(object);
}

void reply_header(struct request *request, const char *name, const char *value)
{
    struct reply *reply = &request->reply;
    if (reply->header_count == REPLY_MAX_HEADERS) return;
    reply->headers[reply->header_count].name = mem_copy(name);
    reply->headers[reply->header_count++].value = mem_copy(value);
}

struct status_name {
    int status;
    const char *api;     /* "error" */
    const char *toolbox; /* "code"; unclassified ones have none */
};

static const struct status_name names[] = {
    {400, "Bad Request", "BAD_REQUEST"},
    {401, "Unauthorized", "UNAUTHORIZED"},
    {403, "Forbidden", "FORBIDDEN"},
    {404, "Not Found", "NOT_FOUND"},
    {408, "Request Timeout", "REQUEST_TIMEOUT"},
    {409, "Conflict", "CONFLICT"},
    {422, "Unprocessable Entity", "UNPROCESSABLE_ENTITY"},
    {429, "Too Many Requests", "TOO_MANY_REQUESTS"},
    {501, "Not Implemented", "NOT_IMPLEMENTED"},
    {502, "Bad Gateway", NULL},
    {503, "Service Unavailable", NULL},
    {504, "Gateway Timeout", NULL},
};

static const struct status_name *name_of(int status)
{
    static const struct status_name unknown = {0, "Internal Server Error", NULL};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].status == status) return &names[i];
    return &unknown;
}

static char *path_of(const struct request *request)
{
    return mem_copy_n(request->target, strcspn(request->target, "?"));
}

static void add_text(struct json_object *body, const char *key, const char *value)
{
    json_object_object_add(body, key, json_object_new_string(value));
}

void reply_api_error(struct request *request, int status, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    struct json_object *body = json_object_new_object();
    add_text(body, "path", request->target); /* with its query */
    add_text(body, "timestamp", clock_iso(clock_wall_ms()).text);
    json_object_object_add(body, "statusCode", json_object_new_int(status));
    add_text(body, "error", name_of(status)->api);
    add_text(body, "message", message);
    reply_json(request, status, body);
}

/* The middleware of the service sets the type itself, without a charset. */
static void reply_toolbox(struct request *request, int status, const char *code, const char *message)
{
    CLEANUP(mem_free_text) char *path = path_of(request);
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "statusCode", json_object_new_int(status));
    add_text(body, "message", message);
    if (code != NULL) add_text(body, "code", code);
    add_text(body, "timestamp", clock_iso(clock_wall_ms()).text);
    add_text(body, "path", request->daemon_path ? request->daemon_path : path);
    add_text(body, "method", request->method);
    reply_json(request, status, body);
    request->reply.content_type = "application/json";
}

void reply_toolbox_error(struct request *request, int status, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    reply_toolbox(request, status, name_of(status)->toolbox, message);
}

void reply_toolbox_error_code(struct request *request, int status, const char *code, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    reply_toolbox(request, status, code, message);
}
