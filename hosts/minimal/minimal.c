/* minimal.c: a complete host. Loads a plugin, leases a sandbox, runs a command in it, gives it back.
 *
 *     DAYTONA_API_KEY=... build/minimal build/eep-daytona.so ['{"image": "debian:12"}']
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "eep.h"

/* Tells what went wrong, and is false then. Every call that can fail goes through here. */
static int ok(const eep_plugin *plugin, int32_t code, eep_error *error)
{
    if (code == EEP_OK) return 1;
    fprintf(stderr, "error %d: %s (%s)\n", code, error->message.ptr,
            error->where.ptr ? error->where.ptr : "-");
    if (error->lease.ptr && (error->head.flags & EEP_ERROR_MAYBE_APPLIED))
        fprintf(stderr, "may be left behind: %s\n", error->lease.ptr);
    plugin->clear(&error->head);
    return 0;
}

static int run(const eep_plugin *plugin, eep_env *env, eep_str lease, eep_error *error)
{
    static const char script[] = "echo hello; uname -a";
    eep_execute_request request = {.head = {.struct_size = sizeof request}, .lease = lease};
    eep_execution result = {.head = {.struct_size = sizeof result}};
    request.script = (eep_str){script, strlen(script)};
    int status = 1;
    if (ok(plugin, plugin->execute(env, &request, &result, error), error)) {
        fwrite(result.stdout_data.ptr, 1, result.stdout_data.len, stdout);
        fwrite(result.stderr_data.ptr, 1, result.stderr_data.len, stderr);
        printf("exit code %d\n", result.exit_code);
        status = result.exit_code;
    }
    plugin->clear(&result.head); /* also after a failure: output up to a deadline is kept */
    return status;
}

int main(int argc, char **argv)
{
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    eep_plugin_v1_fn entry = NULL;
    if (library) *(void **)&entry = dlsym(library, EEP_ENTRY_SYMBOL);
    const eep_plugin *plugin = entry ? entry() : NULL;
    if (!plugin || plugin->min_host_minor > EEP_ABI_MINOR) {
        const char *reason = dlerror();
        fprintf(stderr, "usage: minimal PLUGIN.so [CONFIG]\n%s\n", reason ? reason : "");
        return 2;
    }
    const char *config = argc > 2 ? argv[2] : "{}";
    eep_open_request open = {
        .struct_size = sizeof open, .flags = EEP_OPEN_TRUST_ENV, .config = {config, strlen(config)}};
    eep_acquire_request acquire = {.head = {.struct_size = sizeof acquire}};
    eep_lease lease = {.head = {.struct_size = sizeof lease}};
    eep_released released = {.head = {.struct_size = sizeof released}};
    eep_error error = {.head = {.struct_size = sizeof error}};
    eep_env *env = NULL;
    int status = 1;
    if (!ok(plugin, plugin->open(&open, &env, &error), &error)) return status;

    if (ok(plugin, plugin->acquire_lease(env, &acquire, &lease, &error), &error)) {
        status = run(plugin, env, lease.lease, &error);
        eep_release_request release = {
            .head = {.struct_size = sizeof release}, .lease = lease.lease, .mode = EEP_RELEASE_DESTROY};
        if (!ok(plugin, plugin->release(env, &release, &released, &error), &error)) status = 1;
        plugin->clear(&lease.head);
        plugin->clear(&released.head);
    }
    plugin->close(env);
    return status;
}
