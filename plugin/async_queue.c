#include "async_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "abi.h"
#include "base/arena.h"
#include "base/fd.h"
#include "http/engine.h"

/* What an event costs beside its data. */
#define EVENT_WEIGHT 256

/* -- Events ------------------------------------------------------------------------------------ */

struct async_event *async_event_create(uint32_t type, uint64_t op, uint64_t user_data, eep_bytes data)
{
    const char *copy = NULL;
    struct async_event *event = calloc(1, sizeof *event);
    if (!event) return NULL;
    event->event = (eep_event){.type = type, .op = op, .user_data = user_data};
    if (arena_copy(&event->event.head.arena, data.ptr, data.len, &copy) != EEP_OK) {
        free(event);
        return NULL;
    }
    event->event.data = (eep_bytes){copy, data.len};
    event->weight = type == EEP_EVENT_DONE ? 0 : data.len + EVENT_WEIGHT;
    return event;
}

void async_event_destroy(struct async_event *event)
{
    if (!event) return;
    arena_free(&event->event.head.arena);
    free(event);
}

/* -- The descriptor ---------------------------------------------------------------------------- */

static bool is_over(const struct async_queue *queue)
{
    return queue->closing && queue->open == 0;
}

/* Makes it readable or not. An eventfd that counts to one neither blocks nor overflows. */
static void settle(struct async_queue *queue)
{
    uint64_t one = 1;
    bool wanted = queue->first || is_over(queue);
    if (wanted == queue->signalled) return;
    queue->signalled = wanted;
    while ((wanted ? write(queue->fd, &one, sizeof one) : read(queue->fd, &one, sizeof one)) < 0 &&
           errno == EINTR)
        ;
}

int async_queue_init(struct async_queue *queue, struct err *err)
{
    pthread_condattr_t attributes;
    *queue = (struct async_queue){.fd = fd_above_stdio(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))};
    if (queue->fd < 0) {
        err_set(err, EEP_E_UNAVAILABLE, "no descriptor for the events of this environment");
        err->os_errno = errno;
        return err->code;
    }
    queue->last = &queue->first;
    queue->last_room = &queue->rooms;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return EEP_OK;
}

static void drop_all(struct async_queue *queue)
{
    struct async_event *next;
    for (struct async_event *event = queue->first; event; event = next) {
        next = event->next;
        if (event->event.type == EEP_EVENT_DONE) queue->open--;
        async_event_destroy(event);
    }
    queue->first = NULL;
    queue->last = &queue->first;
}

void async_queue_finish(struct async_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    drop_all(queue);
    queue->closing = true;
    pthread_cond_broadcast(&queue->changed);
    while (queue->readers > 0)
        pthread_cond_wait(&queue->changed, &queue->lock);
    pthread_mutex_unlock(&queue->lock);
    close(queue->fd);
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->changed);
}

/* -- Operations come and go -------------------------------------------------------------------- */

int async_queue_open(struct async_queue *queue, struct err *err)
{
    int status = EEP_OK;
    pthread_mutex_lock(&queue->lock);
    if (queue->closing)
        status = err_set(err, EEP_E_SHUTDOWN, "the environment is being closed");
    else if (queue->open >= EEP_ASYNC_OPS_MAX)
        status = err_set(err, EEP_E_UNAVAILABLE,
                         "%u operations are open, the most that an environment may have: take events first",
                         EEP_ASYNC_OPS_MAX);
    else
        queue->open++;
    pthread_mutex_unlock(&queue->lock);
    return status == EEP_E_UNAVAILABLE ? err_flag(err, EEP_ERROR_RETRYABLE) : status;
}

void async_queue_unopen(struct async_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->open--;
    settle(queue);
    if (is_over(queue)) pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

void async_queue_close(struct async_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closing = true;
    settle(queue);
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

/* -- Putting in -------------------------------------------------------------------------------- */

static void append(struct async_queue *queue, struct async_event *event)
{
    event->next = NULL;
    *queue->last = event;
    queue->last = &event->next;
    queue->unread += event->weight;
    settle(queue);
    pthread_cond_signal(&queue->changed);
}

void async_queue_put(struct async_queue *queue, struct async_event *event)
{
    pthread_mutex_lock(&queue->lock);
    append(queue, event);
    pthread_mutex_unlock(&queue->lock);
}

static bool has_room(const struct async_queue *queue, size_t weight)
{
    return queue->unread + weight <= EEP_ASYNC_UNREAD_MAX;
}

void async_queue_offer(struct async_queue *queue, struct async_event *event)
{
    pthread_mutex_lock(&queue->lock);
    bool room = has_room(queue, event->weight);
    if (room) append(queue, event);
    pthread_mutex_unlock(&queue->lock);
    if (!room) async_event_destroy(event);
}

/* An operation that waits for room, on its stack. */
struct async_room {
    struct async_room *next;
    eep_cancel *bell; /* poked when there may be room; NULL = it was, and is in line no more */
};

static void stand_in_line(struct async_queue *queue, struct async_room *room)
{
    *queue->last_room = room;
    queue->last_room = &room->next;
}

/* Who was not called but cancelled, say, may stand anywhere. */
static void leave_line(struct async_queue *queue, struct async_room *room)
{
    if (!room->bell) return;
    struct async_room **link = &queue->rooms;
    while (*link != room)
        link = &(*link)->next;
    *link = room->next;
    if (!*link) queue->last_room = link;
}

/* Called and left with the lock held. EEP_OK: look again. */
static int await_room(struct async_queue *queue, const struct wait *wait, struct err *err)
{
    unsigned pokes = cancel_pokes(wait->own);
    struct async_room room = {.bell = wait->own};
    stand_in_line(queue, &room);
    pthread_mutex_unlock(&queue->lock);
    int status = engine_await_poke(pokes, wait, err);
    pthread_mutex_lock(&queue->lock);
    leave_line(queue, &room);
    return status;
}

int async_queue_put_waiting(struct async_queue *queue, struct async_event *event, const struct wait *wait,
                            struct err *err)
{
    int status = EEP_OK;
    pthread_mutex_lock(&queue->lock);
    while (status == EEP_OK && !has_room(queue, event->weight))
        status = await_room(queue, wait, err);
    if (status == EEP_OK) append(queue, event);
    pthread_mutex_unlock(&queue->lock);
    if (status != EEP_OK) async_event_destroy(event);
    return status;
}

/* Calls as many as will find room, the oldest first. */
static void call_next(struct async_queue *queue)
{
    size_t weight = EEP_ASYNC_OUTPUT_MAX + EVENT_WEIGHT;
    for (size_t more = weight; queue->rooms && has_room(queue, more); more += weight) {
        struct async_room *room = queue->rooms;
        queue->rooms = room->next;
        if (!queue->rooms) queue->last_room = &queue->rooms;
        cancel_poke(room->bell);
        room->bell = NULL;
    }
}

/* -- Taking out -------------------------------------------------------------------------------- */

static struct async_event *pop(struct async_queue *queue)
{
    struct async_event *event = queue->first;
    queue->first = event->next;
    if (!queue->first) queue->last = &queue->first;
    queue->unread -= event->weight;
    if (event->event.type == EEP_EVENT_DONE) queue->open--;
    return event;
}

static int take_some(struct async_queue *queue, eep_event *events, uint32_t capacity, uint32_t stride,
                     uint32_t *count, struct err *err)
{
    for (*count = 0; *count < capacity && queue->first; ++*count) {
        void *host = (char *)events + (size_t)*count * stride;
        if (abi_check_result(host, "event", err) != EEP_OK) return *count > 0 ? EEP_OK : err->code;
        struct async_event *event = pop(queue);
        abi_export(host, &event->event, sizeof event->event);
        free(event); /* its arena is the host's now */
    }
    return EEP_OK;
}

static struct timespec moment_after(uint32_t timeout_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += timeout_ms / 1000;
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static void await_event(struct async_queue *queue, uint32_t timeout_ms)
{
    struct timespec end = moment_after(timeout_ms);
    int late = 0;
    while (!queue->first && !is_over(queue) && late == 0) {
        if (timeout_ms == UINT32_MAX)
            pthread_cond_wait(&queue->changed, &queue->lock);
        else
            late = pthread_cond_timedwait(&queue->changed, &queue->lock, &end);
    }
}

int async_queue_take(struct async_queue *queue, eep_event *events, uint32_t capacity, uint32_t stride,
                     uint32_t timeout_ms, uint32_t *count, struct err *err)
{
    int status = EEP_OK;
    pthread_mutex_lock(&queue->lock);
    queue->readers++;
    if (!queue->first && timeout_ms > 0) await_event(queue, timeout_ms);
    if (queue->first)
        status = take_some(queue, events, capacity, stride, count, err);
    else if (is_over(queue))
        status = err_set(err, EEP_E_SHUTDOWN, "the environment is being closed, and all events were taken");
    call_next(queue);
    settle(queue);
    queue->readers--;
    if (is_over(queue))
        pthread_cond_broadcast(&queue->changed); /* the others who wait, and async_queue_finish */
    pthread_mutex_unlock(&queue->lock);
    return status;
}
