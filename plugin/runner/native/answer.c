#include "answer.h"

const char *const state_names[] = {
    [NONE] = "none", [RUNNING] = "running", [DONE] = "done",         [NEVER] = "never",
    [LOST] = "lost", [EXPIRED] = "expired", [CONFLICT] = "conflict",
};

void answer_begin(struct text *text, const struct request *request, const char *words)
{
    add(text, "EEP1 ");
    add(text, request->nonce);
    add(text, " ");
    add(text, words);
}

void answer_refused(const struct request *request, const char *why)
{
    char memory[256];
    struct text text = TEXT(memory);
    answer_begin(&text, request, "refused why=");
    add(&text, why);
    add(&text, " .\n");
    answer_begin(&text, request, "end\n");
    write_all(1, text.data, text.len);
}

/* -- Head -------------------------------------------------------------------------------------- */

static void add_outcome(struct text *text, const struct record *record, bool held)
{
    add_key(text, "code", record->code);
    add(text, " sig=");
    add(text, record->sig);
    add_key(text, "kill", record->last_signal);
    add(text, " why=");
    add(text, record->whys);
    add_key(text, "unsure", record->unsure);
    add_key(text, "lost", record->lost);
    add_key(text, "held", held);
    add_key(text, "t1", record->ended_at);
}

static void add_head(struct text *text, const struct request *request, const struct record *record,
                     const struct totals *totals, bool attached)
{
    answer_begin(text, request, state_names[record->state]);
    add_key(text, "o", totals->out);
    add_key(text, "e", totals->err);
    add_key(text, "att", attached);
    if (record->state == DONE || record->state == EXPIRED) add_outcome(text, record, totals->held);
    if (record->state != NONE) {
        add(text, " digest=");
        add(text, record->digest);
        add_key(text, "t0", record->started_at);
    }
    add(text, " by=native .\ndir ");
    add(text, record->dir);
    add(text, "\n");
}

/* -- Streams ----------------------------------------------------------------------------------- */

/* Text that travels through JSON, and through anything else, as it is. */
static bool is_plain(const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((data[i] < ' ' || data[i] > '~') && data[i] != '\n') return false;
    return true;
}

static void add_base64(struct text *text, const char *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = (const unsigned char *)data;
    for (; len > 0; at += 3, len = len > 3 ? len - 3 : 0) {
        unsigned bits = (unsigned)at[0] << 16;
        if (len > 1) bits |= (unsigned)at[1] << 8;
        if (len > 2) bits |= at[2];
        char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], len > 1 ? digits[bits >> 6 & 63] : '=',
                        len > 2 ? digits[bits & 63] : '='};
        add_bytes(text, four, 4);
    }
}

/* Reads what a file has from an offset on; it may hold less than it did when it was measured. */
static size_t read_range(const char *path, uint64_t offset, char *data, size_t len)
{
    int fd = open_file(path, 0);
    size_t done = 0;
    while (fd >= 0 && done < len) {
        long n = SYS4(pread64, fd, data + done, len - done, offset + done);
        if (n == E_INTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
    }
    close_fd(fd);
    return done;
}

static void add_stream(struct text *text, const struct request *request, const char *name, const char *path,
                       uint64_t offset, uint64_t total)
{
    if (total <= offset || request->inline_max == 0) return;
    uint64_t most = total - offset;
    size_t len = (size_t)(most < request->inline_max ? most : request->inline_max);
    char *data = take(len);
    len = read_range(path, offset, data, len);
    if (len == 0) return;
    bool plain = is_plain(data, len);
    add(text, plain ? "raw " : "b64 ");
    add(text, name);
    add_field(text, offset);
    add_field(text, len);
    add(text, "\n");
    if (plain)
        add_bytes(text, data, len);
    else
        add_base64(text, data, len);
    add(text, "\n");
}

/* -- The whole --------------------------------------------------------------------------------- */

void answer_measure(struct record *record, struct totals *totals)
{
    *totals = (struct totals){0, 0, false};
    if (record->state == DONE) {
        /* In this order: what is not held any more cannot grow after the look at its size. */
        totals->held = record_held(record);
        if (!exists(record_file(record, ".o"))) record->state = EXPIRED;
    }
    if (record->state != DONE && record->state != EXPIRED && record->state != RUNNING &&
        record->state != LOST)
        return;
    totals->out = record->state == EXPIRED ? record->out_total : file_size(record_file(record, ".o"));
    totals->err = record->state == EXPIRED ? record->err_total
                  : record->merged         ? 0
                                           : file_size(record_file(record, ".e"));
}

static bool has_streams(const struct record *record)
{
    return record->state == DONE || record->state == RUNNING || record->state == LOST;
}

void answer(const struct request *request, const struct record *record, bool attached)
{
    struct record now = *record;
    struct totals totals;
    answer_measure(&now, &totals);
    size_t size = 16384 + 2 * (size_t)(request->inline_max / 3 * 4 + 128);
    struct text text = {take(size), 0, size - 1, false};
    add_head(&text, request, &now, &totals, attached);
    if (has_streams(&now)) {
        add_stream(&text, request, "o", record_file(&now, ".o"), request->offset_out, totals.out);
        add_stream(&text, request, "e", record_file(&now, ".e"), request->offset_err, totals.err);
    }
    answer_begin(&text, request, "end\n");
    write_all(1, text.data, text.len);
}
