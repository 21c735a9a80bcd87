/* clock.h: the two clocks: monotonic milliseconds for waiting, ISO-8601 wall time for people. */
#ifndef STANDIN_CLOCK_H
#define STANDIN_CLOCK_H

#include <stdint.h>
#include <time.h>

struct iso_time {
    char text[32];
};

int64_t clock_ms(void);                               /* monotonic */
int64_t clock_wall_ms(void);                          /* since 1970 */
struct iso_time clock_iso(int64_t wall_ms);           /* 2026-01-31T12:00:00.000Z */
struct timespec clock_deadline(int64_t monotonic_ms); /* for pthread_cond_timedwait on CLOCK_MONOTONIC */

#endif
