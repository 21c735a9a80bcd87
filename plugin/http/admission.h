/* admission.h: who may have a connection now, and who waits for one. First come, first served.
 *
 * libcurl's own limits serve whoever asks first when something becomes free, so ours come before it:
 *
 *   - No more transfers at once than `capacity`, which follows from the process's limit of descriptors.
 *   - A part of it is reserved for urgent ones: to cancel, to kill, to give back must not wait behind work.
 *   - One origin (scheme, host, port) gets no more than seven eighths of the rest: one that has stopped to
 *     answer must not take all.
 *   - Few at a time may be on their way to an origin that has not been reached lately (each may be a thread
 *     of the resolver), and not too many to one that has (its queue of connections is short).
 *
 * Where HTTP/2 was spoken, STREAMS transfers count as one (one for each lane that has some of them is nearer to the
 * truth where there are many origins: lanes.h). Used by the I/O thread only. */
#ifndef HTTP_ADMISSION_H
#define HTTP_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ADMISSION_STREAMS    100 /* libcurl's own default for a connection */
#define ADMISSION_MAX        8192
#define ADMISSION_MIN        8
#define ADMISSION_EXPLORERS  8
#define ADMISSION_CONNECTING 256
#define ADMISSION_REACHED_MS 60000 /* how long an address is remembered: libcurl's default */

enum ticket_state { TICKET_NONE, TICKET_WAITING, TICKET_CONNECTING, TICKET_ACTIVE };

/* Part of whoever wants a connection; zeroed at first. */
struct ticket {
    void *who;
    enum ticket_state state;
    bool urgent;
    uint64_t number; /* in the order of arrival */
    struct origin *origin;
    struct ticket *next;
    struct ticket *prev;
};

struct ticket_queue {
    struct ticket *first;
    struct ticket *last;
};

struct origin {
    struct origin *next;
    char *name; /* "https://host:port" */
    unsigned connecting;
    unsigned active; /* connecting ones included */
    bool multiplexed;
    bool reached;
    int64_t reached_at;
    struct ticket_queue work;
    struct ticket_queue urgent;
};

struct admission {
    unsigned capacity;
    unsigned slots;   /* in use */
    unsigned waiting; /* tickets */
    uint64_t numbers;
    struct origin *origins;
    size_t origin_count;
};

/* What the process's limit of descriptors allows: half of it, in bounds. */
unsigned admission_capacity_of(uint64_t descriptors);

void admission_init(struct admission *admission, unsigned capacity);
void admission_finish(struct admission *admission);

/* Queues up for the origin of `url`. EEP_E_NO_MEMORY. */
NODISCARD int admission_enter(struct admission *admission, struct ticket *ticket, void *who, const char *url,
                              bool urgent);

/* Whose turn is it? That one is TICKET_CONNECTING then. NULL = nobody's. */
struct ticket *admission_next(struct admission *admission, int64_t now);

/* It has its connection; `now` = when. */
void admission_connected(struct admission *admission, struct ticket *ticket, int64_t now);

/* Back to where it was in the queue: there was no descriptor for it. */
void admission_return(struct admission *admission, struct ticket *ticket);

/* This origin speaks HTTP/2, or does not. */
void admission_multiplexed(struct admission *admission, struct ticket *ticket, bool multiplexed);

/* It wants none any more, whatever its state. */
void admission_leave(struct admission *admission, struct ticket *ticket);

/* Does somebody wait, or will somebody soon? Whoever can do with less should. */
bool admission_is_crowded(const struct admission *admission);

#endif
