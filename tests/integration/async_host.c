#include "async_host.h"

#include <stdio.h>
#include <stdlib.h>

const eep_async_table *async_api(void)
{
    const eep_async_table *table = plugin()->get_extension(EEP_EXT_ASYNC);
    assert_non_null(table);
    return table;
}

uint64_t async_submit(eep_env *env, const char *call, const void *request, uint32_t result_size,
                      uint32_t flags)
{
    eep_error err = {.head.struct_size = sizeof err};
    eep_async_request submit = {.struct_size = sizeof submit,
                                .flags = flags,
                                .call = call,
                                .request = request,
                                .user_data = 7,
                                .result_size = result_size};
    uint64_t op = 0;
    if (async_api()->submit(env, &submit, &op, &err) != EEP_OK)
        fail_msg("submit %s: %s", call, err.message.ptr);
    assert_true(op > 0 && op < (uint64_t)1 << 53);
    return op;
}

/* -- Events that came for another operation ---------------------------------------------------- */

enum { KEPT_MAX = 20000 };

static eep_event kept[KEPT_MAX];
static size_t kept_count;

static void keep_events(eep_env *env)
{
    eep_event events[16];
    eep_error err = {.head.struct_size = sizeof err};
    uint32_t count = 0;
    memset(events, 0, sizeof events);
    for (size_t i = 0; i < COUNT_OF(events); i++)
        events[i].head.struct_size = sizeof events[i];
    if (async_api()->next(env, events, COUNT_OF(events), 0, LIMIT_MS, &count, &err) != EEP_OK)
        fail_msg("next: %s", err.message.ptr);
    if (count == 0) fail_msg("no event came for %d ms", LIMIT_MS);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(kept_count < KEPT_MAX);
        assert_int_equal(events[i].user_data, 7);
        kept[kept_count++] = events[i];
    }
}

/* The first that is this operation's, taken out of the list; false = there is none. */
static bool take_kept(uint64_t op, eep_event *out)
{
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i].op != op) continue;
        *out = kept[i];
        memmove(&kept[i], &kept[i + 1], (--kept_count - i) * sizeof kept[0]);
        return true;
    }
    return false;
}

/* -- One operation ----------------------------------------------------------------------------- */

static void add_output(struct done *done, eep_event *event)
{
    size_t stream = event->stream == EEP_STREAM_STDERR;
    size_t len = done->output_len[stream];
    assert_true(event->data.len > 0 && event->data.len <= EEP_ASYNC_OUTPUT_MAX);
    if (len == 0) done->offset[stream] = event->offset;
    assert_int_equal(event->offset, done->offset[stream] + len); /* nothing twice, nothing missing */
    if (len + event->data.len > done->output_cap[stream]) {
        done->output_cap[stream] = 2 * (len + event->data.len);
        done->output[stream] = realloc(done->output[stream], done->output_cap[stream]);
        assert_non_null(done->output[stream]);
    }
    memcpy(done->output[stream] + len, event->data.ptr, event->data.len);
    done->output_len[stream] += event->data.len;
    done->output_events++;
}

static void add_log(struct done *done, const eep_event *event)
{
    size_t len = strlen(done->log);
    snprintf(done->log + len, sizeof done->log - len, "%u %s\n", event->level, (const char *)event->data.ptr);
}

struct done async_await(eep_env *env, uint64_t op)
{
    struct done done = {0};
    for (;;) {
        while (!take_kept(op, &done.event))
            keep_events(env);
        if (done.event.type == EEP_EVENT_DONE) return done;
        if (done.event.type == EEP_EVENT_OUTPUT) add_output(&done, &done.event);
        if (done.event.type == EEP_EVENT_LOG) add_log(&done, &done.event);
        plugin()->clear(&done.event.head);
    }
}

void done_clear(struct done *done)
{
    plugin()->clear(&done->event.head);
    free(done->output[0]);
    free(done->output[1]);
}

void async_expect_code(const struct done *done, int32_t code)
{
    if (done->event.code != code)
        fail_msg("%d instead of %d: %s", done->event.code, code,
                 done->event.error ? done->event.error->message.ptr : "");
    assert_int_equal(done->event.error != NULL, code != EEP_OK);
}

void async_expect_nothing_left(eep_env *env)
{
    eep_event event = {.head.struct_size = sizeof event};
    uint32_t count = 1;
    assert_int_equal(kept_count, 0);
    assert_int_equal(async_api()->next(env, &event, 1, 0, 0, &count, NULL), EEP_OK);
    assert_int_equal(count, 0);
}
