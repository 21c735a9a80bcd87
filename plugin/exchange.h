/* exchange.h: one request about an execution, and its answer: written, sent within its window, understood. */
#ifndef PLUGIN_EXCHANGE_H
#define PLUGIN_EXCHANGE_H

#include "execution.h"

/* What is said of a start for which there is no time left: EEP_E_DEADLINE. */
#define EXCHANGE_LATE "the time was over before the command could be started"

/* EEP_OK: execution->answer is the new one. Else the old one stays; 408 is EEP_E_DEADLINE with http_status. */
int exchange_run(struct execution *execution, enum runner_request_kind kind, struct err *err);

#endif
