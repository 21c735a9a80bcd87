/* cleanup.h: scoped clean-up.
 *
 * `CLEANUP(buf_finish) struct buf b = BUF_INIT(1024);` calls buf_finish(&b) when b goes out of scope, on
 * every path. Functions given to it take a pointer to the variable and accept its zeroed form.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stddef.h>

#define CLEANUP(function) __attribute__((cleanup(function)))
#define NODISCARD         __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Frees *(void **)pointer: CLEANUP(cleanup_free) char *text = NULL; */
void cleanup_free(void *pointer);

/* Overwrites memory in a way that the compiler keeps. */
void wipe(void *memory, size_t len);

/* Wipes and frees; NULL does nothing. */
void wipe_free(void *memory, size_t len);

#endif
