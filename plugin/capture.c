#include "capture.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void capture_init(struct capture *capture, size_t capacity)
{
    *capture = (struct capture){.capacity = capacity};
}

void capture_finish(struct capture *capture)
{
    free(capture->bytes);
    capture_init(capture, capture->capacity);
}

static size_t half(const struct capture *capture)
{
    return capture->capacity - capture->capacity / 2;
}

/* Where the stream's byte at `offset` lies: in its place while everything fits, then round and round in the
 * tail. */
static size_t place_of(const struct capture *capture, uint64_t offset)
{
    if (offset < capture->capacity) return (size_t)offset;
    size_t ring = capture->capacity - half(capture);
    return half(capture) + (size_t)((offset - half(capture)) % ring);
}

static int reserve(struct capture *capture, uint64_t end, struct err *err)
{
    size_t needed = end < capture->capacity ? (size_t)end : capture->capacity;
    if (needed <= capture->allocated) return EEP_OK;
    size_t size = capture->allocated ? capture->allocated : 4096;
    while (size < needed)
        size *= 2;
    if (size > capture->capacity) size = capture->capacity;
    char *bytes = realloc(capture->bytes, size + 1);
    if (!bytes) return err_no_memory(err);
    capture->bytes = bytes;
    capture->allocated = size;
    return EEP_OK;
}

/* How many bytes from `offset` on lie in a row. */
static size_t run_at(const struct capture *capture, uint64_t offset)
{
    return capture->capacity - place_of(capture, offset);
}

int capture_add(struct capture *capture, const void *data, size_t len, struct err *err)
{
    const char *from = data;
    if (capture->capacity < 2) { /* no room for a head and a tail: only counted */
        capture->seen += len;
        return EEP_OK;
    }
    TRY(reserve(capture, capture->seen + len, err));
    while (len > 0) {
        size_t run = run_at(capture, capture->seen);
        size_t take = run < len ? run : len;
        memcpy(capture->bytes + place_of(capture, capture->seen), from, take);
        capture->seen += take;
        from += take;
        len -= take;
    }
    return EEP_OK;
}

uint64_t capture_next(const struct capture *capture, uint64_t total)
{
    uint64_t tail = total > capture->capacity ? total - (capture->capacity - half(capture)) : 0;
    if (total <= capture->capacity || capture->seen < half(capture)) return capture->seen;
    return capture->seen > tail ? capture->seen : tail;
}

void capture_skip(struct capture *capture, uint64_t offset)
{
    if (offset <= capture->seen) return;
    capture->seen = offset;
    capture->tail_from = offset;
}

/* Copies the bytes [from, to) of the stream, which must be held. */
static void copy_out(const struct capture *capture, uint64_t from, uint64_t to, char *out)
{
    while (from < to) {
        size_t run = run_at(capture, from);
        size_t take = run < to - from ? run : (size_t)(to - from);
        memcpy(out, capture->bytes + place_of(capture, from), take);
        out += take;
        from += take;
    }
}

/* How many of the last bytes are held, and do not belong to the head. */
static size_t tail_len(const struct capture *capture)
{
    uint64_t from = capture->tail_from > half(capture) ? capture->tail_from : half(capture);
    size_t ring = capture->capacity - half(capture);
    if (capture->seen <= from) return 0;
    return capture->seen - from < ring ? (size_t)(capture->seen - from) : ring;
}

char *capture_take(struct capture *capture, size_t *len, size_t *head)
{
    bool counted_only = capture->capacity < 2;
    bool whole = capture->seen <= capture->capacity && capture->tail_from == 0;
    size_t tail = whole || counted_only ? 0 : tail_len(capture);
    *head = counted_only ? 0 : whole ? (size_t)capture->seen : half(capture);
    *len = *head + tail;
    char *out = malloc(*len + 1);
    if (!out) return NULL;
    copy_out(capture, 0, *head, out);
    copy_out(capture, capture->seen - tail, capture->seen, out + *head);
    out[*len] = '\0';
    return out;
}
