/* process.h: processes of a test: this program again with a sub-command, in a process that is fresh.
 *
 * A fresh process has no engine, no connections and no cache. It gets its words from the test and tells by
 * its exit code whether all was well; what fails in it is said on standard error. */
#ifndef INTEGRATION_PROCESS_H
#define INTEGRATION_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* A path below the build folder, which is found from where this program is. free() it. */
char *process_build_path(const char *name);

/* Waits for the end, at most the limit; the exit code, or -1 when it was ended by a signal. */
int process_await(pid_t pid);

/* Starts this program with these words (they end with NULL). It is killed when this process ends. */
pid_t process_start_self(const char *const *words);

/* Runs this program with these words (they end with NULL) to its end: its exit code. */
int process_run_self(const char *const *words);

/* The same, with descriptors 0, 1 and 2 closed. */
int process_run_self_closed(const char *const *words);

/* process_run_self with the words as arguments, which must end well. */
#define IN_FRESH_PROCESS(...) assert_int_equal(process_run_self((const char *const[]){__VA_ARGS__, NULL}), 0)

#endif
