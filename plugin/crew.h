/* crew.h: the one thread on which the operations of eep.async/1 run, each as a fibre.
 *
 * A task runs until it waits for the I/O thread (its parking, which goes into struct wait), then the next one does; so
 * thousands of them need one thread and a small stack each. They run the same functions as the blocking calls: the only
 * difference is how engine_await waits. A task must not block its thread otherwise, and hold no lock while it waits.
 *
 * Not the I/O thread itself: what an operation computes must not delay everybody's sockets, and libcurl stays on its own
 * stack by itself. Started by the first task, never stopped, all signals blocked; after fork() the child begins a new
 * one. */
#ifndef PLUGIN_CREW_H
#define PLUGIN_CREW_H

#include "base/fibre.h"
#include "http/request.h"

struct crew;

struct task {
    struct parking parking;           /* for struct wait, in `run` */
    void (*run)(struct task *task);   /* the work, on a stack of its own */
    void (*ended)(struct task *task); /* after it, on the crew's own stack: the task may be freed */
    struct task *next;
    struct crew *crew;
    struct fibre *fibre;
    bool failed; /* there was no memory for a stack: `run` was not called */
};

/* Runs a task, later, on the crew's thread; it must stay until `ended`. EEP_E_UNAVAILABLE: no thread. From any thread. */
int crew_start(struct task *task, struct err *err);

#endif
