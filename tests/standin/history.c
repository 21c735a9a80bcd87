#include "history.h"

#include <string.h>

void history_finish(struct history *history)
{
    while (history->count > 0)
        json_object_put(history->views[--history->count].shown);
}

void history_add(struct history *history, struct moment now, struct json_object *shown)
{
    if (history->count == HISTORY_MAX) {
        json_object_put(history->views[0].shown);
        memmove(history->views, history->views + 1, --history->count * sizeof *history->views);
    }
    history->views[history->count++] = (struct history_view){.since = now, .shown = shown};
}

/* A change is not seen by who looks from before it, be it by the clock or by the count of requests. */
struct json_object *history_at(const struct history *history, struct moment then)
{
    for (size_t i = history->count; i-- > 0;) {
        const struct history_view *view = &history->views[i];
        if (view->since.ms <= then.ms && view->since.requests <= then.requests) return view->shown;
    }
    return NULL;
}
