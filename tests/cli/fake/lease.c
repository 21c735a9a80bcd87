/* lease.c: acquire, resume, realize, release. A lease is the folder <dir>/<id>/ with the workspace w/, and a
 * file "stopped" while it is stopped. */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void fake_lease_path(const eep_env *env, eep_str lease, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%.*s%s%s", env->dir, (int)lease.len, lease.ptr, *name ? "/" : "", name);
}

bool fake_lease_exists(const eep_env *env, eep_str lease)
{
    char path[PATH_MAX];
    fake_lease_path(env, lease, "w", path, sizeof(path));
    return !memchr(lease.ptr, '/', lease.len) && access(path, F_OK) == 0;
}

bool fake_lease_start(const eep_env *env, eep_str lease)
{
    char path[PATH_MAX];
    fake_lease_path(env, lease, "stopped", path, sizeof(path));
    return unlink(path) == 0;
}

int32_t fake_lease_lost(eep_error *err, const char *where, eep_str lease)
{
    return fake_fail(err, EEP_E_LEASE_LOST, where, "the sandbox %.*s is gone", (int)lease.len, lease.ptr);
}

static void fill_lease(const eep_env *env, eep_str lease, uint32_t flags, eep_lease *result)
{
    char path[PATH_MAX];
    fake_lease_path(env, lease, "w", path, sizeof(path));
    result->head.flags = flags;
    result->lease = (eep_str){fake_keep(&result->head, lease.ptr, lease.len), lease.len};
    result->name = result->lease;
    result->state = EEP_STATE_STARTED;
    result->state_text = fake_keep_text(&result->head, "started");
    result->shell = fake_keep_text(&result->head, "/bin/sh");
    result->workspace = fake_keep_text(&result->head, path);
    result->arch = fake_keep_text(&result->head, "x86_64");
    result->cpu = 1;
    result->memory_gib = 1;
    result->disk_gib = 3;
    result->auto_stop_min = 15;
}

int32_t fake_acquire(eep_env *env, const eep_acquire_request *request, eep_lease *result, eep_error *err)
{
    char id[64];
    unsigned random = 0;
    if (getrandom(&random, sizeof(random), 0) < 0)
        return fake_fail(err, EEP_E_INTERNAL, "acquire_lease", "no chance");
    if (request->idempotency_key.ptr)
        snprintf(id, sizeof(id), "key-%.*s", (int)request->idempotency_key.len, request->idempotency_key.ptr);
    else if (request->head.flags & EEP_ACQUIRE_REUSE)
        snprintf(id, sizeof(id), "labels-%.*s", (int)request->labels->value.len, request->labels->value.ptr);
    else
        snprintf(id, sizeof(id), "fake-%08x", random);
    if (!fake_rest(request->head.cancel, env->acquire_delay_ms)) {
        fake_fail(err, EEP_E_CANCELLED, "acquire_lease", "cancelled");
        if (fake_fired(request->head.cancel) > 1) fake_blame(err, id, NULL, EEP_ERROR_MAYBE_APPLIED);
        return EEP_E_CANCELLED;
    }
    if (env->fail_acquire) {
        fake_fail(err, EEP_E_RATE_LIMITED, "acquire_lease: mkdir", "too many\nfolders\033[2J");
        if (err) err->retry_after_ms = 1500, err->http_status = 429;
        fake_blame(err, NULL, NULL, EEP_ERROR_RETRYABLE | EEP_ERROR_FROM_SERVICE);
        return EEP_E_RATE_LIMITED;
    }
    char path[PATH_MAX];
    bool reused = fake_lease_exists(env, fake_fixed(id));
    fake_lease_path(env, fake_fixed(id), "", path, sizeof(path));
    mkdir(path, 0755);
    fake_lease_path(env, fake_fixed(id), "w", path, sizeof(path));
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return fake_fail(err, EEP_E_UNAVAILABLE, "acquire_lease: mkdir", "%s: %s", path, strerror(errno));
    fill_lease(env, fake_fixed(id), reused ? EEP_LEASE_REUSED : 0, result);
    return EEP_OK;
}

int32_t fake_resume(eep_env *env, const eep_resume_request *request, eep_lease *result, eep_error *err)
{
    if (!fake_lease_exists(env, request->lease)) return fake_lease_lost(err, "resume_lease", request->lease);
    bool started = fake_lease_start(env, request->lease);
    fill_lease(env, request->lease, EEP_LEASE_RESUMED | (started ? EEP_LEASE_STARTED : 0), result);
    return EEP_OK;
}

static void remove_tree(const char *path)
{
    char *argv[] = {(char *)"rm", (char *)"-rf", (char *)"--", (char *)path, NULL};
    pid_t pid;
    if (posix_spawnp(&pid, "rm", NULL, NULL, argv, environ) == 0) waitpid(pid, NULL, 0);
}

int32_t fake_release(eep_env *env, const eep_release_request *request, eep_released *result, eep_error *err)
{
    char path[PATH_MAX];
    uint32_t mode = request->mode ? request->mode : EEP_RELEASE_DESTROY;
    bool there = fake_lease_exists(env, request->lease);
    if (fake_fired(request->head.cancel)) return fake_fail(err, EEP_E_CANCELLED, "release", "cancelled");
    if (env->fail_release) return fake_fail(err, EEP_E_UNAVAILABLE, "release", "not today");
    if (mode == EEP_RELEASE_ARCHIVE)
        return fake_fail(err, EEP_E_UNSUPPORTED, "release", "folders have no archive");
    if (there && mode == EEP_RELEASE_DESTROY) {
        fake_lease_path(env, request->lease, "", path, sizeof(path));
        remove_tree(path);
    }
    if (there && mode == EEP_RELEASE_STOP) {
        fake_lease_path(env, request->lease, "stopped", path, sizeof(path));
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    }
    result->head.flags = EEP_RELEASED_CONFIRMED | (there ? 0 : EEP_RELEASED_ALREADY);
    result->mode = mode;
    result->state = mode == EEP_RELEASE_STOP ? EEP_STATE_STOPPED : EEP_STATE_GONE;
    result->state_text = fake_keep_text(&result->head, mode == EEP_RELEASE_STOP ? "stopped" : "gone");
    return EEP_OK;
}

static int put_file(const char *path, const eep_source *source)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    ssize_t written = write(fd, source->data.ptr ? source->data.ptr : "", source->data.len);
    fchmod(fd, source->mode ? source->mode : 0644);
    close(fd);
    return written == (ssize_t)source->data.len ? 0 : EIO;
}

int32_t fake_realize(eep_env *env, const eep_realize_request *request, eep_workspace *result, eep_error *err)
{
    char root[PATH_MAX];
    if (!fake_lease_exists(env, request->lease))
        return fake_lease_lost(err, "realize_workspace", request->lease);
    fake_lease_path(env, request->lease, "w", root, sizeof(root));
    if (fake_lease_start(env, request->lease)) result->head.flags |= EEP_WORKSPACE_STARTED;
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
        results[i].path = fake_keep_text(&result->head, path);
        if (failed) results[i].message = fake_keep_text(&result->head, strerror(failed));
        results[i].code = failed ? EEP_E_SANDBOX : EEP_OK;
        result->files += !failed;
        result->failed += failed != 0;
        result->bytes += failed ? 0 : source->data.len;
    }
    result->root = fake_keep_text(&result->head, root);
    result->sources = fake_keep(&result->head, results, request->source_count * sizeof(*results));
    result->source_count = request->source_count;
    result->source_stride = sizeof(*results);
    free(results);
    return EEP_OK;
}
