/* config_normal.h: which secrets a configuration holds. config_normalized, its neighbour, is in config.h. */
#ifndef CONFIG_NORMAL_H
#define CONFIG_NORMAL_H

#include "config.h"

/* Fills config->secrets. EEP_OK or EEP_E_NO_MEMORY. */
NODISCARD int config_list_secrets(struct config *config);

/* Overwrites the secrets; they may not be read after it. */
void config_wipe_secrets(struct config *config);

#endif
