/* verb_exec.c: `eep exec`: runs a command in a lease; its streams and its exit status are eep's own. */
#include "command.h"

struct exec_args {
    struct common_args common;
    struct wait_args wait;
    struct command_args command;
};

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct exec_args *args = opaque;
    CLEANUP(command_finish) struct command command = {0};
    CLEANUP(outcome_finish) struct outcome outcome = {0};
    TRY(command_init(&command, cli, &args->command, err));
    TRY(session_open(cli, &args->wait, err));
    TRY(command_run(&command, cli, &args->wait, out_str(cli->operands.items[0]), &outcome, err));
    *exit_status = outcome.exit_status;
    return outcome_print(cli, &outcome, err);
}

static const struct option_group groups[] = {
    {"The command", command_options, offsetof(struct exec_args, command)},
    {"Time", wait_options, offsetof(struct exec_args, wait)},
    {"Common options", common_options, offsetof(struct exec_args, common)},
    {0}};

const struct verb verb_exec = {
    .name = "exec",
    .summary = "run a command in a lease",
    .usage = "exec LEASE [options] -- PROGRAM [ARGUMENT...]\n"
             "exec LEASE [options] -c 'shell text'",
    .about = "Runs a command in the workspace of a lease. Its output arrives while it runs, byte for "
             "byte, on standard output and standard error. A stopped sandbox is started first.\n"
             "\n"
             "Exit status: the command's own, or 128+n when signal n ended it (128 when it is not "
             "known which); 124 time limit, 130 interrupted, 125 any failure of eep, a wrong command "
             "line included. Where the command uses these numbers itself, --json and --status-fd tell "
             "them apart.",
    .options = groups,
    .args_size = sizeof(struct exec_args),
    .operand = "LEASE",
    .takes_command = true,
    .passes_exit_status = true,
    .run = run,
};
