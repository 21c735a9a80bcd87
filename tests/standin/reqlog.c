#include "reqlog.h"

#include "clock.h"
#include "mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int reqlog_init(struct reqlog *log, const char *path, struct fail *why)
{
    *log = (struct reqlog){.first = 1, .next = 1};
    pthread_mutex_init(&log->lock, NULL);
    log->ring = mem_alloc(REQLOG_MAX * sizeof *log->ring);
    if (path != NULL) log->file = fopen(path, "ae");
    if (path != NULL && log->file == NULL)
        return fail_set(why, "cannot write --log %s: %s", path, strerror(errno));
    if (log->file != NULL) setvbuf(log->file, NULL, _IOLBF, 0);
    return 0;
}

static struct reqlog_entry *entry_at(struct reqlog *log, uint64_t seq)
{
    return &log->ring[seq % REQLOG_MAX];
}

static void entry_clear(struct reqlog_entry *entry)
{
    free(entry->method);
    free(entry->path);
    free(entry->query);
    free(entry->sandbox);
    *entry = (struct reqlog_entry){0};
}

static void forget_all(struct reqlog *log)
{
    for (; log->first < log->next; log->first++)
        entry_clear(entry_at(log, log->first));
}

void reqlog_finish(struct reqlog *log)
{
    if (log->ring == NULL) return;
    forget_all(log);
    free(log->ring);
    if (log->file != NULL) fclose(log->file);
    pthread_mutex_destroy(&log->lock);
    *log = (struct reqlog){0};
}

void reqlog_reset(struct reqlog *log)
{
    pthread_mutex_lock(&log->lock);
    forget_all(log);
    pthread_mutex_unlock(&log->lock);
}

uint64_t reqlog_arrived(struct reqlog *log, uint64_t connection, const char *method, const char *target)
{
    const char *query = strchr(target, '?');
    size_t path_len = query != NULL ? (size_t)(query - target) : strlen(target);
    pthread_mutex_lock(&log->lock);
    uint64_t seq = log->next++;
    if (seq - log->first >= REQLOG_MAX) entry_clear(entry_at(log, log->first++));
    *entry_at(log, seq) = (struct reqlog_entry){.seq = seq,
                                                .connection = connection,
                                                .method = mem_copy(method),
                                                .path = mem_copy_n(target, path_len),
                                                .query = mem_copy(query != NULL ? query + 1 : ""),
                                                .started_ms = clock_ms()};
    pthread_mutex_unlock(&log->lock);
    return seq;
}

static struct json_object *entry_to_json(const struct reqlog_entry *entry)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "seq", json_object_new_uint64(entry->seq));
    json_object_object_add(object, "connection", json_object_new_uint64(entry->connection));
    json_object_object_add(object, "method", json_object_new_string(entry->method));
    json_object_object_add(object, "path", json_object_new_string(entry->path));
    json_object_object_add(object, "query", json_object_new_string(entry->query));
    json_object_object_add(object, "status", json_object_new_int(entry->status));
    if (entry->sandbox != NULL)
        json_object_object_add(object, "sandbox", json_object_new_string(entry->sandbox));
    json_object_object_add(object, "bytesIn", json_object_new_uint64(entry->bytes_in));
    json_object_object_add(object, "bytesOut", json_object_new_uint64(entry->bytes_out));
    json_object_object_add(object, "ms", json_object_new_int64(entry->took_ms));
    return object;
}

static void write_line(FILE *file, const struct reqlog_entry *entry)
{
    struct json_object *object = entry_to_json(entry);
    fprintf(file, "%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

void reqlog_answered(struct reqlog *log, uint64_t seq, const char *sandbox, int status, uint64_t in,
                     uint64_t out)
{
    pthread_mutex_lock(&log->lock);
    struct reqlog_entry *entry = entry_at(log, seq);
    if (entry->seq == seq) { /* else reset or pushed out meanwhile */
        free(entry->sandbox);
        entry->sandbox = mem_copy(sandbox);
        entry->status = status;
        entry->bytes_in = in;
        entry->bytes_out = out;
        entry->took_ms = clock_ms() - entry->started_ms;
        if (log->file != NULL) write_line(log->file, entry);
    }
    pthread_mutex_unlock(&log->lock);
}

struct json_object *reqlog_to_json(struct reqlog *log)
{
    struct json_object *array = json_object_new_array();
    pthread_mutex_lock(&log->lock);
    for (uint64_t seq = log->first; seq < log->next; seq++)
        json_object_array_add(array, entry_to_json(entry_at(log, seq)));
    pthread_mutex_unlock(&log->lock);
    return array;
}
