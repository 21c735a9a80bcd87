/* record.h: what is on disk about an execution, format EEP1 (../README.md), shared with the runner in sh. */
#ifndef NATIVE_RECORD_H
#define NATIVE_RECORD_H

#include "base.h"
#include "process.h"
#include "request.h"

enum state { NONE, RUNNING, DONE, NEVER, LOST, EXPIRED, CONFLICT };

#define PATH_SIZE   4400
#define RECORD_SIZE 512

struct record {
    char dir[PATH_SIZE];  /* the folder of the records */
    char path[PATH_SIZE]; /* of this one, without its suffix */
    char boot[16];
    enum state state;

    /* The three lines, as far as they are there. */
    char memory[RECORD_SIZE + 1];
    const char *digest; /* "-" = not told */
    int supervisor;
    uint64_t supervisor_start;
    const char *supervisor_boot;
    uint64_t started_at;
    bool merged;
    int command; /* 0 = it has not begun */
    uint64_t command_start;
    uint64_t code;
    const char *sig;    /* a number, or ? */
    uint64_t out_total; /* at the end */
    uint64_t err_total;
    const char *holders;
    uint64_t lost;
    uint64_t last_signal;
    const char *whys;
    uint64_t unsure;
    uint64_t ended_at;
};

/* Finds or makes the folder: given, or ~/.eep, or one in the temporary folder. False when none can be had. */
bool record_open(struct record *record, const struct request *request);

/* Another record of the same folder. False when its path is too long. */
bool record_name(struct record *record, const char *id);

/* Reads the state: NONE, RUNNING, DONE, NEVER or LOST. Waits a second, once, for markers that are
 * being written. */
void record_look(struct record *record);

/* Does something still write the output of what is DONE? */
bool record_held(const struct record *record);

/* The path of one of its files. Static memory, four paths at a time. */
const char *record_file(const struct record *record, const char *suffix);

/* Removes the notes of the ladder. */
void record_forget_kills(const struct record *record);

/* Reads them: the last signal, and why, in the order of the rungs. */
void record_kills(const struct record *record, uint64_t *last_signal, struct text *whys);

#endif
