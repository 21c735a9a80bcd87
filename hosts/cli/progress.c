/* progress.c: see progress.h. `lock` guards all of `now`;
 * the pace of drawing is the time-out of its condition. */
#include "progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

enum { DELAY_MS = 300, REDRAW_MS = 100, PLAIN_MS = 15000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static struct {
    const char *what;
    pthread_t thread;
    bool running; /* there is a thread */
    bool over;    /* it shall end */
    bool drawn;   /* the line is on the terminal now */
    struct timespec begin;
} now;

static void erase(void)
{
    if (now.drawn) fputs("\r\033[K", stderr);
    now.drawn = false;
}

static double elapsed_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)(time.tv_sec - now.begin.tv_sec) + (double)(time.tv_nsec - now.begin.tv_nsec) / 1e9;
}

static void draw(bool terminal, unsigned step)
{
    if (!terminal && step == 0) {
        fprintf(stderr, "eep: %s ...\n", now.what);
    } else if (!terminal) {
        fprintf(stderr, "eep: %s, %.0f s so far ...\n", now.what, elapsed_seconds());
    } else {
        fprintf(stderr, "\r%c %s  %.1f s\033[K", "|/-\\"[step % 4], now.what, elapsed_seconds());
        now.drawn = true;
    }
}

/* Waits with the lock held; false = it is over. */
static bool wait_for_turn(unsigned milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!now.over)
        if (pthread_cond_timedwait(&ended, &lock, &until) != 0) return !now.over;
    return false;
}

static void *run(void *unused)
{
    (void)unused;
    bool terminal = isatty(STDERR_FILENO);
    unsigned wait = DELAY_MS;
    pthread_mutex_lock(&lock);
    for (unsigned step = 0; wait_for_turn(wait); step++) {
        draw(terminal, step);
        wait = terminal ? REDRAW_MS : PLAIN_MS;
    }
    erase();
    pthread_mutex_unlock(&lock);
    return NULL;
}

void progress_begin(const struct out *out, const char *what)
{
    if (out->quiet) return;
    now.what = what;
    now.over = false;
    clock_gettime(CLOCK_MONOTONIC, &now.begin);

    /* The thread inherits the mask: signals belong to the main thread, whose reads must notice them. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    now.running =
        pthread_create(&now.thread, NULL, run, NULL) == 0; /* without one it is only less talkative */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void progress_end(void)
{
    if (!now.running) return;
    pthread_mutex_lock(&lock);
    now.over = true;
    pthread_cond_signal(&ended);
    pthread_mutex_unlock(&lock);
    pthread_join(now.thread, NULL);
    now.running = false;
}

void progress_print(const char *format, ...)
{
    pthread_mutex_lock(&lock);
    erase();
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    pthread_mutex_unlock(&lock);
}
