/* execution_output.c: the bytes of the streams: from an answer, or by download, to the host and to the result. */
#include "base/str.h"
#include "execution.h"

/* A piece that takes so long is given up, and the next ones are smaller: the connection is dead, or slow. */
#define CHUNK_LEAST_BYTES (64u << 10)
#define CHUNK_MS          20000

/* Hands the next bytes of a stream on, to the host and to the capture. */
static int deliver(struct execution *execution, struct execution_stream *stream, eep_str bytes,
                   struct err *err)
{
    struct callback callback;
    struct op *op = execution->access.op;
    if (bytes.len == 0) return EEP_OK;
    TRY(capture_add(&stream->capture, bytes.ptr, bytes.len, err));
    if (!execution->on_output || execution->stopped) return EEP_OK;
    op_begin_callback(op, &callback);
    execution->stopped =
        execution->on_output(execution->output_ctx, stream->number, bytes.ptr, bytes.len) != 0;
    op_end_callback(op, &callback);
    return EEP_OK;
}

/* A piece of a file, within the time for one piece. */
static int download_piece(struct execution *execution, eep_str path, uint64_t offset, size_t len,
                          struct buf *piece, struct err *err)
{
    struct wait *wait = &execution->access.op->wait;
    wait->answer_ms = CHUNK_MS;
    int status = access_download(&execution->access, path, offset, len, piece, err);
    wait->answer_ms = 0;
    if (status == EEP_E_DEADLINE && execution->chunk > CHUNK_LEAST_BYTES) execution->chunk /= 2;
    return status;
}

/* Not there, not to be read, or a folder. It may have been removed since the answer: then the next one says so. */
static bool is_no_file(const struct err *err)
{
    return err->http_status == 400 || err->http_status == 403 || err->http_status == 404;
}

static int download(struct execution *execution, struct execution_stream *stream, size_t len, struct err *err)
{
    CLEANUP(buf_finish) struct buf path = BUF_INIT(2 * RUNNER_PATH_MAX);
    CLEANUP(buf_finish) struct buf chunk = BUF_INIT(len);
    TRY(runner_stream_path(&execution->answer, str_from(execution->id), stream->number, &path, err));
    int status = download_piece(execution, buf_str(&path), execution_stream_offset(stream), len, &chunk, err);
    if (status != EEP_OK && is_no_file(err))
        return err_set(err, EEP_E_PROTOCOL, "the sandbox has no file of its output");
    TRY(status);
    if (chunk.len == 0)
        return err_set(err, EEP_E_PROTOCOL, "the sandbox promised more output than its file holds");
    return deliver(execution, stream, buf_str(&chunk), err);
}

/* Everybody who listens gets every byte; a result that keeps head and tail only needs no more than those. */
static uint64_t next_offset(const struct execution *execution, const struct capture *capture, uint64_t total)
{
    return execution->on_output ? capture->seen : capture_next(capture, total);
}

/* Fetches what there is of a stream beyond what has been delivered. */
static int catch_up(struct execution *execution, const struct runner_stream *source,
                    struct execution_stream *stream, struct err *err)
{
    struct capture *capture = &stream->capture;
    uint64_t total = source->total > stream->from ? source->total - stream->from : 0;
    if (source->offset == execution_stream_offset(stream))
        TRY(deliver(execution, stream, buf_str(&source->data), err));
    while (capture->seen < total && !execution->stopped) {
        capture_skip(capture, next_offset(execution, capture, total));
        uint64_t left = total - capture->seen;
        if (left == 0) break;
        TRY(download(execution, stream, left < execution->chunk ? (size_t)left : execution->chunk, err));
    }
    return EEP_OK;
}

/* While it runs a listener is served, and whoever may not see its end: an attach, and an execute whose deadline is
 * over. The rest can wait for the end, when it is known what is head and tail. */
static bool is_served(const struct execution *execution)
{
    return execution->on_output || execution->goal == RUNNER_REQUEST_ATTACH ||
           clock_left_ms(execution->access.op->deadline) <= 0;
}

int execution_take_output(struct execution *execution, struct err *err)
{
    struct runner_answer *answer = &execution->answer;
    bool ended = answer->state == RUNNER_DONE || answer->state == RUNNER_LOST;
    if (!ended && !(answer->state == RUNNER_RUNNING && is_served(execution))) return EEP_OK;
    TRY(catch_up(execution, &answer->out, &execution->out, err));
    return catch_up(execution, &answer->err, &execution->err, err);
}
