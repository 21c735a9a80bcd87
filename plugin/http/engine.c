#include "http/engine.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "http/transfer.h"

#define IO_STACK_SIZE (512u * 1024u)

/* Somebody who waits: for a transfer, or (request NULL) for a moment to come. Lives on the stack of its
 * thread, which sleeps until the I/O thread has set `done` and touches nothing in between. */
struct waiter {
    struct waiter *next;
    struct waiter *prev;
    const struct wait *wait;
    const struct http_request *request;
    struct http_response *response;
    int64_t until; /* of a sleeper */
    struct transfer transfer;
    pthread_cond_t done_cond;
    bool done;
    int status;
    struct err *err;
};

struct engine {
    pid_t pid;
    int event_fd;
    pthread_mutex_t lock;   /* guards `arrived` and each waiter's `done` */
    struct waiter *arrived; /* not yet seen by the I/O thread */
    atomic_bool stop;       /* an engine that lost the race to be the first */

    /* The I/O thread's own. */
    CURLM *multi;
    struct waiter *transferring;
    struct waiter *sleeping;
};

static _Atomic(struct engine *) current;

/* -- Lists ------------------------------------------------------------------------------------- */

static void list_add(struct waiter **list, struct waiter *waiter)
{
    waiter->prev = NULL;
    waiter->next = *list;
    if (*list) (*list)->prev = waiter;
    *list = waiter;
}

static void list_remove(struct waiter **list, struct waiter *waiter)
{
    if (waiter->prev)
        waiter->prev->next = waiter->next;
    else
        *list = waiter->next;
    if (waiter->next) waiter->next->prev = waiter->prev;
}

/* -- The I/O thread ---------------------------------------------------------------------------- */

/* EEP_OK, or why this wait is over before its time. */
static int interruption(const struct wait *wait, struct err *err)
{
    if (cancel_fired(wait->cancel, wait->cancel_level)) return err_set(err, EEP_E_CANCELLED, "cancelled");
    if (wait->closing && atomic_load(wait->closing))
        return err_set(err, EEP_E_SHUTDOWN, "the environment is being closed");
    return EEP_OK;
}

/* Hands a waiter back to its thread. It must not be touched afterwards: its memory may be gone. */
static void complete(struct engine *engine, struct waiter *waiter, int status)
{
    list_remove(waiter->request ? &engine->transferring : &engine->sleeping, waiter);
    if (waiter->transfer.easy) curl_multi_remove_handle(engine->multi, waiter->transfer.easy);
    transfer_finish(&waiter->transfer);
    pthread_mutex_lock(&engine->lock);
    waiter->status = status;
    waiter->done = true;
    pthread_cond_signal(&waiter->done_cond);
    pthread_mutex_unlock(&engine->lock);
}

static int start_transfer(struct engine *engine, struct waiter *waiter)
{
    TRY(transfer_init(&waiter->transfer, waiter->request, waiter->response, waiter->wait, waiter,
                      waiter->err));
    if (curl_multi_add_handle(engine->multi, waiter->transfer.easy) != CURLM_OK)
        return err_no_memory(waiter->err);
    return EEP_OK;
}

static void accept_waiter(struct engine *engine, struct waiter *waiter)
{
    list_add(waiter->request ? &engine->transferring : &engine->sleeping, waiter);
    int status = interruption(waiter->wait, waiter->err);
    if (status == EEP_OK && waiter->request) status = start_transfer(engine, waiter);
    if (status != EEP_OK) complete(engine, waiter, status);
}

static void take_arrived(struct engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    struct waiter *list = engine->arrived;
    engine->arrived = NULL;
    pthread_mutex_unlock(&engine->lock);
    while (list) {
        struct waiter *waiter = list;
        list = list->next;
        accept_waiter(engine, waiter);
    }
}

/* An interrupted transfer may have reached the server. */
static uint32_t sent_flags(struct waiter *waiter)
{
    struct err sent = ERR_INIT;
    if (waiter->transfer.easy) transfer_result(&waiter->transfer, CURLE_ABORTED_BY_CALLBACK, &sent);
    return sent.flags & EEP_ERROR_MAYBE_APPLIED;
}

static void take_interrupted(struct engine *engine, struct waiter *list)
{
    struct waiter *next;
    for (struct waiter *waiter = list; waiter; waiter = next) {
        next = waiter->next;
        int status = interruption(waiter->wait, waiter->err);
        if (status == EEP_OK) continue;
        err_flag(waiter->err, sent_flags(waiter));
        complete(engine, waiter, status);
    }
}

static void take_finished(struct engine *engine)
{
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(engine->multi, &left)) != NULL) {
        char *owner = NULL;
        if (message->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
        struct waiter *waiter = (struct waiter *)(void *)owner;
        complete(engine, waiter, transfer_result(&waiter->transfer, message->data.result, waiter->err));
    }
}

/* Ends the sleeps whose moment has come. Returns how long until the next one, at most a minute. */
static int take_awake(struct engine *engine)
{
    struct waiter *next;
    int64_t now = clock_now_ms();
    int64_t earliest = now + 60000;
    for (struct waiter *waiter = engine->sleeping; waiter; waiter = next) {
        next = waiter->next;
        if (waiter->until <= now)
            complete(engine, waiter, EEP_OK);
        else if (waiter->until < earliest)
            earliest = waiter->until;
    }
    return (int)(earliest - now);
}

/* Has somebody written to the eventfd? What comes after this look wakes the next poll. */
static bool drain_event(struct engine *engine)
{
    uint64_t count;
    ssize_t got;
    do
        got = read(engine->event_fd, &count, sizeof count);
    while (got < 0 && errno == EINTR);
    return got > 0;
}

static void io_loop(struct engine *engine)
{
    int sleep_ms = 0;
    for (;;) {
        struct curl_waitfd event = {.fd = engine->event_fd, .events = CURL_WAIT_POLLIN};
        int running = 0;
        curl_multi_poll(engine->multi, &event, 1, sleep_ms, NULL);
        if (drain_event(engine)) {
            if (atomic_load(&engine->stop)) return; /* engine_stop's last touch was the event */
            take_arrived(engine);
            take_interrupted(engine, engine->transferring);
            take_interrupted(engine, engine->sleeping);
        }
        curl_multi_perform(engine->multi, &running);
        take_finished(engine);
        sleep_ms = take_awake(engine);
    }
}

static void engine_destroy(struct engine *engine)
{
    if (!engine) return;
    if (engine->multi) curl_multi_cleanup(engine->multi);
    if (engine->event_fd >= 0) close(engine->event_fd);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}

static void *io_main(void *argument)
{
    struct engine *engine = argument;
    prctl(PR_SET_NAME, "eep-io");
    io_loop(engine);
    engine_destroy(engine);
    return NULL;
}

/* -- Starting it ------------------------------------------------------------------------------- */

/* libcurl's own initialisation: thread-safe since 7.84, and counted, so a host that uses libcurl too is not
 * disturbed. */
static int init_curl(struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) return EEP_OK;
    return err_set(err, EEP_E_INTERNAL, "libcurl cannot be initialised");
}

/* It opens descriptors of its own, which nobody can move. */
static CURLM *create_multi(void)
{
    struct fd_guard guard;
    fd_guard_init(&guard);
    CURLM *multi = curl_multi_init();
    fd_guard_finish(&guard);
    return multi;
}

static struct engine *engine_create(struct err *err)
{
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine || init_curl(err) != EEP_OK) {
        if (!engine) err_no_memory(err);
        free(engine);
        return NULL;
    }
    engine->pid = getpid();
    pthread_mutex_init(&engine->lock, NULL);
    engine->event_fd = fd_above_stdio(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    engine->multi = create_multi();
    if (engine->event_fd >= 0 && engine->multi) return engine;
    err_set(err, EEP_E_UNAVAILABLE, "cannot start the I/O engine: out of memory or file descriptors");
    err->os_errno = errno;
    engine_destroy(engine);
    return NULL;
}

/* The new thread inherits the mask: signals are the host's business. */
static int start_thread(struct engine *engine, struct err *err)
{
    sigset_t all;
    sigset_t old;
    pthread_t thread;
    pthread_attr_t attributes;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, IO_STACK_SIZE);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int failure = pthread_create(&thread, &attributes, io_main, engine);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    if (failure == 0) return EEP_OK;
    err_set(err, EEP_E_UNAVAILABLE, "cannot start the I/O thread: the process may not have more threads");
    err->os_errno = failure;
    return err->code;
}

static void engine_stop(struct engine *engine)
{
    uint64_t one = 1;
    atomic_store(&engine->stop, true);
    while (write(engine->event_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* The engine of this process. No lock is held while it is made: a fork() in another thread may happen at any
 * moment, and the child must find nothing locked. When two threads are first at once, one of the two engines
 * is stopped again. */
static struct engine *engine_get(struct err *err)
{
    struct engine *engine = atomic_load(&current);
    if (engine && engine->pid == getpid()) return engine;
    struct engine *made = engine_create(err);
    if (!made) return NULL;
    if (start_thread(made, err) != EEP_OK) {
        engine_destroy(made);
        return NULL;
    }
    if (!atomic_compare_exchange_strong(&current, &engine, made)) {
        engine_stop(made);
        return engine;
    }
    wake_set_fd(made->event_fd);
    wake();      /* somebody may have been cancelled before there was a way to wake anyone */
    return made; /* after fork the parent's engine is left alone, sockets and all */
}

/* -- Waiting ----------------------------------------------------------------------------------- */

static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void submit(struct engine *engine, struct waiter *waiter)
{
    uint64_t one = 1;
    pthread_mutex_lock(&engine->lock);
    list_add(&engine->arrived, waiter);
    pthread_mutex_unlock(&engine->lock);
    while (write(engine->event_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static int wait_done(struct engine *engine, struct waiter *waiter)
{
    pthread_mutex_lock(&engine->lock);
    while (!waiter->done)
        pthread_cond_wait(&waiter->done_cond, &engine->lock);
    pthread_mutex_unlock(&engine->lock);
    return waiter->status;
}

static int run_waiter(struct waiter *waiter)
{
    struct engine *engine = engine_get(waiter->err);
    if (!engine) return waiter->err->code;
    init_cond(&waiter->done_cond);
    submit(engine, waiter);
    int status = wait_done(engine, waiter);
    pthread_cond_destroy(&waiter->done_cond);
    return status;
}

int engine_await(const struct http_request *request, struct http_response *response, const struct wait *wait,
                 struct err *err)
{
    struct waiter waiter = {.wait = wait, .request = request, .response = response, .err = err};
    if (wait->requests) ++*wait->requests;
    return run_waiter(&waiter);
}

int engine_sleep(int64_t until, const struct wait *wait, struct err *err)
{
    bool in_time = until < wait->deadline;
    struct waiter waiter = {.wait = wait, .until = in_time ? until : wait->deadline, .err = err};
    TRY(run_waiter(&waiter));
    if (in_time) return EEP_OK;
    return err_set(err, EEP_E_DEADLINE, "the time of the call ran out");
}
