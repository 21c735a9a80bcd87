#include "leased.h"

#include "base/arena.h"
#include "base/str.h"
#include "create.h"

/* -- Whose it is ------------------------------------------------------------------------------- */

/* Everything that acquire makes bears these two. */
static bool is_ours(const struct sandbox *sandbox)
{
    return !str_empty(sandbox_label(sandbox, LABEL_REQUEST)) &&
           !str_empty(sandbox_label(sandbox, LABEL_IDENTITY));
}

uint32_t leased_flags(const struct config *config, const struct sandbox *sandbox)
{
    if (!is_ours(sandbox)) return EEP_LEASED_FOREIGN | (sandbox->recoverable ? EEP_LEASED_RECOVERABLE : 0);
    return (create_owned_by(config->owner, sandbox) ? EEP_LEASED_OWN : 0) |
           (str_empty(sandbox_label(sandbox, LABEL_KEY)) ? 0 : EEP_LEASED_KEYED) |
           (sandbox_number(sandbox, "autoDeleteInterval", -1) < 0 ? EEP_LEASED_REUSABLE : 0) |
           (sandbox->recoverable ? EEP_LEASED_RECOVERABLE : 0);
}

/* -- Numbers ----------------------------------------------------------------------------------- */

int64_t leased_active_at_ms(const struct sandbox *sandbox)
{
    int64_t active = sandbox_time_ms(sandbox, "lastActivityAt");
    return active ? active : sandbox_created_at_ms(sandbox);
}

int64_t leased_idle_minutes(const struct sandbox *sandbox)
{
    int64_t stop = sandbox_number(sandbox, "autoStopInterval", SANDBOX_AUTO_STOP_MIN);
    int64_t pause = sandbox_number(sandbox, "autoPauseInterval", 0);
    if (stop <= 0 || (pause > 0 && pause < stop)) return pause > 0 ? pause : 0;
    return stop;
}

static eep_leased numbers_of(const struct config *config, const struct sandbox *sandbox)
{
    return (eep_leased){
        .state = sandbox_state_code(sandbox->state),
        .flags = leased_flags(config, sandbox),
        .cpu = sandbox_count(sandbox, "cpu"),
        .memory_gib = sandbox_count(sandbox, "memory"),
        .disk_gib = sandbox_count(sandbox, "disk"),
        .gpu = sandbox_count(sandbox, "gpu"),
        .auto_stop_min = sandbox_minutes(sandbox, "autoStopInterval"),
        .auto_archive_min = sandbox_minutes(sandbox, "autoArchiveInterval"),
        .auto_delete_min = sandbox_minutes(sandbox, "autoDeleteInterval"),
        .created_at_ms = sandbox_created_at_ms(sandbox),
        .active_at_ms = leased_active_at_ms(sandbox),
    };
}

/* -- Texts ------------------------------------------------------------------------------------- */

static int fill_strings(eep_leased *out, void **arena, const struct sandbox *sandbox)
{
    TRY(arena_str(arena, sandbox->id, &out->lease));
    TRY(arena_str(arena, sandbox->name, &out->name));
    TRY(arena_str(arena, sandbox_label(sandbox, LABEL_NAME), &out->name_hint));
    TRY(arena_str(arena, sandbox_label(sandbox, LABEL_OWNER), &out->owner));
    TRY(arena_str(arena, sandbox->state, &out->state_text));
    if (!str_empty(sandbox->error_reason)) TRY(arena_str(arena, sandbox->error_reason, &out->reason));
    TRY(arena_str(arena, sandbox->target, &out->target));
    return arena_str(arena, sandbox->snapshot, &out->snapshot);
}

struct label_copy {
    eep_pair *items; /* NULL: only counts */
    uint32_t count;
    void **arena;
};

static int take_label(void *ctx, eep_str name, json *value)
{
    struct label_copy *copy = ctx;
    eep_str text = json_str(value);
    if (str_has_prefix(name, "eep.") || str_absent(text)) return EEP_OK;
    if (copy->items) {
        TRY(arena_str(copy->arena, name, &copy->items[copy->count].name));
        TRY(arena_str(copy->arena, text, &copy->items[copy->count].value));
    }
    copy->count++;
    return EEP_OK;
}

static int fill_labels(eep_leased *out, void **arena, const struct sandbox *sandbox)
{
    struct label_copy copy = {.arena = arena};
    TRY(json_each(sandbox->labels, take_label, &copy));
    copy.items = arena_alloc(arena, copy.count * sizeof *copy.items);
    if (!copy.items) return EEP_E_NO_MEMORY;
    copy.count = 0;
    TRY(json_each(sandbox->labels, take_label, &copy));
    out->labels = copy.items;
    out->label_count = copy.count;
    out->label_stride = sizeof *copy.items;
    return EEP_OK;
}

int leased_fill(eep_leased *out, void **arena, const struct config *config, const struct sandbox *sandbox,
                struct err *err)
{
    *out = numbers_of(config, sandbox);
    if (fill_strings(out, arena, sandbox) != EEP_OK || fill_labels(out, arena, sandbox) != EEP_OK)
        return err_no_memory(err);
    return EEP_OK;
}
