/* pacing.h: what the service has said about one account's pace: how long to wait before the next call of a kind, and
 * that it does not take the credentials.
 *
 * Kept for all environments of this process that use the same credentials at the same address, and for nobody else. It
 * outlives them, so that a host that opens an environment for each lease does not run into the same wall each time.
 * Digests are kept, no credentials. Any thread; a child after fork() begins anew. */
#ifndef DAYTONA_PACING_H
#define DAYTONA_PACING_H

#include <stdbool.h>
#include <stdint.h>

#include "eep.h"

/* The service counts separately what costs it differently (protocol 12.1). */
enum throttler {
    THROTTLER_REQUESTS,  /* "authenticated": every call */
    THROTTLER_CREATE,    /* "sandbox-create", besides */
    THROTTLER_LIFECYCLE, /* "sandbox-lifecycle": start, stop, delete, recover, archive; besides */
    THROTTLER_OTHER,     /* a limit without a name of its own, before all others */
    THROTTLERS
};

struct pacing;

/* What is known of this account; NULL = out of memory. */
struct pacing *pacing_hold(eep_str api_url, eep_str token);
void pacing_release(struct pacing **pacing);

/* "sandbox-create" */
const char *pacing_name(enum throttler throttler);

/* Which limit a header "Retry-After-NAME" tells about ("" = plain Retry-After), seen at a call of `kind`. */
enum throttler pacing_throttler(const char *name, enum throttler kind);

/* The service answered 429: no calls that this one counts, for so long. */
void pacing_limit(struct pacing *pacing, enum throttler throttler, uint32_t for_ms);

/* From when on a call of this kind may be made, and what it waits for; 0 = now. clock_now_ms(). */
int64_t pacing_turn(struct pacing *pacing, enum throttler kind, enum throttler *why);

/* The control plane answered 401. Each such answer counts against the address of this machine (failed-auth,
 * protocol 12.1), so the same credentials are not sent again for a minute. */
void pacing_refuse(struct pacing *pacing);
bool pacing_is_refused(struct pacing *pacing);

#endif
