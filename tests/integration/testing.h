/* testing.h: cmocka with the headers that it wants, a clock, and waits that have a limit. */
#ifndef INTEGRATION_TESTING_H
#define INTEGRATION_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

enum { LIMIT_MS = 20000 };

static inline long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Between two looks of a wait. */
static inline void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

#define AWAIT(condition)                                                                                     \
    do {                                                                                                     \
        for (long await_until = now_ms() + LIMIT_MS; !(condition); nap())                                    \
            if (now_ms() > await_until) fail_msg("waited in vain for %s", #condition);                       \
    } while (0)

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#endif
