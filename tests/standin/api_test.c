/* api_test.c: the control plane of a real stand-in: auth, sandboxes and their states, lists, options. */
#include "shared.h"

#include <curl/curl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int start_server(void **state)
{
    (void)state;
    static const char *const arguments[] = {"--jwt", "token", "--organization", "org-1", NULL};
    server = server_run(arguments);
    return 0;
}

static struct answer get_as(const char *path, const char *authorization, const char *header)
{
    return call(
        &server,
        (struct call){.method = "GET", .path = path, .authorization = authorization, .header = header});
}

static void expect_refused(const char *authorization, const char *header, long status, const char *message)
{
    struct answer answer = get_as("/api/sandbox", authorization, header);
    assert_int_equal(answer.status, status);
    assert_string_equal(text_at(&answer, "message"), message);
    assert_int_equal(number_at(&answer, "statusCode"), status);
    assert_string_equal(text_at(&answer, "path"), "/api/sandbox");
    answer_finish(&answer);
}

static void only_the_right_credentials_pass(void **state)
{
    (void)state;
    expect_refused("", NULL, 401, "Invalid credentials");
    expect_refused("Bearer wrong", NULL, 401, "Invalid credentials");
    expect_refused("Basic local-key", NULL, 401, "Invalid credentials");
    expect_refused("Bearer token", NULL, 403, "Invalid authentication context");
    expect_refused("Bearer token", "X-Daytona-Organization-ID: org-2", 403, "Invalid authentication context");
    struct answer jwt = get_as("/api/sandbox", "Bearer token", "X-Daytona-Organization-ID: org-1");
    struct answer key = get_as("/api/api-keys/current", NULL, NULL);
    assert_int_equal(jwt.status, 200);
    assert_int_equal(key.status, 200);
    answer_finish(&jwt);
    answer_finish(&key);
}

static void expect_answer(const char *path, const char *authorization, long status)
{
    struct answer answer = get_as(path, authorization, NULL);
    if (answer.status != status) fail_msg("%s as %s: %ld", path, authorization, answer.status);
    answer_finish(&answer);
}

/* A key where a token is wanted is no credentials at all, and counts as a failed attempt. */
static void some_routes_take_one_kind_of_credentials(void **state)
{
    (void)state;
    expect_answer("/api/organizations/org-1/usage", "Bearer token", 200);
    expect_answer("/api/organizations/org-2/usage", "Bearer token", 403);
    expect_answer("/api/organizations/org-1/usage", NULL, 401);
    expect_answer("/api/api-keys/current", "Bearer token", 401);
}

static void some_paths_are_public(void **state)
{
    (void)state;
    struct answer config = get_as("/api/config", "", NULL), page = get_as("/sandbox", "", NULL);
    char toolbox[160];
    snprintf(toolbox, sizeof toolbox, "%s/toolbox", server.origin);
    assert_string_equal(text_at(&config, "proxyToolboxUrl"), toolbox);
    assert_int_equal(page.status, 200); /* the wrong-base trap */
    assert_non_null(strstr(page.headers, "text/html"));
    answer_finish(&config);
    answer_finish(&page);
    expect_status(&server, "GET", "/api/nothing", NULL, 404);
}

static void a_sandbox_lives_and_dies(void **state)
{
    (void)state;
    char id[64], path[160];
    make_sandbox(&server, "{\"name\":\"life\",\"labels\":{\"a\":\"1\"}}", id);
    expect_state(&server, id, "started");
    expect_status(&server, "POST", "/api/sandbox", "{\"name\":\"life\"}", 409);
    expect_status(&server, "POST", "/api/sandbox/life/start", NULL,
                  200); /* by name; already started: nothing */
    expect_status(&server, "POST", "/api/sandbox/life/stop?force=perhaps", NULL, 400);
    expect_status(&server, "POST", "/api/sandbox/life/stop?force=true", NULL, 200);
    expect_state(&server, id, "stopped");
    expect_status(&server, "POST", "/api/sandbox/life/stop", NULL, 400);
    expect_status(&server, "POST", "/api/sandbox/life/archive", NULL, 200);
    expect_state(&server, id, "archived");
    expect_status(&server, "POST", "/api/sandbox/life/start", NULL, 200);
    expect_state(&server, id, "started");
    expect_status(&server, "POST", "/api/sandbox/life/archive", NULL, 400);
    expect_status(&server, "POST", "/api/sandbox/life/pause", NULL, 422);
    snprintf(path, sizeof path, "/api/sandbox/%s", id);
    struct answer deleted = call(&server, (struct call){.method = "DELETE", .path = path});
    assert_string_equal(text_at(&deleted, "state"), "destroying");
    answer_finish(&deleted);
    expect_state(&server, id, "gone");
    expect_status(&server, "DELETE", path, NULL, 404);
}

static void create_fills_in_the_defaults(void **state)
{
    (void)state;
    struct answer made = call(&server, (struct call){.method = "POST", .path = "/api/sandbox", .body = "{}"});
    assert_int_equal(made.status, 200);
    assert_string_equal(text_at(&made, "name"), text_at(&made, "id"));
    assert_string_equal(text_at(&made, "user"), "daytona");
    assert_string_equal(text_at(&made, "organizationId"), "org-1");
    assert_int_equal(number_at(&made, "autoStopInterval"), 15);
    assert_int_equal(number_at(&made, "autoDeleteInterval"), -1);
    assert_string_equal(text_at(&made, "desiredState"), "started");
    answer_finish(&made);
}

static void create_refuses_what_the_service_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"cpu\":2}",
        "{\"snapshot\":\"s\",\"buildInfo\":{\"dockerfileContent\":\"FROM x\\n\"}}",
        "{\"buildInfo\":{\"dockerfileContent\":\"\"}}",
        "{\"name\":\"<b>\"}",
        "{\"name\":\"http://x\"}",
        "{\"labels\":{\"a\":1}}",
        "{\"env\":[]}",
        "{\"autoStopInterval\":-1}",
        "{\"autoStopInterval\":\"5\"}",
        "{\"name\":",
        "{\"name\":\"a\nb\"}",
        "{\"cpu\":NaN}",
        "{} {}",
        "{'name':'a'}",
        "// c\n{}",
        "[]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_status(&server, "POST", "/api/sandbox", bad[i], 400);
    expect_status(&server, "POST", "/api/sandbox",
                  "{\"buildInfo\":{\"dockerfileContent\":\"FROM x\\n\"},\"cpu\":2}", 200);
}

static void expect_name(const char *type, const char *body, bool is_read)
{
    struct answer answer =
        call(&server, (struct call){.method = "POST", .path = "/api/sandbox", .body = body, .type = type});
    assert_int_equal(answer.status, 200);
    assert_int_equal(strcmp(text_at(&answer, "name"), "typed") == 0, is_read);
    char path[200];
    snprintf(path, sizeof path, "/api/sandbox/%s", text_at(&answer, "id"));
    answer_finish(&answer);
    expect_status(&server, "DELETE", path, NULL, 200);
}

/* A wrong type is a default sandbox, not an error: a wart that must be met here first. */
static void only_what_says_json_is_read(void **state)
{
    (void)state;
    expect_name("application/json", "{\"name\":\"typed\"}", true);
    expect_name("Application/JSON; charset=utf-8", "{\"name\":\"typed\"}", true);
    expect_name("", "{\"name\":\"typed\"}", true);
    expect_name("text/plain", "{\"name\":\"typed\"}", false);
    expect_name("application/x-www-form-urlencoded", "{\"name\":\"typed\"}", false);
    expect_name("text/plain", "not json", false);
}

static void head_is_a_get_without_a_body(void **state)
{
    (void)state;
    expect_status(&server, "HEAD", "/api/sandbox", NULL, 200);
    expect_status(&server, "HEAD", "/api/sandbox/none", NULL, 404);
}

static void a_deleted_name_is_free_at_once(void **state)
{
    (void)state;
    char id[64];
    make_sandbox(&server, "{\"name\":\"again\"}", id);
    expect_status(&server, "DELETE", "/api/sandbox/again", NULL, 200);
    make_sandbox(&server, "{\"name\":\"again\"}", id);
}

static void an_ephemeral_one_vanishes_on_stop(void **state)
{
    (void)state;
    char id[64];
    make_sandbox(&server, "{\"name\":\"brief\",\"autoDeleteInterval\":0}", id);
    expect_status(&server, "POST", "/api/sandbox/brief/stop", NULL, 200);
    expect_state(&server, id, "gone");
}

static void settings_can_be_changed(void **state)
{
    (void)state;
    char id[64];
    make_sandbox(&server, "{\"name\":\"my set\",\"labels\":{\"old\":\"1\"}}", id);
    expect_status(&server, "PUT", "/api/sandbox/my%20set/labels", "{\"labels\":{\"new\":\"2\"}}", 200);
    expect_status(&server, "PUT", "/api/sandbox/my%20set/labels", "{\"labels\":{\"new\":2}}", 400);
    expect_status(&server, "POST", "/api/sandbox/my%20set/autostop/30", NULL, 201);
    expect_status(&server, "POST", "/api/sandbox/my%20set/autostop/-1", NULL, 400);
    expect_status(&server, "POST", "/api/sandbox/my%20set/autodelete/-1", NULL, 201);
    expect_status(&server, "POST", "/api/sandbox/my%20set/autoarchive/60", NULL, 201);
    expect_status(&server, "POST", "/api/sandbox/my%20set/last-activity", "{}", 201);
    expect_status(&server, "GET", "/api/sandbox/my%20set/toolbox-proxy-url", NULL, 200);
    struct answer now = get_as("/api/sandbox/my%20set", NULL, NULL);
    assert_int_equal(number_at(&now, "autoStopInterval"), 30);
    assert_int_equal(number_at(&now, "autoArchiveInterval"), 60);
    assert_string_equal(text_at(&now, "labels"), "{ \"new\": \"2\" }");
    answer_finish(&now);
}

/* Walks over all pages and counts. */
static size_t count_listed(const char *query)
{
    char path[1024], cursor[512] = "";
    size_t count = 0;
    do {
        snprintf(path, sizeof path, "/api/sandbox?%s%s%s", query, *cursor ? "&cursor=" : "", cursor);
        struct answer page = get_as(path, NULL, NULL);
        assert_int_equal(page.status, 200);
        struct json_object *items = json_object_object_get(page.json, "items");
        for (size_t i = 0; i < json_object_array_length(items); i++, count++)
            assert_null(json_object_object_get(json_object_array_get_idx(items, i), "env"));
        snprintf(cursor, sizeof cursor, "%s", text_at(&page, "nextCursor"));
        answer_finish(&page);
    } while (*cursor != '\0');
    return count;
}

static void lists_are_filtered_and_paged(void **state)
{
    (void)state;
    char id[64], body[128];
    for (int i = 0; i < 5; i++) {
        snprintf(body, sizeof body, "{\"name\":\"list-%d\",\"labels\":{\"l\":\"v w\",\"n\":\"%d\"}}", i, i);
        make_sandbox(&server, body, id);
    }
    assert_int_equal(count_listed("labels=%7B%22l%22%3A%22v+w%22%7D"), 5);
    assert_int_equal(count_listed("labels=%7B%22l%22%3A%22v+w%22%7D&limit=2"), 5);
    assert_int_equal(count_listed("labels=%7B%22l%22%3A%22v+w%22%2C%22n%22%3A%223%22%7D"), 1);
    assert_int_equal(count_listed("labels=%7B%22l%22%3A%22v%22%7D"), 0);
    assert_int_equal(count_listed("name=list-&states=started&states=stopped&limit=1&sort=name&order=asc"), 5);
    assert_int_equal(count_listed("name=list-&states=stopped"), 0);
    expect_status(&server, "GET", "/api/sandbox?labels=%7B", NULL, 400);
    expect_status(&server, "GET", "/api/sandbox?cursor=x", NULL, 400);
    expect_status(&server, "GET", "/api/sandbox?limit=201", NULL, 400);
    expect_status(&server, "GET", "/api/sandbox?states=destroyed", NULL, 400);
}

/* Ends a transition that takes a minute. */
static void force(const struct server *to, const char *id, const char *state)
{
    char path[128], body[64];
    snprintf(path, sizeof path, "/_standin/sandboxes/%s", id);
    snprintf(body, sizeof body, "{\"state\":\"%s\"}", state);
    expect_status(to, "PUT", path, body, 200);
}

static void transitions_take_their_time(void **state)
{
    (void)state;
    static const char *const arguments[] = {"--transition-ms", "60000", NULL};
    struct server slow = server_run(arguments);
    char id[64];
    make_sandbox(&slow, "{\"name\":\"slow\"}", id);
    expect_state(&slow, id, "creating");
    expect_status(&slow, "DELETE", "/api/sandbox/slow", NULL, 409);
    expect_status(&slow, "POST", "/api/sandbox/slow/stop", NULL, 409);
    force(&slow, id, "started");
    expect_status(&slow, "POST", "/api/sandbox/slow/stop", NULL, 200);
    expect_state(&slow, id, "stopping");
    force(&slow, id, "stopped");
    expect_status(&slow, "POST", "/api/sandbox/slow/archive", NULL, 200);
    expect_status(&slow, "POST", "/api/sandbox/slow/start", NULL, 200); /* allowed while archiving */
    expect_state(&slow, id, "restoring");
    force(&slow, id, "started");
    expect_status(&slow, "DELETE", "/api/sandbox/slow", NULL, 200);
    expect_state(&slow, id, "destroying");
    assert_int_equal(server_end(&slow), 0);
}

static void transitions_end(void **state)
{
    (void)state;
    static const char *const arguments[] = {"--transition-ms", "100", NULL};
    struct server slow = server_run(arguments);
    char id[64];
    long before = now_ms();
    make_sandbox(&slow, "{\"name\":\"slow\"}", id);
    await_state(&slow, id, "started");
    assert_true(now_ms() - before >= 100);
    expect_status(&slow, "POST", "/api/sandbox/slow/stop", NULL, 200);
    await_state(&slow, id, "stopped");
    expect_status(&slow, "POST", "/api/sandbox/slow/start", NULL, 200);
    await_state(&slow, id, "started");
    expect_status(&slow, "DELETE", "/api/sandbox/slow", NULL, 200);
    await_state(&slow, id, "gone");
    assert_int_equal(server_end(&slow), 0);
}

static void a_blocked_create_shows_the_stale_state(void **state)
{
    (void)state;
    static const char *const arguments[] = {"--create-ms", "100", "--create-blocks-ms", "10000", NULL};
    struct server blocking = server_run(arguments);
    long before = now_ms();
    struct answer made =
        call(&blocking, (struct call){.method = "POST", .path = "/api/sandbox", .body = "{\"name\":\"b\"}"});
    assert_string_equal(text_at(&made, "state"), "creating");
    assert_true(now_ms() - before >= 100 && now_ms() - before < 10000);
    expect_state(&blocking, text_at(&made, "id"), "started");
    answer_finish(&made);
    assert_int_equal(server_end(&blocking), 0);
}

struct busy {
    const struct server *server;
    char id[64];
    bool awake;
};

static void *be_busy(void *argument)
{
    struct busy *busy = argument;
    struct answer ran = execute(busy->server, busy->id, "touch running; sleep 1; echo awake");
    busy->awake = ran.status == 200 && strcmp(text_at(&ran, "result"), "awake\n") == 0;
    answer_finish(&ran);
    return NULL;
}

/* A request in flight is activity: the interval is a few ms from when it is under way. */
static void expect_busy_is_no_idleness(const struct server *quick)
{
    struct busy busy = {.server = quick};
    pthread_t thread;
    char path[128];
    make_sandbox(quick, "{\"autoStopInterval\":0}", busy.id);
    assert_int_equal(pthread_create(&thread, NULL, be_busy, &busy), 0);
    await_output(quick, busy.id, "test -e running && echo yes", "yes\n");
    snprintf(path, sizeof path, "/api/sandbox/%s/autostop/1", busy.id);
    expect_status(quick, "POST", path, NULL, 201);
    pthread_join(thread, NULL);
    assert_true(busy.awake);
}

static void idle_sandboxes_stop_archive_and_go(void **state)
{
    (void)state;
    static const char *const arguments[] = {"--minute-ms", "30", NULL};
    struct server quick = server_run(arguments);
    char id[64];
    make_sandbox(&quick, "{\"autoStopInterval\":1,\"autoArchiveInterval\":1}", id);
    await_state(&quick, id, "archived");
    make_sandbox(&quick, "{\"autoStopInterval\":1,\"autoDeleteInterval\":1}", id);
    await_state(&quick, id, "gone");
    expect_busy_is_no_idleness(&quick);
    assert_int_equal(server_end(&quick), 0);
}

static void a_quota_can_be_set(void **state)
{
    (void)state;
    static const char *const arguments[] = {"--max-sandboxes", "1", NULL};
    struct server small = server_run(arguments);
    char id[64];
    make_sandbox(&small, "{}", id);
    struct answer refused =
        call(&small, (struct call){.method = "POST", .path = "/api/sandbox", .body = "{}"});
    assert_int_equal(refused.status, 400);
    assert_non_null(strstr(text_at(&refused, "message"), "Total CPU limit exceeded"));
    answer_finish(&refused);
    assert_int_equal(server_end(&small), 0);
}

static void expect_usage_error(const char *option, const char *value)
{
    char text[4096];
    const char *const arguments[] = {option, value, NULL};
    assert_int_equal(server_fails(arguments, text, sizeof text), 2);
    assert_non_null(strstr(text, "--help"));
}

static void mistakes_on_the_command_line_are_explained(void **state)
{
    (void)state;
    char text[8192];
    static const char *const help[] = {"--help", NULL};
    assert_int_equal(server_fails(help, text, sizeof text), 0);
    assert_non_null(strstr(text, "--ready-fd"));
    expect_usage_error("--unknown", NULL);
    expect_usage_error("--port", "x");
    expect_usage_error("--bind", "0.0.0.0");
    expect_usage_error("--bind", "127.0.0.1.example.org");
    expect_usage_error("--tls-cert", "x.pem");
    expect_usage_error("--isolation", "some");
    expect_usage_error("stray", NULL);
}

static void a_taken_port_is_refused(void **state)
{
    (void)state;
    char text[4096];
    const char *const arguments[] = {"--port", strrchr(server.origin, ':') + 1, NULL};
    assert_int_equal(server_fails(arguments, text, sizeof text), 1);
    assert_non_null(strstr(text, "cannot listen on 127.0.0.1:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_right_credentials_pass),
        cmocka_unit_test(some_routes_take_one_kind_of_credentials),
        cmocka_unit_test(some_paths_are_public),
        cmocka_unit_test(a_sandbox_lives_and_dies),
        cmocka_unit_test(create_fills_in_the_defaults),
        cmocka_unit_test(create_refuses_what_the_service_refuses),
        cmocka_unit_test(only_what_says_json_is_read),
        cmocka_unit_test(head_is_a_get_without_a_body),
        cmocka_unit_test(a_deleted_name_is_free_at_once),
        cmocka_unit_test(an_ephemeral_one_vanishes_on_stop),
        cmocka_unit_test(settings_can_be_changed),
        cmocka_unit_test(lists_are_filtered_and_paged),
        cmocka_unit_test(transitions_take_their_time),
        cmocka_unit_test(transitions_end),
        cmocka_unit_test(a_blocked_create_shows_the_stale_state),
        cmocka_unit_test(idle_sandboxes_stop_archive_and_go),
        cmocka_unit_test(a_quota_can_be_set),
        cmocka_unit_test(a_taken_port_is_refused),
        cmocka_unit_test(mistakes_on_the_command_line_are_explained),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, start_server, shared_end);
}
