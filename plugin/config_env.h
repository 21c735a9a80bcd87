/* config_env.h: what the process environment may add to a configuration that trusts it.
 *
 * config_env.c is the one file of the plugin that calls getenv, and only during config_load: a host that
 * changes its environment in another thread at that moment must not trust it (getenv is no safer than that).
 */
#ifndef CONFIG_ENV_H
#define CONFIG_ENV_H

#include "config_read.h"

/* Fills members that the document left unset. Does nothing unless config->trust_env. Defaults are not set
 * yet. */
NODISCARD int config_read_environment(struct load *load);

#endif
