/* verb_realize.c: `eep realize`: makes the workspace folder and puts files into it. */
#include "calls.h"
#include "sources.h"

struct realize_args {
    struct common_args common;
    struct wait_args wait;
    struct sources_args sources;
};

static int print(const struct cli *cli, const eep_workspace *workspace, struct err *err)
{
    if (cli->out.json) {
        CLEANUP(json_release) json_object *object = workspace_to_json(workspace);
        return json_print(object, err);
    }
    out_note(&cli->out, "workspace ready: %u written, %llu bytes", workspace->files,
             (unsigned long long)workspace->bytes);
    return io_print_line(workspace->root, err);
}

/* With --json the results of all sources are in the object: it is printed also when some have failed. */
static int report(const struct cli *cli, const eep_workspace *workspace, int *exit_status, struct err *err)
{
    *exit_status = workspace->failed ? EXIT_COULD_NOT : 0;
    if (!cli->out.json) TRY(workspace_check(workspace, err));
    return print(cli, workspace, err);
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct realize_args *args = opaque;
    CLEANUP(sources_finish) struct sources sources = {0};
    eep_workspace workspace = {.head = {.struct_size = sizeof(workspace)}};
    TRY(sources_init(&sources, &args->sources, err));
    TRY(session_open(cli, &args->wait, err));
    sources.request.head = session_request(cli, sizeof(sources.request), &args->wait);
    sources.request.lease = out_str(cli->operands.items[0]);
    TRY(call_realize(cli, &sources.request, &workspace, err));
    int code = report(cli, &workspace, exit_status, err);
    cli->session.plugin->clear(&workspace.head);
    return code;
}

static const struct option_group groups[] = {
    {"The workspace", sources_options, offsetof(struct realize_args, sources)},
    {"Time", wait_options, offsetof(struct realize_args, wait)},
    {"Common options", common_options, offsetof(struct realize_args, common)},
    {0}};

const struct verb verb_realize = {
    .name = "realize",
    .summary = "make the workspace folder, put files into it",
    .usage = "realize LEASE [--file LOCAL[:REMOTE]]... [--dir REMOTE]... [options]",
    .about = "Makes the workspace folder, puts folders and files into it, and prints its absolute "
             "path. A file appears whole or not at all; realize may be repeated.",
    .options = groups,
    .args_size = sizeof(struct realize_args),
    .operand = "LEASE",
    .run = run,
};
