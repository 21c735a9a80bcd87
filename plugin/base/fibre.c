#include "base/fibre.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/fibre_shadow.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_SIZE ((size_t)1 << 20) /* their frames are larger */
#else
#define STACK_SIZE ((size_t)128 << 10)
#endif

/* No frame is so large that it would reach beyond without touching it. Costs addresses, no memory. */
#define GUARD_SIZE ((size_t)64 << 10)

/* Stacks are kept warm for the next ones; each has touched a few pages. */
#define POOL_MAX 64

struct fibre {
    struct fibre *next; /* in the pool */
    ucontext_t context;
    ucontext_t resumer;
    char *stack; /* its lowest byte, above the guard */
    void (*main)(void *argument);
    void *argument;
    bool returned;
    struct fibre_shadow shadow;
};

/* -- Switching --------------------------------------------------------------------------------- */

bool fibre_resume(struct fibre *fibre)
{
    shadow_leave_resumer(&fibre->shadow);
    swapcontext(&fibre->resumer, &fibre->context);
    shadow_enter_resumer(&fibre->shadow);
    return fibre->returned;
}

void fibre_suspend(struct fibre *fibre)
{
    shadow_leave_fibre(&fibre->shadow, false);
    swapcontext(&fibre->context, &fibre->resumer);
    shadow_enter_fibre(&fibre->shadow);
}

/* makecontext passes ints, so the pointer comes in halves. */
static void run(unsigned high, unsigned low)
{
    struct fibre *fibre = (struct fibre *)(((uintptr_t)high << 32) | low);
    shadow_enter_fibre(&fibre->shadow);
    fibre->main(fibre->argument);
    fibre->returned = true;
    shadow_leave_fibre(&fibre->shadow, true);
    setcontext(&fibre->resumer);
}

/* -- Stacks ------------------------------------------------------------------------------------ */

static char *map_stack(void)
{
    char *map = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (map == MAP_FAILED) return NULL;
    if (mprotect(map, GUARD_SIZE, PROT_NONE) == 0) return map + GUARD_SIZE;
    munmap(map, GUARD_SIZE + STACK_SIZE);
    return NULL;
}

static void free_fibre(struct fibre *fibre)
{
    shadow_withdraw(&fibre->shadow);
    munmap(fibre->stack - GUARD_SIZE, GUARD_SIZE + STACK_SIZE);
    free(fibre);
}

static struct fibre *make_fibre(void)
{
    struct fibre *fibre = calloc(1, sizeof *fibre);
    if (fibre) fibre->stack = map_stack();
    if (!fibre || !fibre->stack) {
        free(fibre);
        return NULL;
    }
    shadow_announce(&fibre->shadow, fibre->stack, STACK_SIZE);
    return fibre;
}

static struct fibre *take_fibre(struct fibre_pool *pool)
{
    struct fibre *fibre = pool->first;
    if (!fibre) return make_fibre();
    pool->first = fibre->next;
    pool->count--;
    *fibre = (struct fibre){.stack = fibre->stack, .shadow = fibre->shadow};
    return fibre;
}

static void prepare(struct fibre *fibre)
{
    shadow_begin(&fibre->shadow);
    getcontext(&fibre->context);
    fibre->context.uc_stack.ss_sp = fibre->stack;
    fibre->context.uc_stack.ss_size = STACK_SIZE;
    makecontext(&fibre->context, (void (*)(void))run, 2, (unsigned)((uintptr_t)fibre >> 32),
                (unsigned)(uintptr_t)fibre);
}

struct fibre *fibre_create(struct fibre_pool *pool, void (*main)(void *argument), void *argument)
{
    struct fibre *fibre = take_fibre(pool);
    if (!fibre) return NULL;
    fibre->main = main;
    fibre->argument = argument;
    prepare(fibre);
    return fibre;
}

void fibre_destroy(struct fibre_pool *pool, struct fibre *fibre)
{
    if (!fibre) return;
    if (pool->count >= POOL_MAX) {
        free_fibre(fibre);
        return;
    }
    fibre->next = pool->first;
    pool->first = fibre;
    pool->count++;
}

void fibre_pool_finish(struct fibre_pool *pool)
{
    struct fibre *next;
    for (struct fibre *fibre = pool->first; fibre; fibre = next) {
        next = fibre->next;
        free_fibre(fibre);
    }
    *pool = (struct fibre_pool){0};
}
