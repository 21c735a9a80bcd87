/* go_json.h: request bodies of the toolbox, read and refused as the service's Go daemon does it.
 *
 * Go's decoder takes keys in any case, null for any value, more text after the value, and bad UTF-8 (which becomes
 * U+FFFD); what it refuses, it refuses in words that clients show to people.
 */
#ifndef STANDIN_GO_JSON_H
#define STANDIN_GO_JSON_H

#include "fail.h"
#include "request.h"

enum go_kind { GO_STRING, GO_UINT32, GO_STRINGS, GO_STRING_MAP };

/* One field of a Go struct. required: Go's validator wants it, and a string not empty. */
struct go_field {
    const char *key;
    const char *name;
    enum go_kind kind;
    bool required;
};

/* type is "process.ExecuteRequest"; fields ends with a NULL key. The body as an object with the given keys (a null is
 * left out), to be put; or NULL and why. */
struct json_object *go_json(struct request *request, const char *type, const struct go_field *fields,
                            struct fail *why);

/* Is there a NUL in this string? (NULL has none.) Where C strings go on from here, it would cut them. */
bool go_json_has_nul(struct json_object *text);

#endif
