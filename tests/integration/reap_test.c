/* reap_test.c: reap of eep.lease/1: what goes, what is spared and why, and that one failure stops nothing. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "leases.h"
#include "stage.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, LONG_AGO_MS = 10 * MINUTE_MS };

/* As if nobody had used it for so long. */
static void age(const char *lease, long idle_ms)
{
    char body[64];
    snprintf(body, sizeof body, "{\"idle_ms\":%ld}", idle_ms);
    standin_force(&standin, lease, body);
}

static void acquire_aged(eep_env *of, char *lease)
{
    host_acquire(of, lease);
    age(lease, LONG_AGO_MS);
}

#define REAP_IDLE(env, ...) REAP(env, .idle_ms = 5 * MINUTE_MS, __VA_ARGS__)

/* What became of it. */
static void expect_line(const struct outcome *reaped, const char *lease, uint32_t outcome, uint32_t spared,
                        const char *file, int line)
{
    const eep_reaped *found = reaped_find(&reaped->reaping, lease);
    if (found && found->outcome == outcome && found->spared == spared) return;
    print_error("lease %s: ", lease);
    if (found)
        print_error("outcome %u, spared %u: %s\n", found->outcome, found->spared,
                    found->message.ptr ? found->message.ptr : "-");
    else
        print_error("no line\n");
    _fail(file, line);
}

#define EXPECT_LINE(reaped, lease, outcome, spared)                                                          \
    expect_line(&(reaped), lease, outcome, spared, __FILE__, __LINE__)

static const char *message_of(const struct outcome *reaped, const char *lease)
{
    const eep_reaped *line = reaped_find(&reaped->reaping, lease);
    return line && line->message.ptr ? line->message.ptr : "";
}

/* -- What goes --------------------------------------------------------------------------------- */

static void what_nobody_used_goes(void **state)
{
    char idle[EEP_LEASE_MAX + 1], used[EEP_LEASE_MAX + 1], stopped[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, used);
    acquire_aged(env, idle);
    host_acquire(env, stopped);
    OUTCOME released = RELEASE(env, stopped, EEP_RELEASE_STOP);
    EXPECT(released, EEP_OK);
    age(stopped, LONG_AGO_MS);
    OUTCOME reaped = REAP_IDLE(env, .head.flags = 0);
    EXPECT(reaped, EEP_OK);
    assert_int_equal(reaped.reaping.lease_count, 3);
    assert_int_equal(reaped.reaping.deleted, 2);
    assert_int_equal(reaped.reaping.spared, 1);
    assert_int_equal(reaped.reaping.failed + reaped.reaping.gone, 0);
    EXPECT_LINE(reaped, idle, EEP_REAPED_DELETED, 0);
    EXPECT_LINE(reaped, stopped, EEP_REAPED_DELETED, 0);
    EXPECT_LINE(reaped, used, EEP_REAPED_SPARED, EEP_SPARED_ACTIVE);
    assert_non_null(strstr(message_of(&reaped, used), "active "));
    assert_string_equal(reaped_find(&reaped.reaping, stopped)->state_text.ptr, "stopped");
    AWAIT(standin_total(&standin, "live") == 1);
    host_destroy(env, used);
}

static void a_dry_run_only_tells(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    acquire_aged(env, lease);
    standin_forget(&standin);
    OUTCOME reaped = REAP_IDLE(env, .head.flags = EEP_REAP_DRY_RUN);
    EXPECT(reaped, EEP_OK);
    assert_int_equal(reaped.reaping.deleted, 1);
    EXPECT_LINE(reaped, lease, EEP_REAPED_WOULD, 0);
    assert_int_equal(standin_count(&standin, "DELETE", NULL), 0);
    OUTCOME again = REAP_IDLE(env, .head.flags = EEP_REAP_DRY_RUN); /* looking was no use of it */
    EXPECT(again, EEP_OK);
    EXPECT_LINE(again, lease, EEP_REAPED_WOULD, 0);
    host_destroy(env, lease);
}

static void how_long_must_be_said(void **state)
{
    (void)state;
    OUTCOME reaped = REAP(env, .head.flags = EEP_REAP_DRY_RUN);
    EXPECT(reaped, EEP_E_INVALID_ARGUMENT);
    EXPECT_SAYS(reaped, "idle_ms");
}

/* -- What is spared ---------------------------------------------------------------------------- */

static void other_owners_leases_are_not_looked_at(void **state)
{
    char of_ann[EEP_LEASE_MAX + 1], foreign[EEP_LEASE_MAX + 1];
    eep_env *ann = host_open(&standin, "'owner':'ann'");
    (void)state;
    acquire_aged(ann, of_ann);
    snprintf(foreign, sizeof foreign, "%s", of_ann);
    OUTCOME own = REAP_IDLE(env, .head.flags = 0);
    EXPECT(own, EEP_OK);
    assert_int_equal(own.reaping.lease_count, 0);
    OUTCOME all = REAP_IDLE(env, .head.flags = EEP_REAP_ALL);
    EXPECT(all, EEP_OK);
    EXPECT_LINE(all, of_ann, EEP_REAPED_DELETED, 0);
    assert_string_equal(reaped_find(&all.reaping, of_ann)->owner.ptr, "ann");
    AWAIT(standin_total(&standin, "live") == 0);
    plugin()->close(ann);
}

static void what_is_kept_for_its_files_is_spared(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    eep_env *keeper = host_open(&standin, "'reuseLease':true");
    (void)state;
    acquire_aged(keeper, lease);
    OUTCOME spared = REAP_IDLE(env, .head.flags = 0);
    EXPECT(spared, EEP_OK);
    EXPECT_LINE(spared, lease, EEP_REAPED_SPARED, EEP_SPARED_REUSABLE);
    OUTCOME taken = REAP_IDLE(env, .head.flags = EEP_REAP_REUSABLE);
    EXPECT(taken, EEP_OK);
    EXPECT_LINE(taken, lease, EEP_REAPED_DELETED, 0);
    AWAIT(standin_total(&standin, "live") == 0);
    plugin()->close(keeper);
}

/* A command at work is no activity to the service. */
static void a_lease_with_a_command_is_spared(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    OUTCOME started = EXECUTE(env, lease, .head.flags = EEP_EXECUTE_DETACH, .execution_id = TEXT("job-1"),
                              .script = TEXT("sleep 600"), .time_limit_ms = HOUR_MS);
    EXPECT(started, EEP_OK);
    age(lease, LONG_AGO_MS);
    OUTCOME spared = REAP_IDLE(env, .head.flags = 0);
    EXPECT(spared, EEP_OK);
    EXPECT_LINE(spared, lease, EEP_REAPED_SPARED, EEP_SPARED_RUNNING);
    assert_non_null(strstr(message_of(&spared, lease), "job-1"));
    OUTCOME still = REAP_IDLE(env, .head.flags = 0); /* the look itself was no use */
    EXPECT(still, EEP_OK);
    EXPECT_LINE(still, lease, EEP_REAPED_SPARED, EEP_SPARED_RUNNING);
    OUTCOME taken = REAP_IDLE(env, .head.flags = EEP_REAP_RUNNING);
    EXPECT(taken, EEP_OK);
    EXPECT_LINE(taken, lease, EEP_REAPED_DELETED, 0);
    AWAIT(standin_total(&standin, "live") == 0);
}

static bool goes_after_a_second(const char *lease)
{
    OUTCOME reaped = REAP(env, .idle_ms = 1000);
    EXPECT(reaped, EEP_OK);
    return reaped_find(&reaped.reaping, lease)->outcome == EEP_REAPED_DELETED;
}

/* Its end shows in the sandbox, whether or not the service has heard of it. */
static void a_lease_with_a_command_that_has_ended_is_spared_for_a_while(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("true"));
    EXPECT(ran, EEP_OK);
    age(lease, LONG_AGO_MS);
    OUTCOME spared = REAP_IDLE(env, .head.flags = 0);
    EXPECT(spared, EEP_OK);
    EXPECT_LINE(spared, lease, EEP_REAPED_SPARED, EEP_SPARED_ACTIVE);
    assert_non_null(strstr(message_of(&spared, lease), "a command ran"));
    AWAIT(goes_after_a_second(lease)); /* and no longer than asked for */
    AWAIT(standin_total(&standin, "live") == 0);
}

static void a_lease_with_a_service_in_the_background_is_spared(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("sleep 600 & echo started"));
    EXPECT(ran, EEP_OK);
    age(lease, LONG_AGO_MS);
    OUTCOME spared = REAP_IDLE(env, .head.flags = 0);
    EXPECT(spared, EEP_OK);
    EXPECT_LINE(spared, lease, EEP_REAPED_SPARED, EEP_SPARED_RUNNING);
    host_destroy(env, lease);
}

static void what_cannot_be_looked_into_is_spared(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    acquire_aged(env, lease);
    standin_faults(&standin, "[{'match':{'path':'/process/execute'},'do':{'status':502}}]");
    OUTCOME spared = REAP_IDLE(env, .head.flags = 0);
    EXPECT(spared, EEP_OK);
    EXPECT_LINE(spared, lease, EEP_REAPED_SPARED, EEP_SPARED_UNSEEN);
    OUTCOME taken = REAP_IDLE(env, .head.flags = EEP_REAP_RUNNING);
    EXPECT(taken, EEP_OK);
    EXPECT_LINE(taken, lease, EEP_REAPED_DELETED, 0);
    standin_faults(&standin, NULL);
    AWAIT(standin_total(&standin, "live") == 0);
}

/* The service tells uses up to two minutes late, so less than that proves nothing while it runs. */
static void what_runs_gets_the_benefit_of_two_minutes(void **state)
{
    char running[EEP_LEASE_MAX + 1], stopped[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, running);
    host_acquire(env, stopped);
    OUTCOME released = RELEASE(env, stopped, EEP_RELEASE_STOP);
    EXPECT(released, EEP_OK);
    age(running, MINUTE_MS);
    age(stopped, MINUTE_MS);
    OUTCOME reaped = REAP(env, .idle_ms = 1000);
    EXPECT(reaped, EEP_OK);
    EXPECT_LINE(reaped, running, EEP_REAPED_SPARED, EEP_SPARED_ACTIVE);
    assert_non_null(strstr(message_of(&reaped, running), "late"));
    EXPECT_LINE(reaped, stopped, EEP_REAPED_DELETED, 0);
    host_destroy(env, running);
    AWAIT(standin_total(&standin, "live") == 0);
}

/* What the list says of a sandbox that has changed since: {"items":[{…}],"nextCursor":null} */
static void pretend_listed(const char *lease, const char *owner, const char *state)
{
    char rules[2048];
    snprintf(rules, sizeof rules,
             "[{'match':{'method':'GET','path':'/api/sandbox'},'do':{'status':200,"
             "'content_type':'application/json','body':'{\\\"items\\\":[{\\\"id\\\":\\\"%s\\\","
             "\\\"name\\\":\\\"eep-x\\\",\\\"state\\\":\\\"%s\\\",\\\"autoDeleteInterval\\\":60,"
             "\\\"createdAt\\\":\\\"2026-01-01T00:00:00.000Z\\\",\\\"lastActivityAt\\\":\\\"2026-01-01T00:00:"
             "00.000Z\\\","
             "\\\"labels\\\":{%s\\\"eep.request\\\":\\\"r\\\",\\\"eep.identity\\\":\\\"i\\\"}}],"
             "\\\"nextCursor\\\":null}'}}]",
             lease, state, owner);
    standin_faults(&standin, rules);
}

/* The list may be old; what is read again decides. */
static void an_old_list_deletes_nothing(void **state)
{
    char lease[EEP_LEASE_MAX + 1], of_ann[EEP_LEASE_MAX + 1];
    eep_env *ann = host_open(&standin, "'owner':'ann'");
    (void)state;
    host_acquire(env, lease);
    acquire_aged(ann, of_ann);
    pretend_listed(lease, "", "stopped"); /* used since */
    OUTCOME used = REAP_IDLE(env, .head.flags = 0);
    EXPECT(used, EEP_OK);
    EXPECT_LINE(used, lease, EEP_REAPED_SPARED, EEP_SPARED_ACTIVE);
    pretend_listed(of_ann, "", "stopped"); /* another's */
    OUTCOME changed = REAP_IDLE(env, .head.flags = 0);
    EXPECT(changed, EEP_OK);
    EXPECT_LINE(changed, of_ann, EEP_REAPED_SPARED, EEP_SPARED_CHANGED);
    age(lease, LONG_AGO_MS);
    pretend_listed(lease, "", "stopped"); /* started since */
    OUTCOME state_differs = REAP_IDLE(env, .states = 1u << EEP_STATE_STOPPED);
    EXPECT(state_differs, EEP_OK);
    EXPECT_LINE(state_differs, lease, EEP_REAPED_SPARED, EEP_SPARED_STATE);
    pretend_listed("11111111-2222-3333-4444-555555555555", "", "stopped"); /* deleted since */
    OUTCOME gone = REAP_IDLE(env, .head.flags = 0);
    EXPECT(gone, EEP_OK);
    EXPECT_LINE(gone, "11111111-2222-3333-4444-555555555555", EEP_REAPED_GONE, 0);
    assert_int_equal(gone.reaping.gone, 1);
    standin_faults(&standin, NULL);
    assert_int_equal(standin_total(&standin, "live"), 2);
    host_destroy(env, lease);
    host_destroy(ann, of_ann);
    plugin()->close(ann);
}

/* Commands that began to run after the list was made are seen, too. */
static void a_lease_that_was_started_since_is_looked_into(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    OUTCOME started = EXECUTE(env, lease, .head.flags = EEP_EXECUTE_DETACH, .execution_id = TEXT("since"),
                              .script = TEXT("sleep 600"), .time_limit_ms = HOUR_MS);
    EXPECT(started, EEP_OK);
    age(lease, LONG_AGO_MS);
    pretend_listed(lease, "", "stopped");
    OUTCOME reaped = REAP_IDLE(env, .head.flags = 0);
    EXPECT(reaped, EEP_OK);
    EXPECT_LINE(reaped, lease, EEP_REAPED_SPARED, EEP_SPARED_RUNNING);
    standin_faults(&standin, NULL);
    host_destroy(env, lease);
}

/* The service shows a start that was ordered at once, and counts it as a use only when it begins. */
static void what_is_being_started_is_spared(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    standin_force(&standin, lease, "{\"state\":\"starting\"}");
    age(lease, LONG_AGO_MS);
    OUTCOME reaped = REAP_IDLE(env, .head.flags = 0);
    EXPECT(reaped, EEP_OK);
    EXPECT_LINE(reaped, lease, EEP_REAPED_SPARED, EEP_SPARED_ACTIVE);
    standin_force(&standin, lease, "{\"state\":\"started\"}");
    host_destroy(env, lease);
}

/* The service stops what is idle: nobody has used it, and it goes when it has come to rest. */
static void what_the_service_stops_by_itself_goes(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    standin_force(&standin, lease,
                  "{\"state\":\"stopping\",\"in_ms\":400,\"then\":\"stopped\",\"idle_ms\":3600000}");
    OUTCOME reaped = REAP_IDLE(env, .head.flags = 0);
    EXPECT(reaped, EEP_OK);
    EXPECT_LINE(reaped, lease, EEP_REAPED_DELETED, 0);
    AWAIT(standin_total(&standin, "live") == 0);
}

/* A stop before its time was ordered by somebody. */
static void what_somebody_stops_is_spared(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    host_acquire(env, lease);
    standin_force(&standin, lease, "{\"state\":\"stopping\",\"idle_ms\":600000}");
    OUTCOME reaped = REAP_IDLE(env, .head.flags = 0);
    EXPECT(reaped, EEP_OK);
    EXPECT_LINE(reaped, lease, EEP_REAPED_SPARED, EEP_SPARED_ACTIVE);
    standin_force(&standin, lease, "{\"state\":\"stopped\"}");
    host_destroy(env, lease);
}

/* A transition that does not end is no use for ever. */
static void what_is_stuck_goes(void **state)
{
    static const char *const states[] = {"starting", "stopping", "resizing"};
    (void)state;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        char lease[EEP_LEASE_MAX + 1], rules[1024];
        acquire_aged(env, lease);
        snprintf(rules, sizeof rules,
                 "[{'match':{'method':'GET','path':'/api/sandbox/%s'},'do':{'status':200,'body':'{\\\"id\\\":"
                 "\\\"%s\\\",\\\"state\\\":\\\"%s\\\",\\\"autoDeleteInterval\\\":60,\\\"createdAt\\\":"
                 "\\\"2026-01-01T00:00:00.000Z\\\",\\\"updatedAt\\\":\\\"2026-01-01T00:00:01.000Z\\\","
                 "\\\"labels\\\":{\\\"eep.request\\\":\\\"r\\\",\\\"eep.identity\\\":\\\"i\\\"}}'}}]",
                 lease, lease, states[i]);
        standin_faults(&standin, rules);
        OUTCOME reaped = REAP_IDLE(env, .head.flags = 0);
        EXPECT(reaped, EEP_OK);
        EXPECT_LINE(reaped, lease, EEP_REAPED_DELETED, 0);
        standin_faults(&standin, NULL);
    }
    AWAIT(standin_total(&standin, "live") == 0);
}

/* As soon as the deletion is on its way somebody uses the lease. */
static void *use_it(void *lease)
{
    AWAIT(standin_count(&standin, "DELETE", NULL) > 0);
    age(lease, 0);
    return NULL;
}

/* What keeps the service from deleting at once may be the beginning of a use. */
static void expect_spared_meanwhile(const char *fault)
{
    char lease[EEP_LEASE_MAX + 1], rules[256];
    pthread_t user;
    host_acquire(env, lease);
    OUTCOME released = RELEASE(env, lease, EEP_RELEASE_STOP);
    EXPECT(released, EEP_OK);
    age(lease, LONG_AGO_MS);
    snprintf(rules, sizeof rules, "[{'match':{'method':'DELETE'},'do':%s}]", fault);
    standin_faults(&standin, rules);
    standin_forget(&standin);
    assert_int_equal(pthread_create(&user, NULL, use_it, lease), 0);
    OUTCOME reaped = REAP_IDLE(env, .head.flags = 0);
    pthread_join(user, NULL);
    EXPECT(reaped, EEP_OK);
    EXPECT_LINE(reaped, lease, EEP_REAPED_SPARED, EEP_SPARED_ACTIVE);
    standin_faults(&standin, NULL);
    host_destroy(env, lease);
}

static void a_deletion_that_must_wait_is_thought_over(void **state)
{
    (void)state;
    expect_spared_meanwhile("{'status':409}");
    expect_spared_meanwhile("{'status':503}");
}

static void a_lost_answer_is_no_earlier_end(void **state)
{
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    acquire_aged(env, lease);
    standin_faults(&standin, "[{'match':{'method':'DELETE','count':1},'do':{'drop':'after_action'}}]");
    OUTCOME reaped = REAP_IDLE(env, .head.flags = 0);
    EXPECT(reaped, EEP_OK);
    EXPECT_LINE(reaped, lease, EEP_REAPED_DELETED, 0);
    standin_faults(&standin, NULL);
    AWAIT(standin_total(&standin, "live") == 0);
}

/* -- Clocks ------------------------------------------------------------------------------------ */

/* What is used now is not old, whosever clock is wrong; what is old goes. */
static void wrong_clocks_make_nothing_older(void **state)
{
    static const long offsets[] = {-6 * MINUTE_MS, 6 * MINUTE_MS};
    (void)state;
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        char lease[EEP_LEASE_MAX + 1];
        standin_set_clock(&standin, offsets[i]);
        host_acquire(env, lease);
        OUTCOME reaped = REAP_IDLE(env, .head.flags = 0);
        EXPECT(reaped, EEP_OK);
        EXPECT_LINE(reaped, lease, EEP_REAPED_SPARED, EEP_SPARED_ACTIVE);
        age(lease, 13 * MINUTE_MS); /* the service stops it after 15 */
        OUTCOME old = REAP_IDLE(env, .head.flags = 0);
        EXPECT(old, EEP_OK);
        EXPECT_LINE(old, lease, EEP_REAPED_DELETED, 0);
        AWAIT(standin_total(&standin, "live") == 0);
    }
    standin_set_clock(&standin, 0);
}

/* Neither when it was used nor when it was made: that is not long ago. */
static void what_is_not_told_is_not_long_ago(void **state)
{
    char lease[EEP_LEASE_MAX + 1], rules[1024];
    (void)state;
    acquire_aged(env, lease);
    snprintf(rules, sizeof rules,
             "[{'match':{'method':'GET','path':'/api/sandbox/%s'},'do':{'status':200,'body':'{\\\"id\\\":"
             "\\\"%s\\\",\\\"state\\\":\\\"stopped\\\",\\\"autoDeleteInterval\\\":60,\\\"createdAt\\\":null,"
             "\\\"labels\\\":{\\\"eep.request\\\":\\\"r\\\",\\\"eep.identity\\\":\\\"i\\\"}}'}}]",
             lease, lease);
    standin_faults(&standin, rules);
    OUTCOME reaped = REAP_IDLE(env, .head.flags = 0);
    EXPECT(reaped, EEP_OK);
    EXPECT_LINE(reaped, lease, EEP_REAPED_SPARED, EEP_SPARED_ACTIVE);
    assert_non_null(strstr(message_of(&reaped, lease), "does not tell"));
    standin_faults(&standin, NULL);
    host_destroy(env, lease);
}

/* -- Failures ---------------------------------------------------------------------------------- */

static void a_refused_deletion_does_not_stop_the_rest(void **state)
{
    char refused[EEP_LEASE_MAX + 1], other[EEP_LEASE_MAX + 1], rules[512];
    (void)state;
    acquire_aged(env, refused);
    acquire_aged(env, other);
    snprintf(rules, sizeof rules, "[{'match':{'method':'DELETE','path':'%s'},'do':{'status':403}}]", refused);
    standin_faults(&standin, rules);
    OUTCOME reaped = REAP_IDLE(env, .head.flags = 0);
    EXPECT(reaped, EEP_OK);
    EXPECT_LINE(reaped, refused, EEP_REAPED_FAILED, 0);
    EXPECT_LINE(reaped, other, EEP_REAPED_DELETED, 0);
    assert_int_equal(reaped_find(&reaped.reaping, refused)->code, EEP_E_PERMISSION_DENIED);
    assert_int_equal(reaped.reaping.failed, 1);
    standin_faults(&standin, NULL);
    host_destroy(env, refused);
    AWAIT(standin_total(&standin, "live") == 0);
}

/* What was done until the time was over is told. */
static void a_deadline_tells_what_was_done(void **state)
{
    enum { LEASES = 3 };
    char lease[LEASES][EEP_LEASE_MAX + 1];
    (void)state;
    for (int i = 0; i < LEASES; i++)
        acquire_aged(env, lease[i]);
    standin_faults(&standin, "[{'match':{'method':'DELETE','nth':2},'do':{'delay_ms':8000}}]");
    OUTCOME reaped = REAP_IDLE(env, .head.timeout_ms = 4000);
    EXPECT(reaped, EEP_E_DEADLINE);
    assert_true(reaped.elapsed_ms < 8000);
    assert_int_equal(reaped.reaping.deleted, 1);
    assert_int_equal(reaped.reaping.lease_count, 2);
    assert_int_equal(reaped.reaping.failed, 1);
    assert_null(reaped.reaping.next.ptr);
    standin_faults(&standin, NULL);
    OUTCOME rest = REAP_IDLE(env, .head.flags = 0);
    EXPECT(rest, EEP_OK);
    AWAIT(standin_total(&standin, "live") == 0);
}

static void pages_leave_none_out(void **state)
{
    enum { LEASES = 23 };
    char cursor[2048] = "";
    uint32_t deleted = 0;
    (void)state;
    for (int i = 0; i < LEASES; i++) {
        char lease[EEP_LEASE_MAX + 1];
        acquire_aged(env, lease);
    }
    do {
        OUTCOME page = REAP_IDLE(env, .page = EEP_LEASES_PAGE_MIN,
                                 .cursor = cursor[0] ? text(cursor) : (eep_str){NULL, 0});
        EXPECT(page, EEP_OK);
        deleted += page.reaping.deleted;
        snprintf(cursor, sizeof cursor, "%s", page.reaping.next.ptr ? page.reaping.next.ptr : "");
    } while (cursor[0]);
    assert_int_equal(deleted, LEASES);
    AWAIT(standin_total(&standin, "live") == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_used_goes),
        cmocka_unit_test(a_dry_run_only_tells),
        cmocka_unit_test(how_long_must_be_said),
        cmocka_unit_test(other_owners_leases_are_not_looked_at),
        cmocka_unit_test(what_is_kept_for_its_files_is_spared),
        cmocka_unit_test(a_lease_with_a_command_is_spared),
        cmocka_unit_test(a_lease_with_a_command_that_has_ended_is_spared_for_a_while),
        cmocka_unit_test(a_lease_with_a_service_in_the_background_is_spared),
        cmocka_unit_test(what_cannot_be_looked_into_is_spared),
        cmocka_unit_test(what_runs_gets_the_benefit_of_two_minutes),
        cmocka_unit_test(an_old_list_deletes_nothing),
        cmocka_unit_test(a_lease_that_was_started_since_is_looked_into),
        cmocka_unit_test(what_is_being_started_is_spared),
        cmocka_unit_test(what_the_service_stops_by_itself_goes),
        cmocka_unit_test(what_somebody_stops_is_spared),
        cmocka_unit_test(what_is_stuck_goes),
        cmocka_unit_test(a_deletion_that_must_wait_is_thought_over),
        cmocka_unit_test(a_lost_answer_is_no_earlier_end),
        cmocka_unit_test(wrong_clocks_make_nothing_older),
        cmocka_unit_test(what_is_not_told_is_not_long_ago),
        cmocka_unit_test(a_refused_deletion_does_not_stop_the_rest),
        cmocka_unit_test(a_deadline_tells_what_was_done),
        cmocka_unit_test(pages_leave_none_out),
    };
    return cmocka_run_group_tests_name("reap", tests, stage_start, stage_stop);
}
