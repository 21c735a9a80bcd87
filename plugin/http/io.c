#include "http/io.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define EVENTS_MAX 64
#define STARTS_MAX 64

#define LIMITS_MS 1000

/* libcurl keeps the time of a transfer, and reports first. */
#define LATE_MS 20

/* A turn takes milliseconds, also on a busy machine. */
#define LEAVE_MS 2000

/* -- Telling ----------------------------------------------------------------------------------- */

/* EEP_OK, or why this wait is over before its time. */
static int interruption(const struct wait *wait, struct err *err)
{
    unsigned fires = cancel_count(wait->cancel) + cancel_count(wait->own);
    if (fires > 0 && fires >= wait->cancel_level) return err_set(err, EEP_E_CANCELLED, "cancelled");
    if (cancel_count(wait->closing) > 0)
        return err_set(err, EEP_E_SHUTDOWN, "the environment is being closed");
    return EEP_OK;
}

/* It must not be touched afterwards: its memory may be gone. */
static void hand_back(struct io *io, struct waiter *waiter, int status)
{
    waiter->status = status;
    if (waiter->wait->parking) {
        waiter->wait->parking->unpark(waiter->wait->parking);
        return;
    }
    pthread_mutex_lock(&io->lock);
    waiter->done = true;
    pthread_cond_signal(&waiter->done_cond);
    pthread_mutex_unlock(&io->lock);
}

static void stop_yielding(struct waiter *waiter)
{
    if (!waiter->back_yielding) return;
    *waiter->back_yielding = waiter->next_yielding;
    if (waiter->next_yielding) waiter->next_yielding->back_yielding = waiter->back_yielding;
    waiter->back_yielding = NULL;
}

static void drop_transfer(struct io *io, struct waiter *waiter)
{
    stop_yielding(waiter);
    if (atomic_load(&io->has_left)) return;
    lanes_remove(&waiter->place, waiter->transfer.easy);
    transfer_finish(&waiter->transfer, &io->pool);
}

static void complete(struct io *io, struct waiter *waiter, int status)
{
    for (size_t i = 0; i < WAITER_LINKS; i++)
        cancel_unwatch(&waiter->links[i]);
    alarms_clear(&io->alarms, &waiter->alarm);
    drop_transfer(io, waiter);
    admission_leave(&io->admission, &waiter->ticket);
    hand_back(io, waiter, status);
}

/* -- Who arrives ------------------------------------------------------------------------------- */

static void watch(struct io *io, struct waiter *waiter)
{
    const struct wait *wait = waiter->wait;
    cancel_watch(wait->cancel, &waiter->links[0], waiter, io);
    cancel_watch(wait->own, &waiter->links[1], waiter, io);
    cancel_watch(wait->closing, &waiter->links[2], waiter, io);
}

static bool was_poked(const struct waiter *waiter)
{
    return waiter->pokeable && cancel_pokes(waiter->wait->own) != waiter->pokes;
}

/* False = out of memory. */
static bool set_alarm(struct io *io, struct waiter *waiter, int64_t at)
{
    alarms_clear(&io->alarms, &waiter->alarm);
    return alarms_set(&io->alarms, &waiter->alarm, waiter, at) == EEP_OK;
}

static int begin_waiting(struct io *io, struct waiter *waiter)
{
    int64_t end = waiter->request ? waiter->wait->deadline : waiter->until;
    if (waiter->request && atomic_load(&io->has_left))
        return err_set(waiter->err, EEP_E_SHUTDOWN, "the process is exiting: nothing is sent any more");
    if (!set_alarm(io, waiter, end)) return err_no_memory(waiter->err);
    if (!waiter->request) return EEP_OK;
    int status =
        admission_enter(&io->admission, &waiter->ticket, waiter, waiter->request->url, waiter->wait->urgent);
    return status == EEP_OK ? EEP_OK : err_no_memory(waiter->err);
}

static void accept_waiter(struct io *io, struct waiter *waiter)
{
    watch(io, waiter); /* first: what rings from now on is heard */
    int status = interruption(waiter->wait, waiter->err);
    if (status == EEP_OK && was_poked(waiter)) {
        complete(io, waiter, EEP_OK);
        return;
    }
    if (status == EEP_OK) status = begin_waiting(io, waiter);
    if (status != EEP_OK) complete(io, waiter, status);
}

static void take_arrived(struct io *io)
{
    struct waiter *next;
    pthread_mutex_lock(&io->lock);
    struct waiter *list = io->arrived;
    io->arrived = NULL;
    io->last = &io->arrived;
    pthread_mutex_unlock(&io->lock);
    for (struct waiter *waiter = list; waiter; waiter = next) {
        next = waiter->next;
        accept_waiter(io, waiter);
    }
}

/* -- Who is interrupted, and who has waited long enough ---------------------------------------- */

/* An interrupted transfer may have reached the server. */
static uint32_t sent_flags(struct waiter *waiter)
{
    struct err sent = ERR_INIT;
    if (waiter->transfer.easy) transfer_result(&waiter->transfer, CURLE_ABORTED_BY_CALLBACK, &sent);
    return sent.flags & EEP_ERROR_MAYBE_APPLIED;
}

static void look_at(void *ctx, void *who)
{
    struct io *io = ctx;
    struct waiter *waiter = who;
    int status = interruption(waiter->wait, waiter->err);
    if (status != EEP_OK) {
        err_flag(waiter->err, sent_flags(waiter));
        complete(io, waiter, status);
    } else if (was_poked(waiter)) {
        complete(io, waiter, EEP_OK);
    }
}

/* A sleeper has slept; one that still waits for a connection has waited in vain; and a transfer has not been ended by
 * libcurl, which forgets the time of those that wait for another's connection to turn out as HTTP/2. */
static int late_status(const struct io *io, struct waiter *waiter)
{
    if (!waiter->request) return EEP_OK;
    if (waiter->place.lane) return transfer_result(&waiter->transfer, CURLE_OPERATION_TIMEDOUT, waiter->err);
    err_set(waiter->err, EEP_E_DEADLINE,
            "no connection was free in time for %s: %u requests use one, as many as this process's limit of "
            "descriptors allows, %u wait",
            waiter->request->url, io->admission.slots, io->admission.waiting);
    return err_flag(waiter->err, EEP_ERROR_RETRYABLE);
}

static void take_late(struct io *io)
{
    struct alarm *alarm;
    int64_t now = clock_now_ms();
    while ((alarm = alarms_first(&io->alarms)) != NULL && alarm->at <= now) {
        struct waiter *waiter = alarm->who;
        complete(io, waiter, late_status(io, waiter));
    }
}

/* -- Transfers --------------------------------------------------------------------------------- */

/* As many connections as the host's limit of descriptors allows now. */
static void look_at_limits(struct io *io)
{
    struct rlimit limit;
    int64_t now = clock_now_ms();
    if (now - io->limits_seen_at < LIMITS_MS) return;
    io->limits_seen_at = now;
    uint64_t descriptors = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
    unsigned capacity = admission_capacity_of(descriptors);
    if (capacity == io->admission.capacity) return;
    io->admission.capacity = capacity;
    lanes_limit(&io->lanes, capacity);
}

static void on_connected(void *ctx, void *owner)
{
    struct io *io = ctx;
    struct waiter *waiter = owner;
    admission_connected(&io->admission, &waiter->ticket, clock_now_ms());
    lanes_connected(&waiter->place);
    if (waiter->wait->sent) ++*waiter->wait->sent;
}

static void on_yield(void *ctx, void *owner)
{
    struct io *io = ctx;
    struct waiter *waiter = owner;
    waiter->next_yielding = io->yielding;
    waiter->back_yielding = &io->yielding;
    if (io->yielding) io->yielding->back_yielding = &waiter->next_yielding;
    io->yielding = waiter;
}

static void note_version(struct io *io, struct waiter *waiter)
{
    long version = 0;
    curl_easy_getinfo(waiter->transfer.easy, CURLINFO_HTTP_VERSION, &version);
    if (version != 0)
        admission_multiplexed(&io->admission, &waiter->ticket, version >= CURL_HTTP_VERSION_2_0);
}

static void finish_transfer(struct io *io, struct waiter *waiter, CURLcode code)
{
    note_version(io, waiter);
    complete(io, waiter, transfer_result(&waiter->transfer, code, waiter->err));
}

/* Those who gave way go on; what they then do at once is part of the next turn. */
static void end_yielding(struct io *io)
{
    struct waiter *list = io->yielding;
    struct waiter *next;
    io->yielding = NULL;
    for (struct waiter *waiter = list; waiter; waiter = next) {
        next = waiter->next_yielding;
        waiter->back_yielding = NULL;
        CURLcode code = transfer_go_on(&waiter->transfer);
        if (code != CURLE_OK) finish_transfer(io, waiter, code); /* libcurl tells nobody else */
    }
}

static int start_transfer(struct io *io, struct waiter *waiter)
{
    struct transfer_owner owner = {.ctx = io,
                                   .owner = waiter,
                                   .on_connected = on_connected,
                                   .on_yield = on_yield,
                                   .sockets = &io->lanes.sockets};
    TRY(transfer_init(&waiter->transfer, &io->pool, waiter->request, waiter->response, waiter->wait, &owner,
                      waiter->err));
    if (!set_alarm(io, waiter, waiter->transfer.deadline + LATE_MS) ||
        !lanes_add(&io->lanes, &waiter->place, waiter->transfer.easy))
        return err_no_memory(waiter->err);
    return EEP_OK;
}

/* Returns whether there may be more to start. */
static bool start_some(struct io *io)
{
    int64_t now = clock_now_ms();
    for (int i = 0; i < STARTS_MAX; i++) {
        struct ticket *ticket = admission_next(&io->admission, now);
        if (!ticket) return false;
        struct waiter *waiter = ticket->who;
        int status = start_transfer(io, waiter);
        if (status != EEP_OK) complete(io, waiter, status);
    }
    return true;
}

/* The process has no more descriptors: it waits until one of ours is free. What others hold is not counted in
 * our capacity, so that shrinks for a while. */
static bool waits_for_descriptor(struct io *io, struct waiter *waiter, CURLcode code)
{
    unsigned others = io->admission.slots - 1;
    if (code != CURLE_COULDNT_CONNECT || !waiter->transfer.no_descriptor) return false;
    if (others == 0 && waiter->made_room) return false;
    if (!set_alarm(io, waiter, waiter->wait->deadline)) return false;
    drop_transfer(io, waiter);
    admission_return(&io->admission, &waiter->ticket);
    lanes_tidy(&io->lanes, 0); /* idle connections have descriptors, too */
    waiter->made_room = true;
    io->admission.capacity = others > 0 ? others : io->admission.capacity;
    io->limits_seen_at = clock_now_ms();
    return true;
}

static void take_finished(struct io *io)
{
    CURL *easy;
    CURLcode code;
    while (lanes_next_finished(&io->lanes, &easy, &code)) {
        char *owner = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
        struct waiter *waiter = (struct waiter *)(void *)owner;
        if (waits_for_descriptor(io, waiter, code)) continue;
        finish_transfer(io, waiter, code);
    }
}

/* -- The loop ---------------------------------------------------------------------------------- */

/* Nothing has been sent for a while: no handle will find a connection, so they go as well. */
static void rest(struct io *io)
{
    if (lanes_tidy(&io->lanes, LANE_REST_MS)) transfer_pool_finish(&io->pool);
}

static int until(int64_t moment, int64_t now)
{
    return moment > now ? (int)(moment - now) : 0;
}

/* A sleeper's moment, or the time to rest. */
static int64_t next_alarm(const struct io *io, int64_t now)
{
    const struct alarm *alarm = alarms_first(&io->alarms);
    int64_t rest = now + LANE_REST_MS;
    return alarm && alarm->at < rest ? alarm->at : rest;
}

/* Until what comes by itself: that, or libcurl's timer. */
static int time_to_wait(const struct io *io)
{
    int64_t now = clock_now_ms();
    int64_t next = next_alarm(io, now);
    int64_t due = lanes_due(&io->lanes);
    if (due < next) next = due;
    if (io->admission.waiting > 0 && now + LIMITS_MS < next) next = now + LIMITS_MS;
    return until(next, now);
}

/* Has somebody written to the eventfd? What comes after this look wakes the next turn. */
static bool drain_event(const struct io *io)
{
    uint64_t count;
    ssize_t got;
    do
        got = read(io->event_fd, &count, sizeof count);
    while (got < 0 && errno == EINTR);
    return got > 0;
}

static int open_epoll(const struct io *io)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = io->event_fd};
    int fd = fd_above_stdio(epoll_create1(EPOLL_CLOEXEC));
    if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, io->event_fd, &event) == 0) return fd;
    close(fd);
    return -1;
}

static void leave_haunted_epoll(struct io *io)
{
    int old = io->epoll_fd;
    int fd = sockets_is_haunted(&io->lanes.sockets) ? open_epoll(io) : -1;
    if (fd < 0) return;
    bool moved = sockets_move(&io->lanes.sockets, fd);
    if (moved) io->epoll_fd = fd;
    close(moved ? old : fd);
}

/* Returns whether somebody called. */
static bool serve_events(struct io *io, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    bool called = false;
    int count = epoll_wait(io->epoll_fd, events, EVENTS_MAX, wait_ms);
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == io->event_fd)
            called = drain_event(io);
        else
            lanes_serve(&io->lanes, events[i].data.fd, events[i].events);
    }
    return called;
}

/* Libraries clean up now: libcurl is left as it is. Who waits for an answer waits on, until that is ended or its time
 * is over, so that no exit handler of the host waits for ever. */
static void stay_without_curl(struct io *io)
{
    struct pollfd event = {.fd = io->event_fd, .events = POLLIN};
    atomic_store(&io->has_left, true);
    for (;;) {
        int64_t now = clock_now_ms();
        poll(&event, 1, until(next_alarm(io, now), now));
        drain_event(io);
        take_arrived(io);
        cancel_each_rung(io, look_at, io);
        take_late(io);
    }
}

void io_run(struct io *io)
{
    bool more = false;
    while (!atomic_load(&io->leaving)) {
        if (serve_events(io, more ? 0 : time_to_wait(io))) {
            if (atomic_load(&io->stop)) return; /* the event was the last touch of who stops it */
            take_arrived(io);
            cancel_each_rung(io, look_at, io);
        }
        leave_haunted_epoll(io);
        lanes_serve_timers(&io->lanes);
        take_finished(io);
        look_at_limits(io);
        more = start_some(io);
        end_yielding(io);
        take_late(io); /* who could have been started, late or not, has not waited in vain */
        atomic_store(&io->crowded, admission_is_crowded(&io->admission));
        rest(io);
    }
    stay_without_curl(io);
}

/* -- Making one, and handing over -------------------------------------------------------------- */

static bool open_all(struct io *io)
{
    io->event_fd = fd_above_stdio(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    io->epoll_fd = io->event_fd >= 0 ? open_epoll(io) : -1;
    return io->epoll_fd >= 0;
}

int io_init(struct io *io, struct err *err)
{
    *io = (struct io){.event_fd = -1, .epoll_fd = -1};
    io->last = &io->arrived;
    io->limits_seen_at = INT64_MIN / 2;
    pthread_mutex_init(&io->lock, NULL);
    bool opened = open_all(io);
    lanes_init(&io->lanes, io->epoll_fd);
    admission_init(&io->admission, 0);
    look_at_limits(io);
    if (opened) return EEP_OK;
    err_set(err, EEP_E_UNAVAILABLE, "cannot start the I/O engine: out of memory or file descriptors");
    err->os_errno = errno;
    return err->code;
}

void io_finish(struct io *io)
{
    transfer_pool_finish(&io->pool);
    lanes_finish(&io->lanes);
    if (io->epoll_fd >= 0) close(io->epoll_fd);
    if (io->event_fd >= 0) close(io->event_fd);
    alarms_finish(&io->alarms);
    admission_finish(&io->admission);
    pthread_mutex_destroy(&io->lock);
}

void io_call(struct io *io)
{
    uint64_t one = 1;
    while (write(io->event_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

void io_leave(struct io *io)
{
    int64_t end = clock_now_ms() + LEAVE_MS;
    atomic_store(&io->leaving, true);
    io_call(io);
    while (!atomic_load(&io->has_left) && clock_now_ms() < end)
        poll(NULL, 0, 1);
}

void io_submit(struct io *io, struct waiter *waiter)
{
    pthread_mutex_lock(&io->lock);
    bool first = io->arrived == NULL;
    *io->last = waiter;
    io->last = &waiter->next;
    pthread_mutex_unlock(&io->lock);
    if (first) io_call(io); /* else somebody has called who was not heard yet */
}

void io_wait(struct io *io, struct waiter *waiter)
{
    pthread_mutex_lock(&io->lock);
    while (!waiter->done)
        pthread_cond_wait(&waiter->done_cond, &io->lock);
    pthread_mutex_unlock(&io->lock);
}
