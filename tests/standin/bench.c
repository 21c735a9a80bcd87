/* bench.c: what the stand-in costs: its start, a sandbox's life, a command; alone and in a crowd. `make standin-bench` prints it.
 *
 * Medians and 95th percentiles of one client that asks one thing after the other over one connection. The command is
 * compared with the same shell run here with the same text on its standard input. */
#include "harness.h"

#include <curl/curl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { STARTS = 10, LIVES = 50, COMMANDS = 200, CROWD = 300, SAMPLES_MAX = 512 };

struct samples {
    double ms[SAMPLES_MAX];
    size_t count;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void add(struct samples *samples, double since)
{
    if (samples->count < SAMPLES_MAX) samples->ms[samples->count++] = now() - since;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void show(const char *what, struct samples *samples)
{
    if (samples->count == 0) fail_msg("%s: no samples", what);
    qsort(samples->ms, samples->count, sizeof *samples->ms, compare);
    printf("| %-44s | %8.2f | %8.2f | %5zu |\n", what, samples->ms[samples->count / 2],
           samples->ms[samples->count * 95 / 100], samples->count);
}

static struct server start(void)
{
    static const char *const arguments[] = {NULL};
    return server_run(arguments);
}

static void measure_starts(void)
{
    struct samples starts = {.count = 0};
    for (int i = 0; i < STARTS; i++) {
        double before = now();
        struct server server = start();
        add(&starts, before);
        if (server_end(&server) != 0) fail_msg("the server did not end well");
    }
    show("start of the server, to its first answer", &starts);
}

static void ask(const struct server *server, CURL *curl, const char *method, const char *path,
                const char *body, char id[64])
{
    struct answer answer =
        call(server, (struct call){.method = method, .path = path, .body = body, .curl = curl});
    if (answer.status != 200) fail_msg("%s %s: %ld %s", method, path, answer.status, answer.body);
    if (id != NULL) snprintf(id, 64, "%s", text_at(&answer, "id"));
    answer_finish(&answer);
}

static void measure_lives(const struct server *server, CURL *curl, const char *where)
{
    struct samples creates = {.count = 0}, deletes = {.count = 0};
    char id[64], path[128], title[64];
    for (int i = 0; i < LIVES; i++) {
        double before = now();
        ask(server, curl, "POST", "/api/sandbox", "{}", id);
        add(&creates, before);
        snprintf(path, sizeof path, "/api/sandbox/%s", id);
        before = now();
        ask(server, curl, "DELETE", path, NULL, NULL);
        add(&deletes, before);
    }
    snprintf(title, sizeof title, "create, until started%s", where);
    show(title, &creates);
    snprintf(title, sizeof title, "delete, until gone%s", where);
    show(title, &deletes);
}

static void measure_commands(const struct server *server, CURL *curl, const char *where)
{
    struct samples commands = {.count = 0};
    char id[64], path[128], title[64];
    ask(server, curl, "POST", "/api/sandbox", "{}", id);
    snprintf(path, sizeof path, "/toolbox/%s/process/execute", id);
    for (int i = 0; i < COMMANDS; i++) {
        double before = now();
        ask(server, curl, "POST", path, "{\"command\":\"true\"}", NULL);
        add(&commands, before);
    }
    snprintf(title, sizeof title, "execute \"true\"%s", where);
    show(title, &commands);
}

/* A shell as the sandbox runs it: its text comes through a pipe. */
static void run_here(void)
{
    char shell[] = "/bin/bash", *argv[] = {shell, NULL};
    int text[2], status;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (pipe(text) != 0) fail_msg("no pipe");
    posix_spawn_file_actions_adddup2(&actions, text[0], 0);
    posix_spawn_file_actions_addclose(&actions, text[1]);
    if (posix_spawn(&pid, shell, &actions, NULL, argv, environ) != 0) fail_msg("no %s", shell);
    close(text[0]);
    if (write(text[1], "true", 4) != 4) fail_msg("the shell does not listen");
    close(text[1]);
    waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&actions);
}

static void measure_shell(void)
{
    struct samples shells = {.count = 0};
    for (int i = 0; i < COMMANDS; i++) {
        double before = now();
        run_here();
        add(&shells, before);
    }
    show("the same shell here, for comparison", &shells);
}

static void measure_looks(const struct server *server, CURL *curl)
{
    struct samples gets = {.count = 0}, lists = {.count = 0};
    char id[64], path[128];
    ask(server, curl, "POST", "/api/sandbox", "{}", id);
    snprintf(path, sizeof path, "/api/sandbox/%s", id);
    for (int i = 0; i < COMMANDS; i++) {
        double before = now();
        ask(server, curl, "GET", path, NULL, NULL);
        add(&gets, before);
        before = now();
        ask(server, curl, "GET", "/api/sandbox?limit=100", NULL, NULL);
        add(&lists, before);
    }
    show("get one, in the crowd", &gets);
    show("list 100, in the crowd", &lists);
}

static void measure(void **state)
{
    char crowd[64];
    (void)state;
    printf("\n| milliseconds                                 |   median |     95 %% | count |\n"
           "|----------------------------------------------|---------:|---------:|------:|\n");
    measure_starts();
    measure_shell();
    struct server server = start();
    CURL *curl = curl_easy_init();
    measure_commands(&server, curl, "");
    measure_lives(&server, curl, "");
    for (int i = 0; i < CROWD; i++)
        ask(&server, curl, "POST", "/api/sandbox", "{}", crowd);
    snprintf(crowd, sizeof crowd, ", %d others there", CROWD);
    measure_commands(&server, curl, crowd);
    measure_lives(&server, curl, crowd);
    measure_looks(&server, curl);
    curl_easy_cleanup(curl);
    if (server_end(&server) != 0) fail_msg("the server did not end well");
    printf("\n");
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(measure)};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(all, NULL, NULL);
}
