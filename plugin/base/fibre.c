#include "base/fibre.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#define STACK_SIZE ((size_t)1 << 20) /* its frames are larger */
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define STACK_SIZE ((size_t)1 << 20)
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

    /* The sanitizers'. */
    void *shadow;
    void *resumer_shadow;
    const void *resumer_stack;
    size_t resumer_size;
};

/* -- Switching --------------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__)

static void leave_resumer(struct fibre *fibre)
{
    __sanitizer_start_switch_fiber(&fibre->resumer_shadow, fibre->stack, STACK_SIZE);
}

static void enter_resumer(struct fibre *fibre)
{
    __sanitizer_finish_switch_fiber(fibre->resumer_shadow, NULL, NULL);
}

static void leave_fibre(struct fibre *fibre)
{
    __sanitizer_start_switch_fiber(fibre->returned ? NULL : &fibre->shadow, fibre->resumer_stack,
                                   fibre->resumer_size);
}

static void enter_fibre(struct fibre *fibre)
{
    __sanitizer_finish_switch_fiber(fibre->shadow, &fibre->resumer_stack, &fibre->resumer_size);
}

static void forget_frames(struct fibre *fibre)
{
    __asan_unpoison_memory_region(fibre->stack, STACK_SIZE);
}

/* What is pointed to from there is no leak. */
static void announce_stack(struct fibre *fibre)
{
    __lsan_register_root_region(fibre->stack, STACK_SIZE);
}

static void withdraw_stack(struct fibre *fibre)
{
    forget_frames(fibre);
    __lsan_unregister_root_region(fibre->stack, STACK_SIZE);
}

#elif defined(__SANITIZE_THREAD__)

static void leave_resumer(struct fibre *fibre)
{
    fibre->resumer_shadow = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fibre->shadow, 0);
}

static void enter_resumer(struct fibre *fibre)
{
    (void)fibre;
}

static void leave_fibre(struct fibre *fibre)
{
    __tsan_switch_to_fiber(fibre->resumer_shadow, 0);
}

static void enter_fibre(struct fibre *fibre)
{
    (void)fibre;
}

static void forget_frames(struct fibre *fibre)
{
    if (fibre->shadow) __tsan_destroy_fiber(fibre->shadow);
    fibre->shadow = NULL;
}

static void announce_stack(struct fibre *fibre)
{
    (void)fibre;
}

static void withdraw_stack(struct fibre *fibre)
{
    forget_frames(fibre);
}

#else

static void leave_resumer(struct fibre *fibre)
{
    (void)fibre;
}
static void enter_resumer(struct fibre *fibre)
{
    (void)fibre;
}
static void leave_fibre(struct fibre *fibre)
{
    (void)fibre;
}
static void enter_fibre(struct fibre *fibre)
{
    (void)fibre;
}
static void forget_frames(struct fibre *fibre)
{
    (void)fibre;
}

static void announce_stack(struct fibre *fibre)
{
    (void)fibre;
}

static void withdraw_stack(struct fibre *fibre)
{
    (void)fibre;
}

#endif

bool fibre_resume(struct fibre *fibre)
{
    leave_resumer(fibre);
    swapcontext(&fibre->resumer, &fibre->context);
    enter_resumer(fibre);
    return fibre->returned;
}

void fibre_suspend(struct fibre *fibre)
{
    leave_fibre(fibre);
    swapcontext(&fibre->context, &fibre->resumer);
    enter_fibre(fibre);
}

/* makecontext passes ints, so the pointer comes in halves. */
static void run(unsigned high, unsigned low)
{
    struct fibre *fibre = (struct fibre *)(((uintptr_t)high << 32) | low);
    enter_fibre(fibre);
    fibre->main(fibre->argument);
    fibre->returned = true;
    leave_fibre(fibre);
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
    withdraw_stack(fibre);
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
    announce_stack(fibre);
    return fibre;
}

static struct fibre *take_fibre(struct fibre_pool *pool)
{
    struct fibre *fibre = pool->first;
    if (!fibre) return make_fibre();
    pool->first = fibre->next;
    pool->count--;
    forget_frames(fibre);
    *fibre = (struct fibre){.stack = fibre->stack};
    return fibre;
}

static void prepare(struct fibre *fibre)
{
#if defined(__SANITIZE_THREAD__)
    fibre->shadow = __tsan_create_fiber(0);
#endif
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
