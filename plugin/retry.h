/* retry.h: trying again what may be tried again, within the time of the operation.
 *
 *     struct retry retry = RETRY_INIT;
 *     while (call(…, err) != EEP_OK) {
 *         if (!retry_is_passing(err)) return retry_give_up(op, &retry, err);
 *         TRY(retry_wait(op, &retry, err));
 *     }
 *
 * Pauses begin with 50 ms and grow to 1 s; between looks at what changes only after a second, so that what is quick is
 * noticed quickly. A longer one that the service asks for (Retry-After) is kept, and told to the host's log. Only calls
 * that are safe to repeat belong into such a loop: see there why they are. */
#ifndef PLUGIN_RETRY_H
#define PLUGIN_RETRY_H

#include "env.h"

#define RETRY_FIRST_POLL_MS 50

struct retry {
    int64_t delay_ms;
    unsigned looks;
    int64_t unreachable_since; /* 0 = something answers */
    struct err why;            /* what failed the last time and was to be tried again */
};

#define RETRY_INIT                                                                                           \
    {                                                                                                        \
        .delay_ms = RETRY_FIRST_POLL_MS                                                                      \
    }

/* "Not now": worth another try. Quota is not among them: whether to wait for others is the host's to decide. */
bool retry_is_passing(const struct err *err);

/* Pauses before another try of what failed with *err. Not EEP_OK: the time is over (err tells what kept failing), or
 * there has been nobody to connect to for so long that people should know. */
int retry_wait(struct op *op, struct retry *retry, struct err *err);

/* Pauses before another look at something that changes. */
int retry_poll(struct op *op, struct retry *retry, struct err *err);

/* err->code; when the time ran out after failures that were to pass, err tells those instead. */
int retry_give_up(const struct op *op, const struct retry *retry, struct err *err);

#endif
