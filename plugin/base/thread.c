#include "base/thread.h"

#include <pthread.h>
#include <signal.h>

/* The new thread inherits the mask. */
int thread_start(void *(*main)(void *argument), void *argument, size_t stack_size, struct err *err)
{
    sigset_t all;
    sigset_t old;
    pthread_t thread;
    pthread_attr_t attributes;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_size);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int failure = pthread_create(&thread, &attributes, main, argument);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    if (failure == 0) return EEP_OK;
    err_set(err, EEP_E_UNAVAILABLE, "cannot start a thread: the process may not have more of them");
    err->os_errno = failure;
    return err->code;
}
