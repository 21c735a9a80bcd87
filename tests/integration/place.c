#include "place.h"

struct standin standin;
eep_env *env;
char lease[EEP_LEASE_MAX + 1];

int place_make(const char *const *options, const char *config)
{
    standin_start(&standin, options);
    env = host_open(&standin, config);
    host_acquire(env, lease);
    return 0;
}

int place_start(void **state)
{
    (void)state;
    return place_make(NULL, NULL);
}

int place_stop(void **state)
{
    (void)state;
    host_destroy(env, lease);
    plugin()->close(env);
    standin_stop(&standin);
    return 0;
}

int place_without_faults(void **state)
{
    (void)state;
    standin_faults(&standin, NULL);
    return 0;
}
