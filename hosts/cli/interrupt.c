/* interrupt.c: see interrupt.h. Everything that the handler reads is set before it is installed. */
#include "interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "err.h"

static const int watched[] = {SIGINT, SIGTERM, SIGHUP};

static atomic_uint received;
static void (*fire)(eep_cancel *token);
static eep_cancel *work_token;
static eep_cancel *cleanup_token;
static char first_message[160];
static const char second_message[] = "eep: leaving at once\n";
static const char *line_start = ""; /* on a terminal: removes the progress line */

static void say(const char *text)
{
    /* What cannot be said here cannot be said at all: there is no one to tell. */
    if (write(STDERR_FILENO, line_start, strlen(line_start)) < 0) return;
    if (write(STDERR_FILENO, text, strlen(text)) < 0) return;
}

static void on_signal(int number)
{
    (void)number;
    int saved_errno = errno;
    unsigned count = atomic_fetch_add(&received, 1) + 1;
    if (count > 2) _exit(EXIT_CANCELLED);
    fire(work_token);
    if (count == 2) {
        fire(cleanup_token);
        fire(cleanup_token);
    }
    say(count == 1 ? first_message : second_message);
    errno = saved_errno;
}

void interrupt_start(const eep_plugin *plugin, eep_cancel *work, eep_cancel *cleanup, uint32_t grace_ms)
{
    fire = plugin->cancel_fire;
    work_token = work;
    cleanup_token = cleanup;
    if (isatty(STDERR_FILENO)) line_start = "\r\033[K";
    snprintf(first_message, sizeof(first_message),
             "eep: stopping and cleaning up, at most %u s; once more to leave at once\n",
             (grace_ms + 999) / 1000);
    /* No SA_RESTART: a read from a terminal must notice. */
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
        struct sigaction before;
        sigaction(watched[i], NULL, &before);
        if (before.sa_handler != SIG_IGN) sigaction(watched[i], &action, NULL);
    }
}

void interrupt_finish(void)
{
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
        struct sigaction now;
        sigaction(watched[i], NULL, &now);
        if (now.sa_handler == on_signal) signal(watched[i], SIG_DFL);
    }
}

unsigned interrupt_count(void)
{
    return atomic_load(&received);
}
