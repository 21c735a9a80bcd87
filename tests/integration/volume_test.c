/* volume_test.c: output of any size arrives byte for byte in flat memory, as fast as its reader takes it; input of some
 * size arrives whole.
 *
 * EEP_VOLUME_MB sets how much is streamed (default: 1024; under sanitizers 64): EEP_VOLUME_MB=4000 build/tests/integration/volume_test */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "executions.h"
#include "holdings.h"
#include "place.h"

enum { BLOCK = 1 << 20, GROWTH_MAX_KB = 16 << 10 };

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1, DEFAULT_MB = 64 };
#else
enum { SANITIZED = 0, DEFAULT_MB = 1024 };
#endif

static unsigned char block[BLOCK];

static int start(void **state)
{
    (void)state;
    srand(7);
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = (unsigned char)(rand() >> 7);
    return place_make(NULL, "'maxOutputBytes':4294967296");
}

/* -- What is expected -------------------------------------------------------------------------- */

/* Eight digits and the block, so many times: no two places are alike. */
enum { UNIT = BLOCK + 8 };

static const char units_script[] = "cat >block; i=0; while [ $i -lt $UNITS ]; do printf %08d $i; cat block; "
                                   "i=$((i + 1)); done";

/* Is this what the stream has from `offset` on? */
static bool is_right(uint64_t offset, const unsigned char *data, size_t len)
{
    while (len > 0) {
        char digits[16];
        size_t at = (size_t)(offset % UNIT);
        size_t piece = at < 8 ? 8 - at : UNIT - at;
        if (piece > len) piece = len;
        snprintf(digits, sizeof digits, "%08u", (unsigned)(offset / UNIT));
        const void *expected = at < 8 ? (const void *)(digits + at) : (const void *)(block + at - 8);
        if (memcmp(data, expected, piece) != 0) return false;
        offset += piece;
        data += piece;
        len -= piece;
    }
    return true;
}

/* From here on VmHWM tells the peak. */
static long reset_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    assert_non_null(file);
    fputs("5", file);
    fclose(file);
    return holdings_kib("VmRSS:");
}

static void expect_flat(long before_kb)
{
    long growth = holdings_kib("VmHWM:") - before_kb;
    print_message("  memory grew by %ld kB\n", growth);
    if (!SANITIZED) assert_true(growth <= GROWTH_MAX_KB);
}

static uint32_t volume_units(void)
{
    const char *mb = getenv("EEP_VOLUME_MB");
    return mb != NULL ? (uint32_t)strtoul(mb, NULL, 10) : DEFAULT_MB;
}

/* -- A stream ---------------------------------------------------------------------------------- */

struct reader {
    uint64_t offset;
    bool wrong;
    unsigned nap_ms; /* before each piece */
    size_t largest;
};

static int32_t read_along(void *ctx, uint32_t stream, const void *data, size_t len)
{
    struct reader *reader = ctx;
    reader->wrong = reader->wrong || stream != EEP_STREAM_STDOUT || !is_right(reader->offset, data, len);
    reader->offset += len;
    if (len > reader->largest) reader->largest = len;
    if (reader->nap_ms > 0) usleep(reader->nap_ms * 1000);
    return reader->wrong;
}

static struct outcome write_units(const char *id, uint32_t units, struct reader *reader, uint64_t capture)
{
    char count[16];
    snprintf(count, sizeof count, "%u", units);
    return EXECUTE(env, lease, .execution_id = text(id), .script = text(units_script),
                   .head.timeout_ms = 280000, ENV({TEXT("UNITS"), text(count)}), .stdin_data = {block, BLOCK},
                   .on_output = reader ? read_along : NULL, .output_ctx = reader, .capture_bytes = capture);
}

static void a_large_output_streams_in_flat_memory(void **state)
{
    (void)state;
    struct reader small = {0};
    struct reader reader = {0};
    uint32_t units = volume_units();
    OUTCOME warm = write_units("warm", 12, &small, 0);
    EXPECT(warm, EEP_OK);
    long before = reset_peak();
    OUTCOME ran = write_units("volume", units, &reader, 0);
    EXPECT(ran, EEP_OK);
    assert_false(reader.wrong);
    assert_int_equal(reader.offset, (uint64_t)units * UNIT);
    assert_int_equal(ran.execution.stdout_total, reader.offset);
    assert_int_equal(FLAGS(ran), 0);
    print_message("  %u MB in %ld ms, %u requests\n", units, ran.elapsed_ms, ran.execution.requests);
    expect_flat(before);
}

/* What a capped result left out is fetched by range; only that is sent. */
static void the_rest_of_a_capped_result_is_fetched(void **state)
{
    enum { UNITS = 24, CAPTURE = 1 << 20 };
    (void)state;
    OUTCOME ran = write_units("capped", UNITS, NULL, CAPTURE);
    EXPECT(ran, EEP_OK);
    const eep_execution *result = &ran.execution;
    uint64_t total = (uint64_t)UNITS * UNIT;
    uint64_t head = result->stdout_head;
    uint64_t tail = result->stdout_data.len - head;
    const unsigned char *data = result->stdout_data.ptr;
    assert_int_equal(FLAGS(ran), EEP_EXECUTION_TRUNCATED);
    assert_int_equal(result->stdout_total, total);
    assert_int_equal(result->stdout_data.len, CAPTURE);
    assert_true(is_right(0, data, (size_t)head) && is_right(total - tail, data + head, (size_t)tail));

    struct reader middle = {.offset = head};
    OUTCOME rest = ATTACH("capped", .stdout_from = head, .on_output = read_along, .output_ctx = &middle);
    EXPECT(rest, EEP_OK);
    assert_false(middle.wrong);
    assert_int_equal(middle.offset, total);
}

/* A slow reader slows the transfer, not the command, and nothing piles up here. */
static void a_slow_reader_costs_time_not_memory(void **state)
{
    enum { UNITS = 32 };
    (void)state;
    struct reader reader = {.nap_ms = 100};
    OUTCOME warm = write_units("warm-again", 12, NULL, 4096);
    EXPECT(warm, EEP_OK);
    long before = reset_peak();
    OUTCOME ran = write_units("slow", UNITS, &reader, 0);
    EXPECT(ran, EEP_OK);
    assert_false(reader.wrong);
    assert_int_equal(reader.offset, (uint64_t)UNITS * UNIT);
    assert_true(reader.largest <= 4 << 20);
    assert_true(ran.elapsed_ms >= 100 * (long)(reader.offset / (4 << 20)));
    expect_flat(before);
}

/* -- Input ------------------------------------------------------------------------------------- */

/* Up to 64 kB one request takes it along; more travels the same way. */
static void input_arrives_whole(void **state)
{
    static const size_t sizes[] = {1, 4096, 4097, 65536, 65537, BLOCK, 8 * BLOCK};
    (void)state;
    unsigned char *data = malloc(8 * BLOCK);
    for (size_t i = 0; i < 8; i++)
        memcpy(data + i * BLOCK, block, BLOCK);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        OUTCOME ran = EXECUTE(env, lease, ARGV(TEXT("cat")), .stdin_data = {data, sizes[i]});
        EXPECT(ran, EEP_OK);
        EXPECT_BYTES(ran.execution.stdout_data, data, sizes[i]);
        if (sizes[i] <= 65536) assert_int_equal(ran.execution.requests, 1);
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_output_streams_in_flat_memory),
        cmocka_unit_test(the_rest_of_a_capped_result_is_fetched),
        cmocka_unit_test(a_slow_reader_costs_time_not_memory),
        cmocka_unit_test(input_arrives_whole),
    };
    return cmocka_run_group_tests(tests, start, place_stop);
}
