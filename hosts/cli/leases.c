/* leases.c: see leases.h. */
#include "leases.h"

#include "calls.h"
#include "interrupt.h"
#include "leased.h"

const struct option_spec lease_options[] = {
    {"key", 0, OPTION_TEXT, offsetof(struct lease_args, key), "KEY",
     "the same key gives the same sandbox again, also after a crash and from another process", 0, NULL},
    {"name", 0, OPTION_TEXT, offsetof(struct lease_args, name), "HINT", "a name for people, kept as a label",
     0, NULL},
    {"label", 0, OPTION_LIST, offsetof(struct lease_args, labels), "NAME=VALUE",
     "add a label; may be repeated", 0, NULL},
    {0},
};

int new_lease_init(struct new_lease *lease, const struct lease_args *args, const struct text_list *env,
                   struct err *err)
{
    TRY(pairs_parse(&args->labels, "label", false, &lease->labels, err));
    TRY(pairs_parse(env, "env", true, &lease->env, err));
    lease->request = (eep_acquire_request){
        .idempotency_key = out_str(args->key),
        .name_hint = out_str(args->name),
        .labels = lease->labels.items,
        .label_count = lease->labels.count,
        .label_stride = sizeof(eep_pair),
        .env = lease->env.items,
        .env_count = lease->env.count,
        .env_stride = sizeof(eep_pair),
    };
    return EEP_OK;
}

void new_lease_finish(struct new_lease *lease)
{
    pairs_finish(&lease->labels);
    pairs_finish(&lease->env);
}

static void add_numbers(json_object *object, const eep_lease *lease)
{
    json_add_int(object, "cpu", lease->cpu);
    json_add_int(object, "memoryGiB", lease->memory_gib);
    json_add_int(object, "diskGiB", lease->disk_gib);
    json_add_int(object, "gpu", lease->gpu);
    json_add_int(object, "createdAtMs", lease->created_at_ms);
    json_add_int(object, "autoStopMinutes", lease->auto_stop_min);
    json_add_int(object, "autoArchiveMinutes", lease->auto_archive_min);
    json_add_int(object, "autoDeleteMinutes", lease->auto_delete_min);
    json_add_int(object, "requests", lease->requests);
    json_add_int(object, "queuedMs", lease->queued_ms);
}

json_object *lease_to_json(const eep_lease *lease)
{
    static const struct json_flag flags[] = {{EEP_LEASE_REUSED, "REUSED"},
                                             {EEP_LEASE_RESUMED, "RESUMED"},
                                             {EEP_LEASE_STARTED, "STARTED"},
                                             {EEP_LEASE_BARE, "BARE"},
                                             {0, NULL}};
    json_object *object = json_new_object();
    json_add_str(object, "lease", lease->lease);
    json_add_str(object, "name", lease->name);
    json_add_text(object, "state", lease_state_name(lease->state));
    json_add_str(object, "stateText", lease->state_text);
    json_add_flags(object, "flags", lease->head.flags, flags);
    json_add_str(object, "target", lease->target);
    json_add_str(object, "image", lease->image);
    json_add_str(object, "snapshot", lease->snapshot);
    json_add_str(object, "shell", lease->shell);
    json_add_str(object, "home", lease->home);
    json_add_str(object, "user", lease->user);
    json_add_str(object, "workdir", lease->workdir);
    json_add_str(object, "workspace", lease->workspace);
    json_add_str(object, "arch", lease->arch);
    add_numbers(object, lease);
    return object;
}

static const char *text_or(eep_str text, const char *otherwise)
{
    return text.ptr && text.len > 0 ? text.ptr : otherwise;
}

void lease_describe(const struct out *out, const eep_lease *lease)
{
    const char *how = "new";
    if (lease->head.flags & EEP_LEASE_REUSED) how = "found again";
    if (lease->head.flags & EEP_LEASE_RESUMED) how = "resumed";
    bool started = lease->head.flags & EEP_LEASE_STARTED;
    char size[64] = "";
    if (lease->cpu > 0)
        snprintf(size, sizeof(size), ", %u cpu, %u GiB memory, %u GiB disk", lease->cpu, lease->memory_gib,
                 lease->disk_gib);
    out_note(out, "sandbox %s: %s%s; %s%s; workspace %s", text_or(lease->name, text_or(lease->lease, "?")),
             how, started ? " and started" : "", text_or(lease->arch, "unknown machine"), size,
             text_or(lease->workspace, "unknown"));
    if (lease->head.flags & EEP_LEASE_BARE)
        out_warn("it has been emptied, or was never prepared: do not count on files in it");
    if (lease->auto_stop_min > 0)
        out_note(out, "it stops by itself after %d idle minutes", lease->auto_stop_min);
}

/* Names the lease in an error as one that still exists. */
static int left_behind(eep_str lease, struct err *err)
{
    err->flags |= EEP_ERROR_MAYBE_APPLIED;
    snprintf(err->lease, sizeof(err->lease), "%.*s", (int)lease.len, lease.ptr);
    err_make_printable(err->lease);
    return err->code;
}

int lease_print(const struct cli *cli, const eep_lease *lease, struct err *err)
{
    int code;
    if (cli->out.json) {
        CLEANUP(json_release) json_object *object = lease_to_json(lease);
        code = json_print(object, err);
    } else {
        lease_describe(&cli->out, lease);
        code = io_print_line(lease->lease, err);
    }
    return code == EEP_OK ? EEP_OK : left_behind(lease->lease, err); /* nobody else knows the id now */
}

const char *released_word(const eep_released *released)
{
    bool keeps = released->mode == EEP_RELEASE_STOP || released->mode == EEP_RELEASE_ARCHIVE;
    if (keeps && released->state == EEP_STATE_GONE) return "gone";
    switch (released->mode) {
    case EEP_RELEASE_STOP: return "stopped";
    case EEP_RELEASE_DESTROY: return "destroyed";
    case EEP_RELEASE_ARCHIVE: return "archived";
    case EEP_RELEASE_DETACH: return "detached";
    default: return "released";
    }
}

json_object *released_to_json(const eep_released *released)
{
    static const struct json_flag flags[] = {{EEP_RELEASED_ALREADY, "ALREADY"},
                                             {EEP_RELEASED_CONFIRMED, "CONFIRMED"},
                                             {EEP_RELEASED_FELL_BACK, "FELL_BACK"},
                                             {0, NULL}};
    json_object *object = json_new_object();
    json_add_text(object, "done", released_word(released));
    json_add_text(object, "state", lease_state_name(released->state));
    json_add_str(object, "stateText", released->state_text);
    json_add_flags(object, "flags", released->head.flags, flags);
    return object;
}

int lease_destroy(struct cli *cli, const struct wait_args *wait, eep_str lease, json_object **released,
                  struct err *err)
{
    if (interrupt_count() > 1) {
        err_set(err, EEP_E_CANCELLED, "the sandbox has not been released: interrupted twice");
        return left_behind(lease, err);
    }
    eep_release_request request = {
        .head = session_request(cli, sizeof(request), wait), .lease = lease, .mode = EEP_RELEASE_DESTROY};
    request.head.cancel = cli->session.cleanup;
    eep_released result = {.head = {.struct_size = sizeof(result)}};
    if (call_release(cli, &request, &result, err) != EEP_OK) return left_behind(lease, err);
    if (released) *released = released_to_json(&result);
    out_note(&cli->out, "sandbox destroyed");
    cli->session.plugin->clear(&result.head);
    return EEP_OK;
}
