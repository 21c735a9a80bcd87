#include "base/clock.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec t = {0};
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_left_ms(int64_t at)
{
    int64_t left = at - clock_now_ms();
    return left > 0 ? left : 0;
}

int64_t clock_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

unsigned char random_byte(void)
{
    unsigned char byte = 0;
    while (getrandom(&byte, 1, 0) != 1)
        if (errno != EINTR) break;
    return byte;
}

void random_hex(char *out, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes; i++) {
        unsigned char byte = random_byte();
        out[2 * i] = digits[byte >> 4];
        out[2 * i + 1] = digits[byte & 15];
    }
    out[2 * bytes] = '\0';
}
