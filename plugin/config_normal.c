#include "config_normal.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "config_keys.h"

static const void *member(const struct key *key, const void *base)
{
    return (const char *)base + key->offset;
}

/* -- Secrets ----------------------------------------------------------------------------------- */

static bool is_secret_text(const struct key *key, eep_str text)
{
    if (!text.ptr) return false;
    return key->flags & KEY_SECRET || (key->flags & KEY_MAYBE_SECRET && str_has_byte(text, '@'));
}

/* Is called for each secret: name absent = the key itself, else one of its pairs. */
typedef int secret_fn(struct config *config, const char *key, eep_str name, eep_str secret);

static int each_secret_pair(struct config *config, const struct key *key, secret_fn *visit)
{
    const struct config_pairs *pairs = member(key, config);
    for (size_t i = 0; i < pairs->count; i++)
        TRY(visit(config, key->name, pairs->items[i].name, pairs->items[i].value));
    return EEP_OK;
}

static int each_secret(struct config *config, secret_fn *visit)
{
    for (size_t i = 0; i < config_keys.count; i++) {
        const struct key *key = &config_keys.keys[i];
        if (key->type == KEY_PAIRS && key->flags & KEY_SECRET) TRY(each_secret_pair(config, key, visit));
        if (key->type != KEY_TEXT) continue;
        const eep_str *text = member(key, config);
        if (is_secret_text(key, *text)) TRY(visit(config, key->name, (eep_str){NULL, 0}, *text));
    }
    return EEP_OK;
}

static int wipe_one(struct config *config, const char *key, eep_str name, eep_str secret)
{
    (void)config, (void)key, (void)name;
    wipe((char *)secret.ptr, secret.len); /* the config's own memory, const only to its readers */
    return EEP_OK;
}

void config_wipe_secrets(struct config *config)
{
    (void)!each_secret(config, wipe_one);
}

static int count_one(struct config *config, const char *key, eep_str name, eep_str secret)
{
    (void)key, (void)name, (void)secret;
    config->secrets.count++;
    return EEP_OK;
}

static int list_one(struct config *config, const char *key, eep_str name, eep_str secret)
{
    CLEANUP(buf_finish) struct buf pointer = BUF_INIT(CONFIG_TEXT_MAX);
    const struct place document = {.parent = NULL};
    const struct place at_key = {.parent = &document, .step = str_from(key)};
    const struct place at_name = {.parent = &at_key, .step = name};
    (void)secret;
    TRY(place_pointer(name.ptr ? &at_name : &at_key, &pointer));
    return arena_str(&config->arena, buf_str(&pointer), &config->secrets.items[config->secrets.count++]);
}

int config_list_secrets(struct config *config)
{
    TRY(each_secret(config, count_one));
    config->secrets.items =
        arena_alloc(&config->arena, config->secrets.count * sizeof *config->secrets.items);
    if (!config->secrets.items) return EEP_E_NO_MEMORY;
    config->secrets.count = 0;
    return each_secret(config, list_one);
}

/* -- Normalised JSON --------------------------------------------------------------------------- */

static int put_text(json *object, const struct key *key, eep_str text)
{
    if (is_secret_text(key, text)) return EEP_OK;
    return text.ptr ? json_put(object, key->name, json_new_str(text)) : json_put_null(object, key->name);
}

static int put_integer(json *object, const char *name, int64_t value)
{
    return value == CONFIG_UNSET ? json_put_null(object, name) : json_put(object, name, json_new_i64(value));
}

static int put_list(json *object, const char *name, const struct config_list *list)
{
    json *array = json_new_array();
    TRY(json_put(object, name, array));
    for (size_t i = 0; i < list->count; i++)
        TRY(json_push(array, json_new_str(list->items[i])));
    return EEP_OK;
}

static int put_pairs(json *object, const struct key *key, const struct config_pairs *pairs)
{
    json *members = json_new_object();
    TRY(json_put(object, key->name, members));
    if (key->flags & KEY_SECRET) return EEP_OK;
    for (size_t i = 0; i < pairs->count; i++)
        TRY(json_put(members, pairs->items[i].name.ptr, json_new_str(pairs->items[i].value)));
    return EEP_OK;
}

static int put_keys(json *object, const struct key_set *set, const void *base);

static int put_volumes(json *object, const char *name, const struct config_volumes *volumes)
{
    json *array = json_new_array();
    TRY(json_put(object, name, array));
    for (size_t i = 0; i < volumes->count; i++) {
        json *volume = json_new_object();
        TRY(json_push(array, volume));
        TRY(put_keys(volume, &config_volume_keys, &volumes->items[i]));
    }
    return EEP_OK;
}

static int put_key(json *object, const struct key *key, const void *value)
{
    switch (key->type) {
    case KEY_TEXT: return put_text(object, key, *(const eep_str *)value);
    case KEY_INTEGER: return put_integer(object, key->name, *(const int64_t *)value);
    case KEY_BOOLEAN: return json_put(object, key->name, json_new_bool(*(const bool *)value));
    case KEY_LIST: return put_list(object, key->name, value);
    case KEY_PAIRS: return put_pairs(object, key, value);
    case KEY_VOLUMES: return put_volumes(object, key->name, value);
    }
    return EEP_E_INTERNAL;
}

static int put_keys(json *object, const struct key_set *set, const void *base)
{
    for (size_t i = 0; i < set->count; i++)
        TRY(put_key(object, &set->keys[i], member(&set->keys[i], base)));
    return EEP_OK;
}

int config_normalized(const struct config *config, struct buf *out)
{
    CLEANUP(json_finish) json *object = json_new_object();
    if (!object) return EEP_E_NO_MEMORY;
    TRY(put_keys(object, &config_keys, config));
    const char *text = json_text(object);
    return text ? buf_append_cstr(out, text) : EEP_E_NO_MEMORY;
}
