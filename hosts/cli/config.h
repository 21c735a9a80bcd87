/* config.h: the configuration that a verb uses, as JSON text for the plugin.
 *
 * It comes from --config (a file, or "-"), else from EEP_CONFIG (a path, or the JSON itself), else it is {};
 * --set changes single keys. Without --set the text goes to the plugin as it is: its parser is stricter than
 * ours, and its findings name the places. Secrets may come from files and the environment, but not from the
 * command line.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "io.h"
#include "options.h"

/* `file` may be NULL. The text is to be given to bytes_finish, which wipes it. */
int config_read(const char *file, const struct text_list *settings, struct bytes *text, struct err *err);

#endif
