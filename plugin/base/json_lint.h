/* json_lint.h: a second, stricter look at JSON text that json_parse has taken.
 *
 * json-c is laxer than JSON: it keeps the last of two equal keys, ends a key at \u0000, and takes NaN,
 * Infinity and raw control characters. That is right for answers of a service and wrong for what a person has
 * written. Linear in the length of the text. */
#ifndef BASE_JSON_LINT_H
#define BASE_JSON_LINT_H

#include "base/buf.h"
#include "eep.h"

enum json_fault {
    JSON_DUPLICATE_KEY,     /* the pointer leads to the key */
    JSON_NUL_IN_KEY,        /* the pointer leads to the object */
    JSON_CONTROL_CHARACTER, /* a raw one within a string; the pointer leads to its value or key */
    JSON_NOT_STRICT,        /* NaN, Infinity, 'quotes', 1. or -01: the look ends here */
};

/* Called for each fault in the order of the text, with its JSON pointer. What is not EEP_OK ends the look. */
typedef int json_fault_fn(void *ctx, enum json_fault fault, const char *pointer);

/* EEP_OK, EEP_E_NO_MEMORY, or what `report` returned. */
NODISCARD int json_lint(eep_str text, json_fault_fn *report, void *ctx);

/* Appends one step of a JSON pointer (RFC 6901): a slash and the escaped name. */
NODISCARD int json_pointer_step(struct buf *pointer, eep_str name);

#endif
