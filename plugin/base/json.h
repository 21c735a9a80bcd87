/* json.h: reading and writing JSON, on json-c.
 *
 * Reading is strict: UTF-8 is checked, nothing may follow the document, depth is limited to 64. Getters never
 * fail: what is absent or of another type is told by their return value, so a hostile answer is just a poor
 * one. Trees belong to whoever holds them; CLEANUP(json_finish).
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "eep.h"

struct json_object;
typedef struct json_object json;

#define JSON_MAX_DEPTH 64

/* Parses text; EEP_E_PROTOCOL with "line/byte and what" when it is no JSON. *out is NULL then. */
NODISCARD int json_parse(eep_str text, json **out, struct err *err);

/* Frees a tree: CLEANUP(json_finish) json *tree = NULL; */
void json_finish(json **tree);

/* As json_finish, and wipes its strings first: for trees that hold secrets. */
void json_finish_secret(json **tree);

bool json_is_object(json *value);
bool json_is_array(json *value);

/* Member of an object; NULL when tree is no object, or has no such member, or it is null. */
json *json_get(json *tree, const char *key);

/* Typed members. Strings are views into the tree. */
bool json_get_str(json *tree, const char *key, eep_str *out);
bool json_get_i64(json *tree, const char *key, int64_t *out);
bool json_get_bool(json *tree, const char *key, bool *out);

/* A string value as a view; absent when it is none. */
eep_str json_str(json *value);

/* Array access; 0 / NULL for what is no array. */
size_t json_len(json *array);
json *json_at(json *array, size_t index);

/* Building. All return EEP_OK or EEP_E_NO_MEMORY; json_new_* return NULL for memory. json_put takes `value`
 * over in every case, NULL value = EEP_E_NO_MEMORY, so that calls can be chained without checks in between.
 */
json *json_new_object(void);
json *json_new_array(void);
json *json_new_str(eep_str text);
json *json_new_i64(int64_t value);
json *json_new_bool(bool value);
NODISCARD int json_put(json *object, const char *key, json *value);
NODISCARD int json_put_null(json *object, const char *key);
NODISCARD int json_push(json *array, json *value);

/* The text of a tree, in the order of insertion, without blanks; valid as long as the tree lives and is not
 * changed. NULL when out of memory. */
const char *json_text(json *tree);

/* Calls visit for each member in order until it returns non-zero; returns that, or 0. */
int json_each(json *object, int (*visit)(void *ctx, eep_str key, json *value), void *ctx);

/* Appends text as a JSON string with quotes; invalid UTF-8 becomes U+FFFD. */
NODISCARD int json_quote(struct buf *out, eep_str text);

#endif
