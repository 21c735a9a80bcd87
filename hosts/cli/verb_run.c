/* verb_run.c: `eep run`: a new sandbox for one command: acquire, realize, execute, release.
 *
 * The sandbox is destroyed on every way out, Ctrl-C included: a first signal cancels the work, and the
 * release uses another token. Only a second signal, or a release that fails, leaves it behind; then its lease
 * id is told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "command.h"
#include "leases.h"
#include "sources.h"

struct run_args {
    struct common_args common;
    struct wait_args wait;
    struct lease_args lease;
    struct sources_args sources;
    struct command_args command;
    bool keep;
};

/* What is prepared before anything is created, so that a wrong command line costs nothing. */
struct plan {
    struct new_lease lease;
    struct sources sources;
    struct command command;
    char *root; /* where the command runs, if --root names another workspace than acquire has made */
};

static int plan_init(struct plan *plan, struct cli *cli, const struct run_args *args, struct err *err)
{
    static const struct text_list no_env;
    TRY(command_init(&plan->command, cli, &args->command, err));
    TRY(sources_init(&plan->sources, &args->sources, err));
    return new_lease_init(&plan->lease, &args->lease, &no_env, err);
}

static void plan_finish(struct plan *plan)
{
    command_finish(&plan->command);
    sources_finish(&plan->sources);
    new_lease_finish(&plan->lease);
    free(plan->root);
}

/* The command runs in the workspace, and that is where --root says: by itself execute does not know. */
static void use_root(struct plan *plan, const eep_workspace *workspace)
{
    eep_str *cwd = &plan->command.request.cwd;
    const char *below = cwd->ptr ? cwd->ptr : ".";
    if (below[0] == '/') return;
    if (asprintf(&plan->root, "%s/%s", workspace->root.ptr, below) < 0) mem_out();
    *cwd = out_str(plan->root);
}

/* acquire has made the workspace already: a call is only needed for what shall be in it, or for another one. */
static int realize(struct cli *cli, const struct run_args *args, struct plan *plan, eep_str lease,
                   struct err *err)
{
    struct sources *sources = &plan->sources;
    if (sources->count == 0 && !args->sources.root) return EEP_OK;
    eep_workspace workspace = {.head = {.struct_size = sizeof(workspace)}};
    sources->request.head = session_request(cli, sizeof(sources->request), &args->wait);
    sources->request.lease = lease;
    TRY(call_realize(cli, &sources->request, &workspace, err));
    int code = workspace_check(&workspace, err);
    if (code == EEP_OK && args->sources.root) use_root(plan, &workspace);
    cli->session.plugin->clear(&workspace.head);
    return code;
}

static int work(struct cli *cli, const struct run_args *args, struct plan *plan, eep_str lease,
                struct outcome *outcome, struct err *err)
{
    TRY(realize(cli, args, plan, lease, err));
    return command_run(&plan->command, cli, &args->wait, lease, outcome, err);
}

/* After work that failed: the error of the work is the answer. It names the lease only when the release has
 * failed, too. */
static int release_after_failure(struct cli *cli, const struct run_args *args, eep_str lease, struct err *err)
{
    struct err release_err = {0};
    if (lease_destroy(cli, &args->wait, lease, NULL, &release_err) == EEP_OK) {
        err->flags &= ~EEP_ERROR_MAYBE_APPLIED;
        err->lease[0] = '\0';
        return err->code;
    }
    out_warn("run: the sandbox is not destroyed: %s", release_err.message);
    if (!(err->flags & EEP_ERROR_MAYBE_APPLIED))
        err->execution_id[0] = '\0'; /* the command has surely ended */
    err->flags |= EEP_ERROR_MAYBE_APPLIED;
    memcpy(err->lease, release_err.lease, sizeof(err->lease));
    return err->code;
}

/* After work that came to an end. When the release fails, the command's own failure is still the better exit
 * status; its success is not: nobody would look. */
static int release_after_end(struct cli *cli, const struct run_args *args, eep_str lease,
                             struct outcome *outcome, struct err *err)
{
    json_object *released = NULL;
    if (lease_destroy(cli, &args->wait, lease, &released, err) == EEP_OK) {
        json_add(outcome->json, "released", released);
        return EEP_OK;
    }
    if (outcome->exit_status == 0) {
        cli->partial = json_object_get(outcome->json);
        return err->code;
    }
    CLEANUP(json_release) json_object *error = json_from_err(err);
    json_add(outcome->json, "releaseError", json_object_get(json_object_object_get(error, "error")));
    out_failure("run", err, true);
    return EEP_OK;
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct run_args *args = opaque;
    CLEANUP(plan_finish) struct plan plan = {0};
    CLEANUP(outcome_finish) struct outcome outcome = {0};
    TRY(plan_init(&plan, cli, args, err));
    TRY(session_open(cli, &args->wait, err));

    eep_lease lease = {.head = {.struct_size = sizeof(lease)}};
    plan.lease.request.head = session_request(cli, sizeof(plan.lease.request), &args->wait);
    TRY(call_acquire(cli, &plan.lease.request, &lease, err));
    lease_describe(&cli->out, &lease);
    if (args->keep) out_warn("keeping lease %s", lease.lease.ptr);

    int code = work(cli, args, &plan, lease.lease, &outcome, err);
    if (!args->keep && code == EEP_OK)
        code = release_after_end(cli, args, lease.lease, &outcome, err);
    else if (!args->keep)
        code = release_after_failure(cli, args, lease.lease, err);
    cli->session.plugin->clear(&lease.head);
    if (code != EEP_OK) return code;
    *exit_status = outcome.exit_status;
    return outcome_print(cli, &outcome, err);
}

static const struct option_spec options[] = {
    {"keep", 0, OPTION_FLAG, offsetof(struct run_args, keep), NULL,
     "do not release the sandbox; its lease id is told on standard error", 0, NULL},
    {0},
};

static const struct option_group groups[] = {
    {"The command", command_options, offsetof(struct run_args, command)},
    {"The sandbox", lease_options, offsetof(struct run_args, lease)},
    {"The workspace", sources_options, offsetof(struct run_args, sources)},
    {"Afterwards", options, 0},
    {"Time (of each step)", wait_options, offsetof(struct run_args, wait)},
    {"Common options", common_options, offsetof(struct run_args, common)},
    {0}};

const struct verb verb_run = {
    .name = "run",
    .summary = "run a command in a new sandbox, destroy it",
    .usage = "run [options] -- PROGRAM [ARGUMENT...]\n"
             "run [options] -c 'shell text'",
    .about = "Creates a sandbox, puts files into its workspace, runs a command and destroys the "
             "sandbox again, also when something fails or is interrupted.\n"
             "\n"
             "Exit status: as exec. When the command succeeded but the sandbox could not be destroyed: "
             "125.",
    .options = groups,
    .args_size = sizeof(struct run_args),
    .takes_command = true,
    .makes_lease = true,
    .passes_exit_status = true,
    .run = run,
};
