#include "labels.h"

#include <string.h>

struct json_object *labels_parse(const char *text)
{
    enum json_tokener_error error;
    struct json_object *object = json_tokener_parse_verbose(text, &error);
    if (error == json_tokener_success && json_object_is_type(object, json_type_object)) return object;
    json_object_put(object);
    return NULL;
}

bool labels_contain(struct json_object *have, struct json_object *wanted)
{
    if (wanted == NULL) return true;
    json_object_object_foreach(wanted, key, value)
    {
        struct json_object *mine = json_object_object_get(have, key);
        if (mine == NULL || value == NULL) return false;
        if (strcmp(json_object_get_string(mine), json_object_get_string(value)) != 0) return false;
    }
    return true;
}
