/* json_out.h: writing JSON with json-c, in the terms of the ABI.
 *
 * Absent texts become null, so every object has the same members always. All functions add to `object`, which
 * keeps what they add. Running out of memory ends the process (mem.h).
 */
#ifndef CLI_JSON_OUT_H
#define CLI_JSON_OUT_H

#include <json-c/json.h>

#include "err.h"

/* For CLEANUP: releases *object; NULL does nothing. */
void json_release(json_object **object);

json_object *json_new_object(void);
json_object *json_new_array(void);

/* Adds `value`, which may be NULL for null, and takes it over. */
void json_add(json_object *object, const char *key, json_object *value);
void json_add_text(json_object *object, const char *key, const char *text);
void json_add_str(json_object *object, const char *key, eep_str text);
void json_add_int(json_object *object, const char *key, int64_t number);
void json_add_bool(json_object *object, const char *key, bool value);
void json_append(json_object *array, json_object *value);

/* A string; null when absent or not UTF-8, which JSON cannot hold. */
json_object *json_from_str(eep_str text);

/* Names of set bits, as an array: ["REUSED"]. `names` ends with a NULL name. */
struct json_flag {
    uint32_t bit;
    const char *name;
};
void json_add_flags(json_object *object, const char *key, uint32_t flags, const struct json_flag *names);

/* Adds "<key>Base64", and "<key>" as text: null when it is not UTF-8. */
void json_add_bytes(json_object *object, const char *key, eep_bytes bytes);

/* {"error": {...}} */
json_object *json_from_err(const struct err *err);

/* Writes one line; 0, or -1 with errno. */
int json_write(int fd, json_object *object);

/* Writes one line to standard output. */
int json_print(json_object *object, struct err *err);

#endif
