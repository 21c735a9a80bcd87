/* property_test.c: commands made up at random, run here and in a sandbox behind a network that fails at random: the bytes,
 * the ends and the number of runs are equal.
 *
 *     EEP_PROPERTY_S=600 build/tests/integration/property_test      longer than the usual 15 s
 *     EEP_PROPERTY_SEED=4711 build/tests/integration/property_test  this one case, which a failure names */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "executions.h"
#include "tests/support/local_run.h"

enum { WORKERS = 3, SECONDS = 15, TEXT_MAX = 4096, STDIN_MAX = 90000, PARTS_MAX = 6 };

/* -- Chance ------------------------------------------------------------------------------------ */

struct chance {
    uint64_t state;
};

static uint64_t any(struct chance *chance, uint64_t below)
{
    uint64_t *state = &chance->state;
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * 2685821657736338717ull >> 16) % below;
}

static struct chance chance_of(uint64_t seed)
{
    struct chance chance = {seed * 0x9e3779b97f4a7c15ull + 1};
    for (int i = 0; i < 8; i++)
        any(&chance, 2);
    return chance;
}

/* -- Cases ------------------------------------------------------------------------------------- */

enum way { CAPTURED, HEARD_LIVE, DETACHED, TAKEN_OVER, WAYS };

struct trial {
    uint64_t seed;
    char id[40];
    char script[TEXT_MAX];
    size_t len;
    char rules[TEXT_MAX];
    char value[64]; /* of the variable V */
    bool has_input;
    char *input;
    size_t input_len;
    bool merged;
    bool held; /* leaves somebody behind who holds the streams */
    enum way way;
};

static void add(struct trial *trial, const char *text)
{
    trial->len += (size_t)snprintf(trial->script + trial->len, TEXT_MAX - trial->len, "%s", text);
}

static void add_bytes(struct trial *trial, struct chance *chance)
{
    add(trial, "printf '");
    for (uint64_t n = 1 + any(chance, 40); n > 0; n--) {
        char octal[8];
        snprintf(octal, sizeof octal, "\\%03o", (unsigned)any(chance, 256));
        add(trial, octal);
    }
    add(trial, any(chance, 2) ? "'; " : "' >&2; ");
}

static void add_much(struct trial *trial, struct chance *chance)
{
    char part[128];
    snprintf(part, sizeof part, "head -c %u /dev/zero | tr '\\000' '%c'%s; ", (unsigned)any(chance, 400000),
             (char)('a' + any(chance, 26)), any(chance, 2) ? "" : " >&2");
    add(trial, part);
}

static void add_part(struct trial *trial, struct chance *chance)
{
    static const char *const parts[] = {
        "cat; ",
        "cat >&2; ",
        "cat | wc -c; ", /* wc asks a file for its size, and leaves it unread */
        "head -c 100; ",
        "sleep 0.02; ",
        "sleep 0.1; ",
        "printf '[%s]' \"$V\"; ",
        "echo reopened >/dev/stderr; ",
        "echo appended >>/dev/stdout; ",
        "(sleep 0.03; echo child) & wait; ",
        "for i in 1 2 3; do echo $i; sleep 0.01; echo $i >&2; done; ",
        "(exit 3); echo $?; ",
        "echo $#; ",
        "seq 1 3000; ",
        "exec 2>&1; ",
        "trap 'echo trapped' EXIT; ",
    };
    switch (any(chance, 4)) {
    case 0: add_bytes(trial, chance); break;
    case 1: add_much(trial, chance); break;
    default: add(trial, parts[any(chance, COUNT_OF(parts))]); break;
    }
}

/* 130 and 141 may stand for a signal (README of the runner). */
static void add_end(struct trial *trial, struct chance *chance)
{
    static const char *const ends[] = {"",           "exit 1",        "exit 77",      "exit 255",
                                       "kill -9 $$", "kill -TERM $$", "kill -USR1 $$"};
    trial->held = any(chance, 8) == 0;
    if (trial->held) add(trial, "sleep 0.4 & ");
    add(trial, ends[any(chance, COUNT_OF(ends))]);
}

static void add_input(struct trial *trial, struct chance *chance)
{
    static const size_t limits[] = {1, 100, 5000, STDIN_MAX};
    trial->has_input = any(chance, 2);
    trial->input = malloc(STDIN_MAX);
    if (!trial->has_input || trial->input == NULL) return;
    trial->input_len = any(chance, limits[any(chance, COUNT_OF(limits))]);
    bool plain = any(chance, 2);
    for (size_t i = 0; i < trial->input_len; i++)
        trial->input[i] = (char)(plain ? ' ' + any(chance, 90) : any(chance, 256));
}

static void add_rule(struct trial *trial, struct chance *chance)
{
    static const char *const faults[] = {
        "'drop':'before'",
        "'drop':'after_action'",
        "'drop':'after_headers'",
        "'drop':'mid_body'",
        "'status':502,'body':''",
        "'status':504,'body':'<html>','content_type':'text/html'",
        "'status':408,'body':'{}','content_type':'application/json'",
        "'status':200,'body':'{\\'exitCode\\':0,\\'result\\':\\'x\\'}','content_type':'application/json'",
        "'delay_ms':300",
    };
    size_t len = strlen(trial->rules);
    /* HTML with 200 is a file's content like any other */
    bool download = any(chance, 4) == 0;
    size_t kinds = download ? 6 : COUNT_OF(faults);
    snprintf(trial->rules + len, TEXT_MAX - len, "%s{'match':{'path':'%s','nth':%u,'count':1},'do':{%s}}",
             len > 1 ? "," : "", download ? "/files/download" : "/process/execute",
             (unsigned)(1 + any(chance, 3)), faults[any(chance, kinds)]);
}

static void trial_init(struct trial *trial, uint64_t seed)
{
    struct chance chance = chance_of(seed);
    *trial = (struct trial){.seed = seed, .rules = "["};
    snprintf(trial->id, sizeof trial->id, "case-%llu", (unsigned long long)seed);
    snprintf(trial->value, sizeof trial->value, "v\n'%llu\"", (unsigned long long)any(&chance, 1000));
    trial->way = (enum way)any(&chance, WAYS);
    trial->merged = any(&chance, 4) == 0;
    add_input(trial, &chance);
    for (uint64_t n = any(&chance, PARTS_MAX); n > 0; n--)
        add_part(trial, &chance);
    add_end(trial, &chance);
    for (uint64_t n = any(&chance, 4); n > 0; n--)
        add_rule(trial, &chance);
    snprintf(trial->rules + strlen(trial->rules), 2, "]");
}

static void trial_finish(struct trial *trial)
{
    free(trial->input);
}

/* -- In the sandbox ---------------------------------------------------------------------------- */

/* One for each worker: faults are for all of a server. */
struct worker {
    struct standin standin;
    eep_env *env;
    char lease[EEP_LEASE_MAX + 1];
    char folder[32];
    pthread_t thread;
    unsigned done;
    char failure[8192]; /* "" = none */
};

static atomic_ullong next_seed = 1;
static long until;

/* In front of the script, where it has no influence on it. */
static void counted(const struct trial *trial, char script[2 * TEXT_MAX])
{
    snprintf(script, 2 * TEXT_MAX, "echo %s >>~/runs\n%s", trial->id, trial->script);
}

static struct outcome attach_again(const struct worker *worker, const struct trial *trial,
                                   struct heard *heard)
{
    return call_attach(worker->env,
                       REQUEST(eep_attach_request, .lease = text(worker->lease),
                               .execution_id = text(trial->id), .stdout_from = heard->len[EEP_STREAM_STDOUT],
                               .stderr_from = heard->len[EEP_STREAM_STDERR], .on_output = heard_take,
                               .output_ctx = heard));
}

/* The outcome holds the end; `heard` gets the bytes, in whichever way. */
static struct outcome run_there(struct worker *worker, const struct trial *trial, struct heard *heard)
{
    char script[2 * TEXT_MAX];
    bool live = trial->way == HEARD_LIVE || trial->way == TAKEN_OVER;
    counted(trial, script);
    eep_execute_request request =
        *REQUEST(eep_execute_request, .lease = text(worker->lease), .execution_id = text(trial->id),
                 .script = text(script), .shell = TEXT("/bin/sh"), ENV({TEXT("V"), text(trial->value)}));
    request.head.flags =
        (trial->merged ? EEP_EXECUTE_MERGE : 0) | (trial->way == DETACHED ? EEP_EXECUTE_DETACH : 0);
    request.time_limit_ms = trial->way == DETACHED ? 30000 : 0;
    if (trial->has_input) request.stdin_data = (eep_bytes){trial->input, trial->input_len};
    if (live) request.on_output = heard_take, request.output_ctx = heard;
    /* taken over: left in the middle without a word, and joined by the next call */
    if (trial->way == TAKEN_OVER) heard->stop_after = 50, request.head.flags |= EEP_REQUEST_NO_GRACE;

    struct outcome outcome = call_execute(worker->env, &request);
    heard->stop_after = 0;
    bool left = trial->way == TAKEN_OVER && outcome.code == EEP_E_CANCELLED;
    if (left || (trial->way == DETACHED && outcome.code == EEP_OK)) {
        outcome_clear(&outcome);
        return attach_again(worker, trial, heard);
    }
    if (!live && outcome.code == EEP_OK) {
        const eep_execution *ran = &outcome.execution;
        heard_take(heard, EEP_STREAM_STDOUT, ran->stdout_data.ptr, ran->stdout_data.len);
        heard_take(heard, EEP_STREAM_STDERR, ran->stderr_data.ptr, ran->stderr_data.len);
    }
    return outcome;
}

/* How often it ran, by the sandbox's own account. */
static long run_count(const struct worker *worker, const struct trial *trial)
{
    char script[128];
    snprintf(script, sizeof script, "grep -cx %s ~/runs", trial->id);
    OUTCOME counted_runs = EXECUTE(worker->env, worker->lease, .script = text(script));
    return counted_runs.code == EEP_OK ? strtol(counted_runs.execution.stdout_data.ptr, NULL, 10) : -1;
}

/* -- Comparing --------------------------------------------------------------------------------- */

static void tell(struct worker *worker, const struct trial *trial, const char *what, long is, long expected)
{
    snprintf(
        worker->failure, sizeof worker->failure,
        "EEP_PROPERTY_SEED=%llu: %s: %ld, not %ld\nway %d, %s, input %ld bytes\nscript: %s\nfaults: %s\n",
        (unsigned long long)trial->seed, what, is, expected, (int)trial->way,
        trial->merged ? "merged" : "apart", trial->has_input ? (long)trial->input_len : -1, trial->script,
        trial->rules);
}

static bool same(const struct heard *heard, uint32_t stream, const struct local_stream *expected)
{
    return heard->len[stream] == expected->len &&
           (expected->len == 0 || memcmp(heard->data[stream], expected->data, expected->len) == 0);
}

static void compare(struct worker *worker, const struct trial *trial, const struct outcome *outcome,
                    const struct heard *heard, const struct local_run *local)
{
    const eep_execution *ran = &outcome->execution;
    bool held = outcome->code == EEP_OK && (ran->head.flags & EEP_EXECUTION_HELD);
    if (outcome->code != EEP_OK)
        tell(worker, trial, outcome->err.message.ptr, outcome->code, EEP_OK);
    else if (ran->exit_code != local->exit_code)
        tell(worker, trial, "exit code", ran->exit_code, local->exit_code);
    else if (ran->term_signal != local->term_signal)
        tell(worker, trial, "signal", ran->term_signal, local->term_signal);
    else if (!same(heard, EEP_STREAM_STDOUT, &local->out))
        tell(worker, trial, "stdout differs; bytes", (long)heard->len[EEP_STREAM_STDOUT],
             (long)local->out.len);
    else if (!same(heard, EEP_STREAM_STDERR, &local->err))
        tell(worker, trial, "stderr differs; bytes", (long)heard->len[EEP_STREAM_STDERR],
             (long)local->err.len);
    else if (ran->stdout_total != local->out.len)
        tell(worker, trial, "total of stdout", (long)ran->stdout_total, (long)local->out.len);
    else if (held && !trial->held)
        tell(worker, trial, "held", held, trial->held);
}

static void run_trial(struct worker *worker, uint64_t seed)
{
    struct trial trial;
    struct local_run local;
    char assignment[80];
    HEARD heard = {0};
    trial_init(&trial, seed);
    snprintf(assignment, sizeof assignment, "V=%s", trial.value);
    if (!local_run(&local, worker->folder, trial.script, assignment, trial.has_input ? trial.input : NULL,
                   trial.input_len, trial.merged))
        tell(worker, &trial, "the local run failed", 1, 0);
    standin_faults(&worker->standin, trial.rules);
    OUTCOME outcome = run_there(worker, &trial, &heard);
    standin_faults(&worker->standin, NULL);
    if (worker->failure[0] == '\0') compare(worker, &trial, &outcome, &heard, &local);
    long runs = run_count(worker, &trial);
    if (worker->failure[0] == '\0' && runs != 1) tell(worker, &trial, "it ran so often", runs, 1);
    local_run_finish(&local);
    trial_finish(&trial);
    worker->done++;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    while (now_ms() < until && worker->failure[0] == '\0')
        run_trial(worker, atomic_fetch_add(&next_seed, 1));
    return NULL;
}

/* -- All of it --------------------------------------------------------------------------------- */

static void worker_start(struct worker *worker)
{
    *worker = (struct worker){.folder = "/tmp/eep-property-XXXXXX"};
    standin_start(&worker->standin, NULL);
    worker->env = host_open(&worker->standin, "'executeWindowS':1");
    host_acquire(worker->env, worker->lease);
    assert_non_null(mkdtemp(worker->folder));
}

static void worker_stop(struct worker *worker)
{
    host_destroy(worker->env, worker->lease);
    plugin()->close(worker->env);
    standin_stop(&worker->standin);
    rmdir(worker->folder);
    if (worker->failure[0] != '\0') fail_msg("%s", worker->failure);
}

static void sandboxes_equal_this_machine(void **state)
{
    static struct worker workers[WORKERS];
    unsigned done = 0;
    const char *seconds = getenv("EEP_PROPERTY_S");
    const char *seed = getenv("EEP_PROPERTY_SEED");
    (void)state;
    for (int i = 0; i < WORKERS; i++)
        worker_start(&workers[i]);
    if (seed != NULL) {
        run_trial(&workers[0], strtoull(seed, NULL, 10));
    } else {
        until = now_ms() + 1000 * (seconds != NULL ? atol(seconds) : SECONDS);
        for (int i = 0; i < WORKERS; i++)
            pthread_create(&workers[i].thread, NULL, work, &workers[i]);
        for (int i = 0; i < WORKERS; i++)
            pthread_join(workers[i].thread, NULL);
    }
    for (int i = 0; i < WORKERS; i++)
        done += workers[i].done;
    print_message("  %u commands\n", done);
    for (int i = 0; i < WORKERS; i++)
        worker_stop(&workers[i]);
    assert_true(seed != NULL || done >= 2 * WORKERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sandboxes_equal_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
