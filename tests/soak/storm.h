/* storm.h: what a service, its network and its users can do to hosts, at random: faults of requests, sandboxes that
 * stop, break, vanish or get stuck, rate limits, kills of a host. */
#ifndef SOAK_STORM_H
#define SOAK_STORM_H

#include "dice.h"
#include "tests/integration/standin.h"

/* Another weather now. */
void storm_turn(const struct standin *standin, struct dice *dice);

/* No fault any more; every transition ends, every sandbox is at rest. */
void storm_end(const struct standin *standin);

#endif
