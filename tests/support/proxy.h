/* proxy.h: a small, real proxy in the process of the test, which remembers what clients send: CONNECT, and plain requests
 * forwarded one a connection. It goes to loopback only.
 *
 * A thread for each connection; they end with proxy_stop. */
#ifndef TESTS_PROXY_H
#define TESTS_PROXY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct proxy {
    const char *credentials; /* what Basic must say; NULL = anybody may pass */
    int listener;
    int stop[2]; /* closing [1] ends all threads */
    unsigned port;
    pthread_t thread;

    pthread_mutex_t lock; /* of the rest */
    size_t tunnels;       /* CONNECTs that were let through */
    size_t forwarded;     /* plain requests that were */
    size_t refused;       /* 407 */
    char *seen;           /* all that clients have sent */
    size_t seen_len;
};

/* `credentials`: see struct proxy; must stay. */
void proxy_start(struct proxy *proxy, const char *credentials);
void proxy_stop(struct proxy *proxy);

/* Have clients sent this, to the proxy or through it? */
bool proxy_saw(struct proxy *proxy, const char *what);

/* One of the counters above, now. */
size_t proxy_count(struct proxy *proxy, const size_t *counter);

#endif
