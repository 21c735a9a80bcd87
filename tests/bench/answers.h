/* answers.h: what the delay server says: as much of the control plane and of the toolbox as an execute needs.
 *
 * Every sandbox exists and is started. A command is answered as if it had printed "hi" and ended with 0: in the
 * runner's frame when the runner's text was sent (plugin/runner/README.md), else as the service itself would. Pure.
 */
#ifndef BENCH_ANSWERS_H
#define BENCH_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

/* A request that has arrived whole. */
struct asked {
    const char *method; /* NUL-terminated, as the path */
    const char *path;
    const char *body; /* any bytes */
    size_t body_len;
};

struct said {
    int status;
    bool delayed; /* a command that runs: the answer comes after the delay */
    size_t len;
    char body[4096]; /* JSON; NUL-terminated */
};

/* `origin` is http://HOST:PORT. */
void answers_give(const struct asked *asked, const char *origin, struct said *said);

#endif
