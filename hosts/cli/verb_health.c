/* verb_health.c: `eep health`: for orchestrators and monitors: fast, creates nothing, one line. */
#include "calls.h"
#include "checks.h"

struct health_args {
    struct common_args common;
    struct wait_args wait;
    uint32_t depth;
};

enum { DEFAULT_TIMEOUT_MS = 5000 };

static void print_line(const struct out *out, const eep_probe *probe)
{
    out_painted(out, probe->failed ? OUT_RED : OUT_GREEN, probe->failed ? "unhealthy" : "healthy", 0);
    fputs(": ", stdout);
    out_text(stdout, probe->api_url, "no service");
    for (uint32_t i = 0; i < probe->check_count; i++) {
        const eep_check *check = check_at(probe, i);
        if (check->status != EEP_CHECK_FAILED) continue;
        fputs(": ", stdout);
        out_text(stdout, check->name, "check");
        fputs(": ", stdout);
        out_text(stdout, check->message, err_name(check->code));
    }
    putchar('\n');
}

/* No answer in time is an answer here. */
static int print_too_slow(const struct out *out, const struct err *why, struct err *err)
{
    if (out->json) {
        CLEANUP(json_release) json_object *object = json_from_err(why);
        json_add_bool(object, "healthy", false);
        return json_print(object, err);
    }
    out_painted(out, OUT_RED, "unhealthy", 0);
    printf(": %s\n", why->message);
    return EEP_OK;
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct health_args *args = opaque;
    struct wait_args wait = args->wait;
    if (wait.timeout_ms == 0) wait.timeout_ms = DEFAULT_TIMEOUT_MS;
    TRY(session_open(cli, &wait, err));
    eep_probe_request request = {.head = session_request(cli, sizeof(request), &wait),
                                 .max_depth = args->depth};
    eep_probe probe = {.head = {.struct_size = sizeof(probe)}};
    struct err why = {0};
    int code = call_probe(cli, &request, &probe, &why);
    *exit_status = code == EEP_OK && probe.failed == 0 ? 0 : EXIT_ANSWER_NO;
    if (code == EEP_E_DEADLINE) return print_too_slow(&cli->out, &why, err);
    *err = why;
    TRY(code);
    if (cli->out.json)
        code = probe_print_json(&probe, err);
    else
        print_line(&cli->out, &probe);
    cli->session.plugin->clear(&probe.head);
    return code;
}

/* As check_depths, without the one that creates a sandbox. */
static const struct option_choice depths[] = {{"local", EEP_PROBE_LOCAL},
                                              {"reach", EEP_PROBE_REACH},
                                              {"auth", EEP_PROBE_AUTH},
                                              {"quota", EEP_PROBE_QUOTA},
                                              {NULL, 0}};

static const struct option_spec options[] = {
    {"depth", 0, OPTION_CHOICE, offsetof(struct health_args, depth), "DEPTH",
     "how far to go: local, reach, auth or quota (default: auth)", 0, depths},
    {0},
};

static const struct option_group groups[] = {
    {"Options", options, 0},
    {"Time", wait_options, offsetof(struct health_args, wait)},
    {"Common options", common_options, offsetof(struct health_args, common)},
    {0}};

const struct verb verb_health = {
    .name = "health",
    .summary = "one line and an exit status, for monitors",
    .usage = "health [--depth DEPTH] [options]",
    .about = "Tells in one line whether the service works. Takes at most 5 seconds (or --timeout) and "
             "creates nothing.\n"
             "\n"
             "Exit status: 0 healthy, 1 not healthy or no answer in time, 125 could not be checked.",
    .options = groups,
    .args_size = sizeof(struct health_args),
    .run = run,
};
