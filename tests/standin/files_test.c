/* files_test.c: the file routes of a real stand-in (protocol 10): they act inside the sandbox, as its user.
 */
#include "shared.h"

#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char id[64];
static char home[256];

static struct answer files(const char *method, const char *route, const char *header)
{
    char path[512];
    snprintf(path, sizeof path, "/toolbox/%s%s", id, route);
    return call(&server, (struct call){.method = method, .path = path, .header = header});
}

static int start_server(void **state)
{
    shared_start(state);
    make_sandbox(&server, "{}", id);
    struct answer answer = files("GET", "/user-home-dir", NULL);
    snprintf(home, sizeof home, "%s", text_at(&answer, "dir"));
    answer_finish(&answer);
    return 0;
}

/* A status with an empty body, as most file routes answer. */
static void expect_bare(const char *method, const char *route, long status)
{
    struct answer answer = files(method, route, NULL);
    if (answer.status != status) fail_msg("%s %s: %ld, not %ld", method, route, answer.status, status);
    assert_int_equal(answer.len, 0);
    answer_finish(&answer);
}

static void small_routes_answer(void **state)
{
    (void)state;
    struct answer work = files("GET", "/work-dir", NULL), version = files("GET", "/version", NULL);
    assert_string_equal(text_at(&work, "dir"), home);
    assert_string_equal(text_at(&version, "version"), "v0.190.0");
    if (server.isolated) assert_string_equal(home, "/home/daytona");
    answer_finish(&work);
    answer_finish(&version);
}

/* A pattern of C strings would be empty, and found for ever. */
static void a_nul_is_not_replaced(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"files\":[\"nul\"],\"pattern\":\"\\u0000\",\"newValue\":\"b\"}",
        "{\"files\":[\"nul\"],\"pattern\":\"a\",\"newValue\":\"b\\u0000\"}",
    };
    char path[512];
    snprintf(path, sizeof path, "/toolbox/%s/files/replace", id);
    expect_output(&server, id, "printf aaa > nul", "");
    for (size_t i = 0; i < 2; i++)
        expect_status(&server, "POST", path, bodies[i], 501);
    expect_output(&server, id, "cat nul", "aaa");
}

static void directories_are_made_and_removed(void **state)
{
    (void)state;
    expect_bare("POST", "/files/folder?path=made/deep&mode=0750", 201);
    expect_bare("POST", "/files/folder?path=made/deep&mode=0750", 201);
    expect_output(&server, id, "stat -c %a made/deep", "750\n");
    expect_bare("POST", "/files/folder?path=other&mode=xyz", 400);
    expect_bare("POST", "/files/folder?mode=755", 400);
    expect_bare("POST", "/files/folder?path=/usr/nope&mode=755", 400);
    expect_bare("DELETE", "/files?path=made", 400);
    expect_bare("DELETE", "/files?path=made&recursive=true", 204);
    expect_bare("DELETE", "/files?path=made&recursive=true", 404);
    expect_output(&server, id, "ln -s nowhere dangling", "");
    expect_bare("DELETE", "/files?path=dangling", 404); /* a wart of the service */
}

static void information_is_in_the_services_words(void **state)
{
    (void)state;
    expect_output(&server, id,
                  "printf hello > 'a b'; chmod 640 'a b'; mkdir -p d; chmod 1777 d; TZ=UTC touch -d "
                  "'2026-01-31 12:00:00.5' 'a b'",
                  "");
    struct answer info = files("GET", "/files/info?path=a+b", NULL);
    assert_string_equal(text_at(&info, "name"), "a b");
    assert_int_equal(number_at(&info, "size"), 5);
    assert_string_equal(text_at(&info, "mode"), "-rw-r-----");
    assert_string_equal(text_at(&info, "permissions"), "0640");
    assert_string_equal(text_at(&info, "isDir"), "false");
    assert_string_equal(text_at(&info, "modifiedAt"), "2026-01-31T12:00:00.5Z");
    assert_string_equal(text_at(&info, "modTime"), "2026-01-31 12:00:00.5 +0000 UTC");
    if (server.isolated) assert_string_equal(text_at(&info, "owner"), "1000");
    answer_finish(&info);
    info = files("GET", "/files/info?path=d", NULL);
    assert_string_equal(text_at(&info, "mode"), "dtrwxrwxrwx");
    answer_finish(&info);
    expect_bare("GET", "/files/info?path=nothing", 404);
    expect_bare("GET", "/files/info", 400);
}

static void directories_are_listed(void **state)
{
    (void)state;
    expect_output(&server, id, "mkdir -p ls && cd ls && touch b a && ln -sf nowhere broken", "");
    struct answer list = files("GET", "/files?path=ls", NULL);
    assert_int_equal(list.status, 200);
    assert_int_equal(json_object_array_length(list.json), 2);
    struct json_object *first = json_object_array_get_idx(list.json, 0);
    assert_string_equal(json_object_get_string(json_object_object_get(first, "name")), "a");
    answer_finish(&list);
    expect_bare("GET", "/files?path=nothing", 404);
    expect_bare("GET", "/files?path=ls/a", 400);
}

static void files_are_moved_and_their_mode_changed(void **state)
{
    (void)state;
    expect_output(&server, id, "echo 1 > from; echo 2 > taken", "");
    expect_bare("POST", "/files/move?source=from&destination=taken", 409);
    expect_bare("POST", "/files/move?source=from&destination=no/such/dir", 404);
    expect_bare("POST", "/files/move?source=none&destination=x", 404);
    expect_bare("POST", "/files/move?source=from&destination=to%2Bplus", 200);
    expect_bare("POST", "/files/permissions?path=to%2Bplus&mode=0600", 200);
    expect_bare("POST", "/files/permissions?path=none&mode=0600", 404);
    expect_output(&server, id, "stat -c %a to+plus; cat to+plus", "600\n1\n");
}

static void expect_download(const char *range, long status, const char *body, const char *header)
{
    struct answer answer = files("GET", "/files/download?path=ranged", range);
    assert_int_equal(answer.status, status);
    if (body != NULL) assert_string_equal(answer.body, body);
    if (header != NULL && strstr(answer.headers, header) == NULL)
        fail_msg("no %s in %s", header, answer.headers);
    answer_finish(&answer);
}

static void downloads_have_ranges(void **state)
{
    (void)state;
    expect_output(&server, id, "printf 0123456789 > ranged", "");
    expect_download(NULL, 200, "0123456789", "Content-Length: 10");
    expect_download("Range: bytes=2-4", 206, "234", "Content-Range: bytes 2-4/10");
    expect_download("Range: bytes=7-", 206, "789", "Content-Range: bytes 7-9/10");
    expect_download("Range: bytes=-2", 206, "89", NULL);
    expect_download("Range: bytes=10-", 416, NULL, "Content-Range: bytes */10");
    expect_bare("GET", "/files/download?path=nothing", 404);
    expect_bare("GET", "/files/download?path=ls", 400);
    expect_output(&server, id, "touch closed; chmod 0 closed; mkfifo -m 600 fifo", "");
    struct answer closed = files("GET", "/files/download?path=closed", NULL);
    assert_int_equal(closed.status, 403);
    assert_string_equal(closed.body, "403 Forbidden\n"); /* the one refusal with a body */
    answer_finish(&closed);
    expect_bare("GET", "/files/download?path=fifo", 200); /* and does not hang */
}

#define PART(name, more, body)                                                                               \
    "--BB\r\nContent-Disposition: form-data; name=\"" name "\"" more "\r\n\r\n" body "\r\n"
#define FILE_PART(name, body) PART(name, "; filename=\"any\"\r\nContent-Type: application/octet-stream", body)

static struct answer upload(const char *body)
{
    char path[128];
    snprintf(path, sizeof path, "/toolbox/%s/files/bulk-upload", id);
    return call(&server, (struct call){.method = "POST",
                                       .path = path,
                                       .body = body,
                                       .type = "multipart/form-data; boundary=BB"});
}

static void uploads_are_written_where_they_say(void **state)
{
    (void)state;
    struct answer answer =
        upload(PART("files[0].path", "", " up/deep/one \n") FILE_PART("files[0].file", "1\r\n--Bx")
                   PART("files[1].path", "", "two") FILE_PART("files[1].file", "") "--BB--\r\n");
    assert_int_equal(answer.status, 200);
    assert_string_equal(
        text_at(&answer, "files"),
        "[ { \"path\": \"up\\/deep\\/one\", \"bytes\": 7 }, { \"path\": \"two\", \"bytes\": 0 } ]");
    answer_finish(&answer);
    expect_output(&server, id, "od -An -c up/deep/one | tr -s ' '; wc -c < two; stat -c %a two",
                  " 1 \\r \\n - - B x\n0\n644\n");
}

static void all_paths_may_come_first(void **state)
{
    (void)state;
    struct answer answer = upload(PART("files[0].path", "", "p0") PART("files[x].path", "", "px") FILE_PART(
        "files[0].file", "zero") FILE_PART("files[x].file", "ex") "--BB--\r\n");
    assert_int_equal(answer.status, 200);
    answer_finish(&answer);
    expect_output(&server, id, "cat p0 px", "zeroex");
}

static void uploads_tell_what_failed(void **state)
{
    (void)state;
    struct answer answer = upload(FILE_PART("files[0].file", "x") PART("files[1].path", "", "/usr/nope")
                                      FILE_PART("files[1].file", "y") PART("files[2].path", "", "fine")
                                          FILE_PART("files[2].file", "z") "--BB--\r\n");
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(text_at(&answer, "errors"), "file[0]: missing .path metadata"));
    assert_non_null(strstr(text_at(&answer, "errors"), "nope: "));
    assert_non_null(strstr(text_at(&answer, "files"), "fine"));
    answer_finish(&answer);
    answer = upload(PART("files[0].path", "",
                         "cut") "--BB\r\nContent-Disposition: form-data; name=\"files[0].file\"\r\n\r\nhal");
    assert_int_equal(answer.status, 400);
    answer_finish(&answer);
}

static void bulk_downloads_carry_files_and_errors(void **state)
{
    (void)state;
    char path[128];
    expect_output(&server, id, "printf 'x\\000y' > bin; : > empty", "");
    snprintf(path, sizeof path, "/toolbox/%s/files/bulk-download", id);
    struct answer answer =
        call(&server, (struct call){.method = "POST",
                                    .path = path,
                                    .body = "{\"paths\":[\"bin\",\"none\",\"/\",\"\",\"empty\"]}"});
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.headers, "multipart/form-data; boundary=DAYTONA-FILE-BOUNDARY"));
    assert_non_null(memmem(answer.body, answer.len, "\r\n\r\nx\0y\r\n--DAYTONA", 16));
    assert_non_null(memmem(answer.body, answer.len, "FILE_NOT_FOUND", 14));
    assert_non_null(memmem(answer.body, answer.len, "INVALID_FILE_PATH", 17));
    assert_non_null(memmem(answer.body, answer.len, "filename=\"empty\"", 16));
    static const char end[] = "\r\n--DAYTONA-FILE-BOUNDARY--\r\n";
    assert_memory_equal(answer.body + answer.len - strlen(end), end, strlen(end));
    answer_finish(&answer);
    expect_status(&server, "POST", path, "{\"paths\":[]}", 400);
    expect_status(&server, "POST", path, "{}", 400);
}

static void large_files_pass_both_ways(void **state)
{
    (void)state;
    expect_output(&server, id, "head -c 50000000 /dev/zero > large", "");
    struct answer down = files("GET", "/files/download?path=large", NULL);
    assert_int_equal(down.len, 50000000);
    static const char head[] =
        PART("files[0].path", "", "copy") "--BB\r\nContent-Disposition: form-data; "
                                          "name=\"files[0].file\"; filename=\"f\"\r\n\r\n";
    char path[128], *body = malloc(down.len + 512);
    size_t len = strlen(head);
    memcpy(body, head, len);
    memcpy(body + len, down.body, down.len);
    len += down.len;
    len += (size_t)sprintf(body + len, "\r\n--BB--\r\n");
    snprintf(path, sizeof path, "/toolbox/%s/files/bulk-upload", id);
    struct answer up = call(&server, (struct call){.method = "POST",
                                                   .path = path,
                                                   .body = body,
                                                   .len = len,
                                                   .type = "multipart/form-data; boundary=BB"});
    assert_int_equal(up.status, 200);
    free(body);
    answer_finish(&up);
    answer_finish(&down);
    expect_output(&server, id, "cmp large copy && echo same; rm large copy", "same\n");
}

static void files_survive_a_stop_and_not_a_delete(void **state)
{
    (void)state;
    char box[64], path[128], other[64];
    make_sandbox(&server, "{\"name\":\"keeper\"}", box);
    expect_output(&server, box, "echo kept > kept; echo kept > /tmp/kept", "");
    snprintf(path, sizeof path, "/api/sandbox/%s/stop", box);
    expect_status(&server, "POST", path, NULL, 200);
    expect_status(&server, "POST", "/api/sandbox/keeper/start", NULL, 200);
    expect_output(&server, box, "cat kept /tmp/kept", "kept\nkept\n");
    expect_status(&server, "DELETE", "/api/sandbox/keeper", NULL, 200);
    make_sandbox(&server, "{\"name\":\"keeper\"}", other);
    expect_output(&server, other, "ls", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_routes_answer),
        cmocka_unit_test(a_nul_is_not_replaced),
        cmocka_unit_test(directories_are_made_and_removed),
        cmocka_unit_test(information_is_in_the_services_words),
        cmocka_unit_test(directories_are_listed),
        cmocka_unit_test(files_are_moved_and_their_mode_changed),
        cmocka_unit_test(downloads_have_ranges),
        cmocka_unit_test(uploads_are_written_where_they_say),
        cmocka_unit_test(all_paths_may_come_first),
        cmocka_unit_test(uploads_tell_what_failed),
        cmocka_unit_test(bulk_downloads_carry_files_and_errors),
        cmocka_unit_test(large_files_pass_both_ways),
        cmocka_unit_test(files_survive_a_stop_and_not_a_delete),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, start_server, shared_end);
}
