/* verb_ps.c: `eep ps`: the commands of a lease, the one that changed last first. */
#include <stdio.h>

#include "calls.h"
#include "columns.h"
#include "json_out.h"
#include "leased.h"

struct ps_args {
    struct common_args common;
    struct wait_args wait;
    uint32_t max;
    bool no_start;
};

/* Elements may be larger than we know them. */
static const eep_listed_execution *listed_at(const eep_execution_list *list, uint32_t index)
{
    return (const eep_listed_execution *)((const char *)list->executions +
                                          (size_t)index * list->execution_stride);
}

static const char *state_name(uint32_t state)
{
    static const char *const names[] = {"UNKNOWN", "RUNNING", "DONE", "EXPIRED", "INTERRUPTED", "NEVER"};
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : names[EEP_EXECUTION_STATE_UNKNOWN];
}

static json_object *listed_to_json(const eep_listed_execution *listed)
{
    static const struct json_flag flags[] = {
        {EEP_EXECUTION_HELD, "HELD"}, {EEP_EXECUTION_RUNNING, "RUNNING"}, {0, NULL}};
    json_object *object = json_new_object();
    json_add_str(object, "executionId", listed->execution_id);
    json_add_text(object, "state", state_name(listed->state));
    json_add_flags(object, "flags", listed->flags, flags);
    json_add_int(object, "exitCode", listed->exit_code);
    json_add_int(object, "signal", listed->term_signal);
    json_add_int(object, "stdoutTotal", (int64_t)listed->stdout_total);
    json_add_int(object, "stderrTotal", (int64_t)listed->stderr_total);
    json_add_int(object, "startedAtMs", listed->started_at_ms);
    json_add_int(object, "finishedAtMs", listed->finished_at_ms);
    return object;
}

static int print_json(const eep_execution_list *list, struct err *err)
{
    CLEANUP(json_release) json_object *object = json_new_object();
    json_object *array = json_new_array();
    for (uint32_t i = 0; i < list->execution_count; i++)
        json_append(array, listed_to_json(listed_at(list, i)));
    json_add(object, "executions", array);
    json_add_bool(object, "more", list->head.flags & EEP_EXECUTION_LIST_MORE);
    return json_print(object, err);
}

/* "0", "signal 9", "-" */
static void print_end(const eep_listed_execution *listed)
{
    char end[32] = "-";
    if (listed->exit_code >= 0)
        snprintf(end, sizeof(end), "%d", listed->exit_code);
    else if (listed->term_signal > 0)
        snprintf(end, sizeof(end), "signal %d", listed->term_signal);
    else if (listed->term_signal < 0)
        snprintf(end, sizeof(end), "signal");
    printf("  %-9s", end);
}

/* Exact numbers and times where there is room for them, which is always so when no terminal reads. */
struct layout {
    int id;
    bool narrow;
    int64_t now_ms;
};

static struct layout measure(const eep_execution_list *list)
{
    enum { WIDE = 2 + 11 + 2 + 9 + 2 + 10 + 2 + 10 + 2 + 19 };
    struct layout layout = {.id = (int)sizeof("ID") - 1, .now_ms = leased_now_ms()};
    for (uint32_t i = 0; i < list->execution_count; i++) {
        int len = (int)listed_at(list, i)->execution_id.len;
        if (len > layout.id) layout.id = len;
    }
    int left = columns_left(layout.id);
    layout.narrow = left >= 0 && left < WIDE;
    return layout;
}

/* "512", "21M": what five columns hold. */
static const char *short_size(uint64_t bytes, char *text, size_t size)
{
    static const char units[] = {0, 'K', 'M', 'G', 'T', 'P', 'E'};
    size_t unit = 0;
    for (; bytes >= 10000 && unit + 1 < sizeof(units); unit++)
        bytes /= 1024;
    snprintf(text, size, "%llu%.1s", (unsigned long long)bytes, &units[unit]);
    return text;
}

static void print_numbers(const struct layout *layout, const eep_listed_execution *listed)
{
    char out[24], err[24], when[32];
    if (layout->narrow)
        printf("  %6s %6s  %s", short_size(listed->stdout_total, out, sizeof(out)),
               short_size(listed->stderr_total, err, sizeof(err)),
               leased_age(listed->started_at_ms, layout->now_ms, when, sizeof(when)));
    else
        printf("  %10llu  %10llu  %s", (unsigned long long)listed->stdout_total,
               (unsigned long long)listed->stderr_total, out_time(listed->started_at_ms, when, sizeof(when)));
}

static void print_row(const struct out *out, const struct layout *layout, const eep_listed_execution *listed)
{
    bool running = listed->state == EEP_EXECUTION_STATE_RUNNING;
    columns_print(listed->execution_id, "?", layout->id);
    printf("  ");
    out_painted(out, running ? OUT_GREEN : OUT_DIM, state_name(listed->state), 11);
    print_end(listed);
    print_numbers(layout, listed);
    puts(listed->flags & EEP_EXECUTION_HELD ? "  (children still run)" : "");
}

static void print_table(const struct out *out, const eep_execution_list *list)
{
    struct layout layout = measure(list);
    printf("%-*s  %-11s  %-9s  ", layout.id, "ID", "STATE", "EXIT");
    puts(layout.narrow ? "STDOUT STDERR  AGE" : "    STDOUT      STDERR  STARTED");
    for (uint32_t i = 0; i < list->execution_count; i++)
        print_row(out, &layout, listed_at(list, i));
    if (list->head.flags & EEP_EXECUTION_LIST_MORE)
        out_note(out, "there are more; --max %u shows up to that many", EEP_LIST_MAX);
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct ps_args *args = opaque;
    eep_execution_list list = {.head = {.struct_size = sizeof(list)}};
    *exit_status = 0;
    TRY(session_open(cli, &args->wait, err));
    eep_list_request request = {.head = session_request(cli, sizeof(request), &args->wait),
                                .lease = out_str(cli->operands.items[0]),
                                .max = args->max};
    if (args->no_start) request.head.flags |= EEP_LIST_NO_START;
    TRY(call_list(cli, &request, &list, err));
    int code = EEP_OK;
    if (cli->out.json)
        code = print_json(&list, err);
    else
        print_table(&cli->out, &list);
    cli->session.plugin->clear(&list.head);
    return code;
}

static const struct option_spec options[] = {
    {"max", 0, OPTION_NUMBER, offsetof(struct ps_args, max), "N",
     "show this many at the most, those that changed last (default: 100)", 0, NULL},
    {"no-start", 0, OPTION_FLAG, offsetof(struct ps_args, no_start), NULL,
     "fail instead of starting a sandbox that has stopped", 0, NULL},
    {0},
};

static const struct option_group groups[] = {
    {"Options", options, 0},
    {"Time", wait_options, offsetof(struct ps_args, wait)},
    {"Common options", common_options, offsetof(struct ps_args, common)},
    {0}};

const struct verb verb_ps = {
    .name = "ps",
    .summary = "list the commands of a lease",
    .usage = "ps LEASE [options]",
    .about = "Lists the commands of a lease, the one that changed last first: id, state, exit status, bytes "
             "written, when it was started. EXPIRED: it has ended, and its output has been removed. "
             "INTERRUPTED: it ended with its sandbox, its outcome is not known. NEVER: its id was killed "
             "before it ran.",
    .options = groups,
    .args_size = sizeof(struct ps_args),
    .operand = "LEASE",
    .run = run,
};
