/* api_usage.c: GET /organizations/{id}/usage: how much of its quota an organization uses. Without --quota nothing is
 * told of any region, as of those whose quotas the service does not enforce. */
#include "handlers.h"
#include "quota.h"

/* What no limit looks like beside one. */
#define ENOUGH 1000000

static void add_number(struct json_object *object, const char *key, int number)
{
    json_object_object_add(object, key, json_object_new_int(number));
}

static void add_total(struct json_object *object, const char *key, int limit)
{
    add_number(object, key, limit > 0 ? limit : ENOUGH);
}

static void add_each(struct json_object *object, const char *key, int limit)
{
    json_object_object_add(object, key, limit > 0 ? json_object_new_int(limit) : NULL);
}

static struct json_object *region_usage(const struct options *options, struct quota used)
{
    struct json_object *region = json_object_new_object();
    json_object_object_add(region, "regionId", json_object_new_string("local"));
    json_object_object_add(region, "sandboxClass", json_object_new_string("container"));
    add_total(region, "totalCpuQuota", options->quota.cpu);
    add_total(region, "totalMemoryQuota", options->quota.memory);
    add_total(region, "totalDiskQuota", options->quota.disk);
    add_number(region, "totalGpuQuota", 0);
    add_number(region, "currentCpuUsage", used.cpu);
    add_number(region, "currentMemoryUsage", used.memory);
    add_number(region, "currentDiskUsage", used.disk);
    add_number(region, "currentGpuUsage", 0);
    add_each(region, "maxCpuPerSandbox", options->sandbox_quota.cpu);
    add_each(region, "maxMemoryPerSandbox", options->sandbox_quota.memory);
    add_each(region, "maxDiskPerSandbox", options->sandbox_quota.disk);
    add_each(region, "maxDiskPerNonEphemeralSandbox", 0);
    add_each(region, "maxCpuPerGpuSandbox", 0);
    add_each(region, "maxMemoryPerGpuSandbox", 0);
    add_each(region, "maxDiskPerGpuSandbox", 0);
    return region;
}

void api_usage(struct request *request)
{
    const struct options *options = &request->standin->options;
    struct registry *registry = &request->standin->registry;
    struct json_object *body = json_object_new_object(), *regions = json_object_new_array();
    registry_lock(registry);
    struct quota used = quota_in_use(registry);
    registry_unlock(registry);
    if (options->quota.cpu > 0 || options->quota.memory > 0 || options->quota.disk > 0)
        json_object_array_add(regions, region_usage(options, used));
    json_object_object_add(body, "regionUsage", regions);
    add_total(body, "totalSnapshotQuota", 0);
    add_number(body, "currentSnapshotUsage", 0);
    add_total(body, "totalVolumeQuota", 0);
    add_number(body, "currentVolumeUsage", 0);
    reply_json(request, 200, body);
}
