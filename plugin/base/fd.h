/* fd.h: descriptors 0 to 2 are the host's, also when it has closed them. One day it prints there: what it writes must
 * not go into a connection of ours.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

/* Moves a new, close-on-exec descriptor to where nobody minds it. Takes -1 for -1; -1 with errno when it fails, and
 * then fd is closed. */
int fd_above_stdio(int fd);

/* Fills the gaps below 3 for the while in which others open descriptors that we cannot move. */
struct fd_guard {
    int fds[3];
    int count;
};

void fd_guard_init(struct fd_guard *guard);
void fd_guard_finish(struct fd_guard *guard);

#endif
