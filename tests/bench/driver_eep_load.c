#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "driver_eep.h"
#include "ext/async.h"

enum { BATCH = 256, PATIENCE_MS = 60000 };

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "driver_eep: %s\n", what ? what : "failed");
    exit(2);
}

struct swarm {
    const eep_plugin *plugin;
    eep_env *env;
    const char *lease;
    size_t count;
    double *ms; /* with async: when each began, then how long it took */
    atomic_size_t next;
    atomic_size_t failed;
    atomic_bool told;
};

static const eep_str echo[] = {TEXT("echo"), TEXT("hi")};

static eep_execute_request request_of(const struct swarm *swarm)
{
    return (eep_execute_request){.head.struct_size = sizeof(eep_execute_request),
                                 .lease = text(swarm->lease),
                                 .argv = echo,
                                 .argv_count = 2};
}

/* Did it print what it should? */
static void judge(struct swarm *swarm, int32_t code, const eep_execution *result, const eep_error *error)
{
    if (code == EEP_OK && result->stdout_data.len == 3 && memcmp(result->stdout_data.ptr, "hi\n", 3) == 0)
        return;
    atomic_fetch_add(&swarm->failed, 1);
    if (!atomic_exchange(&swarm->told, true))
        fprintf(stderr, "driver_eep: %d: %s\n", code,
                error && error->message.ptr ? error->message.ptr : "another output");
}

/* -- A thread for each ------------------------------------------------------------------------- */

static void run_one(struct swarm *swarm, size_t index)
{
    eep_execute_request request = request_of(swarm);
    eep_execution result = {.head.struct_size = sizeof result};
    eep_error error = {.head.struct_size = sizeof error};
    double begin = driver_now_ms();
    int32_t code = swarm->plugin->execute(swarm->env, &request, &result, &error);
    swarm->ms[index] = driver_now_ms() - begin;
    judge(swarm, code, &result, &error);
    swarm->plugin->clear(&result.head);
    swarm->plugin->clear(&error.head);
}

static void *swarm_member(void *argument)
{
    struct swarm *swarm = argument;
    size_t index;
    while ((index = atomic_fetch_add(&swarm->next, 1)) < swarm->count)
        run_one(swarm, index);
    return NULL;
}

static void run_threads(struct swarm *swarm, size_t inflight)
{
    pthread_attr_t attributes;
    pthread_t *threads = calloc(inflight, sizeof *threads);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128u << 10); /* as little as the plugin may be given */
    for (size_t i = 0; i < inflight; i++)
        if (pthread_create(&threads[i], &attributes, swarm_member, swarm) != 0) die("cannot start a thread");
    for (size_t i = 0; i < inflight; i++)
        pthread_join(threads[i], NULL);
    pthread_attr_destroy(&attributes);
    free(threads);
}

/* -- One thread for all ------------------------------------------------------------------------ */

static void submit(struct swarm *swarm, const eep_async_table *async)
{
    uint64_t op;
    eep_execute_request execute = request_of(swarm);
    eep_error error = {.head.struct_size = sizeof error};
    size_t index = atomic_fetch_add(&swarm->next, 1);
    eep_async_request request = {.struct_size = sizeof request,
                                 .call = "execute",
                                 .request = &execute,
                                 .user_data = index,
                                 .result_size = sizeof(eep_execution)};
    swarm->ms[index] = driver_now_ms();
    if (async->submit(swarm->env, &request, &op, &error) != EEP_OK) die(error.message.ptr);
}

/* How many operations have ended. */
static size_t take_events(struct swarm *swarm, const eep_async_table *async)
{
    static eep_event events[BATCH];
    uint32_t count = 0;
    size_t done = 0;
    eep_error error = {.head.struct_size = sizeof error};
    for (size_t i = 0; i < BATCH; i++)
        events[i].head.struct_size = sizeof events[i];
    if (async->next(swarm->env, events, BATCH, 0, 0, &count, &error) != EEP_OK) die(error.message.ptr);
    for (uint32_t i = 0; i < count; i++) {
        if (events[i].type == EEP_EVENT_DONE) {
            swarm->ms[events[i].user_data] = driver_now_ms() - swarm->ms[events[i].user_data];
            judge(swarm, events[i].code, events[i].result, events[i].error);
            done++;
        }
        swarm->plugin->clear(&events[i].head);
    }
    return done;
}

static void run_async(struct swarm *swarm, size_t inflight)
{
    const eep_async_table *async = swarm->plugin->get_extension(EEP_EXT_ASYNC);
    eep_error error = {.head.struct_size = sizeof error};
    struct pollfd watched = {.events = POLLIN};
    if (async == NULL) die("this plugin has no " EEP_EXT_ASYNC);
    if (async->fd(swarm->env, &watched.fd, &error) != EEP_OK) die(error.message.ptr);
    for (size_t done = 0; done < swarm->count;) {
        while (swarm->next < swarm->count && swarm->next - done < inflight)
            submit(swarm, async);
        if (poll(&watched, 1, PATIENCE_MS) == 0) die("nothing has ended for a minute");
        done += take_events(swarm, async);
    }
}

/* -- Both -------------------------------------------------------------------------------------- */

static void run_load(const eep_plugin *plugin, eep_env *env, char *const words[DRIVER_WORDS],
                     struct outcome *outcome, void (*run)(struct swarm *swarm, size_t inflight))
{
    struct swarm swarm = {.plugin = plugin, .env = env, .lease = words[1], .count = driver_number(words[2])};
    swarm.ms = calloc(swarm.count + 1, sizeof *swarm.ms);
    struct load load = {.ms = swarm.ms, .count = swarm.count, .cpu_us = -driver_cpu_us()};
    double begin = driver_now_ms();
    run(&swarm, driver_number(words[3]));
    load.wall_ms = driver_now_ms() - begin;
    load.cpu_us += driver_cpu_us();
    load.failed = atomic_load(&swarm.failed);
    outcome->more = driver_tell_load(&load);
    if (load.failed > 0) outcome->error = "some executes failed: see standard error";
    free(swarm.ms);
}

void load_threads(const eep_plugin *plugin, eep_env *env, char *const words[DRIVER_WORDS],
                  struct outcome *outcome)
{
    run_load(plugin, env, words, outcome, run_threads);
}

void load_async(const eep_plugin *plugin, eep_env *env, char *const words[DRIVER_WORDS],
                struct outcome *outcome)
{
    run_load(plugin, env, words, outcome, run_async);
}
