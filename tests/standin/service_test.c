/* service_test.c: the control plane in detail, as v0.190's source has it: texts of refusals, quotas, lists, which transition
 * may interrupt which; and the server's own doors. */
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

static struct answer request_to(const struct server *to, const char *method, const char *path,
                                const char *body)
{
    return call(to, (struct call){.method = method, .path = path, .body = body});
}

static void expect_refusal(const struct server *to, const char *method, const char *path, const char *body,
                           long status, const char *message)
{
    struct answer answer = request_to(to, method, path, body);
    if (answer.status != status || strcmp(text_at(&answer, "message"), message) != 0)
        fail_msg("%s %s %s: %ld %s", method, path, body != NULL ? body : "", answer.status, answer.body);
    answer_finish(&answer);
}

static void refusals_have_the_services_words(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *message;
    } cases[] = {
        {"{\"name\":\"<b>\"}", "name must not contain HTML tags, URLs, or control characters"},
        {"{\"name\":\"see www.example.org\"}",
         "name must not contain HTML tags, URLs, or control characters"},
        {"{\"name\":7,\"public\":\"yes\"}",
         "name must not contain HTML tags, URLs, or control characters, name must be a string, "
         "public must be a boolean value"},
        {"{\"env\":7}", "env must be an object"},
        {"{\"cpu\":\"2\"}",
         "cpu must not be less than 0, cpu must be a number conforming to the specified constraints"},
        {"{\"gpu\":\"2\"}", "gpu must not be greater than 1, gpu must not be less than 0, "
                            "gpu must be a number conforming to the specified constraints"},
        {"{\"autoStopInterval\":\"2\"}",
         "autoStopInterval must be a number conforming to the specified constraints"},
        {"{\"cpu\":-1}", "cpu must not be less than 0"},
        {"{\"gpu\":2}", "gpu must not be greater than 1"},
        {"{\"cpu\":2}", "Cannot specify Sandbox resources when using a snapshot"},
        {"{\"volumes\":{}}", "volumes must be an array"},
        {"{\"buildInfo\":{\"dockerfileContent\":\"FROM x\"},\"snapshot\":\"s\"}",
         "Cannot specify a snapshot when using a build info entry"},
        {"{\"buildInfo\":{\"dockerfileContent\":\"FROM x\"},\"gpu\":1}",
         "GPU sandboxes must be ephemeral - set autoDeleteInterval to 0"},
        {"{\"autoStopInterval\":-1}", "Auto-stop interval must be non-negative"},
        {"{\"autoArchiveInterval\":-1}", "Auto-archive interval must be non-negative"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refusal(&server, "POST", "/api/sandbox", cases[i].body, 400, cases[i].message);
    expect_status(&server, "POST", "/api/sandbox", "{\"name\":\"a < b\",\"snapshot\":null}", 200);
}

static void errors_name_what_was_asked(void **state)
{
    (void)state;
    struct answer missing = request_to(&server, "GET", "/api/sandbox/none?verbose=1", NULL);
    assert_string_equal(text_at(&missing, "path"), "/api/sandbox/none?verbose=1");
    assert_string_equal(text_at(&missing, "message"), "Sandbox with ID or name none not found");
    answer_finish(&missing);
    struct answer unknown = call(&server, (struct call){.method = "GET",
                                                        .path = "/api/socket.io/?EIO=4&transport=websocket",
                                                        .authorization = ""});
    assert_int_equal(unknown.status, 404); /* the event socket: clients then poll */
    answer_finish(&unknown);
}

static void archives_wait_a_month_at_most(void **state)
{
    (void)state;
    char id[64];
    make_sandbox(&server, "{\"name\":\"patient\",\"autoArchiveInterval\":0}", id);
    struct answer seen = request_to(&server, "GET", "/api/sandbox/patient", NULL);
    assert_int_equal(number_at(&seen, "autoArchiveInterval"), 43200);
    answer_finish(&seen);
    struct answer set = request_to(&server, "POST", "/api/sandbox/patient/autoarchive/99999", NULL);
    assert_int_equal(number_at(&set, "autoArchiveInterval"), 43200);
    answer_finish(&set);
    expect_refusal(&server, "POST", "/api/sandbox/patient/autostop/-1", NULL, 400,
                   "Auto-stop interval must be non-negative");
}

static void wrong_moves_are_told_apart(void **state)
{
    (void)state;
    char id[64];
    make_sandbox(&server, "{\"name\":\"moves\"}", id);
    expect_refusal(&server, "POST", "/api/sandbox/moves/archive", NULL, 400, "Sandbox is not stopped");
    expect_refusal(&server, "POST", "/api/sandbox/moves/recover", NULL, 400,
                   "Sandbox is not in a recoverable state");
    expect_refusal(&server, "POST", "/api/sandbox/moves/stop?force=maybe", NULL, 400,
                   "Validation failed (boolean string is expected)");
    expect_status(&server, "POST", "/api/sandbox/moves/stop", NULL, 200);
    expect_refusal(&server, "POST", "/api/sandbox/moves/stop", NULL, 400,
                   "Sandbox is not in a stoppable state");
    expect_status(&server, "PUT", "/_standin/faults",
                  "[{\"match\":{\"path\":\"/archive\"},\"do\":{\"stuck\":true}}]", 204);
    expect_status(&server, "POST", "/api/sandbox/moves/archive", NULL, 200);
    expect_refusal(&server, "POST", "/api/sandbox/moves/archive", NULL, 409,
                   "Sandbox state change in progress");
    expect_status(&server, "POST", "/api/sandbox/moves/start", NULL, 200); /* archiving is not pending */
    await_state(&server, id, "started");
    expect_status(&server, "POST", "/api/sandbox/moves/stop", NULL, 200);
    expect_status(&server, "POST", "/api/sandbox/moves/archive", NULL, 200);
    expect_status(&server, "DELETE", "/api/sandbox/moves", NULL, 200);
    await_state(&server, id, "gone");
    expect_status(&server, "PUT", "/_standin/faults", "[]", 204);
}

/* What the service says is in use. */
static void expect_usage(const struct server *of, long cpu, long disk)
{
    struct answer told = call(of, (struct call){.method = "GET",
                                                .path = "/api/organizations/local/usage",
                                                .authorization = "Bearer token"});
    assert_int_equal(told.status, 200);
    json_object *region = json_object_array_get_idx(json_object_object_get(told.json, "regionUsage"), 0);
    struct answer as_answer = {.json = region};
    assert_string_equal(text_at(&as_answer, "regionId"), "local");
    assert_int_equal(number_at(&as_answer, "currentCpuUsage"), cpu);
    assert_int_equal(number_at(&as_answer, "currentDiskUsage"), disk);
    assert_int_equal(number_at(&as_answer, "totalCpuQuota"), 3);
    assert_int_equal(number_at(&as_answer, "totalDiskQuota"), 20);
    assert_int_equal(number_at(&as_answer, "maxCpuPerSandbox"), 2);
    answer_finish(&told);
}

static void quotas_are_counted(void **state)
{
    (void)state;
    static const char *const arguments[] = {"--quota", "3/4/20", "--sandbox-quota", "2/4/10", "--jwt",
                                            "token",   NULL};
    struct server small = server_run(arguments);
    char id[64];
    static const char build[] = "{\"name\":\"%s\",\"buildInfo\":{\"dockerfileContent\":\"FROM x\"},%s}";
    char body[256];
    snprintf(body, sizeof body, build, "big", "\"cpu\":3");
    struct answer big = request_to(&small, "POST", "/api/sandbox", body);
    assert_non_null(
        strstr(text_at(&big, "message"), "CPU request 3 exceeds maximum allowed per sandbox (2).\n"));
    answer_finish(&big);
    snprintf(body, sizeof body, build, "one", "\"cpu\":2,\"memory\":2,\"disk\":10");
    make_sandbox(&small, body, id);
    snprintf(body, sizeof body, build, "two", "\"cpu\":2");
    struct answer cores = request_to(&small, "POST", "/api/sandbox", body);
    assert_non_null(strstr(text_at(&cores, "message"), "Total CPU limit exceeded. Maximum allowed: 3.\n"));
    answer_finish(&cores);
    expect_usage(&small, 2, 10);
    expect_status(&small, "POST", "/api/sandbox/one/stop", NULL, 200); /* which gives its cores back */
    expect_usage(&small, 0, 10);
    make_sandbox(&small, body, id);
    struct answer again = request_to(&small, "POST", "/api/sandbox/one/start", NULL);
    assert_int_equal(again.status, 400);
    answer_finish(&again);
    snprintf(body, sizeof body, build, "three", "\"cpu\":1,\"disk\":8");
    struct answer disk = request_to(&small, "POST", "/api/sandbox", body);
    assert_non_null(
        strstr(text_at(&disk, "message"), "Total disk limit exceeded. Maximum allowed: 20GiB.\n"));
    answer_finish(&disk);
    expect_status(&small, "POST", "/api/sandbox/one/archive", NULL, 200);
    expect_usage(&small, 2, 3);
    assert_int_equal(server_end(&small), 0);
}

static size_t count_items(const char *path)
{
    struct answer list = request_to(&server, "GET", path, NULL);
    assert_int_equal(list.status, 200);
    size_t count = json_object_array_length(json_object_object_get(list.json, "items"));
    answer_finish(&list);
    return count;
}

static void lists_filter_by_everything(void **state)
{
    (void)state;
    char id[64];
    make_sandbox(&server,
                 "{\"name\":\"Listed-1\",\"target\":\"eu\",\"public\":true,"
                 "\"buildInfo\":{\"dockerfileContent\":\"FROM x\"},\"cpu\":4}",
                 id);
    make_sandbox(&server, "{\"name\":\"listed-2\",\"snapshot\":\"snap\"}", id);
    assert_int_equal(count_items("/api/sandbox?name=LISTED"), 2);
    assert_int_equal(count_items("/api/sandbox?name=listed&minCpu=2"), 1);
    assert_int_equal(count_items("/api/sandbox?name=listed&maxCpu=2"), 1);
    assert_int_equal(count_items("/api/sandbox?name=listed&isPublic=true"), 1);
    assert_int_equal(count_items("/api/sandbox?name=listed&regionIds=eu&regionIds=us"), 1);
    assert_int_equal(count_items("/api/sandbox?name=listed&snapshots=snap"), 1);
    assert_int_equal(count_items("/api/sandbox?name=listed&createdAtAfter=2020-01-01T00:00:00.000Z"), 2);
    assert_int_equal(count_items("/api/sandbox?name=listed&createdAtBefore=2020-01-01T00:00:00%2B02:00"), 0);
    assert_int_equal(count_items("/api/sandbox?name=listed&lastEventAfter=2020-01-01T00:00:00Z"), 2);
    expect_refusal(&server, "GET", "/api/sandbox?limit=0", NULL, 400, "limit must not be less than 1");
    static const char *const refusals[][2] = {
        {"limit=abc", "limit must be an integer number, limit must not be less than 1, limit must not be "
                      "greater than 200"},
        {"limit=1.5", "limit must be an integer number"},
        {"limit=", "limit must not be less than 1"},
        {"limit=1e3", "limit must not be greater than 200"},
        {"minCpu=abc", "minCpu must not be less than 1, minCpu must be an integer number"},
        {"maxDiskGiB=0", "maxDiskGiB must not be less than 1"},
        {"maxMemoryGiB=-1.5", "maxMemoryGiB must not be less than 1, maxMemoryGiB must be an integer number"},
        {"createdAtAfter=never", "createdAtAfter must be a Date instance"},
        {"lastEventBefore=", "lastEventBefore must be a Date instance"},
        {"sort=state", "sort must be one of the following values: name, cpu, memoryGib, diskGib, "
                       "lastActivityAt, createdAt"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        char path[200];
        snprintf(path, sizeof path, "/api/sandbox?%s", refusals[i][0]);
        expect_refusal(&server, "GET", path, NULL, 400, refusals[i][1]);
    }
    assert_int_equal(
        count_items("/api/sandbox?name=listed&limit=%201e1&minCpu=1&states=&labels=&cursor=&snapshots="), 2);
    expect_refusal(&server, "GET", "/api/sandbox?cursor=zz", NULL, 400, "Invalid cursor provided: zz");
    expect_refusal(&server, "GET", "/api/sandbox?order=up", NULL, 400,
                   "order must be one of the following values: asc, desc");
}

static void the_older_list_has_numbered_pages(void **state)
{
    (void)state;
    struct answer page =
        request_to(&server, "GET", "/api/sandbox/paginated?name=listed&limit=1&page=2", NULL);
    assert_int_equal(page.status, 200);
    assert_int_equal(number_at(&page, "total"), 2);
    assert_int_equal(number_at(&page, "totalPages"), 2);
    assert_int_equal(number_at(&page, "page"), 2);
    struct answer first = {.json = json_object_array_get_idx(json_object_object_get(page.json, "items"), 0)};
    assert_string_equal(text_at(&first, "name"), "Listed-1"); /* the newest comes first */
    assert_non_null(json_object_object_get(first.json, "env"));
    answer_finish(&page);
    assert_int_equal(count_items("/api/sandbox/paginated?name=listed&page=1e18"), 0);
    assert_int_equal(count_items("/api/sandbox/paginated?name=listed&isPublic=x&createdAtAfter=never"), 2);
    expect_refusal(
        &server, "GET", "/api/sandbox/paginated?sort=cpu", NULL, 400,
        "sort must be one of the following values: id, name, state, snapshot, region, updatedAt, createdAt, "
        "lastActivityAt");
}

/* What is deleted between two pages takes nothing else with it. */
static void pages_do_not_shift(void **state)
{
    (void)state;
    char id[64], body[64], path[1024], cursor[512] = "";
    size_t seen = 0;
    for (int i = 0; i < 6; i++) {
        snprintf(body, sizeof body, "{\"name\":\"shift-%d\"}", i);
        make_sandbox(&server, body, id);
    }
    for (int page = 0; page < 3; page++) {
        snprintf(path, sizeof path, "/api/sandbox?name=shift-&sort=name&order=asc&limit=2%s%s",
                 *cursor != '\0' ? "&cursor=" : "", cursor);
        struct answer list = request_to(&server, "GET", path, NULL);
        seen += json_object_array_length(json_object_object_get(list.json, "items"));
        snprintf(cursor, sizeof cursor, "%s", text_at(&list, "nextCursor"));
        answer_finish(&list);
        snprintf(path, sizeof path, "/api/sandbox/shift-%d", page);
        expect_status(&server, "DELETE", path, NULL, 200);
    }
    assert_int_equal(seen, 6);
    assert_string_equal(cursor, "");
}

/* -- The server's doors ------------------------------------------------------------------------ */

static size_t forget(char *bytes, size_t size, size_t count, void *closure)
{
    (void)bytes, (void)closure;
    return size * count;
}

/* A client with a plain http proxy sends "GET http://host/path". */
static void whole_urls_are_understood(void **state)
{
    (void)state;
    CURL *curl = curl_easy_init();
    char url[256];
    long status = 0;
    snprintf(url, sizeof url, "%s/api/config", "http://daytona.example.org");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, server.origin);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, forget);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    assert_int_equal(status, 200);
    curl_easy_cleanup(curl);
    struct answer log = request_to(&server, "GET", "/_standin/log", NULL);
    struct answer last = {.json =
                              json_object_array_get_idx(log.json, json_object_array_length(log.json) - 1)};
    assert_string_equal(text_at(&last, "path"), "/api/config");
    answer_finish(&log);
}

static void expect_no_start(const char *const *arguments, const char *says)
{
    char text[4096];
    assert_int_equal(server_fails(arguments, text, sizeof text), 2);
    if (strstr(text, says) == NULL) fail_msg("it says %s", text);
}

#define EXPECT_NO_START(says, ...) expect_no_start((const char *const[]){__VA_ARGS__, NULL}, says)

/* Beyond loopback only for those who mean it. */
static void the_door_is_not_left_open(void **state)
{
    (void)state;
    EXPECT_NO_START("a --key of your own", "--listen", "0.0.0.0");
    EXPECT_NO_START("a --key of your own", "--listen", "0.0.0.0", "--key", "local-key");
    EXPECT_NO_START("16 characters", "--listen", "0.0.0.0", "--key", "short");
    EXPECT_NO_START("--control", "--listen", "0.0.0.0", "--key", "0123456789abcdef", "--control");
    EXPECT_NO_START("isolation", "--listen", "0.0.0.0", "--key", "0123456789abcdef", "--isolation", "none");
    EXPECT_NO_START("--public-url", "--listen", "0.0.0.0", "--key", "0123456789abcdef");
    EXPECT_NO_START("an IPv4 address", "--listen", "localhost");
    static const char *const arguments[] = {"--listen", "127.0.0.2", NULL};
    struct server other = server_run(arguments);
    assert_int_equal(strncmp(other.origin, "http://127.0.0.2:", 17), 0);
    assert_int_equal(server_end(&other), 0);
}

/* -- Many at once ------------------------------------------------------------------------------ */

enum { MAKERS = 8, EACH = 25 };

static void *make_many(void *argument)
{
    long made = 0;
    (void)argument;
    for (int i = 0; i < EACH; i++) {
        struct answer answer = request_to(&server, "POST", "/api/sandbox", "{\"labels\":{\"crowd\":\"1\"}}");
        char id[64];
        snprintf(id, sizeof id, "%s", text_at(&answer, "id"));
        struct answer ran = execute(&server, id, "echo here");
        made += strcmp(text_at(&ran, "result"), "here\n") == 0;
        answer_finish(&ran);
        answer_finish(&answer);
    }
    return (void *)made;
}

static void hundreds_live_side_by_side(void **state)
{
    (void)state;
    pthread_t makers[MAKERS];
    long made = 0;
    for (int i = 0; i < MAKERS; i++)
        assert_int_equal(pthread_create(&makers[i], NULL, make_many, NULL), 0);
    for (int i = 0; i < MAKERS; i++) {
        void *result;
        pthread_join(makers[i], &result);
        made += (long)result;
    }
    assert_int_equal(made, MAKERS * EACH);
    assert_int_equal(count_items("/api/sandbox?labels=%7B%22crowd%22%3A%221%22%7D&limit=200&states=started"),
                     200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_have_the_services_words),
        cmocka_unit_test(errors_name_what_was_asked),
        cmocka_unit_test(archives_wait_a_month_at_most),
        cmocka_unit_test(wrong_moves_are_told_apart),
        cmocka_unit_test(quotas_are_counted),
        cmocka_unit_test(lists_filter_by_everything),
        cmocka_unit_test(the_older_list_has_numbered_pages),
        cmocka_unit_test(pages_do_not_shift),
        cmocka_unit_test(whole_urls_are_understood),
        cmocka_unit_test(the_door_is_not_left_open),
        cmocka_unit_test(hundreds_live_side_by_side),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, shared_start, shared_end);
}
