/* mem.h: memory for a program that runs one verb and ends.
 *
 * When memory runs out there is nothing better to do than to say so and stop, so these never return NULL.
 * (The plugin itself answers EEP_E_NO_MEMORY; only the CLI may end the process: it is the process.)
 */
#ifndef CLI_MEM_H
#define CLI_MEM_H

#include <stddef.h>

#define CLEANUP(function) __attribute__((cleanup(function)))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* `count` zeroed elements; free() gives them back. */
void *mem_zeroed(size_t count, size_t size) __attribute__((returns_nonnull));

/* Makes room for one more element behind the `count` that are there. */
void *mem_grow(void *array, size_t count, size_t size) __attribute__((returns_nonnull));

/* Overwrites and frees; NULL does nothing. */
void mem_wipe_free(void *memory, size_t len);

/* Says that memory ran out and ends the process with EXIT_COULD_NOT. */
void mem_out(void) __attribute__((noreturn));

#endif
