/* config_rules.h: what keys say together, and the defaults that depend on other keys. */
#ifndef CONFIG_RULES_H
#define CONFIG_RULES_H

#include "config_read.h"

/* Runs when all single values are in place. Reports nothing that an error of one value has caused. */
NODISCARD int config_check_together(struct load *load);

#endif
