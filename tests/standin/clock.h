/* clock.h: the two clocks: monotonic milliseconds for waiting, ISO-8601 wall time for people. */
#ifndef STANDIN_CLOCK_H
#define STANDIN_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct iso_time {
    char text[32];
};

int64_t clock_ms(void);                     /* monotonic */
int64_t clock_wall_ms(void);                /* since 1970, as the service believes */
struct iso_time clock_iso(int64_t wall_ms); /* 2026-01-31T12:00:00.000Z */

/* Reads 2026-01-31T12:00:00[.123456][Z|+01:00]. False, and *wall_ms as it was, for anything else. */
bool clock_parse_iso(const char *text, int64_t *wall_ms);

/* The service's clock may be wrong by this much: for wall times only, in this whole process. */
void clock_set_offset(int64_t ms);

struct iso_time clock_http(int64_t wall_ms);          /* Sat, 31 Jan 2026 12:00:00 GMT */
struct timespec clock_deadline(int64_t monotonic_ms); /* for pthread_cond_timedwait on CLOCK_MONOTONIC */

#endif
