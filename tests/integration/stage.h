/* stage.h: what the tests of a program stand on: one stand-in and one environment, for all of them. place.h adds a lease. */
#ifndef INTEGRATION_STAGE_H
#define INTEGRATION_STAGE_H

#include "host.h"

extern struct standin standin;
extern eep_env *env;

/* As standin_start and host_open take them. */
void stage_make(const char *const *options, const char *config);

/* Setup and teardown, of a group or of a test, for those that need nothing special. */
int stage_start(void **state);
int stage_stop(void **state);

/* Teardown of a test that has set faults. */
int stage_without_faults(void **state);

#endif
