/* many_test.c: hundreds of commands, one after another and at once, leave nothing behind but what the retention keeps. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "executions.h"
#include "holdings.h"
#include "place.h"

enum { IN_A_ROW = 200, AT_ONCE = 32, KEPT = 200, GROWTH_MAX_KB = 4 << 10 };

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* -- What there is ----------------------------------------------------------------------------- */

/* What a script in the sandbox says. */
static long ask(const char *script)
{
    OUTCOME ran = EXECUTE(env, lease, .script = text(script));
    EXPECT(ran, EEP_OK);
    return strtol(ran.execution.stdout_data.ptr, NULL, 10);
}

static void run_some(int count)
{
    for (int i = 0; i < count; i++) {
        OUTCOME ran = EXECUTE(env, lease, .script = TEXT("echo out; echo err >&2"));
        EXPECT(ran, EEP_OK);
        EXPECT_OUTPUT(ran.execution.stdout_data, "out\n");
        assert_int_equal(ran.execution.requests, 1);
    }
}

/* -- One after another ------------------------------------------------------------------------- */

static void hundreds_in_a_row_leave_nothing(void **state)
{
    (void)state;
    run_some(20);
    long fds = holdings_descriptors();
    long threads = holdings_threads();
    long before_kb = holdings_kib("VmRSS:");
    run_some(IN_A_ROW);
    AWAIT(holdings_descriptors() <= fds);
    AWAIT(holdings_threads() <= threads);
    if (!SANITIZED) assert_true(holdings_kib("VmRSS:") - before_kb <= GROWTH_MAX_KB);
    AWAIT(standin_total(&standin, "processes") == 0);
    /* a record, and a file for each stream; nothing of how it was started or ended */
    assert_int_equal(ask("ls ~/.eep | grep '\\.' | grep -cv '^[0-9a-z-]*\\.[poe]$'; :"), 0);
}

/* -- At once ----------------------------------------------------------------------------------- */

struct one {
    int number;
    struct outcome outcome;
    pthread_t thread;
};

static void *run_one(void *argument)
{
    struct one *one = argument;
    char script[128];
    snprintf(script, sizeof script, "i=0; while [ $i -lt 50 ]; do echo %d; i=$((i + 1)); done; cat; exit %d",
             one->number, one->number);
    one->outcome =
        EXECUTE(env, lease, .script = text(script), .stdin_data = {&one->number, sizeof one->number});
    return NULL;
}

static void many_at_once_do_not_mix(void **state)
{
    static struct one all[AT_ONCE];
    (void)state;
    for (int i = 0; i < AT_ONCE; i++) {
        all[i] = (struct one){.number = i};
        pthread_create(&all[i].thread, NULL, run_one, &all[i]);
    }
    for (int i = 0; i < AT_ONCE; i++)
        pthread_join(all[i].thread, NULL);
    for (int i = 0; i < AT_ONCE; i++) {
        char expected[256];
        int len = 0;
        for (int k = 0; k < 50; k++)
            len += snprintf(expected + len, 8, "%d\n", i);
        memcpy(expected + len, &i, sizeof i);
        EXPECT(all[i].outcome, EEP_OK);
        assert_int_equal(all[i].outcome.execution.exit_code, i);
        EXPECT_BYTES(all[i].outcome.execution.stdout_data, expected, (size_t)len + sizeof i);
        outcome_clear(&all[i].outcome);
    }
    AWAIT(standin_total(&standin, "processes") == 0);
}

/* -- Retention --------------------------------------------------------------------------------- */

/* Cleaning happens behind the answer of a resume. */
static void clean(void)
{
    OUTCOME resumed = RESUME(env, lease);
    EXPECT(resumed, EEP_OK);
}

static long count(const char *pattern)
{
    char script[128];
    snprintf(script, sizeof script, "ls ~/.eep | grep -c '%s'", pattern);
    return ask(script);
}

static void make_old(const char *files, const char *age)
{
    char script[128];
    snprintf(script, sizeof script, "touch -d '%s ago' ~/.eep/%s", age, files);
    EXPECT_RUN(env, lease, script, "");
}

static void outputs_are_kept_for_a_day(void **state)
{
    (void)state;
    /* The tests before have left more than are kept: what is made old here would go for their sake. */
    EXPECT_RUN(env, lease, "cd ~/.eep && rm -f $(ls -t | grep '\\.o$' | tail -n +50)", "");
    OUTCOME ran = EXECUTE(env, lease, .execution_id = TEXT("yesterday"), .script = TEXT("echo old; exit 3"));
    OUTCOME recent = EXECUTE(env, lease, .execution_id = TEXT("today"), .script = TEXT("echo new"));
    EXPECT(ran, EEP_OK);
    EXPECT(recent, EEP_OK);
    make_old("yesterday.*", "25 hours");
    make_old("today.*", "23 hours");
    clean();
    AWAIT(count("^yesterday.o$") == 0);
    OUTCOME old = ATTACH("yesterday");
    EXPECT(old, EEP_E_EXPIRED);
    EXPECT_SAYS(old, "cleaned up");
    assert_int_equal(old.execution.exit_code, 3);
    OUTCOME again =
        EXECUTE(env, lease, .execution_id = TEXT("yesterday"), .script = TEXT("echo old; exit 3"));
    EXPECT(again, EEP_E_EXPIRED);
    OUTCOME kept = ATTACH("today");
    EXPECT(kept, EEP_OK);
    EXPECT_OUTPUT(kept.execution.stdout_data, "new\n");
}

static void records_are_kept_for_a_month(void **state)
{
    (void)state;
    OUTCOME ran = EXECUTE(env, lease, .execution_id = TEXT("last-month"), .script = TEXT("echo old"));
    EXPECT(ran, EEP_OK);
    make_old("last-month.*", "29 days");
    clean();
    AWAIT(count("^last-month.o$") == 0);
    assert_int_equal(count("^last-month.p$"), 1);
    make_old("last-month.*", "31 days");
    clean();
    AWAIT(count("^last-month.p$") == 0);
    OUTCOME gone = ATTACH("last-month");
    EXPECT(gone, EEP_E_NOT_FOUND);
}

/* There are more than 200 by now; those that are young stay. */
static void the_newest_outputs_are_kept(void **state)
{
    (void)state;
    assert_true(count("\\.o$") > KEPT);
    make_old("*.o", "20 minutes");
    OUTCOME service = DETACH("goes-on", "echo on; sleep 60");
    EXPECT(service, EEP_OK);
    AWAIT(WRITTEN("goes-on") > 0);
    make_old("goes-on.o", "3 days"); /* never while it is written */
    clean();
    /* asking makes outputs, too */
    AWAIT(ask("cd ~/.eep; find . -name '*.o' -mmin +10 | wc -l") <= KEPT);
    OUTCOME looked = LOOK("goes-on");
    EXPECT(looked, EEP_OK);
    EXPECT_OUTPUT(looked.execution.stdout_data, "on\n");
    OUTCOME killed = KILL("goes-on");
    EXPECT(killed, EEP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* by their age, while there are few; then by their number */
        cmocka_unit_test(outputs_are_kept_for_a_day),      cmocka_unit_test(records_are_kept_for_a_month),
        cmocka_unit_test(hundreds_in_a_row_leave_nothing), cmocka_unit_test(many_at_once_do_not_mix),
        cmocka_unit_test(the_newest_outputs_are_kept),
    };
    return cmocka_run_group_tests(tests, place_start, place_stop);
}
