/* verb_drop.c: `eep drop`: removes the output of a command that has ended. */
#include "calls.h"
#include "outcome.h"

struct drop_args {
    struct common_args common;
    struct wait_args wait;
};

static void describe(const struct cli *cli, const eep_execution *execution)
{
    char end[48];
    if (!cli->out.json)
        out_note(&cli->out, "its output is removed; the command had ended with %s",
                 outcome_end(execution, end, sizeof(end)));
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct drop_args *args = opaque;
    CLEANUP(outcome_finish) struct outcome outcome = {0};
    eep_execution execution = {.head = {.struct_size = sizeof(execution)}};
    TRY(session_open(cli, &args->wait, err));
    outcome_begin(&outcome, out_str(cli->operands.items[0]));
    eep_drop_request request = {.head = session_request(cli, sizeof(request), &args->wait),
                                .lease = outcome.lease,
                                .execution_id = out_str(cli->operands.items[1])};
    int code = call_drop(cli, &request, &execution, err);
    if (code == EEP_OK) describe(cli, &execution);
    if (code == EEP_E_CONFLICT) err_hint(err, "eep kill ends it, and what it has left in the background");
    TRY(outcome_take(&outcome, cli, code, &execution, err));
    *exit_status = 0;
    outcome_exit_with(&outcome, *exit_status);
    return outcome_print(cli, &outcome, err);
}

static const struct option_group groups[] = {
    {"Time", wait_options, offsetof(struct drop_args, wait)},
    {"Common options", common_options, offsetof(struct drop_args, common)},
    {0}};

const struct verb verb_drop = {
    .name = "drop",
    .summary = "remove the output of a command that has ended",
    .usage = "drop LEASE ID [options]",
    .about =
        "Removes what a command has written from the sandbox's disk. How it ended stays known, and its id "
        "stays used: the same command is not run again. (Without drop the oldest outputs go by themselves.) "
        "Dropping again is no failure. A command that still runs, or that has left something running in the "
        "background, is one, and so is an id that never ran (exit status 125).",
    .options = groups,
    .args_size = sizeof(struct drop_args),
    .operand = "LEASE",
    .operand_2 = "ID",
    .run = run,
};
