/* clock.h: monotonic time and random names. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds of the monotonic clock. */
int64_t clock_now_ms(void);

/* Milliseconds from now until the moment `at`, at least 0. */
int64_t clock_left_ms(int64_t at);

/* Milliseconds of the wall clock since 1970. */
int64_t clock_wall_ms(void);

unsigned char random_byte(void);

/* Writes `bytes` random bytes as 2 * bytes lower-case hex digits and a NUL. Cannot fail: the kernel's generator blocks only
 * before a machine has booted, and where it is forbidden names still differ (but are no secrets). */
void random_hex(char *out, size_t bytes);

#endif
