#include "keeper.h"

#include "agent_proto.h"
#include "clock.h"
#include "fd.h"
#include "mem.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELLO_MS = 20000, EXIT_MS = 5000 };

static void close_agent(struct sandbox *sandbox)
{
    fd_close(&sandbox->agent.socket);
    fd_close(&sandbox->agent.pidfd);
    sandbox->agent.pid = 0;
}

/* The agent ends with its socket. If it does not, its process is killed after EXIT_MS. */
static void ask_to_end(struct sandbox *sandbox)
{
    shutdown(sandbox->agent.socket, SHUT_RDWR);
    sandbox->step = STEP_EXIT;
    sandbox->due_ms = clock_ms() + EXIT_MS;
}

static void finish_transition(struct standin *standin, struct sandbox *sandbox)
{
    if (sandbox->after == STATE_DESTROYED) store_remove_sandbox(&standin->store, sandbox->id);
    sandbox_settle(sandbox, sandbox->after);
    registry_changed(&standin->registry, sandbox);
    if (sandbox->state == STATE_DESTROYED) registry_remove(&standin->registry, sandbox);
}

static void launch(struct standin *standin, struct sandbox *sandbox)
{
    struct fail why;
    if (sandbox->doomed) {
        finish_transition(standin, sandbox);
        return;
    }
    if (sandbox->agent.pid == 0 && isolate_launch(&standin->isolation, sandbox, &sandbox->agent, &why) != 0) {
        sandbox_break(sandbox, why.text, true);
        registry_changed(&standin->registry, sandbox);
        return;
    }
    sandbox->step = STEP_HELLO;
    sandbox->due_ms = clock_ms() + HELLO_MS;
}

static void take_hello(struct standin *standin, struct sandbox *sandbox)
{
    struct agent_reply hello;
    int fds[FD_MAX_PASSED];
    if (fd_receive_packet(sandbox->agent.socket, &hello, sizeof hello, fds) != sizeof hello) return;
    sandbox_settle(sandbox, STATE_STARTED);
    registry_changed(&standin->registry, sandbox);
}

/* The process is gone: as we asked, or by itself. */
static void take_exit(struct standin *standin, struct sandbox *sandbox)
{
    waitpid(sandbox->agent.pid, NULL, 0);
    close_agent(sandbox);
    if (sandbox->step == STEP_EXIT) {
        finish_transition(standin, sandbox); /* which may forget it */
        return;
    }
    if (sandbox->step == STEP_NONE && sandbox->state == STATE_STARTED)
        sandbox_settle(sandbox, STATE_STOPPED);
    else if (sandbox->step == STEP_HELLO)
        sandbox_break(sandbox, "the sandbox's first process ended before it was ready", true);
    registry_changed(&standin->registry, sandbox);
}

static void perform_due_step(struct standin *standin, struct sandbox *sandbox)
{
    switch (sandbox->step) {
    case STEP_LAUNCH: launch(standin, sandbox); break;
    case STEP_KILL:
        if (sandbox->agent.pid != 0)
            ask_to_end(sandbox);
        else
            finish_transition(standin, sandbox);
        break;
    case STEP_SETTLE: finish_transition(standin, sandbox); break;
    case STEP_HELLO:
    case STEP_EXIT:
        kill(sandbox->agent.pid, SIGKILL);
        sandbox->due_ms = clock_ms() + EXIT_MS;
        break;
    case STEP_NONE: break;
    }
}

/* When an interval in minutes has passed since then; never, if the interval is not positive. */
static int64_t interval_end(const struct standin *standin, int minutes, int64_t since_ms)
{
    return minutes <= 0 ? INT64_MAX : since_ms + (int64_t)minutes * standin->options.minute_ms;
}

/* When a sandbox at rest has to do something by itself (protocol 4.1: auto-stop, -archive, -delete). */
static int64_t rest_ends(const struct standin *standin, const struct sandbox *sandbox)
{
    if (sandbox->state == STATE_STARTED) {
        int64_t idle_ms = sandbox->requests > 0 ? 0 : clock_wall_ms() - sandbox->active_ms;
        return interval_end(standin, sandbox_interval(sandbox, "autoStopInterval"), clock_ms() - idle_ms);
    }
    if (sandbox->state != STATE_STOPPED) return INT64_MAX;
    int64_t gone = interval_end(standin, sandbox_interval(sandbox, "autoDeleteInterval"), sandbox->rested_ms);
    int64_t away =
        interval_end(standin, sandbox_interval(sandbox, "autoArchiveInterval"), sandbox->rested_ms);
    return gone < away ? gone : away;
}

static void end_rest(struct standin *standin, struct sandbox *sandbox)
{
    const struct transition_times *times = &standin->options.times;
    int64_t gone = interval_end(standin, sandbox_interval(sandbox, "autoDeleteInterval"), sandbox->rested_ms);
    if (sandbox->state == STATE_STARTED && !sandbox_is_ephemeral(sandbox))
        sandbox_begin_stop(sandbox, times->stop_ms);
    else if (sandbox->state == STATE_STARTED || gone <= clock_ms())
        sandbox_begin_delete(sandbox, times->remove_ms);
    else
        sandbox_begin_archive(sandbox, times->archive_ms);
    registry_changed(&standin->registry, sandbox);
}

/* Does what is due. Returns when this sandbox wants to be looked at again. */
static int64_t tend(struct standin *standin, struct sandbox *sandbox)
{
    if (sandbox->step == STEP_NONE && rest_ends(standin, sandbox) <= clock_ms()) end_rest(standin, sandbox);
    if (sandbox->step == STEP_NONE) return rest_ends(standin, sandbox);
    if (sandbox->due_ms <= clock_ms()) {
        registry_hold(sandbox); /* it may be destroyed now */
        perform_due_step(standin, sandbox);
        int64_t next = sandbox->step == STEP_NONE ? clock_ms() : sandbox->due_ms;
        if (sandbox->state == STATE_DESTROYED) next = INT64_MAX;
        registry_release(&standin->registry, sandbox);
        return next;
    }
    return sandbox->due_ms;
}

static int64_t tend_all(struct standin *standin)
{
    int64_t soonest = INT64_MAX;
    for (struct sandbox *at = standin->registry.first, *next; at != NULL; at = next) {
        next = at->next;
        int64_t when = tend(standin, at);
        if (when < soonest) soonest = when;
    }
    return soonest;
}

/* What to poll: two fixed descriptors, then perhaps a socket and a process for each sandbox, in this order: what comes of
 * the second may be the sandbox's end. */
struct watch {
    struct pollfd *polls;
    struct sandbox *
        *owners; /* of the polls; only the keeper removes sandboxes, so they last until the next round */
    size_t count;
};

static void watch_one(struct watch *watch, int fd, struct sandbox *owner)
{
    watch->owners[watch->count] = owner;
    watch->polls[watch->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void watch_all(struct watch *watch, struct standin *standin, int stop_fd)
{
    size_t most = 2 + 2 * standin->registry.count;
    watch->polls = mem_resize(watch->polls, most * sizeof *watch->polls);
    watch->owners = mem_resize(watch->owners, most * sizeof(struct sandbox *));
    watch->count = 0;
    watch_one(watch, stop_fd, NULL);
    watch_one(watch, standin->registry.wake_fd, NULL);
    for (struct sandbox *at = standin->registry.first; at != NULL; at = at->next) {
        if (at->step == STEP_HELLO) watch_one(watch, at->agent.socket, at);
        if (at->agent.pid != 0) watch_one(watch, at->agent.pidfd, at);
    }
}

static void watch_finish(struct watch *watch)
{
    free(watch->polls);
    free(watch->owners);
}

static void take_events(struct standin *standin, const struct watch *watch)
{
    for (size_t i = 2; i < watch->count; i++) {
        struct sandbox *owner = watch->owners[i];
        if ((watch->polls[i].revents & POLLIN) == 0) continue;
        if (watch->polls[i].fd == owner->agent.pidfd)
            take_exit(standin, owner);
        else if (owner->step == STEP_HELLO)
            take_hello(standin, owner);
    }
}

static bool is_readable(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&one, 1, 0) == 1 && (one.revents & POLLIN) != 0;
}

static int until(int64_t when_ms)
{
    int64_t left = when_ms - clock_ms();
    if (when_ms == INT64_MAX || left > INT_MAX) return -1;
    return left < 0 ? 0 : (int)left;
}

/* One round: do what is due, sleep until something happens, take it in. */
static void round_of_work(struct standin *standin, struct watch *watch, int stop_fd)
{
    registry_lock(&standin->registry);
    int64_t soonest = tend_all(standin);
    watch_all(watch, standin, stop_fd);
    registry_unlock(&standin->registry);

    int ready = poll(watch->polls, watch->count, until(soonest));
    if (ready <= 0) return;
    uint64_t wakes;
    if (watch->polls[1].revents != 0) fd_read_some(standin->registry.wake_fd, &wakes, sizeof wakes);
    registry_lock(&standin->registry);
    take_events(standin, watch);
    registry_unlock(&standin->registry);
}

void keeper_run(struct standin *standin, int stop_fd)
{
    struct watch watch = {0};
    while (!is_readable(stop_fd))
        round_of_work(standin, &watch, stop_fd);
    watch_finish(&watch);
}

static void begin_end_of_all(struct standin *standin)
{
    registry_lock(&standin->registry);
    for (struct sandbox *at = standin->registry.first; at != NULL; at = at->next) {
        if (at->step == STEP_EXIT) continue;
        sandbox_begin_stop(at, 0);
        if (at->agent.pid != 0) ask_to_end(at);
    }
    registry_unlock(&standin->registry);
}

static bool any_process(struct standin *standin)
{
    bool any = false;
    registry_lock(&standin->registry);
    for (struct sandbox *at = standin->registry.first; at != NULL; at = at->next)
        any = any || at->agent.pid != 0;
    registry_unlock(&standin->registry);
    return any;
}

void keeper_end_all(struct standin *standin)
{
    struct watch watch = {0};
    begin_end_of_all(standin);
    while (any_process(standin))
        round_of_work(standin, &watch, -1);
    watch_finish(&watch);
}
