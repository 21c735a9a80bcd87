/* validate.h: eep_plugin.validate_config: all findings on a configuration, at once. No network, no state, any
 * thread. */
#ifndef PLUGIN_VALIDATE_H
#define PLUGIN_VALIDATE_H

#include "eep.h"

int32_t validate_config(const eep_validate_request *request, eep_validation *result, eep_error *error);

#endif
