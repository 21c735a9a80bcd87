/* agent.c: the first process of a sandbox: takes jobs from the server, reaps everything, ends with its
 * socket.
 *
 * In an isolated sandbox it is pid 1 of a pid namespace: its exit is the kernel's order to kill all the
 * others. Without isolation it is a subreaper and kills them itself. One thread; every job that could block
 * runs in a child, so a closed socket is always noticed at once.
 */
#include "agent.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct job {
    uint32_t id;
    pid_t group;
    int reply; /* -1 once the shell has ended */
};

static struct {
    struct job *items;
    size_t count;
    size_t cap;
} jobs;

static bool jobs_add(uint32_t id, pid_t group, int reply)
{
    if (jobs.count == jobs.cap) {
        size_t cap = jobs.cap > 0 ? jobs.cap * 2 : 16;
        struct job *items = realloc(jobs.items, cap * sizeof *items);
        if (items == NULL) return false;
        jobs.items = items;
        jobs.cap = cap;
    }
    jobs.items[jobs.count++] = (struct job){.id = id, .group = group, .reply = reply};
    return true;
}

static struct job *jobs_find(uint32_t id)
{
    for (size_t i = 0; i < jobs.count; i++)
        if (jobs.items[i].id == id) return &jobs.items[i];
    return NULL;
}

static void jobs_remove(uint32_t id)
{
    struct job *job = jobs_find(id);
    if (job == NULL) return;
    fd_close(&job->reply);
    *job = jobs.items[--jobs.count];
}

static void answer(int socket, const struct agent_reply *reply)
{
    fd_send_packet(socket, reply, sizeof *reply, NULL, 0); /* a server that no longer listens is no error */
}

static void shell_ended(pid_t pid, int status)
{
    for (size_t i = 0; i < jobs.count; i++) {
        struct job *job = &jobs.items[i];
        if (job->group != pid || job->reply < 0) continue;
        struct agent_reply reply = {.status = status};
        answer(job->reply, &reply);
        fd_close(&job->reply);
        return;
    }
}

static void reap_all(int signals)
{
    struct signalfd_siginfo drained;
    while (read(signals, &drained, sizeof drained) > 0)
        ;
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        shell_ended(pid, status);
}

static void start_shell(uint32_t id, int fds[FD_MAX_PASSED])
{
    struct words args = {0};
    struct agent_reply reply = {0};
    pid_t pid = -1;
    if (words_read(&args, fds[0]) != 0 || args.count < 2)
        reply.error = EINVAL;
    else
        pid = shell_spawn(&args, fds[1], fds[2], &reply);
    words_finish(&args);
    if (pid > 0 && jobs_add(id, pid, fds[3]))
        fds[3] = -1; /* the job table owns it now */
    else
        answer(fds[3], &reply);
}

static void start_file_operation(int fds[FD_MAX_PASSED])
{
    pid_t pid = fork();
    if (pid < 0) {
        struct agent_reply reply = {.error = errno};
        answer(fds[1], &reply);
    }
    if (pid != 0) return;
    struct words args = {0};
    if (words_read(&args, fds[0]) == 0) file_operation(&args, fds[1]);
    _exit(0);
}

static void kill_group(uint32_t id)
{
    struct job *job = jobs_find(id);
    if (job != NULL) kill(-job->group, SIGKILL);
}

static void serve_request(const struct agent_request *request, int fds[FD_MAX_PASSED])
{
    switch (request->op) {
    case AGENT_EXEC: start_shell(request->job, fds); break;
    case AGENT_FILE: start_file_operation(fds); break;
    case AGENT_KILL: kill_group(request->job); break;
    case AGENT_DONE: jobs_remove(request->job); break;
    default: break;
    }
}

static bool serve_next(void)
{
    struct agent_request request;
    int fds[FD_MAX_PASSED];
    ssize_t len = fd_receive_packet(AGENT_FD, &request, sizeof request, fds);
    if (len == sizeof request) serve_request(&request, fds);
    for (size_t i = 0; i < FD_MAX_PASSED; i++)
        fd_close(&fds[i]);
    return len > 0;
}

static void serve_until_closed(int signals)
{
    struct pollfd watched[] = {{.fd = AGENT_FD, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    for (;;) {
        if (poll(watched, 2, -1) < 0 && errno != EINTR) return;
        if (watched[1].revents != 0) reap_all(signals);
        if (watched[0].revents != 0 && !serve_next()) return;
    }
}

/* All signals are blocked: the way to end an agent is to close its socket. */
static int watch_children(void)
{
    sigset_t all, child;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(void)
{
    fcntl(AGENT_FD, F_SETFD, FD_CLOEXEC);
    umask(022);
    bool first_process = getpid() == 1;
    if (!first_process) prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (first_process && seccomp_refuse() != 0) return 1;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* our socket is not for commands, who are the same user */
    int signals = watch_children();
    struct agent_reply ready = {0};
    if (signals < 0 || fd_send_packet(AGENT_FD, &ready, sizeof ready, NULL, 0) != 0) return 1;
    serve_until_closed(signals);
    if (!first_process) descendants_kill();
    return 0;
}
