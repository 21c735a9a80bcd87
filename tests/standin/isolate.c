#include "isolate.h"

#include "agent_proto.h"
#include "bwrap.h"
#include "fd.h"
#include "mem.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROBE_MS = 5000, MAX_PROCESSES = 4096 };

struct launch {
    char **argv;
    const char *directory; /* to start in */
    int socket;
    int error_output; /* -1 = ours */
    uid_t uid;        /* 0 = as we are */
    bool die_with_us;
};

static void limit(int resource, rlim_t value)
{
    struct rlimit limits;
    if (getrlimit(resource, &limits) != 0) return;
    if (limits.rlim_max == RLIM_INFINITY || limits.rlim_max > value) limits.rlim_max = value;
    limits.rlim_cur = limits.rlim_max;
    setrlimit(resource, &limits);
}

/* Plain system calls: the C library's setresuid would signal all threads of the server. */
static bool drop_to(uid_t uid)
{
    return syscall(SYS_setgroups, 0, NULL) == 0 && syscall(SYS_setresgid, uid, uid, uid) == 0 &&
           syscall(SYS_setresuid, uid, uid, uid) == 0;
}

static void arrange_descriptors(const struct launch *launch)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, 0);
    dup2(null, 1);
    if (launch->error_output >= 0) dup2(launch->error_output, 2);
    if (launch->socket == AGENT_FD) fcntl(AGENT_FD, F_SETFD, 0);
    if (launch->socket != AGENT_FD) dup2(launch->socket, AGENT_FD);
    syscall(SYS_close_range, AGENT_FD + 1, ~0U,
            0); /* what our own parent left open is no business of a sandbox */
}

/* When memory runs out, sandboxes go first, not the server or whatever else this machine is for. */
static void go_first(void)
{
    static const char score[] = "500";
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, score, sizeof score - 1) > 0) close(fd);
}

/* Runs in a vfork child: system calls only. Returns only if something failed. */
static int become_agent(const struct launch *launch)
{
    static char *const no_environment[] = {NULL};
    setsid(); /* a Ctrl-C at the server's terminal is the server's to handle */
    arrange_descriptors(launch);
    limit(RLIMIT_CORE, 0);
    go_first();
    if (launch->uid != 0) limit(RLIMIT_NPROC, MAX_PROCESSES);
    if (chdir(launch->directory) != 0) return errno;
    if (launch->uid != 0 && !drop_to(launch->uid)) return errno;
    /* after the change of user, which clears it */
    if (launch->die_with_us && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return errno;
    signals_reset();
    execve(launch->argv[0], launch->argv, no_environment);
    return errno;
}

static pid_t spawn(const struct launch *launch, struct fail *why)
{
    volatile int failure = 0;
    pid_t pid = vfork(); /* the server may be large, the child is short */
    if (pid == 0) {
        failure = become_agent(launch);
        _exit(127);
    }
    if (pid > 0 && failure == 0) return pid;
    if (pid > 0) waitpid(pid, NULL, 0);
    return fail_set(why, "cannot start %s: %s", launch->argv[0], strerror(pid < 0 ? errno : failure));
}

static int launch_in(const struct isolation *isolation, const char *directory, const struct sandbox *sandbox,
                     struct agent_process *agent, int error_output, struct fail *why)
{
    int pair[2];
    CLEANUP(command_finish) struct command command = {0};
    CLEANUP(mem_free_text) char *home = mem_format("%s/home", directory);
    if (isolation->bwrap != NULL)
        bwrap_command(&command, isolation->bwrap, isolation->store, directory,
                      (struct bwrap_wishes){.share_net = isolation->share_net && !sandbox->block_network,
                                            .no_more_users = isolation->no_more_users});
    else
        command_add(&command, isolation->store->agent);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return fail_set(why, "no socket pair: %s", strerror(errno));
    struct launch launch = {.argv = command.words,
                            .directory = home,
                            .socket = pair[1],
                            .error_output = error_output,
                            .uid = isolation->first_uid != 0 ? sandbox->uid : 0,
                            .die_with_us = isolation->bwrap != NULL};
    pid_t pid = spawn(&launch, why);
    fd_close(&pair[1]);
    int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (pidfd >= 0) {
        *agent = (struct agent_process){.pid = pid, .pidfd = pidfd, .socket = pair[0]};
        return 0;
    }
    fd_close(&pair[0]); /* which also ends an agent */
    if (pid < 0) return -1;
    waitpid(pid, NULL, 0);
    return fail_set(why, "this kernel gives no process descriptors; Linux 5.3 is the oldest that does");
}

int isolate_launch(const struct isolation *isolation, const struct sandbox *sandbox,
                   struct agent_process *agent, struct fail *why)
{
    CLEANUP(mem_free_text) char *directory = NULL;
    TRY(store_sandbox(isolation->store, sandbox->id, sandbox->uid, &directory, why));
    return launch_in(isolation, directory, sandbox, agent, -1, why);
}

static void first_line(int fd, char *line, size_t cap)
{
    ssize_t len = fd_read_some(fd, line, cap - 1);
    line[len > 0 ? len : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

/* Did the agent say that it is ready? */
static bool is_ready(int socket)
{
    struct agent_reply hello;
    int fds[FD_MAX_PASSED];
    struct pollfd watched = {.fd = socket, .events = POLLIN};
    return poll(&watched, 1, PROBE_MS) == 1 &&
           fd_receive_packet(socket, &hello, sizeof hello, fds) == sizeof hello;
}

/* The only honest test: a whole sandbox, started and ended. */
static int probe(const struct isolation *isolation, struct fail *why)
{
    struct sandbox sandbox = {
        .id = (char[]){"probe"}, .uid = isolate_uid(isolation, 0), .block_network = true};
    CLEANUP(mem_free_text) char *directory = NULL;
    TRY(store_sandbox(isolation->store, sandbox.id, sandbox.uid, &directory, why));
    int errors[2];
    if (pipe2(errors, O_CLOEXEC) != 0) return fail_set(why, "no pipe: %s", strerror(errno));
    struct agent_process agent = {.pidfd = -1, .socket = -1};
    bool ready = false;
    if (launch_in(isolation, directory, &sandbox, &agent, errors[1], why) == 0) {
        ready = is_ready(agent.socket);
        fd_close(&errors[1]);
        fd_close(&agent.socket);
        if (!ready) first_line(errors[0], why->text, sizeof why->text);
        waitpid(agent.pid, NULL, 0);
    }
    fd_close(&agent.pidfd);
    fd_close(&errors[0]);
    fd_close(&errors[1]);
    store_remove_sandbox(isolation->store, sandbox.id);
    return ready ? 0 : -1;
}

/* A range of user ids nobody else has, different for each running server as far as the machine allows. */
static void choose_uids(struct isolation *isolation)
{
    if (geteuid() != 0) return;
    unsigned long inside = 0, outside = 0, count = 0;
    FILE *map = fopen("/proc/self/uid_map", "re");
    if (map == NULL || fscanf(map, "%lu %lu %lu", &inside, &outside, &count) != 3) count = 0;
    if (map != NULL) fclose(map);
    bool large = count > (1UL << 30);
    isolation->uid_count = large ? 4096 : 1000;
    isolation->first_uid =
        large ? (1U << 28) + (uid_t)(getpid() % 65536) * 4096 : 20000 + (uid_t)(getpid() % 40) * 1000;
}

static char *find_bwrap(void)
{
    const char *path = getenv("PATH");
    CLEANUP(mem_free_text) char *copy = mem_copy(path != NULL ? path : "/usr/bin:/bin");
    char *rest = copy;
    for (char *directory; (directory = strsep(&rest, ":")) != NULL;) {
        char *candidate = mem_format("%s/bwrap", directory);
        if (*directory == '/' && access(candidate, X_OK) == 0) return candidate;
        free(candidate);
    }
    return NULL;
}

static int try_full(struct isolation *isolation, struct fail *why)
{
    isolation->bwrap = find_bwrap();
    if (isolation->bwrap == NULL)
        return fail_set(why,
                        "bubblewrap is not installed (apt install bubblewrap, or dnf install bubblewrap)");
    struct fail detail = {.text = ""};
    for (int attempt = 0; attempt < 2; attempt++) {
        isolation->no_more_users = attempt == 0;
        if (probe(isolation, &detail) == 0) return 0;
    }
    mem_free_text(&isolation->bwrap);
    return fail_set(why, "bubblewrap cannot make a sandbox on this machine: %s", detail.text);
}

int isolate_init(struct isolation *isolation, const struct options *options, const struct store *store,
                 uid_t first_uid, struct fail *why)
{
    *isolation = (struct isolation){.store = store, .share_net = options->share_net};
    choose_uids(isolation);
    if (isolation->first_uid != 0 && first_uid != 0) isolation->first_uid = first_uid;
    if (options->isolation == ISOLATION_NONE) {
        snprintf(isolation->reason, sizeof isolation->reason, "asked for with --isolation none");
        return 0;
    }
    if (try_full(isolation, why) == 0) return 0;
    if (options->isolation == ISOLATION_FULL) return -1;
    snprintf(isolation->reason, sizeof isolation->reason, "%.500s", why->text);
    return 0;
}

void isolate_finish(struct isolation *isolation)
{
    mem_free_text(&isolation->bwrap);
}

bool isolate_is_full(const struct isolation *isolation)
{
    return isolation->bwrap != NULL;
}

uid_t isolate_uid(const struct isolation *isolation, uint64_t nth)
{
    return isolation->uid_count == 0 ? geteuid() : isolation->first_uid + (uid_t)(nth % isolation->uid_count);
}

char *isolate_home(const struct isolation *isolation, const char *id)
{
    return isolation->bwrap != NULL ? mem_copy("/home/daytona")
                                    : mem_format("%s/%s/home", isolation->store->root, id);
}
