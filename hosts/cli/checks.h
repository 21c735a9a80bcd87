/* checks.h: probing, as probe and health do it. */
#ifndef CLI_CHECKS_H
#define CLI_CHECKS_H

#include "cli.h"
#include "json_out.h"

extern const struct option_choice check_depths[];

const eep_check *check_at(const eep_probe *probe, uint32_t index);

/* Prints {"healthy": ..., "checks": [...], ...}. */
int probe_print_json(const eep_probe *probe, struct err *err);

#endif
