#include "config_keys.h"

#include "base/str.h"
#include "config_text.h"

#define AT(member)     offsetof(struct config, member)
#define VOLUME(member) offsetof(struct config_volume, member)
#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))

#define TEXT(key, at, bits, bytes, check)                                                                    \
    {                                                                                                        \
        .name = (key), .type = KEY_TEXT, .offset = (at), .flags = (bits), .longest = (bytes),                \
        .rule = (check)                                                                                      \
    }
#define TEXT_OR(text, key, at, bytes, check)                                                                 \
    {                                                                                                        \
        .name = (key), .type = KEY_TEXT, .offset = (at), .initial_text = (text), .longest = (bytes),         \
        .rule = (check)                                                                                      \
    }
#define INTEGER(key, at, low, high, value)                                                                   \
    {                                                                                                        \
        .name = (key), .type = KEY_INTEGER, .offset = (at), .min = (low), .max = (high), .initial = (value)  \
    }
#define BOOLEAN(key, at)                                                                                     \
    {                                                                                                        \
        .name = (key), .type = KEY_BOOLEAN, .offset = (at)                                                   \
    }
#define LIST(key, at, count, bytes, check)                                                                   \
    {                                                                                                        \
        .name = (key), .type = KEY_LIST, .offset = (at), .most = (count), .longest = (bytes),                \
        .rule = (check)                                                                                      \
    }
#define PAIRS(key, at, bits, count, bytes, check_name, check)                                                \
    {                                                                                                        \
        .name = (key), .type = KEY_PAIRS, .offset = (at), .flags = (bits), .most = (count),                  \
        .longest = (bytes), .name_rule = (check_name), .rule = (check)                                       \
    }
#define VOLUMES(key, at, count)                                                                              \
    {                                                                                                        \
        .name = (key), .type = KEY_VOLUMES, .offset = (at), .most = (count)                                  \
    }

#define MINUTES_MAX   INT32_MAX /* the service's intervals are 32-bit numbers */
#define RESOURCE_MAX  1024
#define EXECUTE_MS    300000
#define DAY_MS        86400000
#define ENV_VALUE_MAX 131071 /* Linux takes no longer string in an environment */
#define OUTPUT_BYTES  ((int64_t)256 << 20)
#define OUTPUT_MAX    ((int64_t)1 << 40)

static const struct key volume_keys[] = {
    TEXT("volumeId", VOLUME(volume_id), KEY_REQUIRED | KEY_BLANK_IS_ERROR, 255, text_plain),
    TEXT("mountPath", VOLUME(mount_path), KEY_REQUIRED | KEY_BLANK_IS_ERROR, 1024, text_absolute_path),
    TEXT("subpath", VOLUME(subpath), 0, 1024, text_relative_path),
};

/* In the order of findings, of the normalised configuration and of docs/config.md. */
static const struct key keys[] = {
    TEXT("apiKey", AT(api_key), KEY_SECRET, 1024, text_token),
    TEXT("jwtToken", AT(jwt_token), KEY_SECRET, 8192, text_token),
    TEXT("organizationId", AT(organization_id), 0, 128, text_token),
    TEXT_OR("https://app.daytona.io/api", "apiUrl", AT(api_url), 1024, text_api_url),
    TEXT("target", AT(target), 0, 255, text_plain),
    TEXT("owner", AT(owner), 0, 255, text_plain),

    TEXT("image", AT(image), KEY_BLANK_IS_ERROR, 512, text_image),
    TEXT("snapshot", AT(snapshot), KEY_BLANK_IS_ERROR, 512, text_plain),
    TEXT_OR("python", "language", AT(language), 64, text_language),
    INTEGER("cpu", AT(cpu), 1, RESOURCE_MAX, CONFIG_UNSET),
    INTEGER("memory", AT(memory), 1, RESOURCE_MAX, CONFIG_UNSET),
    INTEGER("disk", AT(disk), 1, 1024 * RESOURCE_MAX, CONFIG_UNSET),
    INTEGER("gpu", AT(gpu), 1, RESOURCE_MAX, CONFIG_UNSET),
    TEXT("user", AT(user), 0, 64, text_token),
    TEXT("workspaceDir", AT(workspace_dir), 0, 1024, text_absolute_path),
    PAIRS("env", AT(env), KEY_SECRET, 256, ENV_VALUE_MAX, text_env_name, text_without_nul),
    PAIRS("labels", AT(labels), 0, 64, 1024, text_label_name, text_plain),
    VOLUMES("volumes", AT(volumes), 32),
    BOOLEAN("networkBlockAll", AT(network_block_all)),
    LIST("networkAllowList", AT(network_allow_list), 10, 32, text_cidr),

    BOOLEAN("reuseLease", AT(reuse_lease)),
    INTEGER("autoStopInterval", AT(auto_stop_interval), 0, MINUTES_MAX, CONFIG_UNSET),
    INTEGER("autoArchiveInterval", AT(auto_archive_interval), 0, MINUTES_MAX, CONFIG_UNSET),
    INTEGER("autoDeleteInterval", AT(auto_delete_interval), -1, MINUTES_MAX, CONFIG_UNSET),

    INTEGER("timeoutMs", AT(timeout_ms), 1, DAY_MS, EXECUTE_MS),
    INTEGER("graceMs", AT(grace_ms), 1, 600000, 10000),
    INTEGER("connectTimeoutMs", AT(connect_timeout_ms), 1, 300000, 10000),
    INTEGER("executeWindowS", AT(execute_window_s), 1, 300, 20),
    INTEGER("maxOutputBytes", AT(max_output_bytes), 1, OUTPUT_MAX, OUTPUT_BYTES),
    TEXT_OR("auto", "runner", AT(runner), 16, text_runner),

    TEXT("caFile", AT(ca_file), 0, 4096, text_absolute_path),
    TEXT("proxy", AT(proxy), KEY_MAYBE_SECRET, 1024, text_proxy),
    TEXT("noProxy", AT(no_proxy), 0, 4096, text_plain),
    LIST("toolboxHosts", AT(toolbox_hosts), 64, 255, text_host_pattern),
    BOOLEAN("trustEnv", AT(trust_env)),
};

const struct key_set config_keys = {keys, COUNT(keys)};
const struct key_set config_volume_keys = {volume_keys, COUNT(volume_keys)};

const struct key *key_find(const struct key_set *set, eep_str name)
{
    for (size_t i = 0; i < set->count; i++)
        if (str_is(name, set->keys[i].name)) return &set->keys[i];
    return NULL;
}
