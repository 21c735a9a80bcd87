/* poll.c: a host with one thread and one poll() for everything: standard input and all commands in the sandbox.
 *
 *     DAYTONA_API_KEY=... build/poll build/eep-daytona.so LEASE < commands
 *
 * Runs each line as a command, all of them at once, and prints what they write as it arrives, each piece behind the
 * number of its command. Nothing is ever called back, and no thread waits. Exits with the number of commands that
 * failed, 100 at the most. */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eep.h"
#include "ext/async.h"

static const eep_plugin *plugin;
static const eep_async_table *async;
static eep_env *env;
static const char *lease;
static unsigned running;
static unsigned failed;

static int die(const char *what, const eep_error *error)
{
    fprintf(stderr, "poll: %s%s%s\n", what, error ? ": " : "", error ? error->message.ptr : "");
    return 125;
}

/* -- Commands ---------------------------------------------------------------------------------- */

/* The line may be overwritten at once: submit has copied it. user_data comes back with each event. */
static void start_command(uint64_t number, const char *line, size_t len)
{
    eep_execute_request execute = {
        .head = {.struct_size = sizeof execute}, .lease = {lease, strlen(lease)}, .script = {line, len}};
    eep_async_request request = {.struct_size = sizeof request,
                                 .flags = EEP_ASYNC_OUTPUT,
                                 .call = "execute",
                                 .request = &execute,
                                 .user_data = number,
                                 .result_size = sizeof(eep_execution)};
    eep_error error = {.head = {.struct_size = sizeof error}};
    if (async->submit(env, &request, NULL, &error) == EEP_OK) {
        running++;
    } else {
        failed++;
        die("cannot start a command", &error);
    }
    plugin->clear(&error.head);
}

static void tell_end(const eep_event *event)
{
    const eep_execution *result = event->result;
    running--;
    if (event->code != EEP_OK) {
        printf("[%llu] failed: %s\n", (unsigned long long)event->user_data, event->error->message.ptr);
        failed++;
    } else {
        printf("[%llu] exit code %d\n", (unsigned long long)event->user_data, result->exit_code);
        failed += result->exit_code != 0;
    }
}

/* -- The loop ---------------------------------------------------------------------------------- */

/* Takes what there is; waits for nothing. */
static int read_events(void)
{
    eep_event events[64];
    uint32_t count = 0;
    memset(events, 0, sizeof events);
    for (size_t i = 0; i < 64; i++)
        events[i].head.struct_size = sizeof events[i];
    int32_t code = async->next(env, events, 64, 0, 0, &count, NULL);
    for (uint32_t i = 0; i < count; i++) {
        const eep_event *event = &events[i];
        if (event->type == EEP_EVENT_OUTPUT) {
            printf("[%llu] ", (unsigned long long)event->user_data);
            fwrite(event->data.ptr, 1, event->data.len, stdout); /* any bytes, NULs too */
        }
        if (event->type == EEP_EVENT_DONE) tell_end(event);
        plugin->clear(&events[i].head);
    }
    fflush(stdout);
    return code;
}

static char input[65536];
static size_t input_used;

static void start_line(size_t len)
{
    static uint64_t number;
    if (len > 0) start_command(++number, input, len);
}

static void start_whole_lines(void)
{
    for (char *end; (end = memchr(input, '\n', input_used)) != NULL;) {
        start_line((size_t)(end - input));
        input_used -= (size_t)(end + 1 - input);
        memmove(input, end + 1, input_used);
    }
}

/* Returns false at the end of the input; its last line needs no newline. */
static int read_input(void)
{
    ssize_t got = read(0, input + input_used, sizeof input - input_used);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return 1;
    if (got > 0) {
        input_used += (size_t)got;
        start_whole_lines();
        if (input_used < sizeof input) return 1;
        die("a line is too long, and what follows is not read", NULL);
        failed++;
        return 0;
    }
    start_line(input_used);
    return 0;
}

static int loop(int32_t events_fd)
{
    struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = events_fd, .events = POLLIN}};
    while (fds[0].fd >= 0 || running > 0) {
        if (poll(fds, 2, -1) < 0) continue; /* a signal */
        if (fds[0].revents && !read_input()) fds[0].fd = -1;
        if (fds[1].revents && read_events() != EEP_OK) return 125;
    }
    return failed < 100 ? (int)failed : 100;
}

/* -- Beginning and end ------------------------------------------------------------------------- */

static int open_all(const char *path, int32_t *fd)
{
    eep_error error = {.head = {.struct_size = sizeof error}};
    eep_open_request open = {
        .struct_size = sizeof open, .flags = EEP_OPEN_TRUST_ENV, .config = {"{}", strlen("{}")}};
    eep_plugin_v1_fn entry = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library) *(void **)&entry = dlsym(library, EEP_ENTRY_SYMBOL);
    plugin = entry ? entry() : NULL;
    if (!plugin || plugin->min_host_minor > EEP_ABI_MINOR)
        return die(library ? "this is no plugin that fits" : dlerror(), NULL);
    async = plugin->get_extension(EEP_EXT_ASYNC);
    if (!async) return die("this plugin has no " EEP_EXT_ASYNC, NULL);
    if (plugin->open(&open, &env, &error) != EEP_OK) return die("cannot open", &error);
    if (async->fd(env, fd, &error) != EEP_OK) return die("no events", &error);
    return 0;
}

int main(int argc, char **argv)
{
    int32_t fd = -1;
    if (argc != 3) return die("usage: poll PLUGIN.so LEASE < commands", NULL);
    lease = argv[2];
    int status = open_all(argv[1], &fd);
    if (status == 0) status = loop(fd);
    if (plugin) plugin->close(env); /* ends what runs, throws away what was not read */
    return status;
}
