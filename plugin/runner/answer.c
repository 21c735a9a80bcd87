#include "runner/answer.h"

#include <string.h>

#include "base/b64.h"
#include "base/str.h"
#include "runner/frame.h"

/* No stream is larger: keeps every sum of sizes far from overflow. */
#define TOTAL_MAX (1ull << 52)
/* Milliseconds since 1970: the year 5138. Before 1973 it is the time since boot of a sandbox without `date`.
 */
#define TIME_MAX 100000000000000ull
#define TIME_MIN 100000000000ull

void runner_answer_init(struct runner_answer *answer)
{
    *answer = (struct runner_answer){.state = RUNNER_NONE};
}

void runner_answer_finish(struct runner_answer *answer)
{
    buf_finish(&answer->out.data);
    buf_finish(&answer->err.data);
}

static bool state_of(eep_str word, enum runner_state *state)
{
    static const char *const names[] = {
        [RUNNER_NONE] = "none",         [RUNNER_RUNNING] = "running", [RUNNER_DONE] = "done",
        [RUNNER_EXPIRED] = "expired",   [RUNNER_LOST] = "lost",       [RUNNER_NEVER] = "never",
        [RUNNER_CONFLICT] = "conflict", [RUNNER_REFUSED] = "refused",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!str_is(word, names[i])) continue;
        *state = (enum runner_state)i;
        return true;
    }
    return false;
}

/* -- Refusals ----------------------------------------------------------------------------------- */

static int parse_refusal(struct frame *frame, struct runner_answer *answer, struct err *err)
{
    static const struct {
        const char *word;
        enum runner_refusal refusal;
    } table[] = {
        {"cwd", RUNNER_REFUSAL_CWD},       {"folder", RUNNER_REFUSAL_FOLDER}, {"disk", RUNNER_REFUSAL_DISK},
        {"runner", RUNNER_REFUSAL_RUNNER}, {"died", RUNNER_REFUSAL_DIED},
    };
    eep_str why = frame_get(frame, "why");
    if (str_has_prefix(why, "tool:") && why.len - 5 < sizeof answer->tool) {
        eep_str tool = {why.ptr + 5, why.len - 5};
        if (!str_is_word(tool)) return frame_error(err, "a tool without a name");
        str_copy(answer->tool, sizeof answer->tool, tool);
        answer->refusal = RUNNER_REFUSAL_TOOL;
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (str_is(why, table[i].word)) answer->refusal = table[i].refusal;
    if (answer->refusal == RUNNER_REFUSAL_NONE) return frame_error(err, "a refusal for an unknown reason");
    TRY(frame_all_used(frame, err));
    return frame_ends(frame) ? EEP_OK : frame_error(err, "it was cut off");
}

/* -- The record --------------------------------------------------------------------------------- */

static int get_time(struct frame *frame, const char *key, int64_t *out, struct err *err)
{
    uint64_t value;
    TRY(frame_u64(frame, key, TIME_MAX, &value, err));
    *out = value < TIME_MIN ? 0 : (int64_t)value;
    return EEP_OK;
}

static int get_flag(struct frame *frame, const char *key, bool *out, struct err *err)
{
    uint64_t value;
    TRY(frame_u64(frame, key, 1, &value, err));
    *out = value == 1;
    return EEP_OK;
}

/* code=C sig=S: S is 0, a signal, or ? (130 and 141 may be either). */
static int get_outcome(struct frame *frame, struct runner_answer *answer, struct err *err)
{
    uint64_t code;
    uint64_t sig;
    TRY(frame_u64(frame, "code", 255, &code, err));
    answer->exit_code = (int)code;
    if (str_is(frame_get(frame, "sig"), "?")) {
        answer->term_signal = -1;
        return EEP_OK;
    }
    TRY(frame_u64(frame, "sig", 127, &sig, err));
    answer->term_signal = (int)sig;
    if (sig > 0) answer->exit_code = -1;
    return EEP_OK;
}

/* why: "-", or one letter for each rung that was climbed: l(imit), o(utput), c(ancel), w (the supervisor finished what
 * one of the others had begun). */
static int get_reasons(struct frame *frame, struct runner_answer *answer, struct err *err)
{
    uint64_t signal;
    TRY(frame_u64(frame, "kill", 127, &signal, err));
    answer->kill_signal = (int)signal;
    eep_str why = frame_get(frame, "why");
    if (str_is(why, "-")) return EEP_OK;
    if (str_empty(why)) return frame_error(err, "no reason for a kill");
    for (size_t i = 0; i < why.len; i++) {
        if (!memchr("locw", why.ptr[i], 4)) return frame_error(err, "an unknown reason for a kill");
        answer->timed_out |= why.ptr[i] == 'l';
        answer->output_limit |= why.ptr[i] == 'o';
        answer->cancelled |= why.ptr[i] == 'c';
    }
    return EEP_OK;
}

static int get_record(struct frame *frame, struct runner_answer *answer, struct err *err)
{
    TRY(get_outcome(frame, answer, err));
    TRY(get_reasons(frame, answer, err));
    TRY(get_flag(frame, "unsure", &answer->unconfirmed, err));
    TRY(get_flag(frame, "lost", &answer->output_lost, err));
    TRY(get_flag(frame, "held", &answer->held, err));
    return get_time(frame, "t1", &answer->finished_at_ms, err);
}

static int get_digest(struct frame *frame, struct runner_answer *answer, struct err *err)
{
    eep_str digest = frame_get(frame, "digest");
    if (str_is(digest, "-")) return EEP_OK;
    if (digest.len != RUNNER_DIGEST_LEN || !str_is_word(digest))
        return frame_error(err, "a digest that cannot be");
    str_copy(answer->digest, sizeof answer->digest, digest);
    return EEP_OK;
}

/* Only the native runner says who it is, only sh that there is none. */
static int get_runner(struct frame *frame, struct runner_answer *answer, struct err *err)
{
    eep_str cpu = frame_get(frame, "cpu");
    if (!str_empty(cpu) && (!str_is_word(cpu) || cpu.len >= sizeof answer->cpu))
        return frame_error(err, "a CPU that cannot be");
    str_copy(answer->cpu, sizeof answer->cpu, cpu);
    eep_str by = frame_get(frame, "by");
    answer->native = str_is(by, "native");
    return answer->native || str_absent(by) ? EEP_OK : frame_error(err, "an unknown runner");
}

static int get_fields(struct frame *frame, struct runner_answer *answer, struct err *err)
{
    TRY(get_runner(frame, answer, err));
    TRY(get_flag(frame, "att", &answer->attached, err));
    TRY(frame_u64(frame, "o", TOTAL_MAX, &answer->out.total, err));
    TRY(frame_u64(frame, "e", TOTAL_MAX, &answer->err.total, err));
    if (answer->state != RUNNER_NONE) {
        TRY(get_digest(frame, answer, err));
        TRY(get_time(frame, "t0", &answer->started_at_ms, err));
    }
    if (answer->state == RUNNER_DONE || answer->state == RUNNER_EXPIRED) TRY(get_record(frame, answer, err));
    return frame_all_used(frame, err);
}

/* -- Streams ------------------------------------------------------------------------------------ */

/* How much of the text is n bytes in base64, with the newlines in between. */
static bool b64_extent(eep_str text, uint64_t n, size_t *extent)
{
    uint64_t chars = (n + 2) / 3 * 4;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\n' && --chars == 0) {
            *extent = i + 1;
            return true;
        }
    }
    return false;
}

static int take_newline(struct frame *frame, size_t after, struct err *err)
{
    if (frame->rest.len <= after || frame->rest.ptr[after] != '\n')
        return frame_error(err, "a stream without its end");
    frame->rest.ptr += after + 1;
    frame->rest.len -= after + 1;
    return EEP_OK;
}

/* The b64_decode of a text whose length was computed from n yields at most n + 2 bytes. */
static int take_b64(struct frame *frame, uint64_t n, struct buf *data, struct err *err)
{
    size_t extent = 0;
    if (!b64_extent(frame->rest, n, &extent)) return frame_error(err, "a stream that was cut off");
    int status = b64_decode(data, frame->rest.ptr, extent);
    if (status == EEP_E_NO_MEMORY) return err_no_memory(err);
    if (status != EEP_OK || data->len != n)
        return frame_error(err, "a stream that is no base64 of its length");
    return take_newline(frame, extent, err);
}

static int take_raw(struct frame *frame, uint64_t n, struct buf *data, struct err *err)
{
    if (n >= frame->rest.len) return frame_error(err, "a stream that was cut off");
    if (buf_append(data, frame->rest.ptr, (size_t)n) == EEP_E_NO_MEMORY) return err_no_memory(err);
    return take_newline(frame, (size_t)n, err);
}

/* The three words behind a form's name: stream, offset, bytes. */
static bool split_head(eep_str line, eep_str words[4])
{
    for (int i = 0; i < 3; i++) {
        words[i] = str_split(line, ' ', &line);
        if (str_absent(line)) return false;
    }
    words[3] = line;
    return !str_has_byte(line, ' ');
}

/* One stream: FORM NAME OFFSET BYTES and its data, for a stream that begins where it was asked to. */
static int take_stream(struct frame *frame, eep_str words[4], struct runner_stream *stream, uint64_t most,
                       struct err *err)
{
    unsigned long long offset;
    unsigned long long n;
    if (stream->data.max > 0) return frame_error(err, "a stream occurs twice");
    if (!str_to_u64(words[2], TOTAL_MAX, &offset) || offset != stream->offset)
        return frame_error(err, "a stream from another offset");
    if (!str_to_u64(words[3], most, &n) || n == 0 || offset + n > stream->total)
        return frame_error(err, "a stream with more bytes than were asked for");
    stream->data.max = (size_t)n;
    if (str_is(words[0], "b64")) return take_b64(frame, n, &stream->data, err);
    if (str_is(words[0], "raw")) return take_raw(frame, n, &stream->data, err);
    if (str_is(words[0], "none")) return EEP_OK;
    return frame_error(err, "an unknown form of a stream");
}

static int take_streams(struct frame *frame, struct runner_answer *answer, uint64_t most, struct err *err)
{
    while (!frame_ends(frame)) {
        eep_str line;
        eep_str words[4];
        TRY(frame_line(frame, &line, err));
        if (!split_head(line, words)) return frame_error(err, "a line that cannot be");
        struct runner_stream *stream = str_is(words[1], "o")   ? &answer->out
                                       : str_is(words[1], "e") ? &answer->err
                                                               : NULL;
        if (!stream) return frame_error(err, "an unknown stream");
        TRY(take_stream(frame, words, stream, most, err));
    }
    return EEP_OK;
}

static bool has_streams(enum runner_state state)
{
    return state == RUNNER_DONE || state == RUNNER_RUNNING || state == RUNNER_LOST;
}

/* A machine that dies takes its last writes with it: what somebody has read of them is not there any more. */
static void allow_loss(struct runner_stream *stream)
{
    if (stream->total < stream->offset) stream->total = stream->offset;
}

static int parse_rest(struct frame *frame, const struct runner_wait *wait, struct runner_answer *answer,
                      struct err *err)
{
    TRY(frame_text(frame, "dir", answer->dir, sizeof answer->dir, err));
    if (answer->dir[0] != '/') return frame_error(err, "a folder that is no absolute path");
    answer->out.offset = wait ? wait->offset_out : 0;
    answer->err.offset = wait ? wait->offset_err : 0;
    if (!has_streams(answer->state))
        return frame_ends(frame) ? EEP_OK : frame_error(err, "lines behind the end");
    if (answer->state == RUNNER_LOST) {
        allow_loss(&answer->out);
        allow_loss(&answer->err);
    }
    if (answer->out.total < answer->out.offset || answer->err.total < answer->err.offset)
        return frame_error(err, "a stream has become shorter");
    return take_streams(frame, answer, wait ? wait->inline_bytes : 0, err);
}

int runner_answer_parse(eep_str text, const struct runner_call *call, const struct runner_wait *wait,
                        struct runner_answer *answer, struct err *err)
{
    struct frame frame;
    TRY(frame_begin(text, call->nonce, &frame, err));
    if (!state_of(frame.word, &answer->state)) return frame_error(err, "an unknown state");
    if (answer->state == RUNNER_REFUSED) return parse_refusal(&frame, answer, err);
    TRY(get_fields(&frame, answer, err));
    return parse_rest(&frame, wait, answer, err);
}

int runner_stream_path(const struct runner_answer *answer, eep_str id, uint32_t stream, struct buf *out,
                       struct err *err)
{
    char suffix = stream == EEP_STREAM_STDERR ? 'e' : 'o';
    int status = buf_appendf(out, "%s/%.*s.%c", answer->dir, (int)id.len, id.ptr, suffix);
    return buf_error(out, status, "the path of an output file", err);
}
