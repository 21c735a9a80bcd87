/* outcome.h: what came of a command: live output, JSON, exit status; as exec, run, attach, kill and drop tell it.
 *
 * Output goes straight to descriptors 1 and 2 while the command runs, byte for byte; with --json it is
 * captured instead. The lease and the plugin of the call must live as long as the outcome.
 */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H

#include "cli.h"
#include "json_out.h"

struct outcome {
    int exit_status;
    json_object *json; /* for --status-fd; with --json also for standard output, with the streams then */
    bool running;      /* it has not ended yet */
    int64_t kept_until_ms;

    eep_str lease;
    int64_t begin_ms;
    bool looks_only; /* set by an attach: the command does not end with the call */
    int broken_fd;   /* 1 or 2: could not be written; 0 = all is well */
    int broken_errno;
};

/* Just before the call. */
void outcome_begin(struct outcome *outcome, eep_str lease);
void outcome_finish(struct outcome *outcome);

/* eep_output_fn, its ctx is the outcome. A reader that has gone (EPIPE) ends the call, and with it a command
 * that is executed, as it would end a local one. */
int32_t outcome_output(void *ctx, uint32_t stream, const void *data, size_t len);

/* Takes over what a call that returned `code` has told, and clears it. Warns of unusual ends, and fills the
 * outcome; or cli->partial, if the call failed and something is known. Returns the code, or a better one. */
int outcome_take(struct outcome *outcome, struct cli *cli, int code, eep_execution *execution,
                 struct err *err);

/* The verb's exit status where it is not the command's. */
void outcome_exit_with(struct outcome *outcome, int status);

/* "exit status 3", "signal 9": how the command ended. Written into `text`, which is returned. */
const char *outcome_end(const eep_execution *execution, char *text, size_t size);

/* At the end of a verb: the status line, and the JSON if it is asked for. */
int outcome_print(const struct cli *cli, const struct outcome *outcome, struct err *err);

#endif
