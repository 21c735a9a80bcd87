#include "window.h"

/* A request that dies sooner was not cut by somebody's time limit. */
#define CUT_LEAST_MS 1000

/* So many answers are waited for before a longer window is tried; twice as many after each cut, up to so many. */
#define KEPT_FIRST 8u
#define KEPT_MOST  1024u

int64_t window_limit(const struct window *window, int64_t wanted_ms)
{
    return window->most_ms > 0 && window->most_ms < wanted_ms ? window->most_ms : wanted_ms;
}

void window_note_cut(struct window *window, int64_t window_ms, int64_t took_ms)
{
    if (took_ms < CUT_LEAST_MS || took_ms >= window_ms) return;
    int64_t most = took_ms - took_ms / 4;
    window->most_ms = most > CUT_LEAST_MS ? most : CUT_LEAST_MS;
    window->cuts++;
    window->kept = 0;
}

static unsigned answers_needed(const struct window *window)
{
    unsigned needed = KEPT_FIRST;
    for (unsigned i = 1; i < window->cuts && needed < KEPT_MOST; i++)
        needed *= 2;
    return needed;
}

void window_note_answer(struct window *window, int64_t window_ms, int64_t took_ms)
{
    if (window->most_ms == 0 || window_ms < window->most_ms || took_ms < window_ms * 3 / 4) return;
    if (++window->kept < answers_needed(window)) return;
    window->most_ms *= 2;
    window->kept = 0;
}
