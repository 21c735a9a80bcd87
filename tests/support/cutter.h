/* cutter.h: a forwarder on a loopback port that loses patience, as proxies do: a request that has had no byte of an
 * answer for a while is ended, by a reset or by an answer of the forwarder's own.
 *
 * One thread for all connections. Failures to set up end the process with a message. */
#ifndef TESTS_CUTTER_H
#define TESTS_CUTTER_H

#include <stddef.h>

struct cutter;

/* Listens; forwards once it knows where to. `answer` is what a request that took too long gets, NULL = a reset. */
struct cutter *cutter_create(unsigned patience_ms, const char *answer);
void cutter_forward_to(struct cutter *cutter, unsigned port);
void cutter_destroy(struct cutter *cutter);

unsigned cutter_port(const struct cutter *cutter);

/* A port that was free a moment ago, for a server that must be told its own before it can tell it. None of those that the
 * kernel gives away by itself: somebody else's connection would take it meanwhile. */
unsigned cutter_free_port(void);

/* How many requests have been cut so far. */
size_t cutter_cuts(const struct cutter *cutter);

#endif
