/* verb_resume.c: `eep resume`: makes a lease of an earlier process usable again. */
#include "calls.h"
#include "leases.h"

struct resume_args {
    struct common_args common;
    struct wait_args wait;
    bool no_start;
};

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct resume_args *args = opaque;
    eep_lease lease = {.head = {.struct_size = sizeof(lease)}};
    *exit_status = 0;
    TRY(session_open(cli, &args->wait, err));
    eep_resume_request request = {.head = session_request(cli, sizeof(request), &args->wait),
                                  .lease = out_str(cli->operands.items[0])};
    if (args->no_start) request.head.flags |= EEP_RESUME_NO_START;
    TRY(call_resume(cli, &request, &lease, err));
    int code = lease_print(cli, &lease, err);
    cli->session.plugin->clear(&lease.head);
    return code;
}

static const struct option_spec options[] = {
    {"no-start", 0, OPTION_FLAG, offsetof(struct resume_args, no_start), NULL,
     "fail instead of starting a sandbox that has stopped", 0, NULL},
    {0},
};

static const struct option_group groups[] = {
    {"Options", options, 0},
    {"Time", wait_options, offsetof(struct resume_args, wait)},
    {"Common options", common_options, offsetof(struct resume_args, common)},
    {0}};

const struct verb verb_resume = {
    .name = "resume",
    .summary = "make a lease usable again, start it if needed",
    .usage = "resume LEASE [options]",
    .about = "Makes a lease usable again, also one of another process or machine: starts its sandbox "
             "if it has stopped, and checks that it is the one that was leased. Prints the lease id on "
             "standard output.",
    .options = groups,
    .args_size = sizeof(struct resume_args),
    .operand = "LEASE",
    .run = run,
};
