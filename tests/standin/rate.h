/* rate.h: the rate limits as requests meet them: which throttler counts a request, what its answer says of it
 * (protocol 12.1).
 */
#ifndef STANDIN_RATE_H
#define STANDIN_RATE_H

#include "request.h"

/* Both are true if the request may go on, else the 429 is made. The first comes before anybody looks at the
 * credentials; with credentials that turn out wrong, tell rate_refused after the 401, which it may replace. */
bool rate_let_in(struct request *request);
bool rate_pass(struct request *request, enum throttler throttler);
void rate_refused(struct request *request);

#endif
