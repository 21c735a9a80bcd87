/* config_read.h: from JSON values to members of struct config, key by key, reporting what does not fit.
 *
 * What is wrong is reported and left unset; then *out of config_load stays NULL anyway. */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include "base/json.h"
#include "config_keys.h"

/* One config_load under way. */
struct load {
    json *tree; /* the document; NULL = absent */
    bool strict;
    struct findings *findings;
    struct config *config;
};

/* Reads each key of the set out of object into base (a struct config or config_volume). null = not set. */
NODISCARD int read_keys(struct load *load, const struct key_set *set, const struct place *parent,
                        json *object, void *base);

/* Reads a text for a KEY_TEXT: trims it, checks it, copies it. */
NODISCARD int read_text(struct load *load, const struct key *key, const struct place *place, eep_str raw,
                        void *base);

/* Reports the members of object that are not in the set (config_unknown.c). */
NODISCARD int config_report_unknown(struct load *load, const struct key_set *set, const struct place *parent,
                                    json *object);

#endif
