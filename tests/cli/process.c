/* process.c: see process.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

long long process_now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

char *process_build_path(const char *name)
{
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    assert_true(len > 0);
    exe[len] = '\0';
    *strrchr(exe, '/') = '\0';
    char *path = NULL;
    assert_true(asprintf(&path, "%s/../../%s", exe, name) > 0); /* this program is BUILD/tests/cli/x */
    return path;
}

/* -- starting ---------------------------------------------------------------------------------- */

static int open_input(const struct process_setup *setup)
{
    if (!setup->input) return open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = memfd_create("input", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, setup->input, setup->input_len), setup->input_len);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static char **make_environment(const struct process_setup *setup)
{
    size_t count = 0;
    while (setup->env && setup->env[count])
        count++;
    char **env = calloc(count + 3, sizeof(*env));
    env[0] = (char *)"PATH=/usr/local/bin:/usr/bin:/bin";
    env[1] = (char *)"HOME=/nonexistent";
    for (size_t i = 0; i < count; i++)
        env[i + 2] = (char *)setup->env[i];
    return env;
}

void process_start(struct process *process, const struct process_setup *setup)
{
    *process = (struct process){.exit_code = -1};
    int input = open_input(setup);
    int pipes[PROCESS_STREAMS][2];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    for (int i = 0; i < PROCESS_STREAMS; i++) {
        assert_int_equal(pipe2(pipes[i], O_CLOEXEC), 0);
        process->fds[i] = fcntl(pipes[i][0], F_DUPFD_CLOEXEC, 64); /* out of the way of descriptors 0 to 3 */
        int writer = fcntl(pipes[i][1], F_DUPFD_CLOEXEC, 64);
        close(pipes[i][0]);
        close(pipes[i][1]);
        pipes[i][1] = writer;
        posix_spawn_file_actions_adddup2(&actions, writer, i + 1);
    }
    sigset_t defaults;
    sigfillset(&defaults);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    char **env = make_environment(setup);
    int failed = posix_spawn(&process->pid, setup->argv[0], &actions, &attributes, setup->argv, env);
    if (failed) fail_msg("cannot start %s: %s", setup->argv[0], strerror(failed));
    for (int i = 0; i < PROCESS_STREAMS; i++)
        close(pipes[i][1]);
    close(input);
    free(env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
}

/* -- reading ----------------------------------------------------------------------------------- */

const char *process_text(const struct process *process, enum process_stream stream)
{
    return process->texts[stream].data ? process->texts[stream].data : "";
}

void process_close(struct process *process, enum process_stream stream)
{
    if (process->fds[stream] >= 0) close(process->fds[stream]);
    process->fds[stream] = -1;
}

static void receive(struct process *process, enum process_stream stream)
{
    char block[65536];
    ssize_t got = read(process->fds[stream], block, sizeof(block));
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) {
        process_close(process, stream);
        return;
    }
    size_t len = process->texts[stream].len;
    char *data = realloc(process->texts[stream].data, len + (size_t)got + 1);
    assert_non_null(data);
    memcpy(data + len, block, (size_t)got);
    data[len + (size_t)got] = '\0';
    process->texts[stream].data = data;
    process->texts[stream].len = len + (size_t)got;
}

/* Takes in what there is within `wait` milliseconds; false when all streams are at their end. */
static bool pump(struct process *process, int wait)
{
    struct pollfd fds[PROCESS_STREAMS];
    bool any = false;
    for (int i = 0; i < PROCESS_STREAMS; i++) {
        fds[i] = (struct pollfd){.fd = process->fds[i], .events = POLLIN};
        any = any || process->fds[i] >= 0;
    }
    if (!any) return false;
    poll(fds, PROCESS_STREAMS, wait);
    for (int i = 0; i < PROCESS_STREAMS; i++)
        if (fds[i].revents) receive(process, (enum process_stream)i);
    return true;
}

/* -- waiting ----------------------------------------------------------------------------------- */

static void give_up(struct process *process, const char *waited_for)
{
    kill(-process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
    process->pid = 0;
    fail_msg("waited %d ms in vain for %s\n-- stdout: %s\n-- stderr: %s", PROCESS_LIMIT_MS, waited_for,
             process_text(process, PROCESS_STDOUT), process_text(process, PROCESS_STDERR));
}

void process_expect(struct process *process, enum process_stream stream, const char *text)
{
    long long end = process_now_ms() + PROCESS_LIMIT_MS;
    while (!strstr(process_text(process, stream), text)) {
        if (process_now_ms() > end) give_up(process, text);
        if (!pump(process, 50)) fail_msg("ended without \"%s\": %s", text, process_text(process, stream));
    }
}

void process_signal(const struct process *process, int number)
{
    kill(process->pid, number);
}

int process_finish(struct process *process)
{
    long long end = process_now_ms() + PROCESS_LIMIT_MS;
    int status = 0;
    while (pump(process, 50))
        if (process_now_ms() > end) give_up(process, "the end of the output");
    while (waitpid(process->pid, &status, WNOHANG) == 0) {
        if (process_now_ms() > end) give_up(process, "the end of the process");
        poll(NULL, 0, 5);
    }
    process->pid = 0;
    process->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return process->exit_code;
}

void process_free(struct process *process)
{
    if (process->pid > 0) {
        kill(-process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
    }
    for (int i = 0; i < PROCESS_STREAMS; i++) {
        process_close(process, (enum process_stream)i);
        free(process->texts[i].data);
    }
    *process = (struct process){.fds = {-1, -1, -1}};
}
