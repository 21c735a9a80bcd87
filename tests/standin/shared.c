#include "shared.h"

struct server server;

int shared_start(void **state)
{
    (void)state;
    static const char *const no_arguments[] = {NULL};
    server = server_run(no_arguments);
    return 0;
}

int shared_end(void **state)
{
    (void)state;
    return server_end(&server);
}
