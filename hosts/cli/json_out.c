/* json_out.c: see json_out.h. */
#include "json_out.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encode.h"
#include "io.h"

static json_object *made(json_object *object)
{
    if (!object) mem_out();
    return object;
}

void json_release(json_object **object)
{
    json_object_put(*object);
    *object = NULL;
}

json_object *json_new_object(void)
{
    return made(json_object_new_object());
}

json_object *json_new_array(void)
{
    return made(json_object_new_array());
}

void json_add(json_object *object, const char *key, json_object *value)
{
    if (json_object_object_add(object, key, value) != 0) mem_out();
}

void json_append(json_object *array, json_object *value)
{
    if (json_object_array_add(array, value) != 0) mem_out();
}

void json_add_text(json_object *object, const char *key, const char *text)
{
    json_add(object, key, text ? made(json_object_new_string(text)) : NULL);
}

json_object *json_from_str(eep_str text)
{
    if (!text.ptr || text.len > INT_MAX || !encode_is_utf8(text.ptr, text.len)) return NULL;
    return made(json_object_new_string_len(text.ptr, (int)text.len));
}

void json_add_str(json_object *object, const char *key, eep_str text)
{
    json_add(object, key, json_from_str(text));
}

void json_add_int(json_object *object, const char *key, int64_t number)
{
    json_add(object, key, made(json_object_new_int64(number)));
}

void json_add_bool(json_object *object, const char *key, bool value)
{
    json_add(object, key, made(json_object_new_boolean(value)));
}

void json_add_flags(json_object *object, const char *key, uint32_t flags, const struct json_flag *names)
{
    json_object *array = json_new_array();
    for (; names->name; names++)
        if (flags & names->bit) json_append(array, made(json_object_new_string(names->name)));
    json_add(object, key, array);
}

void json_add_bytes(json_object *object, const char *key, eep_bytes bytes)
{
    char key_base64[64];
    snprintf(key_base64, sizeof(key_base64), "%sBase64", key);
    char *base64 = bytes.ptr ? encode_base64(bytes.ptr, bytes.len) : NULL;
    json_add_str(object, key, (eep_str){bytes.ptr, bytes.len});
    json_add_text(object, key_base64, base64);
    free(base64);
}

/* "" is how a struct err says "none". */
static void add_filled(json_object *object, const char *key, const char *text)
{
    json_add_text(object, key, *text ? text : NULL);
}

json_object *json_from_err(const struct err *err)
{
    json_object *inner = json_new_object();
    json_add_int(inner, "code", err->code);
    json_add_text(inner, "name", err_name(err->code));
    json_add_str(inner, "message", (eep_str){err->message, strlen(err->message)});
    add_filled(inner, "where", err->where);
    add_filled(inner, "hint", err->hint);
    json_add_bool(inner, "retryable", err->flags & EEP_ERROR_RETRYABLE);
    json_add_bool(inner, "maybeApplied", err->flags & EEP_ERROR_MAYBE_APPLIED);
    json_add_bool(inner, "fromService", err->flags & EEP_ERROR_FROM_SERVICE);
    json_add_int(inner, "httpStatus", err->http_status);
    json_add_int(inner, "osErrno", err->os_errno);
    json_add_int(inner, "retryAfterMs", err->retry_after_ms);
    add_filled(inner, "lease", err->lease);
    add_filled(inner, "executionId", err->execution_id);
    add_filled(inner, "requestId", err->request_id);
    json_object *outer = json_new_object();
    json_add(outer, "error", inner);
    return outer;
}

int json_write(int fd, json_object *object)
{
    size_t len = 0;
    const char *text = json_object_to_json_string_length(
        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    if (!text) mem_out();
    return io_write_all(fd, text, len) == 0 ? io_write_all(fd, "\n", 1) : -1;
}

int json_print(json_object *object, struct err *err)
{
    return json_write(STDOUT_FILENO, object) == 0 ? EEP_OK : io_stdout_failed(err);
}
