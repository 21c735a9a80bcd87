/* window.h: how long a request may wait for news, as far as that is learned from those who cut it.
 *
 * Somebody on the way (a proxy, a gateway) may end what waits for too long. Nothing is lost by that, but each cut costs a
 * request: so the next one waits for less. It may have been a passing trouble, too: after a while a longer wait is tried
 * again, and the more often that fails the later the next time. Pure, no locks; zeroed is nothing learned. */
#ifndef PLUGIN_WINDOW_H
#define PLUGIN_WINDOW_H

#include <stdint.h>

struct window {
    int64_t most_ms; /* 0 = no limit is known */
    unsigned cuts;
    unsigned kept; /* requests in a row that waited so long and were answered */
};

/* As long as `wanted_ms`, if that is not known to be too long. */
int64_t window_limit(const struct window *window, int64_t wanted_ms);

/* A request that was to wait for window_ms died after took_ms. */
void window_note_cut(struct window *window, int64_t window_ms, int64_t took_ms);

/* One was answered. */
void window_note_answer(struct window *window, int64_t window_ms, int64_t took_ms);

#endif
