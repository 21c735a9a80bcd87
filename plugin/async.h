/* async.h: eep.async/1: the calls without a thread each.
 *
 * submit copies a request (async_request.h) and makes an operation of it (async_op.h), which the crew runs (crew.h); what
 * becomes of it is put into the environment's queue of events (async_queue.h), from which next takes. An environment has
 * all this from the first use of the extension on. */
#ifndef PLUGIN_ASYNC_H
#define PLUGIN_ASYNC_H

#include "env.h"
#include "ext/async.h"

extern const eep_async_table async_table;

/* Part of closing an environment, once no operation is left: those who wait for events get EEP_E_SHUTDOWN, unread events
 * are thrown away. In a child after fork it leaves all of that alone: the parent may have been changing it, and the
 * descriptor's number may be another file's by now. */
void async_close(eep_env *env);

#endif
