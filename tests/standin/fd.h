/* fd.h: file descriptors: scoped closing, whole reads and writes, passing them over a socket.
 *
 * Every call retries EINTR. Descriptors made or received here are close-on-exec. Shared by the server and the
 * agent, so it depends on libc alone and allocates nothing but what it says.
 */
#ifndef STANDIN_FD_H
#define STANDIN_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { FD_MAX_PASSED = 4 };

void fd_close(int *fd); /* accepts -1; leaves -1; keeps errno */

int fd_write_all(int fd, const void *bytes, size_t len); /* 0, or -1 with errno */
ssize_t fd_read_some(int fd, void *bytes, size_t cap);   /* as read, without EINTR */

/* One packet with up to FD_MAX_PASSED descriptors. 0, or -1 with errno. */
int fd_send_packet(int socket, const void *bytes, size_t len, const int *fds, size_t fd_count);

/* One packet. Returns its length (0 = the peer is gone), or -1 with errno. Slots without a descriptor are -1.
 */
ssize_t fd_receive_packet(int socket, void *bytes, size_t cap, int fds[FD_MAX_PASSED]);

/* An anonymous file with these bytes, its offset at the start. -1 with errno. */
int fd_from_bytes(const void *bytes, size_t len);

/* The whole of a regular or anonymous file, NUL-terminated, to be freed; NULL with errno. */
char *fd_read_file(int fd, size_t *len);

#endif
