/* explain_inside_test.c: what explain makes of a sandbox that answers, but not as one does that is well. */
#include "liar.h"
#include "symptoms.h"

static int start(void **state)
{
    (void)state;
    liar_start(NULL);
    return 0;
}

static void a_shell_that_does_something_else(void **state)
{
    (void)state;
    liar_answer("echo 'Welcome to the machine'; exit 3");
    OUTCOME told = EXPLAIN(env, lease);
    expect_cause(&told, "shell", EEP_E_SANDBOX, "ended with 3");
    expect_cause(&told, "shell", EEP_E_SANDBOX, "it printed: Welcome to the machine");
    EXPECT_ADVICE(told, "shell", "start-up files");
    assert_int_equal(symptom(&told, "daemon")->status, EEP_CHECK_OK);
    assert_int_equal(symptom(&told, "disk")->status, EEP_CHECK_SKIPPED);
}

/* The daemon says -1 where there was no shell to run. */
static void no_shell_at_all(void **state)
{
    (void)state;
    standin_faults(&standin, "[{'match':{'path':'/process/execute'},'do':{'status':200,"
                             "'body':'{\\'exitCode\\':-1,\\'result\\':\\'no such file: /bin/sh\\'}'}}]");
    OUTCOME told = EXPLAIN(env, lease);
    standin_faults(&standin, NULL);
    expect_cause(&told, "shell", EEP_E_SANDBOX, "the daemon cannot run a shell: no such file: /bin/sh");
}

/* What the runner would say: STATE, and three disks with this much free. */
#define EXAMINED(state, free)                                                                                \
    "echo \"EEP1 $no examined " state " .\"; echo 'dir /home/d/.eep'; "                                      \
    "echo 'disk home 1000000 " free " /home/d'; echo 'disk workspace 1000000 " free " /home/d/w'; "          \
    "echo 'disk tmp - - /tmp'; echo \"EEP1 $no end\""

static void tools_are_missing(void **state)
{
    (void)state;
    liar_answer(EXAMINED("identity=ok writes=yes missing=,setsid,cat", "500000"));
    OUTCOME told = EXPLAIN(env, lease);
    expect_cause(&told, "tools", EEP_E_SANDBOX, "the image lacks setsid cat");
    EXPECT_ADVICE(told, "tools", "install them in the image");
    /* Two folders on one disk are told once; what has no df is left out. */
    assert_string_equal(symptom(&told, "disk")->evidence.ptr,
                        "488 of 976 MiB free in home (/home/d) and workspace (/home/d/w)");
}

static void nothing_can_be_written(void **state)
{
    (void)state;
    liar_answer(EXAMINED("identity=ok writes=no missing=,", "500000"));
    OUTCOME nowhere = EXPLAIN(env, lease);
    expect_cause(&nowhere, "disk", EEP_E_SANDBOX, "no folder that can be written");
    liar_answer(EXAMINED("identity=ok writes=full missing=,", "500000"));
    OUTCOME full = EXPLAIN(env, lease);
    expect_cause(&full, "disk", EEP_E_SANDBOX, "a disk is full: 488 of 976");
    liar_answer(EXAMINED("identity=ok writes=yes missing=,", "1023"));
    OUTCOME little = EXPLAIN(env, lease);
    expect_cause(&little, "disk", EEP_E_SANDBOX, "a disk is full: 0 of 976");
}

static void another_machine(void **state)
{
    (void)state;
    liar_answer(EXAMINED("identity=mismatch writes=yes missing=,", "500000"));
    OUTCOME told = EXPLAIN(env, lease);
    expect_cause(&told, "identity", EEP_E_LEASE_LOST, "belongs to another sandbox");
}

/* What no runner says is no examination, however near it comes. */
static void what_is_no_examination(void **state)
{
    static const char *const answers[] = {
        EXAMINED("identity=perhaps writes=yes missing=,", "1"),
        EXAMINED("identity=ok writes=maybe missing=,", "1"),
        EXAMINED("identity=ok writes=yes", "1"),
        EXAMINED("identity=ok writes=yes missing=setsid", "1"),
        EXAMINED("identity=ok writes=yes missing=, more=1", "1"),
        EXAMINED("identity=ok writes=yes missing=,", "-1"),
        EXAMINED("identity=ok writes=yes missing=,", "99999999999999999999"),
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        liar_answer(answers[i]);
        OUTCOME told = EXPLAIN(env, lease);
        expect_cause(&told, "shell", EEP_E_SANDBOX, "not what the runner sends");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_shell_that_does_something_else, liar_be_honest),
        cmocka_unit_test_teardown(no_shell_at_all, liar_be_honest),
        cmocka_unit_test_teardown(tools_are_missing, liar_be_honest),
        cmocka_unit_test_teardown(nothing_can_be_written, liar_be_honest),
        cmocka_unit_test_teardown(another_machine, liar_be_honest),
        cmocka_unit_test_teardown(what_is_no_examination, liar_be_honest),
    };
    return cmocka_run_group_tests(tests, start, liar_stop);
}
