/* eep_process.h: build/eep as the tests call it: one call, one finished run, its answers. */
#ifndef TESTS_CLI_EEP_PROCESS_H
#define TESTS_CLI_EEP_PROCESS_H

#include <json-c/json.h>

#include "process.h"

/* What all runs of a test have in common. */
struct eep_setup {
    const char *const *env;
    const void *input;
    size_t input_len;
};

/* Starts eep with the words up to NULL. */
#define EEP_START(process, setup, ...) eep_start(process, setup, (const char *const[]){__VA_ARGS__, NULL})
void eep_start(struct process *process, const struct eep_setup *setup, const char *const *words);

/* Runs it to its end; returns its exit code. The previous run in `process` is freed. */
#define EEP_RUN(process, setup, ...) eep_run(process, setup, (const char *const[]){__VA_ARGS__, NULL})
int eep_run(struct process *process, const struct eep_setup *setup, const char *const *words);

/* The one line of JSON that a stream holds. json_object_put it. */
json_object *eep_json(const struct process *process, enum process_stream stream);

/* The text or number at a path: "error/name". */
const char *eep_json_text(json_object *object, const char *path);
int eep_json_int(json_object *object, const char *path);

/* A line without its end, as $(...) gives it. free() it. */
char *eep_line(const struct process *process);

/* Standard error without the lines that tell what takes long: on a busy machine anything may. Valid until the next call. */
const char *eep_errors(const struct process *process);

/* Fails the test unless the stream holds the text. */
void eep_says(const struct process *process, enum process_stream stream, const char *text);

#endif
