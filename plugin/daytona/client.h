/* client.h: one account at one Daytona service, and how a call to it is made.
 *
 * Knows HTTP shapes, knows no vtable. A client is not changed after daytona_init, except for the notes that its
 * credentials were refused and how far its clock is from ours; any thread may use it. */
#ifndef DAYTONA_CLIENT_H
#define DAYTONA_CLIENT_H

#include <stdatomic.h>

#include "base/json.h"
#include "daytona/pacing.h"
#include "http/engine.h"

/* What a client is made of. Everything is borrowed and must outlive it. */
struct daytona_settings {
    eep_str api_url;         /* without a slash at the end */
    eep_str token;           /* API key or JWT */
    eep_str organization_id; /* absent with an API key */
    struct http_profile profile;
    /* May a toolbox live on this host? */
    bool (*toolbox_host_allowed)(const void *ctx, eep_str host);
    /* A call will wait so long for a rate limit of the service. On its thread; NULL = nobody cares. */
    void (*queued)(const struct wait *wait, const char *limit, int64_t ms);
    const void *ctx;
    int64_t answer_limit_ms; /* how long an answer may take; 0 = what is usual for the call */
};

struct daytona {
    struct daytona_settings settings;
    char *authorization;      /* "Authorization: Bearer …" */
    char *organization;       /* "X-Daytona-Organization-ID: …" or NULL */
    struct pacing *pacing;    /* shared with all who have the same credentials */
    atomic_bool refused;      /* the control plane answered 401: every further call would count against our IP
                            (failed-auth throttler, protocol 12.1) */
    _Atomic int64_t ahead_ms; /* the service's wall clock before ours, as its last answer told */
};

/* EEP_E_NO_MEMORY; it must be finished in that case, too. No request. */
int daytona_init(struct daytona *client, const struct daytona_settings *settings, struct err *err);
void daytona_finish(struct daytona *client);

/* A call to the control plane. */
struct api_call {
    const char *method;
    eep_str path;             /* "/sandbox/…": below api_url, percent-encoded */
    eep_str body;             /* JSON, or absent */
    bool public_route;        /* sent without credentials */
    bool once;                /* never sent twice behind our back (http/request.h) */
    enum throttler throttler; /* what it is counted by, besides all calls */
};

/* Makes it, when the service's rate limits allow it, and parses the answer; *answer is NULL when the body is empty.
 * Every status outside 2xx becomes an error. err->where is "METHOD path". A connection on which no answer comes is
 * given up long before the time of most calls is: EEP_E_UNAVAILABLE. Credentials that were refused once are not sent
 * again by this client, nor for a while by others. */
int daytona_api(struct daytona *client, const struct api_call *call, const struct wait *wait, json **answer,
                struct err *err);

/* Waits until the service's rate limits allow a call of this kind; daytona_api does so by itself. EEP_E_RATE_LIMITED: not
 * in time. */
int daytona_wait_turn(struct daytona *client, enum throttler kind, const struct wait *wait, struct err *err);

/* The service's wall clock, which its timestamps are of: up to a second late, and ours while it has not told. */
int64_t daytona_wall_ms(const struct daytona *client);

/* Sends any request of this client (toolbox calls); adds the credentials. EEP_OK = some HTTP answer. */
int daytona_send(struct daytona *client, struct http_request *request, const struct wait *wait,
                 struct http_response *response, struct err *err);

/* Blots out the token in an error: some servers and proxies repeat a request in their answers. */
void daytona_hide_token(const struct daytona *client, struct err *err);
void daytona_hide_token_in(const struct daytona *client, char *text);

/* Control-plane answers are small; lists have at most 200 items. */
#define API_BODY_MAX (8u << 20)

/* Idle connections: the control plane closes after about 5 s, the toolbox proxy after 70 s (protocol 7, trap
 * 34). */
#define API_IDLE_S     4
#define TOOLBOX_IDLE_S 55

#endif
