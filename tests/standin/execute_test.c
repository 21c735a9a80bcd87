/* execute_test.c: process/execute of a real stand-in (protocol 7), and the toolbox's answers when it cannot
 * run. */
#include "shared.h"

#include <curl/curl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char id[64];

static int start_server(void **state)
{
    shared_start(state);
    make_sandbox(&server, "{\"name\":\"box\",\"env\":{\"FROM_BOX\":\"1\",\"BOTH\":\"box\"}}", id);
    return 0;
}

static void expect_exit(const char *command, long code)
{
    struct answer answer = execute(&server, id, command);
    assert_int_equal(answer.status, 200);
    assert_int_equal(number_at(&answer, "exitCode"), code);
    answer_finish(&answer);
}

static void exit_codes_are_the_shells(void **state)
{
    (void)state;
    expect_exit("true", 0);
    expect_exit("exit 7", 7);
    expect_exit("if then", 2);
    expect_exit("sh -c 'kill -9 $$'", 137);
    expect_exit("kill -9 $$", -1); /* the shell itself */
    expect_exit("no-such-command-here", 127);
}

static void both_streams_share_one_buffer(void **state)
{
    (void)state;
    expect_output(&server, id, "echo out; echo err >&2; echo more", "out\nerr\nmore\n");
}

static void the_command_is_the_shells_input(void **state)
{
    (void)state;
    expect_output(&server, id, "cat\necho second", "echo second");
    expect_output(&server, id, "test -t 0 || echo no tty", "no tty\n");
}

static void bytes_are_encoded_as_go_does(void **state)
{
    (void)state;
    struct answer answer = execute(&server, id, "printf 'a\\000b\\377\\376<'");
    assert_non_null(strstr(answer.body, "\"a\\u0000b\\ufffd\\ufffd\\u003c\""));
    answer_finish(&answer);
}

static void the_environment_is_layered(void **state)
{
    (void)state;
    struct answer answer = execute_json(
        &server, id,
        "{\"command\":\"echo $FROM_BOX $BOTH $MINE\",\"envs\":{\"BOTH\":\"call\",\"MINE\":\"2\"}}");
    assert_string_equal(text_at(&answer, "result"), "1 call 2\n");
    answer_finish(&answer);
    answer = execute_json(&server, id, "{\"command\":\"true\",\"envs\":{\"A-B\":\"x\"}}");
    assert_int_equal(answer.status, 400);
    assert_string_equal(text_at(&answer, "message"), "bad request: invalid environment variable name: 'A-B'");
    assert_string_equal(text_at(&answer, "code"), "BAD_REQUEST");
    assert_string_equal(text_at(&answer, "path"), "/process/execute");
    answer_finish(&answer);
}

static void the_directory_can_be_chosen(void **state)
{
    (void)state;
    struct answer answer = execute_json(&server, id, "{\"command\":\"pwd\",\"cwd\":\"/usr/bin\"}");
    assert_string_equal(text_at(&answer, "result"), "/usr/bin\n");
    answer_finish(&answer);
    expect_output(&server, id, "mkdir -p sub && cd sub && basename $PWD", "sub\n");
    answer =
        execute_json(&server, id, "{\"command\":\"basename $PWD\",\"cwd\":\"sub\"}"); /* relative to home */
    assert_string_equal(text_at(&answer, "result"), "sub\n");
    answer_finish(&answer);
    answer = execute_json(&server, id, "{\"command\":\"pwd\",\"cwd\":\"/no/such\"}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(number_at(&answer, "exitCode"), -1);
    assert_non_null(strstr(text_at(&answer, "result"), ": no such file or directory"));
    answer_finish(&answer);
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "{\"command\":\"\"}",
        "{\"command\":\" \\n\"}",
        "{\"command\":1}",
        "{\"command\":\"true\",\"timeout\":-1}",
        "{\"command\":\"true\",\"timeout\":1.5}",
        "{\"command\":\"true\",\"cwd\":1}",
        "not json",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct answer answer = execute_json(&server, id, bad[i]);
        assert_int_equal(answer.status, 400);
        answer_finish(&answer);
    }
}

static void a_timeout_kills_the_group_and_the_output(void **state)
{
    (void)state;
    long before = now_ms();
    struct answer answer =
        execute_json(&server, id, "{\"command\":\"echo partial; sleep 60 & sleep 60\",\"timeout\":1}");
    assert_int_equal(answer.status, 408);
    assert_string_equal(text_at(&answer, "message"), "request timeout: command execution timeout");
    assert_string_equal(text_at(&answer, "code"), "REQUEST_TIMEOUT");
    assert_null(strstr(answer.body, "partial"));
    assert_true(now_ms() - before < 30000);
    answer_finish(&answer);
    await_output(&server, id, "pgrep -c '^sleep$'", "0\n"); /* they have been told */
}

static void leaving_the_group_survives_the_timeout(void **state)
{
    (void)state;
    struct answer answer = execute_json(
        &server, id,
        "{\"command\":\"setsid sh -c 'sleep 2.2; echo still writing; touch survived' & sleep 60\","
        "\"timeout\":2}");
    assert_int_equal(answer.status, 408);
    answer_finish(&answer);
    expect_output(&server, id,
                  "for i in $(seq 3000); do test -e survived && echo yes && break; sleep 0.01; done",
                  "yes\n");
}

static void background_jobs_hold_the_answer(void **state)
{
    (void)state;
    long before = now_ms();
    expect_output(&server, id, "sleep 0.4 & echo x", "x\n");
    assert_true(now_ms() - before >= 400);
    before = now_ms();
    expect_output(&server, id, "sleep 50 >/dev/null 2>&1 & echo x", "x\n");
    assert_true(now_ms() - before < 40000);
}

static void a_client_that_leaves_stops_nothing(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "/toolbox/%s/process/execute", id);
    struct answer left = call(&server, (struct call){.method = "POST",
                                                     .path = path,
                                                     .body = "{\"command\":\"sleep 2.5; touch finished\"}",
                                                     .timeout_ms = 1500});
    assert_int_equal(left.status, 0);
    answer_finish(&left);
    expect_output(&server, id,
                  "for i in $(seq 3000); do test -e finished && echo yes && break; sleep 0.01; done",
                  "yes\n");
}

static void large_things_pass(void **state)
{
    (void)state;
    struct answer answer = execute(&server, id, "head -c 100000000 /dev/zero | tr '\\000' x");
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_object_get_string_len(json_object_object_get(answer.json, "result")), 100000000);
    answer_finish(&answer);
    static char command[3000100] = "cat <<'END' | wc -c\n";
    size_t head = strlen(command);
    memset(command + head, 'y', 3000000);
    strcpy(command + head + 3000000, "\nEND\n");
    expect_output(&server, id, command, "3000001\n");
}

static void *execute_once(void *closure)
{
    char command[64], expected[32];
    long number = (long)(intptr_t)closure;
    snprintf(command, sizeof command, "sleep 0.5; echo %ld", number);
    snprintf(expected, sizeof expected, "%ld\n", number);
    struct answer answer = execute(&server, id, command);
    bool right = answer.status == 200 && strcmp(text_at(&answer, "result"), expected) == 0;
    answer_finish(&answer);
    return right ? closure : NULL;
}

static void many_run_side_by_side(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    pthread_t threads[COUNT];
    long before = now_ms();
    for (long i = 0; i < COUNT; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, execute_once, (void *)(intptr_t)(i + 1)), 0);
    for (long i = 0; i < COUNT; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_int_equal((long)(intptr_t)result, i + 1);
    }
    assert_true(now_ms() - before < LIMIT_MS); /* one after the other: 100 s */
}

static void the_shell_can_be_chosen(void **state)
{
    (void)state;
    static const struct {
        const char *shell;
        const char *file;
        const char *command;
        const char *output;
    } cases[] = {
        {"/bin/dash", "/bin/dash", "echo ${BASH_VERSION-none}", "none\n"},
        {"/bin/bash", "/bin/bash", "echo ${BASH_VERSION:+bash}", "bash\n"},
        {"/usr/bin/zsh", "/usr/bin/zsh", "echo ${ZSH_VERSION:+zsh}", "zsh\n"},
        {"/usr/bin/busybox sh", "/usr/bin/busybox", "basename $(readlink /proc/$$/exe)", "busybox\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const arguments[] = {"--shell", cases[i].shell, NULL};
        char box[64];
        if (access(cases[i].file, X_OK) != 0) {
            print_message("SKIP: %s is not installed\n", cases[i].file);
            continue;
        }
        struct server other = server_run(arguments);
        make_sandbox(&other, "{}", box);
        expect_output(&other, box, cases[i].command, cases[i].output);
        assert_int_equal(server_end(&other), 0);
    }
}

static struct answer toolbox(const char *sandbox, const char *route, const char *authorization)
{
    char path[192];
    snprintf(path, sizeof path, "/toolbox/%s%s", sandbox, route);
    return call(&server, (struct call){.method = "GET", .path = path, .authorization = authorization});
}

static void expect_toolbox(const char *sandbox, const char *route, const char *authorization, long status,
                           const char *message)
{
    struct answer answer = toolbox(sandbox, route, authorization);
    assert_int_equal(answer.status, status);
    if (strstr(text_at(&answer, "message"), message) == NULL)
        fail_msg("no \"%s\" in \"%s\"", message, text_at(&answer, "message"));
    answer_finish(&answer);
}

static void the_proxy_says_what_is_wrong(void **state)
{
    (void)state;
    expect_toolbox(id, "/version", "", 401, "unauthorized: missing authentication");
    expect_toolbox(id, "/version", "Bearer wrong", 401, "Bearer token is invalid");
    expect_toolbox("nobody", "/version", NULL, 401, "Bearer token is invalid");
    expect_toolbox("box", "/version", NULL, 401, "Bearer token is invalid"); /* a name is no id */
    expect_toolbox(id, "", NULL, 404, "not found: not found");
    expect_toolbox(id, "/git/status", NULL, 501, "not implemented by the stand-in");
    char other[64], path[128];
    make_sandbox(&server, "{}", other);
    snprintf(path, sizeof path, "/api/sandbox/%s/stop", other);
    expect_status(&server, "POST", path, NULL, 200);
    expect_toolbox(other, "/version", NULL, 400, "no IP address found. Is the Sandbox started?");
    snprintf(path, sizeof path, "/api/sandbox/%s/archive", other);
    expect_status(&server, "POST", path, NULL, 200);
    expect_toolbox(other, "/version", NULL, 400, "does not have a runner");
}

static void *execute_long(void *closure)
{
    struct answer answer = execute(&server, closure, "touch running; sleep 60");
    long status = answer.status;
    answer_finish(&answer);
    return (void *)(intptr_t)status;
}

static void a_stop_ends_what_runs(void **state)
{
    (void)state;
    char other[64], path[128];
    pthread_t thread;
    void *status;
    make_sandbox(&server, "{}", other);
    pthread_create(&thread, NULL, execute_long, other);
    expect_output(&server, other,
                  "for i in $(seq 3000); do test -e running && echo yes && break; sleep 0.01; done", "yes\n");
    snprintf(path, sizeof path, "/api/sandbox/%s/stop", other);
    expect_status(&server, "POST", path, NULL, 200);
    pthread_join(thread, &status);
    assert_int_equal((long)(intptr_t)status, 502);
}

static struct answer post(const char *route, const char *body)
{
    char path[256];
    snprintf(path, sizeof path, "/toolbox/%s/%s", id, route);
    return call(&server, (struct call){.method = "POST", .path = path, .body = body});
}

static void programs_run_without_their_artifacts(void **state)
{
    (void)state;
    struct answer answer =
        post("process/code-run",
             "{\"code\":\"import sys\\nprint(sys.argv[1:])\\nprint('dtn_artifact_k39fd2:{}')\\nsys.exit(3)\","
             "\"language\":\"python\",\"argv\":[\"a\",\"b c\"]}");
    assert_int_equal(number_at(&answer, "exitCode"), 3);
    assert_string_equal(text_at(&answer, "result"), "['a', 'b', 'c']\n"); /* words of the shell: a wart */
    answer_finish(&answer);
    answer = post("process/code-run", "{\"code\":\"1\",\"language\":\"ruby\"}");
    assert_string_equal(text_at(&answer, "message"), "bad request: unsupported language: ruby");
    answer_finish(&answer);
    answer = post("process/code-run", "{}");
    assert_string_equal(text_at(&answer, "code"), "INVALID_REQUEST_BODY");
    answer_finish(&answer);
}

/* A timeout's answer waits for those who left the group with the output in hand, just as any other. */
static void who_left_the_group_holds_the_timeouts_answer(void **state)
{
    (void)state;
    long start = now_ms();
    struct answer answer =
        execute_json(&server, id, "{\"command\":\"setsid sleep 3.5 & sleep 30\",\"timeout\":2}");
    assert_int_equal(answer.status, 408);
    assert_true(now_ms() - start >= 3000);
    answer_finish(&answer);
}

static void missing_routes_say_so(void **state)
{
    (void)state;
    struct answer answer = post("process/session", "{\"sessionId\":\"s\"}");
    assert_int_equal(answer.status, 501);
    assert_string_equal(text_at(&answer, "message"),
                        "POST /process/session is not implemented by the stand-in");
    answer_finish(&answer);
    answer = post("no/such/route", "{}");
    assert_int_equal(answer.status, 404);
    assert_string_equal(answer.body, "404 page not found");
    answer_finish(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_run_without_their_artifacts),
        cmocka_unit_test(who_left_the_group_holds_the_timeouts_answer),
        cmocka_unit_test(missing_routes_say_so),
        cmocka_unit_test(exit_codes_are_the_shells),
        cmocka_unit_test(both_streams_share_one_buffer),
        cmocka_unit_test(the_command_is_the_shells_input),
        cmocka_unit_test(bytes_are_encoded_as_go_does),
        cmocka_unit_test(the_environment_is_layered),
        cmocka_unit_test(the_directory_can_be_chosen),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(a_timeout_kills_the_group_and_the_output),
        cmocka_unit_test(leaving_the_group_survives_the_timeout),
        cmocka_unit_test(background_jobs_hold_the_answer),
        cmocka_unit_test(a_client_that_leaves_stops_nothing),
        cmocka_unit_test(large_things_pass),
        cmocka_unit_test(many_run_side_by_side),
        cmocka_unit_test(the_shell_can_be_chosen),
        cmocka_unit_test(the_proxy_says_what_is_wrong),
        cmocka_unit_test(a_stop_ends_what_runs),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, start_server, shared_end);
}
