/* bench: what the runner costs over a bare process/execute of the same command, in ms, by runner and shell. Interleaved runs;
 * median and 95th percentile; the best case (least minus least) is what a busy machine still tells. `build/tests/runner/bench [RUNS]` */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "world.h"

#define RUNS_MAX 2000

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double bare(struct world *world, const char *script)
{
    struct reply reply;
    double begin = now();
    service_execute(&world->service, script, strlen(script), 20000, &reply);
    double end = now();
    reply_finish(&reply);
    return end - begin;
}

static double durable(struct world *world, const char *script)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 20);
    struct err err = ERR_INIT;
    struct runner_answer answer;
    struct reply reply;
    char id[32];
    struct runner_start start = world_script(world_id(world, id), script);
    start.command.shell =
        str_from(strcmp(world->service.shell, "busybox ash") == 0 ? "sh" : world->service.shell);
    start.call = world_call(world, id);
    if (runner_start(&text, &start, &err) != EEP_OK) abort();
    runner_answer_init(&answer);
    double begin = now();
    world_send(world, &text, &reply);
    double end = now();
    eep_str got = {reply.text, reply.len};
    if (runner_answer_parse(got, &start.call, &start.wait, &answer, &err) != EEP_OK)
        fprintf(stderr, "%s\n", err.message);
    runner_answer_finish(&answer);
    reply_finish(&reply);
    return end - begin;
}

static int runs = 100;

static void compare_under(struct world *world)
{
    static double a[RUNS_MAX];
    static double b[RUNS_MAX];
    const char *scripts[] = {"true", "echo hi", "head -c 3000 /dev/urandom"};
    for (size_t s = 0; s < 3; s++) {
        for (int i = 0; i < runs; i++) {
            a[i] = bare(world, scripts[s]);
            b[i] = durable(world, scripts[s]);
        }
        qsort(a, (size_t)runs, sizeof *a, compare);
        qsort(b, (size_t)runs, sizeof *b, compare);
        printf("%-6s %-12s %-26s bare %5.2f  runner %5.2f  cost %5.2f  (p95 %5.2f, best case %5.2f)\n",
               world_is_native(world) ? "native" : "sh", world->service.shell, scripts[s], a[runs / 2],
               b[runs / 2], b[runs / 2] - a[runs / 2], b[runs * 95 / 100], b[0] - a[0]);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) runs = atoi(argv[1]);
    if (runs < 1 || runs > RUNS_MAX) return 2;
    for_each_shell(compare_under);
    return 0;
}
