#include "tests/support/local_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file without a name, with this in it, to be read from the beginning. */
static int file_with(const void *bytes, size_t len)
{
    int fd = memfd_create("local-run", MFD_CLOEXEC);
    for (size_t done = 0; fd >= 0 && done < len;) {
        ssize_t put = write(fd, (const char *)bytes + done, len - done);
        if (put <= 0) return -1;
        done += (size_t)put;
    }
    if (fd >= 0) lseek(fd, 0, SEEK_SET);
    return fd;
}

static _Noreturn void become(const char *folder, const char *assignment, int script, int in, int out, int err)
{
    char path[64];
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL); /* tests that write to sockets ignore it */
    if (chdir(folder) != 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) _exit(126);
    if (assignment) putenv((char *)(size_t)assignment);
    fcntl(script, F_SETFD, 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", script);
    execl("/bin/sh", "sh", path, NULL);
    _exit(126);
}

/* False at the end. */
static bool take(int fd, struct local_stream *stream)
{
    char bytes[65536];
    ssize_t got = read(fd, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;
    char *data = realloc(stream->data, stream->len + (size_t)got + 1);
    if (!data) return false;
    memcpy(data + stream->len, bytes, (size_t)got);
    stream->data = data;
    stream->len += (size_t)got;
    return true;
}

static void read_both(int out, int err, struct local_run *run)
{
    struct pollfd watched[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
    struct local_stream *const streams[2] = {&run->out, &run->err};
    while ((watched[0].fd >= 0 || watched[1].fd >= 0) && poll(watched, 2, -1) > 0)
        for (int i = 0; i < 2; i++)
            if (watched[i].revents && !take(watched[i].fd, streams[i])) watched[i].fd = -1;
}

static void take_status(int status, struct local_run *run)
{
    run->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    run->term_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

bool local_run(struct local_run *run, const char *folder, const char *script, const char *assignment,
               const void *input, size_t input_len, bool merged)
{
    int out[2];
    int err[2];
    int status = 0;
    *run = (struct local_run){0};
    int text = file_with(script, strlen(script));
    int in = input ? file_with(input, input_len) : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (text < 0 || in < 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) return false;
    pid_t pid = fork();
    if (pid == 0) become(folder, assignment, text, in, out[1], merged ? out[1] : err[1]);
    close(text), close(in), close(out[1]), close(err[1]);
    read_both(out[0], err[0], run);
    close(out[0]), close(err[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid) return false;
    take_status(status, run);
    return true;
}

void local_run_finish(struct local_run *run)
{
    free(run->out.data);
    free(run->err.data);
    *run = (struct local_run){0};
}
