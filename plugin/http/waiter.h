/* waiter.h: somebody who waits for the I/O thread: for an answer, or (request NULL) for a moment to come.
 *
 * Lives on the stack of its operation, which waits until the I/O thread has handed it back (hand_back, io.c) and
 * touches nothing in between. */
#ifndef HTTP_WAITER_H
#define HTTP_WAITER_H

#include <pthread.h>

#include "http/admission.h"
#include "http/alarms.h"
#include "http/cancel.h"
#include "http/lanes.h"
#include "http/transfer.h"

enum { WAITER_LINKS = 3 };

struct waiter {
    struct waiter *next; /* among those that have just arrived */
    const struct wait *wait;
    const struct http_request *request;
    struct http_response *response;
    int64_t until; /* of a sleeper */
    bool pokeable; /* a sleeper that also ends when wait->own is poked more than `pokes` times */
    unsigned pokes;
    struct err *err;
    int status;

    /* How it is told: by the condition, or, in eep.async/1, by wait->parking. */
    pthread_cond_t done_cond;
    bool done;

    /* The I/O thread's. */
    struct cancel_link links[WAITER_LINKS];
    struct alarm alarm;
    struct ticket ticket;
    struct transfer transfer;
    struct lane_place place; /* the transfer's */
    bool made_room;          /* for it, idle connections have been closed already */
    struct waiter *next_yielding;
    struct waiter **back_yielding; /* NULL = it has not given way */
};

#endif
