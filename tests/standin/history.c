#include "history.h"

#include <stdbool.h>
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
static bool is_seen(const struct history_view *view, struct moment then)
{
    return view->since.ms <= then.ms && view->since.requests <= then.requests;
}

struct json_object *history_at(const struct history *history, struct moment then)
{
    for (size_t i = history->count; i-- > 0;)
        if (is_seen(&history->views[i], then)) return history->views[i].shown;
    return NULL;
}

struct json_object *history_near(const struct history *history, struct moment then)
{
    if (history->count == 0 || is_seen(&history->views[0], then)) return history_at(history, then);
    return history->views[0].shown;
}
