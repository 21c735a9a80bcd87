#include "retry.h"

#include "base/clock.h"

#define LAST_POLL_MS 1000

/* So many looks come 50 ms after one another. */
#define YOUNG_LOOKS 20

/* How long a service that cannot even be connected to is tried. */
#define UNREACHABLE_MS 5000

/* Shorter pauses are nobody's news. */
#define TOLD_FROM_MS 1000

bool retry_is_passing(const struct err *err)
{
    return err->code == EEP_E_UNAVAILABLE || err->code == EEP_E_RATE_LIMITED;
}

static int pause_for(struct op *op, struct retry *retry, uint32_t at_least_ms, struct err *err)
{
    int64_t delay = retry->delay_ms > at_least_ms ? retry->delay_ms : at_least_ms;
    retry->delay_ms = retry->delay_ms * 3 / 2 < LAST_POLL_MS ? retry->delay_ms * 3 / 2 : LAST_POLL_MS;
    return op_sleep(op, delay, err);
}

int retry_poll(struct op *op, struct retry *retry, struct err *err)
{
    if (retry->looks < YOUNG_LOOKS && retry->delay_ms == RETRY_FIRST_POLL_MS) {
        retry->looks++;
        return op_sleep(op, RETRY_FIRST_POLL_MS, err);
    }
    return pause_for(op, retry, 0, err);
}

int retry_give_up(const struct op *op, const struct retry *retry, struct err *err)
{
    uint32_t flags = err->flags & EEP_ERROR_MAYBE_APPLIED;
    if (err->code != EEP_E_DEADLINE || retry->why.code == EEP_OK) return err->code;
    *err = retry->why;
    err_flag(err, flags);
    return err_prefix(err, "%s gave up after %u ms", op->name, op->timeout_ms);
}

/* Nobody there at all, for long: then people want to know, whatever their timeout is. */
static bool is_hopeless(struct retry *retry, const struct err *err)
{
    int64_t now = clock_now_ms();
    if (err->layer != ERR_LAYER_RESOLVE && err->layer != ERR_LAYER_CONNECT) {
        retry->unreachable_since = 0;
        return false;
    }
    if (retry->unreachable_since == 0) retry->unreachable_since = now;
    return now - retry->unreachable_since >= UNREACHABLE_MS;
}

int retry_wait(struct op *op, struct retry *retry, struct err *err)
{
    if (is_hopeless(retry, err)) return err->code;
    retry->why = *err;
    uint32_t asked = err->paced ? 0 : err->retry_after_ms;
    if (asked >= TOLD_FROM_MS)
        op_log(op, EEP_LOG_INFO, "the service asks to wait %u s: %s", asked / 1000, err->message);
    if (pause_for(op, retry, asked, err) == EEP_OK) return EEP_OK;
    return retry_give_up(op, retry, err);
}
