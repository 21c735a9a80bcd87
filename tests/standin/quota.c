#include "quota.h"

#include <stdio.h>

#define UPGRADE                                                                                              \
    "To increase concurrency limits, upgrade your organization's Tier by visiting the dashboard's /limits."
#define CONTACT "Need higher resource limits per-sandbox? This one is the stand-in's --sandbox-quota."

int quota_parse(struct quota *quota, const char *text, struct fail *why)
{
    char rest;
    if (sscanf(text, "%d/%d/%d%c", &quota->cpu, &quota->memory, &quota->disk, &rest) == 3 &&
        quota->cpu >= 0 && quota->memory >= 0 && quota->disk >= 0)
        return 0;
    return fail_set(why, "a quota is CORES/MEMORY/DISK, as 10/10/30 (GiB; 0 = no limit), not %.100s", text);
}

static int amount(struct json_object *fields, const char *key)
{
    return json_object_get_int(json_object_object_get(fields, key));
}

static bool needs_disk(const struct sandbox *sandbox)
{
    return sandbox->state != STATE_ARCHIVED && sandbox->state != STATE_DESTROYING &&
           sandbox->state != STATE_DESTROYED && !sandbox_is_failed(sandbox);
}

static bool needs_compute(const struct sandbox *sandbox)
{
    return needs_disk(sandbox) && sandbox->state != STATE_STOPPED && sandbox->state != STATE_ARCHIVING &&
           sandbox->state != STATE_PAUSED;
}

static struct quota usage(const struct registry *registry, const struct sandbox *without)
{
    struct quota sum = {0};
    for (const struct sandbox *at = registry->first; at != NULL; at = at->next) {
        if (at == without) continue;
        if (needs_disk(at)) sum.disk += amount(at->fields, "disk");
        if (needs_compute(at)) {
            sum.cpu += amount(at->fields, "cpu");
            sum.memory += amount(at->fields, "memory");
        }
    }
    return sum;
}

static int check_each(const struct quota *each, struct json_object *fields, struct fail *why)
{
    int cpu = amount(fields, "cpu"), memory = amount(fields, "memory"), disk = amount(fields, "disk");
    if (each->cpu > 0 && cpu > each->cpu)
        return fail_set(why, "CPU request %d exceeds maximum allowed per sandbox (%d).\n" CONTACT, cpu,
                        each->cpu);
    if (each->memory > 0 && memory > each->memory)
        return fail_set(why, "Memory request %dGB exceeds maximum allowed per sandbox (%dGB).\n" CONTACT,
                        memory, each->memory);
    if (each->disk > 0 && disk > each->disk)
        return fail_set(why, "Disk request %dGB exceeds maximum allowed per sandbox (%dGB).\n" CONTACT, disk,
                        each->disk);
    return 0;
}

int quota_check(const struct quota *total, const struct quota *each, const struct registry *registry,
                struct json_object *fields, const struct sandbox *itself, struct fail *why)
{
    struct quota used = usage(registry, itself);
    TRY(check_each(each, fields, why));
    if (total->cpu > 0 && used.cpu + amount(fields, "cpu") > total->cpu)
        return fail_set(why, "Total CPU limit exceeded. Maximum allowed: %d.\n" UPGRADE, total->cpu);
    if (total->memory > 0 && used.memory + amount(fields, "memory") > total->memory)
        return fail_set(why, "Total memory limit exceeded. Maximum allowed: %dGiB.\n" UPGRADE, total->memory);
    if (total->disk > 0 && used.disk + amount(fields, "disk") > total->disk)
        return fail_set(why,
                        "Total disk limit exceeded. Maximum allowed: %dGiB.\nConsider archiving your unused "
                        "Sandboxes to free up available storage.\n" UPGRADE,
                        total->disk);
    return 0;
}

struct quota quota_in_use(const struct registry *registry)
{
    return usage(registry, NULL);
}
