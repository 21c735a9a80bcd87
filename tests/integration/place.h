/* place.h: where the tests of a program run: one stand-in, one environment, one lease, for all of them. */
#ifndef INTEGRATION_PLACE_H
#define INTEGRATION_PLACE_H

#include "host.h"

extern struct standin standin;
extern eep_env *env;
extern char lease[EEP_LEASE_MAX + 1];

/* As standin_start and host_open take them. Returns 0, for cmocka. */
int place_make(const char *const *options, const char *config);

/* Setup and teardown of a group, for those that need nothing special. */
int place_start(void **state);
int place_stop(void **state);

/* Teardown of a test that has set faults. */
int place_without_faults(void **state);

#endif
