/* loader.h: loads a plugin of the eep ABI (abi/eep.h) into a C host.
 *
 * loader_open checks everything that can be checked before the first call, so a host that got a table may use
 * every slot of ABI 1.0 without looking. Nothing is ever unloaded: the table is valid for the life of the
 * process. Both functions may be called from any thread and return EEP_OK or an EEP_E_ code; when they fail,
 * `message` (any size; LOADER_MESSAGE_MAX holds all) tells people what is wrong and what to do.
 */
#ifndef LOADER_H
#define LOADER_H

#include <stddef.h>
#include <stdint.h>

#include "eep.h"

#define LOADER_MESSAGE_MAX 4608 /* a path of PATH_MAX bytes and a sentence around it */

/* Loads the shared object at `path`. A path without a slash is a file in the working directory: the folders
 * of system libraries are never searched.
 *
 *   EEP_E_NOT_FOUND         there is no such file
 *   EEP_E_INVALID_ARGUMENT  it is not a shared object for this machine, or no eep plugin
 *   EEP_E_UNSUPPORTED       it needs a host that knows a newer ABI
 *   EEP_E_INTERNAL          it is an eep plugin, but a broken one
 */
int32_t loader_open(const char *path, const eep_plugin **plugin, char *message, size_t message_size);

/* Writes the path of the plugin to load: `chosen` if not NULL, else the environment variable EEP_PLUGIN if
 * not empty, else the file `name` beside the running executable, or in ../lib/eep from there, where `make install` puts
 * it. Whether it exists is not looked at but for that choice. */
int32_t loader_find(const char *chosen, const char *name, char *path, size_t path_size, char *message,
                    size_t message_size);

#endif
