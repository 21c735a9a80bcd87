#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The harness stands outside of what is tested: when it fails itself, nothing can be said. */
static void must(bool condition, const char *what)
{
    if (condition) return;
    perror(what);
    abort();
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void become_shell(const struct service *service, int in, int out)
{
    setpgid(0, 0);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    signal(SIGPIPE, SIG_DFL);
    if (service->cwd && chdir(service->cwd) != 0) _exit(126);
    char *name = strdup(service->shell);
    char *applet = strchr(name, ' ');
    if (applet) *applet++ = '\0';
    char *argv[] = {name, applet, NULL};
    /* The shell is the service's choice: it is not looked for on the sandbox's PATH. */
    if (service->env) execvpe(name, argv, service->env);
    execvp(name, argv);
    _exit(127);
}

void service_begin(const struct service *service, const char *text, size_t len, struct request *request)
{
    int in[2];
    int out[2];
    must(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe");
    *request =
        (struct request){.in = in[1], .out = out[0], .text = text, .left = len, .lossy = service->lossy};
    request->shell = fork();
    must(request->shell >= 0, "fork");
    if (request->shell == 0) become_shell(service, in[0], out[1]);
    setpgid(request->shell, request->shell);
    close(in[0]);
    close(out[1]);
    signal(SIGPIPE, SIG_IGN);
    fcntl(request->in, F_SETFL, O_NONBLOCK);
}

static void feed_some(struct request *request)
{
    ssize_t n = write(request->in, request->text, request->left);
    if (n > 0) {
        request->text += n;
        request->left -= (size_t)n;
    }
    if (request->left > 0 && (n > 0 || errno == EAGAIN || errno == EINTR)) return;
    close(request->in);
    request->in = -1;
}

void service_feed(struct request *request)
{
    for (size_t before = request->left + 1; request->in >= 0 && request->left < before;) {
        before = request->left;
        feed_some(request);
    }
}

/* False at the end of the pipe. */
static bool collect(struct request *request)
{
    char block[65536];
    ssize_t n = read(request->out, block, sizeof block);
    if (n <= 0) return false;
    struct reply *reply = &request->reply;
    reply->text = realloc(reply->text, reply->len + (size_t)n + 1);
    must(reply->text != NULL, "realloc");
    memcpy(reply->text + reply->len, block, (size_t)n);
    reply->len += (size_t)n;
    reply->text[reply->len] = '\0';
    return true;
}

/* How long the valid UTF-8 sequence at `at` is; 0 = it is none. (Overlong forms do not matter here.) */
static size_t sequence(const unsigned char *at, size_t left)
{
    size_t len = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
    if (len == 0 || len > left) return 0;
    for (size_t i = 1; i < len; i++)
        if (at[i] >> 6 != 2) return 0;
    return len;
}

static void make_lossy(struct reply *reply)
{
    char *clean = malloc(reply->len * 3 + 1);
    size_t n = 0;
    must(clean != NULL, "malloc");
    for (size_t i = 0; i < reply->len;) {
        size_t len = sequence((unsigned char *)reply->text + i, reply->len - i);
        memcpy(clean + n, len ? reply->text + i : "\xef\xbf\xbd", len ? len : 3);
        n += len ? len : 3;
        i += len ? len : 1;
    }
    clean[n] = '\0';
    free(reply->text);
    reply->text = clean;
    reply->len = n;
}

static int exit_code(pid_t pid)
{
    int status;
    must(waitpid(pid, &status, 0) == pid, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void service_end(struct request *request, int window_ms, struct reply *reply)
{
    int64_t end = now_ms() + window_ms;
    bool open = true;
    while (open) {
        int64_t left = end - now_ms();
        if (left <= 0 && !request->reply.timed_out) {
            kill(-request->shell, SIGKILL);
            request->reply.timed_out = true;
            end += 15000; /* what still holds the pipe then is a fault that the test shall see */
            continue;
        }
        must(left > 0, "somebody outside of the group holds the answer's pipe");
        struct pollfd fds[2] = {{request->out, POLLIN, 0}, {request->in, POLLOUT, 0}};
        must(poll(fds, request->in >= 0 ? 2 : 1, (int)left) >= 0 || errno == EINTR, "poll");
        if (request->in >= 0 && fds[1].revents) feed_some(request);
        if (fds[0].revents) open = collect(request);
    }
    if (request->in >= 0) close(request->in);
    close(request->out);
    request->reply.exit_code = exit_code(request->shell);
    if (request->lossy && request->reply.text) make_lossy(&request->reply);
    *reply = request->reply;
}

void service_execute(const struct service *service, const char *text, size_t len, int window_ms,
                     struct reply *reply)
{
    struct request request;
    service_begin(service, text, len, &request);
    service_end(&request, window_ms, reply);
}

void reply_finish(struct reply *reply)
{
    free(reply->text);
    *reply = (struct reply){0};
}
