/* request_sh.h: requests for the sh runner: assignments, and the runner's own text, which travels with each of them.
 *
 * For request.c, which has checked all that it gives. Status codes as in base/buf.h. */
#ifndef RUNNER_REQUEST_SH_H
#define RUNNER_REQUEST_SH_H

#include "runner/request.h"

/* A start as both runners are told of it: nothing is left to their defaults. */
struct request_start {
    const struct runner_start *start;
    const char *digest; /* RUNNER_DIGEST_LEN hex digits */
    eep_str rungs;      /* SIGNAL:MS ... */
    uint64_t max_output;
};

NODISCARD int sh_start(struct buf *out, const struct request_start *request);
NODISCARD int sh_attach(struct buf *out, const struct runner_call *call, const struct runner_wait *wait);
NODISCARD int sh_kill(struct buf *out, const struct runner_call *call, eep_str rungs,
                      const struct runner_wait *wait);
NODISCARD int sh_drop(struct buf *out, const struct runner_call *call);
NODISCARD int sh_list(struct buf *out, const struct runner_call *call, uint32_t max);

/* Behind the native runner's answer: removes what is past its time. */
NODISCARD int sh_clean(struct buf *out, const struct runner_call *call);

/* For both runners: they are done in sh. */
NODISCARD int sh_prepare(struct buf *out, const struct runner_prepare *prepare);
NODISCARD int sh_examine(struct buf *out, const struct runner_prepare *prepare);
NODISCARD int sh_place(struct buf *out, const struct runner_place *place);

#endif
