/* errors.h: HTTP answers that are no success become errors.
 *
 * Status first, code second, never the text (protocol 3.2), with two exceptions that the service forces on
 * us: quota and capacity are told by text alone (12.2), and so is a create that failed after the sandbox
 * existed (4.2). */
#ifndef DAYTONA_ERRORS_H
#define DAYTONA_ERRORS_H

#include "http/request.h"

/* Is the body JSON, by its Content-Type? A wrong base URL answers HTML with status 200 (protocol 1). */
bool error_is_json(const struct http_response *response);

/* The error for a 2xx answer that is not JSON. */
int error_not_json(const struct http_response *response, struct err *err);

/* From the control plane. method decides whether it may have been applied. Sets EEP_ERROR_FROM_SERVICE. */
int error_from_api(const struct http_response *response, const char *method, struct err *err);

/* From the toolbox, the proxy or the runner in front of it. Most say little about why: the caller looks at
 * the sandbox's state to find out (error_calls_for_state). */
int error_from_toolbox(const struct http_response *response, struct err *err);

/* Does this toolbox status call for a look at the sandbox's state? Stopped is 400, gone is 401, a dead daemon
 * 502 (protocol 3.3). */
bool error_calls_for_state(long status);

/* The runner or the proxy says that the sandbox does not run, or is not there (protocol 3.3): with 401, which the daemon
 * itself never says, or by text alone, one more exception. They remember what was so for some seconds. */
bool error_is_no_way_in(const struct err *err);

/* "Sandbox failed to start: …" on a create or start: the sandbox exists all the same (protocol 4.2). */
bool error_is_failed_start(const struct err *err);

#endif
