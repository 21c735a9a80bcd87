/* verb_keepalive.c: `eep keepalive`: no stop for idleness before a time. */
#include <stdio.h>

#include "calls.h"
#include "leased.h"

struct keepalive_args {
    struct common_args common;
    struct wait_args wait;
    uint64_t for_ms;
    bool no_raise;
};

static int print_json(const eep_kept *kept, struct err *err)
{
    static const struct json_flag flags[] = {
        {EEP_KEPT_RAISED, "RAISED"}, {EEP_KEPT_SHORT, "SHORT"}, {EEP_KEPT_NO_STOP, "NO_STOP"}, {0, NULL}};
    CLEANUP(json_release) json_object *object = json_new_object();
    json_add_int(object, "keptUntilMs", kept->kept_until_ms);
    json_add_int(object, "autoStopMinutes", kept->auto_stop_min);
    json_add_flags(object, "flags", kept->head.flags, flags);
    return json_print(object, err);
}

static void print_text(const struct out *out, const eep_kept *kept)
{
    char until[32];
    if (kept->kept_until_ms == 0)
        printf("never stopped for idleness\n");
    else
        printf("kept until %s\n", out_time(kept->kept_until_ms, until, sizeof(until)));
    if (kept->head.flags & EEP_KEPT_RAISED)
        out_note(out, "from now on it stops after %d idle minutes: its interval has been raised",
                 kept->auto_stop_min);
    if (kept->head.flags & EEP_KEPT_SHORT)
        out_note(out, "that is not as long as was asked for: its interval is %d minutes",
                 kept->auto_stop_min);
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct keepalive_args *args = opaque;
    eep_kept kept = {.head = {.struct_size = sizeof(kept)}};
    if (args->for_ms == 0) {
        err_usage(err, "--for is missing");
        return err_hint(err, "say for how long: --for 2h");
    }
    if (args->for_ms > EEP_KEEPALIVE_MAX_MS) return err_usage(err, "--for is at most 7d");
    TRY(session_open(cli, &args->wait, err));
    eep_keepalive_request request = {.head = session_request(cli, sizeof(request), &args->wait),
                                     .lease = out_str(cli->operands.items[0]),
                                     .until_ms = leased_now_ms() + (int64_t)args->for_ms};
    if (args->no_raise) request.head.flags |= EEP_KEEPALIVE_NO_RAISE;
    TRY(call_keepalive(cli, &request, &kept, err));
    int code = EEP_OK;
    *exit_status = kept.head.flags & EEP_KEPT_SHORT ? EXIT_ANSWER_NO : 0;
    if (cli->out.json)
        code = print_json(&kept, err);
    else
        print_text(&cli->out, &kept);
    cli->session.plugin->clear(&kept.head);
    return code;
}

static const struct option_spec options[] = {
    {"for", 0, OPTION_AGE, offsetof(struct keepalive_args, for_ms), "TIME",
     "how long from now on: 90s, 30m, 12h, at most 7d. Must be given", 0, NULL},
    {"no-raise", 0, OPTION_FLAG, offsetof(struct keepalive_args, no_raise), NULL,
     "leave its idle interval as it is, and tell how far that goes", 0, NULL},
    {0},
};

static const struct option_group groups[] = {
    {"Options", options, 0},
    {"Time", wait_options, offsetof(struct keepalive_args, wait)},
    {"Common options", common_options, offsetof(struct keepalive_args, common)},
    {0}};

const struct verb verb_keepalive = {
    .name = "keepalive",
    .summary = "keep a lease from being stopped for a while",
    .usage = "keepalive LEASE --for TIME [options]",
    .about =
        "Makes sure that the service does not stop a running sandbox for idleness before a time, and tells "
        "until when that is promised. Counts as a use of it; where one use does not reach so far, its idle "
        "interval is raised, for good. Commands that eep runs and waits for keep their own sandbox alive.\n"
        "\n"
        "Exit status: 0 promised, 1 with --no-raise: not as long as was asked for, 125 not promised.",
    .options = groups,
    .args_size = sizeof(struct keepalive_args),
    .operand = "LEASE",
    .run = run,
};
