#include "host.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "hosts/loader/loader.h"
#include "process.h"

/* -- Nothing secret leaves the plugin ---------------------------------------------------------- */

static atomic_bool leaked;

static void search(eep_str text)
{
    if (text.ptr != NULL && memmem(text.ptr, text.len, SENTINEL, strlen(SENTINEL)) != NULL)
        atomic_store(&leaked, true);
}

static void search_error(const eep_error *err)
{
    search(err->message);
    search(err->where);
    search(err->request_id);
    search(err->lease);
    search(err->execution_id);
}

static void expect_no_leak(const char *file, int line)
{
    if (atomic_load(&leaked)) {
        print_error("the API key is in an error or in the log\n");
        _fail(file, line);
    }
}

/* -- The host's log ---------------------------------------------------------------------------- */

enum { LOG_MAX = 1 << 20 };

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_lines[LOG_MAX];
static size_t log_len;

static void log_line(void *ctx, uint32_t level, const char *component, const char *message)
{
    (void)ctx;
    search(text(component));
    search(text(message));
    pthread_mutex_lock(&log_lock);
    size_t room = LOG_MAX - log_len;
    int len = snprintf(log_lines + log_len, room, "%u %s: %s\n", level, component, message);
    if (len > 0 && (size_t)len < room) log_len += (size_t)len;
    pthread_mutex_unlock(&log_lock);
}

bool host_log_has(const char *part)
{
    pthread_mutex_lock(&log_lock);
    bool has = memmem(log_lines, log_len, part, strlen(part)) != NULL;
    pthread_mutex_unlock(&log_lock);
    return has;
}

/* -- Outcomes ---------------------------------------------------------------------------------- */

void outcome_clear(struct outcome *outcome)
{
    plugin()->clear(&outcome->head);
    plugin()->clear(&outcome->err.head);
}

static const char *shown(eep_str text)
{
    return text.ptr != NULL ? text.ptr : "-";
}

void outcome_expect(const struct outcome *outcome, int32_t code, const char *file, int line)
{
    search_error(&outcome->err);
    expect_no_leak(file, line);
    if (outcome->code == code) return;
    print_error("code %d, not %d: %s (%s)\n", outcome->code, code, shown(outcome->err.message),
                shown(outcome->err.where));
    _fail(file, line);
}

void outcome_expect_says(const struct outcome *outcome, const char *part, const char *file, int line)
{
    if (outcome->err.message.ptr != NULL && strstr(outcome->err.message.ptr, part) != NULL) return;
    print_error("the error does not say \"%s\": %s\n", part, shown(outcome->err.message));
    _fail(file, line);
}

static void show_bytes(const char *name, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    print_error("%s, %zu bytes: ", name, len);
    for (size_t i = 0; i < len && i < 300; i++)
        print_error(at[i] >= ' ' && at[i] < 127 ? "%c" : "\\x%02x", at[i]);
    print_error("\n");
}

void bytes_expect(eep_bytes is, const void *expected, size_t len, const char *file, int line)
{
    if (is.ptr != NULL && is.len == len && memcmp(is.ptr, expected, len) == 0) return;
    show_bytes("is", is.ptr, is.ptr != NULL ? is.len : 0);
    show_bytes("expected", expected, len);
    _fail(file, line);
}

/* -- The plugin and environments --------------------------------------------------------------- */

static const eep_plugin *loaded;

static void load(void)
{
    char message[LOADER_MESSAGE_MAX];
    char *path = process_build_path("eep-daytona.so");
    if (loader_open(path, &loaded, message, sizeof message) != EEP_OK) {
        fprintf(stderr, "%s\n", message);
        exit(1);
    }
    free(path);
}

const eep_plugin *plugin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return loaded;
}

struct outcome host_open_text(const char *config, eep_env **env)
{
    eep_host host = {.struct_size = sizeof host,
                     .log_level = EEP_LOG_DEBUG,
                     .log = log_line,
                     .name = TEXT("integration-tests"),
                     .version = TEXT("1")};
    struct outcome outcome = {.err.head.struct_size = sizeof outcome.err};
    char *copy = strdup(config);
    for (char *at = copy; (at = strchr(at, '\'')) != NULL;)
        *at = '"';
    eep_open_request request = {.struct_size = sizeof request, .config = text(copy), .host = &host};
    outcome.code = plugin()->open(&request, env, &outcome.err);
    search_error(&outcome.err);
    free(copy);
    return outcome;
}

eep_env *host_open(const struct standin *standin, const char *more)
{
    return host_open_as(standin, SENTINEL, more);
}

/* EEP_RUNNER=sh or =native runs the whole program with that runner, unless a test has a choice of its own. */
static const char *runner_key(const char *more)
{
    static char key[64];
    const char *runner = getenv("EEP_RUNNER");
    if (!runner || (more && strstr(more, "'runner'"))) return "";
    snprintf(key, sizeof key, ",'runner':'%s'", runner);
    return key;
}

eep_env *host_open_as(const struct standin *standin, const char *key, const char *more)
{
    char config[4096];
    eep_env *env = NULL;
    snprintf(config, sizeof config, "{'apiUrl':'%s','apiKey':'%s','timeoutMs':%d%s%s%s}", standin->api, key,
             LIMIT_MS, runner_key(more), more != NULL ? "," : "", more != NULL ? more : "");
    OUTCOME opened = host_open_text(config, &env);
    EXPECT(opened, EEP_OK);
    return env;
}

void host_acquire(eep_env *env, char *lease)
{
    OUTCOME made = ACQUIRE(env);
    EXPECT(made, EEP_OK);
    snprintf(lease, EEP_LEASE_MAX + 1, "%s", made.lease.lease.ptr);
}

void host_destroy(eep_env *env, const char *lease)
{
    OUTCOME released = RELEASE(env, lease, EEP_RELEASE_DESTROY);
    EXPECT(released, EEP_OK);
}

/* -- Calls ------------------------------------------------------------------------------------- */

#define CALL(name, slot, type, member)                                                                       \
    struct outcome call_##name(eep_env *env, const type *request)                                            \
    {                                                                                                        \
        struct outcome outcome = {.err.head.struct_size = sizeof outcome.err};                               \
        outcome.head.struct_size = sizeof outcome.member;                                                    \
        long begin = now_ms();                                                                               \
        outcome.code = plugin()->slot(env, request, &outcome.member, &outcome.err);                          \
        outcome.elapsed_ms = now_ms() - begin;                                                               \
        search_error(&outcome.err);                                                                          \
        return outcome;                                                                                      \
    }

CALL(probe, probe, eep_probe_request, probe)
CALL(acquire, acquire_lease, eep_acquire_request, lease)
CALL(resume, resume_lease, eep_resume_request, lease)
CALL(realize, realize_workspace, eep_realize_request, workspace)
CALL(execute, execute, eep_execute_request, execution)
CALL(release, release, eep_release_request, released)

struct outcome call_validate(const eep_validate_request *request)
{
    struct outcome outcome = {.err.head.struct_size = sizeof outcome.err};
    outcome.head.struct_size = sizeof outcome.validation;
    outcome.code = plugin()->validate_config(request, &outcome.validation, &outcome.err);
    search_error(&outcome.err);
    search(outcome.validation.normalized);
    return outcome;
}

void host_expect_output(eep_env *env, const char *lease, const char *script, const char *expected,
                        const char *file, int line)
{
    OUTCOME ran = EXECUTE(env, lease, .script = text(script));
    outcome_expect(&ran, EEP_OK, file, line);
    bytes_expect(ran.execution.stdout_data, expected, strlen(expected), file, line);
    if (ran.execution.exit_code != 0) {
        show_bytes("stderr", ran.execution.stderr_data.ptr, ran.execution.stderr_data.len);
        print_error("exit code %d\n", ran.execution.exit_code);
        _fail(file, line);
    }
}
