#include "rate.h"

#include "mem.h"

#include <stdio.h>

static void add_header(struct request *request, const char *what, const char *suffix, int value)
{
    char text[16];
    CLEANUP(mem_free_text) char *name = mem_format("%s%s%s", what, *suffix != '\0' ? "-" : "", suffix);
    snprintf(text, sizeof text, "%d", value);
    reply_header(request, name, text);
}

static void add_window(struct request *request, const char *name, const struct throttle_verdict *verdict)
{
    add_header(request, "X-RateLimit-Limit", name, verdict->limit);
    add_header(request, "X-RateLimit-Remaining", name, verdict->remaining);
    add_header(request, "X-RateLimit-Reset", name, verdict->reset_seconds);
}

static void refuse(struct request *request)
{
    reply_api_error(request, 429, "ThrottlerException: Too Many Requests");
}

/* The named throttlers say when to come back in a header of their own, and nothing else. */
bool rate_pass(struct request *request, enum throttler throttler)
{
    if (throttler == THROTTLE_NOTHING) return true;
    const char *name = throttler_name(throttler);
    const char *tracker =
        throttler == THROTTLE_ANONYMOUS ? request_address(request) : request->standin->options.organization;
    struct throttle_verdict verdict = throttles_hit(&request->standin->throttles, throttler, tracker);
    if (!verdict.blocked) {
        if (verdict.counted) add_window(request, name, &verdict);
        return true;
    }
    add_header(request, "Retry-After", name, verdict.reset_seconds);
    refuse(request);
    return false;
}

static void refuse_address(struct request *request, struct throttle_verdict verdict)
{
    verdict.remaining = 0;
    add_window(request, throttler_name(THROTTLE_FAILED_AUTH), &verdict);
    add_header(request, "Retry-After", "", verdict.reset_seconds);
    refuse(request);
}

bool rate_let_in(struct request *request)
{
    struct throttle_verdict verdict =
        throttles_look(&request->standin->throttles, THROTTLE_FAILED_AUTH, request_address(request));
    if (verdict.blocked) refuse_address(request, verdict);
    return !verdict.blocked;
}

void rate_refused(struct request *request)
{
    struct throttle_verdict verdict =
        throttles_hit(&request->standin->throttles, THROTTLE_FAILED_AUTH, request_address(request));
    if (verdict.blocked) {
        reply_reset(&request->reply);
        refuse_address(request, verdict);
    } else if (verdict.counted) {
        add_window(request, throttler_name(THROTTLE_FAILED_AUTH), &verdict);
    }
}
