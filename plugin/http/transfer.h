/* transfer.h: one request as a libcurl handle. Used by the I/O thread only.
 *
 * Everything libcurl might take from the process environment is set explicitly (proxy, netrc, protocols), no
 * redirect is followed, certificates are verified. */
#ifndef HTTP_TRANSFER_H
#define HTTP_TRANSFER_H

#include <curl/curl.h>

#include "http/request.h"
#include "http/sockets.h"

/* All headers of an answer: libcurl limits each of them, but not their number. */
#define TRANSFER_HEAD_MAX (256u * 1024u)

/* Whose it is. */
struct transfer_owner {
    void *ctx;
    void *owner;                                  /* given back by CURLINFO_PRIVATE */
    struct sockets *sockets;                      /* closes its sockets; outlives the connections */
    void (*on_connected)(void *ctx, void *owner); /* it has a connection; the request comes next */
    void (*on_yield)(void *ctx, void *owner); /* it has had its share: others first, then transfer_go_on */
};

/* Handles of transfers that have ended, for the next ones: making one costs as much as sending with it. What they
 * remember between two is libcurl's: TLS sessions, each for its own settings. Zeroed = empty. */
enum { TRANSFER_POOL = 64 };

struct transfer_pool {
    CURL *idle[TRANSFER_POOL];
    size_t count;
};

void transfer_pool_finish(struct transfer_pool *pool);

struct transfer {
    CURL *easy;
    struct transfer_owner owner;
    struct curl_slist *headers;
    curl_mime *mime;
    const struct http_request *request;
    struct http_response *response;
    int64_t deadline;
    char curl_error[CURL_ERROR_SIZE];
    unsigned issued; /* how often the request went out: libcurl repeats it when a kept connection has died */
    size_t head_bytes;
    size_t share;       /* bytes received since it last gave way */
    bool in_head;       /* the empty line behind the headers is still to come */
    bool no_descriptor; /* the process has none left for a socket */
    int refusal;        /* why the rest of the answer is not wanted: EEP_E_TOO_LARGE, _NO_MEMORY */
};

/* Makes the handle; wait->deadline and wait->answer_ms bound the whole transfer.
 * EEP_E_NO_MEMORY, EEP_E_DEADLINE (no time left), EEP_E_INVALID_CONFIG (a CA file that cannot be used). */
int transfer_init(struct transfer *transfer, struct transfer_pool *pool, const struct http_request *request,
                  struct http_response *response, const struct wait *wait, const struct transfer_owner *owner,
                  struct err *err);

/* Goes on with one that has given way. Other than CURLE_OK: that was its end, of which libcurl says nothing else. */
CURLcode transfer_go_on(struct transfer *transfer);

/* What became of it: EEP_OK when an HTTP answer arrived, whatever its status. */
int transfer_result(struct transfer *transfer, CURLcode code, struct err *err);

/* Takes a zeroed or half-made one, too. The handle must not be in a multi handle any more. */
void transfer_finish(struct transfer *transfer, struct transfer_pool *pool);

#endif
