/* mem.c: see mem.h. */
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"

void mem_out(void)
{
    fputs("eep: out of memory\n", stderr);
    _exit(EXIT_COULD_NOT);
}

void *mem_zeroed(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory) mem_out();
    return memory;
}

void *mem_grow(void *array, size_t count, size_t size)
{
    void *grown = reallocarray(array, count + 1, size);
    if (!grown) mem_out();
    return grown;
}

void mem_wipe_free(void *memory, size_t len)
{
    if (!memory) return;
    explicit_bzero(memory, len);
    free(memory);
}
