/* verb_exec.c: `eep exec`: runs a command in a lease; its streams and its exit status are eep's own. */
#include "calls.h"
#include "command.h"

struct exec_args {
    struct common_args common;
    struct wait_args wait;
    struct command_args command;
    bool detach;
};

static int take_detach(struct command *command, const struct exec_args *args, struct err *err)
{
    if (!args->detach) return EEP_OK;
    if (args->command.time_limit_ms == 0)
        return err_usage(err, "--detach needs --time-limit: nobody waits for the end of the command");
    command->request.head.flags |= EEP_EXECUTE_DETACH;
    return EEP_OK;
}

static void describe_detached(const struct cli *cli, const struct outcome *outcome)
{
    char until[32];
    if (!outcome->running)
        out_note(&cli->out, "the command has ended already; eep attach tells how");
    else if (outcome->kept_until_ms)
        out_note(&cli->out, "the command runs; the sandbox stays up until %s for it",
                 out_time(outcome->kept_until_ms, until, sizeof(until)));
    else
        out_note(&cli->out, "the command runs; the sandbox does not stop by itself");
}

/* Whoever lost the id of a command that runs could only list what there is: a failure names it. */
static int print_detached(const struct cli *cli, struct outcome *outcome, struct err *err)
{
    json_object *id = json_object_object_get(outcome->json, "executionId");
    outcome_exit_with(outcome, 0);
    if (!cli->out.json) describe_detached(cli, outcome);
    int code = outcome_print(cli, outcome, err);
    if (code == EEP_OK && !cli->out.json) code = io_print_line(out_str(json_object_get_string(id)), err);
    if (code == EEP_OK) return EEP_OK;
    err->flags |= EEP_ERROR_MAYBE_APPLIED;
    snprintf(err->execution_id, sizeof(err->execution_id), "%s", json_object_get_string(id));
    return code;
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct exec_args *args = opaque;
    CLEANUP(command_finish) struct command command = {0};
    CLEANUP(outcome_finish) struct outcome outcome = {0};
    TRY(command_init(&command, cli, &args->command, err));
    TRY(take_detach(&command, args, err));
    TRY(session_open(cli, &args->wait, err));
    if (args->detach) TRY(require_executions(cli, err));
    TRY(command_run(&command, cli, &args->wait, out_str(cli->operands.items[0]), &outcome, err));
    *exit_status = args->detach ? 0 : outcome.exit_status;
    if (args->detach) return print_detached(cli, &outcome, err);
    return outcome_print(cli, &outcome, err);
}

static const struct option_spec options[] = {
    {"detach", 'd', OPTION_FLAG, offsetof(struct exec_args, detach), NULL,
     "start the command, print its execution id, and leave it alone; needs --time-limit", 0, NULL},
    {0},
};

static const struct option_group groups[] = {
    {"The command", command_options, offsetof(struct exec_args, command)},
    {"Waiting", options, 0},
    {"Time", wait_options, offsetof(struct exec_args, wait)},
    {"Common options", common_options, offsetof(struct exec_args, common)},
    {0}};

const struct verb verb_exec = {
    .name = "exec",
    .summary = "run a command in a lease",
    .usage = "exec LEASE [options] -- PROGRAM [ARGUMENT...]\n"
             "exec LEASE [options] -c 'shell text'\n"
             "exec LEASE --detach --time-limit DURATION [options] -- PROGRAM ...",
    .about = "Runs a command in the workspace of a lease. Its output arrives while it runs, byte for "
             "byte, on standard output and standard error. A stopped sandbox is started first.\n"
             "\n"
             "With --detach nobody waits: the command goes on when eep, this machine and the network "
             "are gone. Its execution id, alone, is on standard output; eep ps, attach and kill reach "
             "the command by it from anywhere.\n"
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
