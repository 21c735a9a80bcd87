/* explain_quota.c: may it be started? The service counts what started sandboxes have of the organization's quota. */
#include "base/str.h"
#include "daytona/account.h"
#include "explaining.h"

/* One resource: appends "CPU 10 of 10" if there is too little left of it. */
static void judge_resource(json *region, const char *name, const char *current_key, const char *total_key,
                           int64_t needed, struct buf *short_of)
{
    int64_t current = 0, total = 0;
    if (!json_get_i64(region, current_key, &current) || !json_get_i64(region, total_key, &total)) return;
    if (current + needed <= total) return;
    int status =
        buf_appendf(short_of, "%s%s: %lld of %lld are in use, it needs %lld", short_of->len ? "; " : "", name,
                    (long long)current, (long long)total, (long long)needed);
    (void)status; /* what does not fit is left out */
}

/* The disk of a stopped sandbox is counted already. */
static void judge_region(const struct explaining *explaining, json *region, struct buf *short_of)
{
    const struct sandbox *sandbox = &explaining->sandbox;
    bool archived = str_is(sandbox->state, "archived");
    judge_resource(region, "CPU", "currentCpuUsage", "totalCpuQuota", sandbox_number(sandbox, "cpu", 0),
                   short_of);
    judge_resource(region, "memory (GiB)", "currentMemoryUsage", "totalMemoryQuota",
                   sandbox_number(sandbox, "memory", 0), short_of);
    if (archived)
        judge_resource(region, "disk (GiB)", "currentDiskUsage", "totalDiskQuota",
                       sandbox_number(sandbox, "disk", 0), short_of);
}

static json *region_of(json *usage, eep_str target)
{
    json *regions = json_get(usage, "regionUsage");
    for (size_t i = 0; i < json_len(regions); i++)
        if (str_eq(json_str(json_get(json_at(regions, i), "regionId")), target)) return json_at(regions, i);
    return NULL;
}

static void judge_usage(struct explaining *explaining, json *usage)
{
    CLEANUP(buf_finish) struct buf short_of = BUF_INIT(512);
    struct err why = ERR_INIT;
    json *region = region_of(usage, explaining->sandbox.target);
    if (!region) {
        symptoms_unknown(&explaining->symptoms, SYMPTOM_QUOTA,
                         "the service tells no usage of the sandbox's region");
        return;
    }
    judge_region(explaining, region, &short_of);
    if (short_of.len == 0) {
        symptoms_ok(&explaining->symptoms, SYMPTOM_QUOTA, "there is room to start it");
        return;
    }
    err_set(&why, EEP_E_QUOTA, "%s", buf_cstr(&short_of));
    symptoms_failed(
        &explaining->symptoms, SYMPTOM_QUOTA, &why,
        "release others (list and reap tell which are idle), or have the organization's limit raised");
}

/* Only of interest when something has to be started. */
void explaining_look_at_quota(struct explaining *explaining)
{
    CLEANUP(json_finish) json *usage = NULL;
    struct err err = ERR_INIT;
    const struct sandbox *sandbox = &explaining->sandbox;
    if (sandbox->phase != PHASE_RESTING && sandbox->phase != PHASE_FAILED) return;
    symptoms_begin(&explaining->symptoms);
    int status = account_usage(explaining_client(explaining), sandbox->organization, &explaining->op->wait,
                               &usage, &err);
    if (op_was_stopped(status))
        symptoms_failed(&explaining->symptoms, SYMPTOM_QUOTA, &err, "ask again");
    else if (status != EEP_OK)
        symptoms_unknown(&explaining->symptoms, SYMPTOM_QUOTA,
                         "the service does not tell what is in use; a start that finds no room says so");
    else
        judge_usage(explaining, usage);
}
