#include "runner/request_native.h"

#include "base/str.h"
#include "runner/command.h"
#include "runner/native.h"

/* What all requests to the native runner have. */
static int native_head(struct buf *fields, const char *operation, const struct runner_call *call)
{
    TRY(native_field(fields, "op", str_from(operation)));
    TRY(native_field(fields, "nonce", call->nonce));
    TRY(native_field(fields, "id", call->id));
    return str_empty(call->dir) ? EEP_OK : native_field(fields, "dir", call->dir);
}

static int native_wait(struct buf *fields, const struct runner_wait *wait)
{
    if (wait->news) TRY(native_field(fields, "news", STR("")));
    TRY(native_number(fields, "window", wait->window_ms));
    TRY(native_number(fields, "from-out", wait->offset_out));
    TRY(native_number(fields, "from-err", wait->offset_err));
    return native_number(fields, "inline", wait->inline_bytes);
}

static int start_fields(struct buf *fields, const struct request_start *request)
{
    const struct runner_start *start = request->start;
    TRY(native_head(fields, "start", &start->call));
    TRY(native_field(fields, "digest", str_from(request->digest)));
    TRY(native_wait(fields, &start->wait));
    TRY(native_field(fields, "rungs", request->rungs));
    TRY(native_number(fields, "limit", start->time_limit_ms));
    TRY(native_number(fields, "max", request->max_output));
    TRY(native_field(fields, "usual", start->default_shell));
    return command_fields(fields, &start->command);
}

int native_start(struct buf *out, const struct request_start *request, bool returns)
{
    CLEANUP(buf_finish_secret) struct buf fields = BUF_INIT(out->max);
    TRY(start_fields(&fields, request));
    TRY(buf_appendf(out, "e_digest=%s\n", request->digest));
    return native_put(out, &request->start->call, &fields, returns);
}

int native_attach(struct buf *out, const struct runner_call *call, const struct runner_wait *wait)
{
    CLEANUP(buf_finish) struct buf fields = BUF_INIT(out->max);
    TRY(native_head(&fields, "attach", call));
    TRY(native_wait(&fields, wait));
    return native_put(out, call, &fields, false);
}

int native_kill(struct buf *out, const struct runner_call *call, eep_str rungs,
                const struct runner_wait *wait)
{
    CLEANUP(buf_finish) struct buf fields = BUF_INIT(out->max);
    TRY(native_head(&fields, "kill", call));
    TRY(native_wait(&fields, wait));
    TRY(native_field(&fields, "rungs", rungs));
    return native_put(out, call, &fields, false);
}

int native_drop(struct buf *out, const struct runner_call *call)
{
    CLEANUP(buf_finish) struct buf fields = BUF_INIT(out->max);
    TRY(native_head(&fields, "drop", call));
    return native_put(out, call, &fields, false);
}

int native_list(struct buf *out, const struct runner_call *call, uint32_t max)
{
    CLEANUP(buf_finish) struct buf fields = BUF_INIT(out->max);
    TRY(native_head(&fields, "list", call));
    TRY(native_number(&fields, "most", max));
    return native_put(out, call, &fields, false);
}
