/* execution.h: a command in a sandbox, from its text to its outcome, as the service's daemon runs one (protocol 7): the
 * text on the shell's stdin, both streams into one buffer, over when the shell has ended and nobody holds the output any
 * more. That holds for a command whose time is up as well: it is killed, and the answer still waits for who left its
 * process group with the output in hand.
 *
 * It runs in the connection's thread and does not look at the connection: a client that leaves stops nothing.
 */
#ifndef STANDIN_EXECUTION_H
#define STANDIN_EXECUTION_H

#include "request.h"
#include "toolbox.h"

#include <json-c/json.h>

struct command {
    const char *text;
    size_t len;
    const char *directory;    /* NULL or "" = the working directory */
    struct json_object *envs; /* or NULL */
    int64_t timeout_s;        /* 0 = none */
};

struct execution {
    struct agent_job job;
    const char *command; /* what is left to write */
    size_t command_len;
    int input;                /* write end of its stdin; -1 when all is written */
    int output;               /* read end of its output; -1 after its end */
    struct buf collected;     /* the output */
    struct agent_reply reply; /* of the agent: error, or status as waitpid gives it */
    bool lost;                /* the sandbox was stopped under it */
    bool timed_out;
    int64_t deadline_ms;
};

/* Waits until it is over. The result is to be finished in any case. */
void execution_run(struct request *request, const struct command *command, struct execution *execution);
void execution_finish(struct execution *execution);

#endif
