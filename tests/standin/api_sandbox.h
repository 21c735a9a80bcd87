/* api_sandbox.h: what the sandbox calls of the API have in common. */
#ifndef STANDIN_API_SANDBOX_H
#define STANDIN_API_SANDBOX_H

#include "request.h"

/* [lock] The sandbox of the route's argument, or NULL after a 404. One being deleted is found by its id. */
struct sandbox *api_find(struct request *request);

/* [lock] Waits for a start that was just begun and replies with the sandbox, for as long as --create-blocks-ms or
 * a fault says. A create then shows the state from before the wait, other calls the one after it
 * (protocol 4.2). */
void api_reply_started(struct request *request, struct sandbox *sandbox, int transition_ms, bool is_create);

/* An interval as the service keeps it: auto-archive has a maximum, which 0 stands for, too. */
enum { MAX_AUTO_ARCHIVE = 43200 };
int api_interval(const char *field, int minutes);

#endif
