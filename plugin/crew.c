#include "crew.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/process.h"
#include "base/thread.h"

#define CREW_STACK_SIZE (256u * 1024u)

struct crew {
    uint64_t process; /* whose */
    pthread_mutex_t lock;
    pthread_cond_t called;
    struct task *ready; /* oldest first */
    struct task **last;
    bool stop;              /* one that lost the race to be the first */
    struct fibre_pool pool; /* the thread's own */
};

static _Atomic(struct crew *) current;

/* -- Who is next ------------------------------------------------------------------------------- */

/* The task may run, and be gone, as soon as the lock is given back. */
static void make_ready(struct crew *crew, struct task *task)
{
    pthread_mutex_lock(&crew->lock);
    bool first = crew->ready == NULL;
    task->next = NULL;
    *crew->last = task;
    crew->last = &task->next;
    if (first) pthread_cond_signal(&crew->called);
    pthread_mutex_unlock(&crew->lock);
}

static void park(struct parking *parking)
{
    fibre_suspend(((struct task *)(void *)parking)->fibre); /* its first member */
}

static void unpark(struct parking *parking)
{
    struct task *task = (struct task *)(void *)parking;
    make_ready(task->crew, task);
}

/* All that are ready; NULL = stop. */
static struct task *take_ready(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    while (!crew->ready && !crew->stop)
        pthread_cond_wait(&crew->called, &crew->lock);
    struct task *list = crew->ready;
    crew->ready = NULL;
    crew->last = &crew->ready;
    pthread_mutex_unlock(&crew->lock);
    return list;
}

/* -- The thread -------------------------------------------------------------------------------- */

static void task_main(void *argument)
{
    struct task *task = argument;
    task->run(task);
}

static bool begin(struct crew *crew, struct task *task)
{
    if (!task->fibre) task->fibre = fibre_create(&crew->pool, task_main, task);
    task->failed = task->fibre == NULL;
    return !task->failed;
}

static void go_on(struct crew *crew, struct task *task)
{
    if (begin(crew, task) && !fibre_resume(task->fibre)) return; /* parked; it may be ready again already */
    fibre_destroy(&crew->pool, task->fibre);
    task->fibre = NULL;
    task->ended(task);
}

static void crew_destroy(struct crew *crew)
{
    fibre_pool_finish(&crew->pool);
    pthread_mutex_destroy(&crew->lock);
    pthread_cond_destroy(&crew->called);
    free(crew);
}

static void *crew_main(void *argument)
{
    struct crew *crew = argument;
    struct task *next;
    prctl(PR_SET_NAME, "eep-async");
    for (struct task *task; (task = take_ready(crew)) != NULL;)
        for (; task; task = next) {
            next = task->next;
            go_on(crew, task);
        }
    crew_destroy(crew);
    return NULL;
}

/* -- Starting it ------------------------------------------------------------------------------- */

static struct crew *crew_create(struct err *err)
{
    struct crew *crew = calloc(1, sizeof *crew);
    if (!crew) {
        err_no_memory(err);
        return NULL;
    }
    crew->process = process_self();
    crew->last = &crew->ready;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->called, NULL);
    return crew;
}

static void crew_stop(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    crew->stop = true;
    pthread_cond_signal(&crew->called);
    pthread_mutex_unlock(&crew->lock);
}

/* As engine_get: no lock is held while it is made, so a fork() at any moment finds nothing locked. */
static struct crew *crew_get(struct err *err)
{
    struct crew *crew = atomic_load(&current);
    if (crew && crew->process == process_self()) return crew;
    struct crew *made = crew_create(err);
    if (!made) return NULL;
    if (thread_start(crew_main, made, CREW_STACK_SIZE, err) != EEP_OK) {
        crew_destroy(made);
        return NULL;
    }
    if (atomic_compare_exchange_strong(&current, &crew, made)) return made;
    crew_stop(made);
    return crew;
}

int crew_start(struct task *task, struct err *err)
{
    struct crew *crew = crew_get(err);
    if (!crew) return err->code;
    task->parking = (struct parking){.park = park, .unpark = unpark};
    task->crew = crew;
    task->fibre = NULL;
    make_ready(crew, task);
    return EEP_OK;
}
