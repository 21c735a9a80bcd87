/* guest_test.c: a plugin is a guest: what belongs to the process is after a lease as it was before, whatever state
 * the host has left it in. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "holdings.h"
#include "host.h"
#include "process.h"

extern char **environ;

static struct standin standin;

static int start(void **state)
{
    (void)state;
    standin_start(&standin, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    standin_stop(&standin);
    return 0;
}

/* Every call once. */
static void whole_lease(eep_env *env)
{
    char lease[EEP_LEASE_MAX + 1];
    OUTCOME probed = PROBE(env, .max_depth = EEP_PROBE_QUOTA);
    EXPECT(probed, EEP_OK);
    host_acquire(env, lease);
    OUTCOME realized =
        REALIZE(env, lease, SOURCES({.kind = EEP_SOURCE_FILE, .path = TEXT("f"), .data = BYTES("content")}));
    EXPECT(realized, EEP_OK);
    EXPECT_RUN(env, lease, "cat f", "content");
    OUTCOME stopped = RELEASE(env, lease, EEP_RELEASE_STOP);
    EXPECT(stopped, EEP_OK);
    OUTCOME back = RESUME(env, lease);
    EXPECT(back, EEP_OK);
    host_destroy(env, lease);
}

/* -- What belongs to the process --------------------------------------------------------------- */

struct manners {
    struct sigaction actions[NSIG];
    sigset_t mask;
    char locale[512];
    mode_t umask;
    char cwd[4096];
    char **environ;
    char *environment;
    struct stat stdio[3];
    int stdio_flags[3];
};

/* Holes and unused words of the kernel's struct are not compared. */
static bool same_action(const struct sigaction *a, const struct sigaction *b)
{
    return a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags;
}

static char *join_environment(void)
{
    char *all = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&all, &len);
    for (char **at = environ; *at != NULL; at++)
        fprintf(stream, "%s\n", *at);
    fclose(stream);
    return all;
}

static void manners_take(struct manners *manners)
{
    memset(manners, 0, sizeof *manners);
    for (int i = 1; i < NSIG; i++)
        sigaction(i, NULL, &manners->actions[i]);
    pthread_sigmask(SIG_SETMASK, NULL, &manners->mask);
    snprintf(manners->locale, sizeof manners->locale, "%s", setlocale(LC_ALL, NULL));
    manners->umask = umask(0);
    umask(manners->umask);
    assert_non_null(getcwd(manners->cwd, sizeof manners->cwd));
    manners->environ = environ;
    manners->environment = join_environment();
    for (int fd = 0; fd < 3; fd++) {
        fstat(fd, &manners->stdio[fd]);
        manners->stdio_flags[fd] = fcntl(fd, F_GETFL);
    }
}

static void expect_same(const struct manners *before, const struct manners *after)
{
    for (int i = 1; i < NSIG; i++)
        if (!same_action(&before->actions[i], &after->actions[i])) fail_msg("signal %d was taken", i);
    for (int i = 1; i < NSIG; i++)
        assert_int_equal(sigismember(&before->mask, i), sigismember(&after->mask, i));
    assert_string_equal(before->locale, after->locale);
    assert_int_equal(before->umask, after->umask);
    assert_string_equal(before->cwd, after->cwd);
    assert_ptr_equal(before->environ, after->environ);
    assert_string_equal(before->environment, after->environment);
    for (int fd = 0; fd < 3; fd++) {
        assert_int_equal(before->stdio[fd].st_ino, after->stdio[fd].st_ino);
        assert_int_equal(before->stdio_flags[fd], after->stdio_flags[fd]);
    }
}

/* How many entries a folder of /proc/self has. */
static void nothing_of_the_process_changes(void **state)
{
    struct manners before;
    struct manners after;
    (void)state;
    plugin();
    long threads = holdings_threads();
    manners_take(&before);
    eep_env *env = host_open(&standin, NULL);
    whole_lease(env);
    plugin()->close(env);
    manners_take(&after);
    expect_same(&before, &after);
    AWAIT(holdings_threads() <= threads + 1); /* the I/O thread stays, and it is one */
    free(before.environment);
    free(after.environment);
}

/* A child that kept a connection would keep the server waiting. (The pair of sockets with which some versions of
 * libcurl wake themselves is inherited; it leads nowhere.) */
static void expect_not_inherited(void)
{
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_storage address;
        socklen_t len = sizeof address;
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || getsockname(fd, (struct sockaddr *)&address, &len) != 0) continue;
        if (address.ss_family != AF_UNIX && !(flags & FD_CLOEXEC)) fail_msg("descriptor %d is inherited", fd);
    }
}

static void no_descriptor_is_left_or_inherited(void **state)
{
    (void)state;
    char lease[EEP_LEASE_MAX + 1];
    eep_env *env = host_open(&standin, NULL);
    host_acquire(env, lease);
    long before = holdings_descriptors();
    for (int i = 0; i < 200; i++) {
        OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("true")));
        EXPECT(ran, EEP_OK);
    }
    AWAIT(holdings_descriptors() <= before);
    expect_not_inherited();
    host_destroy(env, lease);
    plugin()->close(env);
}

static void environments_leave_nothing_behind(void **state)
{
    (void)state;
    eep_env *first = host_open(&standin, NULL);
    whole_lease(first);
    plugin()->close(first);
    long threads = holdings_threads();
    for (int i = 0; i < 50; i++) {
        eep_env *env = host_open(&standin, NULL);
        OUTCOME probed = PROBE(env);
        EXPECT(probed, EEP_OK);
        plugin()->close(env);
    }
    AWAIT(holdings_threads() <= threads);
    assert_true(holdings_descriptors() < 62);
}

/* -- Signals ----------------------------------------------------------------------------------- */

/* A server that hangs up on what is being written: SIGPIPE would end a process that has not asked to ignore it. */
static void a_broken_pipe_is_no_signal(void **state)
{
    enum { SIZE = 4 << 20 };
    (void)state;
    char lease[EEP_LEASE_MAX + 1];
    struct sigaction action;
    char *input = calloc(1, SIZE);
    sigaction(SIGPIPE, NULL, &action);
    assert_true(action.sa_handler == SIG_DFL);
    eep_env *env = host_open(&standin, NULL);
    host_acquire(env, lease);
    for (int i = 0; i < 5; i++) {
        standin_faults(&standin, "[{'match':{'path':'/process/execute','count':1},'do':{'drop':'before'}}]");
        OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("wc"), TEXT("-c")), .stdin_data = {input, SIZE});
        EXPECT(ran, EEP_OK);
        EXPECT_OUTPUT(ran.execution.stdout_data, "4194304\n");
    }
    standin_faults(&standin, NULL);
    host_destroy(env, lease);
    plugin()->close(env);
    free(input);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

/* Handlers that interrupt every system call: no call may notice. */
static void the_hosts_signals_are_harmless(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
    struct sigaction before;
    struct itimerval often = {{0, 5000}, {0, 5000}};
    struct itimerval never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, &before);
    eep_env *env = host_open(&standin, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    alarms = 0;
    for (int i = 0; i < 3; i++) {
        char lease[EEP_LEASE_MAX + 1];
        host_acquire(env, lease);
        EXPECT_RUN(env, lease, "sleep 0.1; echo slept", "slept\n");
        OUTCOME realized =
            REALIZE(env, lease, SOURCES({.kind = EEP_SOURCE_FILE, .path = TEXT("f"), .data = BYTES("c")}));
        EXPECT(realized, EEP_OK);
        host_destroy(env, lease);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    assert_true(alarms > 10);
    plugin()->close(env);
    sigaction(SIGALRM, &before, NULL);
}

/* -- The environment --------------------------------------------------------------------------- */

static void variables_are_not_read_behind_the_hosts_back(void **state)
{
    static const char *const poison[] = {"http_proxy", "HTTP_PROXY",      "https_proxy",   "all_proxy",
                                         "ALL_PROXY",  "DAYTONA_API_URL", "SSL_CERT_FILE", "CURL_CA_BUNDLE"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(poison); i++)
        setenv(poison[i], "http://127.0.0.1:1", 1);
    eep_env *env = host_open(&standin, NULL);
    whole_lease(env);
    plugin()->close(env);
    for (size_t i = 0; i < COUNT_OF(poison); i++)
        unsetenv(poison[i]);
}

static void variables_are_read_on_demand(void **state)
{
    (void)state;
    eep_env *env = NULL;
    setenv("DAYTONA_API_URL", standin.api, 1);
    setenv("DAYTONA_API_KEY", SENTINEL, 1);
    OUTCOME opened = host_open_text("{'trustEnv':true,'noProxy':'*'}", &env);
    EXPECT(opened, EEP_OK);
    unsetenv("DAYTONA_API_URL"); /* it was read once */
    unsetenv("DAYTONA_API_KEY");
    whole_lease(env);
    plugin()->close(env);
}

/* -- In fresh processes ------------------------------------------------------------------------ */

/* No library is ever unloaded, even when a host insists. */
static int unload(void)
{
    char *path = process_build_path("eep-daytona.so");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    eep_env *env = host_open(&standin, NULL);
    whole_lease(env);
    for (int i = 0; i < 3; i++)
        dlclose(library);
    whole_lease(env);
    plugin()->close(env);
    free(path);
    return 0;
}

/* Descriptors 0 to 2 stay closed: a host that prints would print into our sockets. The exit code is the test. */
static int without_stdio(void)
{
    eep_env *env = NULL;
    char config[256];
    snprintf(config, sizeof config, "{'apiUrl':'%s','apiKey':'" SENTINEL "'}", standin.api);
    OUTCOME opened = host_open_text(config, &env);
    if (opened.code != EEP_OK) return 9;
    OUTCOME made = ACQUIRE(env);
    if (made.code != EEP_OK) return 10;
    OUTCOME ran = EXECUTE(env, made.lease.lease.ptr, ARGV(TEXT("cat")), .stdin_data = BYTES("through"));
    if (ran.code != EEP_OK || ran.execution.stdout_data.len != 7) return 11;
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) >= 0) return 20 + fd;
    OUTCOME released = RELEASE(env, made.lease.lease.ptr, EEP_RELEASE_DESTROY);
    if (released.code != EEP_OK) return 12;
    plugin()->close(env);
    return 0;
}

static void unloading_is_harmless(void **state)
{
    (void)state;
    IN_FRESH_PROCESS("unload", standin.api);
}

static void closed_stdio_stays_closed(void **state)
{
    (void)state;
    assert_int_equal(process_run_self_closed((const char *const[]){"without-stdio", standin.api, NULL}), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_the_process_changes),
        cmocka_unit_test(no_descriptor_is_left_or_inherited),
        cmocka_unit_test(environments_leave_nothing_behind),
        cmocka_unit_test(a_broken_pipe_is_no_signal),
        cmocka_unit_test(the_hosts_signals_are_harmless),
        cmocka_unit_test(variables_are_not_read_behind_the_hosts_back),
        cmocka_unit_test(variables_are_read_on_demand),
        cmocka_unit_test(unloading_is_harmless),
        cmocka_unit_test(closed_stdio_stays_closed),
    };
    if (argc == 3) {
        standin_attach(&standin, argv[2]);
        return strcmp(argv[1], "unload") == 0 ? unload() : without_stdio();
    }
    return cmocka_run_group_tests(tests, start, stop);
}
