/* reqlog.h: every request that arrived, for tests that count them and people who wonder.
 *
 * An entry exists from the moment the request's headers have been read, with status 0 until it is answered (a
 * dropped connection stays 0). The newest REQLOG_MAX are kept in memory; the file, if any, gets one line of
 * JSON per answered request. Thread-safe.
 */
#ifndef STANDIN_REQLOG_H
#define STANDIN_REQLOG_H

#include "fail.h"

#include <json-c/json.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { REQLOG_MAX = 65536 };

struct reqlog_entry {
    uint64_t seq; /* from 1, over the life of the server */
    uint64_t connection;
    char *method;
    char *path;
    char *query;
    char *sandbox;
    int status;
    uint64_t bytes_in;
    uint64_t bytes_out;
    int64_t started_ms;
    int64_t took_ms;
};

struct reqlog {
    pthread_mutex_t lock;
    struct reqlog_entry *ring;
    uint64_t first; /* seq of the oldest kept */
    uint64_t next;  /* seq of the next */
    FILE *file;
};

int reqlog_init(struct reqlog *log, const char *path, struct fail *why);
void reqlog_finish(struct reqlog *log);

/* target is the raw path and query. Returns the seq to name later. */
uint64_t reqlog_arrived(struct reqlog *log, uint64_t connection, const char *method, const char *target);
void reqlog_answered(struct reqlog *log, uint64_t seq, const char *sandbox, int status, uint64_t in,
                     uint64_t out);

struct json_object *reqlog_to_json(struct reqlog *log); /* an array, to be put */
void reqlog_reset(struct reqlog *log);

#endif
