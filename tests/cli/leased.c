#include "leased.h"

#include <stdio.h>
#include <stdlib.h>

struct eep_setup eep;
struct process process = {.fds = {-1, -1, -1}};
char *lease;

bool leased_start(void)
{
    const char *missing = provider_start();
    if (missing) printf("SKIP: %s\n", missing);
    eep = (struct eep_setup){.env = provider_env()};
    return !missing;
}

int leased_stop(int failed)
{
    process_free(&process);
    provider_stop();
    return failed;
}

int leased_acquire(void **state)
{
    (void)state;
    assert_int_equal(EEP_RUN(&process, &eep, "acquire"), 0);
    lease = eep_line(&process);
    return 0;
}

int leased_release(void **state)
{
    (void)state;
    EEP_RUN(&process, &eep, "release", lease, "--destroy");
    free(lease);
    return provider_count() == 0 ? 0 : -1;
}
