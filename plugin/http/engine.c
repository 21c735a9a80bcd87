#include "http/engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/process.h"
#include "base/thread.h"
#include "http/io.h"

#define IO_STACK_SIZE (512u * 1024u)

struct engine {
    uint64_t process; /* whose */
    struct io io;
};

static _Atomic(struct engine *) current;

/* -- Starting it ------------------------------------------------------------------------------- */

static void engine_destroy(struct engine *engine)
{
    io_finish(&engine->io);
    free(engine);
}

static void *io_main(void *argument)
{
    struct engine *engine = argument;
    prctl(PR_SET_NAME, "eep-io");
    io_run(&engine->io);
    engine_destroy(engine);
    return NULL;
}

/* Looking a name up must not stop the thread, so libcurl's resolver has to be one that does it elsewhere. */
static int check_curl(struct err *err)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (info->features & CURL_VERSION_ASYNCHDNS) return EEP_OK;
    return err_set(err, EEP_E_UNSUPPORTED, "this libcurl (%s) cannot look up names without blocking",
                   info->version);
}

/* In a child after fork() there is no such thread. */
static void leave_libcurl(void)
{
    struct engine *engine = atomic_load(&current);
    if (engine && engine->process == process_self()) io_leave(&engine->io);
}

/* At exit libraries clean up, whether threads use them or not: OpenSSL takes away what a handshake stands on. Exit
 * handlers are called in reverse order, so ours, which is registered behind OpenSSL's, comes before it. */
static bool leave_at_exit(void)
{
    static atomic_bool registered;
    return atomic_exchange(&registered, true) || atexit(leave_libcurl) == 0;
}

/* libcurl's own initialisation: thread-safe since 7.84, and counted, so a host that uses libcurl too is not
 * disturbed. */
static int init_curl(struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, EEP_E_INTERNAL, "libcurl cannot be initialised");
    return leave_at_exit() ? check_curl(err) : err_no_memory(err);
}

static struct engine *engine_create(struct err *err)
{
    if (init_curl(err) != EEP_OK) return NULL;
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine) {
        err_no_memory(err);
        return NULL;
    }
    engine->process = process_self();
    if (io_init(&engine->io, err) == EEP_OK) return engine;
    engine_destroy(engine);
    return NULL;
}

static void engine_stop(struct engine *engine)
{
    atomic_store(&engine->io.stop, true);
    io_call(&engine->io);
}

/* The engine of this process. No lock is held while it is made: a fork() in another thread may happen at any
 * moment, and the child must find nothing locked. When two threads are first at once, one of the two engines
 * is stopped again. */
static struct engine *engine_get(struct err *err)
{
    struct engine *engine = atomic_load(&current);
    if (engine && engine->process == process_self()) return engine;
    struct engine *made = engine_create(err);
    if (!made) return NULL;
    if (thread_start(io_main, made, IO_STACK_SIZE, err) != EEP_OK) {
        engine_destroy(made);
        return NULL;
    }
    if (!atomic_compare_exchange_strong(&current, &engine, made)) {
        engine_stop(made);
        return engine;
    }
    wake_set_fd(made->io.event_fd);
    wake();      /* somebody may have been cancelled before there was a way to wake anyone */
    return made; /* after fork the parent's engine is left alone, sockets and all */
}

/* -- Waiting ----------------------------------------------------------------------------------- */

static void wait_on_this_thread(struct io *io, struct waiter *waiter)
{
    pthread_cond_init(&waiter->done_cond, NULL);
    io_submit(io, waiter);
    io_wait(io, waiter);
    pthread_cond_destroy(&waiter->done_cond);
}

static int run_waiter(struct waiter *waiter)
{
    struct parking *parking = waiter->wait->parking;
    struct engine *engine = engine_get(waiter->err);
    if (!engine) return waiter->err->code;
    if (!parking) {
        wait_on_this_thread(&engine->io, waiter);
        return waiter->status;
    }
    io_submit(&engine->io, waiter);
    parking->park(parking);
    return waiter->status;
}

int engine_await(const struct http_request *request, struct http_response *response, const struct wait *wait,
                 struct err *err)
{
    struct waiter waiter = {.wait = wait, .request = request, .response = response, .err = err};
    if (wait->requests) ++*wait->requests;
    return run_waiter(&waiter);
}

static int out_of_time(struct err *err)
{
    return err_set(err, EEP_E_DEADLINE, "the time of the call ran out");
}

int engine_sleep(int64_t until, const struct wait *wait, struct err *err)
{
    bool in_time = until < wait->deadline;
    struct waiter waiter = {.wait = wait, .until = in_time ? until : wait->deadline, .err = err};
    TRY(run_waiter(&waiter));
    return in_time ? EEP_OK : out_of_time(err);
}

int engine_await_poke(unsigned pokes, const struct wait *wait, struct err *err)
{
    struct waiter waiter = {
        .wait = wait, .until = wait->deadline, .pokeable = true, .pokes = pokes, .err = err};
    TRY(run_waiter(&waiter));
    return cancel_pokes(wait->own) != pokes ? EEP_OK : out_of_time(err);
}

bool engine_is_crowded(void)
{
    struct engine *engine = atomic_load(&current);
    return engine && engine->process == process_self() && atomic_load(&engine->io.crowded);
}
