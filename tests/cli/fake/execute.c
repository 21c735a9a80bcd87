/* execute.c: runs a command of this machine in the workspace, in a session of its own.
 *
 * The lease's folder gets a file for each execution id that has been used. Executing an id again answers
 * EEP_E_EXPIRED, as if its output had been cleaned up.
 */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

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
    int64_t end_at;  /* of the time limit; 0 = none */
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
        job->kill_at = fake_now_ms(CLOCK_MONOTONIC) + grace / 2;
    } else if (fake_now_ms(CLOCK_MONOTONIC) >= job->kill_at) {
        signal_job(job, SIGKILL);
    }
}

/* Moves output until the command's streams are at their end; false when the host will not wait for that. */
static bool pump(struct job *job)
{
    eep_cancel *token = job->request->head.cancel;
    while (job->pipes[0] >= 0 || job->pipes[1] >= 0) {
        bool late = job->end_at && fake_now_ms(CLOCK_MONOTONIC) >= job->end_at;
        if (late) job->flags |= EEP_EXECUTION_TIMED_OUT;
        if (fake_fired(token) > 1) return false;
        if (fake_fired(token) || late || job->stopped_by_host) kill_by_degrees(job);
        uint64_t most = job->request->max_output_bytes;
        if (most && (job->total[0] > most || job->total[1] > most)) {
            job->flags |= EEP_EXECUTION_OUTPUT_LIMIT;
            kill_by_degrees(job);
        }
        struct pollfd fds[3] = {{.fd = job->pipes[0], .events = POLLIN},
                                {.fd = job->pipes[1], .events = POLLIN},
                                {.fd = fake_fired(token) ? -1 : fake_cancel_fd(token), .events = POLLIN}};
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

/* argv and environment of the command, NUL-terminated; free_texts() them. */
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
            env[i] = strdup("");
    }
    return env;
}

static void free_texts(char **texts)
{
    for (char **text = texts; *text; text++)
        free(*text);
    free(texts);
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
    posix_spawn_file_actions_addclosefrom_np(&actions,
                                             3); /* the host's own must not outlive it in a command */
    posix_spawn_file_actions_addchdir_np(&actions, cwd);
    posix_spawnattr_init(&attributes);
    sigfillset(&defaults);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF);
    char **argv = command_argv(job->request);
    char **env = command_env(job->request);
    int failed = posix_spawnp(&job->pid, argv[0], &actions, &attributes, argv, env);
    free_texts(argv);
    free_texts(env);
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
    result->execution_id = fake_keep_text(&result->head, id);
    result->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result->term_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result->kill_signal = job->kill_signal;
    if (!job->request->on_output) {
        struct captured *out = &job->captured[0];
        struct captured *err = &job->captured[1];
        result->stdout_data = (eep_bytes){fake_keep(&result->head, out->data, out->len), out->len};
        result->stderr_data = (eep_bytes){fake_keep(&result->head, err->data, err->len), err->len};
    }
    result->stdout_head = job->captured[0].len;
    result->stderr_head = job->captured[1].len;
    result->stdout_total = job->total[0];
    result->stderr_total = job->total[1];
    result->finished_at_ms = fake_now_ms(CLOCK_REALTIME);
}

static int32_t finish(struct job *job, const char *lease, const char *id, eep_execution *result,
                      eep_error *err)
{
    if (!pump(job)) {
        fake_fail(err, EEP_E_CANCELLED, "execute", "cancelled twice");
        fake_blame(err, lease, id, EEP_ERROR_MAYBE_APPLIED);
        return EEP_E_CANCELLED;
    }
    int status = 0;
    waitpid(job->pid, &status, 0);
    fill_execution(job, status, id, result);
    if (fake_fired(job->request->head.cancel) || job->stopped_by_host) {
        fake_fail(err, EEP_E_CANCELLED, "execute", "cancelled: the command has been killed");
        fake_blame(err, lease, id, 0);
        return EEP_E_CANCELLED;
    }
    return EEP_OK;
}

int32_t fake_execute(eep_env *env, const eep_execute_request *request, eep_execution *result, eep_error *err)
{
    char lease[EEP_LEASE_MAX + 1];
    char id[EEP_EXECUTION_ID_MAX + 1];
    char path[PATH_MAX];
    if (!fake_lease_exists(env, request->lease)) return fake_lease_lost(err, "execute", request->lease);
    fake_lease_start(env, request->lease);
    snprintf(lease, sizeof(lease), "%.*s", (int)request->lease.len, request->lease.ptr);
    snprintf(id, sizeof(id), "x%lld", (long long)fake_now_ms(CLOCK_REALTIME));
    if (request->execution_id.ptr)
        snprintf(id, sizeof(id), "%.*s", (int)request->execution_id.len, request->execution_id.ptr);
    fake_lease_path(env, request->lease, id, path, sizeof(path));
    int marker = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (marker < 0) return fake_fail(err, EEP_E_EXPIRED, "execute", "%s ran before", id);
    close(marker);

    char cwd[2 * PATH_MAX];
    bool absolute = request->cwd.ptr && request->cwd.ptr[0] == '/';
    fake_lease_path(env, request->lease, "w", path, sizeof(path));
    snprintf(cwd, sizeof(cwd), "%s%s%.*s", absolute ? "" : path, absolute ? "" : "/", (int)request->cwd.len,
             request->cwd.ptr ? request->cwd.ptr : "");
    if (access(cwd, F_OK) != 0)
        return fake_fail(err, EEP_E_NOT_FOUND, "execute", "there is no folder %s", cwd);

    struct job job = {.request = request};
    uint32_t limit = request->time_limit_ms ? request->time_limit_ms : request->head.timeout_ms;
    if (limit) job.end_at = fake_now_ms(CLOCK_MONOTONIC) + limit;
    int failed = start(&job, cwd);
    if (failed) return fake_fail(err, EEP_E_NOT_FOUND, "execute", "cannot run it: %s", strerror(failed));
    int32_t code = finish(&job, lease, id, result, err);
    free(job.captured[0].data);
    free(job.captured[1].data);
    return code;
}
