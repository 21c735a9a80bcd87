/* command.h: becoming the command. */
#ifndef NATIVE_COMMAND_H
#define NATIVE_COMMAND_H

#include "request.h"

/* What the command is given, made ready before there is a child: the child shall only exec. */
struct command {
    char **argv;
    char **env;
    int script; /* a descriptor of the supervisor that holds the script; -1 = none */
    int in;
    int out;
    int err;
    bool login; /* the profiles get none of the streams; the script's first line takes them back */
};

/* False when there is no room for the script. */
bool command_prepare(struct command *command, const struct request *request, const char *scratch);

/* Replaces this process, or tells the command's stderr why it cannot, as a shell does, and exits: 127, or 126. */
_Noreturn void command_become(const struct command *command);

#endif
