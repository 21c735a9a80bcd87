/* explain_quota.c: may it be started? The service counts what started sandboxes have of the organization's quota. */
#include "base/str.h"
#include "daytona/account.h"
#include "explaining.h"

/* One resource: appends "CPU: 10 of 10 are in use, it needs 1" if there is too little left of it. No quota is what regions
 * have where it is not enforced. */
static void judge_resource(json *region, const char *name, const char *current_key, const char *total_key,
                           int64_t needed, struct buf *short_of)
{
    int64_t current = 0, total = 0;
    if (!json_get_i64(region, current_key, &current) || !json_get_i64(region, total_key, &total)) return;
    if (total <= 0 || current < 0 || needed < 0) return;
    if (current <= total && needed <= total - current) return;
    int status =
        buf_appendf(short_of, "%s%s: %lld of %lld are in use, it needs %lld", short_of->len ? "; " : "", name,
                    (long long)current, (long long)total, (long long)needed);
    (void)status; /* what does not fit is left out */
}

/* The disk of a stopped or paused sandbox is counted already; that of an archived or failed one is not. */
static void judge_region(const struct sandbox *sandbox, json *region, struct buf *short_of)
{
    bool counted = sandbox->phase == PHASE_RESTING && !str_is(sandbox->state, "archived");
    judge_resource(region, "CPU", "currentCpuUsage", "totalCpuQuota", sandbox_number(sandbox, "cpu", 0),
                   short_of);
    judge_resource(region, "memory (GiB)", "currentMemoryUsage", "totalMemoryQuota",
                   sandbox_number(sandbox, "memory", 0), short_of);
    judge_resource(region, "disk (GiB)", "currentDiskUsage", "totalDiskQuota",
                   counted ? 0 : sandbox_number(sandbox, "disk", 0), short_of);
    judge_resource(region, "GPU", "currentGpuUsage", "totalGpuQuota", sandbox_number(sandbox, "gpu", 0),
                   short_of);
}

/* Quotas are those of a region and a class of sandboxes; older services know no classes. */
static json *region_of(json *usage, const struct sandbox *sandbox)
{
    json *regions = json_get(usage, "regionUsage");
    eep_str of = json_str(json_get(sandbox->tree, "sandboxClass"));
    for (size_t i = 0; i < json_len(regions); i++) {
        json *region = json_at(regions, i);
        eep_str kind = json_str(json_get(region, "sandboxClass"));
        bool same_kind = str_empty(of) || str_empty(kind) || str_eq(of, kind);
        if (same_kind && str_eq(json_str(json_get(region, "regionId")), sandbox->target)) return region;
    }
    return NULL;
}

static void judge_usage(struct explaining *explaining, json *usage)
{
    CLEANUP(buf_finish) struct buf short_of = BUF_INIT(512);
    struct err why = ERR_INIT;
    json *region = region_of(usage, &explaining->sandbox);
    if (!region) {
        looks_unknown(&explaining->symptoms.looks, SYMPTOM_QUOTA,
                      "the service tells no usage of the sandbox's region");
        return;
    }
    judge_region(&explaining->sandbox, region, &short_of);
    if (short_of.len == 0) {
        looks_ok(&explaining->symptoms.looks, SYMPTOM_QUOTA, "there is room to start it");
        return;
    }
    err_set(&why, EEP_E_QUOTA, "%s", buf_cstr(&short_of));
    symptoms_failed(
        &explaining->symptoms, SYMPTOM_QUOTA, &why,
        "release others (list and reap tell which are idle), or have the organization's limit raised");
}

static void ask_for_usage(struct explaining *explaining)
{
    CLEANUP(json_finish) json *usage = NULL;
    struct err err = ERR_INIT;
    int status = account_usage(explaining_client(explaining), explaining->sandbox.organization,
                               &explaining->op->wait, &usage, &err);
    if (op_was_stopped(status))
        symptoms_failed(&explaining->symptoms, SYMPTOM_QUOTA, &err, "ask again");
    else if (status != EEP_OK)
        looks_unknown(&explaining->symptoms.looks, SYMPTOM_QUOTA,
                      "the service does not tell what is in use; a start that finds no room says so");
    else
        judge_usage(explaining, usage);
}

void explaining_look_at_quota(struct explaining *explaining)
{
    enum sandbox_phase phase = explaining->sandbox.phase;
    looks_begin(&explaining->symptoms.looks);
    if (phase != PHASE_RESTING && phase != PHASE_FAILED)
        looks_skipped(&explaining->symptoms.looks, SYMPTOM_QUOTA, "only of interest for a start");
    else if (str_absent(explaining->op->env->config->api_key))
        ask_for_usage(explaining);
    else
        looks_unknown(&explaining->symptoms.looks, SYMPTOM_QUOTA,
                      "the service does not tell what is in use to an API key, only to a jwtToken; a "
                      "start that finds no room says so");
}
