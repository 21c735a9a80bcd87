/* bwrap.h: the command line of bubblewrap that makes a sandbox: what it contains, and by omission what it
 * does not. */
#ifndef STANDIN_BWRAP_H
#define STANDIN_BWRAP_H

#include "store.h"

#include <stdbool.h>
#include <stddef.h>

enum { COMMAND_MAX_WORDS = 96 };

/* Words for execve, ended by a NULL. Owns them. */
struct command {
    char *words[COMMAND_MAX_WORDS];
    size_t count;
};

/* directory is the sandbox's own in the store. */
void bwrap_command(struct command *command, const char *bwrap, const struct store *store,
                   const char *directory, bool share_net);
void command_add(struct command *command, const char *word);
void command_finish(struct command *command);

#endif
