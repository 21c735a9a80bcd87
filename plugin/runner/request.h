/* request.h: the texts for process/execute that make the in-sandbox runner do its work.
 *
 * Pure: no I/O, no clock, no randomness. Each function appends one whole request to `out`; the caller sends
 * it as `command` and gives the answer's text to answer.h with the same nonce. The text of a start holds what
 * the command is given, secrets included: finish its buffer with buf_finish_secret. JSON can carry all texts:
 * bytes that are no UTF-8 travel as octal escapes.
 *
 * Errors: EEP_E_INVALID_ARGUMENT (a NUL, a bad name, id or path), EEP_E_TOO_LARGE (out's maximum),
 * EEP_E_NO_MEMORY.
 */
#ifndef RUNNER_REQUEST_H
#define RUNNER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "eep.h"

/* Random hex digits of a nonce, for random_hex(nonce, RUNNER_NONCE_BYTES). A new one for each request. */
#define RUNNER_NONCE_BYTES 12
#define RUNNER_NONCE_LEN   (2 * RUNNER_NONCE_BYTES)

/* Hex digits of a request's digest. */
#define RUNNER_DIGEST_LEN 32

/* Who is asked to do it. Both runners read what the other wrote. */
enum runner_use {
    RUNNER_SH,     /* the texts in sh, which travel with the request */
    RUNNER_NATIVE, /* the program at `native`; where it is not, the answer is RUNNER_REFUSAL_RUNNER */
    RUNNER_EITHER, /* the program if it is in the folder, else sh: for who has not seen the sandbox yet */
};

/* What every request needs. */
struct runner_call {
    eep_str id;    /* execution id: [A-Za-z0-9_-]{1,64}; absent where there is none (prepare, place, list) */
    eep_str nonce; /* RUNNER_NONCE_LEN hex digits */
    eep_str dir;   /* the runner's folder as `prepare` told it (absolute); absent = the runner looks for it
                      itself */
    enum runner_use use; /* not of prepare and place; a build without programs has RUNNER_SH only */
    eep_str native;      /* the path that `prepare` told; absent = it is looked for in the folder */
    eep_str program; /* of a native start: bring it along for this CPU (x86_64, aarch64); absent = do not */
};

/* What is run: all of it, and nothing else, goes into the digest. The fields are those of
 * eep_execute_request. */
struct runner_command {
    const eep_str *argv; /* either argv or script */
    uint32_t argv_count;
    uint32_t argv_stride; /* 0 = sizeof(eep_str) */
    eep_str script;
    eep_str shell; /* for script, and for argv with `login`: absolute path, or a name on PATH; absent = bash
                      if there is one, else sh */
    eep_str cwd;   /* absolute or relative to the service's working directory; absent = that */
    const eep_pair *env;
    uint32_t env_count;
    uint32_t env_stride;  /* 0 = sizeof(eep_pair) */
    eep_bytes stdin_data; /* absent = /dev/null */
    bool merge;
    bool login;
};

/* The kill ladder: how long to wait after each signal, in ms. */
struct runner_ladder {
    uint32_t int_ms;  /* 0 = no INT */
    uint32_t term_ms; /* 0 = no TERM */
    uint32_t kill_ms; /* how long to look for survivors after KILL; 0 = 1 000 */
};

/* Which bytes to answer with, and when. */
struct runner_wait {
    bool news;           /* also answer when there are bytes beyond the offsets; else only at the end */
    uint32_t window_ms;  /* answer "running" after so long. With sh, a start without `news` has the
                            service's timeout instead (408, then attach): the shell waits for the supervisor */
    uint64_t offset_out; /* bytes of stdout that the caller has */
    uint64_t offset_err;
    uint32_t inline_bytes; /* at most so many bytes of each stream in the answer; 0 = none */
};

struct runner_start {
    eep_str default_shell; /* as `prepare` told it, to save looking for it; absent = look. Not part of the
                              digest */
    struct runner_call call;
    struct runner_command command;
    struct runner_ladder ladder; /* for time and output limit; zeroed = INT 2 s, TERM 3 s, KILL */
    struct runner_wait wait;     /* offsets are usually 0 */
    uint32_t time_limit_ms;      /* 0 = EEP_E_INVALID_ARGUMENT: everything has a limit */
    uint64_t max_output;         /* per stream; 0 = 256 MiB */
    bool clean;                  /* remove outputs that are past their time, in the background (clean.sh) */
};

/* Lower-case hex, NUL-terminated. Salted with the id, so that equal commands do not show. Limits, ladder and
 * waiting are not part of it: a repeated call has less time left, and is the same call. */
NODISCARD int runner_digest(eep_str id, const struct runner_command *command, char hex[RUNNER_DIGEST_LEN + 1],
                            struct err *err);

/* Starts a command, once; an id that was started before is attached to (answer.attached), and is a
 * RUNNER_CONFLICT if its digest differs. */
NODISCARD int runner_start(struct buf *out, const struct runner_start *start, struct err *err);

/* Waits for news or the end. */
NODISCARD int runner_attach(struct buf *out, const struct runner_call *call, const struct runner_wait *wait,
                            struct err *err);

/* Climbs the ladder, then answers as attach does; takes about as long as the ladder's times and the window
 * together. Ends also what a finished command has left running in the background. An id that was never
 * started is marked, so that it never will be: RUNNER_NEVER. */
NODISCARD int runner_kill(struct buf *out, const struct runner_call *call, const struct runner_ladder *ladder,
                          const struct runner_wait *wait, struct err *err);

/* Removes the output of a finished execution: it is RUNNER_EXPIRED then. The answer is that of an attach. */
NODISCARD int runner_drop(struct buf *out, const struct runner_call *call, struct err *err);

/* Lists executions, newest first, at most `max`. See answer.h. */
NODISCARD int runner_list(struct buf *out, const struct runner_call *call, uint32_t max, struct err *err);

/* The preparing execute of acquire, resume and realize. */
struct runner_prepare {
    struct runner_call call;
    eep_str workspace; /* absolute, or relative to the service's working directory; absent = eep-workspace
                          there */
    eep_str identity;  /* printable token without blanks, at most 128 bytes; absent = do not look */
    bool create; /* store the identity if there is none yet; else its absence is RUNNER_IDENTITY_MISSING */
    bool native; /* look for the native runner, and whether it works there */
};

NODISCARD int runner_prepare(struct buf *out, const struct runner_prepare *prepare, struct err *err);

/* Looks at the same things and makes none of them: see examined.h. */
NODISCARD int runner_examine(struct buf *out, const struct runner_prepare *prepare, struct err *err);

/* One source of a workspace. */
struct runner_placing {
    uint32_t kind; /* EEP_SOURCE_ */
    uint32_t mode; /* 0 = 0644 for files, 0755 for folders */
    eep_str path;  /* absolute, bytes but NUL */
};

/* Puts uploaded files into place: the file of placings[i] lies in staging as a file named i (decimal, from
 * 0). Each one appears whole or not at all; staging is removed. */
struct runner_place {
    struct runner_call call;
    eep_str staging; /* absolute; on the filesystem of the workspace, so that moving is atomic; absent = no
                        files */
    const struct runner_placing *placings;
    uint32_t count;
};

NODISCARD int runner_place(struct buf *out, const struct runner_place *place, struct err *err);

#endif
