/* verb_probe.c: `eep probe`: do things work, and if not, where does it end? A table for people. */
#include "calls.h"
#include "checks.h"
#include "columns.h"

struct probe_args {
    struct common_args common;
    struct wait_args wait;
    uint32_t depth;
};

enum { NAME_WIDTH = 16, TIME_WIDTH = 11 };

static void print_check(const struct out *out, const eep_check *check)
{
    check_print_mark(out, check->status);
    columns_print(check->name, "?", NAME_WIDTH);
    if (check->status == EEP_CHECK_SKIPPED)
        printf("%*s", TIME_WIDTH, "");
    else
        printf("%6u ms  ", check->elapsed_ms);
    columns_print_paragraph(check->message, "", CHECK_MARK_WIDTH + NAME_WIDTH + TIME_WIDTH);
}

static void print_text(const struct out *out, const eep_probe *probe)
{
    for (uint32_t i = 0; i < probe->check_count; i++)
        print_check(out, check_at(probe, i));
    putchar('\n');
    out_row("service", probe->api_url);
    out_row("version", probe->server_version);
    out_row("sandbox", probe->sandbox_name);
    out_row("target", probe->target);
    out_row("shell", probe->shell);
    out_row("workspace", probe->workspace);
    if (probe->failed == 0)
        out_painted(out, OUT_GREEN, "Everything that was checked works.", 0);
    else
        printf("%u of %u checks failed.", probe->failed, probe->check_count);
    putchar('\n');
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct probe_args *args = opaque;
    TRY(session_open(cli, &args->wait, err));
    eep_probe_request request = {.head = session_request(cli, sizeof(request), &args->wait),
                                 .max_depth = args->depth};
    eep_probe probe = {.head = {.struct_size = sizeof(probe)}};
    TRY(call_probe(cli, &request, &probe, err));
    int code = EEP_OK;
    if (cli->out.json)
        code = probe_print_json(&probe, err);
    else
        print_text(&cli->out, &probe);
    if (probe.lease.len > 0)
        out_warn("the sandbox of the test could not be deleted: eep release %s --destroy", probe.lease.ptr);
    *exit_status = probe.failed == 0 ? 0 : EXIT_ANSWER_NO;
    cli->session.plugin->clear(&probe.head);
    return code;
}

static const struct option_spec options[] = {
    {"depth", 0, OPTION_CHOICE, offsetof(struct probe_args, depth), "DEPTH",
     "how far to go: local, reach, auth, quota or full (default: auth). Only full creates a "
     "sandbox, and deletes it",
     0, check_depths},
    {0},
};

static const struct option_group groups[] = {
    {"Options", options, 0},
    {"Time", wait_options, offsetof(struct probe_args, wait)},
    {"Common options", common_options, offsetof(struct probe_args, common)},
    {0}};

const struct verb verb_probe = {
    .name = "probe",
    .summary = "check step by step that the service works",
    .usage = "probe [--depth DEPTH] [options]",
    .about = "Checks step by step whether things work: configuration, network, credentials, room for a "
             "sandbox.\n"
             "\n"
             "Exit status: 0 all is well, 1 something failed, 125 could not be checked.",
    .options = groups,
    .args_size = sizeof(struct probe_args),
    .run = run,
};
