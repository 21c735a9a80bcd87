/* lease_result.c: what a host is told of a lease. */
#include "base/arena.h"
#include "lease.h"

static void fill_numbers(eep_lease *result, const struct sandbox *sandbox)
{
    result->state = sandbox_state_code(sandbox->state);
    result->cpu = sandbox_count(sandbox, "cpu");
    result->memory_gib = sandbox_count(sandbox, "memory");
    result->disk_gib = sandbox_count(sandbox, "disk");
    result->gpu = sandbox_count(sandbox, "gpu");
    result->created_at_ms = sandbox_created_at_ms(sandbox);
    result->auto_stop_min = sandbox_minutes(sandbox, "autoStopInterval");
    result->auto_archive_min = sandbox_minutes(sandbox, "autoArchiveInterval");
    result->auto_delete_min = sandbox_minutes(sandbox, "autoDeleteInterval");
}

static int fill_strings(eep_lease *result, const struct sandbox *sandbox, const struct facts *facts,
                        const struct config *config)
{
    void **arena = &result->head.arena;
    TRY(arena_str(arena, facts->lease, &result->lease));
    TRY(arena_str(arena, sandbox->name, &result->name));
    TRY(arena_str(arena, sandbox->state, &result->state_text));
    TRY(arena_str(arena, sandbox->target, &result->target));
    TRY(arena_str(arena, config->image, &result->image));
    TRY(arena_str(arena, sandbox->snapshot, &result->snapshot));
    TRY(arena_str(arena, facts->shell, &result->shell));
    TRY(arena_str(arena, facts->home, &result->home));
    TRY(arena_str(arena, facts->user, &result->user));
    TRY(arena_str(arena, facts->workdir, &result->workdir));
    TRY(arena_str(arena, facts->workspace, &result->workspace));
    return arena_str(arena, facts->arch, &result->arch);
}

int lease_fill(eep_lease *result, const struct op *op, const struct sandbox *sandbox,
               const struct facts *facts, uint32_t flags, struct err *err)
{
    result->head.flags = flags;
    result->requests = op->requests;
    result->queued_ms = op->queued_ms;
    fill_numbers(result, sandbox);
    return fill_strings(result, sandbox, facts, op->env->config) == EEP_OK ? EEP_OK : err_no_memory(err);
}
