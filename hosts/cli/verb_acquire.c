/* verb_acquire.c: `eep acquire`: a new sandbox; its lease id, alone, on standard output. */
#include "calls.h"
#include "interrupt.h"
#include "leases.h"

struct acquire_args {
    struct common_args common;
    struct wait_args wait;
    struct lease_args lease;
    struct text_list env;
    bool reuse;
};

/* A signal that came too late for the plugin to notice: whoever waits for the id may be gone. With a key, or by its
 * labels, the sandbox is found again; else it would be lost. */
static int settle(struct cli *cli, const struct acquire_args *args, const eep_lease *lease, struct err *err)
{
    if (interrupt_count() == 0 || args->lease.key || args->reuse) return lease_print(cli, lease, err);
    TRY(lease_destroy(cli, &args->wait, lease->lease, NULL, err));
    return err_set(err, EEP_E_CANCELLED, "interrupted; the new sandbox has been destroyed again");
}

static int check_reuse(const struct acquire_args *args, struct err *err)
{
    if (!args->reuse) return EEP_OK;
    if (args->lease.key) return err_usage(err, "give either --key or --reuse, not both");
    if (args->lease.labels.count > 0) return EEP_OK;
    err_usage(err, "--reuse needs a --label to find the sandbox by");
    return err_hint(err, "as in eep acquire --reuse --label task=build-42");
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct acquire_args *args = opaque;
    CLEANUP(new_lease_finish) struct new_lease new_lease = {0};
    eep_lease lease = {.head = {.struct_size = sizeof(lease)}};
    *exit_status = 0;
    TRY(check_reuse(args, err));
    TRY(new_lease_init(&new_lease, &args->lease, &args->env, err));
    TRY(session_open(cli, &args->wait, err));
    new_lease.request.head = session_request(cli, sizeof(new_lease.request), &args->wait);
    if (args->reuse) new_lease.request.head.flags |= EEP_ACQUIRE_REUSE;
    TRY(call_acquire(cli, &new_lease.request, &lease, err));
    int code = settle(cli, args, &lease, err);
    cli->session.plugin->clear(&lease.head);
    return code;
}

static const struct option_spec options[] = {
    {"env", 0, OPTION_LIST, offsetof(struct acquire_args, env), "NAME[=VALUE]",
     "variable of every command in the sandbox; the service keeps it in clear, so give secrets "
     "to exec instead. Without =VALUE: from eep's own environment. May be repeated",
     0, NULL},
    {0},
};

static const struct option_spec reuse_options[] = {
    {"reuse", 0, OPTION_FLAG, offsetof(struct acquire_args, reuse), NULL,
     "take a sandbox that bears all the --label given, whoever made it; make one only if there is none", 0,
     NULL},
    {0},
};

static const struct option_group groups[] = {
    {"The sandbox", lease_options, offsetof(struct acquire_args, lease)},
    {"An old one instead", reuse_options, 0},
    {"Its commands", options, 0},
    {"Time", wait_options, offsetof(struct acquire_args, wait)},
    {"Common options", common_options, offsetof(struct acquire_args, common)},
    {0}};

const struct verb verb_acquire = {
    .name = "acquire",
    .summary = "create a sandbox, print its lease id",
    .usage = "acquire [options]",
    .about = "Creates a sandbox, waits until it runs, and prints its lease id, alone, on standard "
             "output:\n"
             "\n"
             "  LEASE=$(eep acquire)\n"
             "\n"
             "The id works in any process and on any machine until the lease is released with "
             "--destroy. When acquire fails or is interrupted, what it made is deleted again; with "
             "--key or --reuse it is kept for the next try.",
    .options = groups,
    .args_size = sizeof(struct acquire_args),
    .makes_lease = true,
    .run = run,
};
