/* request_native.h: requests for the native runner: named fields for the program, behind a few lines of sh (native.h).
 *
 * For request.c, which has checked all that it gives. Status codes as in base/buf.h. */
#ifndef RUNNER_REQUEST_NATIVE_H
#define RUNNER_REQUEST_NATIVE_H

#include "runner/request_sh.h"

/* `returns`: text for a shell follows, which goes on behind the answer. */
NODISCARD int native_start(struct buf *out, const struct request_start *request, bool returns);
NODISCARD int native_attach(struct buf *out, const struct runner_call *call, const struct runner_wait *wait);
NODISCARD int native_kill(struct buf *out, const struct runner_call *call, eep_str rungs,
                          const struct runner_wait *wait);
NODISCARD int native_drop(struct buf *out, const struct runner_call *call);
NODISCARD int native_list(struct buf *out, const struct runner_call *call, uint32_t max);

#endif
