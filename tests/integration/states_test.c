/* states_test.c: every state of the service (protocol 5) x every call: what comes out of it, in which time.
 *
 * A cell of the table is a lease of its own that is put into the state, one call on it, and the outcome that is written
 * down here. Several are worked on at once, for most of the time they wait. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "stage.h"

enum { WORKERS = 24, TRANSITION_MS = 100 };

enum column { ACQUIRE_AGAIN, RESUMED, RESUMED_IF_RUNNING, REALIZED, EXECUTED, STOPPED, DESTROYED, COLUMNS };

static const char *const column_names[] = {"acquire", "resume", "resume without start", "realize", "execute",
                                           "stop",    "destroy"};

/* The outcomes. */
enum outcome_kind {
    RUNS,   /* OK: it runs, nothing had to be started */
    STARTS, /* OK: it has been started */
    ANEW,   /* OK: another sandbox was made, for there is none any more */
    RESTS,  /* CONFLICT: it does not run, and shall not be started */
    BROKEN, /* SANDBOX, with the service's reason */
    LOST,   /* LEASE_LOST */
    DONE,   /* OK: released by this call */
    BEFORE, /* OK: it was so before */
};

#define R RUNS
#define S STARTS
#define B BROKEN
#define L LOST
#define D DONE
#define A BEFORE

struct row {
    const char *state;
    const char *then; /* what the state becomes by itself; NULL = it stays */
    const char *more; /* members of the request that puts it there */
    enum outcome_kind outcomes[COLUMNS];
};

/* acquire and resume tell a start also when it was not its own: a sandbox that was forced into a state has lost its processes. */
static const struct row rows[] = {
    /*                                               acquire resume NO_START realize execute stop destroy */
    {"started", NULL, "", {R, R, R, R, R, D, D}},
    {"creating", "started", "", {S, S, S, R, R, D, D}},
    {"pending_build", "started", "", {S, S, S, R, R, D, D}},
    {"building_snapshot", "started", "", {S, S, S, R, R, D, D}},
    {"pulling_snapshot", "started", "", {S, S, S, R, R, D, D}},
    {"unknown", "started", "", {S, S, S, R, R, D, D}},
    {"starting", "started", "", {S, S, S, R, R, D, D}},
    {"restoring", "started", "", {S, S, S, R, R, D, D}},
    {"resuming", "started", "", {S, S, S, R, R, D, D}},
    {"resizing", "started", "", {S, S, S, R, R, D, D}},
    {"snapshotting", "started", "", {S, S, S, R, R, D, D}},
    {"forking", "started", "", {S, S, S, R, R, D, D}},
    {"resizing", "stopped", "", {S, S, RESTS, S, S, A, D}},
    {"stopping", "stopped", "", {S, S, RESTS, S, S, A, D}},
    {"pausing", "paused", "", {S, S, RESTS, S, S, D, D}},
    {"stopped", NULL, "", {S, S, RESTS, S, S, A, D}},
    {"archived", NULL, "", {S, S, RESTS, S, S, A, D}},
    {"archiving", "archived", "", {S, S, RESTS, S, S, A, D}},
    {"paused", NULL, "", {S, S, RESTS, S, S, D, D}},
    {"error", NULL, ",\"errorReason\":\"disk broke\"", {B, B, B, B, B, B, D}},
    {"error", NULL, ",\"errorReason\":\"disk broke\",\"recoverable\":true", {S, S, B, S, S, B, D}},
    {"build_failed", NULL, ",\"errorReason\":\"disk broke\"", {B, B, B, B, B, B, D}},
    {"destroying", "destroyed", "", {ANEW, L, L, L, L, A, A}},
    {"destroyed", NULL, "", {ANEW, L, L, L, L, A, A}},
    {"creating", "started", ",\"shown\":\"hibernating\"", {S, S, S, R, R, D, D}},
};

#undef R
#undef S
#undef B
#undef L
#undef D
#undef A

/* -- A cell ------------------------------------------------------------------------------------ */

struct cell {
    const struct row *row;
    enum column column;
    bool stuck; /* the state lasts for ever, and the call has little time */
    char key[64];
    char lease[EEP_LEASE_MAX + 1];
    struct outcome made;
    struct outcome outcome;
};

/* An execute has nothing to undo there: of its grace it needs none. */
enum { STUCK_TIMEOUT_MS = 2500, STUCK_GRACE_MS = 300, UNUSED_GRACE_MS = 10000 };

static eep_request head_of(const struct cell *cell, size_t size)
{
    eep_request head = {.struct_size = (uint32_t)size};
    if (cell->stuck) head.timeout_ms = STUCK_TIMEOUT_MS;
    if (cell->stuck) head.grace_ms = cell->column == EXECUTED ? UNUSED_GRACE_MS : STUCK_GRACE_MS;
    return head;
}

#define HEAD(cell, type) .head = head_of(cell, sizeof(type))

static struct outcome acquire(const struct cell *cell)
{
    eep_acquire_request request = {HEAD(cell, eep_acquire_request), .idempotency_key = text(cell->key)};
    return call_acquire(env, &request);
}

static struct outcome resume(const struct cell *cell, uint32_t flags)
{
    eep_resume_request request = {HEAD(cell, eep_resume_request), .lease = text(cell->lease)};
    request.head.flags = flags;
    return call_resume(env, &request);
}

static struct outcome release(const struct cell *cell, uint32_t mode)
{
    eep_release_request request = {HEAD(cell, eep_release_request), .lease = text(cell->lease), .mode = mode};
    return call_release(env, &request);
}

static struct outcome call(const struct cell *cell)
{
    eep_realize_request realize = {HEAD(cell, eep_realize_request), .lease = text(cell->lease)};
    eep_execute_request execute = {HEAD(cell, eep_execute_request), .lease = text(cell->lease),
                                   .script = TEXT("true")};
    switch (cell->column) {
    case ACQUIRE_AGAIN: return acquire(cell);
    case RESUMED: return resume(cell, 0);
    case RESUMED_IF_RUNNING: return resume(cell, EEP_RESUME_NO_START);
    case REALIZED: return call_realize(env, &realize);
    case EXECUTED: return call_execute(env, &execute);
    case STOPPED: return release(cell, EEP_RELEASE_STOP);
    default: return release(cell, EEP_RELEASE_DESTROY);
    }
}

static void put_into_state(const struct cell *cell)
{
    char body[256];
    const struct row *row = cell->row;
    int len = snprintf(body, sizeof body, "{\"state\":\"%s\"%s", row->state, row->more);
    if (row->then != NULL && !cell->stuck)
        len += snprintf(body + len, sizeof body - (size_t)len, ",\"in_ms\":%d,\"then\":\"%s\"", TRANSITION_MS,
                        row->then);
    snprintf(body + len, sizeof body - (size_t)len, "}");
    if (strcmp(row->state, "started") != 0) standin_force(&standin, cell->lease, body);
}

static void work_on(struct cell *cell)
{
    struct cell fresh = *cell;
    fresh.stuck = false;
    cell->made = acquire(&fresh);
    if (cell->made.code != EEP_OK) return;
    snprintf(cell->lease, sizeof cell->lease, "%s", cell->made.lease.lease.ptr);
    put_into_state(cell);
    cell->outcome = call(cell);
}

/* -- All of them ------------------------------------------------------------------------------- */

static struct cell *cells;
static size_t cell_count;
static atomic_size_t next_cell;

static void *worker(void *unused)
{
    (void)unused;
    for (size_t i; (i = atomic_fetch_add(&next_cell, 1)) < cell_count;)
        work_on(&cells[i]);
    return NULL;
}

static void add_cell(const struct row *row, enum column column, bool stuck)
{
    struct cell *cell = &cells[cell_count++];
    *cell = (struct cell){.row = row, .column = column, .stuck = stuck};
    snprintf(cell->key, sizeof cell->key, "%zu %d %d", (size_t)(row - rows), (int)column, (int)stuck);
}

static void work_on_all(void)
{
    pthread_t threads[WORKERS];
    atomic_store(&next_cell, 0);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, worker, NULL), 0);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
}

static void clear_up(void)
{
    for (size_t i = 0; i < cell_count; i++) {
        outcome_clear(&cells[i].made);
        outcome_clear(&cells[i].outcome);
    }
    free(cells);
}

/* -- What must have come out ------------------------------------------------------------------- */

static int32_t code_of(enum outcome_kind kind)
{
    switch (kind) {
    case RESTS: return EEP_E_CONFLICT;
    case BROKEN: return EEP_E_SANDBOX;
    case LOST: return EEP_E_LEASE_LOST;
    default: return EEP_OK;
    }
}

static uint32_t flag(bool on, uint32_t bit)
{
    return on ? bit : 0;
}

static uint32_t flags_of(enum column column, enum outcome_kind kind)
{
    bool started = kind == STARTS;
    switch (column) {
    case ACQUIRE_AGAIN: return flag(kind != ANEW, EEP_LEASE_REUSED) | flag(started, EEP_LEASE_STARTED);
    case RESUMED:
    case RESUMED_IF_RUNNING: return EEP_LEASE_RESUMED | flag(started, EEP_LEASE_STARTED);
    case REALIZED: return flag(started, EEP_WORKSPACE_STARTED);
    case EXECUTED: return flag(started, EEP_EXECUTION_STARTED);
    default: return flag(kind == BEFORE, EEP_RELEASED_ALREADY);
    }
}

static bool says(const struct cell *cell, const char *part)
{
    return cell->outcome.err.message.ptr != NULL && strstr(cell->outcome.err.message.ptr, part) != NULL;
}

static bool is_another(const struct cell *cell)
{
    return strcmp(cell->outcome.lease.lease.ptr, cell->lease) != 0;
}

/* On a slow machine a transition may be over before the call has begun. It says so, and nothing was waited for: who waits
 * gives the order again. */
static bool came_late(const struct cell *cell)
{
    char order[EEP_LEASE_MAX + 32];
    bool stops = cell->column == STOPPED;
    if (cell->column < STOPPED || !cell->row->then) return false;
    if (!text_is(cell->outcome.released.state_text, cell->row->then)) return false;
    snprintf(order, sizeof order, "/sandbox/%s%s", cell->lease, stops ? "/stop" : "");
    return standin_count(&standin, stops ? "POST" : "DELETE", order) <= 1;
}

static bool flags_fit(const struct cell *cell)
{
    uint32_t ignored = cell->column >= STOPPED ? EEP_RELEASED_CONFIRMED : 0;
    uint32_t wrong =
        (cell->outcome.head.flags ^ flags_of(cell->column, cell->row->outcomes[cell->column])) & ~ignored;
    return wrong == 0 || (wrong == EEP_RELEASED_ALREADY && came_late(cell));
}

static bool is_right(const struct cell *cell)
{
    enum outcome_kind kind = cell->row->outcomes[cell->column];
    const struct outcome *is = &cell->outcome;
    if (cell->made.code != EEP_OK || is->code != code_of(kind)) return false;
    if (kind == BROKEN && !(says(cell, cell->row->state) && says(cell, "disk broke"))) return false;
    if (is->code != EEP_OK) return text_is(is->err.lease, cell->lease);
    if (cell->column == ACQUIRE_AGAIN && is_another(cell) != (kind == ANEW)) return false;
    return cell->column < STOPPED || flags_fit(cell);
}

static void report(const struct cell *cell, const char *why)
{
    const struct outcome *is = &cell->outcome;
    print_error("%s -> %s%s, %s: %s: code %d, flags 0x%x after %ld ms: %s (%s)\n", cell->row->state,
                cell->row->then ? cell->row->then : "-", cell->row->more, column_names[cell->column], why,
                cell->made.code != EEP_OK ? cell->made.code : is->code, is->head.flags, is->elapsed_ms,
                is->err.message.ptr ? is->err.message.ptr : "-", is->err.where.ptr ? is->err.where.ptr : "-");
}

static bool right_flags(const struct cell *cell)
{
    return cell->outcome.code != EEP_OK || flags_fit(cell);
}

static void every_state_and_every_call(void **state)
{
    size_t wrong = 0;
    (void)state;
    cells = calloc(COUNT_OF(rows) * COLUMNS, sizeof *cells);
    for (cell_count = 0; cell_count < COUNT_OF(rows) * COLUMNS;)
        add_cell(&rows[cell_count / COLUMNS], (enum column)(cell_count % COLUMNS), false);
    work_on_all();
    for (size_t i = 0; i < cell_count; i++) {
        bool right = is_right(&cells[i]);
        if (right && right_flags(&cells[i])) continue;
        report(&cells[i], right ? "wrong flags" : "wrong outcome");
        wrong++;
    }
    clear_up();
    assert_int_equal(wrong, 0);
}

/* -- States that never end --------------------------------------------------------------------- */

/* A noisy machine may be late; the call must not be late by its own doing. */
enum { LATE_MS = 100, NOISE_MS = 4000 };

/* What needs no waiting even then: archives may be started and deleted, a build may be deleted, and what is being
 * stopped or deleted is on the way to where a release wants it. */
static bool ends_at_once(const struct cell *cell)
{
    const char *now = cell->row->state;
    if (strcmp(now, "destroying") == 0) return cell->column != ACQUIRE_AGAIN; /* the name is not free */
    if (strcmp(now, "archiving") == 0 && cell->column >= STOPPED) return true;
    if (cell->column == RESUMED_IF_RUNNING && strcmp(now, "archiving") == 0) return true;
    if (cell->column == DESTROYED) return strcmp(now, "pending_build") == 0;
    if (cell->column == STOPPED) return strcmp(now, "stopping") == 0;
    return cell->column == RESUMED_IF_RUNNING &&
           (strcmp(now, "stopping") == 0 || strcmp(now, "pausing") == 0);
}

static const char *why_wrong_when_stuck(const struct cell *cell)
{
    const struct outcome *is = &cell->outcome;
    bool unknown = strstr(cell->row->more, "shown") != NULL;
    if (cell->made.code != EEP_OK) return "not made";
    int64_t latest =
        cell->column == EXECUTED ? UNUSED_GRACE_MS : STUCK_TIMEOUT_MS + STUCK_GRACE_MS + LATE_MS + NOISE_MS;
    if (is->elapsed_ms > latest) return "too late";
    if (ends_at_once(cell)) return is->code == EEP_E_DEADLINE ? "waited for nothing" : NULL;
    if (is->code != EEP_E_DEADLINE) return "not DEADLINE";
    if (is->elapsed_ms < STUCK_TIMEOUT_MS) return "too early";
    if (strcmp(cell->row->state, "destroying") == 0) /* the end may come in a pause or in a request */
        return says(cell, "being deleted") || says(cell, "time left") ? NULL : "does not tell why";
    if (!says(cell, unknown ? "hibernating" : cell->row->state)) return "does not tell the state";
    if (unknown && !says(cell, "unknown state")) return "does not tell that it is unknown";
    if (!text_is(is->err.lease, cell->lease)) return "does not tell the lease";
    return strstr(is->err.where.ptr, ": ") ? NULL : "does not tell the phase";
}

static void a_state_that_never_ends(void **state)
{
    size_t wrong = 0;
    (void)state;
    cells = calloc(COUNT_OF(rows) * COLUMNS, sizeof *cells);
    cell_count = 0;
    for (size_t i = 0; i < COUNT_OF(rows) * COLUMNS; i++)
        if (rows[i / COLUMNS].then != NULL && i % COLUMNS != REALIZED) /* as execute, up to there */
            add_cell(&rows[i / COLUMNS], (enum column)(i % COLUMNS), true);
    work_on_all();
    for (size_t i = 0; i < cell_count; i++) {
        const char *why = why_wrong_when_stuck(&cells[i]);
        if (why == NULL) continue;
        report(&cells[i], why);
        wrong++;
    }
    clear_up();
    assert_int_equal(wrong, 0);
}

/* -- Between the states ------------------------------------------------------------------------ */

/* 50 ms for a second, then growing to 1 s: a wait of 3 s is about 26 looks, not 60. */
static void looks_get_rarer(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    standin_force(&standin, lease, "{\"state\":\"starting\",\"in_ms\":3000,\"then\":\"started\"}");
    standin_forget(&standin);
    OUTCOME back = RESUME(env, lease);
    EXPECT(back, EEP_OK);
    assert_in_range(standin_count(&standin, "GET", lease), 5, 32);
    assert_int_equal(standin_count(&standin, "POST", "/start"), 1);
    assert_in_range(back.elapsed_ms, 1500, 10000);
    host_destroy(env, lease);
}

static void a_description_without_a_state_is_waited_for(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    char rule[1024];
    (void)state;
    host_acquire(env, lease);
    snprintf(
        rule, sizeof rule,
        "[{'match':{'method':'GET','path':'/api/sandbox/"
        "%s'},'do':{'status':200,'body':'{\\'id\\':\\'%s\\'}'}},"
        "{'match':{'method':'POST','path':'/start'},'do':{'status':409,'body':'{\\'message\\':\\'x\\'}'}}]",
        lease, lease);
    standin_faults(&standin, rule);
    OUTCOME back = RESUME(env, lease, .head.timeout_ms = 1500);
    standin_faults(&standin, NULL);
    EXPECT(back, EEP_E_DEADLINE);
    EXPECT_SAYS(back, "a state that the service does not tell");
    host_destroy(env, lease);
}

/* It is stopped by somebody else while it is waited for, and recovers from an error on the way. */
static void detours_are_followed(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    standin_force(&standin, lease,
                  "{\"state\":\"pausing\",\"in_ms\":60,\"then\":\"error\",\"recoverable\":true}");
    OUTCOME back = RESUME(env, lease);
    EXPECT(back, EEP_OK);
    assert_int_equal(standin_count(&standin, "POST", "/recover"), 1);
    EXPECT_RUN(env, lease, "echo works", "works\n");
    host_destroy(env, lease);
}

/* Recovering it does not help: told, with the service's reason, not tried for ever. */
static void a_sandbox_that_cannot_be_recovered(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    standin_force(&standin, lease,
                  "{\"state\":\"error\",\"errorReason\":\"disk broke\",\"recoverable\":true}");
    standin_faults(&standin, "[{'match':{'method':'POST','path':'/recover'},'do':{'transition_ms':20,'ends':"
                             "{'state':'error','errorReason':'broke again','recoverable':true}}}]");
    OUTCOME back = RESUME(env, lease);
    standin_faults(&standin, NULL);
    EXPECT(back, EEP_E_SANDBOX);
    EXPECT_SAYS(back, "broke again");
    assert_true(back.elapsed_ms < LIMIT_MS / 2);
    host_destroy(env, lease);
}

/* -- Release ----------------------------------------------------------------------------------- */

static void an_ephemeral_sandbox_vanishes_when_it_stops(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    eep_env *ephemeral = host_open(&standin, "'autoDeleteInterval':0");
    host_acquire(ephemeral, lease);
    OUTCOME kept = RELEASE(ephemeral, lease, EEP_RELEASE_ARCHIVE);
    EXPECT(kept, EEP_E_UNSUPPORTED);
    OUTCOME first = RELEASE(ephemeral, lease, EEP_RELEASE_STOP);
    EXPECT(first, EEP_OK);
    assert_int_equal(first.released.state, EEP_STATE_GONE);
    assert_false(first.released.head.flags & EEP_RELEASED_ALREADY);
    OUTCOME second = RELEASE(ephemeral, lease, EEP_RELEASE_STOP);
    EXPECT(second, EEP_OK);
    assert_int_equal(second.released.head.flags, EEP_RELEASED_ALREADY | EEP_RELEASED_CONFIRMED);
    OUTCOME back = RESUME(ephemeral, lease);
    EXPECT(back, EEP_E_LEASE_LOST);
    plugin()->close(ephemeral);
}

/* The answer was lost, not the order: what the second try finds is our own doing. */
static void a_lost_release_is_no_earlier_one(void **state)
{
    static const char *const lost[] = {"{'drop':'after_action'}", "{'drop':'after_action','reset':true}",
                                       "{'act':true,'status':502,'body':''}",
                                       "{'act':true,'status':504,'html':true}"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lost); i++) {
        for (uint32_t mode = EEP_RELEASE_STOP; mode <= EEP_RELEASE_DESTROY; mode++) {
            char lease[EEP_LEASE_MAX + 1];
            char rule[1024];
            bool stop = mode == EEP_RELEASE_STOP;
            host_acquire(env, lease);
            snprintf(rule, sizeof rule, "[{'match':{'method':'%s','path':'%s%s','count':1},'do':%s}]",
                     stop ? "POST" : "DELETE", lease, stop ? "/stop" : "", lost[i]);
            standin_faults(&standin, rule);
            OUTCOME released = RELEASE(env, lease, mode);
            standin_faults(&standin, NULL);
            EXPECT(released, EEP_OK);
            assert_int_equal(released.released.mode, mode);
            assert_int_equal(released.released.head.flags, EEP_RELEASED_CONFIRMED);
            host_destroy(env, lease);
        }
    }
}

/* The service contradicts itself for a while: what it does is right, what it says is old. Nothing of that is a mistake of
 * the host. */
static void contradictions_are_outwaited(void **state)
{
    static const char stale[] = "[{'match':{'method':'GET','path':'/api/sandbox/*'},'do':{'stale_ms':400}}]";
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    eep_env *other = host_open(&standin, NULL);
    standin_faults(&standin, stale);
    OUTCOME first = RELEASE(env, lease, EEP_RELEASE_STOP);
    OUTCOME second = RELEASE(other, lease, EEP_RELEASE_STOP);
    EXPECT(first, EEP_OK);
    EXPECT(second, EEP_OK);
    assert_true(second.released.head.flags & EEP_RELEASED_ALREADY);
    OUTCOME back = RESUME(env, lease);
    EXPECT(back, EEP_OK);
    standin_force(&standin, lease, "{\"state\":\"stopped\"}");
    OUTCOME realized = REALIZE(env, lease); /* the toolbox says stopped, the API started */
    EXPECT(realized, EEP_OK);
    standin_faults(&standin, NULL);
    plugin()->close(other);
    host_destroy(env, lease);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_every_call),
        cmocka_unit_test(a_state_that_never_ends),
        cmocka_unit_test(looks_get_rarer),
        cmocka_unit_test(a_description_without_a_state_is_waited_for),
        cmocka_unit_test(detours_are_followed),
        cmocka_unit_test(a_sandbox_that_cannot_be_recovered),
        cmocka_unit_test(an_ephemeral_sandbox_vanishes_when_it_stops),
        cmocka_unit_test(a_lost_release_is_no_earlier_one),
        cmocka_unit_test(contradictions_are_outwaited),
    };
    return cmocka_run_group_tests(tests, stage_start, stage_stop);
}
