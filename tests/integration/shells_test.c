/* shells_test.c: the same under every shell that a service may have: how commands run, what start-up files print, a home
 * that cannot be written, and where secrets can be seen. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "executions.h"
#include "place.h"

/* -- A place for each shell -------------------------------------------------------------------- */

static const char *const shells[] = {"/bin/dash", "/bin/bash", "/bin/busybox sh", "/bin/zsh"};

static void in_each_shell(void (*test)(void), const char *config)
{
    for (size_t i = 0; i < COUNT_OF(shells); i++) {
        print_message("  %s\n", shells[i]);
        place_make((const char *const[]){"--shell", shells[i], NULL}, config);
        test();
        place_stop(NULL);
    }
}

#define IN_EACH_SHELL(name, body, config)                                                                    \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        in_each_shell(body, config);                                                                         \
    }

/* What runs scripts; absent = the lease's shell, which a test may have reasons to leave out. */
static eep_str script_shell;

/* -- Running ----------------------------------------------------------------------------------- */

static void expect_exact(void)
{
    unsigned char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    OUTCOME ran =
        EXECUTE(env, lease, .script = TEXT("cat; printf '%s' \"$V\" >&2; exit 77"), .shell = script_shell,
                .stdin_data = {all, sizeof all}, ENV({TEXT("V"), TEXT("a'b\"\xff\n\n")}));
    EXPECT(ran, EEP_OK);
    assert_int_equal(ran.execution.exit_code, 77);
    assert_int_equal(ran.execution.requests, 1);
    EXPECT_BYTES(ran.execution.stdout_data, all, sizeof all);
    EXPECT_OUTPUT(ran.execution.stderr_data, "a'b\"\xff\n\n");
    OUTCOME words =
        EXECUTE(env, lease, ARGV(TEXT("printf"), TEXT("[%s]"), TEXT("$x `y`"), TEXT(""), TEXT("'")));
    EXPECT(words, EEP_OK);
    EXPECT_OUTPUT(words.execution.stdout_data, "[$x `y`][][']");
    OUTCOME nowhere = EXECUTE(env, lease, .script = TEXT("touch ~/ran-anyway"), .cwd = TEXT("/no/where"));
    EXPECT(nowhere, EEP_E_NOT_FOUND);
    OUTCOME did_not = EXECUTE(env, lease, ARGV(TEXT("test"), TEXT("-e"), TEXT("/home/daytona/ran-anyway")));
    EXPECT(did_not, EEP_OK);
    EXPECT_OUTPUT(did_not.execution.stderr_data, "");
    assert_int_equal(did_not.execution.exit_code, 1);
}

static void expect_reach(void)
{
    OUTCOME detached = DETACH("far", "echo one; " WAIT_FOR("go") "echo two; exit 4", .shell = script_shell);
    EXPECT(detached, EEP_OK);
    place_touch("go");
    OUTCOME ended = ATTACH("far");
    EXPECT(ended, EEP_OK);
    assert_int_equal(ended.execution.exit_code, 4);
    EXPECT_OUTPUT(ended.execution.stdout_data, "one\ntwo\n");
    OUTCOME endless = DETACH("endless", "sleep 60", .shell = script_shell);
    EXPECT(endless, EEP_OK);
    OUTCOME killed = KILL("endless");
    EXPECT(killed, EEP_OK);
    assert_int_equal(FLAGS(killed), EEP_EXECUTION_KILLED);
    LISTED listed = executions_list(env, lease, 0, 0);
    assert_int_equal(listed.code, EEP_OK);
    assert_int_equal(listed_find(&listed, "far")->exit_code, 4);
    OUTCOME held = EXECUTE(env, lease, .script = TEXT("sleep 50 & echo started"), .shell = script_shell);
    EXPECT(held, EEP_OK);
    assert_int_equal(FLAGS(held), EEP_EXECUTION_HELD);
    EXPECT_OUTPUT(held.execution.stdout_data, "started\n");
}

static void everything_works(void)
{
    expect_exact();
    expect_reach();
}

IN_EACH_SHELL(every_shell_will_do, everything_works, NULL)

/* -- The same id from two sides ---------------------------------------------------------------- */

struct racer {
    char id[32];
    const char *script;
    bool kills;
    struct outcome outcome;
    pthread_barrier_t *line;
    pthread_t thread;
};

static void *race(void *argument)
{
    struct racer *racer = argument;
    pthread_barrier_wait(racer->line);
    racer->outcome =
        racer->kills ? KILL(racer->id)
                     : EXECUTE(env, lease, .execution_id = text(racer->id), .script = text(racer->script));
    return NULL;
}

static void run_race(struct racer racers[2], const char *id, const char *first, const char *second)
{
    pthread_barrier_t line;
    pthread_barrier_init(&line, NULL, 2);
    for (int i = 0; i < 2; i++) {
        racers[i] =
            (struct racer){.line = &line, .script = i == 0 ? first : second, .kills = i == 1 && !second};
        snprintf(racers[i].id, sizeof racers[i].id, "%s", id);
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(racers[i].thread, NULL);
    pthread_barrier_destroy(&line);
}

static void finish_race(struct racer racers[2])
{
    outcome_clear(&racers[0].outcome);
    outcome_clear(&racers[1].outcome);
}

enum { RACES = 6 };

/* Both get the one run's end; or, with another command, one of them is refused. */
static void starts_race(void)
{
    struct racer racers[2];
    char id[32];
    for (int i = 0; i < RACES; i++) {
        snprintf(id, sizeof id, "same-%d", i);
        run_race(racers, id, "echo x >>~/same; echo out; exit 6", "echo x >>~/same; echo out; exit 6");
        for (int k = 0; k < 2; k++) {
            EXPECT(racers[k].outcome, EEP_OK);
            assert_int_equal(racers[k].outcome.execution.exit_code, 6);
            EXPECT_OUTPUT(racers[k].outcome.execution.stdout_data, "out\n");
        }
        finish_race(racers);
        snprintf(id, sizeof id, "other-%d", i);
        run_race(racers, id, "echo a >>~/other", "echo b >>~/other");
        assert_int_equal((racers[0].outcome.code == EEP_OK) + (racers[1].outcome.code == EEP_OK), 1);
        assert_int_equal(racers[0].outcome.code + racers[1].outcome.code, EEP_E_CONFLICT);
        finish_race(racers);
    }
    EXPECT_RUN(env, lease, "wc -l <~/same; wc -l <~/other", "6\n6\n");
}

/* Either it was ended, or it had no time to begin, and then it never will: not both, and it does not go on. */
static void start_and_kill_race(void)
{
    struct racer racers[2];
    char id[32];
    for (int i = 0; i < RACES; i++) {
        snprintf(id, sizeof id, "killed-%d", i);
        run_race(racers, id, "echo x >>~/begun; sleep 7321", NULL);
        const struct outcome *ran = &racers[0].outcome;
        const struct outcome *killed = &racers[1].outcome;
        if (killed->code == EEP_E_NOT_FOUND) {
            EXPECT(*ran, EEP_E_INTERRUPTED);
        } else {
            EXPECT(*killed, EEP_OK);
            assert_false(FLAGS(*killed) & EEP_EXECUTION_RUNNING);
            EXPECT(*ran, EEP_OK);
            assert_true(FLAGS(*ran) & EEP_EXECUTION_KILLED);
        }
        finish_race(racers);
    }
    EXPECT_RUN(env, lease, "pgrep -cfx '[s]leep 7321'; :", "0\n");
}

static void everybody_races(void)
{
    starts_race();
    start_and_kill_race();
}

IN_EACH_SHELL(two_at_once_are_one, everybody_races, NULL)

/* -- Unfriendly images ------------------------------------------------------------------------- */

/* bash reads $BASH_ENV, zsh ~/.zshenv; both before our text. In a script under bash the noise would be the script's own. */
static void noise_is_skipped(void)
{
    EXPECT_RUN(env, lease,
               "printf 'echo noise; echo EEP1 00000000 done .; echo loud >&2; printf %%s no-newline; x=1\n' "
               ">~/noise; "
               "cp ~/noise ~/.zshenv",
               "");
    script_shell = TEXT("/bin/sh");
    everything_works();
    script_shell = (eep_str){NULL, 0};
}

IN_EACH_SHELL(what_start_up_files_print_is_skipped, noise_is_skipped,
              "'env':{'BASH_ENV':'/home/daytona/noise','ENV':'/home/daytona/noise'}")

/* The records are in the temporary folder then, and who comes later finds them. */
static void home_is_read_only(void)
{
    EXPECT_RUN(env, lease, "rm ~/.eep/w; chmod a-w ~/.eep ~", "");
    eep_env *first = env;
    env = host_open(&standin, NULL); /* remembers no folder */
    EXPECT_RUN(env, lease, "ls -d /tmp/.eep-* | wc -l", "1\n");
    everything_works();
    eep_env *second = env;
    env = host_open(&standin, NULL);
    OUTCOME ended = ATTACH("far");
    EXPECT(ended, EEP_OK);
    assert_int_equal(ended.execution.exit_code, 4);
    EXPECT_RUN(env, lease, "chmod u+w ~ ~/.eep", "");
    plugin()->close(first);
    plugin()->close(second);
}

IN_EACH_SHELL(a_home_that_cannot_be_written_will_do, home_is_read_only, NULL)

/* -- Secrets ----------------------------------------------------------------------------------- */

#define SECRET_ENV   "s3cret-3nv-51ad"
#define SECRET_INPUT "s3cret-1nput-77"
#define MARK         "2411"

/* A sampler reads all argument lists from before the start until after the end. What it must see is the command. */
static void secrets_are_not_seen(void)
{
    /* looks for the secrets in files, and has them from where no sampler looks */
    static const char script[] =
        "sleep 0." MARK "; printf '%s\\n' \"${TOKEN%%.*}\" | grep -rlFf - ~ /tmp /dev/shm 2>&-; "
        "read -r line; case $line in *-77) printf '%s\\n' \"$line\" | grep -rlFf - ~ /tmp /dev/shm 2>&-;; "
        "esac; :";
    enum { LARGE = 40000 };
    static char large_env[LARGE];
    static char large_input[LARGE];
    snprintf(large_env, LARGE, "%s.%0*d", SECRET_ENV, LARGE - 100, 0);
    snprintf(large_input, LARGE, "%s\n%0*d\n", SECRET_INPUT, LARGE - 100, 0);
    OUTCOME sampler = DETACH("sampler", "echo on; while [ ! -e ~/enough ]; do cat /proc/[0-9]*/cmdline; done "
                                        ">>~/samples 2>/dev/null");
    EXPECT(sampler, EEP_OK);
    AWAIT(WRITTEN("sampler") > 0);
    OUTCOME small = EXECUTE(env, lease, .script = text(script), ENV({TEXT("TOKEN"), TEXT(SECRET_ENV)}),
                            .stdin_data = BYTES(SECRET_INPUT "\n"));
    OUTCOME large = EXECUTE(env, lease, .script = text(script), ENV({TEXT("TOKEN"), text(large_env)}),
                            .stdin_data = {large_input, strlen(large_input)});
    OUTCOME alone = EXECUTE(env, lease, .head.flags = EEP_EXECUTE_DETACH, .time_limit_ms = 20000,
                            .execution_id = TEXT("alone"), .script = text(script),
                            ENV({TEXT("TOKEN"), TEXT(SECRET_ENV)}), .stdin_data = BYTES(SECRET_INPUT "\n"));
    OUTCOME ended = ATTACH("alone");
    OUTCOME login = EXECUTE(env, lease, .head.flags = EEP_EXECUTE_LOGIN, .script = text(script),
                            ENV({TEXT("TOKEN"), TEXT(SECRET_ENV)}), .stdin_data = BYTES(SECRET_INPUT "\n"));
    EXPECT_RUN(env, lease, "touch ~/enough; grep -qa '[s]leep.0\\.2411' ~/samples", "");
    const struct outcome *const all[] = {&small, &large, &ended, &login};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        EXPECT(*all[i], EEP_OK);
        EXPECT_OUTPUT(all[i]->execution.stdout_data, "");
    }
    EXPECT(alone, EEP_OK);
    EXPECT_RUN(env, lease, "grep -ac 's3cret[-]' ~/samples; :", "0\n");
}

IN_EACH_SHELL(secrets_are_in_no_argument_list_and_no_file, secrets_are_not_seen, NULL)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shell_will_do),
        cmocka_unit_test(two_at_once_are_one),
        cmocka_unit_test(what_start_up_files_print_is_skipped),
        cmocka_unit_test(a_home_that_cannot_be_written_will_do),
        cmocka_unit_test(secrets_are_in_no_argument_list_and_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
