#include "validate.h"

#include "abi.h"
#include "base/arena.h"
#include "base/str.h"
#include "config.h"

/* The normalised text holds the checked one with each character escaped at the worst, and every key. */
#define NORMALIZED_MAX (6 * CONFIG_TEXT_MAX + 65536)

static uint32_t load_flags(uint32_t flags)
{
    return (flags & EEP_VALIDATE_STRICT ? CONFIG_STRICT : 0) |
           (flags & EEP_VALIDATE_TRUST_ENV ? CONFIG_TRUST_ENV : 0);
}

static int copy_secrets(const struct config_list *secrets, eep_validation *out)
{
    eep_str *copies = arena_alloc(&out->head.arena, secrets->count * sizeof *copies);
    if (!copies) return EEP_E_NO_MEMORY;
    for (size_t i = 0; i < secrets->count; i++)
        TRY(arena_str(&out->head.arena, secrets->items[i], &copies[i]));
    out->secrets = copies;
    out->secret_count = (uint32_t)secrets->count;
    return EEP_OK;
}

/* Copies into the result what a valid configuration has to tell. */
static int describe(const struct config *config, eep_validation *out, struct err *err)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(NORMALIZED_MAX);
    int status = config_normalized(config, &text);
    if (status != EEP_OK) return buf_error(&text, status, "the normalised configuration", err);
    if (arena_str(&out->head.arena, buf_str(&text), &out->normalized) != EEP_OK) return err_no_memory(err);
    if (copy_secrets(&config->secrets, out) != EEP_OK) return err_no_memory(err);
    out->valid = 1;
    return EEP_OK;
}

/* The findings and their arena go over into the result. */
static void take_findings(struct findings *findings, eep_validation *out)
{
    out->head.arena = findings->arena;
    out->findings = findings->items;
    out->finding_count = findings->count;
    out->errors = findings->errors;
    *findings = (struct findings)FINDINGS_INIT;
}

static int validate(const eep_validate_request *request, eep_validation *out, struct err *err)
{
    CLEANUP(findings_finish) struct findings findings = FINDINGS_INIT;
    CLEANUP(config_destroy_ptr) struct config *config = NULL;
    TRY(abi_check_flags(request->flags, EEP_VALIDATE_STRICT | EEP_VALIDATE_TRUST_ENV, "validate_config",
                        err));
    TRY(abi_check_str(request->config, SIZE_MAX, "config", err));
    TRY(config_load(request->config, load_flags(request->flags), &findings, &config, err));
    take_findings(&findings, out);
    return config ? describe(config, out, err) : EEP_OK;
}

static int run(const eep_validate_request *host_request, eep_validation *host_result, struct err *err)
{
    eep_validate_request request;
    eep_validation result = {.finding_stride = sizeof(eep_finding), .secret_stride = sizeof(eep_str)};
    TRY(abi_check_result(host_result, "validate_config", err));
    TRY(abi_import(&request, sizeof request, sizeof request, host_request, "validate_config", err));
    int status = validate(&request, &result, err);
    if (status == EEP_OK)
        abi_export(host_result, &result, sizeof result);
    else
        arena_free(&result.head.arena);
    return status;
}

int32_t validate_config(const eep_validate_request *request, eep_validation *result, eep_error *error)
{
    struct err err = ERR_INIT;
    if (run(request, result, &err) == EEP_OK) return EEP_OK;
    err_where(&err, "validate_config");
    return abi_export_error(error, &err);
}
