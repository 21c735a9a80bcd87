#include "executions.h"

#include <stdlib.h>

const eep_execution_table *executions(void)
{
    return plugin()->get_extension(EEP_EXT_EXECUTION);
}

#define CALL(slot)                                                                                           \
    struct outcome call_##slot(eep_env *env, const eep_##slot##_request *request)                            \
    {                                                                                                        \
        struct outcome outcome = {.err.head.struct_size = sizeof outcome.err};                               \
        outcome.head.struct_size = sizeof outcome.execution;                                                 \
        long begin = now_ms();                                                                               \
        outcome.code = executions()->slot(env, request, &outcome.execution, &outcome.err);                   \
        outcome.elapsed_ms = now_ms() - begin;                                                               \
        return outcome;                                                                                      \
    }

CALL(attach)
CALL(kill)
CALL(drop)

uint64_t executions_written(eep_env *env, const char *lease, const char *id)
{
    OUTCOME looked = LOOK(id);
    return looked.code == EEP_OK ? looked.execution.stdout_total : 0;
}

struct listed executions_list(eep_env *env, const char *lease, uint32_t max, uint32_t flags)
{
    struct listed listed = {.list.head.struct_size = sizeof listed.list};
    listed.code = executions()->list(
        env, REQUEST(eep_list_request, .lease = text(lease), .max = max, .head.flags = flags), &listed.list,
        NULL);
    return listed;
}

void listed_clear(struct listed *listed)
{
    plugin()->clear(&listed->list.head);
}

const eep_listed_execution *listed_find(const struct listed *listed, const char *id)
{
    for (uint32_t i = 0; i < listed->list.execution_count; i++)
        if (text_is(listed->list.executions[i].execution_id, id)) return &listed->list.executions[i];
    return NULL;
}

int32_t heard_take(void *ctx, uint32_t stream, const void *data, size_t len)
{
    struct heard *heard = ctx;
    char *bytes = realloc(heard->data[stream], heard->len[stream] + len + 1);
    if (bytes == NULL) return 1;
    memcpy(bytes + heard->len[stream], data, len);
    heard->data[stream] = bytes;
    heard->len[stream] += len;
    heard->calls++;
    return heard->stop_after > 0 && heard->len[EEP_STREAM_STDOUT] >= heard->stop_after;
}

void heard_finish(struct heard *heard)
{
    free(heard->data[EEP_STREAM_STDOUT]);
    free(heard->data[EEP_STREAM_STDERR]);
    *heard = (struct heard){0};
}
