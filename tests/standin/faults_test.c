/* faults_test.c: every way in which a test can make the server misbehave: late, cut, wrong, stale and stuck answers,
 * transitions that fail, forced states, rate limits, a wrong clock. */
#include "shared.h"

#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* With ' for ". */
static void put(const char *path, const char *text, long status)
{
    char json[1024];
    snprintf(json, sizeof json, "%s", text);
    for (char *at = json; (at = strchr(at, '\'')) != NULL;)
        *at = '"';
    expect_status(&server, "PUT", path, json, status);
}

static void faults(const char *rules)
{
    put("/_standin/faults", rules, 204);
}

static int no_faults(void **state)
{
    (void)state;
    faults("[]");
    put("/_standin/throttlers", "{}", 204);
    put("/_standin/clock", "{'offset_ms':0}", 204);
    return 0;
}

static struct answer request(const char *method, const char *path)
{
    return call(&server, (struct call){.method = method, .path = path});
}

static void expect_text(const char *path, const char *key, const char *expected)
{
    struct answer answer = request("GET", path);
    if (strcmp(text_at(&answer, key), expected) != 0)
        fail_msg("%s: %s is \"%s\", not \"%s\"", path, key, text_at(&answer, key), expected);
    answer_finish(&answer);
}

static size_t count_listed(const char *query)
{
    char path[256];
    snprintf(path, sizeof path, "/api/sandbox?%s", query);
    struct answer list = request("GET", path);
    assert_int_equal(list.status, 200);
    size_t count = json_object_array_length(json_object_object_get(list.json, "items"));
    answer_finish(&list);
    return count;
}

static void an_answer_can_be_wrong_after_the_deed(void **state)
{
    (void)state;
    faults("[{'match':{'method':'POST','path':'/api/sandbox','count':1},'do':{'status':502,'act':true}}]");
    expect_status(&server, "POST", "/api/sandbox", "{\"name\":\"after\"}", 502);
    expect_status(&server, "GET", "/api/sandbox/after", NULL, 200);
}

static void an_answer_can_be_a_gateways_page(void **state)
{
    (void)state;
    faults("[{'match':{'path':'/api/sandbox/*','count':1},'do':{'html':true}}]");
    struct answer page = request("GET", "/api/sandbox/any");
    assert_int_equal(page.status, 200);
    assert_non_null(strstr(page.headers, "text/html"));
    assert_non_null(strstr(page.body, "<html>"));
    answer_finish(&page);
}

/* The service's own shape of an error, with a text of the test's. */
static void an_answer_can_be_an_error_of_the_service(void **state)
{
    (void)state;
    faults("[{'match':{'method':'POST','path':'/api/sandbox'},'do':{'message':'No available runners'}},"
           " {'match':{'path':'/process/execute'},'do':{'status':500,'message':'no'}}]");
    struct answer refused =
        call(&server, (struct call){.method = "POST", .path = "/api/sandbox", .body = "{\"name\":\"none\"}"});
    assert_int_equal(refused.status, 400);
    assert_string_equal(text_at(&refused, "message"), "No available runners");
    assert_string_equal(text_at(&refused, "error"), "Bad Request");
    answer_finish(&refused);
    struct answer toolbox = execute(&server, "x", "true");
    assert_string_equal(text_at(&toolbox, "method"), "POST");
    answer_finish(&toolbox);
}

static void the_deed_can_be_early_and_the_answer_late(void **state)
{
    (void)state;
    faults("[{'match':{'method':'POST','path':'/api/sandbox'},'do':{'answer_delay_ms':5000}}]");
    struct answer gone = call(&server, (struct call){.method = "POST",
                                                     .path = "/api/sandbox",
                                                     .body = "{\"name\":\"early\"}",
                                                     .timeout_ms = 1500});
    assert_int_equal(gone.status, 0);
    answer_finish(&gone);
    await_state(&server, "early", "started");
}

/* A connection that was idle dies with the next request on it, as behind any load balancer. */
static void reused_connections_can_die(void **state)
{
    (void)state;
    CURL *curl = curl_easy_init();
    faults("[{'match':{'reused':true,'count':1},'do':{'drop':'before'}}]");
    for (int i = 0; i < 2; i++) {
        struct answer answer =
            call(&server, (struct call){.method = "GET", .path = "/api/config", .curl = curl});
        assert_int_equal(answer.status, 200);
        assert_int_equal(answer.connections, 1); /* the second one, too: libcurl repeats what got no answer */
        answer_finish(&answer);
    }
    curl_easy_cleanup(curl);
}

static void connections_can_be_reset(void **state)
{
    (void)state;
    CURL *curl = curl_easy_init();
    char url[256];
    faults("[{'match':{'path':'/api/config'},'do':{'drop':'after_action','reset':true}}]");
    snprintf(url, sizeof url, "%s/api/config", server.origin);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    assert_int_equal(curl_easy_perform(curl), CURLE_RECV_ERROR);
    curl_easy_cleanup(curl);
}

static void the_query_tells_requests_apart(void **state)
{
    (void)state;
    faults("[{'match':{'path':'/api/sandbox','query':'cursor='},'do':{'status':503}}]");
    expect_status(&server, "GET", "/api/sandbox?limit=1", NULL, 200);
    expect_status(&server, "GET", "/api/sandbox?limit=1&cursor=aa", NULL, 503);
}

static long applied_of_200(void)
{
    faults("[{'match':{'path':'/api/config','chance':30,'seed':7},'do':{'status':503}}]");
    for (int i = 0; i < 200; i++) {
        struct answer answer = request("GET", "/api/config");
        answer_finish(&answer);
    }
    struct answer rules = request("GET", "/_standin/faults");
    struct answer rule = {.json = json_object_array_get_idx(rules.json, 0)};
    long applied = number_at(&rule, "applied");
    answer_finish(&rules);
    return applied;
}

static void chance_is_repeatable(void **state)
{
    (void)state;
    long applied = applied_of_200();
    assert_true(applied > 30 && applied < 90);
    assert_int_equal(applied_of_200(), applied);
}

/* The sandbox exists, its name is taken, and the answer does not name it (protocol 4.2). */
static void a_create_can_fail_after_the_fact(void **state)
{
    (void)state;
    faults("[{'match':{'method':'POST','path':'/api/sandbox','count':1},"
           "  'do':{'ends':{'errorReason':'out of luck','recoverable':true}}}]");
    struct answer refused = call(
        &server, (struct call){.method = "POST", .path = "/api/sandbox", .body = "{\"name\":\"unlucky\"}"});
    assert_int_equal(refused.status, 400);
    assert_string_equal(text_at(&refused, "message"), "Sandbox failed to start: out of luck");
    assert_string_equal(text_at(&refused, "id"), "");
    answer_finish(&refused);
    expect_text("/api/sandbox/unlucky", "state", "error");
    expect_text("/api/sandbox/unlucky", "errorReason", "out of luck");
    expect_status(&server, "POST", "/api/sandbox", "{\"name\":\"unlucky\"}", 409);
    expect_status(&server, "POST", "/api/sandbox/unlucky/recover", NULL, 200);
    expect_text("/api/sandbox/unlucky", "state", "started");
}

static void a_failed_sandbox_is_gone_when_deleted(void **state)
{
    (void)state;
    faults("[{'match':{'method':'POST','path':'/api/sandbox','count':1},"
           "  'do':{'ends':{'state':'build_failed'}}},"
           " {'match':{'method':'DELETE'},'do':{'transition_ms':60000}}]");
    expect_status(&server, "POST", "/api/sandbox", "{\"name\":\"unbuilt\"}", 400);
    expect_text("/api/sandbox/unbuilt", "state", "build_failed");
    struct answer deleted = request("DELETE", "/api/sandbox/unbuilt");
    assert_string_equal(text_at(&deleted, "state"), "build_failed");
    char path[128];
    snprintf(path, sizeof path, "/api/sandbox/%s", text_at(&deleted, "id"));
    answer_finish(&deleted);
    expect_status(&server, "GET", path, NULL, 404);
    assert_int_equal(count_listed("states=build_failed"), 0);
    assert_int_equal(count_listed("states=build_failed&includeErroredDeleted=true"), 1);
}

static void a_create_can_be_held(void **state)
{
    (void)state;
    faults("[{'match':{'method':'POST','path':'/api/sandbox'},'do':{'hold_ms':10000,'transition_ms':300}}]");
    long before = now_ms();
    struct answer made =
        call(&server, (struct call){.method = "POST", .path = "/api/sandbox", .body = "{\"name\":\"held\"}"});
    assert_true(now_ms() - before >= 300);
    assert_string_equal(text_at(&made, "state"), "creating"); /* the state from before the wait */
    answer_finish(&made);
    expect_text("/api/sandbox/held", "state", "started");
    faults("[{'match':{'path':'/start'},'do':{'hold_ms':10000,'transition_ms':300}}]");
    expect_status(&server, "POST", "/api/sandbox/held/stop", NULL, 200);
    struct answer again = request("POST", "/api/sandbox/held/start");
    assert_string_equal(text_at(&again, "state"), "started"); /* the one from after it */
    answer_finish(&again);
}

static void transitions_can_get_stuck(void **state)
{
    (void)state;
    char id[64];
    make_sandbox(&server, "{\"name\":\"stuck\"}", id);
    faults("[{'match':{'path':'/stop'},'do':{'stuck':true}}]");
    expect_status(&server, "POST", "/api/sandbox/stuck/stop", NULL, 200);
    expect_text("/api/sandbox/stuck", "state", "stopping");
    expect_status(&server, "DELETE", "/api/sandbox/stuck", NULL, 409);
    char path[128];
    snprintf(path, sizeof path, "/_standin/sandboxes/%s", id);
    put(path, "{'state':'stopped'}", 200);
    expect_status(&server, "DELETE", "/api/sandbox/stuck", NULL, 200);
}

static void answers_can_be_behind_the_times(void **state)
{
    (void)state;
    char id[64], path[128];
    faults("[{'match':{'method':'GET'},'do':{'stale_requests':2}}]");
    make_sandbox(&server, "{\"name\":\"stale\",\"labels\":{\"s\":\"1\"}}", id);
    snprintf(path, sizeof path, "/api/sandbox/%s", id);
    const char *query = "labels=%7B%22s%22%3A%221%22%7D";
    assert_int_equal(count_listed(query), 0);
    assert_int_equal(count_listed(query), 1);
    expect_status(&server, "POST", "/api/sandbox/stale/stop", NULL, 200);
    expect_text(path, "state", "started");
    expect_text(path, "state", "stopped");
    expect_status(&server, "DELETE", "/api/sandbox/stale", NULL, 200);
    assert_int_equal(count_listed(query), 1);
    assert_int_equal(count_listed(query), 0);
    expect_status(&server, "GET", path, NULL, 404);
}

static void answers_can_be_late_by_the_clock(void **state)
{
    (void)state;
    char id[64], by_id[128];
    const char *path = "/api/sandbox/old%20news";
    make_sandbox(&server, "{\"name\":\"old news\"}", id);
    snprintf(by_id, sizeof by_id, "/api/sandbox/%s", id);
    faults("[{'match':{'method':'GET','path':'/api/sandbox/*'},'do':{'stale_ms':60000}}]");
    expect_status(&server, "GET", path, NULL, 404);
    expect_text(by_id, "state", "creating"); /* who has the id has it from somewhere */
    faults("[{'match':{'method':'GET','path':'/api/sandbox/*'},'do':{'stale_ms':400}}]");
    for (long until = now_ms() + LIMIT_MS; now_ms() < until; nap()) {
        struct answer seen = request("GET", path);
        long status = seen.status;
        answer_finish(&seen);
        if (status == 200) return;
    }
    fail_msg("never seen");
}

static void every_state_can_be_forced(void **state)
{
    (void)state;
    static const char *const names[] = {
        "creating",     "restoring", "destroying",        "started",          "stopped",  "starting",
        "stopping",     "error",     "build_failed",      "unknown",          "archived", "pending_build",
        "archiving",    "resizing",  "building_snapshot", "pulling_snapshot", "forking",  "pausing",
        "snapshotting", "paused",    "resuming"};
    char id[64], control[128], path[128], body[128];
    make_sandbox(&server, "{}", id);
    snprintf(control, sizeof control, "/_standin/sandboxes/%s", id);
    snprintf(path, sizeof path, "/api/sandbox/%s", id);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(body, sizeof body, "{'state':'%s'}", names[i]);
        put(control, body, 200);
        expect_text(path, "state", names[i]);
    }
    put(control, "{'state':'starting','shown':'hibernating','in_ms':50,'then':'started'}", 200);
    await_state(&server, id, "started");
    expect_output(&server, id, "echo back", "back\n");
    put(control, "{'state':'unknown','shown':'hibernating'}", 200);
    expect_text(path, "state", "hibernating");
    put(control, "{'state':'starting','shown':null}", 200);
    expect_text(path, "state", "");
    put(control, "{'state':'destroyed'}", 200);
    expect_status(&server, "GET", path, NULL, 404);
}

/* While its processes are being ended, too: the answer comes when it is gone, not when all patience is. */
static void who_is_on_the_way_out_can_be_forced(void **state)
{
    (void)state;
    enum { ROUNDS = 12, PATIENCE_MS = 20000 };
    char id[64], control[128], path[128];
    faults("[{'match':{'method':'DELETE'},'do':{'transition_ms':1}}]");
    for (int i = 0; i < ROUNDS; i++) {
        make_sandbox(&server, "{}", id);
        snprintf(control, sizeof control, "/_standin/sandboxes/%s", id);
        snprintf(path, sizeof path, "/api/sandbox/%s", id);
        expect_status(&server, "DELETE", path, NULL, 200);
        usleep((useconds_t)(i % 4) * 1000);
        long before = now_ms();
        struct answer forced = call(&server, (struct call){.method = "PUT",
                                                           .path = control,
                                                           .body = i % 2 == 0 ? "{\"state\":\"destroyed\"}"
                                                                              : "{\"state\":\"stopped\"}"});
        assert_true(now_ms() - before < PATIENCE_MS);
        assert_true(forced.status == 200 || forced.status == 404);
        answer_finish(&forced);
    }
}

static void last_activity(const char *path, char text[32])
{
    struct answer seen = request("GET", path);
    snprintf(text, 32, "%s", text_at(&seen, "lastActivityAt"));
    answer_finish(&seen);
}

static void idleness_can_be_forced(void **state)
{
    (void)state;
    char id[64], path[128], before[32], forced[32], after[32];
    make_sandbox(&server, "{\"name\":\"idle\"}", id);
    last_activity("/api/sandbox/idle", before);
    snprintf(path, sizeof path, "/_standin/sandboxes/%s", id);
    put(path, "{'idle_ms':600000}", 200);
    last_activity("/api/sandbox/idle", forced);
    assert_true(strcmp(forced, before) < 0);
    snprintf(path, sizeof path, "/toolbox/%s/version", id);
    struct answer quiet = call(
        &server,
        (struct call){.method = "GET", .path = path, .header = "X-Daytona-Skip-Last-Activity-Update: true"});
    assert_int_equal(quiet.status, 200);
    answer_finish(&quiet);
    last_activity("/api/sandbox/idle", after);
    assert_string_equal(after, forced);
    expect_status(&server, "GET", path, NULL, 200);
    last_activity("/api/sandbox/idle", after);
    assert_true(strcmp(after, before) >= 0);
}

static void a_paused_sandbox_can_go_on(void **state)
{
    (void)state;
    char id[64], path[128];
    make_sandbox(&server, "{\"name\":\"vm\"}", id);
    expect_output(&server, id, "echo kept > kept", "");
    snprintf(path, sizeof path, "/_standin/sandboxes/%s", id);
    put(path, "{'state':'paused'}", 200);
    expect_text("/api/sandbox/vm", "sandboxClass", "linux-vm");
    expect_status(&server, "POST", "/api/sandbox/vm/start", NULL, 200);
    await_state(&server, id, "started");
    expect_output(&server, id, "cat kept", "kept\n");
}

static void expect_header(const struct answer *answer, const char *line)
{
    if (strstr(answer->headers, line) == NULL) fail_msg("no %s in %s", line, answer->headers);
}

static void await_create(long status)
{
    long is = 0;
    for (long until = now_ms() + LIMIT_MS; is != status && now_ms() < until; nap()) {
        struct answer made =
            call(&server, (struct call){.method = "POST", .path = "/api/sandbox", .body = "{}"});
        is = made.status;
        answer_finish(&made);
    }
    assert_int_equal(is, status);
}

static void creates_are_counted(void **state)
{
    (void)state;
    put("/_standin/throttlers", "{'sandbox-create':{'limit':2,'ttl_ms':60000}}", 204);
    struct call create = {.method = "POST", .path = "/api/sandbox", .body = "{}"};
    for (int i = 1; i >= 0; i--) {
        char line[64];
        struct answer made = call(&server, create);
        assert_int_equal(made.status, 200);
        snprintf(line, sizeof line, "X-RateLimit-Remaining-sandbox-create: %d", i);
        expect_header(&made, line);
        answer_finish(&made);
    }
    struct answer refused = call(&server, create);
    assert_int_equal(refused.status, 429);
    assert_string_equal(text_at(&refused, "message"), "ThrottlerException: Too Many Requests");
    expect_header(&refused, "Retry-After-sandbox-create: 60");
    assert_null(strstr(refused.headers, "Retry-After: "));
    answer_finish(&refused);
    assert_int_equal(count_listed("limit=1"), 1); /* the other routes are not its business */
    put("/_standin/throttlers", "{'sandbox-create':{'limit':1,'ttl_ms':500}}", 204);
    await_create(429);
    await_create(200); /* it opens again */
}

static void each_route_has_its_throttler(void **state)
{
    (void)state;
    char id[64];
    make_sandbox(&server, "{\"name\":\"busy\"}", id);
    put("/_standin/throttlers",
        "{'authenticated':{'limit':1,'ttl_ms':60000},'sandbox-lifecycle':{'limit':1,'ttl_ms':60000},"
        " 'anonymous':{'limit':1,'ttl_ms':60000}}",
        204);
    expect_status(&server, "GET", "/api/sandbox/busy", NULL, 200);
    expect_status(&server, "GET", "/api/sandbox", NULL, 429); /* one counter for all of them */
    expect_status(&server, "POST", "/api/sandbox/busy/stop", NULL, 200);
    expect_status(&server, "POST", "/api/sandbox/busy/start", NULL, 429);
    expect_status(&server, "GET", "/api/config", NULL, 200);
    expect_status(&server, "GET", "/api/health", NULL, 429);
    expect_status(&server, "POST", "/api/sandbox", "{\"name\":\"busy too\"}", 200);
}

/* One bad key locks the whole address out, good keys and all. */
static void wrong_credentials_lock_out(void **state)
{
    (void)state;
    put("/_standin/throttlers", "{'failed-auth':{'limit':2,'ttl_ms':60000}}", 204);
    struct call wrong = {.method = "GET", .path = "/api/sandbox", .authorization = "Bearer wrong"};
    struct answer first = call(&server, wrong);
    assert_int_equal(first.status, 401);
    expect_header(&first, "X-RateLimit-Remaining-failed-auth: 1");
    answer_finish(&first);
    struct answer second = call(&server, wrong);
    assert_int_equal(second.status, 429);
    expect_header(&second, "Retry-After: 60");
    answer_finish(&second);
    expect_status(&server, "GET", "/api/sandbox", NULL, 429);
}

static void the_clock_can_be_wrong(void **state)
{
    (void)state;
    char id[64], year[8];
    time_t then = time(NULL) - 400L * 24 * 3600;
    strftime(year, sizeof year, "%Y-", gmtime(&then));
    put("/_standin/clock", "{'offset_ms':-34560000000}", 204);
    make_sandbox(&server, "{\"name\":\"past\"}", id);
    struct answer seen = request("GET", "/api/sandbox/past");
    assert_int_equal(strncmp(text_at(&seen, "createdAt"), year, 5), 0);
    year[4] = '\0';
    const char *date = strstr(seen.headers, "Date: ");
    assert_non_null(date);
    assert_non_null(strstr(date, year));
    assert_int_equal(strncmp(strchr(date, ',') + 9, year, 4), 0);
    answer_finish(&seen);
    put("/_standin/clock", "{'offset':1}", 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_answer_can_be_wrong_after_the_deed, no_faults),
        cmocka_unit_test_teardown(an_answer_can_be_a_gateways_page, no_faults),
        cmocka_unit_test_teardown(an_answer_can_be_an_error_of_the_service, no_faults),
        cmocka_unit_test_teardown(the_deed_can_be_early_and_the_answer_late, no_faults),
        cmocka_unit_test_teardown(reused_connections_can_die, no_faults),
        cmocka_unit_test_teardown(connections_can_be_reset, no_faults),
        cmocka_unit_test_teardown(the_query_tells_requests_apart, no_faults),
        cmocka_unit_test_teardown(chance_is_repeatable, no_faults),
        cmocka_unit_test_teardown(a_create_can_fail_after_the_fact, no_faults),
        cmocka_unit_test_teardown(a_failed_sandbox_is_gone_when_deleted, no_faults),
        cmocka_unit_test_teardown(a_create_can_be_held, no_faults),
        cmocka_unit_test_teardown(transitions_can_get_stuck, no_faults),
        cmocka_unit_test_teardown(answers_can_be_behind_the_times, no_faults),
        cmocka_unit_test_teardown(answers_can_be_late_by_the_clock, no_faults),
        cmocka_unit_test_teardown(every_state_can_be_forced, no_faults),
        cmocka_unit_test_teardown(who_is_on_the_way_out_can_be_forced, no_faults),
        cmocka_unit_test_teardown(idleness_can_be_forced, no_faults),
        cmocka_unit_test_teardown(a_paused_sandbox_can_go_on, no_faults),
        cmocka_unit_test_teardown(creates_are_counted, no_faults),
        cmocka_unit_test_teardown(each_route_has_its_throttler, no_faults),
        cmocka_unit_test_teardown(wrong_credentials_lock_out, no_faults),
        cmocka_unit_test_teardown(the_clock_can_be_wrong, no_faults),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, shared_start, shared_end);
}
