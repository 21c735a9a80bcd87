#include "http/cancel.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

struct eep_cancel {
    atomic_uint references;
    atomic_uint fired;
};

static atomic_int wake_fd = -1;

void wake_set_fd(int fd)
{
    atomic_store(&wake_fd, fd);
}

void wake(void)
{
    int saved = errno;
    int fd = atomic_load(&wake_fd);
    uint64_t one = 1;
    while (fd >= 0 && write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = saved;
}

eep_cancel *cancel_create(void)
{
    eep_cancel *token = calloc(1, sizeof *token);
    if (token) atomic_init(&token->references, 1);
    return token;
}

eep_cancel *cancel_hold(eep_cancel *token)
{
    if (token) atomic_fetch_add(&token->references, 1);
    return token;
}

void cancel_destroy(eep_cancel *token)
{
    if (token && atomic_fetch_sub(&token->references, 1) == 1) free(token);
}

void cancel_fire(eep_cancel *token)
{
    if (!token) return;
    if (atomic_fetch_add(&token->fired, 1) > 1u << 30)
        atomic_store(&token->fired, 2); /* never wraps to "not fired" */
    wake();
}

bool cancel_fired(const eep_cancel *token, unsigned level)
{
    return token && atomic_load(&token->fired) >= level;
}
