/* request.h: what goes over the wire and what comes back. Knows no Daytona.
 *
 * A request only points to memory of its caller, which must stay until the call that carries it has returned.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "eep.h"

/* How connections to a kind of server behave. Shared by all requests of an environment; outlives them. */
struct http_profile {
    const char *user_agent;
    const char *ca_file;  /* PEM file; NULL = the system's */
    const char *proxy;    /* URL; NULL = none, whatever the process environment says */
    const char *no_proxy; /* comma list; NULL = none */
    long connect_timeout_ms;
};

/* A part of a multipart/form-data body. */
struct http_part {
    const char *name;
    const char *filename; /* NULL = a plain field */
    eep_bytes data;
};

struct http_request {
    const struct http_profile *profile;
    const char *method; /* "GET", "POST", "PUT", "DELETE" */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated list; may be NULL */
    const char *secret_header;  /* one more: "Authorization: …"; never logged */
    eep_bytes body;             /* absent = none */
    const struct http_part *parts;
    size_t part_count;     /* > 0 = multipart instead of body */
    long idle_limit_s;     /* do not reuse a connection that was idle for longer */
    bool fresh_connection; /* do not reuse any */
    bool once;             /* on a reused one that died: fail (MAYBE_APPLIED); libcurl would repeat it */
    size_t max_body;       /* answers larger than this are EEP_E_PROTOCOL */
};

/* How an operation waits that has no thread of its own to block. */
struct parking {
    void (*park)(struct parking *parking);   /* by the operation: returns after unpark, also an earlier one */
    void (*unpark)(struct parking *parking); /* by the I/O thread: the operation may go on, and be gone */
};

/* On whose behalf a request is sent, and what ends it early. */
struct wait {
    int64_t deadline;   /* clock_now_ms() */
    int64_t answer_ms;  /* the most that a transfer may take, once it has its turn; 0 = until the deadline */
    eep_cancel *cancel; /* the host's; NULL = none */
    eep_cancel *own;    /* of this operation alone; its fires count, too; NULL = none */
    unsigned cancel_level;    /* how many fires end it: 1 while working, 2 while undoing */
    eep_cancel *closing;      /* NULL = none; its fire ends it with EEP_E_SHUTDOWN */
    const char *trace_header; /* "X-Request-Id: …", sent along; NULL = none */
    const char *extra_header; /* "Name: value", sent along with each; NULL = none */
    unsigned *requests;       /* counts what is to be sent; NULL = nobody counts */
    unsigned *sent;           /* of those, the ones that may have left; NULL = nobody counts */
    uint32_t *queued_ms;      /* adds up what was waited before sending; NULL = nobody counts */
    bool urgent;       /* ends, undoes or gives back something: does not wait for a connection behind work */
    const void *owner; /* for who tells about it: struct op */
    struct parking *parking; /* NULL = blocks its thread */
};

struct http_response {
    long status;
    struct buf body;
    char content_type[128];
    char request_id[129];
    char location[256];        /* of a redirect, which is never followed */
    uint32_t retry_after_ms;   /* the largest of all Retry-After… headers (protocol 12.1); 0 = none */
    char retry_after_name[32]; /* what follows in that header's name: "sandbox-create"; "" = nothing */
    char date[48];             /* the server's clock, in its words; "" = not told */
    bool repeated; /* libcurl sent the request more than once: an earlier one may have been carried out */
    int64_t range_total; /* complete size as told by Content-Range; -1 = not told */
};

#define HTTP_RESPONSE_INIT                                                                                   \
    {                                                                                                        \
        .range_total = -1                                                                                    \
    }

/* CLEANUP(http_response_finish) struct http_response response = HTTP_RESPONSE_INIT; */
void http_response_finish(struct http_response *response);
#endif
