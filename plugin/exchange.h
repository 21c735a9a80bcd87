/* exchange.h: one request about an execution, and its answer: written, sent within its window, understood. */
#ifndef PLUGIN_EXCHANGE_H
#define PLUGIN_EXCHANGE_H

#include "execution.h"

/* EEP_OK: execution->answer is the new one. Else the old one stays; 408 is EEP_E_DEADLINE with http_status. */
int exchange_run(struct execution *execution, enum runner_request_kind kind, struct err *err);

#endif
