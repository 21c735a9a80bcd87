#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/process.h"
#include "base/sha256.h"

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

/* -- Randomness -------------------------------------------------------------------------------- */

/* What no other call has: the bytes that the kernel gave to this program, the process, the moment, and a number. */
static void digest_of_this_call(unsigned char digest[SHA256_BYTES])
{
    static _Atomic(uint64_t) calls;
    const uint64_t own[] = {process_self(), (uint64_t)getpid(), atomic_fetch_add(&calls, 1)};
    const void *given = (const void *)getauxval(AT_RANDOM);
    struct timespec now[2] = {{0}};
    struct sha256 hash;
    clock_gettime(CLOCK_REALTIME, &now[0]);
    clock_gettime(CLOCK_MONOTONIC, &now[1]);
    sha256_init(&hash);
    if (given) sha256_add(&hash, given, 16);
    sha256_add(&hash, own, sizeof own);
    sha256_add(&hash, now, sizeof now);
    sha256_final(&hash, digest);
}

/* Where a filter forbids the kernel's generator: what is made here are names, which must differ. */
static void fill_by_ourselves(unsigned char *out, size_t len)
{
    unsigned char digest[SHA256_BYTES];
    for (size_t done = 0, take; done < len; done += take) {
        digest_of_this_call(digest);
        take = len - done < sizeof digest ? len - done : sizeof digest;
        memcpy(out + done, digest, take);
    }
}

/* In one call of the kernel: one for each byte was a quarter of what an execute cost. */
static void fill_random(unsigned char *out, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t got = getrandom(out + done, len - done, 0);
        if (got < 0 && errno != EINTR) {
            fill_by_ourselves(out + done, len - done);
            return;
        }
        if (got > 0) done += (size_t)got;
    }
}

unsigned char random_byte(void)
{
    unsigned char byte;
    fill_random(&byte, 1);
    return byte;
}

void random_hex(char *out, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char *raw = (unsigned char *)out + bytes; /* the upper half, which is written last */
    fill_random(raw, bytes);
    for (size_t i = 0; i < bytes; i++) {
        unsigned char byte = raw[i];
        out[2 * i] = digits[byte >> 4];
        out[2 * i + 1] = digits[byte & 15];
    }
    out[2 * bytes] = '\0';
}
