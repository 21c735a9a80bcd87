/* provider_daytona.c: build/eep-daytona.so against a build/daytona-standin of this test. */
#include "provider.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process.h"

static struct process standin;
static bool running;
static char url_variable[128];
static char plugin_variable[4200];
static const char *env[] = {plugin_variable, url_variable, "DAYTONA_API_KEY=demo-key", NULL};

static bool exists(const char *name)
{
    char *path = process_build_path(name);
    bool found = access(path, X_OK) == 0;
    free(path);
    return found;
}

const char *provider_start(void)
{
    if (!exists("eep-daytona.so")) return "build/eep-daytona.so is missing: make";
    if (!exists("daytona-standin")) return "build/daytona-standin is missing: make";
    char *plugin = process_build_path("eep-daytona.so");
    snprintf(plugin_variable, sizeof(plugin_variable), "EEP_PLUGIN=%s", plugin);
    free(plugin);

    char *program = process_build_path("daytona-standin");
    char *argv[] = {
        program,         (char *)"--port",   (char *)"0",         (char *)"--ready-fd", (char *)"3",
        (char *)"--key", (char *)"demo-key", (char *)"--control", (char *)"--quiet",    NULL};
    process_start(&standin, &(struct process_setup){.argv = argv});
    free(program);
    running = true;
    process_expect(&standin, PROCESS_STATUS, "\n");
    const char *url = process_text(&standin, PROCESS_STATUS);
    snprintf(url_variable, sizeof(url_variable), "DAYTONA_API_URL=%.*s", (int)strcspn(url, "\n"), url);
    return NULL;
}

void provider_stop(void)
{
    if (!running) return;
    process_signal(&standin, SIGTERM);
    process_finish(&standin);
    process_free(&standin);
}

const char *const *provider_env(void)
{
    return env;
}

/* A request to the stand-in's control area; false when there is no answer. */
static bool ask(const char *method, const char *path, const char *body, char *answer, size_t size)
{
    unsigned port = 0;
    const char *colon = strrchr(url_variable, ':');
    if (!colon || sscanf(colon, ":%u", &port) != 1) return false;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    char request[1024];
    int len = snprintf(request, sizeof(request),
                       "%s %s HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: %zu\r\n\r\n%s", method, path,
                       strlen(body), body);
    size_t used = 0;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        write(fd, request, (size_t)len) == len)
        for (ssize_t got; used + 1 < size && (got = read(fd, answer + used, size - used - 1)) > 0;)
            used += (size_t)got;
    answer[used] = '\0';
    close(fd);
    return used > 0;
}

int provider_count(void)
{
    char answer[65536];
    int live = -1;
    if (!ask("GET", "/_standin/sandboxes", "", answer, sizeof(answer))) return -1;
    const char *found = strstr(answer, "\"live\":");
    return found && sscanf(found + strlen("\"live\":"), " %d", &live) == 1 ? live : -1;
}

void provider_put(const char *lease, const char *body)
{
    char path[512], answer[65536];
    snprintf(path, sizeof(path), "/_standin/sandboxes/%s", lease);
    if (ask("PUT", path, body, answer, sizeof(answer)) && strstr(answer, " 200 ")) return;
    fprintf(stderr, "PUT %s %s: %s\n", path, body, answer);
    abort();
}

bool provider_attaches(void)
{
    return true;
}
