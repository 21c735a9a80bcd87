/* local_run.h: a script run on this machine, by /bin/sh from a file: what a run in a sandbox must be equal to. */
#ifndef TESTS_LOCAL_RUN_H
#define TESTS_LOCAL_RUN_H

#include <stdbool.h>
#include <stddef.h>

struct local_stream {
    char *data;
    size_t len;
};

struct local_run {
    struct local_stream out;
    struct local_stream err;
    int exit_code; /* -1 = ended by a signal */
    int term_signal;
};

/* In this folder, with NAME=VALUE added to the environment (NULL = nothing). `input` NULL = /dev/null. Reads until nobody
 * holds the streams any more. False when it cannot be run. */
bool local_run(struct local_run *run, const char *folder, const char *script, const char *assignment,
               const void *input, size_t input_len, bool merged);
void local_run_finish(struct local_run *run);

#endif
