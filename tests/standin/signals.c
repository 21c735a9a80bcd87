#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* exec resets handlers, but not what is ignored: a shell's "&" leaves SIGINT and SIGQUIT so, and posix_spawn, which make
 * uses, a signal that the C library keeps to itself. So the kernel is asked: all zeros mean the default. */
void signals_reset(void)
{
    const unsigned long by_default[4] = {0}; /* handler, flags, restorer, mask */
    sigset_t none;
    for (int number = 1; number < _NSIG; number++)
        syscall(SYS_rt_sigaction, number, by_default, NULL, sizeof by_default[3]); /* KILL and STOP refuse */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
