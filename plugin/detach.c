#include "detach.h"

#include "base/clock.h"
#include "lifecycle.h"

#define MINUTE_MS 60000

/* For the kill ladder at the limit, and for a service that counts late. */
#define MARGIN_MS MINUTE_MS

static uint32_t minutes_needed(uint32_t limit_ms)
{
    return (uint32_t)(((int64_t)limit_ms + MARGIN_MS + MINUTE_MS - 1) / MINUTE_MS);
}

/* Nothing has been started: whatever became of the request, nothing is left behind. */
static int too_short(uint32_t limit_ms, int64_t minutes, struct err *err)
{
    err->flags &= ~EEP_ERROR_MAYBE_APPLIED;
    return err_prefix(
        err,
        "nothing was started: time_limit_ms is %u, but the service stops the sandbox after %lld "
        "idle minutes (%lld ms), and that could not be raised",
        limit_ms, (long long)minutes, (long long)minutes * MINUTE_MS);
}

int detach_secure(struct access *access, uint32_t limit_ms, int64_t *kept_until_ms, struct err *err)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    uint32_t needed = minutes_needed(limit_ms);
    TRY(access_look(access, &sandbox, err));
    int64_t minutes = sandbox_number(&sandbox, "autoStopInterval", SANDBOX_AUTO_STOP_MIN);
    *kept_until_ms = 0;
    if (minutes == 0) return EEP_OK;
    if (minutes < needed) {
        if (lifecycle_set_auto_stop(access->op, access->lease, needed, err) != EEP_OK)
            return too_short(limit_ms, minutes, err);
        minutes = needed;
    }
    *kept_until_ms = clock_wall_ms() + minutes * MINUTE_MS;
    return EEP_OK;
}
