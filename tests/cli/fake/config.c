/* config.c: validate_config, open and close, probe. */
#include "fake.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a reading of the configuration found wrong; NULL = nothing. */
struct reading {
    const char *code;
    const char *pointer;
    const char *message;
    const char *unknown_key; /* a warning */
    char key[64];
    bool secret;
};

static bool read_key(struct eep_env *env, const char *key, json_object *value, struct reading *reading)
{
    if (strcmp(key, "dir") == 0)
        snprintf(env->dir, sizeof(env->dir), "%s", json_object_get_string(value));
    else if (strcmp(key, "acquireDelayMs") == 0)
        env->acquire_delay_ms = json_object_get_int(value);
    else if (strcmp(key, "failAcquire") == 0)
        env->fail_acquire = json_object_get_boolean(value);
    else if (strcmp(key, "failProbe") == 0)
        env->fail_probe = json_object_get_boolean(value);
    else if (strcmp(key, "failRelease") == 0)
        env->fail_release = json_object_get_boolean(value);
    else if (strcmp(key, "apiKey") == 0)
        reading->secret = true;
    else
        return false;
    return true;
}

static void read_config(struct eep_env *env, eep_str text, bool trust_env, struct reading *reading)
{
    char *copy = strndup(text.ptr, text.len);
    json_object *config = json_tokener_parse(copy);
    free(copy);
    const char *variable = getenv("FAKE_DIR");
    if (trust_env && variable) snprintf(env->dir, sizeof(env->dir), "%s", variable);
    if (!json_object_is_type(config, json_type_object)) {
        *reading = (struct reading){.code = "not_json", .pointer = "", .message = "this is no JSON object"};
        json_object_put(config);
        return;
    }
    json_object_object_foreach(config, key, value)
    {
        if (read_key(env, key, value, reading)) continue;
        snprintf(reading->key, sizeof(reading->key), "/%.60s", key);
        reading->unknown_key = reading->key;
    }
    json_object_put(config);
    if (!env->dir[0]) {
        reading->code = "dir_missing";
        reading->pointer = "/dir";
        reading->message = "the folder for the sandboxes is missing";
    }
}

int32_t fake_validate(const eep_validate_request *request, eep_validation *result, eep_error *err)
{
    if (!request || request->struct_size < sizeof(*request))
        return fake_fail(err, EEP_E_INVALID_ARGUMENT, "validate_config", "the request is too short");
    struct eep_env env = {0};
    struct reading reading = {0};
    read_config(&env, request->config, request->flags & EEP_VALIDATE_TRUST_ENV, &reading);

    eep_finding findings[2] = {0};
    uint32_t count = 0;
    bool strict = request->flags & EEP_VALIDATE_STRICT;
    if (reading.code)
        findings[count++] = (eep_finding){.severity = EEP_SEVERITY_ERROR,
                                          .code = fake_fixed(reading.code),
                                          .pointer = fake_fixed(reading.pointer),
                                          .message = fake_fixed(reading.message),
                                          .hint = fake_fixed("write {\"dir\": \"/a/folder\"}")};
    if (reading.unknown_key)
        findings[count++] = (eep_finding){.severity = strict ? EEP_SEVERITY_ERROR : EEP_SEVERITY_WARNING,
                                          .code = fake_fixed("unknown_key"),
                                          .pointer = fake_keep_text(&result->head, reading.unknown_key),
                                          .message = fake_fixed("nobody knows this key")};
    result->errors = (reading.code ? 1u : 0u) + (reading.unknown_key && strict ? 1u : 0u);
    result->valid = result->errors == 0;
    result->findings = fake_keep(&result->head, findings, sizeof(findings));
    result->finding_count = count;
    result->finding_stride = sizeof(eep_finding);
    char normalized[PATH_MAX];
    snprintf(normalized, sizeof(normalized), "{\"dir\":\"%s\"}", env.dir);
    if (result->valid) result->normalized = fake_keep_text(&result->head, normalized);
    eep_str secret = fake_fixed("/apiKey");
    result->secrets = fake_keep(&result->head, &secret, sizeof(secret));
    result->secret_count = reading.secret;
    result->secret_stride = sizeof(eep_str);
    return EEP_OK;
}

int32_t fake_open(const eep_open_request *request, eep_env **env, eep_error *err)
{
    struct reading reading = {0};
    struct eep_env *made = calloc(1, sizeof(*made));
    read_config(made, request->config, request->flags & EEP_OPEN_TRUST_ENV, &reading);
    if (reading.code) {
        free(made);
        return fake_fail(err, EEP_E_INVALID_CONFIG, "open", "%s: %s (1 error)", reading.pointer,
                         reading.message);
    }
    if (request->host && request->host->log && request->host->log_level >= EEP_LOG_DEBUG)
        request->host->log(request->host->ctx, EEP_LOG_DEBUG, "fake", "opened");
    *env = made;
    return EEP_OK;
}

void fake_close(eep_env *env)
{
    free(env);
}

int32_t fake_probe(eep_env *env, const eep_probe_request *request, eep_probe *result, eep_error *err)
{
    (void)err;
    uint32_t depth = request->max_depth ? request->max_depth : EEP_PROBE_AUTH;
    bool bad = env->fail_probe;
    eep_check checks[] = {
        {.status = EEP_CHECK_OK,
         .depth = EEP_PROBE_LOCAL,
         .name = fake_fixed("config"),
         .message = fake_fixed("is valid")},
        {.status = bad ? EEP_CHECK_FAILED : EEP_CHECK_OK,
         .depth = EEP_PROBE_REACH,
         .code = bad ? EEP_E_UNAVAILABLE : EEP_OK,
         .elapsed_ms = 1,
         .name = fake_fixed("folder"),
         .message = fake_fixed(bad ? "cannot be reached" : "is there")},
        {.status = bad || depth < EEP_PROBE_QUOTA ? EEP_CHECK_SKIPPED : EEP_CHECK_UNKNOWN,
         .depth = EEP_PROBE_QUOTA,
         .name = fake_fixed("quota"),
         .message = fake_fixed("folders have none")},
    };
    result->checks = fake_keep(&result->head, checks, sizeof(checks));
    result->check_count = 3;
    result->check_stride = sizeof(eep_check);
    result->failed = bad;
    result->unknown = checks[2].status == EEP_CHECK_UNKNOWN;
    result->api_url = fake_keep_text(&result->head, env->dir);
    return EEP_OK;
}
