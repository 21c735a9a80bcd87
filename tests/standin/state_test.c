/* state_test.c: with --state a server that ends, or is killed, finds its sandboxes and their files again. */
#include "harness.h"

#include <curl/curl.h>
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];
static struct server server;

static void run(const char *option, const char *value)
{
    const char *const arguments[] = {"--state", directory, option, value, NULL};
    server = server_run(arguments);
}

static int fresh_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/standin-state.XXXXXX");
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

static void end_gently(void)
{
    assert_int_equal(server_end(&server), 0);
}

static void end_suddenly(void)
{
    kill(server.pid, SIGKILL);
    assert_int_equal(waitpid(server.pid, NULL, 0), server.pid);
}

static struct answer get(const char *path)
{
    return call(&server, (struct call){.method = "GET", .path = path});
}

static void force(const char *id, const char *wish)
{
    char path[128];
    snprintf(path, sizeof path, "/_standin/sandboxes/%s", id);
    expect_status(&server, "PUT", path, wish, 200);
}

static void expect_origin(const char *name)
{
    char path[128], expected[256];
    snprintf(path, sizeof path, "/api/sandbox/%s", name);
    snprintf(expected, sizeof expected, "%s/toolbox", server.origin);
    struct answer seen = get(path);
    assert_string_equal(text_at(&seen, "toolboxProxyUrl"), expected);
    answer_finish(&seen);
}

/* One of each kind, the server's end, and what is there again. */
static void expect_kept(void (*end)(void))
{
    char busy[64], idle[64], broken[64], again[64];
    run("--port", "0");
    make_sandbox(&server, "{\"name\":\"busy\",\"labels\":{\"l\":\"v\"},\"env\":{\"E\":\"e\"}}", busy);
    make_sandbox(&server, "{\"name\":\"idle\",\"autoStopInterval\":7}", idle);
    make_sandbox(&server, "{\"name\":\"broken\"}", broken);
    expect_output(&server, busy, "echo kept >kept; sleep 1000 >/dev/null 2>&1 & echo", "\n");
    expect_output(&server, idle, "echo also >kept", "");
    expect_status(&server, "POST", "/api/sandbox/idle/stop", NULL, 200);
    force(broken, "{\"state\":\"error\",\"errorReason\":\"no disk\",\"recoverable\":true}");
    end();

    run("--port", "0");
    await_state(&server, busy, "started");
    expect_output(&server, busy, "cat kept; echo $E; pgrep -c '^sleep$'", "kept\ne\n0\n");
    expect_origin("busy");
    struct answer list = get("/api/sandbox?labels=%7B%22l%22%3A%22v%22%7D");
    assert_int_equal(json_object_array_length(json_object_object_get(list.json, "items")), 1);
    answer_finish(&list);
    struct answer stopped = get("/api/sandbox/idle");
    assert_string_equal(text_at(&stopped, "state"), "stopped");
    assert_int_equal(number_at(&stopped, "autoStopInterval"), 7);
    answer_finish(&stopped);
    expect_status(&server, "POST", "/api/sandbox/idle/start", NULL, 200);
    expect_output(&server, idle, "cat kept", "also\n");
    struct answer failed = get("/api/sandbox/broken");
    assert_string_equal(text_at(&failed, "state"), "error");
    assert_string_equal(text_at(&failed, "errorReason"), "no disk");
    answer_finish(&failed);
    expect_status(&server, "POST", "/api/sandbox/broken/recover", NULL, 200);
    expect_status(&server, "POST", "/api/sandbox", "{\"name\":\"busy\"}", 409);
    make_sandbox(&server, "{}", again);
    expect_output(&server, again, "echo new", "new\n");
    assert_int_equal(server_end(&server), 0);
}

static void an_end_loses_nothing(void **state)
{
    (void)state;
    expect_kept(end_gently);
}

static void a_kill_loses_nothing(void **state)
{
    (void)state;
    expect_kept(end_suddenly);
}

static bool exists(const char *id)
{
    char path[192];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", directory, id);
    return stat(path, &info) == 0;
}

static void what_was_deleted_stays_so(void **state)
{
    (void)state;
    char gone[64], going[64];
    run("--delete-ms", "60000");
    make_sandbox(&server, "{\"name\":\"going\"}", going);
    expect_status(&server, "DELETE", "/api/sandbox/going", NULL, 200);
    end_suddenly();
    run("--port", "0");
    make_sandbox(&server, "{\"name\":\"gone\"}", gone);
    expect_status(&server, "DELETE", "/api/sandbox/gone", NULL, 200);
    await_state(&server, going, "gone");
    for (long until = now_ms() + LIMIT_MS; exists(going) && now_ms() < until;)
        nap();
    assert_false(exists(going));
    end_suddenly();
    run("--port", "0");
    expect_state(&server, gone, "gone");
    expect_state(&server, going, "gone");
    assert_false(exists(gone));
    end_gently();
}

/* Also over a restart no two sandboxes have the same user outside. */
static void users_are_not_mixed(void **state)
{
    (void)state;
    char first[64], second[64], path[192];
    struct stat one, other;
    if (geteuid() != 0) return; /* then all are ours */
    run("--port", "0");
    make_sandbox(&server, "{}", first);
    end_suddenly();
    run("--port", "0");
    make_sandbox(&server, "{}", second);
    snprintf(path, sizeof path, "%s/%s/home", directory, first);
    assert_int_equal(stat(path, &one), 0);
    snprintf(path, sizeof path, "%s/%s/home", directory, second);
    assert_int_equal(stat(path, &other), 0);
    assert_int_not_equal(one.st_uid, 0);
    assert_int_not_equal(one.st_uid, other.st_uid);
    end_gently();
}

static void one_server_has_it(void **state)
{
    (void)state;
    char text[1024];
    run("--port", "0");
    const char *const arguments[] = {"--state", directory, "--port", "0", NULL};
    assert_int_equal(server_fails(arguments, text, sizeof text), 1);
    assert_non_null(strstr(text, "another server keeps its state in"));
    end_gently();
    const char *const both[] = {"--state", directory, "--dir", "/tmp", NULL};
    assert_int_equal(server_fails(both, text, sizeof text), 2);
    assert_non_null(strstr(text, "not together with --dir"));
}

static void what_is_no_sandbox_is_left_alone(void **state)
{
    (void)state;
    char path[192];
    run("--port", "0");
    end_gently();
    snprintf(path, sizeof path, "%s/known/00000000-0000-4000-8000-000000000000.json", directory);
    FILE *file = fopen(path, "w");
    fputs("{\"state\":\"started\"", file);
    fclose(file);
    run("--port", "0");
    struct answer list = get("/api/sandbox");
    assert_int_equal(json_object_array_length(json_object_object_get(list.json, "items")), 0);
    answer_finish(&list);
    end_gently();
    assert_int_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_end_loses_nothing, fresh_directory, remove_directory),
        cmocka_unit_test_setup_teardown(a_kill_loses_nothing, fresh_directory, remove_directory),
        cmocka_unit_test_setup_teardown(what_was_deleted_stays_so, fresh_directory, remove_directory),
        cmocka_unit_test_setup_teardown(users_are_not_mixed, fresh_directory, remove_directory),
        cmocka_unit_test_setup_teardown(one_server_has_it, fresh_directory, remove_directory),
        cmocka_unit_test_setup_teardown(what_is_no_sandbox_is_left_alone, fresh_directory, remove_directory),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
