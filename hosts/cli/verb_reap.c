/* verb_reap.c: `eep reap`: deletes leases that nobody has used for a while. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "columns.h"
#include "leased.h"

struct reap_args {
    struct common_args common;
    struct wait_args wait;
    struct which_args which;
    uint64_t older_than_ms;
    bool dry_run;
    bool reusable;
    bool running;
};

/* What has been done so far. */
struct total {
    uint32_t deleted;
    uint32_t spared;
    uint32_t failed;
    uint32_t gone;
    json_object *leases; /* with --json */
};

static void total_finish(struct total *total)
{
    json_release(&total->leases);
}

/* -- one lease --------------------------------------------------------------------------------- */

static const char *outcome_name(uint32_t outcome)
{
    static const char *const names[] = {"FAILED", "DELETED", "WOULD", "GONE", "SPARED", "FAILED"};
    return outcome < sizeof(names) / sizeof(names[0]) ? names[outcome] : names[0];
}

static const char *spared_name(uint32_t spared)
{
    static const char *const names[] = {NULL, "ACTIVE", "REUSABLE", "RUNNING", "UNSEEN", "CHANGED", "STATE"};
    return spared < sizeof(names) / sizeof(names[0]) ? names[spared] : "UNKNOWN";
}

static json_object *reaped_to_json(const eep_reaped *reaped)
{
    json_object *object = json_new_object();
    json_add_str(object, "lease", reaped->lease);
    json_add_str(object, "name", reaped->name);
    json_add_str(object, "nameHint", reaped->name_hint);
    json_add_str(object, "owner", reaped->owner);
    json_add_str(object, "stateText", reaped->state_text);
    json_add_text(object, "outcome", outcome_name(reaped->outcome));
    json_add_text(object, "spared", spared_name(reaped->spared));
    json_add_text(object, "codeName", reaped->code ? err_name(reaped->code) : NULL);
    json_add_str(object, "message", reaped->message);
    leased_add_flags(object, reaped->flags);
    json_add_int(object, "createdAtMs", reaped->created_at_ms);
    json_add_int(object, "activeAtMs", reaped->active_at_ms);
    return object;
}

static void print_outcome(const struct out *out, uint32_t outcome)
{
    switch (outcome) {
    case EEP_REAPED_DELETED: out_painted(out, OUT_GREEN, "deleted", 12); return;
    case EEP_REAPED_WOULD: out_painted(out, OUT_YELLOW, "would delete", 12); return;
    case EEP_REAPED_GONE: out_painted(out, OUT_DIM, "gone already", 12); return;
    case EEP_REAPED_SPARED: out_painted(out, OUT_DIM, "spared", 12); return;
    default: out_painted(out, OUT_RED, "FAILED", 12); return;
    }
}

/* Beside the rest where the terminal has room for it, else below. */
static void print_why(eep_str why, int used)
{
    int left = columns_left(used);
    if (!why.ptr || why.len == 0) return;
    printf(left < 0 || left > (int)why.len + 2 ? "  " : "\n              ");
    columns_print(why, "", -1);
}

static void print_row(const struct out *out, const eep_reaped *reaped, int64_t now_ms)
{
    char idle[16];
    print_outcome(out, reaped->outcome);
    printf("  ");
    columns_print(reaped->lease, "?", -1);
    printf("  ");
    columns_print(reaped->state_text, "-", 9);
    printf(" idle %4s", leased_age(reaped->active_at_ms, now_ms, idle, sizeof(idle)));
    print_why(reaped->message.ptr ? reaped->message : reaped->name_hint,
              12 + 2 + (int)reaped->lease.len + 2 + 9 + 10);
    putchar('\n');
}

/* -- pages ------------------------------------------------------------------------------------- */

static void take_page(const struct out *out, const eep_reaping *page, struct total *total)
{
    int64_t now_ms = leased_now_ms();
    total->deleted += page->deleted;
    total->spared += page->spared;
    total->failed += page->failed;
    total->gone += page->gone;
    for (uint32_t i = 0; i < page->lease_count; i++) {
        const eep_reaped *reaped =
            (const eep_reaped *)((const char *)page->leases + (size_t)i * page->lease_stride);
        if (out->json)
            json_append(total->leases, reaped_to_json(reaped));
        else
            print_row(out, reaped, now_ms);
    }
}

static uint32_t flags_of(const struct reap_args *args)
{
    return (args->dry_run ? EEP_REAP_DRY_RUN : 0) | (args->which.all ? EEP_REAP_ALL : 0) |
           (args->reusable ? EEP_REAP_REUSABLE : 0) | (args->running ? EEP_REAP_RUNNING : 0);
}

static int reap_pages(struct cli *cli, const struct reap_args *args, struct total *total, struct err *err)
{
    char *cursor = NULL;
    int code = EEP_OK;
    do {
        eep_reap_request request = {.head = session_request(cli, sizeof(request), &args->wait),
                                    .cursor = out_str(cursor),
                                    .idle_ms = args->older_than_ms};
        eep_reaping page = {.head = {.struct_size = sizeof(page)}};
        request.head.flags |= flags_of(args);
        code = which_states(&args->which, &request.states, err);
        if (code == EEP_OK) code = call_reap(cli, &request, &page, err);
        take_page(&cli->out, &page, total); /* also after a failure: what was done was done */
        free(cursor);
        cursor = page.next.ptr ? strdup(page.next.ptr) : NULL;
        if (page.next.ptr && !cursor) mem_out();
        cli->session.plugin->clear(&page.head);
    } while (code == EEP_OK && cursor);
    free(cursor);
    return code;
}

/* -- the whole --------------------------------------------------------------------------------- */

static json_object *total_to_json(struct total *total, bool dry_run)
{
    json_object *object = json_new_object();
    json_add(object, "leases", total->leases);
    total->leases = NULL;
    json_add_bool(object, "dryRun", dry_run);
    json_add_int(object, "deleted", total->deleted);
    json_add_int(object, "spared", total->spared);
    json_add_int(object, "gone", total->gone);
    json_add_int(object, "failed", total->failed);
    return object;
}

static int report(struct cli *cli, const struct reap_args *args, struct total *total, int code,
                  struct err *err)
{
    if (!cli->out.json) {
        out_note(&cli->out, "%u %s, %u gone already, %u spared, %u failed", total->deleted,
                 args->dry_run ? "would be deleted" : "deleted", total->gone, total->spared, total->failed);
        return code;
    }
    json_object *object = total_to_json(total, args->dry_run);
    if (code != EEP_OK) {
        cli->partial = object; /* goes with the error */
        return code;
    }
    code = json_print(object, err);
    json_release(&object);
    return code;
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct reap_args *args = opaque;
    CLEANUP(total_finish) struct total total = {.leases = json_new_array()};
    uint32_t states;
    if (args->older_than_ms == 0) {
        err_usage(err, "--older-than is missing");
        return err_hint(err,
                        "say for how long nobody must have used a sandbox for it to go: --older-than 2h");
    }
    TRY(which_states(&args->which, &states, err)); /* before anything is opened */
    TRY(session_open(cli, &args->wait, err));
    int code = reap_pages(cli, args, &total, err);
    *exit_status = total.failed ? EXIT_ANSWER_NO : 0;
    return report(cli, args, &total, code, err);
}

static const struct option_spec options[] = {
    {"older-than", 0, OPTION_AGE, offsetof(struct reap_args, older_than_ms), "TIME",
     "delete what nobody has used for so long: 90s, 30m, 12h, 7d. Must be given", 0, NULL},
    {"dry-run", 'n', OPTION_FLAG, offsetof(struct reap_args, dry_run), NULL,
     "only tell what would be deleted", 0, NULL},
    {"reusable", 0, OPTION_FLAG, offsetof(struct reap_args, reusable), NULL,
     "also those that are kept for their files (auto-delete is off): the files are lost", 0, NULL},
    {"running", 0, OPTION_FLAG, offsetof(struct reap_args, running), NULL,
     "also those in which a command runs, or that cannot be looked into", 0, NULL},
    {0},
};

static const struct option_group groups[] = {
    {"Options", options, 0},
    {"Which", which_options, offsetof(struct reap_args, which)},
    {"Time", wait_options, offsetof(struct reap_args, wait)},
    {"Common options", common_options, offsetof(struct reap_args, common)},
    {0}};

const struct verb verb_reap = {
    .name = "reap",
    .summary = "delete leases that nobody uses",
    .usage = "reap --older-than TIME [--dry-run] [options]",
    .about =
        "Deletes the leases of the configured owner that nobody has used for a while, and tells of each what "
        "became of it. Each is read again before it is deleted. Spared are those that were used since, that "
        "are kept for their files, and in which a command runs.\n"
        "\n"
        "--timeout is for each page of a hundred. Exit status: 0 all that should go is going, 1 something "
        "could not be deleted, 125 could not look.",
    .options = groups,
    .args_size = sizeof(struct reap_args),
    .run = run,
};
