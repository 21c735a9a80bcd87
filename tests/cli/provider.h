/* provider.h: where the tests of leased.h get their sandboxes: the fake plugin, or the real one and the stand-in. */
#ifndef TESTS_CLI_PROVIDER_H
#define TESTS_CLI_PROVIDER_H

#include <stdbool.h>

/* Prepares; NULL, or why it cannot be had here. */
const char *provider_start(void);
void provider_stop(void);

/* The environment of eep for it, ends with NULL. */
const char *const *provider_env(void);

/* How many sandboxes there are now, in any state. */
int provider_count(void);

/* As if nobody had used the sandbox for so long, or in another state (JSON); the stand-in only. */
void provider_put(const char *lease, const char *body);

/* Whether an execution id that was used before gives the same execution again (the fake cannot). */
bool provider_attaches(void);

#endif
