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

struct bwrap_wishes {
    bool share_net;
    bool no_more_users; /* no user namespaces inside: bubblewrap 0.8 and newer can see to it */
};

/* directory is the sandbox's own in the store. */
void bwrap_command(struct command *command, const char *bwrap, const struct store *store,
                   const char *directory, struct bwrap_wishes wishes);
void command_add(struct command *command, const char *word);
void command_finish(struct command *command);

#endif
