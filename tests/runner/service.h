/* service.h: process/execute as the service does it: the text goes to the shell's stdin, the shell leads a
 * process group of its own, stdout and stderr share one pipe that is read until nobody holds it any more, and
 * at the window the group gets SIGKILL. A test's own reading of the protocol: it shares nothing with the
 * plugin. */
#ifndef RUNNER_SERVICE_H
#define RUNNER_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct service {
    const char *shell; /* "dash", "bash", "busybox ash", "zsh" */
    const char *cwd;   /* NULL = as it is                      */
    char *const *env;  /* NULL = the test's own                */
    bool lossy;        /* invalid UTF-8 becomes U+FFFD         */
};

struct reply {
    bool timed_out; /* killed at the window: the real service answers 408, and without a text */
    int exit_code;
    char *text; /* NUL-terminated; freed by reply_finish */
    size_t len;
};

/* A request under way, for tests that do something meanwhile. */
struct request {
    pid_t shell;
    int in;
    int out;
    const char *text;
    size_t left;
    bool lossy;
    struct reply reply;
};

/* The shell waits for its text. */
void service_begin(const struct service *service, const char *text, size_t len, struct request *request);

/* Gives it the text, as much of it as a pipe takes (64 kB); the rest goes with service_end. */
void service_feed(struct request *request);

/* Waits for the end, at most window_ms. */
void service_end(struct request *request, int window_ms, struct reply *reply);

/* Both in one. */
void service_execute(const struct service *service, const char *text, size_t len, int window_ms,
                     struct reply *reply);

void reply_finish(struct reply *reply);

#endif
