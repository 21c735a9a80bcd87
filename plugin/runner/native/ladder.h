/* ladder.h: ends an execution and all of its processes. */
#ifndef NATIVE_LADDER_H
#define NATIVE_LADDER_H

#include "record.h"

/* Climbs `rungs` (SIGNAL:MS …): sends each signal to the command's group and to those who have left it, and waits up to
 * so long for all of them to end. Signal 0 only waits. Each rung is noted first (ID.k.STEP.SIGNAL.WHY), as the name of
 * an empty file: that works on a full disk too. False when somebody is left. */
bool ladder_climb(const struct record *record, char why, const char *rungs);

/* Does anybody live who bears the execution's mark, whatever its record says? */
bool ladder_finds_mark(const struct record *record);

#endif
