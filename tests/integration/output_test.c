/* output_test.c: what a command writes arrives byte for byte: captured, streamed, cut at stated limits. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "place.h"

/* -- Captured ---------------------------------------------------------------------------------- */

static void every_value_of_a_byte(void **state)
{
    (void)state;
    unsigned char all[256];
    unsigned char reversed[256];
    for (int i = 0; i < 256; i++) {
        all[i] = (unsigned char)i;
        reversed[i] = (unsigned char)(255 - i);
    }
    OUTCOME ran = EXECUTE(env, lease, .stdin_data = {all, sizeof all},
                          .script = TEXT("tee copy; i=256; while [ $i -gt 0 ]; do i=$((i-1)); "
                                         "printf \"\\\\$(printf %03o $i)\"; done >&2"));
    EXPECT(ran, EEP_OK);
    EXPECT_BYTES(ran.execution.stdout_data, all, sizeof all);
    EXPECT_BYTES(ran.execution.stderr_data, reversed, sizeof reversed);
    assert_int_equal(ran.execution.stdout_total, 256);
    assert_int_equal(ran.execution.stderr_total, 256);
    assert_int_equal(((const char *)ran.execution.stdout_data.ptr)[256], '\0');
}

static void streams_are_apart_or_merged(void **state)
{
    (void)state;
    static const char script[] = "echo 1; echo 2 >&2; echo 3; echo 4 >&2";
    OUTCOME apart = EXECUTE(env, lease, .script = text(script));
    EXPECT(apart, EEP_OK);
    EXPECT_OUTPUT(apart.execution.stdout_data, "1\n3\n");
    EXPECT_OUTPUT(apart.execution.stderr_data, "2\n4\n");
    OUTCOME merged = EXECUTE(env, lease, .head.flags = EEP_EXECUTE_MERGE, .script = text(script));
    EXPECT(merged, EEP_OK);
    EXPECT_OUTPUT(merged.execution.stdout_data, "1\n2\n3\n4\n");
    EXPECT_OUTPUT(merged.execution.stderr_data, "");
    assert_int_equal(merged.execution.stderr_total, 0);
}

/* Writing to /dev/stderr must not cut what was written before. */
static void streams_are_pipes(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(
        env, lease, .script = TEXT("echo a; echo b >/dev/stdout; echo c >/dev/stderr; echo d >>/dev/stderr"));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "a\nb\n");
    EXPECT_OUTPUT(ran.execution.stderr_data, "c\nd\n");
}

static void no_output_is_empty_not_absent(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("true")));
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "");
    EXPECT_OUTPUT(ran.execution.stderr_data, "");
}

/* Numbers of seven digits and a newline: every place can be told. */
enum { LINES = 655360, BIG = LINES * 8 };
#define BIG_SCRIPT "seq -f %07.0f 0 655359"

static char *big_text(void)
{
    char *big = malloc(BIG + 1);
    FILE *stream = fmemopen(big, BIG + 1, "w");
    for (int i = 0; i < LINES; i++)
        fprintf(stream, "%07d\n", i);
    fclose(stream);
    return big;
}

static void five_megabytes_come_whole(void **state)
{
    (void)state;
    char *big = big_text();
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT(BIG_SCRIPT));
    EXPECT(ran, EEP_OK);
    EXPECT_BYTES(ran.execution.stdout_data, big, BIG);
    assert_int_equal(ran.execution.stdout_total, BIG);
    assert_int_equal(ran.execution.head.flags, 0);
    free(big);
}

static void a_capture_keeps_head_and_tail(void **state)
{
    (void)state;
    char *big = big_text();
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT(BIG_SCRIPT "; echo err >&2"), .capture_bytes = 1001);
    EXPECT(ran, EEP_OK);
    const eep_execution *result = &ran.execution;
    assert_int_equal(result->head.flags, EEP_EXECUTION_TRUNCATED);
    assert_int_equal(result->stdout_total, BIG);
    assert_int_equal(result->stdout_data.len, 1001);
    assert_true(result->stdout_head >= 500 && result->stdout_head <= 501);
    const char *data = result->stdout_data.ptr;
    size_t tail = 1001 - result->stdout_head;
    assert_memory_equal(data, big, result->stdout_head);
    assert_memory_equal(data + result->stdout_head, big + BIG - tail, tail);
    EXPECT_OUTPUT(result->stderr_data, "err\n");
    assert_int_equal(result->stderr_head, 4);
    free(big);
}

static void exactly_the_capture_is_not_truncated(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("printf 0123456789"), .capture_bytes = 10);
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "0123456789");
    assert_int_equal(ran.execution.head.flags, 0);
    OUTCOME one_more = EXECUTE(env, lease, .script = TEXT("printf 0123456789X"), .capture_bytes = 10);
    EXPECT(one_more, EEP_OK);
    EXPECT_OUTPUT(one_more.execution.stdout_data, "012346789X");
    assert_int_equal(one_more.execution.head.flags, EEP_EXECUTION_TRUNCATED);
}

static void too_much_output_is_killed(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("exec cat /dev/zero"), .max_output_bytes = 200000);
    EXPECT(ran, EEP_OK);
    assert_true(ran.execution.head.flags & EEP_EXECUTION_OUTPUT_LIMIT);
    assert_true(ran.execution.head.flags & EEP_EXECUTION_KILLED);
    assert_true(ran.execution.stdout_total >= 200000 && ran.execution.stdout_total < 1 << 20);
    assert_int_equal(ran.execution.stdout_data.len, ran.execution.stdout_total);
    assert_int_equal(ran.execution.exit_code, -1);
}

/* -- Streamed ---------------------------------------------------------------------------------- */

struct heard {
    char *data[3]; /* by stream */
    size_t len[3];
    size_t calls;
    pthread_t thread;
    size_t stop_after; /* bytes; 0 = never */
    bool foreign;      /* was it ever called on another thread? */
};

static void heard_finish(struct heard *heard)
{
    free(heard->data[EEP_STREAM_STDOUT]);
    free(heard->data[EEP_STREAM_STDERR]);
}

#define HEARD __attribute__((cleanup(heard_finish))) struct heard

static int32_t hear(void *ctx, uint32_t stream, const void *data, size_t len)
{
    struct heard *heard = ctx;
    heard->foreign = heard->foreign || !pthread_equal(heard->thread, pthread_self());
    heard->data[stream] = realloc(heard->data[stream], heard->len[stream] + len + 1);
    memcpy(heard->data[stream] + heard->len[stream], data, len);
    heard->len[stream] += len;
    heard->calls++;
    return heard->stop_after > 0 && heard->len[EEP_STREAM_STDOUT] >= heard->stop_after;
}

static eep_bytes heard_of(const struct heard *heard, uint32_t stream)
{
    return (eep_bytes){heard->data[stream], heard->len[stream]};
}

static void all_is_heard_in_order(void **state)
{
    (void)state;
    HEARD heard = {.thread = pthread_self()};
    char *big = big_text();
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT(BIG_SCRIPT "; " BIG_SCRIPT " >&2"), .on_output = hear,
                          .output_ctx = &heard);
    EXPECT(ran, EEP_OK);
    EXPECT_BYTES(heard_of(&heard, EEP_STREAM_STDOUT), big, BIG);
    EXPECT_BYTES(heard_of(&heard, EEP_STREAM_STDERR), big, BIG);
    assert_false(heard.foreign);
    assert_null(ran.execution.stdout_data.ptr); /* nothing was to be captured */
    assert_int_equal(ran.execution.stdout_total, BIG);
    assert_int_equal(ran.execution.head.flags, 0);
    free(big);
}

static void a_listener_may_also_capture(void **state)
{
    (void)state;
    HEARD heard = {.thread = pthread_self()};
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("printf 0123456789"), .on_output = hear,
                          .output_ctx = &heard, .capture_bytes = 4);
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(heard_of(&heard, EEP_STREAM_STDOUT), "0123456789");
    EXPECT_OUTPUT(ran.execution.stdout_data, "0189");
    assert_int_equal(ran.execution.head.flags, EEP_EXECUTION_TRUNCATED);
}

/* The command waits for a file that the listener makes: so the listener has heard it while it ran. */
struct replier {
    const char *lease;
    bool heard;
    int32_t code;
};

static int32_t reply(void *ctx, uint32_t stream, const void *data, size_t len)
{
    struct replier *replier = ctx;
    (void)stream;
    if (!replier->heard && memmem(data, len, "ready", 5) != NULL) {
        replier->heard = true;
        OUTCOME told = EXECUTE(env, replier->lease, .script = TEXT("touch ~/go-on"));
        replier->code = told.code;
    }
    return 0;
}

static void a_listener_hears_while_it_runs_and_may_call(void **state)
{
    (void)state;
    struct replier replier = {.lease = lease};
    OUTCOME ran = EXECUTE(
        env, lease, .script = TEXT("echo ready; while [ ! -e ~/go-on ]; do sleep 0.05; done; echo on"),
        .time_limit_ms = 10000, .on_output = reply, .output_ctx = &replier, .capture_bytes = 100);
    EXPECT(ran, EEP_OK);
    assert_true(replier.heard);
    assert_int_equal(replier.code, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "ready\non\n");
}

static void a_listener_may_stop_it(void **state)
{
    (void)state;
    HEARD heard = {.thread = pthread_self(), .stop_after = 3};
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo one; sleep 60; echo two"), .on_output = hear,
                          .output_ctx = &heard, .execution_id = TEXT("stopped-by-listener"));
    EXPECT(ran, EEP_E_CANCELLED);
    EXPECT_OUTPUT(heard_of(&heard, EEP_STREAM_STDOUT), "one\n");
    assert_true(ran.elapsed_ms < 10000);
    assert_true(text_is(ran.err.execution_id, "stopped-by-listener"));
    assert_true(ran.execution.head.flags & EEP_EXECUTION_KILLED);
    EXPECT_RUN(env, lease, "pgrep -fx 'sleep 60' | wc -l", "0\n");
}

/* Its output was refused, so nobody has it: that is no success, however the command ended. */
static void a_listener_may_refuse_what_has_ended(void **state)
{
    (void)state;
    HEARD heard = {.thread = pthread_self(), .stop_after = 1};
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo short; exit 3"), .on_output = hear,
                          .output_ctx = &heard, .time_limit_ms = 60000);
    EXPECT(ran, EEP_E_CANCELLED);
    assert_false(ran.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_false(ran.execution.head.flags & EEP_EXECUTION_KILLED);
    assert_int_equal(ran.execution.exit_code, 3);
}

static void a_cancelled_result_keeps_what_there_was(void **state)
{
    (void)state;
    HEARD heard = {.thread = pthread_self(), .stop_after = 1};
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo kept; sleep 60"), .on_output = hear,
                          .output_ctx = &heard, .capture_bytes = 100);
    EXPECT(ran, EEP_E_CANCELLED);
    EXPECT_OUTPUT(ran.execution.stdout_data, "kept\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_of_a_byte),
        cmocka_unit_test(streams_are_apart_or_merged),
        cmocka_unit_test(streams_are_pipes),
        cmocka_unit_test(no_output_is_empty_not_absent),
        cmocka_unit_test(five_megabytes_come_whole),
        cmocka_unit_test(a_capture_keeps_head_and_tail),
        cmocka_unit_test(exactly_the_capture_is_not_truncated),
        cmocka_unit_test(too_much_output_is_killed),
        cmocka_unit_test(all_is_heard_in_order),
        cmocka_unit_test(a_listener_may_also_capture),
        cmocka_unit_test(a_listener_hears_while_it_runs_and_may_call),
        cmocka_unit_test(a_listener_may_stop_it),
        cmocka_unit_test(a_listener_may_refuse_what_has_ended),
        cmocka_unit_test(a_cancelled_result_keeps_what_there_was),
    };
    return cmocka_run_group_tests(tests, place_start, place_stop);
}
