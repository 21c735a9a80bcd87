#include "place.h"

char lease[EEP_LEASE_MAX + 1];

int place_make(const char *const *options, const char *config)
{
    stage_make(options, config);
    host_acquire(env, lease);
    return 0;
}

void place_touch(const char *name)
{
    OUTCOME made = EXECUTE(env, lease, ARGV(TEXT("touch"), text(name)));
    EXPECT(made, EEP_OK);
}

int place_start(void **state)
{
    (void)state;
    return place_make(NULL, NULL);
}

int place_stop(void **state)
{
    host_destroy(env, lease);
    return stage_stop(state);
}
