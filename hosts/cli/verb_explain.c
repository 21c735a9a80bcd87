/* verb_explain.c: `eep explain`: why does a lease not work, and what can be done about it? */
#include "calls.h"
#include "checks.h"
#include "columns.h"
#include "leased.h"

struct explain_args {
    struct common_args common;
    struct wait_args wait;
};

static const eep_symptom *symptom_at(const eep_explanation *explanation, uint32_t index)
{
    return (const eep_symptom *)((const char *)explanation->symptoms +
                                 (size_t)index * explanation->symptom_stride);
}

static json_object *symptom_to_json(const eep_symptom *symptom)
{
    json_object *object = json_new_object();
    json_add_str(object, "name", symptom->name);
    json_add_text(object, "status", check_status_name(symptom->status));
    json_add_text(object, "codeName", symptom->code ? err_name(symptom->code) : NULL);
    json_add_int(object, "ms", symptom->elapsed_ms);
    json_add_str(object, "evidence", symptom->evidence);
    json_add_str(object, "advice", symptom->advice);
    return object;
}

static int print_json(const eep_explanation *explanation, struct err *err)
{
    CLEANUP(json_release) json_object *object = json_new_object();
    json_object *symptoms = json_new_array();
    for (uint32_t i = 0; i < explanation->symptom_count; i++)
        json_append(symptoms, symptom_to_json(symptom_at(explanation, i)));
    json_add_bool(object, "works", explanation->failed == 0);
    json_add_int(object, "failed", explanation->failed);
    json_add_int(object, "unknown", explanation->unknown);
    json_add(object, "symptoms", symptoms);
    json_add(object, "lease", explanation->lease_count ? leased_to_json(explanation->leases) : NULL);
    return json_print(object, err);
}

enum { NAME_WIDTH = 14, TEXT_COLUMN = CHECK_MARK_WIDTH + NAME_WIDTH };

static void print_symptom(const struct out *out, const eep_symptom *symptom)
{
    check_print_mark(out, symptom->status);
    columns_print(symptom->name, "?", NAME_WIDTH);
    columns_print_paragraph(symptom->evidence, "", TEXT_COLUMN);
    if (!symptom->advice.ptr) return;
    printf("%*s%-*s", CHECK_MARK_WIDTH, "", NAME_WIDTH, "what to do:");
    columns_print_paragraph(symptom->advice, "", TEXT_COLUMN);
}

static void print_text(const struct out *out, const eep_explanation *explanation)
{
    for (uint32_t i = 0; i < explanation->symptom_count; i++)
        print_symptom(out, symptom_at(explanation, i));
    putchar('\n');
    if (explanation->failed == 0)
        out_painted(out, OUT_GREEN, "The lease works.", 0);
    else
        printf("%u of %u checks failed%s.", explanation->failed, explanation->symptom_count,
               explanation->failed > 1 ? "; mend the first one first" : "");
    putchar('\n');
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct explain_args *args = opaque;
    eep_explanation explanation = {.head = {.struct_size = sizeof(explanation)}};
    TRY(session_open(cli, &args->wait, err));
    eep_explain_request request = {.head = session_request(cli, sizeof(request), &args->wait),
                                   .lease = out_str(cli->operands.items[0])};
    TRY(call_explain(cli, &request, &explanation, err));
    int code = EEP_OK;
    *exit_status = explanation.failed ? EXIT_ANSWER_NO : 0;
    if (cli->out.json)
        code = print_json(&explanation, err);
    else
        print_text(&cli->out, &explanation);
    cli->session.plugin->clear(&explanation.head);
    return code;
}

static const struct option_group groups[] = {
    {"Time", wait_options, offsetof(struct explain_args, wait)},
    {"Common options", common_options, offsetof(struct explain_args, common)},
    {0}};

const struct verb verb_explain = {
    .name = "explain",
    .summary = "why does a lease not work?",
    .usage = "explain LEASE [options]",
    .about =
        "Looks from the outside in: this machine, the way to the service, the credentials, the lease, its "
        "state, the way into the sandbox, the sandbox itself. Tells what was seen, and what to do about what "
        "failed. Starts nothing, changes nothing, and is no use of the lease.\n"
        "\n"
        "Exit status: 0 it works, 1 something failed, 125 could not look.",
    .options = groups,
    .args_size = sizeof(struct explain_args),
    .operand = "LEASE",
    .run = run,
};
