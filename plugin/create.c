#include "create.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "base/str.h"

#define PAIRS_MAX 4096u
#define VALUE_MAX (64u * 1024u)
#define KEY_MAX   255u
#define BODY_MAX  (4u << 20)

/* -- Labels and environment: the configuration's, overlaid by the request's, in one order ------ */

struct pairs {
    eep_pair *items;
    size_t count;
};

static void pairs_finish(struct pairs *pairs)
{
    free(pairs->items);
}

static int compare_names(const void *a, const void *b)
{
    const eep_pair *left = a;
    const eep_pair *right = b;
    size_t len = left->name.len < right->name.len ? left->name.len : right->name.len;
    int order = len ? memcmp(left->name.ptr, right->name.ptr, len) : 0;
    return order ? order : (left->name.len > right->name.len) - (left->name.len < right->name.len);
}

static void put_pair(struct pairs *pairs, const eep_pair *pair)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (!str_eq(pairs->items[i].name, pair->name)) continue;
        pairs->items[i] = *pair;
        return;
    }
    pairs->items[pairs->count++] = *pair;
}

static int merge_pairs(const struct config_pairs *base, const eep_pair *more, uint32_t count, uint32_t stride,
                       struct pairs *out, struct err *err)
{
    if (base->count + count > PAIRS_MAX)
        return err_set(err, EEP_E_TOO_LARGE, "more than %u labels or environment variables", PAIRS_MAX);
    out->items = calloc(base->count + count + 1, sizeof *out->items);
    if (!out->items) return err_no_memory(err);
    for (size_t i = 0; i < base->count; i++)
        put_pair(out, &base->items[i]);
    for (uint32_t i = 0; i < count; i++)
        put_pair(out, abi_at(more, stride, sizeof *more, i));
    qsort(out->items, out->count, sizeof *out->items, compare_names);
    return EEP_OK;
}

static int check_text(eep_str text, size_t max, const char *what, struct err *err)
{
    TRY(abi_check_str(text, max, what, err));
    if (!str_is_utf8(text) || str_has_byte(text, '\0'))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "%s must be UTF-8 without NUL", what);
    return EEP_OK;
}

static int check_label(const eep_pair *label, struct err *err)
{
    TRY(check_text(label->name, KEY_MAX, "the name of a label", err));
    TRY(check_text(label->value, VALUE_MAX, "the value of a label", err));
    if (str_empty(label->name)) return err_set(err, EEP_E_INVALID_ARGUMENT, "a label has no name");
    if (str_has_prefix(label->name, "eep."))
        return err_set(err, EEP_E_INVALID_ARGUMENT,
                       "label %.*s: names that begin with \"eep.\" are the plugin's own; choose another",
                       (int)(label->name.len < 64 ? label->name.len : 64), label->name.ptr);
    if (str_is(label->name, LABEL_LANGUAGE))
        return err_set(err, EEP_E_INVALID_ARGUMENT,
                       "label " LABEL_LANGUAGE " is set by the plugin: set language in the configuration");
    return EEP_OK;
}

static int check_variable(const eep_pair *variable, struct err *err)
{
    TRY(abi_check_str(variable->name, KEY_MAX, "the name of an environment variable", err));
    TRY(check_text(variable->value, VALUE_MAX, "the value of an environment variable", err));
    if (str_is_env_name(variable->name)) return EEP_OK;
    return err_set(err, EEP_E_INVALID_ARGUMENT,
                   "\"%.*s\" is no name of an environment variable: they match [A-Za-z_][A-Za-z0-9_]*",
                   (int)(variable->name.len < 64 ? variable->name.len : 64),
                   variable->name.ptr ? variable->name.ptr : "");
}

static int check_request(const eep_acquire_request *request, struct err *err)
{
    TRY(check_text(request->idempotency_key, KEY_MAX, "idempotency_key", err));
    if (request->idempotency_key.ptr && request->idempotency_key.len == 0)
        return err_set(err, EEP_E_INVALID_ARGUMENT,
                       "idempotency_key is empty: leave it absent, or give 1 to 255 bytes");
    TRY(check_text(request->name_hint, KEY_MAX, "name_hint", err));
    TRY(abi_check_array(request->labels, request->label_count, request->label_stride, sizeof *request->labels,
                        "labels", err));
    TRY(abi_check_array(request->env, request->env_count, request->env_stride, sizeof *request->env, "env",
                        err));
    for (uint32_t i = 0; i < request->label_count; i++)
        TRY(check_label(abi_at(request->labels, request->label_stride, sizeof(eep_pair), i), err));
    for (uint32_t i = 0; i < request->env_count; i++)
        TRY(check_variable(abi_at(request->env, request->env_stride, sizeof(eep_pair), i), err));
    return EEP_OK;
}

/* -- The body ---------------------------------------------------------------------------------- */

static int put_str(json *body, const char *key, eep_str text)
{
    return str_absent(text) ? EEP_OK : json_put(body, key, json_new_str(text));
}

static int put_number(json *body, const char *key, int64_t value)
{
    return value == CONFIG_UNSET ? EEP_OK : json_put(body, key, json_new_i64(value));
}

/* Names of the configuration's may be longer than those of requests. */
static int put_pairs(json *body, const char *key, const struct pairs *pairs)
{
    CLEANUP(buf_finish) struct buf name = BUF_INIT(CONFIG_TEXT_MAX);
    json *object = json_new_object();
    TRY(json_put(body, key, object));
    for (size_t i = 0; i < pairs->count; i++) {
        buf_reset(&name);
        TRY(buf_append_str(&name, pairs->items[i].name));
        TRY(json_put(object, buf_cstr(&name), json_new_str(pairs->items[i].value)));
    }
    return EEP_OK;
}

/* An image is sent as a one-line Dockerfile (protocol 4.1); config.c has made sure that it is one line.
 * Resources go with an image only. */
static int put_origin(json *body, const struct config *config)
{
    CLEANUP(buf_finish) struct buf dockerfile = BUF_INIT(8192);
    if (str_absent(config->image)) return put_str(body, "snapshot", config->snapshot);
    TRY(buf_appendf(&dockerfile, "FROM %s\n", config->image.ptr));
    json *build = json_new_object();
    TRY(json_put(body, "buildInfo", build));
    TRY(json_put(build, "dockerfileContent", json_new_str(buf_str(&dockerfile))));
    TRY(put_number(body, "cpu", config->cpu));
    TRY(put_number(body, "memory", config->memory));
    TRY(put_number(body, "disk", config->disk));
    return put_number(body, "gpu", config->gpu);
}

static int put_volumes(json *body, const struct config_volumes *volumes)
{
    if (volumes->count == 0) return EEP_OK;
    json *array = json_new_array();
    TRY(json_put(body, "volumes", array));
    for (size_t i = 0; i < volumes->count; i++) {
        json *volume = json_new_object();
        TRY(json_push(array, volume));
        TRY(json_put(volume, "volumeId", json_new_str(volumes->items[i].volume_id)));
        TRY(json_put(volume, "mountPath", json_new_str(volumes->items[i].mount_path)));
        TRY(put_str(volume, "subpath", volumes->items[i].subpath));
    }
    return EEP_OK;
}

static int put_network(json *body, const struct config *config)
{
    CLEANUP(buf_finish) struct buf list = BUF_INIT(1024);
    if (config->network_block_all) TRY(json_put(body, "networkBlockAll", json_new_bool(true)));
    for (size_t i = 0; i < config->network_allow_list.count; i++) {
        if (i > 0) TRY(buf_append_char(&list, ','));
        TRY(buf_append_str(&list, config->network_allow_list.items[i]));
    }
    return list.len ? json_put(body, "networkAllowList", json_new_str(buf_str(&list))) : EEP_OK;
}

/* The SDKs read the language from a label; the service knows no such field (protocol 4.1). */
static int put_language(json *body, eep_str language)
{
    if (str_absent(language)) language = STR("python");
    return json_put(json_get(body, "labels"), LABEL_LANGUAGE, json_new_str(language));
}

/* All that is asked for, in one order: equal requests give equal texts. Identity, name and our labels come
 * later. */
static int put_wishes(json *body, const struct config *config, const struct pairs *labels,
                      const struct pairs *env)
{
    TRY(put_origin(body, config));
    TRY(put_str(body, "user", config->user));
    TRY(put_str(body, "target", config->target));
    TRY(put_pairs(body, "env", env));
    TRY(put_pairs(body, "labels", labels));
    TRY(put_language(body, config->language));
    TRY(put_number(body, "autoStopInterval", config->auto_stop_interval));
    TRY(put_number(body, "autoArchiveInterval", config->auto_archive_interval));
    TRY(put_number(body, "autoDeleteInterval", config->auto_delete_interval));
    TRY(put_volumes(body, &config->volumes));
    return put_network(body, config);
}

static void digest_of(const char *domain, eep_str a, eep_str b, char out[CREATE_DIGEST + 1])
{
    struct sha256 hash;
    char hex[SHA256_HEX + 1];
    sha256_init(&hash);
    sha256_add_field(&hash, str_from(domain));
    sha256_add_field(&hash, a);
    sha256_add_field(&hash, b);
    sha256_final_hex(&hash, hex);
    str_copy(out, CREATE_DIGEST + 1, (eep_str){hex, CREATE_DIGEST});
}

/* The name: with a key the same each time, so that the service itself refuses a second sandbox (409,
 * protocol 4.3). */
static void choose_names(struct create_request *create, eep_str key)
{
    char name[CREATE_DIGEST + 1];
    random_hex(create->identity, CREATE_DIGEST / 2);
    random_hex(name, CREATE_DIGEST / 2);
    create->keyed = !str_absent(key);
    if (create->keyed) {
        digest_of(create->by_labels ? "eep-name-of-labels-1" : "eep-name-1", create->owner, key, name);
        digest_of(create->by_labels ? "eep-key-of-labels-1" : "eep-key-1", create->owner, key, create->key);
    }
    snprintf(create->name, sizeof create->name, CREATE_NAME_PREFIX "%s", name);
}

static int put_our_labels(json *labels, const struct create_request *create, eep_str hint)
{
    if (!str_empty(create->owner)) TRY(json_put(labels, LABEL_OWNER, json_new_str(create->owner)));
    if (create->keyed) TRY(json_put(labels, LABEL_KEY, json_new_str(str_from(create->key))));
    if (!str_empty(hint)) TRY(json_put(labels, LABEL_NAME, json_new_str(hint)));
    TRY(json_put(labels, LABEL_REQUEST, json_new_str(str_from(create->request))));
    return json_put(labels, LABEL_IDENTITY, json_new_str(str_from(create->identity)));
}

static int build_body(struct create_request *create, const struct config *config, eep_str hint,
                      const struct pairs *labels, const struct pairs *env)
{
    CLEANUP(json_finish) json *body = json_new_object();
    TRY(put_wishes(body, config, labels, env));
    const char *wishes = json_text(body);
    if (!wishes) return EEP_E_NO_MEMORY;
    digest_of("eep-request-1", str_from(wishes), hint, create->request);
    TRY(put_our_labels(json_get(body, "labels"), create, hint));
    TRY(json_put(body, "name", json_new_str(str_from(create->name))));
    const char *text = json_text(body);
    return text ? buf_append_cstr(&create->body, text) : EEP_E_NO_MEMORY;
}

/* By labels they are the key: as a text, in one order. */
static int want_labels(struct create_request *create, const struct pairs *wanted, struct err *err)
{
    CLEANUP(json_finish) json *object = json_new_object();
    if (put_pairs(object, "labels", wanted) != EEP_OK) return err_no_memory(err);
    const char *text = json_text(object);
    if (!text) return err_no_memory(err);
    choose_names(create, str_from(text));
    return EEP_OK;
}

static int choose_key(struct create_request *create, const eep_acquire_request *request, struct err *err)
{
    static const struct config_pairs none = {0};
    struct pairs wanted = {0};
    if (!create->by_labels) {
        choose_names(create, request->idempotency_key);
        return EEP_OK;
    }
    if (!str_absent(request->idempotency_key) || request->label_count == 0)
        return err_set(err, EEP_E_INVALID_ARGUMENT,
                       "EEP_ACQUIRE_REUSE needs labels in the request, and no idempotency_key");
    int status =
        merge_pairs(&none, request->labels, request->label_count, request->label_stride, &wanted, err);
    create->wanted = wanted.items;
    create->wanted_count = wanted.count;
    return status == EEP_OK ? want_labels(create, &wanted, err) : status;
}

int create_request_init(struct create_request *create, const struct config *config,
                        const eep_acquire_request *request, struct err *err)
{
    CLEANUP(pairs_finish) struct pairs labels = {0};
    CLEANUP(pairs_finish) struct pairs env = {0};
    *create = (struct create_request){.body = BUF_INIT(BODY_MAX), .owner = config->owner};
    create->by_labels = request->head.flags & EEP_ACQUIRE_REUSE;
    TRY(check_request(request, err));
    TRY(choose_key(create, request, err));
    TRY(merge_pairs(&config->labels, request->labels, request->label_count, request->label_stride, &labels,
                    err));
    TRY(merge_pairs(&config->env, request->env, request->env_count, request->env_stride, &env, err));
    int status = build_body(create, config, request->name_hint, &labels, &env);
    return buf_error(&create->body, status, "the request for a sandbox", err);
}

void create_request_finish(struct create_request *create)
{
    buf_finish_secret(&create->body);
    free(create->wanted);
    create->wanted = NULL;
}

bool create_owned_by(eep_str owner, const struct sandbox *sandbox)
{
    eep_str label = sandbox_label(sandbox, LABEL_OWNER);
    return str_empty(owner) ? str_empty(label) : str_eq(label, owner);
}

bool create_request_matches(const struct create_request *create, const struct sandbox *sandbox)
{
    eep_str request = sandbox_label(sandbox, LABEL_REQUEST);
    if (create->by_labels)
        return create_request_labelled(create, sandbox) &&
               (str_empty(request) || str_is(request, create->request));
    bool same_key = str_is(sandbox_label(sandbox, LABEL_KEY), create->keyed ? create->key : "");
    return create_owned_by(create->owner, sandbox) && same_key && str_is(request, create->request);
}

bool create_request_labelled(const struct create_request *create, const struct sandbox *sandbox)
{
    bool ours = !str_empty(sandbox_label(sandbox, LABEL_REQUEST));
    if (ours && !create_owned_by(create->owner, sandbox)) return false;
    for (size_t i = 0; i < create->wanted_count; i++) {
        char name[KEY_MAX + 1];
        str_copy(name, sizeof name, create->wanted[i].name);
        eep_str value = sandbox_label(sandbox, name);
        if (!value.ptr || !str_eq(value, create->wanted[i].value)) return false;
    }
    return true;
}
