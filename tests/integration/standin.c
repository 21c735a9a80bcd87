#include "standin.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "testing.h"

enum { MAX_OPTIONS = 32, MAX_ANSWER = 4 << 20 };

/* -- The process ------------------------------------------------------------------------------- */

static void fill(char **argv, char *program, const char *const *options, const char *ready_fd)
{
    const char *const added[] = {"--port", "0",       "--ready-fd", ready_fd, "--key",
                                 SENTINEL, "--quiet", "--control",  NULL};
    size_t count = 0;
    argv[count++] = program;
    for (size_t i = 0; added[i] != NULL; i++)
        argv[count++] = (char *)(uintptr_t)added[i];
    for (; options != NULL && *options != NULL && count < MAX_OPTIONS; options++) /* the last one wins */
        argv[count++] = (char *)(uintptr_t)*options;
    argv[count] = NULL;
}

static void read_line(int fd, char *line, size_t cap)
{
    size_t len = 0;
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    while (len + 1 < cap && poll(&watched, 1, LIMIT_MS) == 1 && read(fd, line + len, 1) == 1)
        if (line[len++] == '\n') break;
    line[len] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

static bool take_port(struct standin *standin)
{
    const char *port = strrchr(standin->api, ':');
    return port != NULL && sscanf(port, ":%u", &standin->port) == 1;
}

void standin_attach(struct standin *standin, const char *api)
{
    *standin = (struct standin){0};
    snprintf(standin->api, sizeof standin->api, "%s", api);
    assert_true(take_port(standin));
}

void standin_start(struct standin *standin, const char *const *options)
{
    char *argv[MAX_OPTIONS + 16];
    char ready_fd[16];
    int ready[2];
    char *program = process_build_path("daytona-standin");
    *standin = (struct standin){0};
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    snprintf(ready_fd, sizeof ready_fd, "%d", ready[1]);
    fill(argv, program, options, ready_fd);
    standin->pid = fork();
    if (standin->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        fcntl(ready[1], F_SETFD, 0);
        execv(program, argv);
        _exit(126);
    }
    close(ready[1]);
    read_line(ready[0], standin->api, sizeof standin->api);
    close(ready[0]);
    if (!take_port(standin)) fail_msg("%s did not get ready", program);
    free(program);
}

void standin_stop(struct standin *standin)
{
    if (standin->pid <= 0) return;
    kill(standin->pid, SIGTERM);
    assert_int_equal(process_await(standin->pid), 0);
    standin->pid = 0;
}

/* -- The control area -------------------------------------------------------------------------- */

static int connect_to(const struct standin *standin)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)standin->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = LIMIT_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail_msg("the stand-in is gone");
    return fd;
}

/* One request on a connection of its own; the answer's JSON, or NULL if it has none or is a 404 that may be. */
static json_object *ask(const struct standin *standin, const char *method, const char *path, const char *body,
                        bool may_miss)
{
    char *answer = malloc(MAX_ANSWER);
    size_t len = 0;
    int fd = connect_to(standin);
    dprintf(fd,
            "%s %s HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " SENTINEL
            "\r\nContent-Length: %zu\r\n\r\n%s",
            method, path, strlen(body), body);
    for (ssize_t got; len + 1 < MAX_ANSWER && (got = read(fd, answer + len, MAX_ANSWER - len - 1)) > 0;)
        len += (size_t)got;
    answer[len] = '\0';
    close(fd);
    const char *content = strstr(answer, "\r\n\r\n");
    const char *status = answer + strlen("HTTP/1.x ");
    bool missed = may_miss && strncmp(status, "404", 3) == 0;
    if (content == NULL || (!missed && strncmp(status, "20", 2) != 0))
        fail_msg("%s %s: %s", method, path, answer);
    json_object *json = missed ? NULL : json_tokener_parse(content + 4);
    free(answer);
    return json;
}

static json_object *control(const struct standin *standin, const char *method, const char *path,
                            const char *body)
{
    return ask(standin, method, path, body, false);
}

static json_object *get(const struct standin *standin, const char *path)
{
    json_object *json = control(standin, "GET", path, "");
    if (json == NULL) fail_msg("GET %s: no JSON", path);
    return json;
}

long standin_total(const struct standin *standin, const char *what)
{
    json_object *all = get(standin, "/_standin/sandboxes");
    long number = json_object_get_int64(json_object_object_get(all, what));
    json_object_put(all);
    return number;
}

void standin_only_id(const struct standin *standin, char *id)
{
    json_object *all = get(standin, "/_standin/sandboxes");
    json_object *list = json_object_object_get(all, "sandboxes");
    if (json_object_array_length(list) != 1) fail_msg("%zu sandboxes", json_object_array_length(list));
    json_object *only = json_object_array_get_idx(list, 0);
    snprintf(id, 64, "%s", json_object_get_string(json_object_object_get(only, "id")));
    json_object_put(all);
}

bool standin_has_label(const struct standin *standin, const char *id, const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof path, "/api/sandbox/%s", id);
    json_object *sandbox = get(standin, path);
    json_object *label = json_object_object_get(json_object_object_get(sandbox, "labels"), name);
    bool has = label != NULL && strcmp(json_object_get_string(label), value) == 0;
    json_object_put(sandbox);
    return has;
}

void standin_set_clock(const struct standin *standin, long offset_ms)
{
    char body[64];
    snprintf(body, sizeof body, "{\"offset_ms\":%ld}", offset_ms);
    json_object_put(standin_control(standin, "PUT", "/_standin/clock", body));
}

void standin_force(const struct standin *standin, const char *id, const char *state)
{
    char path[128];
    snprintf(path, sizeof path, "/_standin/sandboxes/%s", id);
    json_object_put(control(standin, "PUT", path, state));
}

json_object *standin_control(const struct standin *standin, const char *method, const char *path,
                             const char *body)
{
    char *text = strdup(body);
    for (char *at = text; (at = strchr(at, '\'')) != NULL;)
        *at = '"';
    json_object *answer = ask(standin, method, path, text, true);
    free(text);
    return answer;
}

void standin_faults(const struct standin *standin, const char *rules)
{
    json_object_put(standin_control(standin, "PUT", "/_standin/faults", rules != NULL ? rules : "[]"));
}

void standin_create(const struct standin *standin, const char *body, char *id)
{
    json_object *sandbox = standin_control(standin, "POST", "/api/sandbox", body);
    snprintf(id, 64, "%s", json_object_get_string(json_object_object_get(sandbox, "id")));
    json_object_put(sandbox);
}

/* -- The log ----------------------------------------------------------------------------------- */

void standin_forget(const struct standin *standin)
{
    json_object_put(control(standin, "DELETE", "/_standin/log", ""));
}

static const char *text_of(json_object *entry, const char *key)
{
    return json_object_get_string(json_object_object_get(entry, key));
}

size_t standin_count(const struct standin *standin, const char *method, const char *path)
{
    size_t count = 0;
    json_object *log = get(standin, "/_standin/log");
    for (size_t i = 0; i < json_object_array_length(log); i++) {
        json_object *entry = json_object_array_get_idx(log, i);
        if (method != NULL && strcmp(text_of(entry, "method"), method) != 0) continue;
        count += path == NULL || strstr(text_of(entry, "path"), path) != NULL;
    }
    json_object_put(log);
    return count;
}

size_t standin_connections(const struct standin *standin)
{
    size_t count = 0;
    int64_t last = -1; /* they are numbered as they come */
    json_object *log = get(standin, "/_standin/log");
    for (size_t i = 0; i < json_object_array_length(log); i++) {
        json_object *entry = json_object_array_get_idx(log, i);
        int64_t number = json_object_get_int64(json_object_object_get(entry, "connection"));
        count += number != last;
        last = number;
    }
    json_object_put(log);
    return count;
}

const char *standin_log_text(const struct standin *standin)
{
    static char text[8192];
    size_t len = 0;
    json_object *log = get(standin, "/_standin/log");
    text[0] = '\0';
    for (size_t i = 0; i < json_object_array_length(log) && len < sizeof text; i++) {
        json_object *entry = json_object_array_get_idx(log, i);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s %s: %s\n", text_of(entry, "method"),
                                text_of(entry, "path"), text_of(entry, "status"));
    }
    json_object_put(log);
    return text;
}
