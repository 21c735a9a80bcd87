/* place.h: where the tests of a program run: one stand-in, one environment, one lease, for all of them. */
#ifndef INTEGRATION_PLACE_H
#define INTEGRATION_PLACE_H

#include "stage.h"

extern char lease[EEP_LEASE_MAX + 1];

/* As standin_start and host_open take them. Returns 0, for cmocka. */
int place_make(const char *const *options, const char *config);

/* Setup and teardown of a group, for those that need nothing special. */
int place_start(void **state);
int place_stop(void **state);

/* Makes an empty file in the workspace: what WAIT_FOR (executions.h) waits for. */
void place_touch(const char *name);

#endif
