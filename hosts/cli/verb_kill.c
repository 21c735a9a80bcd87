/* verb_kill.c: `eep kill`: ends a command by its id. */
#include <signal.h>

#include "calls.h"
#include "outcome.h"

struct kill_args {
    struct common_args common;
    struct wait_args wait;
};

/* " (it took SIGTERM)": where the end itself does not tell. */
static const char *rung(const eep_execution *execution)
{
    if (!(execution->head.flags & EEP_EXECUTION_KILLED) || execution->kill_signal == execution->term_signal)
        return "";
    switch (execution->kill_signal) {
    case SIGINT: return " (it took SIGINT)";
    case SIGTERM: return " (it took SIGTERM)";
    case SIGKILL: return " (it took SIGKILL)";
    default: return "";
    }
}

static void describe(const struct cli *cli, const eep_execution *execution)
{
    char end[48];
    bool killed = execution->head.flags & EEP_EXECUTION_KILLED;
    if (execution->head.flags & EEP_EXECUTION_RUNNING)
        out_warn("the command still runs: SIGINT, SIGTERM and SIGKILL did not end it in time");
    else if (!cli->out.json)
        out_note(&cli->out, "the command %s: %s%s", killed ? "has been ended" : "had ended before",
                 outcome_end(execution, end, sizeof(end)), rung(execution));
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct kill_args *args = opaque;
    CLEANUP(outcome_finish) struct outcome outcome = {0};
    eep_execution execution = {.head = {.struct_size = sizeof(execution)}};
    TRY(session_open(cli, &args->wait, err));
    outcome_begin(&outcome, out_str(cli->operands.items[0]));
    eep_kill_request request = {.head = session_request(cli, sizeof(request), &args->wait),
                                .lease = outcome.lease,
                                .execution_id = out_str(cli->operands.items[1])};
    int code = call_kill(cli, &request, &execution, err);
    if (code == EEP_OK) describe(cli, &execution);
    TRY(outcome_take(&outcome, cli, code, &execution, err));
    *exit_status = outcome.running ? EXIT_COULD_NOT : 0;
    outcome_exit_with(&outcome, *exit_status);
    return outcome_print(cli, &outcome, err);
}

static const struct option_group groups[] = {
    {"Time", wait_options, offsetof(struct kill_args, wait)},
    {"Common options", common_options, offsetof(struct kill_args, common)},
    {0}};

const struct verb verb_kill = {
    .name = "kill",
    .summary = "end a command by its id",
    .usage = "kill LEASE ID [options]",
    .about = "Ends a command, with what it has left running in the background: SIGINT, then SIGTERM, then "
             "SIGKILL, within --timeout. One that had ended before is no failure. An id that never ran is "
             "one, and it never will; so is a command that still runs in the end (exit status 125).",
    .options = groups,
    .args_size = sizeof(struct kill_args),
    .operand = "LEASE",
    .operand_2 = "ID",
    .run = run,
};
