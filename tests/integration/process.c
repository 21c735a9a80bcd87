#include "process.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

enum { MAX_WORDS = 16 };

static void own_path(char path[PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
    assert_true(len > 0);
    path[len] = '\0';
}

char *process_build_path(const char *name)
{
    char path[PATH_MAX];
    char *result = NULL;
    own_path(path);
    *strrchr(path, '/') = '\0';
    assert_true(asprintf(&result, "%s/../../%s", path, name) > 0); /* this is BUILD/tests/integration/x */
    return result;
}

int process_await(pid_t pid)
{
    int status = 0;
    for (long until = now_ms() + LIMIT_MS; now_ms() < until; nap())
        if (waitpid(pid, &status, WNOHANG) == pid) return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    fail_msg("process %d did not end", (int)pid);
    return -1;
}

static pid_t start_self(const char *const *words, bool closed)
{
    char path[PATH_MAX];
    char *argv[MAX_WORDS + 2] = {path};
    own_path(path);
    for (size_t i = 0; i < MAX_WORDS && words[i] != NULL; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int fd = 0; closed && fd < 3; fd++)
            close(fd);
        execv(path, argv);
        _exit(126);
    }
    assert_true(pid > 0);
    return pid;
}

pid_t process_start_self(const char *const *words)
{
    return start_self(words, false);
}

int process_run_self(const char *const *words)
{
    return process_await(start_self(words, false));
}

int process_run_self_closed(const char *const *words)
{
    return process_await(start_self(words, true));
}
