#include "harness.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_ARGUMENTS = 32 };

static const char *binary(void)
{
    const char *path = getenv("STANDIN");
    return path != NULL ? path : "build/daytona-standin";
}

long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static pid_t spawn(char **argv, int ready, int output)
{
    pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* a failed test must not leave a server */
    if (ready >= 0) dup2(ready, 3);
    if (output >= 0) {
        dup2(output, 1);
        dup2(output, 2);
    }
    execv(argv[0], argv);
    _exit(126);
}

static size_t fill(char **argv, const char *const *arguments)
{
    size_t count = 0;
    argv[count++] = (char *)(uintptr_t)binary();
    for (; *arguments != NULL && count < MAX_ARGUMENTS - 8; arguments++)
        argv[count++] = (char *)(uintptr_t)*arguments;
    argv[count] = NULL;
    return count;
}

/* One line, or as much as comes before the end or the limit. */
static void read_line(int fd, char *line, size_t cap)
{
    size_t len = 0;
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    while (len + 1 < cap && poll(&watched, 1, LIMIT_MS) == 1 && read(fd, line + len, 1) == 1)
        if (line[len++] == '\n') break;
    line[len] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

static void learn_isolation(struct server *server)
{
    struct answer health = call(server, (struct call){.method = "GET", .path = "/health"});
    assert_int_equal(health.status, 200);
    server->isolated = strcmp(text_at(&health, "isolation"), "full") == 0;
    answer_finish(&health);
}

struct server server_run(const char *const *arguments)
{
    char *argv[MAX_ARGUMENTS];
    struct server server = {0};
    int ready[2];
    size_t count = fill(argv, arguments);
    const char *const added[] = {"--port", "0", "--ready-fd", "3", "--control", "--quiet", NULL};
    for (size_t i = 0; added[i] != NULL; i++)
        argv[count++] = (char *)(uintptr_t)added[i];
    argv[count] = NULL;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    server.pid = spawn(argv, ready[1], -1);
    close(ready[1]);
    read_line(ready[0], server.origin, sizeof server.origin);
    close(ready[0]);
    char *api = strstr(server.origin, "/api");
    if (api == NULL) fail_msg("%s did not get ready", binary());
    *api = '\0';
    learn_isolation(&server);
    return server;
}

static int await_exit(pid_t pid)
{
    int status;
    for (long until = now_ms() + LIMIT_MS; now_ms() < until; nap())
        if (waitpid(pid, &status, WNOHANG) == pid) return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    fail_msg("the server did not end");
    return -1;
}

int server_end(struct server *server)
{
    kill(server->pid, SIGTERM);
    return await_exit(server->pid);
}

int server_fails(const char *const *arguments, char *text, size_t cap)
{
    char *argv[MAX_ARGUMENTS];
    int output[2];
    fill(argv, arguments);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    pid_t pid = spawn(argv, -1, output[1]);
    close(output[1]);
    size_t len = 0;
    struct pollfd watched = {.fd = output[0], .events = POLLIN};
    for (ssize_t n = 1; n > 0 && len + 1 < cap && poll(&watched, 1, LIMIT_MS) == 1; len += (size_t)n)
        if ((n = read(output[0], text + len, cap - len - 1)) < 0) break;
    text[len] = '\0';
    close(output[0]);
    return await_exit(pid);
}

struct collected {
    char *bytes;
    size_t len;
    size_t cap;
};

static size_t collect(char *bytes, size_t size, size_t count, void *closure)
{
    struct collected *to = closure;
    size_t more = size * count;
    if (to->cap - to->len <= more) {
        to->cap = 2 * to->cap + more + 1;
        to->bytes = realloc(to->bytes, to->cap);
        if (to->bytes == NULL) return 0;
    }
    memcpy(to->bytes + to->len, bytes, more);
    to->len += more;
    to->bytes[to->len] = '\0';
    return more;
}

static struct curl_slist *headers_of(const struct call *what)
{
    char line[512];
    snprintf(line, sizeof line, "Authorization: %s",
             what->authorization != NULL ? what->authorization : "Bearer local-key");
    struct curl_slist *list = curl_slist_append(NULL, line);
    snprintf(line, sizeof line, "Content-Type: %s", what->type != NULL ? what->type : "application/json");
    list = curl_slist_append(list, line);
    if (what->header != NULL) list = curl_slist_append(list, what->header);
    return curl_slist_append(list, "Expect:");
}

static void set_up(CURL *curl, const struct server *server, const struct call *what)
{
    char url[4096];
    const char *body = what->body != NULL ? what->body : "";
    snprintf(url, sizeof url, "%s%s", server->origin, what->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, what->method);
    bool is_head = strcmp(what->method, "HEAD") == 0;
    if (is_head) curl_easy_setopt(curl, CURLOPT_NOBODY, 1L); /* none will come, whatever its length */
    if (!is_head && strcmp(what->method, "GET") != 0 && strcmp(what->method, "DELETE") != 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)(what->len > 0 ? what->len : strlen(body)));
        curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, body);
    }
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, what->timeout_ms > 0 ? what->timeout_ms : (long)LIMIT_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("STANDIN_TEST_CA"));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect);
}

static void take_answer(CURL *curl, CURLcode result, struct answer *answer)
{
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &answer->connections);
    if (result == CURLE_OK || result == CURLE_PARTIAL_FILE || result == CURLE_RECV_ERROR)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    if (answer->body != NULL) answer->json = json_tokener_parse(answer->body);
}

struct answer call(const struct server *server, struct call what)
{
    CURL *curl = what.curl != NULL ? what.curl : curl_easy_init();
    struct collected body = {0}, headers = {0};
    struct curl_slist *list = headers_of(&what);
    curl_easy_reset(curl);
    set_up(curl, server, &what);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &headers);
    CURLcode result = curl_easy_perform(curl);
    struct answer answer = {.body = body.bytes, .len = body.len, .headers = headers.bytes};
    take_answer(curl, result, &answer);
    curl_slist_free_all(list);
    if (what.curl == NULL) curl_easy_cleanup(curl);
    return answer;
}

void answer_finish(struct answer *answer)
{
    json_object_put(answer->json);
    free(answer->body);
    free(answer->headers);
    *answer = (struct answer){0};
}

const char *text_at(const struct answer *answer, const char *key)
{
    struct json_object *value = json_object_object_get(answer->json, key);
    return value != NULL ? json_object_get_string(value) : "";
}

long number_at(const struct answer *answer, const char *key)
{
    return (long)json_object_get_int64(json_object_object_get(answer->json, key));
}

void make_sandbox(const struct server *server, const char *body, char id[64])
{
    struct answer made = call(server, (struct call){.method = "POST", .path = "/api/sandbox", .body = body});
    if (made.status != 200) fail_msg("create: %ld %s", made.status, made.body);
    snprintf(id, 64, "%s", text_at(&made, "id"));
    answer_finish(&made);
}

void expect_status(const struct server *server, const char *method, const char *path, const char *body,
                   long status)
{
    struct answer answer = call(server, (struct call){.method = method, .path = path, .body = body});
    if (answer.status != status)
        fail_msg("%s %s: %ld, not %ld: %s", method, path, answer.status, status, answer.body);
    answer_finish(&answer);
}

static bool is_in_state(const struct server *server, const char *id, const char *state)
{
    char path[128];
    snprintf(path, sizeof path, "/api/sandbox/%s", id);
    struct answer answer = call(server, (struct call){.method = "GET", .path = path});
    bool gone = answer.status == 404;
    bool is = gone ? strcmp(state, "gone") == 0 : strcmp(text_at(&answer, "state"), state) == 0;
    answer_finish(&answer);
    return is;
}

void expect_state(const struct server *server, const char *id, const char *state)
{
    if (!is_in_state(server, id, state)) fail_msg("%s is not %s", id, state);
}

void await_state(const struct server *server, const char *id, const char *state)
{
    for (long until = now_ms() + LIMIT_MS; now_ms() < until; nap())
        if (is_in_state(server, id, state)) return;
    fail_msg("%s did not become %s", id, state);
}

struct answer execute_json(const struct server *server, const char *id, const char *body)
{
    char path[128];
    snprintf(path, sizeof path, "/toolbox/%s/process/execute", id);
    return call(server, (struct call){.method = "POST", .path = path, .body = body});
}

struct answer execute(const struct server *server, const char *id, const char *command)
{
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "command", json_object_new_string(command));
    struct answer answer = execute_json(server, id, json_object_to_json_string(body));
    json_object_put(body);
    return answer;
}

void await_output(const struct server *server, const char *id, const char *command, const char *output)
{
    for (long until = now_ms() + LIMIT_MS; now_ms() < until; nap()) {
        struct answer answer = execute(server, id, command);
        bool same = answer.status == 200 && strcmp(text_at(&answer, "result"), output) == 0;
        answer_finish(&answer);
        if (same) return;
    }
    expect_output(server, id, command, output);
}

void expect_output(const struct server *server, const char *id, const char *command, const char *output)
{
    struct answer answer = execute(server, id, command);
    assert_int_equal(answer.status, 200);
    if (strcmp(text_at(&answer, "result"), output) != 0)
        fail_msg("%s: got \"%s\", not \"%s\"", command, text_at(&answer, "result"), output);
    answer_finish(&answer);
}
