/* probe.h: the checks of a probe, for others who want to know whether the way to the service works. */
#ifndef PLUGIN_PROBE_H
#define PLUGIN_PROBE_H

#include "checks.h"
#include "env.h"

/* Fills the list up to a depth, EEP_PROBE_; not FULL, which has a result of its own. */
void probe_checks(struct op *op, uint32_t max_depth, struct looks *checks);

#endif
