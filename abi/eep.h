/* eep.h: the execution-environment plugin ABI, version 1.0-draft.
 *
 * A plugin is a shared object that gives a host process (an agent framework, an orchestrator) a place to run
 * commands. The host loads it with dlopen(path, RTLD_NOW | RTLD_LOCAL), asks the one exported function,
 * eep_plugin_v1, for a table, and calls through the table. It never calls dlclose: plugins stay for life.
 *
 * The contract that holds for every declaration below, unless it says otherwise:
 *
 *   Units      Times are milliseconds, sizes are bytes, wall-clock times are milliseconds since 1970 UTC.
 *   Zero       is the default. Fill a struct with zeros, set struct_size, set what you need.
 *   Requests   belong to the host and are only read, and only until the call returns.
 *   Results    and errors are the host's memory: zeroed and with struct_size set before the call. The plugin writes
 *              no further than struct_size. What their pointers show belongs to the plugin and lives until
 *              clear(). Clear each result and each error once you are done; clearing twice, or a zeroed one, does
 *              nothing. A call clears nothing by itself: clear before you use the same struct again.
 *   Strings    are UTF-8 with a length. In requests they need no NUL at the end; in results they have one, one
 *              past len. ptr NULL means absent. Command output is bytes: any value, NUL included.
 *   Threads    Every function may be called from any thread, any number at once. The plugin calls the host back
 *              (log, on_output) only on a thread that is inside a call, with no lock held.
 *   Blocking   Only functions marked [blocking] wait for the network. They return by their deadline (timeout_ms),
 *              plus the grace (grace_ms), plus 100 ms. Nothing goes on in the background after a call has returned.
 *   Errors     Functions that return int32_t return EEP_OK or an EEP_E_ code. `err` may be NULL. When a call
 *              fails, its result is left empty (safe to clear) unless said otherwise, and `err`, if given, tells
 *              the rest. A result smaller than eep_out is EEP_E_INVALID_ARGUMENT, an error that small counts as NULL.
 *   Fork       In a child made by fork(), functions answer EEP_E_FORKED; open() may be used to begin anew.
 *   Exit       A host may exit() with calls under way. Exit handlers that were registered before the first use of the
 *              network come too late for it: what would have to be sent is EEP_E_SHUTDOWN.
 *   Signals    The plugin installs no handlers, changes no masks, needs no particular disposition.
 *   Growth     Structs grow at the end only. A plugin that is given a longer request than it knows answers
 *              EEP_E_UNSUPPORTED if the unknown part holds anything but zeros; the same goes for flags, reserved
 *              words and enumerators that it does not know. Structs over 64 KiB are EEP_E_INVALID_ARGUMENT.
 *              abi/README.md has the rules.
 *
 * Marks: [blocking] may wait for the network. [signal-safe] may be called from a signal handler.
 * All declarations: since 1.0.
 */
/* Laid out by hand, comments in columns. */
/* clang-format off */
#ifndef EEP_H
#define EEP_H

#include <stddef.h>
#include <stdint.h>

#if UINTPTR_MAX != 0xffffffffffffffffu
#error "eep.h: only 64-bit platforms are supported (struct layouts are fixed for 64-bit pointers)"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The minor version that this header describes. The major version is in the name of the entry symbol. */
#define EEP_ABI_MINOR 0u
#define EEP_ENTRY_SYMBOL "eep_plugin_v1"

/* -- Status codes: returned by calls, repeated in eep_error.code. Numbers are never reused. Treat a code that you
 *    do not know as EEP_E_INTERNAL. ---------------------------------------------------------------------------- */
#define EEP_OK                  0
#define EEP_E_CANCELLED         1  /* a cancel token fired, or on_output asked to stop                          */
#define EEP_E_DEADLINE          2  /* timeout_ms ran out; `where` tells in which phase                          */
#define EEP_E_INVALID_ARGUMENT  3  /* the request is wrong: a bug of the host                                   */
#define EEP_E_INVALID_CONFIG    4  /* the configuration is wrong: something for the user to mend                */
#define EEP_E_UNSUPPORTED       5  /* this plugin, service or sandbox cannot do it                              */
#define EEP_E_UNAUTHENTICATED   6  /* the service does not know these credentials                               */
#define EEP_E_PERMISSION_DENIED 7  /* the credentials are known, but may not do this                            */
#define EEP_E_NOT_FOUND         8  /* something named in the request does not exist (not the lease: LEASE_LOST) */
#define EEP_E_CONFLICT          9  /* same id or key, other request; or a state that the request rules out      */
#define EEP_E_QUOTA             10 /* a limit of the account or of the service's capacity                       */
#define EEP_E_RATE_LIMITED      11 /* too many requests; see retry_after_ms                                     */
#define EEP_E_UNAVAILABLE       12 /* no answer, or an answer that says "not now"                               */
#define EEP_E_PROTOCOL          13 /* the service or the sandbox answered something that cannot be              */
#define EEP_E_TLS               14 /* certificate or handshake                                                  */
#define EEP_E_LEASE_LOST        15 /* the lease's sandbox is gone, or is not the one that was leased            */
#define EEP_E_NO_MEMORY         16
#define EEP_E_FORKED            17 /* the environment was opened before a fork(); open a new one                */
#define EEP_E_SHUTDOWN          18 /* the environment is being closed                                           */
#define EEP_E_TOO_LARGE         19 /* an input or an answer is beyond a stated limit                            */
#define EEP_E_SANDBOX           20 /* the sandbox cannot do it: error state, missing tool, full disk, dead daemon */
#define EEP_E_INTERRUPTED       21 /* the command ended with its sandbox or its supervisor; outcome unknown     */
#define EEP_E_EXPIRED           22 /* the execution finished, but its output has been cleaned up                */
#define EEP_E_INTERNAL          99 /* a bug of the plugin                                                       */

/* -- Basic types ------------------------------------------------------------------------------------------------ */

/* Text. ptr NULL = absent; ptr non-NULL with len 0 = empty. */
typedef struct eep_str {
    const char *ptr;
    size_t len;
} eep_str;

/* Bytes of any value. ptr NULL = absent; ptr non-NULL with len 0 = empty. */
typedef struct eep_bytes {
    const void *ptr;
    size_t len;
} eep_bytes;

/* A name and its value: environment variables and labels. */
typedef struct eep_pair {
    eep_str name;
    eep_str value;
} eep_pair;

/* An open environment: one configuration with its credentials. Opaque. */
typedef struct eep_env eep_env;

/* A cancel token. Opaque. See cancel_create. */
typedef struct eep_cancel eep_cancel;

/* The head of every result and error. The host sets struct_size; the plugin sets the rest. `arena` is private. */
typedef struct eep_out {
    uint32_t struct_size;
    uint32_t flags;
    void *arena;
} eep_out;

/* The head of every request that may block. */
typedef struct eep_request {
    uint32_t struct_size; /* sizeof the whole request struct                                                     */
    uint32_t flags;       /* EEP_REQUEST_ flags below, and the flags of the call                                 */
    uint32_t timeout_ms;  /* time for the work; 0 = `timeoutMs` of the configuration                             */
    uint32_t grace_ms;    /* time for undoing it when it fails or is cancelled (compensating delete, killing the
                             command); 0 = `graceMs` of the configuration                                        */
    eep_cancel *cancel;   /* NULL = cannot be cancelled. The first fire ends the work and begins the grace; a
                             second fire returns at once.                                                        */
    eep_str trace_id;     /* printable ASCII, at most 128 bytes: sent as the header X-Request-Id, for the logs
                             of the service; absent = none                                                       */
} eep_request;

/* Flags of every request. Flags of single calls start at bit 8. */
#define EEP_REQUEST_NO_GRACE 0x1u /* on cancel or deadline return at once with MAYBE_APPLIED and the ids           */

/* -- Errors ----------------------------------------------------------------------------------------------------- */

/* eep_error.head.flags */
#define EEP_ERROR_RETRYABLE     0x1u /* the same request may succeed later                                       */
#define EEP_ERROR_MAYBE_APPLIED 0x2u /* the service may have acted: look before you repeat without a key or an id */
#define EEP_ERROR_FROM_SERVICE  0x4u /* the service said so (else: found locally or on the network)              */

typedef struct eep_error {
    eep_out head;            /* flags: EEP_ERROR_                                                                */
    int32_t code;            /* EEP_E_                                                                           */
    int32_t http_status;     /* of the answer that caused it; 0 = none                                           */
    int32_t os_errno;        /* of the system call that caused it; 0 = none                                      */
    uint32_t retry_after_ms; /* how long the service asks to wait; 0 = it did not say                            */
    eep_str message;         /* for people: what is wrong, where, what to do. May change between versions.       */
    eep_str where;           /* "acquire_lease: POST /sandbox", "execute: attach"                                */
    eep_str request_id;      /* the service's id for the failing request, if it gave one                         */
    eep_str lease;           /* the lease concerned; after a failed acquire: what may have been left behind      */
    eep_str execution_id;    /* of a failed execute, when known; with MAYBE_APPLIED it may still be running       */
} eep_error;

/* -- Host services ---------------------------------------------------------------------------------------------- */

#define EEP_LOG_ERROR            1u
#define EEP_LOG_WARNING          2u
#define EEP_LOG_INFO             3u
#define EEP_LOG_DEBUG            4u
#define EEP_LOG_HOST_MISBEHAVING 5u /* the host broke this contract; always delivered                            */

/* What the host offers. Copied by open(), strings included, so it may live on the stack; `ctx` and what log uses must
 * outlive the environment. */
typedef struct eep_host {
    uint32_t struct_size;
    uint32_t flags;     /* none yet: 0                                                                           */
    uint32_t log_level; /* the most detailed EEP_LOG_ level wanted; 0 = EEP_LOG_WARNING                          */
    uint32_t reserved;  /* 0                                                                                     */
    void *ctx;          /* handed to log                                                                         */

    /* A line for the host's log; NULL = none wanted. Called on a thread that is inside a call, with no lock held.
     * component and message are NUL-terminated and valid during the call only. Secrets never appear. It must
     * return (no exception, no longjmp) and must not call the plugin. */
    void (*log)(void *ctx, uint32_t level, const char *component, const char *message);

    eep_str name;    /* "my-orchestrator": becomes part of the User-Agent; printable ASCII, at most 64 bytes       */
    eep_str version; /* "2.1.0": likewise                                                                        */
} eep_host;

/* -- validate_config -------------------------------------------------------------------------------------------- */

#define EEP_VALIDATE_STRICT    0x100u /* unknown keys are errors, not warnings                                   */
#define EEP_VALIDATE_TRUST_ENV 0x200u /* act as if `trustEnv` were true in the configuration                     */

#define EEP_SEVERITY_ERROR   1u
#define EEP_SEVERITY_WARNING 2u
#define EEP_SEVERITY_INFO    3u

typedef struct eep_validate_request {
    uint32_t struct_size;
    uint32_t flags; /* EEP_VALIDATE_                                                                             */
    eep_str config; /* JSON text; its keys are described by eep_plugin.config_schema                             */
} eep_validate_request;

typedef struct eep_finding {
    uint32_t severity; /* EEP_SEVERITY_                                                                          */
    uint32_t reserved;
    eep_str code;    /* stable, for programs: "image_and_snapshot"                                               */
    eep_str pointer; /* JSON pointer (RFC 6901) to the value concerned; "" = the whole document                  */
    eep_str message; /* what is wrong                                                                            */
    eep_str hint;    /* what to do                                                                               */
} eep_finding;

typedef struct eep_validation {
    eep_out head;
    uint32_t valid;  /* 1 = open() would take it                                                                 */
    uint32_t errors; /* how many findings are errors                                                             */
    const eep_finding *findings; /* all of them, in a fixed order                                                */
    uint32_t finding_count;
    uint32_t finding_stride;
    eep_str normalized; /* JSON: every key with its effective value, defaults filled in, secrets left out.
                           Absent when not valid.                                                                */
    const eep_str *secrets; /* JSON pointers of the secrets that the configuration or the environment supplied   */
    uint32_t secret_count;
    uint32_t secret_stride;
} eep_validation;

/* -- open ------------------------------------------------------------------------------------------------------- */

#define EEP_OPEN_STRICT    0x100u /* as EEP_VALIDATE_STRICT    */
#define EEP_OPEN_TRUST_ENV 0x200u /* as EEP_VALIDATE_TRUST_ENV */

typedef struct eep_open_request {
    uint32_t struct_size;
    uint32_t flags;       /* EEP_OPEN_                                                                           */
    eep_str config;       /* JSON text                                                                           */
    const eep_host *host; /* NULL = no log, no name                                                              */
} eep_open_request;

/* -- probe ------------------------------------------------------------------------------------------------------ */

/* How far a probe goes. Each depth includes those before it. Nothing below FULL creates anything. */
#define EEP_PROBE_LOCAL 1u /* configuration, libraries, certificates: no network */
#define EEP_PROBE_REACH 2u /* DNS, TCP, TLS, is it Daytona?                      */
#define EEP_PROBE_AUTH  3u /* do the credentials work, may they do what we need? */
#define EEP_PROBE_QUOTA 4u /* rate limits and room for another sandbox           */
#define EEP_PROBE_FULL  5u /* create a sandbox, prepare it, run a command, delete it again, whatever happens     */

#define EEP_CHECK_OK      1u
#define EEP_CHECK_FAILED  2u
#define EEP_CHECK_SKIPPED 3u /* not reached, because an earlier check failed or max_depth is lower               */
#define EEP_CHECK_UNKNOWN 4u /* the service does not tell; the message says why                                  */

typedef struct eep_probe_request {
    eep_request head;
    uint32_t max_depth; /* EEP_PROBE_; 0 = EEP_PROBE_AUTH                                                        */
    uint32_t reserved;
} eep_probe_request;

typedef struct eep_check {
    uint32_t status;     /* EEP_CHECK_                                                                           */
    uint32_t depth;      /* EEP_PROBE_: which depth it belongs to                                                */
    int32_t code;        /* EEP_E_ of a failed check, else EEP_OK                                                */
    uint32_t elapsed_ms;
    eep_str name;        /* stable: "config", "tls", "credentials", …                                            */
    eep_str message;     /* for people                                                                           */
} eep_check;

/* probe returns EEP_OK when the checks could be made, whatever they found. */
typedef struct eep_probe {
    eep_out head;
    uint32_t failed;  /* how many checks FAILED                                                                  */
    uint32_t unknown; /* how many are UNKNOWN                                                                    */
    const eep_check *checks; /* in the order in which they were made                                             */
    uint32_t check_count;
    uint32_t check_stride;
    eep_str api_url;        /* where it looked                                                                   */
    eep_str server_version; /* as the service tells it; absent = it did not                                      */
    eep_str lease;          /* a sandbox that a FULL probe could not delete again; absent = none is left         */
    eep_str sandbox_name;   /* of the sandbox that a FULL probe made, and so for the next three; else absent     */
    eep_str target;
    eep_str shell;
    eep_str workspace;
} eep_probe;

/* -- Leases ----------------------------------------------------------------------------------------------------- */

/* A lease is a string: opaque, printable ASCII, at most EEP_LEASE_MAX bytes. Store it anywhere; it works in another
 * process, on another machine, with a newer plugin of the same major version, until it is released with DESTROY. */
#define EEP_LEASE_MAX 255u

#define EEP_ACQUIRE_REUSE 0x100u /* rather take a sandbox that bears all labels of this request (those of the
                                    configuration do not count), be it this owner's or another tool's; make one only
                                    if there is none. Hosts that do so at the same time get the same one. Made for
                                    another request: EEP_E_CONFLICT. One that cannot be started is an error that
                                    names it, no reason to make another. Needs labels; goes without a key         */

typedef struct eep_acquire_request {
    eep_request head;
    eep_str idempotency_key; /* 1 to 255 bytes. Same key, same configured owner, same request: same lease, also after a
                                crash and from another process. Same key, other request: EEP_E_CONFLICT. The
                                request is: labels, env, name_hint and the configuration keys that shape the
                                sandbox; not its times, its trace_id, or how the service is reached.
                                With a key, a failed acquire deletes nothing: the next one with that key adopts
                                what it left. Absent: a new lease each time, and what a failed acquire made is
                                deleted again within the grace.                                                  */
    eep_str name_hint;       /* for people who look at the service's dashboard; kept as the label eep.name       */
    const eep_pair *labels;  /* added to those of the configuration; same name: these win                        */
    uint32_t label_count;
    uint32_t label_stride;   /* sizeof(eep_pair); 0 = the size in ABI 1.0                                        */
    const eep_pair *env;     /* environment of every command in the sandbox, added to that of the configuration.
                                Stored by the service in clear: for secrets use eep_execute_request.env.         */
    uint32_t env_count;
    uint32_t env_stride;
} eep_acquire_request;

#define EEP_RESUME_NO_START 0x100u /* fail with EEP_E_CONFLICT instead of starting a stopped sandbox             */

typedef struct eep_resume_request {
    eep_request head; /* flags: EEP_RESUME_                                                                      */
    eep_str lease;
} eep_resume_request;

/* States of a lease. */
#define EEP_STATE_UNKNOWN  0u
#define EEP_STATE_STARTED  1u
#define EEP_STATE_STOPPED  2u /* files kept; resume, realize and execute start it, and so for the next two       */
#define EEP_STATE_ARCHIVED 3u /* files kept in slow storage                                                      */
#define EEP_STATE_PAUSED   4u
#define EEP_STATE_ERROR    5u
#define EEP_STATE_GONE     6u /* deleted                                                                         */
#define EEP_STATE_CHANGING 7u /* in transition                                                                   */

/* eep_lease.head.flags */
#define EEP_LEASE_REUSED  0x1u /* acquire found what was there before: by its key, or by its labels              */
#define EEP_LEASE_RESUMED 0x2u /* result of resume_lease                                                         */
#define EEP_LEASE_STARTED 0x4u /* it was not running and has been started: by this call, or since the lease was
                                  acquired or resumed last. What ran in it has ended.                            */
#define EEP_LEASE_BARE    0x8u /* with REUSED: the mark that an acquire leaves in its sandbox was missing, and is there
                                  now. It has been emptied, or the acquire that made it ended before it had prepared
                                  it: do not count on its files. Never told of what another tool has made        */

/* The result of acquire_lease and resume_lease: a started, prepared sandbox. */
typedef struct eep_lease {
    eep_out head;          /* flags: EEP_LEASE_                                                                  */
    eep_str lease;         /* the lease id                                                                       */
    eep_str name;          /* the sandbox's name on the service                                                  */
    eep_str state_text;    /* the service's own word for the state                                               */
    eep_str target;        /* region                                                                             */
    eep_str image;         /* image as configured; absent = none                                                 */
    eep_str snapshot;      /* snapshot that it was made from, as the service tells it; absent = it does not      */
    eep_str shell;         /* absolute path of the shell that runs shell commands: bash where there is one       */
    eep_str home;          /* home folder                                                                        */
    eep_str user;          /* the user that commands run as                                                      */
    eep_str workdir;       /* the sandbox's own working folder                                                   */
    eep_str workspace;     /* absolute path of the workspace folder; it exists                                   */
    eep_str arch;          /* "x86_64", "aarch64", …                                                             */
    uint32_t state;        /* EEP_STATE_                                                                         */
    uint32_t cpu;          /* cores;            0 = not told                                                     */
    uint32_t memory_gib;   /*                   0 = not told                                                     */
    uint32_t disk_gib;     /*                   0 = not told                                                     */
    int64_t created_at_ms; /* wall clock of the service; 0 = not told                                            */
    int32_t auto_stop_min;    /* idle minutes before the service stops it; 0 = never                             */
    int32_t auto_archive_min; /* minutes after the stop before it is archived; 0 = the service's longest         */
    int32_t auto_delete_min;  /* minutes after the stop before it is deleted; negative = never; 0 = at the stop  */
    uint32_t gpu;             /* 0 = none, or not told                                                           */
    uint32_t requests;        /* HTTP requests that this call made                                               */
    uint32_t queued_ms;       /* how long it waited because the service limits the rate of requests              */
} eep_lease;

/* -- realize_workspace ------------------------------------------------------------------------------------------ */

#define EEP_SOURCE_FILE 1u /* data is the content of a file                                                      */
#define EEP_SOURCE_DIR  2u /* make this folder                                                                   */

typedef struct eep_source {
    uint32_t kind;  /* EEP_SOURCE_                                                                               */
    uint32_t mode;  /* permission bits; 0 = 0644 for files, 0755 for folders. A folder that exists keeps its own */
    eep_str path;   /* relative to the workspace, without "..", or absolute. Missing parents are made.           */
    eep_bytes data; /* FILE: the content (absent = empty). The file appears whole or not at all.                 */
} eep_source;

typedef struct eep_realize_request {
    eep_request head;
    eep_str lease;
    eep_str root; /* path of the workspace, absolute or relative to the sandbox's working folder; absent =
                     `workspaceDir` of the configuration, else eep-workspace. Another root does not change
                     where execute runs: that needs its cwd                                                      */
    const eep_source *sources; /* in this order; a later one replaces an earlier one of the same path            */
    uint32_t source_count;
    uint32_t source_stride;
} eep_realize_request;

/* eep_workspace.head.flags */
#define EEP_WORKSPACE_STARTED 0x1u /* the lease was not running and has been started by this call                */

typedef struct eep_source_result {
    int32_t code; /* EEP_OK or the EEP_E_ code of this source                                                    */
    uint32_t reserved;
    eep_str path;    /* absolute                                                                                 */
    eep_str message; /* for people; absent when all is well                                                      */
} eep_source_result;

/* realize_workspace fails when the folder cannot be had. When single sources fail it returns EEP_OK with failed > 0. */
typedef struct eep_workspace {
    eep_out head; /* flags: EEP_WORKSPACE_                                                                       */
    eep_str root; /* absolute path; it exists                                                                    */
    uint32_t files;  /* files and folders written                                                                */
    uint32_t failed; /* sources that failed                                                                      */
    uint64_t bytes;  /* bytes written                                                                            */
    const eep_source_result *sources; /* one for each source of the request, in its order                        */
    uint32_t source_count;
    uint32_t source_stride;
} eep_workspace;

/* -- execute ---------------------------------------------------------------------------------------------------- */

#define EEP_EXECUTE_MERGE 0x100u /* stderr goes into stdout, in true order                                       */
#define EEP_EXECUTE_LOGIN 0x200u /* read the login profiles first, for argv too: /etc/profile, ~/.profile, then
                                    ~/.bash_profile or else ~/.bashrc, ~/.zprofile. What they print is thrown
                                    away; the request's env wins over them                                       */
#define EEP_EXECUTE_DETACH 0x400u /* return as soon as the command has started; needs time_limit_ms. It goes on
                                    when the call, the host and the network are gone: abi/ext/execution.h reaches
                                    it by its id. A sandbox that would be stopped for idleness before
                                    time_limit_ms is over has its interval raised first, for good; where that
                                    cannot be done the call fails, and nothing is started. When the time of the
                                    call is over (or close begins) before it is known whether it has started,
                                    one with an execution_id of the host's is left alone: the same call again
                                    attaches to it. Without one it is ended.                                     */

#define EEP_STREAM_STDOUT 1u
#define EEP_STREAM_STDERR 2u

/* The longest execution id. Ids match [A-Za-z0-9_-]+ . */
#define EEP_EXECUTION_ID_MAX 64u

/* Output while the command runs. Called on the thread that called execute, with no lock held, in the order of each
 * stream, no byte twice or missing. data is valid during the call only. It may call the plugin. Non-zero = stop the
 * command: execute then returns EEP_E_CANCELLED, also when the command had ended by itself: its output was refused. */
typedef int32_t (*eep_output_fn)(void *ctx, uint32_t stream, const void *data, size_t len);

typedef struct eep_execute_request {
    eep_request head;  /* flags: EEP_EXECUTE_                                                                    */
    eep_str lease;
    eep_str execution_id; /* Makes the call safe to repeat: an id that was started before is attached to, never
                             run again; with another command: EEP_E_CONFLICT. Absent = a random one.             */
    const eep_str *argv;  /* program and arguments, bytes but NUL, no shell in between. Either argv or script.   */
    uint32_t argv_count;
    uint32_t argv_stride; /* sizeof(eep_str); 0 = the size in ABI 1.0                                            */
    eep_str script;       /* shell text, bytes but NUL; any length                                               */
    eep_str shell;        /* absolute path of the shell for `script`; absent = the lease's shell                 */
    eep_str cwd;          /* absolute, or relative to the workspace; absent = the workspace. A missing one is
                             EEP_E_NOT_FOUND before anything runs.                                               */
    const eep_pair *env;  /* added to the sandbox's; never visible in any argument list. Names match
                             [A-Za-z_][A-Za-z0-9_]*, values are bytes but NUL.                                   */
    uint32_t env_count;
    uint32_t env_stride;
    eep_bytes stdin_data; /* absent = /dev/null                                                                  */
    uint32_t time_limit_ms;    /* the command is killed when it has run this long, also when the host is dead.
                                  0, or more than is left of timeout_ms when it starts = what is left. Its end by
                                  the limit is EEP_OK with EEP_EXECUTION_TIMED_OUT if it is known within the grace,
                                  else EEP_E_DEADLINE. With DETACH it must be given, and timeout_ms does not
                                  shorten it                                                                     */
    uint32_t reserved;
    uint64_t max_output_bytes; /* per stream; a command that writes more is killed; 0 = `maxOutputBytes` of the
                                  configuration                                                                  */
    uint64_t capture_bytes;    /* how much of each stream the result holds: its first and its last half when there
                                  is more. 0 = 16 MiB, or nothing when on_output is given                        */
    eep_output_fn on_output;   /* NULL = none                                                                    */
    void *output_ctx;
} eep_execute_request;

/* eep_execution.head.flags */
#define EEP_EXECUTION_TIMED_OUT    0x1u  /* killed at its time limit                                             */
#define EEP_EXECUTION_OUTPUT_LIMIT 0x2u  /* wrote more than max_output_bytes: KILLED unless it had just ended        */
#define EEP_EXECUTION_OUTPUT_LOST  0x4u  /* the sandbox could not keep all of its output (disk full)             */
#define EEP_EXECUTION_TRUNCATED    0x8u  /* a stream is larger than capture_bytes: head and tail are given       */
#define EEP_EXECUTION_HELD         0x10u /* background children still hold the output open; more may come        */
#define EEP_EXECUTION_ATTACHED     0x20u /* this id had been started before; nothing was started by this call    */
#define EEP_EXECUTION_KILLED       0x40u /* ended by us (limit or cancel); kill_signal tells which rung it took  */
#define EEP_EXECUTION_UNCONFIRMED  0x80u /* killed, but some of its processes may still live                     */
#define EEP_EXECUTION_STARTED      0x100u /* the lease was not running and has been started by this call         */
#define EEP_EXECUTION_RUNNING      0x200u /* it has not ended yet: totals and output are those of now            */

/* execute returns EEP_OK when the command ran to an end, whatever its exit code, and also when it was ended by its
 * time limit: look at exit_code, term_signal and the flags. With DETACH it may have RUNNING instead.
 * With EEP_E_CANCELLED, EEP_E_DEADLINE and EEP_E_INTERRUPTED the result holds what is known: the flags and the output
 * so far. With EEP_E_EXPIRED it holds all but the output. */
typedef struct eep_execution {
    eep_out head;         /* flags: EEP_EXECUTION_                                                               */
    eep_str execution_id;
    int32_t exit_code;    /* 0 to 255; -1 = ended by a signal, or no end is known                                */
    int32_t term_signal;  /* Linux signal number that ended it; 0 = none; -1 = exit_code is 130 or 141, and the
                             sandbox's shell cannot tell an exit with it from an end by SIGINT or SIGPIPE        */
    int32_t kill_signal;  /* the last signal that we sent; 0 = none                                              */
    uint32_t requests;    /* HTTP requests that this call made                                                   */
    eep_bytes stdout_data;   /* with TRUNCATED: stdout_head bytes of its beginning, then bytes of its end.
                                Absent when nothing was to be captured, else never absent                        */
    eep_bytes stderr_data;
    uint64_t stdout_head;  /* how many bytes of stdout_data are the beginning                                    */
    uint64_t stderr_head;
    uint64_t stdout_total; /* bytes that the command wrote                                                       */
    uint64_t stderr_total;
    int64_t started_at_ms;  /* the sandbox's wall clock; 0 = not told                                            */
    int64_t finished_at_ms;
    int64_t kept_until_ms;  /* with DETACH and RUNNING: the sandbox stays up until then, even if nobody looks at it;
                               0 = it is never stopped for idleness, or not told. The host's wall clock.          */
} eep_execution;

/* -- release ---------------------------------------------------------------------------------------------------- */

#define EEP_RELEASE_BY_CONFIG 0u /* STOP if `reuseLease` is true in the configuration, else DESTROY               */
#define EEP_RELEASE_STOP      1u /* keep the files                                                                */
#define EEP_RELEASE_DESTROY   2u
#define EEP_RELEASE_ARCHIVE   3u /* stop, then move the files to slow storage                                     */
#define EEP_RELEASE_DETACH    4u /* forget what the plugin remembers of it; no network, cannot fail               */

#define EEP_RELEASE_DESTROY_IF_STOP_FAILS 0x100u /* flag: a STOP that fails for good becomes a DESTROY            */

typedef struct eep_release_request {
    eep_request head; /* flags: EEP_RELEASE_DESTROY_IF_STOP_FAILS                                                */
    eep_str lease;
    uint32_t mode; /* EEP_RELEASE_                                                                               */
    uint32_t reserved;
} eep_release_request;

/* eep_released.head.flags */
#define EEP_RELEASED_ALREADY   0x1u /* it was in that state (or gone) before                                     */
#define EEP_RELEASED_CONFIRMED 0x2u /* the service has reported the final state; else it has accepted the order  */
#define EEP_RELEASED_FELL_BACK 0x4u /* the stop failed and it was destroyed instead                              */

typedef struct eep_released {
    eep_out head;  /* flags: EEP_RELEASED_                                                                       */
    uint32_t mode; /* what was done: EEP_RELEASE_STOP, …                                                         */
    uint32_t state; /* EEP_STATE_ as last seen                                                                   */
    eep_str state_text;
} eep_released;

/* -- The table -------------------------------------------------------------------------------------------------- */

/* What a plugin is and does. Static and constant: the same pointer each time, valid for the life of the process.
 * A function slot may be NULL only where that is said. Later minors append. */
typedef struct eep_plugin {
    uint32_t struct_size;
    uint32_t abi_minor;      /* EEP_ABI_MINOR of the header that it was built with                               */
    uint32_t min_host_minor; /* a host whose own minor is lower must refuse to use it                            */
    uint32_t flags;          /* none yet                                                                         */

    /* NUL-terminated, never NULL. */
    const char *id;            /* "daytona"                                                                      */
    const char *name;          /* for people                                                                     */
    const char *version;       /* of the plugin: "0.1.0"                                                         */
    const char *vendor;
    const char *license;       /* SPDX                                                                           */
    const char *url;
    const char *build_info;    /* compiler and libraries that it was built with                                  */
    const char *config_schema; /* JSON Schema (draft 2020-12) of the configuration                               */

    /* Checks a configuration: all findings at once. No network, no state; reads the process environment only with
     * trustEnv. EEP_OK also when the configuration is not valid; fails only on a wrong request or for memory. */
    int32_t (*validate_config)(const eep_validate_request *request, eep_validation *result, eep_error *err);

    /* Opens an environment. No network. EEP_E_INVALID_CONFIG names the first error and how many there are; the
     * warnings go to the host's log. */
    int32_t (*open)(const eep_open_request *request, eep_env **env, eep_error *err);

    /* Closes it: calls that are under way end with EEP_E_SHUTDOWN and close waits for them (at most their grace),
     * then frees everything. Leases are not touched. NULL does nothing. No call with this env may begin once close
     * has begun. From within an on_output it returns at once, for it would wait for its own call: the last call that
     * ends frees everything. In a child after fork: frees memory, leaves the parent's connections alone. */
    void (*close)(eep_env *env);

    /* [blocking] Looks whether things work. */
    int32_t (*probe)(eep_env *env, const eep_probe_request *request, eep_probe *result, eep_error *err);

    /* [blocking] Creates a sandbox, waits until it runs and prepares it. */
    int32_t (*acquire_lease)(eep_env *env, const eep_acquire_request *request, eep_lease *result, eep_error *err);

    /* [blocking] Makes a lease usable again, in this or another process: starts it if needed, checks that it is the
     * one that was leased, prepares it. EEP_E_LEASE_LOST when it is gone. */
    int32_t (*resume_lease)(eep_env *env, const eep_resume_request *request, eep_lease *result, eep_error *err);

    /* [blocking] Makes the workspace folder and puts files into it. Starts a stopped lease. May be repeated. */
    int32_t (*realize_workspace)(eep_env *env, const eep_realize_request *request, eep_workspace *result,
                                 eep_error *err);

    /* [blocking] Runs a command to its end. Starts a stopped lease. */
    int32_t (*execute)(eep_env *env, const eep_execute_request *request, eep_execution *result, eep_error *err);

    /* [blocking] Gives the lease back. Releasing what is gone is EEP_OK with EEP_RELEASED_ALREADY. */
    int32_t (*release)(eep_env *env, const eep_release_request *request, eep_released *result, eep_error *err);

    /* Frees what a result or an error holds and zeroes it, struct_size excepted. NULL, zeroed or cleared: nothing.
     * Works after close and in a child after fork. (Where <curses.h> defines clear() as a macro: (p->clear)(&out).) */
    void (*clear)(eep_out *out);

    /* A cancel token, not fired; NULL = out of memory. One token may serve many requests, one after another or at
     * once. It is reference-counted: destroying it while a call uses it is safe. */
    eep_cancel *(*cancel_create)(void);

    /* [signal-safe] Fires it, for good: requests that carry it end with EEP_E_CANCELLED, now and later. The first
     * fire lets them undo their work within their grace, the second makes them return at once. Requests that clean up
     * after a cancel (a release) need another token. NULL: nothing. */
    void (*cancel_fire)(eep_cancel *token);

    /* Gives up the host's reference. NULL: nothing. */
    void (*cancel_destroy)(eep_cancel *token);

    /* The table of an extension ("eep.async/1"), or NULL if the plugin lacks it. Static and constant, as this one. */
    const void *(*get_extension)(const char *id);
} eep_plugin;

/* The one symbol that a plugin exports. Pure: no allocation, no threads, no environment; any thread, any time. */
typedef const eep_plugin *(*eep_plugin_v1_fn)(void);

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const eep_plugin *eep_plugin_v1(void);

#ifdef __cplusplus
}
#endif

#endif /* EEP_H */
