#include "clock.h"

#include <stdio.h>

static int64_t read_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

struct iso_time clock_iso(int64_t wall_ms)
{
    struct iso_time iso;
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t len = strftime(iso.text, sizeof iso.text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(iso.text + len, sizeof iso.text - len, ".%03dZ", (int)(wall_ms % 1000));
    return iso;
}

struct timespec clock_deadline(int64_t monotonic_ms)
{
    return (struct timespec){.tv_sec = (time_t)(monotonic_ms / 1000),
                             .tv_nsec = (long)(monotonic_ms % 1000) * 1000000};
}
