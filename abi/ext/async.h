/* ext/async.h: the extension "eep.async/1": calls without a thread each.
 *
 * Any blocking call of the plugin and of its extensions can be submitted instead: submit() returns at once, the call
 * goes on by itself, and what becomes of it is an event. One descriptor per environment tells when events wait, so
 * it fits into every event loop (poll, epoll, asyncio's add_reader, libuv), and nothing is ever called back.
 *
 *     const eep_async_table *async = plugin->get_extension(EEP_EXT_ASYNC);
 *     async->submit(env, &request, &op, &err);          any number of times
 *     poll() on the descriptor that async->fd() gave    readable while events wait
 *     async->next(env, events, 64, 0, 0, &count, &err); then read and clear() each of them
 *
 * A submitted call is the blocking call in every respect: same request, same result, same errors, same limits
 * (timeout_ms and grace_ms count from submit). The contract is that of eep.h, word for word; what is added:
 *
 *   Requests   are copied by submit(), with everything that they point to: the host may free all of it at once.
 *              The cancel token is held until the operation has ended.
 *   Events     come in the order in which things happened. Each operation that submit() took has exactly one DONE,
 *              after all its other events. What an event points to lives until the event is cleared.
 *   Threads    Operations run on a thread of the plugin's own, which is started once for all environments and never
 *              calls the host: on_output must be NULL (ask for OUTPUT events), and eep_host.log is not called for
 *              submitted operations (ask for LOG events).
 *   Flow       Unread OUTPUT is bounded (EEP_ASYNC_UNREAD_MAX for an environment): operations with more to tell wait
 *              until the host has read, and meanwhile read nothing from the network. A DONE never waits.
 *   Closing    shutdown() ends the operations; when next() answers EEP_E_SHUTDOWN, every DONE has been read, and
 *              close() returns at once. close() without that ends them too, and throws unread events away.
 *   Fork       In a child, functions answer EEP_E_FORKED. It must not read, poll or close the descriptor.
 *
 * All declarations: since 1.0.
 */
/* Laid out by hand, comments in columns. */
/* clang-format off */
#ifndef EEP_EXT_ASYNC_H
#define EEP_EXT_ASYNC_H

#include "../eep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The id for get_extension. */
#define EEP_EXT_ASYNC "eep.async/1"

/* Operations of one environment that may be open at once: submitted, and their DONE not read. */
#define EEP_ASYNC_OPS_MAX 16384u

/* Bytes of OUTPUT and LOG of one environment that may be unread. */
#define EEP_ASYNC_UNREAD_MAX 8388608u

/* The most bytes that one OUTPUT event has. */
#define EEP_ASYNC_OUTPUT_MAX 65536u

/* -- submit ----------------------------------------------------------------------------------------------------- */

/* eep_async_request.flags */
#define EEP_ASYNC_OUTPUT 0x1u /* execute and attach: send OUTPUT events. As if on_output were given: the result then
                                 captures nothing unless capture_bytes says so                                   */
#define EEP_ASYNC_LOG    0x2u /* send what eep_host.log would get, up to its log_level, as LOG events. Lines for
                                 which there is no room are dropped                                              */

typedef struct eep_async_request {
    uint32_t struct_size;
    uint32_t flags;       /* EEP_ASYNC_                                                                          */
    const char *call;     /* NUL-terminated: a slot of eep_plugin that takes an env and a request ("execute"), or
                             the id of an extension, a dot, and a slot of its table ("eep.execution/1.attach")   */
    const void *request;  /* the request that the call takes: eep_execute_request, …                             */
    uint64_t user_data;   /* comes back in every event of the operation                                          */
    uint32_t result_size; /* sizeof the result struct that the host wants: eep_execution, …; 0 = none is wanted  */
    uint32_t reserved;    /* 0                                                                                   */
} eep_async_request;

/* -- Events ----------------------------------------------------------------------------------------------------- */

/* Ignore events that you do not know, and clear them. */
#define EEP_EVENT_DONE   1u /* the operation has ended: code, result, error                                      */
#define EEP_EVENT_OUTPUT 2u /* the next bytes of a stream: stream, offset, data                                  */
#define EEP_EVENT_LOG    3u /* a line for the log: level, data                                                   */

typedef struct eep_event {
    eep_out head;           /* flags: none yet                                                                   */
    uint32_t type;          /* EEP_EVENT_                                                                        */
    int32_t code;           /* DONE: what the blocking call would have returned                                  */
    uint64_t op;            /* what submit gave                                                                  */
    uint64_t user_data;     /* what submit was given                                                             */
    const void *result;     /* DONE: the result struct as the blocking call leaves it, result_size bytes long: also
                               when it failed (then it may hold partial output); NULL if result_size was 0. Lives and
                               dies with the event: it is not to be cleared by itself                            */
    const eep_error *error; /* DONE: what went wrong; NULL when code is EEP_OK. As result                        */
    eep_bytes data;         /* OUTPUT: the bytes. LOG: the text                                                  */
    uint64_t offset;        /* OUTPUT: where in the stream data begins                                           */
    uint32_t stream;        /* OUTPUT: EEP_STREAM_                                                               */
    uint32_t level;         /* LOG: EEP_LOG_                                                                     */
} eep_event;

/* -- The table -------------------------------------------------------------------------------------------------- */

/* Static and constant, as eep_plugin is. No slot is NULL. */
typedef struct eep_async_table {
    uint32_t struct_size;
    uint32_t flags; /* none yet */

    /* Starts a call, and gives it a number: unique in its environment, never 0, less than 2^53. When it fails, nothing
     * has been started and no event comes: EEP_E_INVALID_ARGUMENT (what cannot be copied, on_output is given, OUTPUT
     * for a call that has none), EEP_E_UNSUPPORTED (no such call; a field, flag or reserved word that is not known),
     * EEP_E_UNAVAILABLE (EEP_ASYNC_OPS_MAX are open: read events first), EEP_E_NO_MEMORY, EEP_E_SHUTDOWN,
     * EEP_E_FORKED. All other faults of a request are told by its DONE. */
    int32_t (*submit)(eep_env *env, const eep_async_request *request, uint64_t *op, eep_error *err);

    /* As the fire of a cancel token of this one operation: the first ends its work and begins its grace, the second
     * makes it end at once. Its DONE still comes. EEP_E_NOT_FOUND: it has ended, or there never was one. */
    int32_t (*cancel)(eep_env *env, uint64_t op, eep_error *err);

    /* The descriptor: readable while events wait, and after shutdown() once all have been read. Only to be polled:
     * it belongs to the plugin, stays the same, and is closed by close(). Close-on-exec. */
    int32_t (*fd)(eep_env *env, int32_t *fd, eep_error *err);

    /* Takes events: as many as there are, at most `capacity`. If there are none, waits up to timeout_ms for the first
     * (0 = does not wait, UINT32_MAX = as long as it takes). EEP_OK with *count 0 when there were none; it is 0 with every
     * error, too.
     * `events` are capacity structs, `stride` bytes apart (0 = the size in ABI 1.0), each zeroed and with struct_size
     * set; clear() each that was filled. Several threads may wait: each event goes to one of them.
     * EEP_E_SHUTDOWN: shutdown() or close() was called, all operations have ended, and no event is left. */
    int32_t (*next)(eep_env *env, eep_event *events, uint32_t capacity, uint32_t stride, uint32_t timeout_ms,
                    uint32_t *count, eep_error *err);

    /* Begins to close the environment: submitted operations and blocking calls end with EEP_E_SHUTDOWN (within their
     * grace), new ones are refused with it. Does not wait. Go on with next() until that answers EEP_E_SHUTDOWN, then
     * call close(). NULL does nothing. */
    void (*shutdown)(eep_env *env);
} eep_async_table;

#ifdef __cplusplus
}
#endif

#endif /* EEP_EXT_ASYNC_H */
