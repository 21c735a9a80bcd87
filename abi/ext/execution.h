/* ext/execution.h: the extension "eep.execution/1": reaching executions by their ids.
 *
 * An execution belongs to its lease and its id, not to the call or the process that started it. Whoever knows both
 * can look at it, wait for it, read its output from any byte on, and end it: after a crash, from another process, on
 * another machine. EEP_EXECUTE_DETACH starts one that nobody waits for.
 *
 *     const eep_execution_table *executions = plugin->get_extension(EEP_EXT_EXECUTION);
 *
 * The contract is that of eep.h, word for word: units, ownership, threads, errors, growth. How long the output of a
 * finished execution is kept is the plugin's policy; afterwards its outcome is still known for a while
 * (EEP_E_EXPIRED), and its id is not run again.
 */
/* Laid out by hand, comments in columns. */
/* clang-format off */
#ifndef EEP_EXT_EXECUTION_H
#define EEP_EXT_EXECUTION_H

#include "../eep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The id for get_extension. */
#define EEP_EXT_EXECUTION "eep.execution/1"

/* -- attach ----------------------------------------------------------------------------------------------------- */

#define EEP_ATTACH_NO_WAIT  0x100u /* tell how it is now, and what output there is, instead of waiting for the end */
#define EEP_ATTACH_NO_START 0x200u /* fail with EEP_E_CONFLICT instead of starting a stopped lease                */

typedef struct eep_attach_request {
    eep_request head;       /* flags: EEP_ATTACH_                                                                */
    eep_str lease;
    eep_str execution_id;
    uint64_t stdout_from;   /* offset of the first byte wanted; beyond the end: EEP_E_INVALID_ARGUMENT           */
    uint64_t stderr_from;
    uint64_t capture_bytes; /* as in eep_execute_request, counted from the offsets on                            */
    eep_output_fn on_output; /* NULL = none. Non-zero = stop looking; the command goes on                        */
    void *output_ctx;
} eep_attach_request;

/* -- kill ------------------------------------------------------------------------------------------------------- */

typedef struct eep_kill_request {
    eep_request head; /* flags: none yet. timeout_ms is for the whole ladder: SIGINT, SIGTERM, SIGKILL           */
    eep_str lease;
    eep_str execution_id;
} eep_kill_request;

/* -- list ------------------------------------------------------------------------------------------------------- */

#define EEP_LIST_NO_START 0x100u /* fail with EEP_E_CONFLICT instead of starting a stopped lease                  */

/* The most that one list may have. */
#define EEP_LIST_MAX 10000u

typedef struct eep_list_request {
    eep_request head; /* flags: EEP_LIST_                                                                        */
    eep_str lease;
    uint32_t max;     /* how many at the most, those that changed last; 0 = 100                                  */
    uint32_t reserved;
} eep_list_request;

/* What is known of an execution. Read one that you do not know as UNKNOWN. */
#define EEP_EXECUTION_STATE_UNKNOWN     0u
#define EEP_EXECUTION_STATE_RUNNING     1u
#define EEP_EXECUTION_STATE_DONE        2u
#define EEP_EXECUTION_STATE_EXPIRED     3u /* done, and its output has been removed                              */
#define EEP_EXECUTION_STATE_INTERRUPTED 4u /* it ended with its sandbox or its supervisor; outcome unknown       */
#define EEP_EXECUTION_STATE_NEVER       5u /* marked, but it never ran and never will                            */

typedef struct eep_listed_execution {
    eep_str execution_id;
    uint32_t state;         /* EEP_EXECUTION_STATE_                                                              */
    uint32_t flags;         /* EEP_EXECUTION_HELD, EEP_EXECUTION_RUNNING                                         */
    int32_t exit_code;      /* as in eep_execution; -1 unless DONE or EXPIRED                                    */
    int32_t term_signal;
    uint64_t stdout_total;  /* bytes written; of EXPIRED, those that it had written                              */
    uint64_t stderr_total;
    int64_t started_at_ms;  /* the sandbox's wall clock; 0 = not told                                            */
    int64_t finished_at_ms;
} eep_listed_execution;

/* eep_execution_list.head.flags */
#define EEP_EXECUTION_LIST_MORE 0x1u /* there are more than max                                                   */

typedef struct eep_execution_list {
    eep_out head; /* flags: EEP_EXECUTION_LIST_                                                                  */
    const eep_listed_execution *executions; /* the one that changed last comes first                             */
    uint32_t execution_count;
    uint32_t execution_stride;
} eep_execution_list;

/* -- drop ------------------------------------------------------------------------------------------------------- */

typedef struct eep_drop_request {
    eep_request head; /* flags: none yet                                                                         */
    eep_str lease;
    eep_str execution_id;
} eep_drop_request;

/* -- The table -------------------------------------------------------------------------------------------------- */

/* Static and constant, as eep_plugin is. No slot is NULL. */
typedef struct eep_execution_table {
    uint32_t struct_size;
    uint32_t flags; /* none yet */

    /* [blocking] Waits for the end of an execution; the result is as that of execute, with EEP_EXECUTION_ATTACHED.
     * Never ends or starts a command: when its own time is over or it is cancelled, the command goes on, and the
     * result of EEP_E_DEADLINE and EEP_E_CANCELLED holds what there is. EEP_E_NOT_FOUND: no such id.
     * EEP_E_INTERRUPTED, EEP_E_EXPIRED: as execute. Starts a stopped lease, to read what is kept there; one that is
     * stopped while it waits is left alone: EEP_E_INTERRUPTED. */
    int32_t (*attach)(eep_env *env, const eep_attach_request *request, eep_execution *result, eep_error *err);

    /* [blocking] Ends an execution, with what it has left running in the background, and tells how it ended: KILLED
     * and kill_signal, the rung that it took. One that had ended before is EEP_OK without KILLED. Without a known
     * end the result has RUNNING and UNCONFIRMED. No output. EEP_E_NOT_FOUND: it never ran, and from now on never
     * will. EEP_E_INTERRUPTED: it ended otherwise, outcome unknown; so does everything in a stopped lease, which is
     * not started for this. */
    int32_t (*kill)(eep_env *env, const eep_kill_request *request, eep_execution *result, eep_error *err);

    /* [blocking] Tells what executions there are. Starts a stopped lease. */
    int32_t (*list)(eep_env *env, const eep_list_request *request, eep_execution_list *result, eep_error *err);

    /* [blocking] Removes the output of an execution that is done; its outcome is in the result, and its id stays used.
     * Dropped before: EEP_OK. EEP_E_CONFLICT: it, or what it left in the background, still runs. EEP_E_NOT_FOUND,
     * EEP_E_INTERRUPTED: as attach; nothing has been removed then. Starts a stopped lease. */
    int32_t (*drop)(eep_env *env, const eep_drop_request *request, eep_execution *result, eep_error *err);
} eep_execution_table;

#ifdef __cplusplus
}
#endif

#endif /* EEP_EXT_EXECUTION_H */
