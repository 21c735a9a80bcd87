/* command.h: running one command in a lease, as exec and run do: its options, its input, the call.
 *
 * The caller owns both structs, and keeps them until the outcome is told: requests point into them.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli.h"
#include "outcome.h"
#include "pairs.h"

struct command_args {
    const char *script;
    const char *shell;
    const char *cwd;
    struct text_list env;
    bool read_stdin;
    const char *stdin_file;
    uint32_t time_limit_ms;
    uint64_t max_output;
    const char *id;
    bool merge;
    bool login;
    uint32_t status_fd;
};

extern const struct option_spec command_options[];

/* An execute request and what it points to. */
struct command {
    eep_execute_request request;
    eep_str *argv;
    struct pairs env;
    struct bytes stdin_data;
};

/* Everything but the lease and the head; reads the standard input that is asked for, and opens --status-fd.
 * Needs no session: until there is one, Ctrl-C just ends eep. */
int command_init(struct command *command, struct cli *cli, const struct command_args *args, struct err *err);
void command_finish(struct command *command);

/* Executes, warns of unusual ends, and fills the outcome; or
 * cli->partial, if the call fails and something is known. */
int command_run(struct command *command, struct cli *cli, const struct wait_args *wait, eep_str lease,
                struct outcome *outcome, struct err *err);

#endif
