/* thread.h: starting a thread of our own, as a guest does: detached, and with all signals blocked, for they are the
 * host's business. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stddef.h>

#include "base/err.h"

/* EEP_E_UNAVAILABLE with os_errno: the process may not have more threads. */
int thread_start(void *(*main)(void *argument), void *argument, size_t stack_size, struct err *err);

#endif
