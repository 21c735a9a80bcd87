#include "http/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define GHOSTS_MAX 100

void sockets_init(struct sockets *sockets, int epoll_fd)
{
    *sockets = (struct sockets){.epoll_fd = epoll_fd};
}

void sockets_finish(struct sockets *sockets)
{
    free(sockets->watches);
    *sockets = (struct sockets){.epoll_fd = -1};
}

static struct socket_watch *known(struct sockets *sockets, int fd)
{
    return fd >= 0 && (size_t)fd < sockets->count ? &sockets->watches[fd] : NULL;
}

/* The table is as long as the highest descriptor, which the kernel keeps low. NULL = out of memory. */
static struct socket_watch *know(struct sockets *sockets, int fd)
{
    size_t count = sockets->count ? sockets->count : 64;
    struct socket_watch *watch = known(sockets, fd);
    if (watch || fd < 0) return watch;
    while (count <= (size_t)fd)
        count *= 2;
    struct socket_watch *grown = reallocarray(sockets->watches, count, sizeof *grown);
    if (!grown) return NULL;
    memset(grown + sockets->count, 0, (count - sockets->count) * sizeof *grown);
    sockets->watches = grown;
    sockets->count = count;
    return &grown[fd];
}

static bool forget(const struct sockets *sockets, int fd)
{
    return epoll_ctl(sockets->epoll_fd, EPOLL_CTL_DEL, fd, &(struct epoll_event){0}) == 0;
}

static void take_out(struct sockets *sockets, struct socket_watch *watch, int fd)
{
    if (watch->registered) forget(sockets, fd);
    watch->owner = NULL;
    watch->registered = 0;
}

void sockets_opened(struct sockets *sockets, int fd)
{
    struct socket_watch *watch = know(sockets, fd);
    if (watch) *watch = (struct socket_watch){.closed_here = true};
}

/* What is known may be wrong for a descriptor that was closed, and opened again, behind our back. */
static bool tell_epoll(const struct sockets *sockets, const struct socket_watch *watch, int fd,
                       uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    int first = watch->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int second = watch->registered ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    return epoll_ctl(sockets->epoll_fd, first, fd, &event) == 0 ||
           epoll_ctl(sockets->epoll_fd, second, fd, &event) == 0;
}

bool sockets_watch(struct sockets *sockets, int fd, uint32_t events, void *owner)
{
    struct socket_watch *watch = know(sockets, fd);
    if (!watch) return false;
    watch->owner = owner;
    if (watch->closed_here && watch->registered == events) return true;
    if (!tell_epoll(sockets, watch, fd, events)) return false;
    watch->registered = events;
    return true;
}

void sockets_rest(struct sockets *sockets, int fd)
{
    struct socket_watch *watch = known(sockets, fd);
    if (!watch) return;
    watch->owner = NULL;
    if (watch->closed_here && watch->registered == EPOLLIN) return;
    take_out(sockets, watch, fd); /* it may be closed by now */
    watch->closed_here = false;
}

void sockets_close(struct sockets *sockets, int fd)
{
    struct socket_watch *watch = known(sockets, fd);
    if (watch) {
        take_out(sockets, watch, fd);
        watch->closed_here = false;
    }
    close(fd);
}

void *sockets_owner(struct sockets *sockets, int fd)
{
    struct socket_watch *watch = known(sockets, fd);
    if (watch && watch->owner) return watch->owner;
    if (watch) watch->registered = 0;
    if (!forget(sockets, fd)) sockets->ghosts++;
    return NULL;
}

/* One that was closed a moment ago may have been told of before. */
bool sockets_is_haunted(const struct sockets *sockets)
{
    return sockets->ghosts >= GHOSTS_MAX;
}

/* Those at rest are left behind. */
static bool register_all(const struct sockets *sockets, int epoll_fd)
{
    for (size_t fd = 0; fd < sockets->count; fd++) {
        const struct socket_watch *watch = &sockets->watches[fd];
        struct epoll_event event = {.events = watch->registered, .data.fd = (int)fd};
        if (!watch->owner || !watch->registered) continue;
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, (int)fd, &event) != 0 && errno != EBADF) return false;
    }
    return true;
}

bool sockets_move(struct sockets *sockets, int epoll_fd)
{
    if (!register_all(sockets, epoll_fd)) return false;
    for (size_t fd = 0; fd < sockets->count; fd++)
        if (!sockets->watches[fd].owner) sockets->watches[fd].registered = 0;
    sockets->epoll_fd = epoll_fd;
    sockets->ghosts = 0;
    return true;
}
