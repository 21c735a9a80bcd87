/* leased.h: what the tests of eep with real leases share: a provider, and one lease for all of a program's tests. */
#ifndef TESTS_CLI_LEASED_H
#define TESTS_CLI_LEASED_H

/* cmocka wants these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eep_process.h"
#include "provider.h"

extern struct eep_setup eep;
extern struct process process; /* the last run of eep */
extern char *lease;

/* Starts the provider; false = it cannot be had here, which is told as SKIP. */
bool leased_start(void);

/* Stops it; returns `failed`. */
int leased_stop(int failed);

/* Setup and teardown of a group: the lease. Nothing else may be left at the end. */
int leased_acquire(void **state);
int leased_release(void **state);

#endif
