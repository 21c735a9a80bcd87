/* engine_testing.h: for the tests of the engine, each a program with an engine of its own: a resolver that
 * can be held, trials on threads of their own, the descriptors of this process.
 *
 * Its getaddrinfo() takes the place of libc's: only one source of a program may include this. Every wait has
 * a limit. */
#ifndef ENGINE_TESTING_H
#define ENGINE_TESTING_H

#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http_testing.h"

#define LIMIT_MS 10000

enum { MANY = 32 };

static const struct canned_exchange always_ok[] = {{.body = "{}", .times = CANNED_ALWAYS}};

/* A look of a bounded wait: another one is due. */
static inline bool look_again(int64_t start)
{
    if (clock_now_ms() - start > LIMIT_MS) return false;
    usleep(1000);
    return true;
}

/* -- A resolver that can be held --------------------------------------------------------------- */

static atomic_bool resolver_held;
static atomic_int resolving;

/* libcurl calls this one: "held.test" is not answered while resolver_held. Visible, unlike all else here. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **out)
{
    typedef int function(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!node || strcmp(node, "held.test") != 0) {
        void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
        function *real;
        memcpy(&real, &symbol, sizeof real);
        return real(node, service, hints, out);
    }
    int64_t start = clock_now_ms();
    atomic_fetch_add(&resolving, 1);
    while (atomic_load(&resolver_held) && look_again(start))
        ;
    atomic_fetch_sub(&resolving, 1);
    return EAI_AGAIN;
}

static inline void await_resolving(int count)
{
    int64_t start = clock_now_ms();
    while (atomic_load(&resolving) != count && look_again(start))
        ;
    assert_int_equal(atomic_load(&resolving), count);
}

/* -- A trial on a thread of its own ------------------------------------------------------------ */

struct runner {
    pthread_t thread;
    struct trial trial;
};

static inline void *runner_main(void *argument)
{
    struct runner *runner = argument;
    trial_run(&runner->trial);
    return NULL;
}

static inline void runner_start(struct runner *runner, struct trial trial)
{
    runner->trial = trial;
    assert_int_equal(pthread_create(&runner->thread, NULL, runner_main, runner), 0);
}

static inline void runner_join(struct runner *runner)
{
    pthread_join(runner->thread, NULL);
    trial_finish(&runner->trial);
}

static inline void until_stalled(void *server)
{
    assert_true(canned_await_stalls(server, 1));
}

/* -- Descriptors of this process --------------------------------------------------------------- */

/* Calls visit for each number in a folder of /proc; returns the sum of what it returns. */
static inline int each_number(const char *folder, int (*visit)(int number))
{
    int sum = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int number = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && number != dirfd(dir)) sum += visit(number);
    }
    closedir(dir);
    return sum;
}

static inline int is_inet_socket(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    return getsockname(fd, (struct sockaddr *)&address, &len) == 0 && address.ss_family == AF_INET;
}

static inline int count_fds(int (*visit)(int fd))
{
    return each_number("/proc/self/fd", visit);
}

/* -- In a child -------------------------------------------------------------------------------- */

#ifdef __SANITIZE_THREAD__
#define SKIP_IF_FORK_IS_NOT_POSSIBLE() skip() /* ThreadSanitizer cannot follow threads into a child */
#else
#define SKIP_IF_FORK_IS_NOT_POSSIBLE() (void)0
#endif

/* Runs body in a child; its exit status. The child is killed when it takes too long. */
static inline int in_child(int (*body)(const char *url), const char *url)
{
    int status = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(body(url));
    int64_t start = clock_now_ms();
    while (waitpid(child, &status, WNOHANG) == 0)
        if (!look_again(start)) kill(child, SIGKILL);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
