/* toolbox.h: the way from a toolbox request into its sandbox: the proxy's checks, and jobs for the agent. */
#ifndef STANDIN_TOOLBOX_H
#define STANDIN_TOOLBOX_H

#include "agent_proto.h"
#include "request.h"

/* Authorises, finds the sandbox and makes sure that it runs. If not, the reply is made and this is false. The
 * request then holds the sandbox and a socket to its agent until toolbox_close. */
bool toolbox_open(struct request *request);
void toolbox_rest(struct request *request);  /* handled: no longer counts as activity in flight */
void toolbox_close(struct request *request); /* any request, opened or not */

/* A job for the agent: words are its arguments. After agent_start, the caller owns *reply_socket. */
struct agent_job {
    uint32_t id;
    int reply; /* socket on which one agent_reply comes */
};

int agent_start(struct request *request, enum agent_op op, const struct buf *words, int input, int output,
                struct agent_job *job);
void agent_tell(struct request *request, enum agent_op op, const struct agent_job *job);
bool agent_is_gone(const struct request *request); /* the sandbox was stopped */
void agent_add_word(struct buf *words, const char *word);

/* One file operation (agent_files.c) from start to end. Returns 0 or an errno; *result is a descriptor or -1;
 * status may be NULL. Missing arguments are NULL. */
int agent_file(struct request *request, const char *operation, const char *a, const char *b, int *result,
               int *status);
int agent_file_words(struct request *request, const char *const *word, int *result,
                     int *status); /* ends with a NULL */

#endif
