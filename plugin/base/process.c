#include "base/process.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

typedef _Atomic(uint64_t) mark;

/* Where there is no page: no memory for it, or a kernel before 4.14. Then the pid has to do. */
static mark no_page;

static _Atomic(mark *) page; /* holds the number; the kernel wipes it in a child. NULL = not looked for yet */
static _Atomic(uint64_t) processes; /* this one's and its ancestors' */

/* An emulator that takes any advice and follows none is found out by one that there is not. */
static bool wipes_on_fork(void *map, size_t size)
{
    return madvise(map, size, -1) != 0 && madvise(map, size, MADV_WIPEONFORK) == 0;
}

static mark *make_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool works = map != MAP_FAILED && wipes_on_fork(map, size);
    mark *expected = NULL;
    if (atomic_compare_exchange_strong(&page, &expected, works ? (mark *)map : &no_page) && works)
        return (mark *)map;
    if (map != MAP_FAILED) munmap(map, size); /* another thread was faster, or it does not work */
    return atomic_load(&page);
}

uint64_t process_self(void)
{
    mark *own = atomic_load(&page);
    uint64_t number = 0;
    if (!own) own = make_page();
    if (own == &no_page) return (uint64_t)getpid();
    uint64_t next = atomic_load(own) == 0 ? atomic_fetch_add(&processes, 1) + 1 : 0;
    if (next != 0) atomic_compare_exchange_strong(own, &number, next);
    return atomic_load(own);
}
