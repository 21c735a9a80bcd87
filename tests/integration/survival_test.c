/* survival_test.c: commands and their output outlive proxies without patience, hosts that are killed at any moment, and
 * sandboxes that stop. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "executions.h"
#include "place.h"
#include "process.h"
#include "tests/support/cutter.h"

static int start(void **state)
{
    (void)state;
    return place_make((const char *const[]){"--start-ms", "300", NULL}, NULL);
}

/* -- Proxies ----------------------------------------------------------------------------------- */

/* A stand-in whose toolbox is behind a proxy that cuts; both are the test's own. */
struct cut_service {
    struct standin standin;
    struct cutter *cutter;
    eep_env *env;
    char lease[EEP_LEASE_MAX + 1];
};

static void cut_service_init(struct cut_service *service, unsigned patience_ms, const char *answer,
                             const char *config)
{
    char url[64];
    char port[16];
    unsigned own_port = cutter_free_port();
    service->cutter = cutter_create(patience_ms, answer);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", cutter_port(service->cutter));
    snprintf(port, sizeof port, "%u", own_port);
    standin_start(&service->standin, (const char *const[]){"--public-url", url, "--port", port, NULL});
    cutter_forward_to(service->cutter, own_port);
    service->env = host_open(&service->standin, config);
    host_acquire(service->env, service->lease);
}

static void cut_service_finish(struct cut_service *service)
{
    host_destroy(service->env, service->lease);
    plugin()->close(service->env);
    cutter_destroy(service->cutter);
    standin_stop(&service->standin);
}

/* Quiet for longer than the proxy bears. */
#define QUIET_FOR(seconds) "echo x >>runs; echo begun; sleep " seconds "; echo out; echo err >&2; exit 7"

static void expect_whole(const struct cut_service *service, const struct outcome *ran)
{
    EXPECT(*ran, EEP_OK);
    assert_int_equal(ran->execution.exit_code, 7);
    EXPECT_OUTPUT(ran->execution.stdout_data, "begun\nout\n");
    EXPECT_OUTPUT(ran->execution.stderr_data, "err\n");
    EXPECT_RUN(service->env, service->lease, "cat runs", "x\n");
}

/* The window is for the user to set: below the proxy's limit nothing is cut. */
static void a_window_below_the_limit_is_never_cut(void **state)
{
    struct cut_service service;
    (void)state;
    cut_service_init(&service, 3500, NULL, "'executeWindowS':1");
    OUTCOME ran = EXECUTE(service.env, service.lease, .script = TEXT(QUIET_FOR("4.5")));
    expect_whole(&service, &ran);
    assert_int_equal(cutter_cuts(service.cutter), 0);
    cut_service_finish(&service);
}

/* Nobody set it: what was cut once tells how long the next request may be. */
static void expect_learned(const char *answer)
{
    struct cut_service service;
    cut_service_init(&service, 1300, answer, NULL);
    HEARD heard = {0};
    OUTCOME ran = EXECUTE(service.env, service.lease, .script = TEXT(QUIET_FOR("2.2")));
    expect_whole(&service, &ran);
    /* libcurl repeats a reset by itself once, and a busy machine may be late */
    assert_in_range(cutter_cuts(service.cutter), 1, 10);
    OUTCOME live = EXECUTE(service.env, service.lease, .script = TEXT("echo 1; sleep 1.6; echo 2; echo 3"),
                           .on_output = heard_take, .output_ctx = &heard);
    EXPECT(live, EEP_OK);
    EXPECT_OUTPUT(heard_of(&heard, EEP_STREAM_STDOUT), "1\n2\n3\n");
    cut_service_finish(&service);
}

static void a_limit_that_resets_is_learned(void **state)
{
    (void)state;
    expect_learned(NULL);
}

static void a_limit_that_is_told_by_504_is_learned(void **state)
{
    (void)state;
    expect_learned("HTTP/1.1 504 Gateway Timeout\r\nContent-Type: text/html\r\nContent-Length: 4\r\n"
                   "Connection: close\r\n\r\nslow");
}

/* -- Hosts that are killed --------------------------------------------------------------------- */

enum { HOSTS = 14, LINES = 20 };

/* host API LEASE ID SCRIPT: runs it, in a process that is going to be killed. */
static int host_elsewhere(char **words)
{
    snprintf(standin.api, sizeof standin.api, "%s", words[0]);
    env = host_open(&standin, "'executeWindowS':1");
    OUTCOME ran = EXECUTE(env, words[1], .execution_id = text(words[2]), .script = text(words[3]));
    return ran.code;
}

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}

/* A host is killed after so many ms; another process then asks for the same, and gets all of it. */
static void kill_a_host_after(unsigned ms, int number)
{
    static const char body[] = "i=0; while [ $i -lt 20 ]; do echo $i; echo $i >&2; i=$((i + 1)); sleep 0.01; "
                               "done; printf '\\000\\377'; exit 9";
    char id[32];
    char script[256];
    char expected[256] = "";
    snprintf(id, sizeof id, "killed-%d", number);
    snprintf(script, sizeof script, "echo %s >>~/runs; %s", id, body);
    pid_t host = process_start_self((const char *const[]){"host", standin.api, lease, id, script, NULL});
    sleep_ms(ms);
    kill(host, SIGKILL);
    process_await(host);

    eep_env *other = host_open(&standin, NULL);
    OUTCOME ran = EXECUTE(other, lease, .execution_id = text(id), .script = text(script));
    EXPECT(ran, EEP_OK);
    assert_int_equal(ran.execution.exit_code, 9);
    for (int i = 0; i < LINES; i++)
        snprintf(expected + strlen(expected), 8, "%d\n", i);
    EXPECT_BYTES(ran.execution.stderr_data, expected, strlen(expected));
    size_t len = strlen(expected);
    memcpy(expected + len, "\0\xff", 2);
    EXPECT_BYTES(ran.execution.stdout_data, expected, len + 2);
    plugin()->close(other);
}

static void hosts_are_killed_at_any_moment(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < HOSTS; i++)
        kill_a_host_after((unsigned)rand() % 350, i);
    char expected[64];
    snprintf(expected, sizeof expected, "%d\n%d\n", HOSTS, HOSTS);
    EXPECT_RUN(env, lease, "wc -l <~/runs; sort -u ~/runs | wc -l", expected);
}

/* Nobody is left to end it but the sandbox. */
static void a_limit_holds_without_a_host(void **state)
{
    static const char script[] = "trap '' INT TERM; echo on; while :; do sleep 0.1; done";
    (void)state;
    OUTCOME detached =
        EXECUTE(env, lease, .head.flags = EEP_EXECUTE_DETACH, .execution_id = TEXT("unwatched"),
                .script = text(script), .time_limit_ms = 1500);
    EXPECT(detached, EEP_OK);
    standin_forget(&standin);
    AWAIT(standin_total(&standin, "processes") == 0);
    assert_int_equal(standin_count(&standin, NULL, NULL), 0);
    OUTCOME ended = ATTACH("unwatched");
    EXPECT(ended, EEP_OK);
    assert_int_equal(FLAGS(ended), EEP_EXECUTION_ATTACHED | EEP_EXECUTION_TIMED_OUT | EEP_EXECUTION_KILLED);
    assert_int_equal(ended.execution.kill_signal, SIGKILL);
    EXPECT_OUTPUT(ended.execution.stdout_data, "on\n");
}

/* -- Sandboxes that stop ----------------------------------------------------------------------- */

/* The marker is there, and its supervisor is not: a clear end, no hang, and no silent start. */
static void a_crash_between_marker_and_start_is_told(void **state)
{
    static const char script[] = "echo x >>~/crash-runs";
    (void)state;
    OUTCOME first = EXECUTE(env, lease, .execution_id = TEXT("crashed"), .script = text(script));
    EXPECT(first, EEP_OK);
    /* the first line of the record is what a supervisor leaves that dies right behind it */
    EXPECT_RUN(env, lease, "cd ~/.eep && sed 1q crashed.p >cut && mv cut crashed.p", "");
    OUTCOME again = EXECUTE(env, lease, .execution_id = TEXT("crashed"), .script = text(script));
    EXPECT(again, EEP_E_INTERRUPTED);
    EXPECT_SAYS(again, "never ran");
    OUTCOME attached = ATTACH("crashed");
    EXPECT(attached, EEP_E_INTERRUPTED);
    OUTCOME other = EXECUTE(env, lease, .execution_id = TEXT("crashed"), .script = TEXT("another"));
    assert_true(other.code == EEP_E_CONFLICT || other.code == EEP_E_INTERRUPTED);
    LISTED listed = executions_list(env, lease, 0, 0);
    assert_int_equal(listed_find(&listed, "crashed")->state, EEP_EXECUTION_STATE_NEVER);
    EXPECT_RUN(env, lease, "cat ~/crash-runs", "x\n");
}

/* The supervisor is what memory runs out for: its command may go on, its end is not known. */
static void a_supervisor_that_is_killed_is_an_interruption(void **state)
{
    (void)state;
    OUTCOME detached = DETACH("orphaned", "echo $$ >~/pid; echo before; sleep 62");
    EXPECT(detached, EEP_OK);
    AWAIT(WRITTEN("orphaned") == 7);
    EXPECT_RUN(env, lease, WAIT_FOR("~/pid") "read -r a b p rest <~/.eep/orphaned.p; kill -9 $p", "");
    OUTCOME attached = ATTACH("orphaned", .head.timeout_ms = 5000);
    EXPECT(attached, EEP_E_INTERRUPTED);
    EXPECT_OUTPUT(attached.execution.stdout_data, "before\n");
    assert_int_equal(attached.execution.exit_code, -1);
    OUTCOME killed = KILL("orphaned");
    EXPECT(killed, EEP_E_INTERRUPTED);
    EXPECT_RUN(env, lease, "kill -0 $(cat ~/pid) 2>&- && echo alive; rm ~/pid", "");
}

static void a_reboot_interrupts_what_ran_and_keeps_what_was_done(void **state)
{
    (void)state;
    OUTCOME done = EXECUTE(env, lease, .execution_id = TEXT("kept"), .script = TEXT("echo kept; exit 4"));
    EXPECT(done, EEP_OK);
    OUTCOME detached = DETACH("cut-off", "echo half; sleep 63");
    EXPECT(detached, EEP_OK);
    standin_force(&standin, lease, "{\"state\":\"stopped\"}");
    OUTCOME woken = EXECUTE(env, lease, .script = TEXT("true"));
    EXPECT(woken, EEP_OK);
    OUTCOME kept = ATTACH("kept");
    EXPECT(kept, EEP_OK);
    EXPECT_OUTPUT(kept.execution.stdout_data, "kept\n");
    assert_int_equal(kept.execution.exit_code, 4);
    OUTCOME lost = ATTACH("cut-off");
    EXPECT(lost, EEP_E_INTERRUPTED);
    OUTCOME again =
        EXECUTE(env, lease, .execution_id = TEXT("cut-off"), .script = TEXT("echo half; sleep 63"));
    EXPECT(again, EEP_E_INTERRUPTED);
}

/* A minute is short there. A command at work is no request, so it does not keep its sandbox up. */
static void an_auto_stop_is_an_interruption_not_a_hang(void **state)
{
    struct standin idle;
    char id[EEP_LEASE_MAX + 1];
    HEARD heard = {.stop_after = 1};
    (void)state;
    standin_start(&idle, (const char *const[]){"--minute-ms", "700", "--start-ms", "30", NULL});
    eep_env *there = host_open(&idle, "'autoStopInterval':1");
    host_acquire(there, id);
    OUTCOME left =
        EXECUTE(there, id, .head.flags = EEP_REQUEST_NO_GRACE, .execution_id = TEXT("left"),
                .script = TEXT("echo half; sleep 64"), .on_output = heard_take, .output_ctx = &heard);
    EXPECT(left, EEP_E_CANCELLED);
    AWAIT(standin_total(&idle, "processes") == 0);
    OUTCOME attached =
        call_attach(there, REQUEST(eep_attach_request, .lease = text(id), .execution_id = TEXT("left")));
    EXPECT(attached, EEP_E_INTERRUPTED);
    assert_true(FLAGS(attached) & EEP_EXECUTION_STARTED);
    EXPECT_OUTPUT(attached.execution.stdout_data, "half\n");
    host_destroy(there, id);
    plugin()->close(there);
    standin_stop(&idle);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "host") == 0) return host_elsewhere(argv + 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_below_the_limit_is_never_cut),
        cmocka_unit_test(a_limit_that_resets_is_learned),
        cmocka_unit_test(a_limit_that_is_told_by_504_is_learned),
        cmocka_unit_test(hosts_are_killed_at_any_moment),
        cmocka_unit_test(a_limit_holds_without_a_host),
        cmocka_unit_test(a_crash_between_marker_and_start_is_told),
        cmocka_unit_test(a_supervisor_that_is_killed_is_an_interruption),
        cmocka_unit_test(a_reboot_interrupts_what_ran_and_keeps_what_was_done),
        cmocka_unit_test(an_auto_stop_is_an_interruption_not_a_hang),
    };
    return cmocka_run_group_tests(tests, start, place_stop);
}
