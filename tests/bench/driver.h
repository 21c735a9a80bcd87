/* driver.h: what the drivers written in C have in common. A driver is one way to use the service; bench.py starts one
 * of each and lets them take turns, so that a noisy moment hits all.
 *
 * It reads a command a line, VERB ARGUMENT..., and answers each with one line of JSON. The last argument may have blanks.
 * Where the service is comes from the environment: BENCH_API, BENCH_KEY and, with TLS, BENCH_CA (a PEM file).
 */
#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include <stddef.h>
#include <stdint.h>

enum { DRIVER_WORDS = 4 };

/* What came of a command. Texts belong to the verb that sets them and live until the line is printed. */
struct outcome {
    double ms;         /* what the user waits for; clients are made before */
    const char *error; /* NULL = it worked */
    const char *lease;
    int exit_code;
    const void *output; /* NULL = none to tell */
    size_t output_len;
    const char *more; /* members of JSON, with a leading comma; NULL = none */
};

struct verb {
    const char *name;
    void (*run)(char *const words[DRIVER_WORDS], struct outcome *outcome);
};

/* Reads and answers until the end of input; the program's exit status. `verbs` ends with a nameless one. */
int driver_run(const struct verb *verbs);

/* An environment variable that must be there. */
const char *driver_setting(const char *name);

/* A whole number that must be one. */
size_t driver_number(const char *text);

/* Text of that size for a command's input: lines of 64 bytes. The caller's to free. */
char *driver_input(size_t size);

/* Milliseconds of a steady clock; microseconds of CPU that this process has used. */
double driver_now_ms(void);
int64_t driver_cpu_us(void);

/* A load: how long each of many operations took. */
struct load {
    double *ms; /* of each operation, in the order of their ends */
    size_t count;
    size_t failed;
    double wall_ms;
    int64_t cpu_us;
};

/* As members of JSON, into static memory: {count, failed, wallMs, cpuUs (for each), p50Ms, p99Ms}. Sorts ms. */
const char *driver_tell_load(struct load *load);

/* Verbs for all drivers: what this process holds: {rssKb, peakKb, threads, descriptors, sockets}. */
void driver_state(char *const words[DRIVER_WORDS], struct outcome *outcome);

#endif
