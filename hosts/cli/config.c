/* config.c: see config.h. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "json_out.h"

enum { CONFIG_MAX = 1 << 20, VALUE_MAX = 64 << 10 };

static int copy_text(const char *from, struct bytes *text)
{
    text->len = strlen(from);
    text->capacity = text->len + 1;
    text->data = mem_zeroed(text->capacity, 1);
    memcpy(text->data, from, text->len);
    return EEP_OK;
}

/* JSON itself is not taken from the command line: it may hold secrets. */
static int read_file(const char *file, struct bytes *text, struct err *err)
{
    if (io_read_file(file, CONFIG_MAX, text, NULL, err) == EEP_OK) return EEP_OK;
    if (file[0] != '{') return err->code;
    err_usage(err, "--config takes the name of a file");
    return err_hint(err, "for JSON set EEP_CONFIG, or give single keys by --set KEY=VALUE");
}

static int read_base(const char *file, struct bytes *text, struct err *err)
{
    const char *variable = getenv("EEP_CONFIG");
    if (file) return read_file(file, text, err);
    if (!variable || !*variable) return copy_text("{}", text);
    return variable[0] == '{' ? copy_text(variable, text)
                              : io_read_file(variable, CONFIG_MAX, text, NULL, err);
}

/* NULL when it is not JSON. "null" is JSON, but no value that a key could have. */
static json_object *parse_json(const char *text, size_t len)
{
    struct json_tokener *tokener = json_tokener_new();
    if (!tokener) mem_out();
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    json_object *value = json_tokener_parse_ex(tokener, text, (int)len + 1);
    bool complete = json_tokener_get_error(tokener) == json_tokener_success;
    json_tokener_free(tokener);
    if (!complete) json_release(&value);
    return value;
}

static bool ends_with(const char *text, size_t len, const char *ending)
{
    size_t ending_len = strlen(ending);
    return len >= ending_len && strncasecmp(text + len - ending_len, ending, ending_len) == 0;
}

/* A guess by name, for any provider: "apiKey", "jwtToken", "client_secret". */
static bool is_secret(const char *key, size_t len)
{
    return ends_with(key, len, "key") || ends_with(key, len, "token") || ends_with(key, len, "secret") ||
           ends_with(key, len, "password");
}

/* VALUE of --set KEY=VALUE: JSON if it is that, the text of a file if it begins with '@', else a text. */
static int read_value(const char *key, size_t key_len, const char *text, json_object **value, struct err *err)
{
    CLEANUP(bytes_finish) struct bytes content = {0};
    if (text[0] == '@') {
        TRY(io_read_file(text + 1, VALUE_MAX, &content, NULL, err));
        if (content.len > 0 && content.data[content.len - 1] == '\n') content.len--;
        *value = json_from_str((eep_str){content.data, content.len});
        return *value ? EEP_OK : err_usage(err, "--set %.*s: %s is not UTF-8", (int)key_len, key, text + 1);
    }
    if (is_secret(key, key_len)) {
        err_usage(err, "--set %.*s: other users of this machine can read a command line", (int)key_len, key);
        return err_hint(err, "put the secret into a file: --set %.*s=@FILE, or --config FILE", (int)key_len,
                        key);
    }
    *value = parse_json(text, strlen(text));
    if (!*value) *value = json_from_str((eep_str){text, strlen(text)});
    return *value ? EEP_OK : err_usage(err, "--set %.*s: the value is not UTF-8", (int)key_len, key);
}

static int set_key(json_object *config, const char *setting, struct err *err)
{
    size_t key_len = strcspn(setting, "=");
    if (key_len == 0 || setting[key_len] == '\0')
        return err_usage(err, "--set %s: write KEY=VALUE, as in --set image=debian:12", setting);
    json_object *value = NULL;
    TRY(read_value(setting, key_len, setting + key_len + 1, &value, err));
    char *key = strndup(setting, key_len);
    if (!key) mem_out();
    json_add(config, key, value);
    free(key);
    return EEP_OK;
}

static int apply(const struct text_list *settings, struct bytes *text, struct err *err)
{
    CLEANUP(json_release) json_object *config = parse_json(text->data, text->len);
    if (!json_object_is_type(config, json_type_object)) {
        err_set(err, EEP_E_INVALID_CONFIG,
                "--set needs a configuration that is a JSON object, this one is not");
        return err_hint(err, "eep validate, without --set, tells where it is wrong");
    }
    for (size_t i = 0; i < settings->count; i++)
        TRY(set_key(config, settings->items[i], err));
    bytes_finish(text);
    const char *changed = json_object_to_json_string_ext(config, JSON_C_TO_STRING_PLAIN);
    if (!changed) mem_out();
    return copy_text(changed, text);
}

int config_read(const char *file, const struct text_list *settings, struct bytes *text, struct err *err)
{
    TRY(read_base(file, text, err));
    return settings->count > 0 ? apply(settings, text, err) : EEP_OK;
}
