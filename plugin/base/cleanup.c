#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

void cleanup_free(void *pointer)
{
    void *memory;
    memcpy(&memory, pointer, sizeof memory);
    free(memory);
}

void wipe(void *memory, size_t len)
{
    if (len > 0) explicit_bzero(memory, len);
}

void wipe_free(void *memory, size_t len)
{
    if (!memory) return;
    wipe(memory, len);
    free(memory);
}
