/* async_test.c: eep.async/1 at a real stand-in: submitted calls are the blocking calls in every respect, their events
 * come once and in order, and none of it needs the host's threads. How they end: async_end_test.c. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "async_host.h"
#include "holdings.h"
#include "place.h"
#include "process.h"

#ifdef __SANITIZE_THREAD__
#define SANITIZER_THREADS 1
#else
#define SANITIZER_THREADS 0
#endif

#define RUN(...) SUBMIT_SCRIPT(env, lease, __VA_ARGS__)

static int stop(void **state)
{
    async_expect_nothing_left(env);
    return place_stop(state);
}

/* -- The same as the blocking calls ------------------------------------------------------------ */

static void expect_same_str(eep_str is, eep_str as)
{
    assert_int_equal(is.len, as.len);
    if (as.ptr) assert_memory_equal(is.ptr, as.ptr, as.len);
}

static void leases_are_the_same(void **state)
{
    (void)state;
    OUTCOME blocking = ACQUIRE(env, .idempotency_key = TEXT("async"), LABELS({TEXT("a"), TEXT("b")}));
    EXPECT(blocking, EEP_OK);
    DONE done = async_await(env, SUBMIT(env, "acquire_lease", eep_acquire_request, eep_lease, 0,
                                        .idempotency_key = TEXT("async"), LABELS({TEXT("a"), TEXT("b")})));
    async_expect_code(&done, EEP_OK);
    const eep_lease *is = done.event.result;
    expect_same_str(is->lease, blocking.lease.lease);
    expect_same_str(is->name, blocking.lease.name);
    expect_same_str(is->shell, blocking.lease.shell);
    expect_same_str(is->workspace, blocking.lease.workspace);
    assert_int_equal(is->state, blocking.lease.state);
    assert_int_equal(is->head.flags, EEP_LEASE_REUSED);
    DONE resumed = async_await(
        env, SUBMIT(env, "resume_lease", eep_resume_request, eep_lease, 0, .lease = blocking.lease.lease));
    async_expect_code(&resumed, EEP_OK);
    expect_same_str(((const eep_lease *)resumed.event.result)->home, blocking.lease.home);
    DONE released = async_await(env, SUBMIT(env, "release", eep_release_request, eep_released, 0,
                                            .lease = blocking.lease.lease, .mode = EEP_RELEASE_DESTROY));
    async_expect_code(&released, EEP_OK);
    assert_int_equal(((const eep_released *)released.event.result)->mode, EEP_RELEASE_DESTROY);
}

static void the_other_calls_are_there(void **state)
{
    (void)state;
    DONE probed =
        async_await(env, SUBMIT(env, "probe", eep_probe_request, eep_probe, 0, .max_depth = EEP_PROBE_QUOTA));
    async_expect_code(&probed, EEP_OK);
    assert_int_equal(((const eep_probe *)probed.event.result)->failed, 0);
    DONE realized = async_await(
        env, SUBMIT(env, "realize_workspace", eep_realize_request, eep_workspace, 0, .lease = text(lease),
                    SOURCES({.kind = EEP_SOURCE_FILE, .path = TEXT("f"), .data = BYTES("content")},
                            {.kind = EEP_SOURCE_DIR, .path = TEXT("d")})));
    async_expect_code(&realized, EEP_OK);
    const eep_workspace *workspace = realized.event.result;
    assert_int_equal(workspace->files, 2);
    assert_int_equal(workspace->source_count, 2);
    EXPECT_RUN(env, lease, "cat f; ls -d d", "contentd\n");
    DONE got = async_await(
        env, SUBMIT(env, EEP_EXT_LEASE ".get", eep_lease_get_request, eep_leases, 0, .lease = text(lease)));
    async_expect_code(&got, EEP_OK);
    assert_int_equal(((const eep_leases *)got.event.result)->lease_count, 1);
    DONE listed = async_await(env, SUBMIT(env, EEP_EXT_LEASE ".list", eep_leases_request, eep_leases, 0, ));
    async_expect_code(&listed, EEP_OK);
    DONE reaped = async_await(env, SUBMIT(env, EEP_EXT_LEASE ".reap", eep_reap_request, eep_reaping, 0,
                                          .head.flags = EEP_REAP_DRY_RUN, .idle_ms = 3600000));
    async_expect_code(&reaped, EEP_OK);
    DONE explained = async_await(env, SUBMIT(env, EEP_EXT_LEASE ".explain", eep_explain_request,
                                             eep_explanation, 0, .lease = text(lease)));
    async_expect_code(&explained, EEP_OK); /* these two need the most of an operation's stack */
    assert_int_equal(((const eep_explanation *)explained.event.result)->failed, 0);
    DONE in_full =
        async_await(env, SUBMIT(env, "probe", eep_probe_request, eep_probe, 0, .max_depth = EEP_PROBE_FULL));
    async_expect_code(&in_full, EEP_OK);
    assert_int_equal(((const eep_probe *)in_full.event.result)->failed, 0);
    DONE kept_alive = async_await(env, SUBMIT(env, EEP_EXT_LEASE ".keepalive", eep_keepalive_request,
                                              eep_kept, 0, .lease = text(lease), .until_ms = 1));
    async_expect_code(&kept_alive, EEP_E_INVALID_ARGUMENT); /* that has passed: as the blocking call says */
}

static void executions_are_the_same(void **state)
{
    (void)state;
    OUTCOME blocking =
        EXECUTE(env, lease, .script = TEXT("cat; printf '\\0\\377' >&2; exit 3"), .stdin_data = BYTES("in"));
    DONE done = async_await(env, RUN("cat; printf '\\0\\377' >&2; exit 3", 0, .stdin_data = BYTES("in")));
    async_expect_code(&done, EEP_OK);
    const eep_execution *is = done.event.result;
    assert_int_equal(is->exit_code, 3);
    EXPECT_BYTES(is->stdout_data, blocking.execution.stdout_data.ptr, blocking.execution.stdout_data.len);
    EXPECT_BYTES(is->stderr_data, blocking.execution.stderr_data.ptr, blocking.execution.stderr_data.len);
    assert_int_equal(is->head.flags, blocking.execution.head.flags);
    assert_int_equal(is->requests, 1);
    assert_int_equal(done.output_events, 0);
}

static void executions_are_reached_by_their_ids(void **state)
{
    (void)state;
    eep_str id = TEXT("by-id");
    DONE detached = async_await(env, RUN("echo one; sleep 60", 0, .execution_id = id, .time_limit_ms = 90000,
                                         .head.flags = EEP_EXECUTE_DETACH));
    async_expect_code(&detached, EEP_OK);
    DONE looked = async_await(env, SUBMIT(env, EEP_EXT_EXECUTION ".attach", eep_attach_request, eep_execution,
                                          EEP_ASYNC_OUTPUT, .lease = text(lease), .execution_id = id,
                                          .stdout_from = 1, .head.timeout_ms = 2000));
    async_expect_code(&looked, EEP_E_DEADLINE);
    assert_int_equal(looked.offset[0], 1);
    assert_int_equal(looked.output_len[0], 3);
    assert_memory_equal(looked.output[0], "ne\n", 3);
    DONE listed = async_await(env, SUBMIT(env, EEP_EXT_EXECUTION ".list", eep_list_request,
                                          eep_execution_list, 0, .lease = text(lease)));
    async_expect_code(&listed, EEP_OK);
    assert_true(((const eep_execution_list *)listed.event.result)->execution_count > 0);
    DONE killed = async_await(env, SUBMIT(env, EEP_EXT_EXECUTION ".kill", eep_kill_request, eep_execution, 0,
                                          .lease = text(lease), .execution_id = id));
    async_expect_code(&killed, EEP_OK);
    assert_true(((const eep_execution *)killed.event.result)->head.flags & EEP_EXECUTION_KILLED);
    DONE dropped = async_await(env, SUBMIT(env, EEP_EXT_EXECUTION ".drop", eep_drop_request, eep_execution, 0,
                                           .lease = text(lease), .execution_id = id));
    async_expect_code(&dropped, EEP_OK);
}

static void errors_are_the_same(void **state)
{
    (void)state;
    OUTCOME blocking = EXECUTE(env, "no-such-lease", .script = TEXT("true"));
    DONE done = async_await(env, SUBMIT(env, "execute", eep_execute_request, eep_execution, 0,
                                        .lease = TEXT("no-such-lease"), .script = TEXT("true")));
    async_expect_code(&done, blocking.code);
    assert_int_equal(done.event.error->code, blocking.code);
    expect_same_str(done.event.error->message, blocking.err.message);
    expect_same_str(done.event.error->where, blocking.err.where);
    expect_same_str(done.event.error->lease, blocking.err.lease);
    assert_int_equal(done.event.error->http_status, blocking.err.http_status);
    assert_int_equal(done.event.error->head.flags, blocking.err.head.flags);
}

/* -- Memory ------------------------------------------------------------------------------------ */

/* All that a request points to is gone as soon as it has been submitted. */
static void requests_are_copied(void **state)
{
    enum { ARGS = 40 };
    static const char *const words[] = {"sh", "-c", "printf %s \"$A$0$1\"; cat", "arg0", "arg1"};
    (void)state;
    char *memory[ARGS] = {0};
    eep_str *argv = calloc(COUNT_OF(words), sizeof *argv);
    eep_pair *pairs = calloc(1, sizeof *pairs);
    eep_execute_request *request = calloc(1, sizeof *request);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        argv[i] = text(memory[i] = strdup(words[i]));
    *pairs = (eep_pair){text(memory[10] = strdup("A")), text(memory[11] = strdup("env-"))};
    *request = (eep_execute_request){
        .head = {.struct_size = sizeof *request, .trace_id = text(memory[12] = strdup("trace"))},
        .lease = text(memory[13] = strdup(lease)),
        .argv = argv,
        .argv_count = COUNT_OF(words),
        .env = pairs,
        .env_count = 1,
        .cwd = text(memory[14] = strdup("/tmp")),
        .stdin_data = {memory[15] = strdup("-input"), 6}};
    uint64_t op = async_submit(env, "execute", request, sizeof(eep_execution), 0);
    for (size_t i = 0; i < ARGS; i++) {
        if (memory[i]) memset(memory[i], '#', strlen(memory[i]));
        free(memory[i]);
    }
    memset(argv, '#', COUNT_OF(words) * sizeof *argv);
    memset(pairs, '#', sizeof *pairs);
    memset(request, '#', sizeof *request);
    free(argv);
    free(pairs);
    free(request);
    DONE done = async_await(env, op);
    async_expect_code(&done, EEP_OK);
    EXPECT_OUTPUT(((const eep_execution *)done.event.result)->stdout_data, "env-arg0arg1-input");
}

static void a_host_may_want_no_result_or_a_smaller_one(void **state)
{
    (void)state;
    eep_execute_request request = {
        .head.struct_size = sizeof request, .lease = text(lease), .script = TEXT("exit 5")};
    DONE none = async_await(env, async_submit(env, "execute", &request, 0, 0));
    async_expect_code(&none, EEP_OK);
    assert_null(none.event.result);
    uint32_t size = offsetof(eep_execution, term_signal);
    DONE small = async_await(env, async_submit(env, "execute", &request, size, 0));
    async_expect_code(&small, EEP_OK);
    const eep_execution *result = small.event.result;
    assert_int_equal(result->head.struct_size, size);
    assert_int_equal(result->exit_code, 5);
}

/* -- Output ------------------------------------------------------------------------------------ */

static void output_comes_as_events(void **state)
{
    (void)state;
    DONE done = async_await(env, RUN("echo one; sleep 0.3; echo two; echo err >&2", EEP_ASYNC_OUTPUT));
    async_expect_code(&done, EEP_OK);
    assert_int_equal(done.output_len[0], 8);
    assert_memory_equal(done.output[0], "one\ntwo\n", 8);
    assert_int_equal(done.output_len[1], 4);
    assert_memory_equal(done.output[1], "err\n", 4);
    assert_null(((const eep_execution *)done.event.result)->stdout_data.ptr);
}

/* Requests for more output stop when nobody reads what there is. */
static void unread_output_stops_the_network(void **state)
{
    enum { MIB = 64 };
    (void)state;
    long before = holdings_kib("VmRSS:");
    assert_true(before > 0);
    standin_forget(&standin);
    uint64_t op = RUN("head -c 67108864 /dev/zero", EEP_ASYNC_OUTPUT);
    size_t requests = 0;
    for (int still = 0; still < 20;) {
        size_t now = standin_count(&standin, NULL, "/toolbox/");
        still = now == requests && now > 0 ? still + 1 : 0;
        requests = now;
        usleep(50000);
    }
#if !defined(__SANITIZE_ADDRESS__) &&                                                                        \
    !defined(__SANITIZE_THREAD__) /* they take and keep memory of their own */
    assert_in_range(holdings_kib("VmRSS:") - before, 0, 40 * 1024);
#endif
    DONE done = async_await(env, op);
    async_expect_code(&done, EEP_OK);
    assert_int_equal(done.output_len[0], (size_t)MIB << 20);
    assert_true(standin_count(&standin, NULL, "/toolbox/") > requests);
}

/* It can be cancelled there, too. */
static void what_waits_for_room_can_be_cancelled(void **state)
{
    (void)state;
    uint64_t op = RUN("head -c 33554432 /dev/zero; sleep 60", EEP_ASYNC_OUTPUT);
    uint64_t other = RUN("head -c 33554432 /dev/zero", EEP_ASYNC_OUTPUT);
    usleep(1500000);
    long begin = now_ms();
    assert_int_equal(async_api()->cancel(env, op, NULL), EEP_OK);
    DONE done = async_await(env, op);
    async_expect_code(&done, EEP_E_CANCELLED);
    assert_true(now_ms() - begin < 15000);
    DONE undisturbed = async_await(env, other);
    async_expect_code(&undisturbed, EEP_OK);
    assert_int_equal(undisturbed.output_len[0], 32u << 20);
}

static void logs_come_as_events(void **state)
{
    (void)state;
    eep_env *talkative = host_open(&standin, NULL); /* its log wants all there is */
    uint64_t op = SUBMIT(talkative, "execute", eep_execute_request, eep_execution, EEP_ASYNC_LOG,
                         .lease = TEXT("no-such-lease"), .script = TEXT("true"));
    DONE done = async_await(talkative, op);
    async_expect_code(&done, EEP_E_LEASE_LOST);
    assert_non_null(strstr(done.log, "failed: LEASE_LOST"));
    plugin()->close(talkative);
}

/* -- Many -------------------------------------------------------------------------------------- */

static void many_at_once_do_not_mix(void **state)
{
    enum { OPS = 100 };
    uint64_t ops[OPS];
    (void)state;
    for (int i = 0; i < OPS; i++) {
        char script[64];
        snprintf(script, sizeof script, "echo %d; sleep 0.%d; echo $X; exit %d", i, i % 5, i % 7);
        eep_str name = TEXT("X");
        ops[i] = SUBMIT(env, "execute", eep_execute_request, eep_execution, EEP_ASYNC_OUTPUT,
                        .lease = text(lease), .script = text(script), ENV({name, text(script)}));
    }
    assert_true(holdings_threads() <= 3 + SANITIZER_THREADS); /* this one, the I/O thread, the crew's */
    for (int i = 0; i < OPS; i++) {
        char expected[128];
        DONE done = async_await(env, ops[i]);
        async_expect_code(&done, EEP_OK);
        assert_int_equal(((const eep_execution *)done.event.result)->exit_code, i % 7);
        int len = snprintf(expected, sizeof expected, "%d\necho %d; sleep 0.%d; echo $X; exit %d\n", i, i,
                           i % 5, i % 7);
        assert_int_equal(done.output_len[0], len);
        assert_memory_equal(done.output[0], expected, (size_t)len);
    }
}

/* -- The example ------------------------------------------------------------------------------- */

/* hosts/poll: reads commands from its input, runs all at once, prints what they say. Returns its exit status. */
static int run_poll(const char *input_maker, char *said, size_t cap)
{
    char command[4096];
    char *program = process_build_path("poll");
    char *library = process_build_path("eep-daytona.so");
    snprintf(command, sizeof command,
             "{ %s; } | DAYTONA_API_URL=%s DAYTONA_API_KEY=" SENTINEL " %s %s %s 2>&1", input_maker,
             standin.api, program, library, lease);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t len = fread(said, 1, cap - 1, pipe);
    said[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if (said[i] == '\0') said[i] = '@';
    free(program);
    free(library);
    return WEXITSTATUS(pclose(pipe));
}

static void the_poll_host_runs_what_it_is_told(void **state)
{
    char said[4096];
    (void)state;
    int status = run_poll("printf 'sleep 3; echo slow\\necho quick\\nexit 3\\n'", said, sizeof said);
    assert_int_equal(status, 1); /* one of them failed */
    assert_non_null(strstr(said, "[2] quick\n"));
    assert_non_null(strstr(said, "[2] exit code 0\n"));
    assert_non_null(strstr(said, "[3] exit code 3\n"));
    assert_non_null(strstr(said, "[1] slow\n"));
    assert_true(strstr(said, "[1] slow") > strstr(said, "[2] quick"));
}

static void the_poll_host_loses_nothing(void **state)
{
    char said[4096];
    (void)state;
    assert_int_equal(run_poll("echo 'printf \"a\\\\0b\"'; printf 'echo last'", said, sizeof said), 0);
    assert_non_null(strstr(said, "[1] a@b"));
    assert_non_null(strstr(said, "[2] last\n"));
    assert_int_equal(run_poll("echo 'echo x'; head -c 70000 /dev/zero", said, sizeof said), 1);
    assert_non_null(strstr(said, "[1] x\n"));
    assert_non_null(strstr(said, "too long"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leases_are_the_same),
        cmocka_unit_test(the_other_calls_are_there),
        cmocka_unit_test(executions_are_the_same),
        cmocka_unit_test(executions_are_reached_by_their_ids),
        cmocka_unit_test(errors_are_the_same),
        cmocka_unit_test(requests_are_copied),
        cmocka_unit_test(a_host_may_want_no_result_or_a_smaller_one),
        cmocka_unit_test(output_comes_as_events),
        cmocka_unit_test(unread_output_stops_the_network),
        cmocka_unit_test(what_waits_for_room_can_be_cancelled),
        cmocka_unit_test(logs_come_as_events),
        cmocka_unit_test(many_at_once_do_not_mix),
        cmocka_unit_test(the_poll_host_runs_what_it_is_told),
        cmocka_unit_test(the_poll_host_loses_nothing),
    };
    return cmocka_run_group_tests(tests, place_start, stop);
}
