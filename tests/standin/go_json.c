#include "go_json.h"

#include "json_scan.h"
#include "mem.h"
#include "utf8.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

enum { MAX_DEPTH = 512 };

static const char *kind_name(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_boolean: return "bool";
    case json_type_int:
    case json_type_double: return "number";
    case json_type_object: return "object";
    case json_type_array: return "array";
    default: return "string";
    }
}

static const char *go_type(enum go_kind kind)
{
    static const char *const names[] = {"string", "uint32", "[]string", "map[string]string"};
    return names[kind];
}

static bool is_number(struct json_object *value)
{
    return json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
}

/* A number that is none of the wanted kind is named, another kind is not. */
static int refuse(const char *type, const struct go_field *field, struct json_object *value,
                  const char *wanted, bool with_number, struct fail *why)
{
    return fail_set(why, "json: cannot unmarshal %s%s%.100s into Go struct field %s.%s of type %s",
                    kind_name(value), with_number ? " " : "",
                    with_number ? json_object_get_string(value) : "", strrchr(type, '.') + 1, field->key,
                    wanted);
}

static int check_strings(const char *type, const struct go_field *field, struct json_object *list,
                         struct fail *why)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (item != NULL && !json_object_is_type(item, json_type_string))
            return refuse(type, field, item, "string", false, why);
    }
    return 0;
}

static int check_map(const char *type, const struct go_field *field, struct json_object *map,
                     struct fail *why)
{
    json_object_object_foreach(map, key, value)
    {
        (void)key;
        if (value != NULL && !json_object_is_type(value, json_type_string))
            return refuse(type, field, value, "string", false, why);
    }
    return 0;
}

static int check_value(const char *type, const struct go_field *field, struct json_object *value,
                       struct fail *why)
{
    static const json_type wanted[] = {json_type_string, json_type_int, json_type_array, json_type_object};
    bool fits = json_object_is_type(value, wanted[field->kind]);
    if (field->kind == GO_UINT32 && is_number(value)) {
        int64_t number = json_object_get_int64(value);
        if (fits && number >= 0 && number <= UINT_MAX) return 0;
        return refuse(type, field, value, "uint32", true, why);
    }
    if (!fits) return refuse(type, field, value, go_type(field->kind), false, why);
    if (field->kind == GO_STRINGS) return check_strings(type, field, value, why);
    return field->kind == GO_STRING_MAP ? check_map(type, field, value, why) : 0;
}

/* The last of the keys that Go takes for this one. */
static struct json_object *find(struct json_object *body, const char *wanted)
{
    struct json_object *found = NULL;
    json_object_object_foreach(body, key, value)
    {
        if (strcasecmp(key, wanted) == 0) found = value;
    }
    return found;
}

static bool is_missing(const struct go_field *field, struct json_object *value)
{
    if (!field->required) return false;
    return value == NULL || (field->kind == GO_STRING && json_object_get_string_len(value) == 0);
}

static void add_missing(struct buf *text, const char *type, const struct go_field *field)
{
    buf_format(text, "%sKey: '%s.%s' Error:Field validation for '%s' failed on the 'required' tag",
               text->len > 0 ? "\n" : "", strrchr(type, '.') + 1, field->name, field->name);
}

/* All that is missing is told at once, but only when nothing is of the wrong kind. */
static int check_required(struct json_object *body, const char *type, const struct go_field *fields,
                          struct fail *why)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(sizeof why->text - 1);
    for (; fields->key != NULL; fields++)
        if (is_missing(fields, json_object_object_get(body, fields->key))) add_missing(&text, type, fields);
    return text.len > 0 ? fail_set(why, "%.*s", (int)text.len, text.data) : 0;
}

/* A fresh object: the known keys in their own spelling. NULL and why if a value is of the wrong kind. */
static struct json_object *select_fields(struct json_object *body, const char *type,
                                         const struct go_field *fields, struct fail *why)
{
    struct json_object *selected = json_object_new_object();
    for (; fields->key != NULL; fields++) {
        struct json_object *value = find(body, fields->key);
        if (value == NULL) continue;
        json_object_object_add(selected, fields->key, json_object_get(value));
        if (check_value(type, fields, value, why) == 0) continue;
        json_object_put(selected);
        return NULL;
    }
    return selected;
}

static void repair_utf8(const char *bytes, size_t len, struct buf *repaired)
{
    for (size_t at = 0; at < len;) {
        size_t size = utf8_char_len(bytes + at, len - at);
        if (size > 0)
            buf_append(repaired, bytes + at, size);
        else
            buf_append(repaired, "\xef\xbf\xbd", 3);
        at += size > 0 ? size : 1;
    }
}

/* The value of valid JSON. NULL and why if it is nested deeper than json-c's recursion may go. */
static struct json_object *parse(const struct buf *text, struct fail *why)
{
    struct json_tokener *parser = json_tokener_new_ex(MAX_DEPTH);
    struct json_object *value = json_tokener_parse_ex(parser, text->data, (int)text->len);
    if (json_tokener_get_error(parser) == json_tokener_continue)
        value = json_tokener_parse_ex(parser, "\n", 1); /* which ends a number */
    enum json_tokener_error error = json_tokener_get_error(parser);
    json_tokener_free(parser);
    if (error == json_tokener_success) return value != NULL ? value : json_object_new_object();
    fail_set(why, "the stand-in reads no JSON like this: %s", json_tokener_error_desc(error));
    return NULL;
}

struct json_object *go_json(struct request *request, const char *type, const struct go_field *fields,
                            struct fail *why)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(INT_MAX);
    size_t len;
    if (json_scan(request->body.data, request->body.len, &len, why) != 0) return NULL;
    repair_utf8(request->body.data, len, &text);
    struct json_object *body = parse(&text, why), *selected = NULL;
    if (body == NULL) return NULL;
    if (json_object_is_type(body, json_type_object))
        selected = select_fields(body, type, fields, why);
    else
        fail_set(why, "json: cannot unmarshal %s into Go value of type %s", kind_name(body), type);
    json_object_put(body);
    if (selected == NULL || check_required(selected, type, fields, why) == 0) return selected;
    json_object_put(selected);
    return NULL;
}

bool go_json_has_nul(struct json_object *text)
{
    size_t len = text != NULL ? (size_t)json_object_get_string_len(text) : 0;
    return len > 0 && memchr(json_object_get_string(text), '\0', len) != NULL;
}
