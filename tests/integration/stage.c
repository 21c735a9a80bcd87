#include "stage.h"

struct standin standin;
eep_env *env;

void stage_make(const char *const *options, const char *config)
{
    standin_start(&standin, options);
    env = host_open(&standin, config);
}

int stage_start(void **state)
{
    (void)state;
    stage_make(NULL, NULL);
    return 0;
}

int stage_stop(void **state)
{
    (void)state;
    plugin()->close(env);
    standin_stop(&standin);
    return 0;
}

int stage_without_faults(void **state)
{
    (void)state;
    standin_faults(&standin, NULL);
    return 0;
}
