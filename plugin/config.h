/* config.h: the configuration of one environment: from JSON text to checked, effective values.
 *
 * config_load reads the text (and, only if trusted, the process environment), reports everything that is
 * wrong with it at once, and gives a struct that is never changed again: any thread may read it. It knows no
 * network. The keys are in config_keys.c, their reference for users in docs/config.md. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "eep.h"

/* An integer that was not set, so that the service decides. */
#define CONFIG_UNSET INT64_MIN

/* The longest configuration text. */
#define CONFIG_TEXT_MAX (1u << 20)

struct config_list {
    eep_str *items;
    size_t count;
};

struct config_pairs {
    eep_pair *items;
    size_t count;
};

struct config_volume {
    eep_str volume_id;
    eep_str mount_path;
    eep_str subpath; /* absent = the whole volume */
};

struct config_volumes {
    struct config_volume *items;
    size_t count;
};

/* Effective values. Every present string has a NUL behind it; ptr NULL = not set. Strings are trimmed, except
 * the values of env and labels. */
struct config {
    /* The service and who we are */
    eep_str api_key; /* either this or jwt_token; a printable header value, as are the next two */
    eep_str jwt_token;
    eep_str organization_id; /* always set with jwt_token */
    eep_str api_url;         /* http or https, no slash at the end */
    eep_str target;
    eep_str owner;

    /* The sandbox */
    eep_str image; /* at most one of image and snapshot */
    eep_str snapshot;
    eep_str language;
    int64_t cpu; /* cores and GiB; CONFIG_UNSET when there is no image */
    int64_t memory;
    int64_t disk;
    int64_t gpu;
    eep_str user;
    eep_str workspace_dir; /* absolute, no slash at the end */
    struct config_pairs env;
    struct config_pairs labels;
    struct config_volumes volumes;
    bool network_block_all;
    struct config_list network_allow_list; /* IPv4 CIDRs */

    /* Its life: minutes */
    bool reuse_lease;
    int64_t auto_stop_interval;    /* CONFIG_UNSET or >= 0 */
    int64_t auto_archive_interval; /* CONFIG_UNSET or >= 0 */
    int64_t auto_delete_interval;  /* always set; -1 = never */

    /* Time and size */
    int64_t timeout_ms;
    int64_t grace_ms;
    int64_t connect_timeout_ms;
    int64_t execute_window_s;
    int64_t max_output_bytes;
    eep_str runner; /* auto, sh or native */

    /* The way to the service */
    eep_str ca_file; /* absolute path */
    eep_str proxy;   /* a URL or host:port; may hold a password */
    eep_str no_proxy;
    struct config_list toolbox_hosts; /* see config_toolbox_host_allowed */
    bool trust_env;

    struct config_list secrets; /* JSON pointers of the secrets that are set: "/apiKey" */
    void *arena;                /* what the pointers above show */
};

/* What was found, in a fixed order: the keys in the order of docs/config.md, what they say together, unknown
 * keys. FINDINGS_INIT before use, findings_finish after. */
#define FINDINGS_MAX 256u

struct findings {
    eep_finding *items;
    uint32_t count;
    uint32_t errors; /* how many of them are errors */
    void *arena;
};

#define FINDINGS_INIT                                                                                        \
    {                                                                                                        \
        .count = 0                                                                                           \
    }

void findings_finish(struct findings *findings);

#define CONFIG_STRICT    0x1u /* unknown keys are errors */
#define CONFIG_TRUST_ENV 0x2u /* as if `trustEnv` were true */

/* Reads and checks. EEP_OK whatever was found; *out is NULL when there are errors. An absent text is "{}".
 * Fails only for memory; *out is NULL then. */
NODISCARD int config_load(eep_str text, uint32_t flags, struct findings *findings, struct config **out,
                          struct err *err);

/* Wipes the secrets and frees; NULL does nothing. The second is for CLEANUP. */
void config_destroy(struct config *config);
void config_destroy_ptr(struct config **config);

/* Appends the normalised configuration: JSON with every key and its effective value, null for what the
 * service decides. Secrets are left out. EEP_OK, EEP_E_TOO_LARGE or EEP_E_NO_MEMORY, as buf_append. */
NODISCARD int config_normalized(const struct config *config, struct buf *out);

/* May a toolbox URL with this host be used? Yes if toolboxHosts is empty, names it, or has a pattern for it:
 * "*.daytona.io" stands for every host below daytona.io, not for daytona.io itself. Case does not matter. */
bool config_toolbox_host_allowed(const struct config *config, eep_str host);

#endif
