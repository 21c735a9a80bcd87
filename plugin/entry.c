/* entry.c: the table, and the one symbol that leaves this object. */
#include <curl/curlver.h>
#include <json-c/json_c_version.h>
#include <string.h>

#include "abi.h"
#include "async.h"
#include "call.h"
#include "config_schema_json.h"
#include "http/cancel.h"
#include "validate.h"
#include "version.h"

#define CALL(name, request_type, result_type)                                                                \
    static int32_t entry_##name(eep_env *env, const request_type *request, result_type *result,              \
                                eep_error *err)                                                              \
    {                                                                                                        \
        return call_run(&call_##name, env, request, result, err);                                            \
    }

CALL(probe, eep_probe_request, eep_probe)
CALL(acquire_lease, eep_acquire_request, eep_lease)
CALL(resume_lease, eep_resume_request, eep_lease)
CALL(realize_workspace, eep_realize_request, eep_workspace)
CALL(execute, eep_execute_request, eep_execution)
CALL(release, eep_release_request, eep_released)
CALL(attach, eep_attach_request, eep_execution)
CALL(kill, eep_kill_request, eep_execution)
CALL(list, eep_list_request, eep_execution_list)
CALL(drop, eep_drop_request, eep_execution)
CALL(lease_get, eep_lease_get_request, eep_leases)
CALL(leases, eep_leases_request, eep_leases)
CALL(keepalive, eep_keepalive_request, eep_kept)
CALL(reap, eep_reap_request, eep_reaping)
CALL(explain, eep_explain_request, eep_explanation)

static const eep_execution_table execution_table = {
    .struct_size = sizeof execution_table,
    .attach = entry_attach,
    .kill = entry_kill,
    .list = entry_list,
    .drop = entry_drop,
};

static const eep_lease_table lease_table = {
    .struct_size = sizeof lease_table,
    .get = entry_lease_get,
    .list = entry_leases,
    .keepalive = entry_keepalive,
    .reap = entry_reap,
    .explain = entry_explain,
};

static const void *get_extension(const char *id)
{
    if (!id) return NULL;
    if (strcmp(id, EEP_EXT_ASYNC) == 0) return &async_table;
    if (strcmp(id, EEP_EXT_EXECUTION) == 0) return &execution_table;
    return strcmp(id, EEP_EXT_LEASE) == 0 ? &lease_table : NULL;
}

static const eep_plugin table = {
    .struct_size = sizeof table,
    .abi_minor = EEP_ABI_MINOR,
    .min_host_minor = 0,
    .id = "daytona",
    .name = "Daytona cloud sandboxes",
    .version = EEP_DAYTONA_VERSION,
    .vendor = "eep-daytona contributors",
    .license = "NOASSERTION",
    .url = "https://www.daytona.io",
    .build_info = "compiler " __VERSION__ ", libcurl " LIBCURL_VERSION ", json-c " JSON_C_VERSION,
    .config_schema = config_schema_json,
    .validate_config = validate_config,
    .open = env_open,
    .close = env_close,
    .probe = entry_probe,
    .acquire_lease = entry_acquire_lease,
    .resume_lease = entry_resume_lease,
    .realize_workspace = entry_realize_workspace,
    .execute = entry_execute,
    .release = entry_release,
    .clear = abi_clear,
    .cancel_create = cancel_create,
    .cancel_fire = cancel_fire,
    .cancel_destroy = cancel_destroy,
    .get_extension = get_extension,
};

const eep_plugin *eep_plugin_v1(void)
{
    return &table;
}
