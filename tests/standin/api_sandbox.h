/* api_sandbox.h: what the sandbox calls of the API have in common. */
#ifndef STANDIN_API_SANDBOX_H
#define STANDIN_API_SANDBOX_H

#include "request.h"

/* [lock] The sandbox of the route's argument, or NULL after a 404. One being deleted is found by its id. */
struct sandbox *api_find(struct request *request);

/* [lock] Waits for a transition that was just begun and replies with the sandbox. What is shown, and for how
 * long the answer is held, follows protocol 4.2: with --create-blocks-ms the state from before the wait. */
void api_reply_started(struct request *request, struct sandbox *sandbox, int transition_ms);

#endif
