/* main.c: puts the parts together, says that it is ready, ends cleanly.
 *
 * The order of the end matters: first nobody waits any more (registry_close), then the sandboxes end, which
 * ends the requests that run commands in them, then the HTTP threads, then the files.
 */
#include "clock.h"
#include "fd.h"
#include "keeper.h"
#include "mem.h"
#include "persist.h"
#include "server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* So that no descriptor of ours ever becomes a standard one. */
static void occupy_standard_descriptors(void)
{
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2)
        fd = open("/dev/null", O_RDWR);
    if (fd > 2) close(fd);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limits;
    if (getrlimit(RLIMIT_NOFILE, &limits) != 0) return;
    limits.rlim_cur = limits.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limits);
}

/* Blocked here, before any thread exists, and read by the keeper. */
static int watch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static void announce(const struct standin *standin)
{
    const struct options *options = &standin->options;
    if (!isolate_is_full(&standin->isolation))
        fprintf(
            stderr,
            "daytona-standin: *** NO ISOLATION *** commands run as plain processes on this machine (%s)\n",
            standin->isolation.reason);
    if (options->is_open && options->tls_cert == NULL)
        fprintf(stderr,
                "daytona-standin: *** OPEN *** %s can be reached by others, and keys travel in clear text "
                "(--tls-cert)\n",
                standin->origin);
    if (options->quiet) return;
    fprintf(stderr,
            "daytona-standin: ready, isolation %s\n"
            "  export DAYTONA_API_URL=%s/api\n"
            "  export DAYTONA_API_KEY=%s\n",
            isolate_is_full(&standin->isolation) ? "full" : "none", standin->origin,
            options->is_open ? "..." : options->key);
}

static void say_passed_over(const struct standin *standin)
{
    const struct store *store = &standin->store;
    if (store->passed_over == NULL || standin->options.quiet) return;
    fprintf(stderr,
            "daytona-standin: $TMPDIR cannot be used, sandboxes (other users, not root) cannot pass %s; "
            "in /tmp instead\n",
            store->passed_over);
}

static int say_ready(const struct standin *standin)
{
    int fd = standin->options.ready_fd;
    if (fd < 0) return 0;
    CLEANUP(mem_free_text) char *line = mem_format("%s/api\n", standin->origin);
    int result = fd_write_all(fd, line, strlen(line));
    if (fd > 2) close(fd);
    return result;
}

/* [lock] */
static int begin_service(struct standin *standin, struct MHD_Daemon **daemon, struct fail *why)
{
    TRY(persist_start(standin, why));
    TRY(server_start(standin, daemon, why));
    persist_readdress(standin);
    return 0;
}

static int set_up(struct standin *standin, struct MHD_Daemon **daemon, struct fail *why)
{
    const struct options *options = &standin->options;
    if (options->ready_fd >= 0 && fcntl(options->ready_fd, F_SETFD, FD_CLOEXEC) != 0)
        return fail_set(why, "--ready-fd %d is not open", options->ready_fd);
    if (registry_init(&standin->registry) != 0) return fail_set(why, "no event descriptor");
    standin->registry.keeps_history = options->control;
    faults_init(&standin->faults);
    throttles_init(&standin->throttles);
    clock_set_offset(options->clock_offset_ms);
    for (size_t i = 0; i < options->throttle_count; i++)
        TRY(throttles_parse(&standin->throttles, options->throttles[i], why));
    TRY(reqlog_init(&standin->log, options->log_file, why));
    TRY(options->state != NULL ? store_init_kept(&standin->store, options->state, why)
                               : store_init(&standin->store, options->dir, why));
    say_passed_over(standin);
    TRY(isolate_init(&standin->isolation, options, &standin->store, persist_first_uid(standin), why));
    registry_lock(&standin->registry); /* nobody is answered before all is known */
    int result = begin_service(standin, daemon, why);
    registry_unlock(&standin->registry);
    return result;
}

static void tear_down(struct standin *standin, struct MHD_Daemon *daemon)
{
    persist_stop(standin);
    registry_close(&standin->registry);
    keeper_end_all(standin);
    server_stop(daemon);
    isolate_finish(&standin->isolation);
    store_finish(&standin->store);
    registry_finish(&standin->registry);
    faults_finish(&standin->faults);
    throttles_finish(&standin->throttles);
    reqlog_finish(&standin->log);
    free(standin->origin);
}

static int serve(struct standin *standin)
{
    struct MHD_Daemon *daemon = NULL;
    struct fail why;
    int signals = watch_signals();
    int result = set_up(standin, &daemon, &why);
    if (result != 0) {
        fprintf(stderr, "daytona-standin: %s\n", why.text);
    } else {
        announce(standin);
        if (say_ready(standin) == 0) keeper_run(standin, signals);
    }
    tear_down(standin, daemon);
    fd_close(&signals);
    return result != 0;
}

int main(int argc, char **argv)
{
    struct standin standin = {.registry.wake_fd = -1, .store.lock = -1};
    int exit_code;
    if (!options_parse(&standin.options, argc, argv, &exit_code)) return exit_code;
    occupy_standard_descriptors();
    raise_descriptor_limit();
    return serve(&standin);
}
