/* lanes.h: libcurl's multi handles, each for a bounded number of transfers. Used by the I/O thread only.
 *
 * For each transfer that begins or ends, libcurl walks all connections of its multi handle: with one handle for four
 * thousand of them that was a third of what an execute costs. So transfers are spread over lanes. The first lane with
 * room takes the next one, so that idle connections are few, where they are found again. A lane that nobody used for
 * a while goes, with its connections. */
#ifndef HTTP_LANES_H
#define HTTP_LANES_H

#include <curl/curl.h>

#include "http/sockets.h"

/* As many as libcurl makes streams of one HTTP/2 connection (admission.h counts connections so). */
enum { LANE_TRANSFERS = 100 };

/* Longer than any connection may be idle (daytona/client.h). libcurl closes idle connections only when others come and
 * go. */
#define LANE_REST_MS 60000

struct lanes;

struct lane {
    struct lanes *lanes;
    struct lane *next;
    CURLM *multi;
    unsigned transfers;
    unsigned connecting; /* of them */
    int64_t chosen_at;   /* when it was given its last transfer */
    int64_t looked_at;   /* when it was last made to look at all that it has */
    int64_t due;         /* when libcurl wants to look at its own timers; -1 = never */
    int64_t rested_at;   /* when its last transfer ended, while it has none */
    bool stirred;        /* something may have ended in it */
    bool deaf;           /* a socket of it cannot be watched: it is looked at now and then */
};

/* A transfer's place in a lane. Zeroed = in none. */
struct lane_place {
    struct lane *lane;
    bool connecting;
};

struct lanes {
    struct lane *first; /* the one that is filled first */
    struct sockets sockets;
    CURLSH *names;        /* what look-ups have found, for all lanes */
    unsigned connections; /* how many a lane may have */
};

/* Without lanes: they come as they are needed. Does not own epoll_fd. */
void lanes_init(struct lanes *lanes, int epoll_fd);
void lanes_finish(struct lanes *lanes);

/* How many connections all transfers may have: a lane will not keep more of them. */
void lanes_limit(struct lanes *lanes, unsigned connections);

/* Begins a transfer. False = out of memory. */
bool lanes_add(struct lanes *lanes, struct lane_place *place, CURL *easy);

/* It has a connection. */
void lanes_connected(struct lane_place *place);

/* Ends one, over or not; none = nothing. Each must have been, before the lanes are finished. */
void lanes_remove(struct lane_place *place, CURL *easy);

/* Something happened to a socket (epoll's events); libcurl's own moments have come. */
void lanes_serve(struct lanes *lanes, int fd, uint32_t events);
void lanes_serve_timers(struct lanes *lanes);

/* The next transfer that is over, to be removed; false = no more. */
bool lanes_next_finished(struct lanes *lanes, CURL **easy, CURLcode *code);

/* When lanes_serve_timers is to be called; INT64_MAX = not by itself. */
int64_t lanes_due(const struct lanes *lanes);

/* Closes lanes that have been at rest for so long. Returns whether there are none any more. */
bool lanes_tidy(struct lanes *lanes, int64_t rest_ms);

#endif
