/* lease_test.c: acquire_lease, resume_lease and release: what a lease tells, and every way to give it back. */
#include <stdio.h>
#include <stdlib.h>

#include "stage.h"

static int start(void **state)
{
    (void)state;
    /* a start that takes no time is not to be told from one that was not needed */
    stage_make((const char *const[]){"--start-ms", "300", NULL},
               "'image':'debian:12','cpu':2,'labels':{'team':'blue'},'env':{'BASE':'1','BOTH':'base'},"
               "'autoStopInterval':7");
    return 0;
}

/* -- acquire ----------------------------------------------------------------------------------- */

static void a_lease_tells_what_it_is(void **state)
{
    (void)state;
    OUTCOME made = ACQUIRE(env);
    EXPECT(made, EEP_OK);
    const eep_lease *lease = &made.lease;
    assert_int_equal(lease->state, EEP_STATE_STARTED);
    assert_int_equal(lease->head.flags, 0);
    assert_true(text_is(lease->state_text, "started"));
    assert_true(text_is(lease->image, "debian:12"));
    assert_true(lease->lease.len > 0 && lease->lease.len <= EEP_LEASE_MAX);
    assert_memory_equal(lease->name.ptr, "eep-", 4);
    assert_int_equal(lease->shell.ptr[0], '/');
    assert_int_equal(lease->home.ptr[0], '/');
    assert_int_equal(lease->workspace.ptr[0], '/');
    assert_true(lease->user.len > 0 && lease->arch.len > 0);
    assert_int_equal(lease->cpu, 2);
    assert_int_equal(lease->auto_stop_min, 7);
    assert_int_equal(lease->auto_delete_min, 60); /* nothing outlives a dead host for long */
    assert_true(lease->created_at_ms > 1500000000000);
    EXPECT_RUN(env, lease->lease.ptr, "echo ${PWD##*/}", "eep-workspace\n");
    host_destroy(env, lease->lease.ptr);
}

static void labels_are_added_and_win(void **state)
{
    (void)state;
    standin_forget(&standin);
    OUTCOME made = ACQUIRE(env, .name_hint = TEXT("build 7"),
                           LABELS({TEXT("team"), TEXT("red")}, {TEXT("run"), TEXT("42")}));
    EXPECT(made, EEP_OK);
    const char *id = made.lease.lease.ptr;
    assert_true(standin_has_label(&standin, id, "team", "red"));
    assert_true(standin_has_label(&standin, id, "run", "42"));
    assert_true(standin_has_label(&standin, id, "eep.name", "build 7"));
    assert_true(standin_has_label(&standin, id, "code-toolbox-language", "python"));
    host_destroy(env, id);
}

static void the_plugins_own_labels_are_not_the_hosts(void **state)
{
    (void)state;
    OUTCOME made = ACQUIRE(env, LABELS({TEXT("eep.key"), TEXT("x")}));
    EXPECT(made, EEP_E_INVALID_ARGUMENT);
    EXPECT_SAYS(made, "eep.");
}

static void env_reaches_every_command(void **state)
{
    (void)state;
    OUTCOME made = ACQUIRE(env, ENV({TEXT("MORE"), TEXT("two words")}, {TEXT("BOTH"), TEXT("call")}));
    EXPECT(made, EEP_OK);
    EXPECT_RUN(env, made.lease.lease.ptr, "echo $BASE/$MORE/$BOTH", "1/two words/call\n");
    host_destroy(env, made.lease.lease.ptr);
}

static void the_same_key_is_the_same_lease(void **state)
{
    (void)state;
    OUTCOME first = ACQUIRE(env, .idempotency_key = TEXT("job/1 \xc3\xa9"));
    EXPECT(first, EEP_OK);
    OUTCOME again = ACQUIRE(env, .idempotency_key = TEXT("job/1 \xc3\xa9"));
    EXPECT(again, EEP_OK);
    assert_string_equal(again.lease.lease.ptr, first.lease.lease.ptr);
    assert_int_equal(first.lease.head.flags, 0);
    assert_int_equal(again.lease.head.flags, EEP_LEASE_REUSED);
    OUTCOME other = ACQUIRE(env, .idempotency_key = TEXT("job/2"));
    EXPECT(other, EEP_OK);
    assert_string_not_equal(other.lease.lease.ptr, first.lease.lease.ptr);
    host_destroy(env, first.lease.lease.ptr);
    host_destroy(env, other.lease.lease.ptr);
}

static void a_key_is_for_one_request_only(void **state)
{
    (void)state;
    OUTCOME first = ACQUIRE(env, .idempotency_key = TEXT("job"));
    EXPECT(first, EEP_OK);
    OUTCOME other = ACQUIRE(env, .idempotency_key = TEXT("job"), LABELS({TEXT("run"), TEXT("2")}));
    EXPECT(other, EEP_E_CONFLICT);
    assert_null(other.lease.lease.ptr);
    EXPECT_RUN(env, first.lease.lease.ptr, "echo untouched", "untouched\n");
    host_destroy(env, first.lease.lease.ptr);
}

/* Two owners may share an account and choose the same key. */
static void a_key_belongs_to_its_owner(void **state)
{
    (void)state;
    eep_env *a = host_open(&standin, "'owner':'a'");
    eep_env *b = host_open(&standin, "'owner':'b'");
    OUTCOME of_a = ACQUIRE(a, .idempotency_key = TEXT("job"));
    OUTCOME of_b = ACQUIRE(b, .idempotency_key = TEXT("job"));
    EXPECT(of_a, EEP_OK);
    EXPECT(of_b, EEP_OK);
    assert_string_not_equal(of_a.lease.lease.ptr, of_b.lease.lease.ptr);
    host_destroy(a, of_a.lease.lease.ptr);
    host_destroy(b, of_b.lease.lease.ptr);
    plugin()->close(a);
    plugin()->close(b);
}

/* Without isolation the commands of a server that root started run as a user that has no name, as those of many
 * container platforms do. */
static void a_user_without_a_name_will_do(void **state)
{
    struct standin open;
    char lease[EEP_LEASE_MAX + 1];
    (void)state;
    standin_start(&open, (const char *const[]){"--isolation", "none", NULL});
    eep_env *there = host_open(&open, NULL);
    host_acquire(there, lease);
    EXPECT_RUN(there, lease, "echo works", "works\n");
    host_destroy(there, lease);
    plugin()->close(there);
    standin_stop(&open);
}

/* -- resume ------------------------------------------------------------------------------------ */

static void resume_tells_the_same(void **state)
{
    (void)state;
    OUTCOME made = ACQUIRE(env);
    EXPECT(made, EEP_OK);
    eep_env *other = host_open(&standin, NULL); /* knows nothing of it */
    OUTCOME back = RESUME(other, made.lease.lease.ptr);
    EXPECT(back, EEP_OK);
    assert_int_equal(back.lease.head.flags, EEP_LEASE_RESUMED);
    assert_string_equal(back.lease.lease.ptr, made.lease.lease.ptr);
    assert_string_equal(back.lease.name.ptr, made.lease.name.ptr);
    assert_string_equal(back.lease.workspace.ptr, made.lease.workspace.ptr);
    assert_string_equal(back.lease.shell.ptr, made.lease.shell.ptr);
    plugin()->close(other);
    host_destroy(env, made.lease.lease.ptr);
}

static void resume_starts_what_was_stopped(void **state)
{
    (void)state;
    char lease[EEP_LEASE_MAX + 1];
    host_acquire(env, lease);
    EXPECT_RUN(env, lease, "echo kept > file", "");
    OUTCOME stopped = RELEASE(env, lease, EEP_RELEASE_STOP);
    EXPECT(stopped, EEP_OK);
    OUTCOME refused = RESUME(env, lease, .head.flags = EEP_RESUME_NO_START);
    EXPECT(refused, EEP_E_CONFLICT);
    assert_string_equal(refused.err.lease.ptr, lease);
    OUTCOME back = RESUME(env, lease);
    EXPECT(back, EEP_OK);
    assert_int_equal(back.lease.head.flags, EEP_LEASE_RESUMED | EEP_LEASE_STARTED);
    EXPECT_RUN(env, lease, "cat file", "kept\n");
    OUTCOME running = RESUME(env, lease, .head.flags = EEP_RESUME_NO_START);
    EXPECT(running, EEP_OK);
    host_destroy(env, lease);
}

static void what_is_gone_is_lost(void **state)
{
    (void)state;
    char lease[EEP_LEASE_MAX + 1];
    host_acquire(env, lease);
    host_destroy(env, lease);
    OUTCOME resumed = RESUME(env, lease);
    EXPECT(resumed, EEP_E_LEASE_LOST);
    assert_string_equal(resumed.err.lease.ptr, lease);
    OUTCOME never = RESUME(env, "11111111-2222-3333-4444-555555555555");
    EXPECT(never, EEP_E_LEASE_LOST);
    OUTCOME ran = EXECUTE(env, lease, .script = TEXT("true"));
    EXPECT(ran, EEP_E_LEASE_LOST);
    OUTCOME realized = REALIZE(env, lease);
    EXPECT(realized, EEP_E_LEASE_LOST);
}

/* -- release ----------------------------------------------------------------------------------- */

static void stop_keeps_the_files(void **state)
{
    (void)state;
    char lease[EEP_LEASE_MAX + 1];
    host_acquire(env, lease);
    EXPECT_RUN(env, lease, "echo kept > file", "");
    OUTCOME first = RELEASE(env, lease, EEP_RELEASE_STOP);
    EXPECT(first, EEP_OK);
    assert_int_equal(first.released.mode, EEP_RELEASE_STOP);
    assert_false(first.released.head.flags & EEP_RELEASED_ALREADY);
    OUTCOME second = RELEASE(env, lease, EEP_RELEASE_STOP);
    EXPECT(second, EEP_OK);
    assert_true(second.released.head.flags & EEP_RELEASED_ALREADY);
    assert_int_equal(second.released.state, EEP_STATE_STOPPED);
    EXPECT_RUN(env, lease, "cat file", "kept\n"); /* execute starts it */
    host_destroy(env, lease);
}

static void destroy_leaves_nothing(void **state)
{
    (void)state;
    char lease[EEP_LEASE_MAX + 1];
    host_acquire(env, lease);
    OUTCOME first = RELEASE(env, lease, EEP_RELEASE_DESTROY);
    EXPECT(first, EEP_OK);
    assert_int_equal(first.released.mode, EEP_RELEASE_DESTROY);
    assert_false(first.released.head.flags & EEP_RELEASED_ALREADY);
    AWAIT(standin_total(&standin, "live") == 0);
    for (uint32_t mode = EEP_RELEASE_STOP; mode <= EEP_RELEASE_ARCHIVE; mode++) {
        OUTCOME again = RELEASE(env, lease, mode);
        EXPECT(again, EEP_OK);
        assert_true(again.released.head.flags & EEP_RELEASED_ALREADY);
        assert_int_equal(again.released.state, EEP_STATE_GONE);
    }
}

static void archive_stops_first(void **state)
{
    (void)state;
    char lease[EEP_LEASE_MAX + 1];
    host_acquire(env, lease);
    EXPECT_RUN(env, lease, "echo kept > file", "");
    OUTCOME first = RELEASE(env, lease, EEP_RELEASE_ARCHIVE);
    EXPECT(first, EEP_OK);
    assert_int_equal(first.released.mode, EEP_RELEASE_ARCHIVE);
    OUTCOME second = RELEASE(env, lease, EEP_RELEASE_ARCHIVE);
    EXPECT(second, EEP_OK);
    assert_true(second.released.head.flags & EEP_RELEASED_ALREADY);
    OUTCOME back = RESUME(env, lease);
    EXPECT(back, EEP_OK);
    EXPECT_RUN(env, lease, "cat file", "kept\n");
    host_destroy(env, lease);
}

static void detach_touches_nothing(void **state)
{
    (void)state;
    char lease[EEP_LEASE_MAX + 1];
    host_acquire(env, lease);
    standin_forget(&standin);
    OUTCOME detached = RELEASE(env, lease, EEP_RELEASE_DETACH);
    EXPECT(detached, EEP_OK);
    OUTCOME of_nobody = RELEASE(env, "nobody-knows-it", EEP_RELEASE_DETACH);
    EXPECT(of_nobody, EEP_OK);
    assert_int_equal(standin_count(&standin, NULL, NULL), 0);
    EXPECT_RUN(env, lease, "echo still there", "still there\n");
    host_destroy(env, lease);
}

static void the_configuration_decides_if_asked(void **state)
{
    (void)state;
    char lease[EEP_LEASE_MAX + 1];
    eep_env *reusing = host_open(&standin, "'reuseLease':true");
    host_acquire(reusing, lease);
    OUTCOME kept = RELEASE(reusing, lease, EEP_RELEASE_BY_CONFIG);
    EXPECT(kept, EEP_OK);
    assert_int_equal(kept.released.mode, EEP_RELEASE_STOP);
    assert_int_equal(standin_total(&standin, "live"), 1);
    OUTCOME ended = RELEASE(env, lease, EEP_RELEASE_BY_CONFIG);
    EXPECT(ended, EEP_OK);
    assert_int_equal(ended.released.mode, EEP_RELEASE_DESTROY);
    AWAIT(standin_total(&standin, "live") == 0);
    plugin()->close(reusing);
}

static void a_failing_stop_destroys_only_on_demand(void **state)
{
    (void)state;
    char lease[EEP_LEASE_MAX + 1];
    host_acquire(env, lease);
    standin_force(&standin, lease, "{\"state\":\"error\",\"errorReason\":\"disk broke\"}");
    OUTCOME failed = RELEASE(env, lease, EEP_RELEASE_STOP);
    assert_int_not_equal(failed.code, EEP_OK);
    EXPECT_SAYS(failed, "error");
    assert_int_equal(standin_total(&standin, "live"), 1);
    OUTCOME ended = RELEASE(env, lease, EEP_RELEASE_STOP, .head.flags = EEP_RELEASE_DESTROY_IF_STOP_FAILS);
    EXPECT(ended, EEP_OK);
    assert_true(ended.released.head.flags & EEP_RELEASED_FELL_BACK);
    assert_int_equal(ended.released.mode, EEP_RELEASE_DESTROY);
    AWAIT(standin_total(&standin, "live") == 0);
}

static void an_unknown_mode_is_refused(void **state)
{
    (void)state;
    OUTCOME released = RELEASE(env, "some-lease", 5);
    EXPECT(released, EEP_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_tells_what_it_is),
        cmocka_unit_test(labels_are_added_and_win),
        cmocka_unit_test(the_plugins_own_labels_are_not_the_hosts),
        cmocka_unit_test(env_reaches_every_command),
        cmocka_unit_test(the_same_key_is_the_same_lease),
        cmocka_unit_test(a_key_is_for_one_request_only),
        cmocka_unit_test(a_key_belongs_to_its_owner),
        cmocka_unit_test(a_user_without_a_name_will_do),
        cmocka_unit_test(resume_tells_the_same),
        cmocka_unit_test(resume_starts_what_was_stopped),
        cmocka_unit_test(what_is_gone_is_lost),
        cmocka_unit_test(stop_keeps_the_files),
        cmocka_unit_test(destroy_leaves_nothing),
        cmocka_unit_test(archive_stops_first),
        cmocka_unit_test(detach_touches_nothing),
        cmocka_unit_test(the_configuration_decides_if_asked),
        cmocka_unit_test(a_failing_stop_destroys_only_on_demand),
        cmocka_unit_test(an_unknown_mode_is_refused),
    };
    return cmocka_run_group_tests(tests, start, stage_stop);
}
