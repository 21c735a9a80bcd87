#include "config_read.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

/* Enough for the index of any array. */
#define INDEX_TEXT 24

static void *member(const struct key *key, void *base)
{
    return (char *)base + key->offset;
}

static int wrong_type(struct load *load, const struct place *place, const char *wanted)
{
    return finding_add(load->findings, FOUND_WRONG_TYPE, place, "must be %s", wanted);
}

static int too_long(struct load *load, const struct place *place, size_t longest)
{
    return finding_add(load->findings, FOUND_TOO_LONG, place, "must not be longer than %zu bytes", longest);
}

static int too_many(struct load *load, const struct place *place, size_t most)
{
    return finding_add(load->findings, FOUND_TOO_MANY, place, "must not have more than %zu entries", most);
}

static struct place element(const struct place *array, size_t index, char text[INDEX_TEXT])
{
    int len = snprintf(text, INDEX_TEXT, "%zu", index);
    return (struct place){.parent = array, .step = {text, (size_t)len}};
}

/* -- Texts ------------------------------------------------------------------------------------- */

/* Checks an untrimmed text and copies it. */
static int read_item(struct load *load, const struct key *key, text_rule *rule, const struct place *place,
                     eep_str text, eep_str *out)
{
    if (text.len > key->longest) return too_long(load, place, key->longest);
    TRY(rule(load->findings, place, &text));
    return arena_str(&load->config->arena, text, out);
}

int read_text(struct load *load, const struct key *key, const struct place *place, eep_str raw, void *base)
{
    eep_str text = str_trim(raw);
    if (text.len > 0) return read_item(load, key, key->rule, place, text, member(key, base));
    if (key->flags & KEY_BLANK_IS_ERROR)
        return finding_add(load->findings, FOUND_BLANK, place, "must not be blank");
    return EEP_OK;
}

static int read_text_key(struct load *load, const struct key *key, const struct place *place, json *value,
                         void *base)
{
    eep_str text = json_str(value);
    return text.ptr ? read_text(load, key, place, text, base) : wrong_type(load, place, "a string");
}

/* -- Numbers ----------------------------------------------------------------------------------- */

/* "5" and "-1", as forms send them. */
static bool text_to_integer(eep_str text, int64_t *out)
{
    unsigned long long size;
    bool negative = str_has_prefix(text, "-");
    if (negative) text = (eep_str){text.ptr + 1, text.len - 1};
    if (!str_to_u64(text, INT64_MAX, &size)) return false;
    *out = negative ? -(int64_t)size : (int64_t)size;
    return true;
}

static int set_integer(struct load *load, const struct key *key, const struct place *place, int64_t value,
                       void *base)
{
    int64_t *out = member(key, base);
    if (value < key->min || value > key->max)
        return finding_add(load->findings, FOUND_OUT_OF_RANGE, place,
                           "must be between %" PRId64 " and %" PRId64, key->min, key->max);
    *out = value;
    return EEP_OK;
}

static int not_an_integer(struct load *load, const struct place *place)
{
    return finding_add(load->findings, FOUND_NOT_AN_INTEGER, place, "must be a whole number");
}

static int read_integer_text(struct load *load, const struct key *key, const struct place *place, eep_str raw,
                             void *base)
{
    int64_t value;
    eep_str text = str_trim(raw);
    if (text.len == 0)
        return finding_add_hint(load->findings, FOUND_NUMBER_AS_TEXT, place, "leave it out",
                                "is a blank string and counts as not set");
    if (!text_to_integer(text, &value)) return not_an_integer(load, place);
    TRY(finding_add(load->findings, FOUND_NUMBER_AS_TEXT, place, "is a number in a string"));
    return set_integer(load, key, place, value, base);
}

static int read_integer(struct load *load, const struct key *key, const struct place *place, json *object,
                        void *base)
{
    int64_t value;
    eep_str text = json_str(json_get(object, key->name));
    if (text.ptr) return read_integer_text(load, key, place, text, base);
    if (json_get_i64(object, key->name, &value)) return set_integer(load, key, place, value, base);
    return not_an_integer(load, place);
}

static int read_boolean(struct load *load, const struct key *key, const struct place *place, json *object,
                        void *base)
{
    bool *out = member(key, base);
    return json_get_bool(object, key->name, out) ? EEP_OK
                                                 : wrong_type(load, place, "true or false, without quotes");
}

/* -- Lists ------------------------------------------------------------------------------------- */

static int make_list(struct load *load, size_t count, struct config_list *out)
{
    out->items = arena_alloc(&load->config->arena, count * sizeof *out->items);
    return out->items ? EEP_OK : EEP_E_NO_MEMORY;
}

static int read_list_item(struct load *load, const struct key *key, const struct place *place, eep_str raw,
                          struct config_list *list)
{
    eep_str text = str_trim(raw);
    if (text.len == 0) return finding_add(load->findings, FOUND_BLANK, place, "must not be blank");
    return read_item(load, key, key->rule, place, text, &list->items[list->count++]);
}

static int read_list_array(struct load *load, const struct key *key, const struct place *place, json *array,
                           struct config_list *list)
{
    if (json_len(array) > key->most) return too_many(load, place, key->most);
    TRY(make_list(load, json_len(array), list));
    for (size_t i = 0; i < json_len(array); i++) {
        char index[INDEX_TEXT];
        struct place at = element(place, i, index);
        eep_str text = json_str(json_at(array, i));
        TRY(text.ptr ? read_list_item(load, key, &at, text, list) : wrong_type(load, &at, "a string"));
    }
    return EEP_OK;
}

static size_t count_parts(eep_str text)
{
    size_t count = 0;
    for (eep_str rest = text; rest.ptr;)
        if (str_trim(str_split(rest, ',', &rest)).len > 0) count++;
    return count;
}

static int read_list_text(struct load *load, const struct key *key, const struct place *place, eep_str raw,
                          void *base)
{
    struct config_list *list = member(key, base);
    size_t count = count_parts(raw);
    if (count > key->most) return too_many(load, place, key->most);
    TRY(make_list(load, count, list));
    for (eep_str rest = raw; rest.ptr;) {
        eep_str part = str_trim(str_split(rest, ',', &rest));
        if (part.len > 0) TRY(read_list_item(load, key, place, part, list));
    }
    return EEP_OK;
}

static int read_list(struct load *load, const struct key *key, const struct place *place, json *value,
                     void *base)
{
    eep_str text = json_str(value);
    if (text.ptr) return read_list_text(load, key, place, text, base);
    if (json_is_array(value)) return read_list_array(load, key, place, value, member(key, base));
    return wrong_type(load, place, "an array of strings, or a string with commas");
}

/* -- Objects ----------------------------------------------------------------------------------- */

struct pairs_reader {
    struct load *load;
    const struct key *key;
    const struct place *place;
    struct config_pairs *pairs;
};

static int read_pair(void *ctx, eep_str name, json *value)
{
    struct pairs_reader *reader = ctx;
    struct load *load = reader->load;
    struct place place = {.parent = reader->place, .step = name};
    eep_str text = json_str(value);
    eep_pair *pair = &reader->pairs->items[reader->pairs->count];
    if (!text.ptr) return wrong_type(load, &place, "a string");
    TRY(read_item(load, reader->key, reader->key->name_rule, &place, name, &pair->name));
    TRY(read_item(load, reader->key, reader->key->rule, &place, text, &pair->value));
    reader->pairs->count++;
    return EEP_OK;
}

static int count_member(void *ctx, eep_str name, json *value)
{
    size_t *count = ctx;
    (void)name, (void)value;
    ++*count;
    return 0;
}

static int read_pairs(struct load *load, const struct key *key, const struct place *place, json *value,
                      void *base)
{
    struct config_pairs *pairs = member(key, base);
    struct pairs_reader reader = {load, key, place, pairs};
    size_t count = 0;
    if (!json_is_object(value)) return wrong_type(load, place, "an object of strings");
    json_each(value, count_member, &count);
    if (count > key->most) return too_many(load, place, key->most);
    pairs->items = arena_alloc(&load->config->arena, count * sizeof *pairs->items);
    return pairs->items ? json_each(value, read_pair, &reader) : EEP_E_NO_MEMORY;
}

static int read_volume(struct load *load, const struct place *place, json *value,
                       struct config_volume *volume)
{
    if (!json_is_object(value)) return wrong_type(load, place, "an object");
    TRY(read_keys(load, &config_volume_keys, place, value, volume));
    return config_report_unknown(load, &config_volume_keys, place, value);
}

static int read_volumes(struct load *load, const struct key *key, const struct place *place, json *array,
                        void *base)
{
    struct config_volumes *volumes = member(key, base);
    size_t count = json_len(array);
    if (!json_is_array(array)) return wrong_type(load, place, "an array of objects");
    if (count > key->most) return too_many(load, place, key->most);
    volumes->items = arena_alloc(&load->config->arena, count * sizeof *volumes->items);
    if (!volumes->items) return EEP_E_NO_MEMORY;
    volumes->count = count;
    for (size_t i = 0; i < count; i++) {
        char index[INDEX_TEXT];
        struct place at = element(place, i, index);
        TRY(read_volume(load, &at, json_at(array, i), &volumes->items[i]));
    }
    return EEP_OK;
}

/* -- Keys -------------------------------------------------------------------------------------- */

static int read_key(struct load *load, const struct key *key, const struct place *parent, json *object,
                    void *base)
{
    struct place place = {.parent = parent, .step = str_from(key->name)};
    json *value = json_get(object, key->name);
    if (!value && key->flags & KEY_REQUIRED)
        return finding_add(load->findings, FOUND_MISSING_MEMBER, &place, "is missing");
    if (!value) return EEP_OK;
    switch (key->type) {
    case KEY_TEXT: return read_text_key(load, key, &place, value, base);
    case KEY_INTEGER: return read_integer(load, key, &place, object, base);
    case KEY_BOOLEAN: return read_boolean(load, key, &place, object, base);
    case KEY_LIST: return read_list(load, key, &place, value, base);
    case KEY_PAIRS: return read_pairs(load, key, &place, value, base);
    case KEY_VOLUMES: return read_volumes(load, key, &place, value, base);
    }
    return EEP_E_INTERNAL;
}

int read_keys(struct load *load, const struct key_set *set, const struct place *parent, json *object,
              void *base)
{
    for (size_t i = 0; i < set->count; i++)
        TRY(read_key(load, &set->keys[i], parent, object, base));
    return EEP_OK;
}
