/* forbid.h: a process that may not make a system call any more, as under a host's filter. For good, and for its children
 * too: call it in a child of the test. */
#ifndef TESTS_FORBID_H
#define TESTS_FORBID_H

#include <stdbool.h>

/* From now on the call (SYS_...) fails with that errno. False: a process may not filter its own calls here. */
bool forbid_system_call(unsigned number, unsigned answer);

#endif
