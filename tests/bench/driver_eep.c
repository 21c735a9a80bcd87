/* driver_eep: the plugin, through dlopen, as a host in C uses it. See driver.h.
 *
 *     acquire                          resume LEASE     realize LEASE     release LEASE
 *     execute LEASE SCRIPT             sh -c SCRIPT
 *     stdin LEASE BYTES SCRIPT         the same with that much text as its input
 *     again LEASE ID SCRIPT            the same with an execution id
 *     load LEASE COUNT INFLIGHT        that many `echo hi` in that many threads
 *     async LEASE COUNT INFLIGHT       the same with eep.async/1, in one thread
 *     output LEASE BYTES               a command that writes so much; it is read through on_output
 *     upload LEASE BYTES               a file into the workspace
 *     first LEASE                      loads the plugin, opens an environment, executes
 *     state
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "driver.h"
#include "driver_eep.h"

static const eep_plugin *plugin;
static eep_env *env;

/* -- The plugin -------------------------------------------------------------------------------- */

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "driver_eep: %s\n", what ? what : "failed");
    exit(2);
}

static void load_plugin(void)
{
    eep_plugin_v1_fn entry = NULL;
    void *library = dlopen(driver_setting("BENCH_PLUGIN"), RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) die(dlerror());
    *(void **)&entry = dlsym(library, EEP_ENTRY_SYMBOL);
    if (entry == NULL) die(dlerror());
    plugin = entry();
}

static void open_env(void)
{
    char config[2048];
    const char *ca = getenv("BENCH_CA");
    const char *runner = getenv("BENCH_RUNNER");
    eep_error error = {.head.struct_size = sizeof error};
    snprintf(config, sizeof config,
             "{\"apiUrl\":\"%s\",\"apiKey\":\"%s\",\"timeoutMs\":120000,\"maxOutputBytes\":4294967296,"
             "\"runner\":\"%s\"%s%s%s}",
             driver_setting("BENCH_API"), driver_setting("BENCH_KEY"), runner ? runner : "auto",
             ca ? ",\"caFile\":\"" : "", ca ? ca : "", ca ? "\"" : "");
    eep_open_request request = {.struct_size = sizeof request, .config = text(config)};
    if (plugin->open(&request, &env, &error) != EEP_OK) die(error.message.ptr);
}

static void need_env(void)
{
    if (plugin == NULL) load_plugin();
    if (env == NULL) open_env();
}

/* A failed call's text, kept until the next. */
static void tell(struct outcome *outcome, double begin, int32_t code, eep_error *error)
{
    static char message[1024];
    outcome->ms = driver_now_ms() - begin;
    if (code != EEP_OK) {
        snprintf(message, sizeof message, "%d: %s", code, error->message.ptr ? error->message.ptr : "");
        outcome->error = message;
    }
    plugin->clear(&error->head);
}

/* -- The calls --------------------------------------------------------------------------------- */

static char lease_id[EEP_LEASE_MAX + 1];

static void keep_lease(struct outcome *outcome, eep_lease *lease)
{
    if (lease->lease.ptr) {
        snprintf(lease_id, sizeof lease_id, "%s", lease->lease.ptr);
        outcome->lease = lease_id;
    }
    plugin->clear(&lease->head);
}

static void do_acquire(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    (void)words;
    need_env();
    eep_acquire_request request = {.head.struct_size = sizeof request};
    eep_lease lease = {.head.struct_size = sizeof lease};
    eep_error error = {.head.struct_size = sizeof error};
    double begin = driver_now_ms();
    tell(outcome, begin, plugin->acquire_lease(env, &request, &lease, &error), &error);
    keep_lease(outcome, &lease);
}

static void do_resume(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    need_env();
    eep_resume_request request = {.head.struct_size = sizeof request, .lease = text(words[1])};
    eep_lease lease = {.head.struct_size = sizeof lease};
    eep_error error = {.head.struct_size = sizeof error};
    double begin = driver_now_ms();
    tell(outcome, begin, plugin->resume_lease(env, &request, &lease, &error), &error);
    keep_lease(outcome, &lease);
}

static void realize(char *const words[DRIVER_WORDS], const eep_source *source, struct outcome *outcome)
{
    need_env();
    eep_realize_request request = {.head.struct_size = sizeof request,
                                   .lease = text(words[1]),
                                   .sources = source,
                                   .source_count = source != NULL};
    eep_workspace workspace = {.head.struct_size = sizeof workspace};
    eep_error error = {.head.struct_size = sizeof error};
    double begin = driver_now_ms();
    tell(outcome, begin, plugin->realize_workspace(env, &request, &workspace, &error), &error);
    if (workspace.failed > 0) outcome->error = "the file was not written";
    plugin->clear(&workspace.head);
}

static void do_realize(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    realize(words, NULL, outcome);
}

static void do_upload(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    size_t size = driver_number(words[2]);
    char *data = malloc(size + 1);
    if (data == NULL) die("out of memory");
    memset(data, 'x', size);
    eep_source source = {.kind = EEP_SOURCE_FILE, .path = TEXT("upload"), .data = {data, size}};
    realize(words, &source, outcome);
    free(data);
}

static void do_release(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    need_env();
    eep_release_request request = {
        .head.struct_size = sizeof request, .lease = text(words[1]), .mode = EEP_RELEASE_DESTROY};
    eep_released released = {.head.struct_size = sizeof released};
    eep_error error = {.head.struct_size = sizeof error};
    double begin = driver_now_ms();
    tell(outcome, begin, plugin->release(env, &request, &released, &error), &error);
    plugin->clear(&released.head);
}

/* -- Executions -------------------------------------------------------------------------------- */

static eep_execution execution;

/* Runs it; its output stays until the next. */
static void execute(eep_execute_request *request, struct outcome *outcome)
{
    eep_error error = {.head.struct_size = sizeof error};
    need_env();
    plugin->clear(&execution.head);
    execution.head.struct_size = sizeof execution;
    request->head.struct_size = sizeof *request;
    double begin = driver_now_ms();
    tell(outcome, begin, plugin->execute(env, request, &execution, &error), &error);
    outcome->exit_code = execution.exit_code;
    outcome->output = execution.stdout_data.ptr;
    outcome->output_len = execution.stdout_data.len;
}

static void do_execute(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    const char *script = words[2] ? words[2] : "";
    char joined[4096]; /* the script may have a blank after its first word */
    snprintf(joined, sizeof joined, "%s%s%s", script, words[3] ? " " : "", words[3] ? words[3] : "");
    eep_str argv[] = {TEXT("sh"), TEXT("-c"), text(joined)};
    execute(&(eep_execute_request){.lease = text(words[1]), .argv = argv, .argv_count = 3}, outcome);
}

static void do_stdin(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    size_t size = driver_number(words[2]);
    char *data = driver_input(size);
    eep_str argv[] = {TEXT("sh"), TEXT("-c"), text(words[3])};
    execute(
        &(eep_execute_request){
            .lease = text(words[1]), .argv = argv, .argv_count = 3, .stdin_data = {data, size}},
        outcome);
    free(data);
}

static void do_again(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    eep_str argv[] = {TEXT("sh"), TEXT("-c"), text(words[3])};
    execute(
        &(eep_execute_request){
            .lease = text(words[1]), .execution_id = text(words[2]), .argv = argv, .argv_count = 3},
        outcome);
}

static void do_first(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    eep_str argv[] = {TEXT("echo"), TEXT("hi")};
    double begin = driver_now_ms();
    execute(&(eep_execute_request){.lease = text(words[1]), .argv = argv, .argv_count = 2}, outcome);
    outcome->ms = driver_now_ms() - begin;
}

static int32_t count_output(void *ctx, uint32_t stream, const void *data, size_t len)
{
    (void)stream, (void)data;
    *(size_t *)ctx += len;
    return 0;
}

static void do_output(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    static char more[64];
    size_t got = 0;
    char script[128];
    snprintf(script, sizeof script, "head -c %zu /dev/zero", driver_number(words[2]));
    execute(
        &(eep_execute_request){
            .lease = text(words[1]), .script = text(script), .on_output = count_output, .output_ctx = &got},
        outcome);
    snprintf(more, sizeof more, ",\"bytes\":%zu", got);
    outcome->more = more;
}

/* -- Load: driver_eep_load.c ------------------------------------------------------------------- */

static void do_load(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    do_resume(words, outcome); /* as a host that holds a lease: what is known of it is known */
    if (!outcome->error) load_threads(plugin, env, words, outcome);
}

static void do_async(char *const words[DRIVER_WORDS], struct outcome *outcome)
{
    do_resume(words, outcome);
    if (!outcome->error) load_async(plugin, env, words, outcome);
}

/* Thousands of connections are this host's wish, so it sees to it. */
static void raise_descriptor_limit(void)
{
    struct rlimit limits;
    if (getrlimit(RLIMIT_NOFILE, &limits) != 0) return;
    limits.rlim_cur = limits.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limits);
}

int main(void)
{
    static const struct verb verbs[] = {
        {"acquire", do_acquire}, {"resume", do_resume}, {"realize", do_realize}, {"release", do_release},
        {"execute", do_execute}, {"stdin", do_stdin},   {"again", do_again},     {"first", do_first},
        {"load", do_load},       {"async", do_async},   {"output", do_output},   {"upload", do_upload},
        {"state", driver_state}, {NULL, NULL},
    };
    raise_descriptor_limit();
    int status = driver_run(verbs);
    if (plugin != NULL) plugin->clear(&execution.head);
    if (env != NULL) plugin->close(env);
    return status;
}
