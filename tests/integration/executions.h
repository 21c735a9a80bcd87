/* executions.h: the extension eep.execution/1 in one line a call.
 *
 *     OUTCOME looked = ATTACH("job-1", .stdout_from = 100);
 *
 * The macros are for tests that keep their environment in `env` and their lease in `lease`. */
#ifndef INTEGRATION_EXECUTIONS_H
#define INTEGRATION_EXECUTIONS_H

#include "ext/execution.h"
#include "host.h"

const eep_execution_table *executions(void);

struct outcome call_attach(eep_env *env, const eep_attach_request *request);
struct outcome call_kill(eep_env *env, const eep_kill_request *request);
struct outcome call_drop(eep_env *env, const eep_drop_request *request);

#define BY_ID(type, id, ...) REQUEST(type, .lease = text(lease), .execution_id = text(id), __VA_ARGS__)
#define ATTACH(id, ...)      call_attach(env, BY_ID(eep_attach_request, id, __VA_ARGS__))
#define KILL(id, ...)        call_kill(env, BY_ID(eep_kill_request, id, __VA_ARGS__))
#define DROP(id, ...)        call_drop(env, BY_ID(eep_drop_request, id, __VA_ARGS__))
#define LOOK(id, ...)        ATTACH(id, .head.flags = EEP_ATTACH_NO_WAIT, __VA_ARGS__)
#define DETACH(id, text_of_script, ...)                                                                      \
    EXECUTE(env, lease, .head.flags = EEP_EXECUTE_DETACH, .execution_id = text(id),                          \
            .script = text(text_of_script), .time_limit_ms = 60000, __VA_ARGS__)

/* How many bytes of stdout there are now; 0 also if that cannot be told. */
#define WRITTEN(id) executions_written(env, lease, id)

#define FLAGS(outcome) ((outcome).execution.head.flags)

/* Shell text that goes on when the file is there. */
#define WAIT_FOR(file) "while ! [ -e " file " ]; do sleep 0.02; done; "

uint64_t executions_written(eep_env *env, const char *lease, const char *id);

struct listed {
    int32_t code;
    eep_execution_list list;
};

struct listed executions_list(eep_env *env, const char *lease, uint32_t max, uint32_t flags);
void listed_clear(struct listed *listed);

#define LISTED __attribute__((cleanup(listed_clear))) struct listed

/* The entry with this id; NULL if there is none. */
const eep_listed_execution *listed_find(const struct listed *listed, const char *id);

/* Collects what on_output brings. heard_finish frees it; `stop_after` bytes of stdout end the call, 0 = never. */
struct heard {
    char *data[3]; /* by stream */
    size_t len[3];
    size_t calls;
    size_t stop_after;
};

int32_t heard_take(void *ctx, uint32_t stream, const void *data, size_t len);
void heard_finish(struct heard *heard);

#define HEARD __attribute__((cleanup(heard_finish))) struct heard

static inline eep_bytes heard_of(const struct heard *heard, uint32_t stream)
{
    return (eep_bytes){heard->data[stream] ? heard->data[stream] : "", heard->len[stream]};
}

#endif
