/* verb_validate.c: `eep validate`: is the configuration right? All findings at once, no network. */
#include "cli.h"
#include "json_out.h"

struct validate_args {
    struct common_args common;
    bool strict;
    bool show;
};

static const eep_finding *finding_at(const eep_validation *validation, uint32_t index)
{
    return (const eep_finding *)((const char *)validation->findings +
                                 (size_t)index * validation->finding_stride);
}

static const eep_str *secret_at(const eep_validation *validation, uint32_t index)
{
    return (const eep_str *)((const char *)validation->secrets + (size_t)index * validation->secret_stride);
}

static const char *severity_name(uint32_t severity)
{
    switch (severity) {
    case EEP_SEVERITY_ERROR: return "error";
    case EEP_SEVERITY_WARNING: return "warning";
    default: return "info";
    }
}

static json_object *finding_to_json(const eep_finding *finding)
{
    json_object *object = json_new_object();
    json_add_text(object, "severity", severity_name(finding->severity));
    json_add_str(object, "code", finding->code);
    json_add_str(object, "pointer", finding->pointer);
    json_add_str(object, "message", finding->message);
    json_add_str(object, "hint", finding->hint);
    return object;
}

static int print_json(const eep_validation *validation, struct err *err)
{
    CLEANUP(json_release) json_object *object = json_new_object();
    json_object *findings = json_new_array();
    json_object *secrets = json_new_array();
    for (uint32_t i = 0; i < validation->finding_count; i++)
        json_append(findings, finding_to_json(finding_at(validation, i)));
    for (uint32_t i = 0; i < validation->secret_count; i++)
        json_append(secrets, json_from_str(*secret_at(validation, i)));
    json_add_bool(object, "valid", validation->valid);
    json_add_int(object, "errors", validation->errors);
    json_add(object, "findings", findings);
    json_add(object, "normalized",
             validation->normalized.ptr ? json_tokener_parse(validation->normalized.ptr) : NULL);
    json_add(object, "secrets", secrets);
    return json_print(object, err);
}

static void print_finding(const struct out *out, const eep_finding *finding)
{
    static const enum out_color colors[] = {OUT_DIM, OUT_RED, OUT_YELLOW, OUT_DIM};
    uint32_t severity = finding->severity <= EEP_SEVERITY_INFO ? finding->severity : EEP_SEVERITY_INFO;
    out_painted(out, colors[severity], severity_name(severity), 9);
    bool whole = finding->pointer.len == 0;
    out_text(stdout, finding->pointer, "");
    fputs(whole ? "" : ": ", stdout);
    out_text(stdout, finding->message, "");
    putchar('\n');
    if (finding->hint.len == 0) return;
    fputs("         ", stdout);
    out_text(stdout, finding->hint, "");
    putchar('\n');
}

static void print_text(const struct out *out, const eep_validation *validation)
{
    for (uint32_t i = 0; i < validation->finding_count; i++)
        print_finding(out, finding_at(validation, i));
    if (validation->valid)
        out_painted(out, OUT_GREEN, "The configuration is valid.", 0);
    else
        printf("The configuration is not valid: %u error%s.", validation->errors,
               validation->errors == 1 ? "" : "s");
    putchar('\n');
}

static void print_normalized(eep_str normalized)
{
    CLEANUP(json_release) json_object *object = normalized.ptr ? json_tokener_parse(normalized.ptr) : NULL;
    if (object)
        puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                        JSON_C_TO_STRING_NOSLASHESCAPE));
}

static int validate(struct cli *cli, const struct validate_args *args, const struct bytes *config,
                    eep_validation *validation, struct err *err)
{
    const eep_plugin *plugin = cli->session.plugin;
    eep_validate_request request = {
        .struct_size = sizeof(request),
        .flags = (args->strict ? EEP_VALIDATE_STRICT : 0) |
                 (cli->common->no_trust_env ? 0 : EEP_VALIDATE_TRUST_ENV),
        .config = {config->data, config->len},
    };
    eep_error error = {.head = {.struct_size = sizeof(error)}};
    int code = plugin->validate_config(&request, validation, &error);
    if (code != EEP_OK) err_take(err, code, &error);
    plugin->clear(&error.head);
    return code;
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct validate_args *args = opaque;
    CLEANUP(bytes_finish) struct bytes config = {0};
    eep_validation validation = {.head = {.struct_size = sizeof(validation)}};
    TRY(session_load(cli, NULL, err));
    TRY(session_config(cli, &config, err));
    TRY(validate(cli, args, &config, &validation, err));
    int code = EEP_OK;
    if (cli->out.json)
        code = print_json(&validation, err);
    else
        print_text(&cli->out, &validation);
    if (args->show && !cli->out.json) print_normalized(validation.normalized);
    *exit_status = validation.valid ? 0 : EXIT_ANSWER_NO;
    cli->session.plugin->clear(&validation.head);
    return code;
}

static const struct option_spec options[] = {
    {"strict", 0, OPTION_FLAG, offsetof(struct validate_args, strict), NULL, "unknown keys are errors", 0,
     NULL},
    {"show", 0, OPTION_FLAG, offsetof(struct validate_args, show), NULL,
     "print the effective configuration, too: with all defaults, without secrets", 0, NULL},
    {0},
};

static const struct option_group groups[] = {
    {"Options", options, 0}, {"Common options", common_options, offsetof(struct validate_args, common)}, {0}};

const struct verb verb_validate = {
    .name = "validate",
    .summary = "check the configuration, without network",
    .usage = "validate [--strict] [--show] [options]",
    .about = "Checks the configuration and shows everything that is wrong with it. Needs no network.\n"
             "\n"
             "Exit status: 0 valid, 1 not valid, 125 could not be checked.",
    .options = groups,
    .args_size = sizeof(struct validate_args),
    .run = run,
};
