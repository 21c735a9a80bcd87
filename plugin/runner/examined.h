/* examined.h: the answer to runner_examine: strict parsing, as answer.h does it. */
#ifndef RUNNER_EXAMINED_H
#define RUNNER_EXAMINED_H

#include "runner/answer.h"

enum runner_writes {
    RUNNER_WRITES_YES,
    RUNNER_WRITES_NO,   /* no folder can be had */
    RUNNER_WRITES_FULL, /* there is a folder, and nothing fits into it any more */
};

struct runner_disk {
    char name[16];              /* "home" */
    char path[RUNNER_PATH_MAX]; /* absolute; "" = the sandbox has no df to tell */
    uint64_t total_kb;
    uint64_t free_kb;
};

#define RUNNER_DISKS 3

struct runner_examined {
    enum runner_identity identity;
    enum runner_writes writes;
    char missing[256];         /* names of missing tools, separated by blanks; "" = none */
    char dir[RUNNER_PATH_MAX]; /* of the records; "" = none */
    struct runner_disk disks[RUNNER_DISKS];
};

/* EEP_E_PROTOCOL when it is no such answer. */
NODISCARD int runner_examined_parse(eep_str text, const struct runner_call *call,
                                    struct runner_examined *examined, struct err *err);

#endif
