/* json_scan.h: is this JSON, to the letter? In the words of Go's decoder if it is not.
 *
 * json-c lets pass what the service refuses even when told to be strict (line breaks in strings, NaN, Infinity), and a client that
 * sends such things would find out only there.
 */
#ifndef STANDIN_JSON_SCAN_H
#define STANDIN_JSON_SCAN_H

#include "fail.h"

#include <stddef.h>

/* The length of the first value with the white space before it; what follows is not looked at. -1 and why if there is none. */
int json_scan(const char *text, size_t len, size_t *value_len, struct fail *why);

#endif
