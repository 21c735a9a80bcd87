/* routes.h: which handler a request belongs to, and whether it may go there. */
#ifndef STANDIN_ROUTES_H
#define STANDIN_ROUTES_H

#include "request.h"

/* Authorises, finds the handler and lets it reply. After this, request->reply is complete. */
void routes_serve(struct request *request);

/* Is this a bulk-upload that may be written as it arrives? Opens the sandbox for it (toolbox.h) if so; if it
 * is refused, the reply is made already. */
bool routes_begin_upload(struct request *request);

/* Is this one of the /_standin/ control endpoints? They are neither logged nor subject to faults. */
bool routes_is_control(const struct request *request);

#endif
