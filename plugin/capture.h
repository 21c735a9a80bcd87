/* capture.h: the head and the tail of a stream of any length, in memory of a fixed size.
 *
 * Holds the first and the last half of its capacity. What lies between need not be given to it: see
 * capture_skip. */
#ifndef PLUGIN_CAPTURE_H
#define PLUGIN_CAPTURE_H

#include "base/err.h"
#include "eep.h"

struct capture {
    size_t capacity;
    uint64_t seen; /* bytes given or skipped so far: the offset of the next byte */
    size_t allocated;
    char *bytes;        /* [0, half) head, [half, capacity) ring of the tail; grows up to capacity */
    uint64_t tail_from; /* from here on up to `seen` nothing was skipped; 0 = nothing was skipped at all */
};

void capture_init(struct capture *capture, size_t capacity);
void capture_finish(struct capture *capture);

/* Takes the next bytes of the stream. EEP_E_NO_MEMORY. */
int capture_add(struct capture *capture, const void *data, size_t len, struct err *err);

/* Of a stream that ends at `total`: the next byte that is worth fetching, at least `seen`. Jumps over the
 * middle once the head is full. */
uint64_t capture_next(const struct capture *capture, uint64_t total);

/* Goes on at `offset` (>= seen) without the bytes before it. */
void capture_skip(struct capture *capture, uint64_t offset);

/* Hands the bytes over, in order, with a NUL behind them: free() them. *head is how many belong to the
 * beginning. NULL when out of memory. */
char *capture_take(struct capture *capture, size_t *len, size_t *head);

#endif
