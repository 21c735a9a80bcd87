/* err.h: the one error idiom of the CLI, and its exit codes.
 *
 * A function that can fail returns EEP_OK or an EEP_E_ code and fills the struct err that its caller owns, at
 * the point of failure. Everything in it is a fixed array, so an error outlives the plugin's result that it
 * was taken from. Texts that come from outside are stripped of control characters: they end up on terminals.
 * No function here fails.
 */
#ifndef CLI_ERR_H
#define CLI_ERR_H

#include <stdbool.h>
#include <stdint.h>

#include "eep.h"
#include "mem.h"

enum exit_code {
    EXIT_ANSWER_NO = 1, /* validate, probe, health: looked, and the answer is "no" */
    EXIT_USAGE = 2,     /* the command line is wrong; exec and run: EXIT_COULD_NOT */
    EXIT_TIME_LIMIT = 124,
    EXIT_COULD_NOT = 125,
    EXIT_SIGNAL = 128, /* + the number of the signal that ended the command */
    EXIT_CANCELLED = 130,
};

struct err {
    int code;
    uint32_t flags; /* EEP_ERROR_ */
    bool usage;     /* the command line is wrong */
    int http_status;
    int os_errno;
    uint32_t retry_after_ms;
    char message[1024];
    char hint[256]; /* what to try next, when the message does not say it; empty = nothing */
    char where[160];
    char request_id[129];
    char lease[EEP_LEASE_MAX + 1];
    char execution_id[EEP_EXECUTION_ID_MAX + 1];
};

/* Returns at the first failure. */
#define TRY(call)                                                                                            \
    do {                                                                                                     \
        int status_ = (call);                                                                                \
        if (status_ != EEP_OK) return status_;                                                               \
    } while (0)

/* Begins an error anew; returns code. */
int err_set(struct err *err, int code, const char *format, ...) PRINTF(3, 4);

/* The same for a wrong command line; returns EEP_E_INVALID_ARGUMENT. */
int err_usage(struct err *err, const char *format, ...) PRINTF(2, 3);

/* Sets the hint; returns err->code. */
int err_hint(struct err *err, const char *format, ...) PRINTF(2, 3);

/* Copies what the plugin told about a call that returned
 * `code`; the plugin's error can be cleared then. Returns code. */
int err_take(struct err *err, int code, const eep_error *from);

/* The exit code of a failure: EXIT_CANCELLED, EXIT_TIME_LIMIT or EXIT_COULD_NOT. */
int err_exit_code(int code);

/* The stable name of an EEP_E_ code: "INVALID_ARGUMENT". Never NULL. */
const char *err_name(int code);

/* Replaces control characters and what is no UTF-8 by '?', line ends and tabs by spaces. */
void err_make_printable(char *text);

#endif
