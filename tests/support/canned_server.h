/* canned_server.h: a scripted HTTP/1.1 server on a loopback port, inside the process of the test.
 *
 * The test gives a list of exchanges: what a request must look like, and what happens to it. Each request
 * takes the first exchange that fits its request line and is not used up; one that fits none is answered 599
 * and counted. Every request that arrived whole is kept. One thread a connection, keep-alive unless an
 * exchange says otherwise; bodies with Content-Length only. Every wait has a limit (CANNED_LIMIT_MS), so a
 * broken test fails instead of hanging. All functions from any thread; failures to set up end the process
 * with a message. */
#ifndef TESTS_CANNED_SERVER_H
#define TESTS_CANNED_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#define CANNED_LIMIT_MS 15000
#define CANNED_ALWAYS   0xffffffffu

enum canned_action {
    CANNED_ANSWER,  /* answer, keep the connection */
    CANNED_CLOSE,   /* answer, then close: with `promise` in the middle of the body */
    CANNED_RESET,   /* answer, then RST */
    CANNED_STALL,   /* answer, then nothing until canned_release or canned_stop; then close */
    CANNED_ENDLESS, /* answer, then bytes until the client goes away */
};

struct canned_exchange {
    const char *expect; /* part of the request line: "POST /api/sandbox"; NULL = any */
    enum canned_action action;
    int status;          /* 0 = 200; negative = no head and no body at all, only `raw` */
    const char *type;    /* Content-Type; NULL = application/json; "" = none */
    const char *headers; /* more lines, each with CRLF */
    const char *body;    /* NULL = empty, or an error in JSON when the status says so and type is NULL */
    size_t promise;      /* Content-Length to tell instead of the true one */
    const char *raw;     /* these bytes instead of all of the above */
    size_t raw_len;      /* 0 = strlen */
    unsigned delay_ms;   /* before the answer */
    unsigned times;      /* 0 = once */
    bool unread;         /* act on a new connection at once, without reading from it */
};

struct canned_request {
    const char *head; /* request line and headers, NUL-terminated */
    const char *body; /* NUL-terminated, too */
    size_t body_len;
    size_t connection; /* 1, 2, … in the order of arrival */
};

struct canned_server;

/* The script is borrowed and must outlive the server. */
struct canned_server *canned_start(const struct canned_exchange *script, size_t count);

/* Ends all connections and waits for the threads. NULL does nothing. */
void canned_stop(struct canned_server *server);

/* "http://127.0.0.1:PORT" */
const char *canned_url(const struct canned_server *server);

/* Lets everything that stalls, or will stall, go on. */
void canned_release(struct canned_server *server);

/* Wait until so many connections have been accepted, requests have arrived, exchanges are stalling, connections have
 * ended: false after the limit. */
bool canned_await_connections(struct canned_server *server, size_t count);
bool canned_await_requests(struct canned_server *server, size_t count);
bool canned_await_stalls(struct canned_server *server, size_t count);
bool canned_await_closed(struct canned_server *server, size_t count);

/* How many requests arrived whose request line holds `what` (NULL = all). */
size_t canned_count(struct canned_server *server, const char *what);

/* The index-th of those; NULL = there are not so many. Valid until canned_stop. */
const struct canned_request *canned_request(struct canned_server *server, const char *what, size_t index);

size_t canned_connections(struct canned_server *server); /* accepted so far */
size_t canned_unexpected(struct canned_server *server);  /* requests that fitted no exchange */

/* A port that never completes a connection: its queue is full. */
struct canned_void {
    int fds[4];
    char url[40];
};
void canned_void_open(struct canned_void *hole);
void canned_void_close(struct canned_void *hole);

/* Writes "http://127.0.0.1:PORT" of a port that refuses connections as long as the returned socket is open.
 */
int canned_refuse(char url[40]);

#endif
