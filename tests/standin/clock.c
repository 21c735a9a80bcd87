#include "clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static atomic_int_fast64_t offset_ms;

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
    return read_ms(CLOCK_REALTIME) + atomic_load(&offset_ms);
}

void clock_set_offset(int64_t ms)
{
    atomic_store(&offset_ms, ms);
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

struct iso_time clock_http(int64_t wall_ms)
{
    struct iso_time date;
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(date.text, sizeof date.text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return date;
}

/* Milliseconds of ".123456", at the point or not. Moves on behind it. */
static int parse_fraction(const char **text)
{
    int ms = 0, scale = 100;
    if (**text != '.') return 0;
    for (++*text; **text >= '0' && **text <= '9'; ++*text, scale /= 10)
        ms += (**text - '0') * scale;
    return ms;
}

bool clock_parse_iso(const char *text, int64_t *wall_ms)
{
    struct tm parts = {0};
    int hours = 0, minutes = 0;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == NULL) return false;
    int ms = parse_fraction(&rest);
    char sign = *rest;
    if ((sign == '+' || sign == '-') && sscanf(rest + 1, "%2d:%2d", &hours, &minutes) != 2) return false;
    int64_t ahead = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    *wall_ms = ((int64_t)timegm(&parts) - ahead) * 1000 + ms;
    return true;
}

struct timespec clock_deadline(int64_t monotonic_ms)
{
    return (struct timespec){.tv_sec = (time_t)(monotonic_ms / 1000),
                             .tv_nsec = (long)(monotonic_ms % 1000) * 1000000};
}
