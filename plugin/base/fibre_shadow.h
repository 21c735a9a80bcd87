/* fibre_shadow.h: what AddressSanitizer and ThreadSanitizer have to be told of a fibre, so that they follow it from stack to
 * stack. Part of fibre.c, which says more about fibres; in an ordinary build it is nothing. */
#ifndef BASE_FIBRE_SHADOW_H
#define BASE_FIBRE_SHADOW_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>

struct fibre_shadow {
    char *stack;
    size_t size;
    void *own; /* while it is left */
    void *resumer;
    const void *resumer_stack;
    size_t resumer_size;
};

/* A stack is there: what is pointed to from it is no leak. */
static inline void shadow_announce(struct fibre_shadow *shadow, char *stack, size_t size)
{
    *shadow = (struct fibre_shadow){.stack = stack, .size = size};
    __lsan_register_root_region(stack, size);
}

/* A fibre begins on it: nothing of the last one's frames counts. */
static inline void shadow_begin(struct fibre_shadow *shadow)
{
    __asan_unpoison_memory_region(shadow->stack, shadow->size);
    shadow->own = NULL;
}

/* Around each switch: who leaves says where to, who arrives says so. */
static inline void shadow_leave_resumer(struct fibre_shadow *shadow)
{
    __sanitizer_start_switch_fiber(&shadow->resumer, shadow->stack, shadow->size);
}

static inline void shadow_enter_fibre(struct fibre_shadow *shadow)
{
    __sanitizer_finish_switch_fiber(shadow->own, &shadow->resumer_stack, &shadow->resumer_size);
}

static inline void shadow_leave_fibre(struct fibre_shadow *shadow, bool for_good)
{
    __sanitizer_start_switch_fiber(for_good ? NULL : &shadow->own, shadow->resumer_stack,
                                   shadow->resumer_size);
}

static inline void shadow_enter_resumer(struct fibre_shadow *shadow)
{
    __sanitizer_finish_switch_fiber(shadow->resumer, NULL, NULL);
}

/* The stack goes. */
static inline void shadow_withdraw(struct fibre_shadow *shadow)
{
    __asan_unpoison_memory_region(shadow->stack, shadow->size);
    __lsan_unregister_root_region(shadow->stack, shadow->size);
}

#elif defined(__SANITIZE_THREAD__)

#include <sanitizer/tsan_interface.h>

struct fibre_shadow {
    void *own;
    void *resumer;
};

static inline void shadow_announce(struct fibre_shadow *shadow, char *stack, size_t size)
{
    (void)stack;
    (void)size;
    *shadow = (struct fibre_shadow){0};
}

static inline void shadow_withdraw(struct fibre_shadow *shadow)
{
    if (shadow->own) __tsan_destroy_fiber(shadow->own);
}

static inline void shadow_begin(struct fibre_shadow *shadow)
{
    shadow_withdraw(shadow);
    shadow->own = __tsan_create_fiber(0);
}

static inline void shadow_leave_resumer(struct fibre_shadow *shadow)
{
    shadow->resumer = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(shadow->own, 0);
}

static inline void shadow_leave_fibre(struct fibre_shadow *shadow, bool for_good)
{
    (void)for_good;
    __tsan_switch_to_fiber(shadow->resumer, 0);
}

#define shadow_enter_fibre(shadow)   ((void)(shadow))
#define shadow_enter_resumer(shadow) ((void)(shadow))

#else

struct fibre_shadow {
    char unused;
};

#define shadow_announce(shadow, stack, size) ((void)(shadow))
#define shadow_begin(shadow)                 ((void)(shadow))
#define shadow_leave_resumer(shadow)         ((void)(shadow))
#define shadow_enter_fibre(shadow)           ((void)(shadow))
#define shadow_leave_fibre(shadow, for_good) ((void)(shadow))
#define shadow_enter_resumer(shadow)         ((void)(shadow))
#define shadow_withdraw(shadow)              ((void)(shadow))

#endif

#endif
