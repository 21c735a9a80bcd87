/* agent_proto.h: what the server and the agent of a sandbox say to each other.
 *
 * The agent is the first process of a started sandbox. It holds one end of a SEQPACKET socket pair as
 * descriptor AGENT_FD. When it is ready it sends one agent_reply; after that the server sends agent_request
 * packets with descriptors attached, and each job is answered on a socket of its own. A closed socket means
 * "end": the agent exits and everything in the sandbox with it.
 *
 *   AGENT_EXEC  arguments, stdin, output, reply  runs a shell. Arguments: shell ("" = the service's rule),
 * working directory ("" = home), then the environment, K=V each AGENT_FILE  arguments, reply one file
 * operation, see agent_files.c AGENT_KILL                                   SIGKILL to the process group of
 * job; the job stays known AGENT_DONE                                   job will not be named again
 *
 * Arguments are an anonymous file of NUL-terminated strings, so no size limit of a socket applies to them.
 */
#ifndef STANDIN_AGENT_PROTO_H
#define STANDIN_AGENT_PROTO_H

#include <stdint.h>

enum { AGENT_FD = 3, AGENT_MAX_FILE_ARGS = 8 };

enum agent_op { AGENT_EXEC = 1, AGENT_FILE, AGENT_KILL, AGENT_DONE };

struct agent_request {
    uint32_t op;
    uint32_t job;
};

struct agent_reply {
    int32_t error;   /* errno of what failed, or 0 */
    int32_t status;  /* EXEC: as waitpid gives it; FILE: a count where the operation has one */
    char shell[120]; /* EXEC: the shell that was chosen */
};

/* "info" and "list" answer with an anonymous file of these, each followed by name_len bytes. */
struct file_record {
    uint64_t size;
    int64_t seconds;
    uint32_t nanoseconds;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint32_t name_len;
    uint32_t reserved;
};

/* "find" and "search" answer with an anonymous file of these, each followed by path and content. */
struct match_record {
    uint32_t line; /* 0 for search */
    uint32_t path_len;
    uint32_t content_len;
    uint32_t reserved;
};

#endif
