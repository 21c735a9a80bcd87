/* verb_info.c: `eep info`: what plugin is this? Needs no configuration and no network. */
#include "abi/ext/execution.h"
#include "cli.h"
#include "json_out.h"

struct info_args {
    struct common_args common;
    bool schema;
};

static const char *const known_extensions[] = {"eep.async/1", EEP_EXT_EXECUTION, "eep.files/1", "eep.lease/1",
                                               "eep.pty/1"};
enum { KNOWN_EXTENSIONS = sizeof(known_extensions) / sizeof(known_extensions[0]) };

static int print_json(const eep_plugin *plugin, const char *path, struct err *err)
{
    CLEANUP(json_release) json_object *object = json_new_object();
    json_add_text(object, "plugin", path);
    json_add_text(object, "id", plugin->id);
    json_add_text(object, "name", plugin->name);
    json_add_text(object, "version", plugin->version);
    json_add_text(object, "vendor", plugin->vendor);
    json_add_text(object, "license", plugin->license);
    json_add_text(object, "url", plugin->url);
    json_add_text(object, "buildInfo", plugin->build_info);
    json_add_int(object, "abiMajor", 1);
    json_add_int(object, "abiMinor", plugin->abi_minor);
    json_add_int(object, "minHostMinor", plugin->min_host_minor);
    json_object *extensions = json_new_array();
    for (size_t i = 0; i < KNOWN_EXTENSIONS; i++)
        if (plugin->get_extension(known_extensions[i]))
            json_append(extensions, json_from_str(out_str(known_extensions[i])));
    json_add(object, "extensions", extensions);
    json_add_text(object, "eepVersion", CLI_VERSION);
    return json_print(object, err);
}

static void print_text(const eep_plugin *plugin, const char *path)
{
    out_row("plugin", out_str(path));
    out_row("id", out_str(plugin->id));
    out_row("name", out_str(plugin->name));
    out_row("version", out_str(plugin->version));
    out_row("vendor", out_str(plugin->vendor));
    out_row("license", out_str(plugin->license));
    out_row("url", out_str(plugin->url));
    out_row("built with", out_str(plugin->build_info));
    printf("%-12s1.%u (this eep knows 1.%u)\n", "abi", plugin->abi_minor, EEP_ABI_MINOR);
    for (size_t i = 0; i < KNOWN_EXTENSIONS; i++)
        if (plugin->get_extension(known_extensions[i])) out_row("extension", out_str(known_extensions[i]));
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct info_args *args = opaque;
    *exit_status = 0;
    TRY(session_load(cli, NULL, err));
    if (args->schema) return io_print_line(out_str(cli->session.plugin->config_schema), err);
    if (cli->out.json) return print_json(cli->session.plugin, cli->session.path, err);
    print_text(cli->session.plugin, cli->session.path);
    return EEP_OK;
}

static const struct option_spec options[] = {
    {"schema", 0, OPTION_FLAG, offsetof(struct info_args, schema), NULL,
     "print the JSON Schema of the configuration instead", 0, NULL},
    {0},
};

static const struct option_group groups[] = {
    {"Options", options, 0}, {"Common options", common_options, offsetof(struct info_args, common)}, {0}};

const struct verb verb_info = {
    .name = "info",
    .summary = "show which plugin is loaded",
    .usage = "info [--schema] [options]",
    .about = "Shows which plugin is loaded and what it is. Needs no configuration and no network.",
    .options = groups,
    .args_size = sizeof(struct info_args),
    .run = run,
};
