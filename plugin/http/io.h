/* io.h: what the I/O thread does: who may send, who sleeps, who is cancelled; libcurl is behind lanes.h.
 *
 * Each turn of its loop does a bounded amount of work for everybody: at most EVENTS_MAX sockets are served,
 * each for at most its share (transfer.c), and at most STARTS_MAX transfers are begun. So one that moves a
 * gigabyte, or a thousand that arrive at once, delay a short one by a few turns. A turn's cost follows from what has
 * happened, not from how many wait. */
#ifndef HTTP_IO_H
#define HTTP_IO_H

#include "http/waiter.h"

struct io {
    int event_fd; /* somebody arrived, something rang, `stop` or `leaving` */
    atomic_bool stop;
    atomic_bool leaving; /* the process exits */
    atomic_bool
        has_left; /* so libcurl is given nothing to do; handles are still read for what became of them */

    pthread_mutex_t lock;   /* guards the list of arrivals and each waiter's `done` */
    struct waiter *arrived; /* oldest first, not yet seen by the I/O thread */
    struct waiter **last;
    atomic_bool crowded;

    /* The I/O thread's own. */
    int epoll_fd;
    struct lanes lanes;
    struct transfer_pool pool;
    int64_t limits_seen_at;  /* of descriptors */
    struct waiter *yielding; /* transfers that have had their share of this turn */
    struct alarms alarms;
    struct admission admission;
};

/* Opens what the thread needs. EEP_E_UNAVAILABLE with os_errno. */
int io_init(struct io *io, struct err *err);
void io_finish(struct io *io);

/* Turns until io->stop. */
void io_run(struct io *io);

/* The process exits: returns once the thread leaves libcurl alone. From then on requests are EEP_E_SHUTDOWN; those under
 * way end by a cancel, a close or their deadline only. */
void io_leave(struct io *io);

/* From any thread: wakes the loop; hands a waiter over; it comes back by io_wait or by its parking. */
void io_call(struct io *io);
void io_submit(struct io *io, struct waiter *waiter);

/* Waits until it is back. */
void io_wait(struct io *io, struct waiter *waiter);

#endif
