/* bad_plugin.c: a plugin that is broken in the one way that BREAK names; loader_test.c expects each to be
 * refused. BREAK_NOTHING is the control: it must load. Nothing here is ever called but the entry.
 */
#include "eep.h"

#define BREAK_NOTHING     0
#define BREAK_NO_ENTRY    1
#define BREAK_NULL_TABLE  2
#define BREAK_SMALL_TABLE 3
#define BREAK_TOO_NEW     4
#define BREAK_NULL_SLOT   5
#define BREAK_NULL_TEXT   6
#define BREAK_NO_LIBRARY  7

#ifndef BREAK
#define BREAK BREAK_NOTHING
#endif

#if BREAK == BREAK_NO_LIBRARY
/* Nobody defines this: RTLD_NOW must find out. */
extern void eep_bad_plugin_missing_symbol(void);
#endif

#if BREAK != BREAK_NO_ENTRY && BREAK != BREAK_NULL_TABLE
static int32_t validate_config(const eep_validate_request *request, eep_validation *result, eep_error *err)
{
    (void)request, (void)result, (void)err;
    return EEP_E_UNSUPPORTED;
}

static int32_t open_env(const eep_open_request *request, eep_env **env, eep_error *err)
{
    (void)request, (void)env, (void)err;
    return EEP_E_UNSUPPORTED;
}

static void close_env(eep_env *env)
{
    (void)env;
#if BREAK == BREAK_NO_LIBRARY
    eep_bad_plugin_missing_symbol();
#endif
}

#define CALL(name, request_type, result_type)                                                                \
    static int32_t name(eep_env *env, const request_type *request, result_type *result, eep_error *err)      \
    {                                                                                                        \
        (void)env, (void)request, (void)result, (void)err;                                                   \
        return EEP_E_UNSUPPORTED;                                                                            \
    }
CALL(probe, eep_probe_request, eep_probe)
CALL(acquire_lease, eep_acquire_request, eep_lease)
CALL(resume_lease, eep_resume_request, eep_lease)
CALL(realize_workspace, eep_realize_request, eep_workspace)
#if BREAK != BREAK_NULL_SLOT
CALL(execute, eep_execute_request, eep_execution)
#endif
CALL(release, eep_release_request, eep_released)

static void clear(eep_out *out)
{
    (void)out;
}

static eep_cancel *cancel_create(void)
{
    return NULL;
}

static void cancel_fire(eep_cancel *token)
{
    (void)token;
}

static void cancel_destroy(eep_cancel *token)
{
    (void)token;
}

static const void *get_extension(const char *id)
{
    (void)id;
    return NULL;
}

static const eep_plugin table = {
#if BREAK == BREAK_SMALL_TABLE
    .struct_size = sizeof(eep_plugin) - 8,
#else
    .struct_size = sizeof(eep_plugin),
#endif
    .abi_minor = EEP_ABI_MINOR,
#if BREAK == BREAK_TOO_NEW
    .min_host_minor = EEP_ABI_MINOR + 1,
#endif
    .id = "bad",
    .name = "A plugin for tests of the loader",
    .version = "0.0.0",
#if BREAK != BREAK_NULL_TEXT
    .vendor = "tests",
#endif
    .license = "MIT",
    .url = "",
    .build_info = "",
    .config_schema = "{}",
    .validate_config = validate_config,
    .open = open_env,
    .close = close_env,
    .probe = probe,
    .acquire_lease = acquire_lease,
    .resume_lease = resume_lease,
    .realize_workspace = realize_workspace,
#if BREAK != BREAK_NULL_SLOT
    .execute = execute,
#endif
    .release = release,
    .clear = clear,
    .cancel_create = cancel_create,
    .cancel_fire = cancel_fire,
    .cancel_destroy = cancel_destroy,
    .get_extension = get_extension,
};
#endif

#if BREAK != BREAK_NO_ENTRY
const eep_plugin *eep_plugin_v1(void)
{
#if BREAK == BREAK_NULL_TABLE
    return NULL;
#else
    return &table;
#endif
}
#endif
