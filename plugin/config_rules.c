#include "config_rules.h"

#include "base/str.h"

#define HOSTED_DISK_GIB       10 /* most that the hosted service gives one sandbox (protocol 12.2) */
#define DELETE_AFTER_STOP_MIN 60
#define NEVER_DELETE          (-1)

static const struct place document = {.parent = NULL};

static struct place place_of(const char *key)
{
    return (struct place){.parent = &document, .step = str_from(key)};
}

static int add(struct load *load, enum finding_kind kind, const char *key, const char *predicate)
{
    struct place place = place_of(key);
    return finding_add(load->findings, kind, &place, "%s", predicate);
}

static int check_credentials(struct load *load)
{
    const struct config *config = load->config;
    bool key = config->api_key.ptr, token = config->jwt_token.ptr;
    bool blamed = findings_blame(load->findings, "apiKey") || findings_blame(load->findings, "jwtToken");
    if (key && token) return add(load, FOUND_TWO_CREDENTIALS, "jwtToken", "is set, but apiKey is set too");
    if (!key && !token && !blamed)
        return add(load, config->trust_env ? FOUND_MISSING_CREDENTIALS_TRUSTED : FOUND_MISSING_CREDENTIALS,
                   "apiKey", "is missing, and there is no jwtToken either");
    if (token && !config->organization_id.ptr && !findings_blame(load->findings, "organizationId"))
        return add(load, FOUND_MISSING_ORGANIZATION, "organizationId", "is missing, and jwtToken needs it");
    return EEP_OK;
}

static int check_source(struct load *load)
{
    const struct config *config = load->config;
    if (!config->image.ptr || !config->snapshot.ptr) return EEP_OK;
    return add(load, FOUND_IMAGE_AND_SNAPSHOT, "snapshot", "is set, but image is set too");
}

/* Protocol 4.3: the service refuses sizes without an image; the adapters dropped them silently. */
static int check_resource(struct load *load, const char *key, int64_t value)
{
    bool image = load->config->image.ptr || findings_blame(load->findings, "image");
    if (value == CONFIG_UNSET || image) return EEP_OK;
    return add(load, FOUND_RESOURCES_WITHOUT_IMAGE, key, "needs image: a snapshot brings its own size");
}

static int check_resources(struct load *load)
{
    const struct config *config = load->config;
    TRY(check_resource(load, "cpu", config->cpu));
    TRY(check_resource(load, "memory", config->memory));
    TRY(check_resource(load, "disk", config->disk));
    TRY(check_resource(load, "gpu", config->gpu));
    if (config->disk == CONFIG_UNSET || config->disk <= HOSTED_DISK_GIB) return EEP_OK;
    struct place place = place_of("disk");
    return finding_add(load->findings, FOUND_DISK_ABOVE_HOSTED_LIMIT, &place,
                       "is more than the %d GiB that the hosted service gives a sandbox", HOSTED_DISK_GIB);
}

/* A lease that is kept must outlive its stop; any other shall not be left behind for ever. */
static void set_auto_delete(struct config *config)
{
    if (config->auto_delete_interval != CONFIG_UNSET) return;
    config->auto_delete_interval = config->reuse_lease ? NEVER_DELETE : DELETE_AFTER_STOP_MIN;
}

static int check_life(struct load *load)
{
    const struct config *config = load->config;
    bool blamed = findings_blame(load->findings, "autoDeleteInterval");
    if (config->gpu != CONFIG_UNSET && config->auto_delete_interval != 0 && !blamed)
        TRY(add(load, FOUND_GPU_NEEDS_EPHEMERAL, "gpu",
                "is only given to sandboxes that are deleted when they stop"));
    if (config->reuse_lease && config->auto_delete_interval == 0)
        TRY(add(load, FOUND_REUSED_BUT_EPHEMERAL, "autoDeleteInterval",
                "is 0: a released lease is deleted, although reuseLease is set"));
    if (config->auto_stop_interval == 0)
        TRY(add(load, FOUND_NEVER_STOPS, "autoStopInterval",
                "is 0: a forgotten sandbox runs, and costs, for ever"));
    /* The proxy tells of use every 50 s, and that is written down late. */
    if (config->auto_stop_interval == 1)
        TRY(add(
            load, FOUND_STOPS_UNDER_WORK, "autoStopInterval",
            "is 1: the service notices use so late that it may stop the sandbox under a running command"));
    return EEP_OK;
}

static int check_network(struct load *load)
{
    const struct config *config = load->config;
    if (!config->network_block_all || config->network_allow_list.count == 0) return EEP_OK;
    return add(load, FOUND_BLOCKED_BUT_ALLOWED, "networkAllowList",
               "is set, but networkBlockAll blocks everything");
}

int config_check_together(struct load *load)
{
    set_auto_delete(load->config);
    TRY(check_credentials(load));
    TRY(check_source(load));
    TRY(check_resources(load));
    TRY(check_life(load));
    return check_network(load);
}
