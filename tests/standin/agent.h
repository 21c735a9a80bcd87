/* agent.h: the parts of the agent (see agent_proto.h for what it is). One thread, nothing blocks but
 * children. */
#ifndef STANDIN_AGENT_H
#define STANDIN_AGENT_H

#include "agent_proto.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* NUL-terminated strings in one block; items ends with a NULL. */
struct words {
    char *block;
    char **items;
    size_t count;
};

int words_read(struct words *words, int fd); /* 0, or -1 with errno */
void words_finish(struct words *words);

/* Starts the shell of an AGENT_EXEC in a process group of its own. Its pid, or -1 with reply->error set. */
pid_t shell_spawn(const struct words *args, int input, int output, struct agent_reply *reply);

/* Operations of agent_search.c; see agent_files.c for what they get and give. */
int find_text(char **argument, int *result, int *status);
int search_names(char **argument, int *result, int *status);
int replace_text(char **argument, int *result, int *status);

/* Does a file's name match a pattern of Go's filepath.Match? A malformed pattern matches nothing. */
bool glob_matches(const char *pattern, const char *name);

/* Performs one AGENT_FILE in a child of the agent and answers on the socket. */
void file_operation(const struct words *args, int reply_socket);

/* Refuses what reaches beyond a sandbox, to us and to all that we start. 0, or -1 with errno. */
int seccomp_refuse(void);

/* Processes below the agent, however deep. */
int descendants_count(void);
void descendants_kill(void);

#endif
