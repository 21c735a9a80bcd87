#include "crew.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "dice.h"
#include "journal.h"
#include "tests/integration/host.h"

enum { OWNERS = 2, KEYS = 4, HAND = 4, MAX_THREADS = 32, ATTEMPTS = 4 };

struct crew {
    const struct crew_orders *orders;
    struct journal journal;
    eep_env *envs[OWNERS];
    long end_ms;
    pthread_mutex_t lock;
    char shared[OWNERS][KEYS][EEP_LEASE_MAX + 1]; /* what the keys have led to last; "" = nothing yet */
};

struct sailor {
    struct crew *crew;
    pthread_t thread;
    int number;
    struct dice dice;
    int owner;
    char hand[OWNERS][HAND][EEP_LEASE_MAX + 1]; /* unkeyed leases, ours alone; "" = free */
    uint32_t executions;
};

static eep_env *env_of(const struct sailor *sailor)
{
    return sailor->crew->envs[sailor->owner];
}

/* -- What every call has ----------------------------------------------------------------------- */

static eep_request times(struct sailor *sailor, uint32_t size)
{
    return (eep_request){.struct_size = size,
                         .timeout_ms = 200 + dice_throw(&sailor->dice, 2500),
                         .grace_ms = 200 + dice_throw(&sailor->dice, 800)};
}

/* Mistakes of the host, bugs of the plugin: no fault of a service makes them right. */
static bool is_never_right(int32_t code)
{
    return code == EEP_E_INTERNAL || code == EEP_E_NO_MEMORY || code == EEP_E_FORKED ||
           code == EEP_E_SHUTDOWN || code == EEP_E_INVALID_ARGUMENT || code == EEP_E_INVALID_CONFIG ||
           code == EEP_E_UNAUTHENTICATED || code == EEP_E_PERMISSION_DENIED || code == EEP_E_UNSUPPORTED;
}

static const char *shown(eep_str text)
{
    return text.ptr != NULL && text.len > 0 ? text.ptr : "-";
}

static void note(struct sailor *sailor, const char *what, const struct outcome *outcome,
                 const eep_request *head)
{
    struct journal *journal = &sailor->crew->journal;
    long late = outcome->elapsed_ms - (long)head->timeout_ms - (long)head->grace_ms;
    journal_write(journal, "call %s %d %s %s", what, outcome->code, shown(outcome->err.lease),
                  shown(outcome->err.message));
    if (late > 0) journal_write(journal, "late %s %ld", what, late);
    if (is_never_right(outcome->code))
        journal_write(journal, "wrong %s: code %d: %s (%s)", what, outcome->code, shown(outcome->err.message),
                      shown(outcome->err.where));
    if (outcome->code != EEP_OK && outcome->err.lease.len > 0)
        journal_write(journal, "told %s", outcome->err.lease.ptr);
}

/* -- Leases ------------------------------------------------------------------------------------ */

static void take(char place[EEP_LEASE_MAX + 1], eep_str lease)
{
    snprintf(place, EEP_LEASE_MAX + 1, "%s", lease.ptr);
}

static void acquire_alone(struct sailor *sailor, char place[EEP_LEASE_MAX + 1])
{
    eep_acquire_request request = {.head = times(sailor, sizeof request)};
    OUTCOME made = call_acquire(env_of(sailor), &request);
    if (made.code == EEP_OK) {
        journal_write(&sailor->crew->journal, "told %s", made.lease.lease.ptr);
        take(place, made.lease.lease);
    } else if (made.err.lease.len == 0 && (made.err.head.flags & EEP_ERROR_MAYBE_APPLIED)) {
        journal_write(&sailor->crew->journal, "unnamed");
    }
    note(sailor, "acquire", &made, &request.head);
}

static void acquire_by_key(struct sailor *sailor)
{
    char key[16];
    uint32_t which = dice_throw(&sailor->dice, KEYS);
    snprintf(key, sizeof key, "key-%u", which);
    eep_acquire_request request = {.head = times(sailor, sizeof request), .idempotency_key = text(key)};
    OUTCOME made = call_acquire(env_of(sailor), &request);
    note(sailor, "acquire-key", &made, &request.head);
    if (made.code != EEP_OK) return;
    journal_write(&sailor->crew->journal, "told %s", made.lease.lease.ptr);
    pthread_mutex_lock(&sailor->crew->lock);
    take(sailor->crew->shared[sailor->owner][which], made.lease.lease);
    pthread_mutex_unlock(&sailor->crew->lock);
}

/* One of our own or, one time in three, one that others use as well. "" when there is none. */
static char *choose(struct sailor *sailor, char lease[EEP_LEASE_MAX + 1])
{
    uint32_t which = dice_throw(&sailor->dice, HAND);
    char *place = sailor->hand[sailor->owner][which];
    if (dice_percent(&sailor->dice, 33)) {
        place = sailor->crew->shared[sailor->owner][which % KEYS];
        pthread_mutex_lock(&sailor->crew->lock);
        snprintf(lease, EEP_LEASE_MAX + 1, "%s", place);
        pthread_mutex_unlock(&sailor->crew->lock);
        return NULL;
    }
    snprintf(lease, EEP_LEASE_MAX + 1, "%s", place);
    return place;
}

static void forget_if_lost(int32_t code, char *place)
{
    if (code == EEP_E_LEASE_LOST && place != NULL) *place = '\0';
}

static void resume(struct sailor *sailor)
{
    char lease[EEP_LEASE_MAX + 1];
    char *place = choose(sailor, lease);
    if (*lease == '\0') return;
    eep_resume_request request = {.head = times(sailor, sizeof request), .lease = text(lease)};
    OUTCOME resumed = call_resume(env_of(sailor), &request);
    note(sailor, "resume", &resumed, &request.head);
    forget_if_lost(resumed.code, place);
}

static void realize(struct sailor *sailor)
{
    char lease[EEP_LEASE_MAX + 1];
    char *place = choose(sailor, lease);
    if (*lease == '\0') return;
    const eep_source source = {.kind = EEP_SOURCE_FILE, .path = TEXT("dir/file"), .data = BYTES("content")};
    eep_realize_request request = {
        .head = times(sailor, sizeof request), .lease = text(lease), .sources = &source, .source_count = 1};
    OUTCOME realized = call_realize(env_of(sailor), &request);
    note(sailor, "realize", &realized, &request.head);
    forget_if_lost(realized.code, place);
}

static void release(struct sailor *sailor)
{
    char lease[EEP_LEASE_MAX + 1];
    char *place = choose(sailor, lease);
    if (*lease == '\0') return;
    bool destroy = place == NULL ? dice_percent(&sailor->dice, 15) : dice_percent(&sailor->dice, 60);
    eep_release_request request = {.head = times(sailor, sizeof request),
                                   .lease = text(lease),
                                   .mode = destroy ? EEP_RELEASE_DESTROY : EEP_RELEASE_STOP};
    OUTCOME released = call_release(env_of(sailor), &request);
    note(sailor, destroy ? "destroy" : "stop", &released, &request.head);
    forget_if_lost(released.code, place);
    if (released.code != EEP_OK || !destroy) return;
    if (released.released.head.flags & EEP_RELEASED_CONFIRMED)
        journal_write(&sailor->crew->journal, "destroyed %s", lease);
    if (place != NULL) *place = '\0';
}

/* -- Commands ---------------------------------------------------------------------------------- */

static const char *const scripts[] = {
    "echo $ID >>$HOME/ledger",
    "echo $ID >>$HOME/ledger; sleep 0.1; echo end",
    "sleep 0.05; echo $ID >>$HOME/ledger; head -c 100000 /dev/zero",
    "cat >>$HOME/ledger",
};

/* The same id until it is known what became of it. */
static void execute(struct sailor *sailor)
{
    char lease[EEP_LEASE_MAX + 1], id[EEP_EXECUTION_ID_MAX + 1], line[EEP_EXECUTION_ID_MAX + 2];
    char *place = choose(sailor, lease);
    if (*lease == '\0') return;
    bool ended = false;
    snprintf(id, sizeof id, "%s-%d-%u", sailor->crew->orders->name, sailor->number, sailor->executions++);
    snprintf(line, sizeof line, "%s\n", id);
    const eep_pair variable = {TEXT("ID"), text(id)};
    const char *script = scripts[dice_throw(&sailor->dice, (uint32_t)COUNT_OF(scripts))];
    for (int attempt = 0; attempt < ATTEMPTS && !ended; attempt++) {
        eep_execute_request request = {.head = times(sailor, sizeof request),
                                       .lease = text(lease),
                                       .execution_id = text(id),
                                       .script = text(script),
                                       .env = &variable,
                                       .env_count = 1,
                                       .stdin_data = {line, strlen(line)}};
        OUTCOME ran = call_execute(env_of(sailor), &request);
        note(sailor, "execute", &ran, &request.head);
        if (ran.code == EEP_E_CONFLICT)
            journal_write(&sailor->crew->journal, "wrong execute %s: CONFLICT with itself: %s", id,
                          shown(ran.err.message));
        bool by_us = ran.code == EEP_OK && (ran.execution.head.flags & EEP_EXECUTION_TIMED_OUT);
        if (ran.code == EEP_OK && !by_us && ran.execution.exit_code != 0)
            journal_write(&sailor->crew->journal, "wrong execute %s: exit code %d, signal %d", id,
                          ran.execution.exit_code, ran.execution.term_signal);
        ended = ran.code == EEP_OK && !by_us;
        forget_if_lost(ran.code, place);
        if (by_us || ran.code == EEP_E_LEASE_LOST || ran.code == EEP_E_INTERRUPTED) break;
    }
    journal_write(&sailor->crew->journal, "ran %s %s %d", lease, id, ended);
}

/* -- The life of a thread and of the process --------------------------------------------------- */

static void do_something(struct sailor *sailor)
{
    uint32_t what = dice_throw(&sailor->dice, 100);
    sailor->owner = (int)dice_throw(&sailor->dice, OWNERS);
    char *place = sailor->hand[sailor->owner][dice_throw(&sailor->dice, HAND)];
    if (what < 12 && *place == '\0')
        acquire_alone(sailor, place);
    else if (what < 20)
        acquire_by_key(sailor);
    else if (what < 35)
        resume(sailor);
    else if (what < 45)
        realize(sailor);
    else if (what < 55)
        release(sailor);
    else
        execute(sailor);
}

static void *sail(void *argument)
{
    struct sailor *sailor = argument;
    while (now_ms() < sailor->crew->end_ms)
        do_something(sailor);
    return NULL;
}

static size_t entries(const char *directory)
{
    DIR *list = opendir(directory);
    size_t count = 0;
    while (readdir(list) != NULL)
        count++;
    closedir(list);
    return count;
}

static eep_env *open_env(const struct standin *standin, const char *fleet, int owner)
{
    char more[64];
    snprintf(more, sizeof more, "'owner':'%s-%d'", fleet, owner);
    return host_open(standin, more);
}

static void sail_all(struct crew *crew)
{
    static struct sailor sailors[MAX_THREADS];
    for (int i = 0; i < crew->orders->threads; i++) {
        sailors[i] =
            (struct sailor){.crew = crew, .number = i, .dice = dice_of(crew->orders->seed, (uint64_t)i + 1)};
        assert_int_equal(pthread_create(&sailors[i].thread, NULL, sail, &sailors[i]), 0);
    }
    for (int i = 0; i < crew->orders->threads; i++)
        pthread_join(sailors[i].thread, NULL);
}

/* With all environments closed the process is what it was after the first one had been opened and closed, but for
 * connections that are kept for a while: at most one to each host for each call that was under way at once. */
static void compare_size(struct crew *crew, size_t descriptors, size_t threads)
{
    enum { PATIENCE_MS = 5000, HOSTS = 2 };
    size_t most = descriptors + HOSTS * (size_t)crew->orders->threads;
    long until = now_ms() + PATIENCE_MS;
    while (now_ms() < until && (entries("/proc/self/fd") > most || entries("/proc/self/task") > threads))
        nap();
    size_t now_open = entries("/proc/self/fd"), now_running = entries("/proc/self/task");
    if (now_open > most) journal_write(&crew->journal, "grown descriptors %zu %zu", descriptors, now_open);
    if (now_running > threads) journal_write(&crew->journal, "grown threads %zu %zu", threads, now_running);
}

void crew_run(const struct crew_orders *orders)
{
    static struct crew crew = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct standin standin;
    standin_attach(&standin, orders->api);
    crew.orders = orders;
    journal_open(&crew.journal, orders->journal);
    eep_env *first = open_env(&standin, orders->fleet, 0);
    OUTCOME probed = PROBE(first, .max_depth = EEP_PROBE_REACH);
    plugin()->close(first);
    size_t descriptors = entries("/proc/self/fd"), threads = entries("/proc/self/task");
    for (int i = 0; i < OWNERS; i++)
        crew.envs[i] = open_env(&standin, orders->fleet, i);
    crew.end_ms = now_ms() + orders->milliseconds;
    sail_all(&crew);
    for (int i = 0; i < OWNERS; i++)
        plugin()->close(crew.envs[i]);
    compare_size(&crew, descriptors, threads);
    journal_close(&crew.journal);
}
