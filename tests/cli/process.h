/* process.h: runs a program under test as a process of its own, so that nothing can hang.
 *
 * Every wait has a limit; when it passes, the process and its group are killed and the test fails. The
 * environment is empty but for PATH, HOME and what the test gives, so that nobody's DAYTONA_ or EEP_
 * variables reach a test. Output is collected whole and NUL-terminated behind its last byte. One thread.
 */
#ifndef TESTS_CLI_PROCESS_H
#define TESTS_CLI_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Patience for a machine on which everything takes 25 times as long; less than the "sleep 60" that must be ended early. */
enum { PROCESS_LIMIT_MS = 50000 };

enum process_stream { PROCESS_STDOUT, PROCESS_STDERR, PROCESS_STATUS, PROCESS_STREAMS };

struct process {
    pid_t pid;
    int fds[PROCESS_STREAMS]; /* -1 = at its end */
    struct {
        char *data;
        size_t len;
    } texts[PROCESS_STREAMS];
    int exit_code; /* -1 = ended by a signal, or it has not ended yet */
};

struct process_setup {
    char *const *argv;      /* argv[0] is the path of the program */
    const char *const *env; /* NAME=VALUE, ends with NULL; NULL = none */
    const void *input;      /* standard input; NULL = /dev/null */
    size_t input_len;
};

/* Starts it; descriptor 3 is a pipe to PROCESS_STATUS. Fails the test when that cannot be done. */
void process_start(struct process *process, const struct process_setup *setup);

/* Waits until `text` is in a stream. */
void process_expect(struct process *process, enum process_stream stream, const char *text);

void process_signal(const struct process *process, int number);

/* Closes our end of a stream, as a reader does that has seen enough. */
void process_close(struct process *process, enum process_stream stream);

/* Waits until it has ended and its streams are at their end; returns exit_code. */
int process_finish(struct process *process);

/* Frees the texts; kills the process first if it still runs. */
void process_free(struct process *process);

const char *process_text(const struct process *process, enum process_stream stream);

/* A path below the build folder, which is found from where this program is. free() it. */
char *process_build_path(const char *name);

/* Milliseconds on a clock that never jumps. */
long long process_now_ms(void);

#endif
