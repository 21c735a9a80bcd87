/* fake_plugin.c: an eep plugin whose sandboxes are folders of this machine. For tests of hosts only: NO
 * ISOLATION.
 *
 * It has nothing in common with the Daytona plugin but abi/eep.h, so a host that works with both uses the ABI
 * and not one plugin's habits. Configuration: {"dir": FOLDER} with these extras for tests: "acquireDelayMs"
 * (cancellable), "failAcquire", "failProbe", "failRelease" (booleans), "apiKey" (a secret that nobody reads).
 * With trustEnv, FAKE_DIR stands in for "dir". It knows ABI 1.0 only and takes requests of that size or
 * longer.
 *
 * A lease is FOLDER/<id>/ with the workspace w/, a file "stopped" while it is stopped, and a file for each
 * execution id that has been used. Executing an id again answers EEP_E_EXPIRED, as if its output had been
 * cleaned up.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "eep.h"

struct eep_env {
    char dir[PATH_MAX / 2];
    int acquire_delay_ms;
    bool fail_acquire;
    bool fail_probe;
    bool fail_release;
};

/* -- results: an arena is a chain of chunks
 * ---------------------------------------------------------------------- */

struct chunk {
    struct chunk *next;
    char data[];
};

static void *keep(eep_out *out, const void *data, size_t len)
{
    struct chunk *chunk = calloc(1, sizeof(*chunk) + len + 1);
    if (!chunk) return NULL;
    if (len > 0) memcpy(chunk->data, data, len);
    chunk->next = out->arena;
    out->arena = chunk;
    return chunk->data;
}

static eep_str keep_text(eep_out *out, const char *text)
{
    return (eep_str){keep(out, text, strlen(text)), strlen(text)};
}

static void fake_clear(eep_out *out)
{
    if (!out) return;
    for (struct chunk *chunk = out->arena; chunk;) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    uint32_t size = out->struct_size;
    memset(out, 0, size);
    out->struct_size = size;
}

__attribute__((format(printf, 4, 5))) static int32_t fail(eep_error *err, int32_t code, const char *where,
                                                          const char *format, ...)
{
    if (!err) return code;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    err->code = code;
    err->message = keep_text(&err->head, text);
    err->where = keep_text(&err->head, where);
    return code;
}

static void blame(eep_error *err, const char *lease, const char *execution, uint32_t flags)
{
    if (!err) return;
    err->head.flags |= flags;
    if (lease) err->lease = keep_text(&err->head, lease);
    if (execution) err->execution_id = keep_text(&err->head, execution);
}

/* -- cancel tokens
 * ------------------------------------------------------------------------------------------------ */

struct eep_cancel {
    atomic_int references;
    atomic_int fired;
    int event;
};

static eep_cancel *fake_cancel_create(void)
{
    eep_cancel *token = calloc(1, sizeof(*token));
    if (!token) return NULL;
    token->references = 1;
    token->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return token;
}

static void fake_cancel_fire(eep_cancel *token)
{
    if (!token) return;
    atomic_fetch_add(&token->fired, 1);
    uint64_t one = 1;
    if (write(token->event, &one, sizeof(one)) < 0) return; /* the counter is full: it is readable already */
}

static void fake_cancel_destroy(eep_cancel *token)
{
    if (!token || atomic_fetch_sub(&token->references, 1) > 1) return;
    close(token->event);
    free(token);
}

static int fired(const eep_cancel *token)
{
    return token ? atomic_load(&token->fired) : 0;
}

/* -- time
 * ---------------------------------------------------------------------------------------------------------
 */

static int64_t now_ms(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Sleeps; false when the token fired first. */
static bool rest(eep_cancel *token, int milliseconds)
{
    struct pollfd event = {.fd = token ? token->event : -1, .events = POLLIN};
    int64_t end = now_ms(CLOCK_MONOTONIC) + milliseconds;
    for (int64_t left; (left = end - now_ms(CLOCK_MONOTONIC)) > 0 && !fired(token);)
        poll(&event, 1, (int)left);
    return !fired(token);
}

/* -- configuration
 * ------------------------------------------------------------------------------------------------ */

/* What a reading of the configuration found wrong; NULL = nothing. */
struct reading {
    const char *code;
    const char *pointer;
    const char *message;
    const char *unknown_key; /* a warning */
    char key[64];
    bool secret;
};

static bool read_key(struct eep_env *env, const char *key, json_object *value, struct reading *reading)
{
    if (strcmp(key, "dir") == 0)
        snprintf(env->dir, sizeof(env->dir), "%s", json_object_get_string(value));
    else if (strcmp(key, "acquireDelayMs") == 0)
        env->acquire_delay_ms = json_object_get_int(value);
    else if (strcmp(key, "failAcquire") == 0)
        env->fail_acquire = json_object_get_boolean(value);
    else if (strcmp(key, "failProbe") == 0)
        env->fail_probe = json_object_get_boolean(value);
    else if (strcmp(key, "failRelease") == 0)
        env->fail_release = json_object_get_boolean(value);
    else if (strcmp(key, "apiKey") == 0)
        reading->secret = true;
    else
        return false;
    return true;
}

static void read_config(struct eep_env *env, eep_str text, bool trust_env, struct reading *reading)
{
    char *copy = strndup(text.ptr, text.len);
    json_object *config = json_tokener_parse(copy);
    free(copy);
    const char *variable = getenv("FAKE_DIR");
    if (trust_env && variable) snprintf(env->dir, sizeof(env->dir), "%s", variable);
    if (!json_object_is_type(config, json_type_object)) {
        *reading = (struct reading){.code = "not_json", .pointer = "", .message = "this is no JSON object"};
        json_object_put(config);
        return;
    }
    json_object_object_foreach(config, key, value)
    {
        if (read_key(env, key, value, reading)) continue;
        snprintf(reading->key, sizeof(reading->key), "/%.60s", key);
        reading->unknown_key = reading->key;
    }
    json_object_put(config);
    if (!env->dir[0]) {
        reading->code = "dir_missing";
        reading->pointer = "/dir";
        reading->message = "the folder for the sandboxes is missing";
    }
}

static eep_str fixed(const char *text)
{
    return (eep_str){text, strlen(text)};
}

static int32_t fake_validate(const eep_validate_request *request, eep_validation *result, eep_error *err)
{
    if (!request || request->struct_size < sizeof(*request))
        return fail(err, EEP_E_INVALID_ARGUMENT, "validate_config", "the request is too short");
    struct eep_env env = {0};
    struct reading reading = {0};
    read_config(&env, request->config, request->flags & EEP_VALIDATE_TRUST_ENV, &reading);

    eep_finding findings[2] = {0};
    uint32_t count = 0;
    bool strict = request->flags & EEP_VALIDATE_STRICT;
    if (reading.code)
        findings[count++] = (eep_finding){.severity = EEP_SEVERITY_ERROR,
                                          .code = fixed(reading.code),
                                          .pointer = fixed(reading.pointer),
                                          .message = fixed(reading.message),
                                          .hint = fixed("write {\"dir\": \"/a/folder\"}")};
    if (reading.unknown_key)
        findings[count++] = (eep_finding){.severity = strict ? EEP_SEVERITY_ERROR : EEP_SEVERITY_WARNING,
                                          .code = fixed("unknown_key"),
                                          .pointer = keep_text(&result->head, reading.unknown_key),
                                          .message = fixed("nobody knows this key")};
    result->errors = (reading.code ? 1u : 0u) + (reading.unknown_key && strict ? 1u : 0u);
    result->valid = result->errors == 0;
    result->findings = keep(&result->head, findings, sizeof(findings));
    result->finding_count = count;
    result->finding_stride = sizeof(eep_finding);
    char normalized[PATH_MAX];
    snprintf(normalized, sizeof(normalized), "{\"dir\":\"%s\"}", env.dir);
    if (result->valid) result->normalized = keep_text(&result->head, normalized);
    eep_str secret = fixed("/apiKey");
    result->secrets = keep(&result->head, &secret, sizeof(secret));
    result->secret_count = reading.secret;
    result->secret_stride = sizeof(eep_str);
    return EEP_OK;
}

static int32_t fake_open(const eep_open_request *request, eep_env **env, eep_error *err)
{
    struct reading reading = {0};
    struct eep_env *made = calloc(1, sizeof(*made));
    read_config(made, request->config, request->flags & EEP_OPEN_TRUST_ENV, &reading);
    if (reading.code) {
        free(made);
        return fail(err, EEP_E_INVALID_CONFIG, "open", "%s: %s (1 error)", reading.pointer, reading.message);
    }
    if (request->host && request->host->log && request->host->log_level >= EEP_LOG_DEBUG)
        request->host->log(request->host->ctx, EEP_LOG_DEBUG, "fake", "opened");
    *env = made;
    return EEP_OK;
}

static void fake_close(eep_env *env)
{
    free(env);
}

static int32_t fake_probe(eep_env *env, const eep_probe_request *request, eep_probe *result, eep_error *err)
{
    (void)err;
    uint32_t depth = request->max_depth ? request->max_depth : EEP_PROBE_AUTH;
    bool bad = env->fail_probe;
    eep_check checks[] = {
        {.status = EEP_CHECK_OK,
         .depth = EEP_PROBE_LOCAL,
         .name = fixed("config"),
         .message = fixed("is valid")},
        {.status = bad ? EEP_CHECK_FAILED : EEP_CHECK_OK,
         .depth = EEP_PROBE_REACH,
         .code = bad ? EEP_E_UNAVAILABLE : EEP_OK,
         .elapsed_ms = 1,
         .name = fixed("folder"),
         .message = fixed(bad ? "cannot be reached" : "is there")},
        {.status = bad || depth < EEP_PROBE_QUOTA ? EEP_CHECK_SKIPPED : EEP_CHECK_UNKNOWN,
         .depth = EEP_PROBE_QUOTA,
         .name = fixed("quota"),
         .message = fixed("folders have none")},
    };
    result->checks = keep(&result->head, checks, sizeof(checks));
    result->check_count = 3;
    result->check_stride = sizeof(eep_check);
    result->failed = bad;
    result->unknown = checks[2].status == EEP_CHECK_UNKNOWN;
    result->api_url = keep_text(&result->head, env->dir);
    return EEP_OK;
}

/* -- leases
 * ------------------------------------------------------------------------------------------------------- */

/* Paths of a lease: its folder, or a file in it. */
static void lease_path(const eep_env *env, eep_str lease, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%.*s%s%s", env->dir, (int)lease.len, lease.ptr, *name ? "/" : "", name);
}

static bool lease_exists(const eep_env *env, eep_str lease)
{
    char path[PATH_MAX];
    lease_path(env, lease, "w", path, sizeof(path));
    return !memchr(lease.ptr, '/', lease.len) && access(path, F_OK) == 0;
}

/* Removes the mark of a stopped lease; whether there was one. */
static bool lease_start(const eep_env *env, eep_str lease)
{
    char path[PATH_MAX];
    lease_path(env, lease, "stopped", path, sizeof(path));
    return unlink(path) == 0;
}

static int32_t lease_lost(eep_error *err, const char *where, eep_str lease)
{
    return fail(err, EEP_E_LEASE_LOST, where, "the sandbox %.*s is gone", (int)lease.len, lease.ptr);
}

static void fill_lease(const eep_env *env, eep_str lease, uint32_t flags, eep_lease *result)
{
    char path[PATH_MAX];
    lease_path(env, lease, "w", path, sizeof(path));
    result->head.flags = flags;
    result->lease = (eep_str){keep(&result->head, lease.ptr, lease.len), lease.len};
    result->name = result->lease;
    result->state = EEP_STATE_STARTED;
    result->state_text = keep_text(&result->head, "started");
    result->shell = keep_text(&result->head, "/bin/sh");
    result->workspace = keep_text(&result->head, path);
    result->arch = keep_text(&result->head, "x86_64");
    result->cpu = 1;
    result->memory_gib = 1;
    result->disk_gib = 3;
    result->auto_stop_min = 15;
}

static int32_t fake_acquire(eep_env *env, const eep_acquire_request *request, eep_lease *result,
                            eep_error *err)
{
    char id[64];
    unsigned random = 0;
    if (getrandom(&random, sizeof(random), 0) < 0)
        return fail(err, EEP_E_INTERNAL, "acquire_lease", "no chance");
    if (request->idempotency_key.ptr)
        snprintf(id, sizeof(id), "key-%.*s", (int)request->idempotency_key.len, request->idempotency_key.ptr);
    else
        snprintf(id, sizeof(id), "fake-%08x", random);
    if (!rest(request->head.cancel, env->acquire_delay_ms)) {
        fail(err, EEP_E_CANCELLED, "acquire_lease", "cancelled");
        if (fired(request->head.cancel) > 1) blame(err, id, NULL, EEP_ERROR_MAYBE_APPLIED);
        return EEP_E_CANCELLED;
    }
    if (env->fail_acquire) {
        fail(err, EEP_E_RATE_LIMITED, "acquire_lease: mkdir", "too many\nfolders\033[2J");
        if (err) err->retry_after_ms = 1500, err->http_status = 429;
        blame(err, NULL, NULL, EEP_ERROR_RETRYABLE | EEP_ERROR_FROM_SERVICE);
        return EEP_E_RATE_LIMITED;
    }
    char path[PATH_MAX];
    bool reused = lease_exists(env, fixed(id));
    lease_path(env, fixed(id), "", path, sizeof(path));
    mkdir(path, 0755);
    lease_path(env, fixed(id), "w", path, sizeof(path));
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return fail(err, EEP_E_UNAVAILABLE, "acquire_lease: mkdir", "%s: %s", path, strerror(errno));
    fill_lease(env, fixed(id), reused ? EEP_LEASE_REUSED : 0, result);
    return EEP_OK;
}

static int32_t fake_resume(eep_env *env, const eep_resume_request *request, eep_lease *result, eep_error *err)
{
    if (!lease_exists(env, request->lease)) return lease_lost(err, "resume_lease", request->lease);
    bool started = lease_start(env, request->lease);
    fill_lease(env, request->lease, EEP_LEASE_RESUMED | (started ? EEP_LEASE_STARTED : 0), result);
    return EEP_OK;
}

static void remove_tree(const char *path)
{
    char *argv[] = {(char *)"rm", (char *)"-rf", (char *)"--", (char *)path, NULL};
    pid_t pid;
    if (posix_spawnp(&pid, "rm", NULL, NULL, argv, environ) == 0) waitpid(pid, NULL, 0);
}

static int32_t fake_release(eep_env *env, const eep_release_request *request, eep_released *result,
                            eep_error *err)
{
    char path[PATH_MAX];
    uint32_t mode = request->mode ? request->mode : EEP_RELEASE_DESTROY;
    bool there = lease_exists(env, request->lease);
    if (fired(request->head.cancel)) return fail(err, EEP_E_CANCELLED, "release", "cancelled");
    if (env->fail_release) return fail(err, EEP_E_UNAVAILABLE, "release", "not today");
    if (mode == EEP_RELEASE_ARCHIVE)
        return fail(err, EEP_E_UNSUPPORTED, "release", "folders have no archive");
    if (there && mode == EEP_RELEASE_DESTROY) {
        lease_path(env, request->lease, "", path, sizeof(path));
        remove_tree(path);
    }
    if (there && mode == EEP_RELEASE_STOP) {
        lease_path(env, request->lease, "stopped", path, sizeof(path));
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    }
    result->head.flags = EEP_RELEASED_CONFIRMED | (there ? 0 : EEP_RELEASED_ALREADY);
    result->mode = mode;
    result->state = mode == EEP_RELEASE_STOP ? EEP_STATE_STOPPED : EEP_STATE_GONE;
    result->state_text = keep_text(&result->head, mode == EEP_RELEASE_STOP ? "stopped" : "gone");
    return EEP_OK;
}

/* -- workspace
 * ---------------------------------------------------------------------------------------------------- */

static int put_file(const char *path, const eep_source *source)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    ssize_t written = write(fd, source->data.ptr ? source->data.ptr : "", source->data.len);
    fchmod(fd, source->mode ? source->mode : 0644);
    close(fd);
    return written == (ssize_t)source->data.len ? 0 : EIO;
}

static int32_t fake_realize(eep_env *env, const eep_realize_request *request, eep_workspace *result,
                            eep_error *err)
{
    char root[PATH_MAX];
    if (!lease_exists(env, request->lease)) return lease_lost(err, "realize_workspace", request->lease);
    lease_path(env, request->lease, "w", root, sizeof(root));
    if (lease_start(env, request->lease)) result->head.flags |= EEP_WORKSPACE_STARTED;
    eep_source_result *results = calloc(request->source_count + 1, sizeof(*results));
    for (uint32_t i = 0; i < request->source_count; i++) {
        const eep_source *source =
            (const eep_source *)((const char *)request->sources + (size_t)i * request->source_stride);
        char path[2 * PATH_MAX];
        bool absolute = source->path.ptr[0] == '/';
        snprintf(path, sizeof(path), "%s%s%.*s", absolute ? "" : root, absolute ? "" : "/",
                 (int)source->path.len, source->path.ptr);
        int failed =
            source->kind == EEP_SOURCE_DIR ? (mkdir(path, 0755) == 0 ? 0 : errno) : put_file(path, source);
        results[i].path = keep_text(&result->head, path);
        if (failed) results[i].message = keep_text(&result->head, strerror(failed));
        results[i].code = failed ? EEP_E_SANDBOX : EEP_OK;
        result->files += !failed;
        result->failed += failed != 0;
        result->bytes += failed ? 0 : source->data.len;
    }
    result->root = keep_text(&result->head, root);
    result->sources = keep(&result->head, results, request->source_count * sizeof(*results));
    result->source_count = request->source_count;
    result->source_stride = sizeof(*results);
    free(results);
    return EEP_OK;
}

/* -- execute
 * ------------------------------------------------------------------------------------------------------ */

/* One command under way. */
struct job {
    const eep_execute_request *request;
    pid_t pid;
    int pipes[2]; /* our ends of stdout and stderr; -1 = at its end */
    struct captured {
        char *data;
        size_t len;
    } captured[2];
    uint64_t total[2];
    int64_t kill_at; /* when the next, harder signal is due */
    int64_t end_at;  /* of the time limit; 0 = none         */
    uint32_t flags;
    int kill_signal;
    bool stopped_by_host;
};

/* Receives what one pipe holds; -1 at its end. */
static int receive(struct job *job, int which)
{
    char block[65536];
    ssize_t got = read(job->pipes[which], block, sizeof(block));
    if (got < 0) return errno == EINTR || errno == EAGAIN ? 0 : -1;
    if (got == 0) return -1;
    job->total[which] += (uint64_t)got;
    const eep_execute_request *request = job->request;
    if (request->on_output) {
        if (request->on_output(request->output_ctx, (uint32_t)which + 1, block, (size_t)got) != 0)
            job->stopped_by_host = true;
        return 0;
    }
    struct captured *captured = &job->captured[which];
    captured->data = realloc(captured->data, captured->len + (size_t)got);
    memcpy(captured->data + captured->len, block, (size_t)got);
    captured->len += (size_t)got;
    return 0;
}

static void signal_job(struct job *job, int number)
{
    kill(-job->pid, number);
    job->kill_signal = number;
    job->flags |= EEP_EXECUTION_KILLED;
}

/* The kill ladder: TERM, and KILL half a grace later. */
static void kill_by_degrees(struct job *job)
{
    uint32_t grace = job->request->head.grace_ms ? job->request->head.grace_ms : 10000;
    if (job->kill_signal == 0) {
        signal_job(job, SIGTERM);
        job->kill_at = now_ms(CLOCK_MONOTONIC) + grace / 2;
    } else if (now_ms(CLOCK_MONOTONIC) >= job->kill_at) {
        signal_job(job, SIGKILL);
    }
}

/* Moves output until the command's streams are at their end; false when the host will not wait for that. */
static bool pump(struct job *job)
{
    eep_cancel *token = job->request->head.cancel;
    while (job->pipes[0] >= 0 || job->pipes[1] >= 0) {
        bool late = job->end_at && now_ms(CLOCK_MONOTONIC) >= job->end_at;
        if (late) job->flags |= EEP_EXECUTION_TIMED_OUT;
        if (fired(token) > 1) return false;
        if (fired(token) || late || job->stopped_by_host) kill_by_degrees(job);
        uint64_t most = job->request->max_output_bytes;
        if (most && (job->total[0] > most || job->total[1] > most)) {
            job->flags |= EEP_EXECUTION_OUTPUT_LIMIT;
            kill_by_degrees(job);
        }
        struct pollfd fds[3] = {{.fd = job->pipes[0], .events = POLLIN},
                                {.fd = job->pipes[1], .events = POLLIN},
                                {.fd = token && !fired(token) ? token->event : -1, .events = POLLIN}};
        poll(fds, 3, 20);
        for (int i = 0; i < 2; i++) {
            if (!fds[i].revents || receive(job, i) == 0) continue;
            close(job->pipes[i]);
            job->pipes[i] = -1;
        }
    }
    return true;
}

static char *copy_str(eep_str text)
{
    return strndup(text.ptr, text.len);
}

/* argv and environment of the command, NUL-terminated; never freed: the process is a short test. */
static char **command_argv(const eep_execute_request *request)
{
    char **argv = calloc(request->argv_count + 4, sizeof(char *));
    if (request->script.ptr) {
        argv[0] = request->shell.ptr ? copy_str(request->shell) : strdup("/bin/sh");
        argv[1] = strdup("-c");
        argv[2] = copy_str(request->script);
        return argv;
    }
    for (uint32_t i = 0; i < request->argv_count; i++)
        argv[i] =
            copy_str(*(const eep_str *)((const char *)request->argv + (size_t)i * request->argv_stride));
    return argv;
}

static char **command_env(const eep_execute_request *request)
{
    char **env = calloc(request->env_count + 2, sizeof(char *));
    env[request->env_count] = strdup("PATH=/usr/local/bin:/usr/bin:/bin");
    for (uint32_t i = 0; i < request->env_count; i++) {
        const eep_pair *pair =
            (const eep_pair *)((const char *)request->env + (size_t)i * request->env_stride);
        if (asprintf(&env[i], "%.*s=%.*s", (int)pair->name.len, pair->name.ptr, (int)pair->value.len,
                     pair->value.ptr) < 0)
            env[i] = NULL;
    }
    return env;
}

static int stdin_of(const eep_execute_request *request)
{
    if (!request->stdin_data.ptr) return open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = memfd_create("stdin", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, request->stdin_data.ptr, request->stdin_data.len) >= 0) lseek(fd, 0, SEEK_SET);
    return fd;
}

static int start(struct job *job, const char *cwd)
{
    int out[2];
    int err[2];
    int in = stdin_of(job->request);
    if (in < 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) return errno;
    bool merge = job->request->head.flags & EEP_EXECUTE_MERGE;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, merge ? out[1] : err[1], 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3); /* the host's own must not outlive it in a command */
    posix_spawn_file_actions_addchdir_np(&actions, cwd);
    posix_spawnattr_init(&attributes);
    sigfillset(&defaults);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF);
    char **argv = command_argv(job->request);
    int failed = posix_spawnp(&job->pid, argv[0], &actions, &attributes, argv, command_env(job->request));
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(in);
    close(out[1]);
    close(err[1]);
    job->pipes[0] = out[0];
    job->pipes[1] = err[0];
    return failed;
}

static void fill_execution(struct job *job, int status, const char *id, eep_execution *result)
{
    result->head.flags = job->flags;
    result->execution_id = keep_text(&result->head, id);
    result->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result->term_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result->kill_signal = job->kill_signal;
    if (!job->request->on_output) {
        struct captured *out = &job->captured[0];
        struct captured *err = &job->captured[1];
        result->stdout_data = (eep_bytes){keep(&result->head, out->data, out->len), out->len};
        result->stderr_data = (eep_bytes){keep(&result->head, err->data, err->len), err->len};
    }
    result->stdout_head = job->captured[0].len;
    result->stderr_head = job->captured[1].len;
    result->stdout_total = job->total[0];
    result->stderr_total = job->total[1];
    result->finished_at_ms = now_ms(CLOCK_REALTIME);
}

static int32_t finish(struct job *job, const char *lease, const char *id, eep_execution *result,
                      eep_error *err)
{
    if (!pump(job)) {
        fail(err, EEP_E_CANCELLED, "execute", "cancelled twice");
        blame(err, lease, id, EEP_ERROR_MAYBE_APPLIED);
        return EEP_E_CANCELLED;
    }
    int status = 0;
    waitpid(job->pid, &status, 0);
    fill_execution(job, status, id, result);
    if (fired(job->request->head.cancel) || job->stopped_by_host) {
        fail(err, EEP_E_CANCELLED, "execute", "cancelled: the command has been killed");
        blame(err, lease, id, 0);
        return EEP_E_CANCELLED;
    }
    return EEP_OK;
}

static int32_t fake_execute(eep_env *env, const eep_execute_request *request, eep_execution *result,
                            eep_error *err)
{
    char lease[EEP_LEASE_MAX + 1];
    char id[EEP_EXECUTION_ID_MAX + 1];
    char path[PATH_MAX];
    if (!lease_exists(env, request->lease)) return lease_lost(err, "execute", request->lease);
    lease_start(env, request->lease);
    snprintf(lease, sizeof(lease), "%.*s", (int)request->lease.len, request->lease.ptr);
    snprintf(id, sizeof(id), "x%lld", (long long)now_ms(CLOCK_REALTIME));
    if (request->execution_id.ptr)
        snprintf(id, sizeof(id), "%.*s", (int)request->execution_id.len, request->execution_id.ptr);
    lease_path(env, request->lease, id, path, sizeof(path));
    int marker = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (marker < 0) return fail(err, EEP_E_EXPIRED, "execute", "%s ran before", id);
    close(marker);

    char cwd[2 * PATH_MAX];
    bool absolute = request->cwd.ptr && request->cwd.ptr[0] == '/';
    lease_path(env, request->lease, "w", path, sizeof(path));
    snprintf(cwd, sizeof(cwd), "%s/%.*s", absolute ? "" : path, (int)request->cwd.len,
             request->cwd.ptr ? request->cwd.ptr : "");
    if (access(cwd, F_OK) != 0) return fail(err, EEP_E_NOT_FOUND, "execute", "there is no folder %s", cwd);

    struct job job = {.request = request};
    uint32_t limit = request->time_limit_ms ? request->time_limit_ms : request->head.timeout_ms;
    if (limit) job.end_at = now_ms(CLOCK_MONOTONIC) + limit;
    int failed = start(&job, cwd);
    if (failed) return fail(err, EEP_E_NOT_FOUND, "execute", "cannot run it: %s", strerror(failed));
    int32_t code = finish(&job, lease, id, result, err);
    free(job.captured[0].data);
    free(job.captured[1].data);
    return code;
}

/* -- the table
 * ---------------------------------------------------------------------------------------------------- */

static const void *fake_get_extension(const char *id)
{
    (void)id;
    return NULL;
}

static const eep_plugin table = {
    .struct_size = sizeof(eep_plugin),
    .abi_minor = EEP_ABI_MINOR,
    .id = "fake",
    .name = "Folders of this machine (for tests)",
    .version = "0.0.1",
    .vendor = "tests/cli",
    .license = "MIT",
    .url = "about:blank",
    .build_info = "test build",
    .config_schema = "{\"type\": \"object\", \"properties\": {\"dir\": {\"type\": \"string\"}}}",
    .validate_config = fake_validate,
    .open = fake_open,
    .close = fake_close,
    .probe = fake_probe,
    .acquire_lease = fake_acquire,
    .resume_lease = fake_resume,
    .realize_workspace = fake_realize,
    .execute = fake_execute,
    .release = fake_release,
    .clear = fake_clear,
    .cancel_create = fake_cancel_create,
    .cancel_fire = fake_cancel_fire,
    .cancel_destroy = fake_cancel_destroy,
    .get_extension = fake_get_extension,
};

const eep_plugin *eep_plugin_v1(void)
{
    return &table;
}
