/* async_queue.h: the events of an environment, in the order in which they happened.
 *
 * Operations put in, on the crew's thread; the host takes out, on any. What an operation tells on its way is bounded:
 * it waits for room, or lets it be. How it ended always has room: DONE is made before the operation begins. */
#ifndef PLUGIN_ASYNC_QUEUE_H
#define PLUGIN_ASYNC_QUEUE_H

#include <pthread.h>

#include "base/err.h"
#include "ext/async.h"
#include "http/request.h"

struct async_event {
    struct async_event *next;
    size_t weight; /* bytes that count as unread */
    eep_event event;
};

/* NULL = no memory. data is copied. */
struct async_event *async_event_create(uint32_t type, uint64_t op, uint64_t user_data, eep_bytes data);
void async_event_destroy(struct async_event *event);

struct async_queue {
    pthread_mutex_t lock; /* guards all of it, and what its owner likes */
    pthread_cond_t changed;
    int fd;         /* an eventfd: readable while there is something to take */
    bool signalled; /* it is */
    struct async_event *first;
    struct async_event **last;
    size_t unread;
    unsigned open;            /* operations whose DONE has not been taken */
    unsigned readers;         /* threads in async_queue_take */
    bool closing;             /* no operation is added any more; once none is open, it is all over */
    struct async_room *rooms; /* who waits for room, oldest first */
    struct async_room **last_room;
};

/* EEP_E_UNAVAILABLE with os_errno: there is no descriptor for it, and nothing to finish. */
int async_queue_init(struct async_queue *queue, struct err *err);

/* Throws away what was not taken, and waits until no thread takes any more. No operation may be left. */
void async_queue_finish(struct async_queue *queue);

/* One more, or one less that has been taken back. EEP_E_UNAVAILABLE, EEP_E_SHUTDOWN. */
int async_queue_open(struct async_queue *queue, struct err *err);
void async_queue_unopen(struct async_queue *queue);

/* Puts in, whatever there is already: DONE. */
void async_queue_put(struct async_queue *queue, struct async_event *event);

/* Puts in if there is room; else the event is destroyed. */
void async_queue_offer(struct async_queue *queue, struct async_event *event);

/* Waits for room and puts in. EEP_E_CANCELLED, _SHUTDOWN, _DEADLINE: as `wait` says, and the event is destroyed. */
int async_queue_put_waiting(struct async_queue *queue, struct async_event *event, const struct wait *wait,
                            struct err *err);

/* eep_async_table.next, its arguments checked. */
int async_queue_take(struct async_queue *queue, eep_event *events, uint32_t capacity, uint32_t stride,
                     uint32_t timeout_ms, uint32_t *count, struct err *err);

/* No operation is added any more: who waits finds out. */
void async_queue_close(struct async_queue *queue);

#endif
