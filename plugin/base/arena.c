#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
    void *adopted; /* memory that came from elsewhere, or NULL */
    max_align_t data[];
};

static struct block *push(void **arena, size_t size)
{
    struct block *block = size < SIZE_MAX / 2 ? calloc(1, sizeof *block + size) : NULL;
    if (!block) return NULL;
    block->next = *arena;
    *arena = block;
    return block;
}

void *arena_alloc(void **arena, size_t size)
{
    struct block *block = push(arena, size);
    return block ? block->data : NULL;
}

int arena_copy(void **arena, const void *data, size_t len, const char **out)
{
    *out = NULL;
    if (!data) return EEP_OK;
    char *copy = arena_alloc(arena, len + 1);
    if (!copy) return EEP_E_NO_MEMORY;
    memcpy(copy, data, len);
    *out = copy;
    return EEP_OK;
}

int arena_str(void **arena, eep_str text, eep_str *out)
{
    const char *copy = NULL;
    TRY(arena_copy(arena, text.ptr, text.len, &copy));
    *out = (eep_str){copy, text.len};
    return EEP_OK;
}

int arena_adopt(void **arena, void *memory)
{
    struct block *block = push(arena, 0);
    if (!block) {
        free(memory);
        return EEP_E_NO_MEMORY;
    }
    block->adopted = memory;
    return EEP_OK;
}

void arena_join(void **arena, void **from)
{
    struct block *first = *from;
    struct block *last = first;
    *from = NULL;
    if (!first) return;
    while (last->next)
        last = last->next;
    last->next = *arena;
    *arena = first;
}

void arena_free(void **arena)
{
    struct block *block = *arena;
    *arena = NULL;
    while (block) {
        struct block *next = block->next;
        free(block->adopted);
        free(block);
        block = next;
    }
}
