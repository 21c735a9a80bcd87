/* arena.h: the memory behind one result or error. Everything in it is freed at once by eep's clear().
 *
 * Blocks hang in a list whose head is the `arena` pointer of struct eep_out, so a result needs no allocation
 * until it has something to hold. Not thread-safe. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/err.h"
#include "eep.h"

/* Zeroed memory, aligned for any type; NULL when there is none. size may be 0. */
void *arena_alloc(void **arena, size_t size);

/* Copies bytes and puts a NUL behind them. An absent input gives an absent output. EEP_E_NO_MEMORY. */
NODISCARD int arena_copy(void **arena, const void *data, size_t len, const char **out);
NODISCARD int arena_str(void **arena, eep_str text, eep_str *out);

/* Takes over memory from malloc: it is freed with the arena. On failure it is freed at once. */
NODISCARD int arena_adopt(void **arena, void *memory);

/* Moves all of `from` into arena; *from becomes NULL. */
void arena_join(void **arena, void **from);

/* Frees everything; *arena becomes NULL. */
void arena_free(void **arena);

#endif
