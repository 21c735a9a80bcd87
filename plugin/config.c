#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_lint.h"
#include "base/str.h"
#include "config_env.h"
#include "config_normal.h"
#include "config_rules.h"

static const struct place document = {.parent = NULL};

/* -- The text ---------------------------------------------------------------------------------- */

static int report_fault(void *ctx, enum json_fault fault, const char *pointer)
{
    struct findings *findings = ctx;
    struct place place = {.parent = NULL, .step = str_from(pointer)};
    switch (fault) {
    case JSON_DUPLICATE_KEY: return finding_add(findings, FOUND_DUPLICATE_KEY, &place, "is there twice");
    case JSON_NUL_IN_KEY:
        return finding_add(findings, FOUND_NUL_IN_KEY, &place, "has a key with a NUL character");
    case JSON_CONTROL_CHARACTER:
        return finding_add(findings, FOUND_NOT_JSON, &place, "has a string with a raw control character");
    case JSON_NOT_STRICT:
        return finding_add(findings, FOUND_NOT_JSON, &place,
                           "is not JSON: look for single quotes, NaN, 1. and 01");
    }
    return EEP_E_INTERNAL;
}

static int parse(eep_str text, struct findings *findings, json **out)
{
    struct err why = ERR_INIT;
    *out = NULL;
    if (text.len > CONFIG_TEXT_MAX)
        return finding_add(findings, FOUND_TOO_LARGE, &document, "is larger than %u bytes", CONFIG_TEXT_MAX);
    int status = json_parse(text, out, &why);
    if (status == EEP_E_NO_MEMORY) return status;
    if (status != EEP_OK)
        return finding_add(findings, FOUND_NOT_JSON, &document, "cannot be read: %s", why.message);
    if (!json_is_object(*out))
        return finding_add(findings, FOUND_NOT_AN_OBJECT, &document, "must be a JSON object");
    return json_lint(text, report_fault, findings);
}

/* -- The values -------------------------------------------------------------------------------- */

static void *member(const struct key *key, struct config *config)
{
    return (char *)config + key->offset;
}

static void set_initial_numbers(struct config *config)
{
    for (size_t i = 0; i < config_keys.count; i++) {
        const struct key *key = &config_keys.keys[i];
        if (key->type == KEY_INTEGER) *(int64_t *)member(key, config) = key->initial;
    }
}

/* After the environment had its say. */
static int set_initial_texts(struct config *config)
{
    for (size_t i = 0; i < config_keys.count; i++) {
        const struct key *key = &config_keys.keys[i];
        if (key->type != KEY_TEXT || !key->initial_text) continue;
        eep_str *text = member(key, config);
        if (!text->ptr) TRY(arena_str(&config->arena, str_from(key->initial_text), text));
    }
    return EEP_OK;
}

static int read_all(struct load *load, uint32_t flags)
{
    set_initial_numbers(load->config);
    TRY(read_keys(load, &config_keys, &document, load->tree, load->config));
    if (flags & CONFIG_TRUST_ENV) load->config->trust_env = true;
    TRY(config_read_environment(load));
    TRY(set_initial_texts(load->config));
    TRY(config_check_together(load));
    TRY(config_report_unknown(load, &config_keys, &document, load->tree));
    return config_list_secrets(load->config);
}

static int load_text(eep_str text, uint32_t flags, struct findings *findings, struct config *config)
{
    CLEANUP(json_finish_secret) json *tree = NULL;
    if (text.ptr) TRY(parse(text, findings, &tree));
    if (text.ptr && !json_is_object(tree)) return EEP_OK; /* parse has said why */
    struct load load = {tree, flags & CONFIG_STRICT, findings, config};
    return read_all(&load, flags);
}

int config_load(eep_str text, uint32_t flags, struct findings *findings, struct config **out, struct err *err)
{
    *out = NULL;
    CLEANUP(config_destroy_ptr) struct config *config = calloc(1, sizeof *config);
    int status = config ? load_text(text, flags, findings, config) : EEP_E_NO_MEMORY;
    if (status == EEP_E_NO_MEMORY) return err_no_memory(err);
    if (status != EEP_OK) return err_set(err, status, "cannot read the configuration");
    if (findings->errors > 0) return EEP_OK;
    *out = config;
    config = NULL;
    return EEP_OK;
}

void config_destroy(struct config *config)
{
    if (!config) return;
    config_wipe_secrets(config);
    arena_free(&config->arena);
    free(config);
}

void config_destroy_ptr(struct config **config)
{
    config_destroy(*config);
    *config = NULL;
}

/* -- toolboxHosts ------------------------------------------------------------------------------ */

static bool ends_with(eep_str text, eep_str end)
{
    return text.len > end.len && strncasecmp(text.ptr + text.len - end.len, end.ptr, end.len) == 0;
}

static bool host_matches(eep_str host, eep_str pattern)
{
    if (str_has_prefix(pattern, "*.")) return ends_with(host, (eep_str){pattern.ptr + 1, pattern.len - 1});
    return host.len == pattern.len && strncasecmp(host.ptr, pattern.ptr, host.len) == 0;
}

bool config_toolbox_host_allowed(const struct config *config, eep_str host)
{
    for (size_t i = 0; i < config->toolbox_hosts.count; i++)
        if (host_matches(host, config->toolbox_hosts.items[i])) return true;
    return config->toolbox_hosts.count == 0;
}
