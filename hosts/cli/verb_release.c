/* verb_release.c: `eep release`: gives a lease back. */
#include "calls.h"
#include "leases.h"

struct release_args {
    struct common_args common;
    struct wait_args wait;
    uint32_t mode;
    bool destroy_if_stop_fails;
};

static int report(const struct cli *cli, const eep_released *released, struct err *err)
{
    if (cli->out.json) {
        CLEANUP(json_release) json_object *object = released_to_json(released);
        return json_print(object, err);
    }
    uint32_t flags = released->head.flags;
    out_note(&cli->out, "sandbox %s%s%s", flags & EEP_RELEASED_ALREADY ? "already " : "",
             released_word(released),
             flags & EEP_RELEASED_FELL_BACK ? ", because it could not be stopped" : "");
    return EEP_OK;
}

static int run(struct cli *cli, const void *opaque, int *exit_status, struct err *err)
{
    const struct release_args *args = opaque;
    eep_released released = {.head = {.struct_size = sizeof(released)}};
    *exit_status = 0;
    TRY(session_open(cli, &args->wait, err));
    eep_release_request request = {.head = session_request(cli, sizeof(request), &args->wait),
                                   .lease = out_str(cli->operands.items[0]),
                                   .mode = args->mode};
    if (args->destroy_if_stop_fails) request.head.flags |= EEP_RELEASE_DESTROY_IF_STOP_FAILS;
    TRY(call_release(cli, &request, &released, err));
    int code = report(cli, &released, err);
    cli->session.plugin->clear(&released.head);
    return code;
}

static const struct option_spec options[] = {
    {"stop", 0, OPTION_VALUE, offsetof(struct release_args, mode), NULL,
     "keep the files; resume starts it again", EEP_RELEASE_STOP, NULL},
    {"destroy", 0, OPTION_VALUE, offsetof(struct release_args, mode), NULL,
     "delete the sandbox and its files", EEP_RELEASE_DESTROY, NULL},
    {"archive", 0, OPTION_VALUE, offsetof(struct release_args, mode), NULL,
     "stop, and move the files to slow storage", EEP_RELEASE_ARCHIVE, NULL},
    {"detach", 0, OPTION_VALUE, offsetof(struct release_args, mode), NULL,
     "only forget what this plugin remembers of it; no network", EEP_RELEASE_DETACH, NULL},
    {"destroy-if-stop-fails", 0, OPTION_FLAG, offsetof(struct release_args, destroy_if_stop_fails), NULL,
     "a --stop that fails for good becomes a --destroy", 0, NULL},
    {0},
};

static const struct option_group groups[] = {
    {"How", options, 0},
    {"Time", wait_options, offsetof(struct release_args, wait)},
    {"Common options", common_options, offsetof(struct release_args, common)},
    {0}};

const struct verb verb_release = {
    .name = "release",
    .summary = "give a lease back: stop, destroy, archive",
    .usage = "release LEASE [--stop | --destroy | --archive | --detach] [options]",
    .about = "Gives a lease back. Without a mode: --stop if the configuration has reuseLease, else "
             "--destroy. Releasing what is gone already is no failure.",
    .options = groups,
    .args_size = sizeof(struct release_args),
    .operand = "LEASE",
    .run = run,
};
