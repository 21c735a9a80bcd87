/* keepalive.c: the call keepalive of eep.lease/1: a lease that is not stopped for idleness before a time.
 *
 * The service stops a sandbox that has not been used for its idle interval. So: a use now, and an interval that
 * reaches from now to the time that is asked for. */
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "call.h"
#include "daytona/sandboxes.h"
#include "daytona/wire.h"
#include "leased.h"
#include "lifecycle.h"
#include "retry.h"

#define MINUTE_MS 60000

/* The service drops a report of use that comes within 5 s of another, and looks every 10 s. */
#define MARGIN_MS 15000

/* A use is written down after 10 s at the latest; until then the sandbox may be stopped for the idleness before it. */
#define SETTLING_MS 30000

struct keeping {
    struct op *op;
    const eep_keepalive_request *request;
    eep_kept *result;
    struct sandbox sandbox;
    int64_t now_ms; /* the host's wall clock when it began */
};

static void keeping_finish(struct keeping *keeping)
{
    sandbox_finish(&keeping->sandbox);
}

/* -- Times as texts ---------------------------------------------------------------------------- */

struct moment {
    char text[32];
};

static struct moment moment_of(int64_t wall_ms)
{
    struct moment moment = {"?"};
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm t;
    if (gmtime_r(&seconds, &t)) strftime(moment.text, sizeof moment.text, "%Y-%m-%d %H:%M:%S UTC", &t);
    return moment;
}

/* -- What is asked for ------------------------------------------------------------------------- */

static int check_until(const struct keeping *keeping, struct err *err)
{
    int64_t ahead = keeping->request->until_ms - keeping->now_ms;
    if (keeping->request->until_ms > 0 && ahead > 0 && ahead <= EEP_KEEPALIVE_MAX_MS) return EEP_OK;
    return err_set(err, EEP_E_INVALID_ARGUMENT,
                   "until_ms is %lld ms ahead; it must lie in the future, at most %u ms (7 days) ahead",
                   (long long)ahead, EEP_KEEPALIVE_MAX_MS);
}

static int check_runs(const struct keeping *keeping, struct err *err)
{
    const struct sandbox *sandbox = &keeping->sandbox;
    if (sandbox->phase == PHASE_STARTED) return EEP_OK;
    return err_set(err, EEP_E_CONFLICT, "lease %.*s is %.*s: there is nothing to keep alive; resume it first",
                   (int)keeping->request->lease.len, keeping->request->lease.ptr, (int)sandbox->state.len,
                   sandbox->state.ptr);
}

/* Newer services end some sandboxes at a time of their own, used or not. */
static int check_end(const struct keeping *keeping, struct err *err)
{
    int64_t end = sandbox_time_ms(&keeping->sandbox, "autoDestroyAt");
    bool may_be_short = keeping->request->head.flags & EEP_KEEPALIVE_NO_RAISE;
    if (end == 0 || end >= keeping->request->until_ms || may_be_short) return EEP_OK;
    return err_set(err, EEP_E_UNSUPPORTED, "the service deletes the sandbox at %s, whatever is done before",
                   moment_of(end).text);
}

/* -- The interval ------------------------------------------------------------------------------ */

static int64_t minutes_needed(const struct keeping *keeping)
{
    int64_t ahead = keeping->request->until_ms - keeping->now_ms + MARGIN_MS;
    return (ahead + MINUTE_MS - 1) / MINUTE_MS;
}

static int raise_to(struct keeping *keeping, int64_t minutes, int64_t needed, struct err *err)
{
    if (sandbox_number(&keeping->sandbox, "autoPauseInterval", 0) > 0)
        return err_set(err, EEP_E_UNSUPPORTED,
                       "the service pauses the sandbox after %lld idle minutes: call again within that time",
                       (long long)minutes);
    if (lifecycle_set_auto_stop(keeping->op, keeping->request->lease, (uint32_t)needed, err) != EEP_OK)
        return err_prefix(
            err, "the service stops the sandbox after %lld idle minutes, and that could not be raised",
            (long long)minutes);
    keeping->result->head.flags |= EEP_KEPT_RAISED;
    return EEP_OK;
}

/* -- The use ----------------------------------------------------------------------------------- */

/* Could the idleness so far have been enough to be stopped for before the use is written down? */
static bool is_close(const struct keeping *keeping, int64_t minutes)
{
    int64_t idle = daytona_wall_ms(&keeping->op->env->client) - leased_active_at_ms(&keeping->sandbox);
    return idle + SETTLING_MS + MINUTE_MS > minutes * MINUTE_MS; /* a minute for what is told late */
}

/* Looks until the service tells of the use. It drops one that came too soon after another: hence again and again. */
static int confirm(struct keeping *keeping, struct err *err)
{
    int64_t before = leased_active_at_ms(&keeping->sandbox);
    struct retry retry = RETRY_INIT;
    for (;;) {
        TRY(lifecycle_get(keeping->op, keeping->request->lease, &keeping->sandbox, err));
        TRY(check_runs(keeping, err));
        if (leased_active_at_ms(&keeping->sandbox) > before) return EEP_OK;
        if (retry_poll(keeping->op, &retry, err) != EEP_OK)
            return err_prefix(err, "the service has not told of the use yet, and may still stop the sandbox");
        TRY(lifecycle_touch(keeping->op, keeping->request->lease, err));
    }
}

/* -- The call ---------------------------------------------------------------------------------- */

static void tell(struct keeping *keeping, int64_t minutes)
{
    eep_kept *result = keeping->result;
    int64_t end = sandbox_time_ms(&keeping->sandbox, "autoDestroyAt");
    result->auto_stop_min = (int32_t)minutes;
    if (minutes == 0) result->head.flags |= EEP_KEPT_NO_STOP;
    if (minutes > 0) result->kept_until_ms = keeping->now_ms + minutes * MINUTE_MS - MARGIN_MS;
    if (end > 0 && (minutes == 0 || end < result->kept_until_ms)) result->kept_until_ms = end;
    if (result->kept_until_ms > 0 && result->kept_until_ms < keeping->request->until_ms)
        result->head.flags |= EEP_KEPT_SHORT;
}

static int keep(struct keeping *keeping, struct err *err)
{
    TRY(lifecycle_get(keeping->op, keeping->request->lease, &keeping->sandbox, err));
    TRY(check_runs(keeping, err));
    TRY(check_end(keeping, err));
    int64_t minutes = leased_idle_minutes(&keeping->sandbox);
    int64_t needed = minutes_needed(keeping);
    if (minutes > 0 && minutes < needed && !(keeping->request->head.flags & EEP_KEEPALIVE_NO_RAISE)) {
        TRY(raise_to(keeping, minutes, needed, err));
        minutes = needed;
    }
    if (minutes > 0) TRY(lifecycle_touch(keeping->op, keeping->request->lease, err));
    if (minutes > 0 && is_close(keeping, minutes)) TRY(confirm(keeping, err));
    tell(keeping, minutes);
    return EEP_OK;
}

static int run_keepalive(struct op *op, const void *host_request, void *result, struct err *err)
{
    CLEANUP(keeping_finish)
    struct keeping keeping = {.op = op, .request = host_request, .result = result, .now_ms = clock_wall_ms()};
    TRY(wire_check_id(keeping.request->lease, err));
    TRY(check_until(&keeping, err));
    int status = keep(&keeping, err);
    if (status == EEP_OK) return EEP_OK;
    err->flags &= ~EEP_ERROR_MAYBE_APPLIED; /* a use or a longer interval too much does no harm */
    str_copy(err->lease, sizeof err->lease, keeping.request->lease);
    return status;
}

const struct call call_keepalive = {
    .name = "keepalive",
    .request_size = sizeof(eep_keepalive_request),
    .request_min = sizeof(eep_keepalive_request),
    .result_size = sizeof(eep_kept),
    .flags = EEP_KEEPALIVE_NO_RAISE,
    .run = run_keepalive,
};
