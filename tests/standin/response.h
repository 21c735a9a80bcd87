/* response.h: a finished reply as the HTTP library's response, whole or broken on purpose. */
#ifndef STANDIN_RESPONSE_H
#define STANDIN_RESPONSE_H

#include "request.h"

struct MHD_Response;

/* Takes the body out of the request's reply; a stream is still read through the request, which must live
 * until the response has been sent. NULL if the library refuses. */
struct MHD_Response *response_create(struct request *request, const struct fault *fault);

#endif
