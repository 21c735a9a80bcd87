/* checks.h: probing, as probe and health do it, and what explain has of it. */
#ifndef CLI_CHECKS_H
#define CLI_CHECKS_H

#include "cli.h"
#include "json_out.h"

extern const struct option_choice check_depths[];

const eep_check *check_at(const eep_probe *probe, uint32_t index);

/* "FAILED": an EEP_CHECK_, as explain has them, too. Never NULL. */
const char *check_status_name(uint32_t status);

/* Prints the same for people, in CHECK_MARK_WIDTH columns and a colour. */
#define CHECK_MARK_WIDTH 9
void check_print_mark(const struct out *out, uint32_t status);

/* Prints {"healthy": ..., "checks": [...], ...}. */
int probe_print_json(const eep_probe *probe, struct err *err);

#endif
