/* process.h: what /proc tells of processes. */
#ifndef NATIVE_PROCESS_H
#define NATIVE_PROCESS_H

#include "base.h"

struct process {
    int pid; /* 0 in all fields = there is none */
    int parent;
    int group;
    char state; /* as /proc has it: Z = zombie */
    uint64_t start;
};

/* False when there is no such process. */
bool process_read(int pid, struct process *process);
bool process_self(struct process *process);

/* Is it there, still the same (a pid is used again, its start time is not), and no zombie? */
bool process_alive(int pid, uint64_t start);

/* What tells one boot of the sandbox from another: the first group of the kernel's boot id, or "0". */
void boot_id(char id[16]);

/* Those who belong to an execution. */
struct family {
    const char *mark; /* NAME=VALUE, in the environment of all but those who cleared it */
    int leader;       /* the command: leads its own group */
    int supervisor; /* inherits orphans (not the one in sh); its own group are helpers, not family. 0 = dead */
    int *pids;      /* found by family_find: alive, in no group of the leader's */
    size_t count;
    bool group; /* found: somebody in the leader's group is alive */
};

void family_find(struct family *family);

#endif
