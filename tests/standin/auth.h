/* auth.h: who may talk to the API and to the toolbox (protocol 2, 3). */
#ifndef STANDIN_AUTH_H
#define STANDIN_AUTH_H

#include "request.h"

/* What a route takes: a key is as good as none where tokens are wanted, and the other way round. */
enum auth_by { AUTH_BY_ANY, AUTH_BY_KEY, AUTH_BY_TOKEN };

/* The API's answer to a request that may not pass is made here; then false. */
bool auth_api(struct request *request, enum auth_by by);

enum auth_verdict { AUTH_GOOD, AUTH_MISSING, AUTH_BAD };

/* The proxy knows only good and bad tokens; toolbox.c words the answer. */
enum auth_verdict auth_toolbox(const struct request *request);

bool auth_is_api_key(const struct request *request);

#endif
