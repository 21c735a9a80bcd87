/* driver_eep.h: the plugin's driver and its loads: many `echo hi`, so many at a time. */
#ifndef BENCH_DRIVER_EEP_H
#define BENCH_DRIVER_EEP_H

#include <string.h>

#include "driver.h"
#include "eep.h"

#define TEXT(literal) ((eep_str){literal, sizeof(literal) - 1})

static inline eep_str text(const char *string)
{
    return (eep_str){string, string ? strlen(string) : 0};
}

/* VERB LEASE COUNT INFLIGHT: with a thread for each that is in flight, and with eep.async/1 from this thread alone. */
void load_threads(const eep_plugin *plugin, eep_env *env, char *const words[DRIVER_WORDS],
                  struct outcome *outcome);
void load_async(const eep_plugin *plugin, eep_env *env, char *const words[DRIVER_WORDS],
                struct outcome *outcome);

#endif
