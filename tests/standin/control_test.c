/* control_test.c: the endpoints for tests: request log, faults, forced states; and https. */
#include "shared.h"

#include <curl/curl.h>
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
    make_sandbox(&server, "{\"name\":\"box\"}", id);
    return 0;
}

static void faults(const char *rules)
{
    expect_status(&server, "PUT", "/_standin/faults", rules, 204);
}

static int no_faults(void **state)
{
    (void)state;
    faults("[]");
    return 0;
}

static struct answer get(const char *path)
{
    return call(&server, (struct call){.method = "GET", .path = path});
}

static void requests_are_counted(void **state)
{
    (void)state;
    CURL *curl = curl_easy_init();
    expect_status(&server, "DELETE", "/_standin/log", NULL, 204);
    for (int i = 0; i < 2; i++) {
        struct answer again =
            call(&server, (struct call){.method = "GET", .path = "/api/sandbox/box?verbose=1", .curl = curl});
        answer_finish(&again);
    }
    expect_status(&server, "GET", "/api/sandbox/none", NULL, 404);
    curl_easy_cleanup(curl);
    struct answer log = get("/_standin/log");
    assert_int_equal(json_object_array_length(log.json), 3);
    struct answer entries[3];
    for (size_t i = 0; i < 3; i++)
        entries[i] = (struct answer){.json = json_object_array_get_idx(log.json, i)};
    assert_string_equal(text_at(&entries[0], "method"), "GET");
    assert_string_equal(text_at(&entries[0], "path"), "/api/sandbox/box");
    assert_string_equal(text_at(&entries[0], "query"), "verbose=1");
    assert_string_equal(text_at(&entries[0], "sandbox"), id);
    assert_int_equal(number_at(&entries[2], "status"), 404);
    assert_int_equal(number_at(&entries[0], "connection"), number_at(&entries[1], "connection"));
    assert_int_not_equal(number_at(&entries[0], "connection"), number_at(&entries[2], "connection"));
    answer_finish(&log);
}

static void an_answer_can_be_replaced(void **state)
{
    (void)state;
    faults("[{\"match\":{\"method\":\"POST\",\"path\":\"/sandbox\",\"count\":1},"
           "\"do\":{\"status\":429,\"body\":\"slow down\",\"content_type\":\"text/plain\","
           "\"headers\":{\"Retry-After-sandbox-create\":\"3\"}}}]");
    struct answer refused =
        call(&server, (struct call){.method = "POST", .path = "/api/sandbox", .body = "{\"name\":\"f\"}"});
    assert_int_equal(refused.status, 429);
    assert_string_equal(refused.body, "slow down");
    assert_non_null(strstr(refused.headers, "Retry-After-sandbox-create: 3"));
    answer_finish(&refused);
    expect_status(&server, "GET", "/api/sandbox/f", NULL, 404); /* not acted */
    expect_status(&server, "POST", "/api/sandbox", "{\"name\":\"f\"}", 200);
}

static void the_nth_request_can_be_chosen(void **state)
{
    (void)state;
    faults("[{\"match\":{\"path\":\"/box\",\"nth\":2,\"count\":2},\"do\":{\"status\":502}}]");
    static const long expected[] = {200, 502, 502, 200};
    for (size_t i = 0; i < 4; i++)
        expect_status(&server, "GET", "/api/sandbox/box", NULL, expected[i]);
    struct answer rules = get("/_standin/faults");
    struct answer rule = {.json = json_object_array_get_idx(rules.json, 0)};
    assert_int_equal(number_at(&rule, "seen"), 4);
    answer_finish(&rules);
}

static void answers_can_be_late(void **state)
{
    (void)state;
    faults("[{\"match\":{\"path\":\"/box\"},\"do\":{\"delay_ms\":200}}]");
    long before = now_ms();
    expect_status(&server, "GET", "/api/sandbox/box", NULL, 200);
    assert_true(now_ms() - before >= 200);
}

static void drop(const char *where)
{
    char rules[256];
    snprintf(rules, sizeof rules,
             "[{\"match\":{\"path\":\"/process/execute\",\"count\":1},\"do\":{\"drop\":\"%s\"}}]", where);
    faults(rules);
}

static void connections_can_be_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *where;
        long status;
        size_t len;
        const char *done;
    } cases[] = {{"before", 0, 0, "no\n"},
                 {"after_action", 0, 0, "yes\n"},
                 {"after_headers", 200, 0, "yes\n"},
                 {"mid_body", 200, strlen("{\"exitCode\":0,\"result\":\"\"}") / 2, "yes\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        drop(cases[i].where);
        struct answer cut = execute(&server, id, "touch done");
        assert_int_equal(cut.status, cases[i].status);
        assert_int_equal(cut.len, cases[i].len);
        answer_finish(&cut);
        expect_output(&server, id, "test -e done && echo yes || echo no; rm -f done", cases[i].done);
    }
}

static void files_and_streams_can_be_cut(void **state)
{
    (void)state;
    char path[128];
    expect_output(&server, id, "printf 0123456789 > ten", "");
    faults("[{\"match\":{\"path\":\"/files/download\"},\"do\":{\"drop\":\"mid_body\"}}]");
    snprintf(path, sizeof path, "/toolbox/%s/files/download?path=ten", id);
    struct answer cut = get(path);
    assert_int_equal(cut.status, 200);
    assert_string_equal(cut.body, "01234");
    answer_finish(&cut);
}

static void wrong_rules_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{}",
        "[{}]",
        "[{\"match\":{},\"do\":{\"drop\":\"sometimes\"}}]",
        "[{\"match\":{\"pth\":\"/x\"},\"do\":{}}]",
        "[{\"match\":{},\"do\":{\"stauts\":1}}]",
        "[{\"match\":{\"nth\":\"2\"},\"do\":{}}]",
        "[{\"match\":{},\"do\":{\"ends\":{\"state\":\"stopped\"}}}]",
        "[{\"match\":{},\"do\":{\"drop\":\"mid_body\",\"reset\":true}}]",
        "nonsense",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_status(&server, "PUT", "/_standin/faults", wrong[i], 400);
}

static void states_can_be_forced(void **state)
{
    (void)state;
    char box[64], path[128];
    make_sandbox(&server, "{\"name\":\"forced\"}", box);
    expect_output(&server, box, "echo kept > kept", "");
    snprintf(path, sizeof path, "/_standin/sandboxes/%s", box);
    expect_status(&server, "PUT", path,
                  "{\"state\":\"error\",\"errorReason\":\"disk full\",\"recoverable\":true}", 200);
    struct answer broken = get("/api/sandbox/forced");
    assert_string_equal(text_at(&broken, "state"), "error");
    assert_string_equal(text_at(&broken, "errorReason"), "disk full");
    answer_finish(&broken);
    expect_status(&server, "POST", "/api/sandbox/forced/start", NULL, 400);
    expect_status(&server, "POST", "/api/sandbox/forced/recover", NULL, 200);
    expect_output(&server, box, "cat kept", "kept\n");
    expect_status(&server, "POST", "/api/sandbox/forced/recover", NULL, 400);
    expect_status(&server, "PUT", path, "{\"state\":\"tarted\"}", 400);
    expect_status(&server, "PUT", path, "{\"state\":\"stopped\",\"then\":\"started\"}", 400);
    expect_status(&server, "PUT", path, "{\"state\":\"resizing\",\"then\":\"starting\"}", 400);
    expect_status(&server, "PUT", path, "{\"state\":\"destroyed\"}", 200);
    expect_state(&server, box, "gone");
}

static void the_servers_truth_can_be_asked(void **state)
{
    (void)state;
    expect_output(&server, id, "sleep 60 >/dev/null 2>&1 & echo", "\n");
    struct answer truth = get("/_standin/sandboxes");
    assert_true(number_at(&truth, "processes") >= 1);
    assert_int_equal(number_at(&truth, "created") - number_at(&truth, "destroyed"),
                     number_at(&truth, "live"));
    answer_finish(&truth);
    expect_output(&server, id, "pkill sleep; echo", "\n");
}

static void https_is_spoken(void **state)
{
    (void)state;
    char directory[] = "/tmp/standin-tls.XXXXXX", command[512], cert[64], key[64];
    assert_non_null(mkdtemp(directory));
    snprintf(cert, sizeof cert, "%s/cert", directory);
    snprintf(key, sizeof key, "%s/key", directory);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
             "-addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>/dev/null",
             key, cert);
    if (system(command) != 0) {
        print_message("SKIP: openssl is not installed\n");
        rmdir(directory);
        return;
    }
    setenv("STANDIN_TEST_CA", cert, 1);
    const char *const arguments[] = {"--tls-cert", cert, "--tls-key", key, NULL};
    struct server secure = server_run(arguments);
    unsetenv("STANDIN_TEST_CA");
    assert_int_equal(strncmp(secure.origin, "https://127.0.0.1:", 18), 0);
    assert_int_equal(server_end(&secure), 0);
    unlink(cert);
    unlink(key);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_counted),
        cmocka_unit_test_setup_teardown(an_answer_can_be_replaced, NULL, no_faults),
        cmocka_unit_test_setup_teardown(the_nth_request_can_be_chosen, NULL, no_faults),
        cmocka_unit_test_setup_teardown(answers_can_be_late, NULL, no_faults),
        cmocka_unit_test_setup_teardown(connections_can_be_dropped, NULL, no_faults),
        cmocka_unit_test_setup_teardown(files_and_streams_can_be_cut, NULL, no_faults),
        cmocka_unit_test(wrong_rules_are_refused),
        cmocka_unit_test(states_can_be_forced),
        cmocka_unit_test(the_servers_truth_can_be_asked),
        cmocka_unit_test(https_is_spoken),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, start_server, shared_end);
}
