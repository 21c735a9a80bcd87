#include "list.h"

#include "answer.h"

/* More markers than this are not looked at: retention keeps them for 30 days. */
#define MARKERS_MAX 65536
#define LINE_MAX    256

struct marker {
    char id[68];
    uint64_t changed; /* ns */
};

struct folder {
    const char *dir;
    struct marker *markers;
    size_t count;
};

/* ID.p, and when it was changed. */
static void add_marker(void *ctx, const char *name)
{
    struct folder *folder = ctx;
    char memory[PATH_SIZE];
    struct text path = TEXT(memory);
    struct sys_stat info;
    size_t len = length(name);
    if (len < 3 || !equal(name + len - 2, ".p") || len - 2 >= sizeof folder->markers->id) return;
    add(&path, folder->dir);
    add(&path, "/");
    add(&path, name);
    if (folder->count == MARKERS_MAX || SYS4(newfstatat, AT_FDCWD, path.data, &info, 0) != 0) return;
    struct marker *marker = &folder->markers[folder->count++];
    memcpy(marker->id, name, len - 2);
    marker->id[len - 2] = '\0';
    marker->changed = (uint64_t)info.mtime.sec * 1000000000 + (uint64_t)info.mtime.nsec;
}

/* The newest of the rest, moved to where the rest begins; NULL = there is none. */
static const struct marker *next_newest(struct folder *folder, size_t from)
{
    if (from >= folder->count) return NULL;
    size_t best = from;
    for (size_t i = from + 1; i < folder->count; i++)
        if (folder->markers[i].changed > folder->markers[best].changed) best = i;
    struct marker newest = folder->markers[best];
    folder->markers[best] = folder->markers[from];
    folder->markers[from] = newest;
    return &folder->markers[from];
}

static void add_line(struct text *text, struct record *record, const char *id)
{
    struct totals totals;
    record_name(record, id);
    record_look(record);
    if (record->state == NONE) return;
    answer_measure(record, &totals);
    bool ended = record->state == DONE || record->state == EXPIRED;
    add(text, "x ");
    add(text, id);
    add(text, " ");
    add(text, state_names[record->state]);
    add_field(text, ended ? record->code : 0);
    add(text, " ");
    add(text, ended ? record->sig : "0");
    add_field(text, totals.held);
    add_field(text, totals.out);
    add_field(text, totals.err);
    add_field(text, record->started_at);
    add_field(text, ended ? record->ended_at : 0);
    add(text, "\n");
}

void list(const struct request *request, struct record *record)
{
    struct folder folder = {record->dir, take(MARKERS_MAX * sizeof(struct marker)), 0};
    uint64_t most = request->most < MARKERS_MAX ? request->most : MARKERS_MAX;
    size_t size = 8192 + (size_t)most * LINE_MAX;
    struct text text = {take(size), 0, size - 1, false};
    each_name(record->dir, add_marker, &folder);
    answer_begin(&text, request, "list .\n");
    const struct marker *marker;
    for (size_t i = 0; i < most && (marker = next_newest(&folder, i)) != NULL; i++)
        add_line(&text, record, marker->id);
    answer_begin(&text, request, "end\n");
    write_all(1, text.data, text.len);
}
