/* version.h: of the plugin. */
#ifndef PLUGIN_VERSION_H
#define PLUGIN_VERSION_H

#define EEP_DAYTONA_VERSION "0.1.0"

#endif
