/* config_findings.h: how the parts of the configuration report what they find.
 *
 * Every kind of finding stands once in the table of config_findings.c, with its severity, stable code and
 * hint. A message is a predicate ("must be an integer"); what it speaks of, a place, is put before it. Values
 * never appear in messages: they may be secrets. Texts live in the arena of struct findings. */
#ifndef CONFIG_FINDINGS_H
#define CONFIG_FINDINGS_H

#include <stdbool.h>

#include "config.h"

enum finding_kind {
    /* the text */
    FOUND_TOO_LARGE,
    FOUND_NOT_JSON,
    FOUND_NOT_AN_OBJECT,
    FOUND_DUPLICATE_KEY,
    FOUND_NUL_IN_KEY,
    /* single values */
    FOUND_WRONG_TYPE,
    FOUND_BLANK,
    FOUND_TOO_LONG,
    FOUND_TOO_MANY,
    FOUND_NOT_AN_INTEGER,
    FOUND_OUT_OF_RANGE,
    FOUND_NUMBER_AS_TEXT,
    FOUND_MISSING_MEMBER,
    FOUND_BAD_CHARACTER,
    FOUND_BAD_IMAGE,
    FOUND_BAD_URL,
    FOUND_INSECURE_URL,
    FOUND_URL_WITHOUT_PATH,
    FOUND_BAD_PROXY,
    FOUND_BAD_PATH,
    FOUND_BAD_ENV_NAME,
    FOUND_RESERVED_LABEL,
    FOUND_BAD_CIDR,
    FOUND_BAD_HOST,
    FOUND_UNKNOWN_LANGUAGE,
    FOUND_UNKNOWN_RUNNER,
    FOUND_DEPRECATED_VARIABLE,
    /* what keys say together */
    FOUND_MISSING_CREDENTIALS,
    FOUND_MISSING_CREDENTIALS_TRUSTED, /* the environment has been read, too */
    FOUND_TWO_CREDENTIALS,
    FOUND_MISSING_ORGANIZATION,
    FOUND_IMAGE_AND_SNAPSHOT,
    FOUND_RESOURCES_WITHOUT_IMAGE,
    FOUND_DISK_ABOVE_HOSTED_LIMIT,
    FOUND_GPU_NEEDS_EPHEMERAL,
    FOUND_REUSED_BUT_EPHEMERAL,
    FOUND_NEVER_STOPS,
    FOUND_STOPS_UNDER_WORK,
    FOUND_BLOCKED_BUT_ALLOWED,
    /* the rest */
    FOUND_UNKNOWN_KEY,
    FOUND_UNKNOWN_KEY_STRICT,
    FOUND_TOO_MANY_FINDINGS,
    FINDING_KINDS
};

/* The stable code of a kind. */
const char *finding_code(enum finding_kind kind);

/* Where a value stands: a step below its parent; the document itself has none. Lives on the stack of the
 * reader. */
struct place {
    const struct place *parent; /* NULL = the document */
    eep_str step;
    const char *variable; /* the environment variable that the value came from, or NULL */
};

/* Appends the JSON pointer of a place. */
NODISCARD int place_pointer(const struct place *place, struct buf *out);

/* Adds a finding. Beyond FINDINGS_MAX they are not kept, and the last one kept says so (it is an error, so
 * that no error can hide). EEP_OK or EEP_E_NO_MEMORY. */
NODISCARD int finding_add(struct findings *findings, enum finding_kind kind, const struct place *place,
                          const char *format, ...) PRINTF(4, 5);

/* As finding_add, with a hint of its own. */
NODISCARD int finding_add_hint(struct findings *findings, enum finding_kind kind, const struct place *place,
                               const char *hint, const char *format, ...) PRINTF(5, 6);

/* Has an error been reported for this key of the document? Then what follows from it needs no other one. */
bool findings_blame(const struct findings *findings, const char *key);

#endif
