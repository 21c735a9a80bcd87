/* config_keys.h: the table of all keys: the one source for reading, normalising, schema and documentation.
 *
 * A new key is a member of struct config, a line here, its schema and its line in docs/config.md; the tests
 * tell what is missing. */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "config_findings.h"
#include "eep.h"

enum key_type {
    KEY_TEXT,    /* a string                                        eep_str               */
    KEY_INTEGER, /* a whole number                                  int64_t               */
    KEY_BOOLEAN, /* true or false                                   bool                  */
    KEY_LIST,    /* an array of strings, or a string with commas    struct config_list    */
    KEY_PAIRS,   /* an object of strings                            struct config_pairs   */
    KEY_VOLUMES, /* an array of objects with config_volume_keys     struct config_volumes */
};

#define KEY_SECRET         0x1u /* left out of the normalised configuration; pairs: each value */
#define KEY_MAYBE_SECRET   0x2u /* secret if it holds an '@': a URL with a password            */
#define KEY_BLANK_IS_ERROR 0x4u /* else a blank text means: not set                            */
#define KEY_REQUIRED       0x8u

/* A rule for one trimmed text: reports what is wrong, and may shorten the view. EEP_OK or EEP_E_NO_MEMORY. */
typedef int text_rule(struct findings *findings, const struct place *place, eep_str *text);

struct key {
    const char *name;
    enum key_type type;
    uint32_t flags;
    size_t offset;             /* in struct config, or struct config_volume */
    int64_t min, max, initial; /* KEY_INTEGER; initial may be CONFIG_UNSET */
    const char *initial_text;  /* KEY_TEXT, or NULL */
    size_t longest;            /* bytes of a text: KEY_TEXT, and each one in KEY_LIST and KEY_PAIRS */
    size_t most;               /* items of KEY_LIST, KEY_PAIRS, KEY_VOLUMES */
    text_rule *name_rule;      /* for the names in KEY_PAIRS */
    text_rule *rule;           /* for each text */
};

struct key_set {
    const struct key *keys;
    size_t count;
};

extern const struct key_set config_keys;
extern const struct key_set config_volume_keys;

/* The key of a set with this name, or NULL. */
const struct key *key_find(const struct key_set *set, eep_str name);

#endif
