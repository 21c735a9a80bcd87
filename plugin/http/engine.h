/* engine.h: the one I/O thread of the process, which owns libcurl altogether.
 *
 * Callers enqueue a transfer and wait until it is done, its deadline has passed, its token was fired or its
 * environment is closed: on a condition, or, where wait->parking says so, as it says (eep.async/1). Started by the
 * first use, never stopped: an idle thread in epoll costs nothing, and nobody's unload has to wait for it. At exit() it
 * lets go of libcurl, whose libraries clean up then. All signals are blocked in it. After fork() the child begins a new
 * one.
 *
 * Threads: every function from any thread. The thread's own work is in io.h, who may send when in admission.h.
 */
#ifndef HTTP_ENGINE_H
#define HTTP_ENGINE_H

#include "http/cancel.h"
#include "http/request.h"

/* Sends a request and waits for the whole answer. EEP_OK = there is an HTTP answer, of whatever status.
 * Errors: EEP_E_CANCELLED, _DEADLINE, _SHUTDOWN, _UNAVAILABLE, _TLS, _PROTOCOL, _INVALID_CONFIG, _NO_MEMORY,
 * with EEP_ERROR_MAYBE_APPLIED when the request may have reached the server. The response must be finished in
 * any case. */
int engine_await(const struct http_request *request, struct http_response *response, const struct wait *wait,
                 struct err *err);

/* Sleeps until the moment `until`. EEP_OK, EEP_E_CANCELLED, _SHUTDOWN, or _DEADLINE when the deadline comes
 * first. */
int engine_sleep(int64_t until, const struct wait *wait, struct err *err);

/* As engine_sleep until the deadline, but EEP_OK as soon as wait->own has been poked more than `pokes` times. */
int engine_await_poke(unsigned pokes, const struct wait *wait, struct err *err);

/* Do others wait for a connection, or will they soon? Who asks the service to hold a request back should then
 * ask for less. */
bool engine_is_crowded(void);

#endif
