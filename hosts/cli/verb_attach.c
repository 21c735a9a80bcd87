/* verb_attach.c: `eep attach`: the output and the end of a command that another eep, or nobody, waits for. */
#include "calls.h"
#include "outcome.h"

struct attach_args {
    struct common_args common;
    struct wait_args wait;
    uint64_t from;
    uint64_t from_stderr;
    bool no_wait;
    bool no_start;
};

static int attach(struct cli *cli, const struct attach_args *args, struct outcome *outcome, struct err *err)
{
    eep_attach_request request = {.head = session_request(cli, sizeof(request), &args->wait),
                                  .lease = outcome->lease,
                                  .execution_id = out_str(cli->operands.items[1]),
                                  .stdout_from = args->from,
                                  .stderr_from = args->from_stderr,
                                  .on_output = cli->out.json ? NULL : outcome_output,
                                  .output_ctx = outcome};
    request.head.flags =
        (args->no_wait ? EEP_ATTACH_NO_WAIT : 0) | (args->no_start ? EEP_ATTACH_NO_START : 0);
    eep_execution execution = {.head = {.struct_size = sizeof(execution)}};
    int code = call_attach(cli, &request, &execution, err);
    bool goes_on = execution.head.flags & EEP_EXECUTION_RUNNING;
    code = outcome_take(outcome, cli, code, &execution, err);
    if (code != EEP_OK && goes_on)
        err_hint(err, "the command goes on: eep attach looks at it again, eep kill ends it");
    return code;
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct attach_args *args = opaque;
    CLEANUP(outcome_finish) struct outcome outcome = {.looks_only = true};
    TRY(session_open(cli, &args->wait, err));
    outcome_begin(&outcome, out_str(cli->operands.items[0]));
    TRY(attach(cli, args, &outcome, err));
    if (outcome.running && !cli->out.json) out_note(&cli->out, "the command is still running");
    *exit_status = outcome.exit_status;
    return outcome_print(cli, &outcome, err);
}

#define AT(member) offsetof(struct attach_args, member)

static const struct option_spec options[] = {
    {"from", 0, OPTION_OFFSET, AT(from), "OFFSET",
     "begin standard output at this byte: as many as one has seen already (default: 0)", 0, NULL},
    {"from-stderr", 0, OPTION_OFFSET, AT(from_stderr), "OFFSET", "the same for standard error", 0, NULL},
    {"no-wait", 0, OPTION_FLAG, AT(no_wait), NULL,
     "give what output there is now, and do not wait for the end", 0, NULL},
    {"no-start", 0, OPTION_FLAG, AT(no_start), NULL, "fail instead of starting a sandbox that has stopped", 0,
     NULL},
    {0},
};

static const struct option_group groups[] = {{"Output", options, 0},
                                             {"Time", wait_options, AT(wait)},
                                             {"Common options", common_options, AT(common)},
                                             {0}};

const struct verb verb_attach = {
    .name = "attach",
    .summary = "follow a command by its id, exit as it does",
    .usage = "attach LEASE ID [options]",
    .about = "Gives the output of a command, byte for byte, on standard output and standard error, waits "
             "for its end, and exits with its status, as exec does. The command may run or have ended; "
             "it may have been started by any process on any machine. Ctrl-C ends eep, not the command.\n"
             "\n"
             "With --no-wait a command that still runs is exit status 0, and --json has the flag RUNNING.",
    .options = groups,
    .args_size = sizeof(struct attach_args),
    .operand = "LEASE",
    .operand_2 = "ID",
    .passes_exit_status = true,
    .run = run,
};
