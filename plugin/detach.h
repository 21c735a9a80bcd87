/* detach.h: what a command needs that shall run while nobody looks: a sandbox that stays up.
 *
 * The service stops a sandbox that had no request for a while (autoStopInterval), and a command at work is no
 * request (protocol, trap 25). */
#ifndef PLUGIN_DETACH_H
#define PLUGIN_DETACH_H

#include "access.h"

/* Makes sure that the sandbox, which is started if it must be, will not be stopped for idleness before a
 * command that is started now has reached its limit: raises the interval if it is too short. *kept_until_ms
 * is what that gives, by the wall clock; 0 = it is never stopped. An error names both numbers. */
int detach_secure(struct access *access, uint32_t limit_ms, int64_t *kept_until_ms, struct err *err);

#endif
