/* server.h: the HTTP side: one thread per connection, so that handlers may simply block. */
#ifndef STANDIN_SERVER_H
#define STANDIN_SERVER_H

#include "fail.h"
#include "standin.h"

struct MHD_Daemon;

/* Starts to listen and sets standin->origin. */
int server_start(struct standin *standin, struct MHD_Daemon **daemon, struct fail *why);

/* Waits for the requests in flight: end the sandboxes and close the registry first. Accepts NULL. */
void server_stop(struct MHD_Daemon *daemon);

#endif
