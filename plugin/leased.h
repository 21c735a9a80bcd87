/* leased.h: what eep.lease/1 tells of a lease: a sandbox's description as an eep_leased. */
#ifndef PLUGIN_LEASED_H
#define PLUGIN_LEASED_H

#include "config.h"
#include "daytona/sandbox.h"
#include "ext/lease.h"

/* EEP_LEASED_ flags, as an environment with this configuration sees it. */
uint32_t leased_flags(const struct config *config, const struct sandbox *sandbox);

/* The time of its last use, or of its creation if the service does not tell; 0 = neither. */
int64_t leased_active_at_ms(const struct sandbox *sandbox);

/* Idle minutes until the service stops it, or pauses it, which newer ones do instead; 0 = never. */
int64_t leased_idle_minutes(const struct sandbox *sandbox);

/* A copy in the arena of a result. EEP_E_NO_MEMORY. */
int leased_fill(eep_leased *out, void **arena, const struct config *config, const struct sandbox *sandbox,
                struct err *err);

#endif
