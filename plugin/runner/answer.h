/* answer.h: what the in-sandbox runner answered: strict parsing of text that nobody should trust.
 *
 * Pure. `text` is the `result` of process/execute. The frame is found by its nonce, whatever noise lies
 * before it; every number is bounded, every stream must be what was asked for. Anything else is
 * EEP_E_PROTOCOL with a message that quotes nothing from the sandbox but short words. Memory is bounded by
 * what was asked for (`inline_bytes` per stream). The grammar is in README.md.
 */
#ifndef RUNNER_ANSWER_H
#define RUNNER_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "eep.h"
#include "runner/request.h"

#define RUNNER_PATH_MAX 4096

enum runner_state {
    RUNNER_NONE, /* the id was never started (or its record has been forgotten) */
    RUNNER_RUNNING,
    RUNNER_DONE,
    RUNNER_EXPIRED,  /* done, but the output has been removed: EEP_E_EXPIRED */
    RUNNER_LOST,     /* it ran and its supervisor died with or without it: EEP_E_INTERRUPTED */
    RUNNER_NEVER,    /* marked, but it never ran, and never will: EEP_E_INTERRUPTED, or cancelled by a kill */
    RUNNER_CONFLICT, /* the id belongs to another command: EEP_E_CONFLICT */
    RUNNER_REFUSED,  /* nothing was started: see `refusal` */
};

enum runner_refusal {
    RUNNER_REFUSAL_NONE,
    RUNNER_REFUSAL_CWD,    /* the working directory is missing: EEP_E_NOT_FOUND */
    RUNNER_REFUSAL_TOOL,   /* `tool` is missing: EEP_E_SANDBOX */
    RUNNER_REFUSAL_FOLDER, /* no folder for the records can be had: EEP_E_SANDBOX */
    RUNNER_REFUSAL_DISK,   /* the disk is full: EEP_E_SANDBOX */
    RUNNER_REFUSAL_RUNNER, /* the native runner is not where it was: sh can do it */
    RUNNER_REFUSAL_DIED,   /* the supervisor died before it marked anything: may be tried again */
};

/* A stream, from `offset` (as asked for) on. */
struct runner_stream {
    uint64_t total; /* bytes that there are in the sandbox now (all of them, when the state is DONE and not
                       held) */
    uint64_t offset;
    struct buf data; /* what the answer brought; more of it lies in the file: see runner_stream_path */
};

struct runner_answer {
    enum runner_state state;
    bool attached; /* the id had been started before this request */
    bool native;   /* the native runner has answered (not told with RUNNER_REFUSED) */
    char cpu[32];  /* the one that a native runner, which is not there, would have to be for; "" = not told */

    /* RUNNER_REFUSED */
    enum runner_refusal refusal;
    char tool[32];

    /* RUNNER_DONE and RUNNER_EXPIRED */
    int exit_code;   /* 0 to 255; -1 = ended by a signal */
    int term_signal; /* 0 = none; -1 = exit_code is 130 or 141, and the shell cannot tell whether it was a
                        signal */
    int kill_signal; /* the last signal that we sent; 0 = none */
    bool timed_out;
    bool output_limit;
    bool cancelled;        /* a kill request was at work */
    bool output_lost;      /* the disk was full */
    bool held;             /* background children still hold the streams */
    bool unconfirmed;      /* killed, but some of its processes may still live */
    int64_t started_at_ms; /* sandbox's wall clock; 0 = not told; also of RUNNING and LOST */
    int64_t finished_at_ms;

    /* RUNNER_RUNNING, RUNNER_DONE, RUNNER_LOST */
    struct runner_stream out;
    struct runner_stream err;
    char digest[RUNNER_DIGEST_LEN + 1]; /* of the command that was started; "" = not told */
    char dir[RUNNER_PATH_MAX];          /* the runner's folder; "" with RUNNER_REFUSED */
};

/* Zeroes; buffers get their maximum when parsing. */
void runner_answer_init(struct runner_answer *answer);
void runner_answer_finish(struct runner_answer *answer);

/* Parses the answer to start, attach, kill and drop. `wait` is that of the request (drop: NULL). *answer is
 * initialised before, and complete only on EEP_OK. EEP_E_PROTOCOL, EEP_E_NO_MEMORY. */
NODISCARD int runner_answer_parse(eep_str text, const struct runner_call *call,
                                  const struct runner_wait *wait, struct runner_answer *answer,
                                  struct err *err);

/* Appends the path of a stream's file (EEP_STREAM_STDOUT or _STDERR), for ranged downloads. */
NODISCARD int runner_stream_path(const struct runner_answer *answer, eep_str id, uint32_t stream,
                                 struct buf *out, struct err *err);

/* The outcome of a refused, lost, never, conflicting or expired execution as an error; EEP_OK for the other
 * states. */
NODISCARD int runner_answer_error(const struct runner_answer *answer, struct err *err);

/* What to do after a request for an execution: the whole recovery logic in one pure function. */
enum runner_step {
    RUNNER_STEP_FINISH, /* the answer settles it: result or runner_answer_error */
    RUNNER_STEP_ATTACH, /* ask again by id */
    RUNNER_STEP_START,  /* it never arrived: start again with the same id */
};

enum runner_request_kind {
    RUNNER_REQUEST_START,
    RUNNER_REQUEST_ATTACH,
    RUNNER_REQUEST_KILL,
    RUNNER_REQUEST_DROP
};

/* `answer` NULL = there was none: cut, timed out at the window (408), 5xx: whatever may or may not have
 * reached the sandbox. Attaching is always safe; starting again is so only when the sandbox says that there
 * is no such id. */
enum runner_step runner_next_step(enum runner_request_kind kind, const struct runner_answer *answer);

enum runner_identity {
    RUNNER_IDENTITY_UNASKED,
    RUNNER_IDENTITY_OK,
    RUNNER_IDENTITY_NEW, /* stored by this request */
    RUNNER_IDENTITY_MISSING,
    RUNNER_IDENTITY_MISMATCH,
};

/* What there is of the native runner. */
enum runner_native_state {
    RUNNER_NATIVE_UNASKED,
    RUNNER_NATIVE_OK,     /* at `native` */
    RUNNER_NATIVE_ABSENT, /* it is not there */
    RUNNER_NATIVE_BROKEN, /* it is there, and does not run: a filesystem or a filter forbids */
};

struct runner_prepared {
    enum runner_native_state native_state;
    char native[RUNNER_PATH_MAX]; /* with RUNNER_NATIVE_OK */
    enum runner_identity identity;
    char home[RUNNER_PATH_MAX];
    char cwd[RUNNER_PATH_MAX];       /* working directory of the service */
    char workspace[RUNNER_PATH_MAX]; /* it exists */
    char dir[RUNNER_PATH_MAX];       /* the runner's folder; "" = none can be had: nothing can be executed */
    char shell[RUNNER_PATH_MAX];     /* bash where there is one, else sh */
    char user[64];
    char arch[32];
    bool again;        /* the sandbox was started anew since it was prepared last */
    char boot[64];     /* changes when the sandbox boots; "" = not told */
    char missing[256]; /* names of missing tools, separated by blanks; "" = none */
};

/* EEP_E_PROTOCOL; EEP_E_SANDBOX when the workspace folder cannot be made. */
NODISCARD int runner_prepared_parse(eep_str text, const struct runner_call *call,
                                    struct runner_prepared *prepared, struct err *err);

/* What the answers of prepare and examine have in common: a word of an identity, and the key "missing". */
struct frame;
bool runner_identity_of(eep_str word, enum runner_identity *identity);
NODISCARD int runner_missing_of(struct frame *frame, char *missing, size_t cap, struct err *err);

/* Outcome of one placing. */
enum runner_placed {
    RUNNER_PLACED_OK,
    RUNNER_PLACED_IS_FOLDER,  /* a folder is in the file's place, or a file in the folder's */
    RUNNER_PLACED_NO_PARENT,  /* the parent folder cannot be made */
    RUNNER_PLACED_NOT_STAGED, /* the upload is not there */
    RUNNER_PLACED_FAILED,     /* moving or chmod failed: permissions, full disk */
};

/* Fills placed[0..count). EEP_E_PROTOCOL when the answer is not about exactly these. */
NODISCARD int runner_placed_parse(eep_str text, const struct runner_call *call, uint32_t count,
                                  enum runner_placed *placed, struct err *err);

/* One line of a list. */
struct runner_listed {
    char id[EEP_EXECUTION_ID_MAX + 1];
    enum runner_state state;
    int exit_code; /* as in struct runner_answer; of DONE and EXPIRED */
    int term_signal;
    bool held;
    uint64_t out_total;
    uint64_t err_total;
    int64_t started_at_ms;
    int64_t finished_at_ms;
};

/* The largest answer about so many, with what the service's shell may print before the first line. */
static inline size_t runner_listed_bytes(uint32_t count)
{
    return 65536 + (size_t)count * 512;
}

/* Calls visit for each, until it returns non-zero (which is returned). At most `max`. */
NODISCARD int runner_listed_parse(eep_str text, const struct runner_call *call, uint32_t max,
                                  int (*visit)(void *ctx, const struct runner_listed *listed), void *ctx,
                                  struct err *err);

#endif
