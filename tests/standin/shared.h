/* shared.h: the one server that all tests of a program call. */
#ifndef STANDIN_SHARED_H
#define STANDIN_SHARED_H

#include "harness.h"

extern struct server server;

/* Setup and teardown of a group. For a setup of one's own: server = server_run(…). */
int shared_start(void **state);
int shared_end(void **state);

#endif
