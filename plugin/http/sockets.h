/* sockets.h: libcurl's sockets under epoll, by descriptor. Used by the I/O thread only.
 *
 * A connection that is kept for the next request stays registered: to take it out and to put it in again would be two
 * system calls for each request. What it then reports (the service closed it) takes it out. Only sockets whose end we
 * see are kept so: libcurl closes others by itself (its resolver's, those that have not connected yet), and their
 * numbers come back as something else. */
#ifndef HTTP_SOCKETS_H
#define HTTP_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct socket_watch {
    void *owner;         /* NULL = nobody wants to hear of it now */
    uint32_t registered; /* what epoll knows; 0 = it does not know the descriptor */
    bool closed_here;    /* once it is connected, by sockets_close and not before */
};

struct sockets {
    int epoll_fd;    /* the owner's */
    unsigned ghosts; /* events of sockets that we have no number for any more */
    struct socket_watch *watches;
    size_t count;
};

/* No descriptor is registered. Does not own epoll_fd. */
void sockets_init(struct sockets *sockets, int epoll_fd);
void sockets_finish(struct sockets *sockets);

/* It has just been opened, and sockets_close will end it. */
void sockets_opened(struct sockets *sockets, int fd);

/* The owner wants to hear of these events (EPOLLIN, EPOLLOUT). False = out of memory, or epoll refuses. */
bool sockets_watch(struct sockets *sockets, int fd, uint32_t events, void *owner);

/* Nobody does for now. */
void sockets_rest(struct sockets *sockets, int fd);

/* Closes it, and it is not registered any more: also where a child of the host's still holds the connection open. */
void sockets_close(struct sockets *sockets, int fd);

/* Does it tell of a socket that was closed, but that a child of the host's has, too? It would do so for ever. */
bool sockets_is_haunted(const struct sockets *sockets);

/* Takes all sockets to another epoll_fd. False = out of memory; nothing has changed. */
bool sockets_move(struct sockets *sockets, int epoll_fd);

/* Who is told of an event; NULL = nobody, and no more of them come. */
void *sockets_owner(struct sockets *sockets, int fd);

#endif
