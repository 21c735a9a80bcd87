/* live_test.c: output arrives while the command runs: soon, in order, no byte twice or missing, whatever becomes of the
 * connections. */
#include <stdio.h>
#include <stdlib.h>

#include "executions.h"
#include "place.h"

static int start(void **state)
{
    (void)state;
    return place_make(NULL, "'executeWindowS':1");
}

/* -- How soon ---------------------------------------------------------------------------------- */

/* A window of the service is 20 s here, so what is heard within a second is not heard at its end. */
enum { TICKS = 15, SOON_MS = 1000 };

/* The sandbox's clock is this machine's: a line tells when it was written: 13 digits and the newline. */
enum { TICK_LEN = 14 };

struct ticks {
    int64_t late_ms[TICKS];
    size_t count;
};

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int32_t note_tick(void *ctx, uint32_t stream, const void *data, size_t len)
{
    struct ticks *ticks = ctx;
    (void)stream;
    for (const char *line = data; len >= TICK_LEN;
         line += TICK_LEN, len -= TICK_LEN) { /* or several at once */
        char digits[TICK_LEN + 1] = "";
        memcpy(digits, line, TICK_LEN);
        if (ticks->count < TICKS) ticks->late_ms[ticks->count++] = wall_ms() - strtoll(digits, NULL, 10);
    }
    return 0;
}

static int by_size(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

/* Lines that come one by one are heard while the next ones are written, in the median. */
static void a_line_is_heard_soon(void **state)
{
    (void)state;
    struct ticks ticks = {0};
    eep_env *patient = host_open(&standin, "'executeWindowS':20");
    OUTCOME ran =
        EXECUTE(patient, lease, .on_output = note_tick, .output_ctx = &ticks,
                .script = TEXT("i=0; while [ $i -lt 15 ]; do sleep 0.17; date +%s%3N; i=$((i + 1)); done"));
    EXPECT(ran, EEP_OK);
    plugin()->close(patient);
    assert_int_equal(ticks.count, TICKS);
    qsort(ticks.late_ms, TICKS, sizeof ticks.late_ms[0], by_size);
    print_message("  median %lld ms, worst %lld ms\n", (long long)ticks.late_ms[TICKS / 2],
                  (long long)ticks.late_ms[TICKS - 1]);
    assert_true(ticks.late_ms[TICKS / 2] < SOON_MS);
}

/* A prompt without a newline is output like any other. */
static void a_prompt_without_a_newline_is_heard(void **state)
{
    (void)state;
    HEARD heard = {.stop_after = 3};
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("printf '$> '; sleep 60"), .on_output = heard_take,
                          .output_ctx = &heard);
    EXPECT(ran, EEP_E_CANCELLED);
    EXPECT_OUTPUT(heard_of(&heard, EEP_STREAM_STDOUT), "$> ");
    assert_in_range(ran.elapsed_ms, 0, LIMIT_MS);
}

/* -- How exactly ------------------------------------------------------------------------------- */

/* Both streams, in bursts of many sizes with pauses in between. */
static const char bursts_script[] = "n=0; for size in 1 100 5000 70000 3 200000 10 40000; do i=0; "
                                    "while [ $i -lt $size ]; do i=$((i + 1000)); printf '%07d\\n' $n; printf "
                                    "'%07d\\n' $n >&2; n=$((n + 1)); done; "
                                    "sleep 0.15; done";
enum { BURST_LINES = 1 + 1 + 5 + 70 + 1 + 200 + 1 + 40 };

static void expect_bursts(const struct heard *heard, uint32_t stream)
{
    char expected[8 * BURST_LINES + 1];
    for (int i = 0; i < BURST_LINES; i++)
        snprintf(expected + 8 * i, 9, "%07d\n", i);
    EXPECT_BYTES(heard_of(heard, stream), expected, 8 * BURST_LINES);
}

static void expect_heard_once(const char *faults)
{
    HEARD heard = {0};
    standin_faults(&standin, faults);
    OUTCOME ran =
        EXECUTE(env, lease, .script = text(bursts_script), .on_output = heard_take, .output_ctx = &heard);
    standin_faults(&standin, NULL);
    EXPECT(ran, EEP_OK);
    expect_bursts(&heard, EEP_STREAM_STDOUT);
    expect_bursts(&heard, EEP_STREAM_STDERR);
    assert_true(heard.calls > 2);
}

#define AT_EACH(n, what) "{'match':{'path':'/process/execute','nth':" #n ",'count':1},'do':{" what "}}"

static void nothing_is_heard_twice_or_never(void **state)
{
    (void)state;
    expect_heard_once(NULL);
    expect_heard_once("[" AT_EACH(2, "'drop':'after_action'") "," AT_EACH(2, "'drop':'mid_body'") "," AT_EACH(
        2, "'drop':'after_headers'") "," AT_EACH(2, "'status':502,'body':''") "]");
    expect_heard_once("[" AT_EACH(1, "'drop':'mid_body'") "," AT_EACH(1, "'drop':'mid_body'") "," AT_EACH(
        2, "'drop':'before'") "," AT_EACH(2, "'status':504,'body':'<html>','content_type':'text/html'") "]");
}

/* Somebody leaves in the middle, and comes back with what he has: he hears the rest, and the other one all. */
static void who_comes_back_hears_the_rest(void **state)
{
    (void)state;
    HEARD first = {.stop_after = 1000};
    HEARD rest = {0};
    HEARD other = {0};
    OUTCOME detached = DETACH("bursts", bursts_script);
    EXPECT(detached, EEP_OK);
    OUTCOME left = ATTACH("bursts", .on_output = heard_take, .output_ctx = &first);
    EXPECT(left, EEP_E_CANCELLED);
    OUTCOME back =
        ATTACH("bursts", .on_output = heard_take, .output_ctx = &rest,
               .stdout_from = first.len[EEP_STREAM_STDOUT], .stderr_from = first.len[EEP_STREAM_STDERR]);
    EXPECT(back, EEP_OK);
    OUTCOME all = ATTACH("bursts", .on_output = heard_take, .output_ctx = &other);
    EXPECT(all, EEP_OK);
    expect_bursts(&other, EEP_STREAM_STDOUT);
    expect_bursts(&other, EEP_STREAM_STDERR);
    for (uint32_t stream = EEP_STREAM_STDOUT; stream <= EEP_STREAM_STDERR; stream++) {
        eep_bytes tail = heard_of(&rest, stream);
        if (tail.len > 0) heard_take(&first, stream, tail.ptr, tail.len);
        expect_bursts(&first, stream);
    }
}

/* Merged, both come in the order in which they were written, however small the pieces are. */
static void merged_streams_keep_their_order(void **state)
{
    enum { PAIRS = 300 };
    char expected[18 * PAIRS + 1];
    (void)state;
    HEARD heard = {0};
    OUTCOME ran = EXECUTE(env, lease, .head.flags = EEP_EXECUTE_MERGE, .on_output = heard_take,
                          .output_ctx = &heard, .capture_bytes = 1 << 20,
                          .script = TEXT("i=0; while [ $i -lt 300 ]; do printf '%06d o\\n' $i; printf '%06d "
                                         "e\\n' $i >&2; i=$((i + 1)); done"));
    EXPECT(ran, EEP_OK);
    for (int i = 0; i < PAIRS; i++)
        snprintf(expected + 18 * i, 19, "%06d o\n%06d e\n", i, i);
    EXPECT_BYTES(heard_of(&heard, EEP_STREAM_STDOUT), expected, 18 * PAIRS);
    EXPECT_BYTES(ran.execution.stdout_data, expected, 18 * PAIRS);
    assert_int_equal(heard.len[EEP_STREAM_STDERR], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_heard_soon),
        cmocka_unit_test(a_prompt_without_a_newline_is_heard),
        cmocka_unit_test_teardown(nothing_is_heard_twice_or_never, stage_without_faults),
        cmocka_unit_test(who_comes_back_hears_the_rest),
        cmocka_unit_test(merged_streams_keep_their_order),
    };
    return cmocka_run_group_tests(tests, start, place_stop);
}
