#include "signals.h"

#include <signal.h>
#include <stddef.h>

/* exec resets handlers, but not what is ignored: a shell's "&" leaves SIGINT and SIGQUIT so. */
void signals_reset(void)
{
    const struct sigaction by_default = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < _NSIG; number++)
        sigaction(number, &by_default, NULL); /* a few cannot be changed, and need not be */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
