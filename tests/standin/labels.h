/* labels.h: the label filter of the list call: containment (protocol 6.1). */
#ifndef STANDIN_LABELS_H
#define STANDIN_LABELS_H

#include <json-c/json.h>
#include <stdbool.h>

/* The query parameter's text as an object, to be put; NULL if it is not a JSON object. */
struct json_object *labels_parse(const char *text);

/* Does have hold every pair of wanted? A NULL wanted is met by anything. */
bool labels_contain(struct json_object *have, struct json_object *wanted);

#endif
