#include "fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
    int saved = errno;
    if (*fd >= 0) close(*fd);
    *fd = -1;
    errno = saved;
}

int fd_write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

ssize_t fd_read_some(int fd, void *bytes, size_t cap)
{
    ssize_t n;
    do {
        n = read(fd, bytes, cap);
    } while (n < 0 && errno == EINTR);
    return n;
}

union control {
    struct cmsghdr align;
    char space[CMSG_SPACE(FD_MAX_PASSED * sizeof(int))];
};

static void attach(struct msghdr *message, union control *control, const int *fds, size_t count)
{
    memset(control, 0, sizeof *control);
    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(head), fds, count * sizeof(int));
}

int fd_send_packet(int socket, const void *bytes, size_t len, const int *fds, size_t fd_count)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union control control;
    if (fd_count > 0) attach(&message, &control, fds, fd_count);
    ssize_t n;
    do {
        n = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

static void detach(struct msghdr *message, int fds[FD_MAX_PASSED])
{
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    if (head == NULL || head->cmsg_type != SCM_RIGHTS) return;
    memcpy(fds, CMSG_DATA(head), head->cmsg_len - CMSG_LEN(0));
}

ssize_t fd_receive_packet(int socket, void *bytes, size_t cap, int fds[FD_MAX_PASSED])
{
    for (size_t i = 0; i < FD_MAX_PASSED; i++)
        fds[i] = -1;
    struct iovec part = {.iov_base = bytes, .iov_len = cap};
    union control control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    ssize_t n;
    do {
        n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n >= 0) detach(&message, fds);
    return n;
}

int fd_from_bytes(const void *bytes, size_t len)
{
    int fd = memfd_create("standin", MFD_CLOEXEC);
    if (fd < 0) return -1;
    if (fd_write_all(fd, bytes, len) != 0 || lseek(fd, 0, SEEK_SET) != 0) fd_close(&fd);
    return fd;
}

static size_t read_full(int fd, char *bytes, size_t cap)
{
    size_t have = 0;
    while (have < cap) {
        ssize_t n = pread(fd, bytes + have, cap - have, (off_t)have);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        have += (size_t)n;
    }
    return have;
}

char *fd_read_file(int fd, size_t *len)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return NULL;
    char *bytes = malloc((size_t)info.st_size + 1);
    if (bytes == NULL) return NULL;
    *len = read_full(fd, bytes, (size_t)info.st_size);
    bytes[*len] = '\0';
    return bytes;
}
