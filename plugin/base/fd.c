#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int fd_above_stdio(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO) return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int failure = errno;
    close(fd);
    errno = failure;
    return moved;
}

void fd_guard_init(struct fd_guard *guard)
{
    guard->count = 0;
    for (;;) {
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (fd >= 0 && fd <= STDERR_FILENO) {
            guard->fds[guard->count++] = fd;
            continue;
        }
        if (fd >= 0) close(fd);
        return;
    }
}

void fd_guard_finish(struct fd_guard *guard)
{
    while (guard->count > 0)
        close(guard->fds[--guard->count]);
}
