/* checks.c: see checks.h. */
#include "checks.h"

const struct option_choice check_depths[] = {{"local", EEP_PROBE_LOCAL}, {"reach", EEP_PROBE_REACH},
                                             {"auth", EEP_PROBE_AUTH},   {"quota", EEP_PROBE_QUOTA},
                                             {"full", EEP_PROBE_FULL},   {NULL, 0}};

const eep_check *check_at(const eep_probe *probe, uint32_t index)
{
    return (const eep_check *)((const char *)probe->checks + (size_t)index * probe->check_stride);
}

static const char *depth_name(uint32_t depth)
{
    for (const struct option_choice *choice = check_depths; choice->name; choice++)
        if (choice->value == depth) return choice->name;
    return NULL;
}

const char *check_status_name(uint32_t status)
{
    static const char *const names[] = {"UNKNOWN", "OK", "FAILED", "SKIPPED", "UNKNOWN"};
    return status < sizeof(names) / sizeof(names[0]) ? names[status] : names[0];
}

void check_print_mark(const struct out *out, uint32_t status)
{
    switch (status) {
    case EEP_CHECK_OK: out_painted(out, OUT_GREEN, "ok", CHECK_MARK_WIDTH); return;
    case EEP_CHECK_FAILED: out_painted(out, OUT_RED, "FAILED", CHECK_MARK_WIDTH); return;
    case EEP_CHECK_SKIPPED: out_painted(out, OUT_DIM, "skipped", CHECK_MARK_WIDTH); return;
    default: out_painted(out, OUT_YELLOW, "unknown", CHECK_MARK_WIDTH); return;
    }
}

static json_object *check_to_json(const eep_check *check)
{
    json_object *object = json_new_object();
    json_add_str(object, "name", check->name);
    json_add_text(object, "status", check_status_name(check->status));
    json_add_text(object, "depth", depth_name(check->depth));
    json_add_int(object, "code", check->code);
    json_add_text(object, "codeName", err_name(check->code));
    json_add_int(object, "ms", check->elapsed_ms);
    json_add_str(object, "message", check->message);
    return object;
}

int probe_print_json(const eep_probe *probe, struct err *err)
{
    CLEANUP(json_release) json_object *object = json_new_object();
    json_object *checks = json_new_array();
    for (uint32_t i = 0; i < probe->check_count; i++)
        json_append(checks, check_to_json(check_at(probe, i)));
    json_add_bool(object, "healthy", probe->failed == 0);
    json_add_int(object, "failed", probe->failed);
    json_add_int(object, "unknown", probe->unknown);
    json_add_str(object, "apiUrl", probe->api_url);
    json_add_str(object, "serverVersion", probe->server_version);
    json_add_str(object, "lease", probe->lease);
    json_add_str(object, "sandboxName", probe->sandbox_name);
    json_add_str(object, "target", probe->target);
    json_add_str(object, "shell", probe->shell);
    json_add_str(object, "workspace", probe->workspace);
    json_add(object, "checks", checks);
    return json_print(object, err);
}
