/* hostile_sandbox_test.c: sandboxes that lie about executions: the host gets an error with a reason or a capped result,
 * in time and in flat memory.
 *
 * What commands do to the records of others is tried with an honest shell. */
#include <stdio.h>
#include <stdlib.h>

#include "executions.h"
#include "holdings.h"
#include "liar.h"

/* What ends at its deadline, and what has an answer long before. */
enum { TIMEOUT_MS = 1500, PATIENCE_MS = 30000, GRACE_MS = 500, SLACK_MS = 5000, GROWTH_MAX_KB = 16 << 10 };

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static int start(void **state)
{
    (void)state;
    liar_start("'executeWindowS':1");
    return 0;
}

/* -- Memory and time --------------------------------------------------------------------------- */

static long before_kb;

static void expect_bounded(const struct outcome *outcome, long timeout_ms)
{
    assert_in_range(outcome->elapsed_ms, 0, timeout_ms + GRACE_MS + SLACK_MS);
    if (before_kb == 0) before_kb = holdings_kib("VmRSS:");
    if (!SANITIZED) assert_true(holdings_kib("VmRSS:") - before_kb <= GROWTH_MAX_KB);
}

static struct outcome execute_against(const char *answer, uint32_t timeout_ms)
{
    liar_answer(answer);
    return EXECUTE(env, lease, .script = TEXT("true"), .head.timeout_ms = timeout_ms,
                   .head.grace_ms = GRACE_MS, .capture_bytes = 1 << 20);
}

static void expect_code(const char *answer, int32_t code)
{
    OUTCOME ran = execute_against(answer, PATIENCE_MS);
    if (ran.code != code) print_error("%s\n", answer);
    EXPECT(ran, code);
    assert_true(ran.err.execution_id.len > 0);
    expect_bounded(&ran, PATIENCE_MS);
}

/* -- Answers ----------------------------------------------------------------------------------- */

#define RECORD " code=0 sig=0 kill=0 why=- unsure=0 lost=0 held=0 t1=0 digest=- t0=0 ."
#define ANSWER(state, sizes, streams)                                                                        \
    "echo \"EEP1 $no " state " " sizes " att=0" RECORD "\"; echo \"dir $HOME\"; " streams                    \
    "; echo \"EEP1 $no end\""

static void what_is_no_answer_is_a_protocol_error(void **state)
{
    static const char *const answers[] = {
        ":",
        "echo nonsense",
        "echo \"EEP1 000000000000000000000000 done o=0 e=0 att=0" RECORD
        "\"; echo EEP1 000000000000000000000000 end",
        "echo \"EEP1 $no done o=0 e=0 att=0" RECORD "\"; echo \"dir $HOME\"",
        "echo \"EEP1 $no end\"",
        "echo \"EEP1 $no done .\"; echo \"EEP1 $no end\"",
        "printf 'EEP1 '; printf %s $no; printf '\\000\\377'",
        ANSWER("finished", "o=0 e=0", ":"),
        ANSWER("done", "o=-1 e=0", ":"),
        ANSWER("done", "o=99999999999999999999999 e=0", ":"),
        ANSWER("done", "o=4503599627370497 e=0", ":"),
        ANSWER("done", "o=1 o=1 e=0", ":"),
        ANSWER("done", "o=0 e=0 why=x", ":"),
        ANSWER("done", "o=3 e=0", "echo 'raw o 0 4'; echo abc"),
        ANSWER("done", "o=3 e=0", "echo 'raw o 1 2'; echo ab"),
        ANSWER("done", "o=3 e=0", "echo 'raw x 0 3'; echo abc"),
        ANSWER("done", "o=3 e=0", "echo 'raw o 0 3'; echo abc; echo 'raw o 0 3'; echo abc"),
        ANSWER("done", "o=3 e=0", "echo 'b64 o 0 3'; echo '!!!!'"),
        ANSWER("done", "o=3 e=0", "echo 'b64 o 0 3'; echo 'YWJjZGVm'"),
        ANSWER("done", "o=9000000 e=0", "echo 'b64 o 0 9000000'; echo 'YWJj'"),
        "echo \"EEP1 $no done o=0 e=0 att=0" RECORD "\"; echo 'dir ../../etc'; echo \"EEP1 $no end\"",
        "echo \"EEP1 $no refused why=because .\"; echo \"EEP1 $no end\"",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++)
        expect_code(answers[i], EEP_E_PROTOCOL);
}

/* More than anybody asked for, before, in and behind the answer. */
static void endless_answers_have_an_end(void **state)
{
    static const char *const answers[] = {
        "head -c 4000000 /dev/zero",
        "head -c 4000000 /dev/zero | tr '\\000' x; echo; " ANSWER("done", "o=0 e=0", ":"),
        ANSWER("done", "o=0 e=0", "head -c 4000000 /dev/zero"),
        "yes EEP1 | head -c 4000000",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        OUTCOME ran = execute_against(answers[i], PATIENCE_MS);
        if (ran.code != EEP_E_TOO_LARGE) EXPECT(ran, EEP_E_PROTOCOL);
        expect_bounded(&ran, PATIENCE_MS);
    }
}

/* Offsets go forward, and what has been heard is not taken back. */
static void offsets_do_not_go_back(void **state)
{
    (void)state;
    HEARD heard = {0};
    liar_answer(
        "n=0; [ ! -e $HOME/asked ] || n=1; : >$HOME/asked; "
        "[ $n = 0 ] && { echo \"EEP1 $no running o=6 e=0 att=0 digest=- t0=0 .\"; echo \"dir $HOME\"; "
        "echo 'raw o 0 6'; echo first.; } || { "
        "echo \"EEP1 $no running o=3 e=0 att=0 digest=- t0=0 .\"; echo \"dir $HOME\"; }; "
        "echo \"EEP1 $no end\"");
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("true"), .head.timeout_ms = PATIENCE_MS,
                          .head.grace_ms = GRACE_MS, .on_output = heard_take, .output_ctx = &heard);
    EXPECT(ran, EEP_E_PROTOCOL);
    EXPECT_OUTPUT(heard_of(&heard, EEP_STREAM_STDOUT), "first.");
    expect_bounded(&ran, PATIENCE_MS);
}

/* A machine that died with its last writes: that is how the command ended, and no damaged answer. */
static void a_machine_may_lose_its_last_writes(void **state)
{
    (void)state;
    HEARD heard = {0};
    liar_answer("[ -e $HOME/died ] && o=3 s=lost || o=6 s=running; "
                "echo \"EEP1 $no $s o=$o e=0 att=0 digest=- t0=0 .\"; echo \"dir $HOME\"; "
                "[ $s = lost ] || { echo 'raw o 0 6'; echo first.; }; : >$HOME/died; "
                "echo \"EEP1 $no end\"");
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("true"), .head.timeout_ms = 10000,
                          .on_output = heard_take, .output_ctx = &heard);
    EXPECT(ran, EEP_E_INTERRUPTED);
    EXPECT_OUTPUT(heard_of(&heard, EEP_STREAM_STDOUT), "first.");
}

/* One that says "running" at once, for ever, is not asked as fast as the network allows. */
static void an_impatient_sandbox_does_not_keep_us_busy(void **state)
{
    (void)state;
    liar_answer("echo \"EEP1 $no running o=0 e=0 att=0 digest=- t0=0 .\"; echo \"dir $HOME\"; "
                "echo \"EEP1 $no end\"");
    standin_forget(&standin);
    OUTCOME ran =
        EXECUTE(env, lease, .script = TEXT("true"), .head.timeout_ms = TIMEOUT_MS, .head.grace_ms = GRACE_MS);
    EXPECT(ran, EEP_E_DEADLINE);
    assert_true(ran.err.head.flags & EEP_ERROR_MAYBE_APPLIED);
    assert_true(FLAGS(ran) & EEP_EXECUTION_RUNNING);
    assert_in_range(standin_count(&standin, "POST", "/process/execute"), 1, 60); /* hundreds would be */
    expect_bounded(&ran, TIMEOUT_MS);
}

/* Damage that passes is no reason to give up, however often it comes back. */
static void damage_is_counted_in_a_row(void **state)
{
    (void)state;
    liar_answer("echo >>$HOME/answers; n=$(wc -l <$HOME/answers); "
                "[ $((n % 3)) = 0 ] || { echo damaged; exit; }; "
                "[ $n -ge 9 ] && s=\"done o=0 e=0 att=1" RECORD "\" || "
                "s='running o=0 e=0 att=1 digest=- t0=0 .'; "
                "echo \"EEP1 $no $s\"; echo \"dir $HOME\"; echo \"EEP1 $no end\"");
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("true"), .head.timeout_ms = PATIENCE_MS);
    EXPECT(ran, EEP_OK);
}

/* Somebody else's start of the same id was refused while ours waited for it: there is no such execution, and so it is
 * started. */
static void what_others_could_not_start_is_started(void **state)
{
    (void)state;
    liar_answer("[ -e $HOME/refused ] && { printf '%s\\n' \"$text\" | sh; exit; }; : >$HOME/refused; "
                "echo \"EEP1 $no none o=0 e=0 att=1 .\"; echo \"dir $HOME\"; echo \"EEP1 $no end\"");
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo ran"), .head.timeout_ms = 10000);
    EXPECT(ran, EEP_OK);
    EXPECT_OUTPUT(ran.execution.stdout_data, "ran\n");
}

/* -- Files ------------------------------------------------------------------------------------- */

/* The file with the output is what the sandbox makes of it. */
static void expect_download(const char *make_file, const char *size)
{
    char answer[512];
    snprintf(answer, sizeof answer, "rm -rf $HOME/$id.o; %s; " ANSWER("done", "o=%s e=0", ":"), make_file,
             size);
    OUTCOME ran = execute_against(answer, TIMEOUT_MS);
    bool refused = ran.code == EEP_E_SANDBOX; /* what is no file, the service does not send */
    if (ran.code == EEP_OK) {
        assert_true(ran.execution.stdout_data.len <= 1 << 20);
    } else if (ran.code != EEP_E_DEADLINE && ran.code != EEP_E_UNAVAILABLE && !refused) {
        EXPECT(ran, EEP_E_PROTOCOL);
    }
    expect_bounded(&ran, TIMEOUT_MS);
}

static void a_file_of_output_may_be_anything(void **state)
{
    static const char *const files[] = {
        "ln -s /dev/zero $HOME/$id.o",
        "ln -s /dev/full $HOME/$id.o",
        "ln -s /etc/passwd $HOME/$id.o",
        "mkdir $HOME/$id.o",
        ":",
        "echo short >$HOME/$id.o",
        "truncate -s 5G $HOME/$id.o",
        "ln -s $id.o $HOME/$id.o",
        "ln -s /proc/self/mem $HOME/$id.o",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(files); i++)
        expect_download(files[i], i % 2 ? "700000" : "1099511627776");
}

/* -- Lists ------------------------------------------------------------------------------------- */

static void lists_are_bounded(void **state)
{
    static const char *const answers[] = {
        "yes 'x a done 0 0 0 1 1 0 0' | head -n 200000; echo \"EEP1 $no end\"",
        "echo 'x ../../etc done 0 0 0 1 1 0 0'; echo \"EEP1 $no end\"",
        "echo 'x a done 256 0 0 1 1 0 0'; echo \"EEP1 $no end\"",
        "echo 'x a done 0 0 0 -1 1 0 0'; echo \"EEP1 $no end\"",
        "echo 'x a dead 0 0 0 1 1 0 0'; echo \"EEP1 $no end\"",
        "echo 'x a done 0 0 0 1 1 0 0'",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        char answer[512];
        snprintf(answer, sizeof answer, "echo \"EEP1 $no list .\"; %s", answers[i]);
        liar_answer(answer);
        LISTED listed = executions_list(env, lease, 10, 0);
        if (listed.code != EEP_E_TOO_LARGE) assert_int_equal(listed.code, EEP_E_PROTOCOL);
        assert_int_equal(listed.list.execution_count, 0);
    }
}

/* -- Commands that touch records --------------------------------------------------------------- */

/* Whoever runs as the same user can forge records (README, Trust): what comes back is bounded, and nothing breaks. */
static void forged_records_are_claims(void **state)
{
    static const char *const forgeries[] = {
        "sed 's/^end 0 0 /end 7 0 /' $p >$p.x",
        "sed 's/^end .*/end 0 0 999999999999 0 0 0 0 - 0 1 ./' $p >$p.x",
        "sed 's/^end .*/end 0 0 4503599627370497 0 0 0 0 - 0 1 ./' $p >$p.x",
        "sed 's/^end .*/end x y z 0 0 0 0 - 0 1 ./' $p >$p.x",
        "sed 's/^end .*/end 0 0 $(id) `id` 0 0 0 - 0 1 ./' $p >$p.x",
        "head -c 1000000 /dev/zero >$p.x",
        "sed 's/^EEP1 [^ ]* /EEP1 - /' $p >$p.x",
        ": >$p.x",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forgeries); i++) {
        char id[32];
        char forge[512];
        snprintf(id, sizeof id, "forged-%zu", i);
        OUTCOME first = EXECUTE(env, lease, .execution_id = text(id), .script = TEXT("echo out"));
        EXPECT(first, EEP_OK);
        snprintf(forge, sizeof forge, "p=~/.eep/%s.p; %s; mv $p.x $p", id, forgeries[i]);
        EXPECT_RUN(env, lease, forge, "");
        OUTCOME attached = ATTACH(id, .head.timeout_ms = TIMEOUT_MS, .capture_bytes = 1 << 20);
        print_message("  forgery %zu: %d\n", i, attached.code);
        if (attached.code == EEP_OK) assert_true(attached.execution.stdout_data.len <= 1 << 20);
        expect_bounded(&attached, TIMEOUT_MS);
    }
    EXPECT_RUN(env, lease, "echo well", "well\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_no_answer_is_a_protocol_error, liar_be_honest),
        cmocka_unit_test_teardown(endless_answers_have_an_end, liar_be_honest),
        cmocka_unit_test_teardown(offsets_do_not_go_back, liar_be_honest),
        cmocka_unit_test_teardown(a_machine_may_lose_its_last_writes, liar_be_honest),
        cmocka_unit_test_teardown(an_impatient_sandbox_does_not_keep_us_busy, liar_be_honest),
        cmocka_unit_test_teardown(damage_is_counted_in_a_row, liar_be_honest),
        cmocka_unit_test_teardown(what_others_could_not_start_is_started, liar_be_honest),
        cmocka_unit_test_teardown(a_file_of_output_may_be_anything, liar_be_honest),
        cmocka_unit_test_teardown(lists_are_bounded, liar_be_honest),
        cmocka_unit_test(forged_records_are_claims),
    };
    return cmocka_run_group_tests(tests, start, liar_stop);
}
