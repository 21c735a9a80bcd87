/* Stopping, archiving and deleting from every state, and what the receipt says. */
#include "ending.h"

#include <string.h>

#include "daytona/sandbox.h"
#include "op_testing.h"

#define LEASE STR("s1")

static const char *const all_states[] = {
    "creating",      "restoring",         "destroyed", "destroying",       "started",        "stopped",
    "starting",      "stopping",          "error",     "build_failed",     "archived",       "archiving",
    "pending_build", "building_snapshot", "unknown",   "pulling_snapshot", "resizing",       "snapshotting",
    "forking",       "pausing",           "paused",    "resuming",         "from_the_future"};

static const char *described(char out[160], const char *state)
{
    snprintf(out, 160, "{\"id\":\"s1\",\"state\":\"%s\",\"errorReason\":\"disk is full\"}", state);
    return out;
}

/* -- Stopping ----------------------------------------------------------------------------------------------
 */

static void stop_from(const char *state)
{
    char now[160];
    enum sandbox_phase phase = sandbox_phase_of(str_from(state));
    bool already = phase == PHASE_RESTING || phase == PHASE_GONE || strcmp(state, "stopping") == 0;
    int refusal = phase == PHASE_RESTING || phase == PHASE_FAILED ? 400 : 409;
    const struct canned_exchange script[] = {
        {.expect = "POST /api/sandbox/s1/stop", .status = refusal, .times = phase != PHASE_STARTED},
        {.expect = "GET /api/sandbox/s1 ", .body = described(now, state)},
        {.expect = "POST /api/sandbox/s1/stop", .body = "{\"id\":\"s1\",\"state\":\"stopping\"}"},
    };
    size_t skip = phase == PHASE_STARTED ? 2 : 0;
    struct ending end;
    struct scene scene;
    scene_start(&scene, script + skip, COUNT(script) - skip, 5000);
    int status = ending_stop(&scene.op, LEASE, false, &end, &scene.err);
    if (phase == PHASE_FAILED)
        scene_failed(&scene, status, EEP_E_SANDBOX, state);
    else
        assert_int_equal(status, EEP_OK);
    if (status == EEP_OK) assert_int_equal(end.already, already);
    bool on_its_way = strcmp(state, "stopping") == 0 || strcmp(state, "destroying") == 0;
    if (status == EEP_OK) assert_int_equal(end.confirmed, already && !on_its_way);
    assert_int_equal(canned_unexpected(scene.server), 0);
    scene_stop(&scene);
}

static void test_stop_from_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(all_states); i++)
        stop_from(all_states[i]);
}

static void test_stop_and_wait(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/stop", .body = "{\"id\":\"s1\",\"state\":\"stopping\"}"},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"stopping\"}"},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"stopped\"}"},
    };
    struct ending end;
    struct scene scene;
    (void)state;
    scene_start(&scene, script, COUNT(script), 5000);
    assert_int_equal(ending_stop(&scene.op, LEASE, true, &end, &scene.err), EEP_OK);
    assert_true(end.confirmed);
    assert_false(end.already);
    assert_string_equal(end.state, "stopped");
    scene_stop(&scene);
}

/* Deleted by its stop (trap 24): that is our doing, not an earlier one. */
static void test_an_ephemeral_sandbox_vanishes_when_it_stops(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/stop", .body = "{\"id\":\"s1\",\"state\":\"destroying\"}"},
        {.expect = "GET ", .status = 404},
    };
    struct ending end;
    struct scene scene;
    (void)state;
    scene_start(&scene, script, COUNT(script), 5000);
    assert_int_equal(ending_stop(&scene.op, LEASE, true, &end, &scene.err), EEP_OK);
    assert_true(end.confirmed);
    assert_false(end.already);
    assert_string_equal(end.state, "destroyed");
    scene_stop(&scene);
}

static void test_a_stop_that_takes_too_long(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/stop", .body = "{\"id\":\"s1\",\"state\":\"stopping\"}"},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"stopping\"}", .times = 3},
        {.expect = "GET ", .status = -1, .action = CANNED_STALL},
    };
    struct ending end;
    struct scene scene;
    (void)state;
    scene_start(&scene, script, COUNT(script), 1500);
    scene_failed(&scene, ending_stop(&scene.op, LEASE, true, &end, &scene.err), EEP_E_DEADLINE, "stopping");
    scene_took(&scene, 1500);
    scene_stop(&scene);
}

/* The time runs out during a look: what was seen before is told. */
static void test_a_stop_that_never_gets_its_turn(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/stop", .status = 409, .times = CANNED_ALWAYS},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"starting\"}"},
        {.expect = "GET ", .status = -1, .action = CANNED_STALL},
    };
    struct ending end;
    struct scene scene;
    (void)state;
    scene_start(&scene, script, COUNT(script), 1500);
    scene_failed(&scene, ending_stop(&scene.op, LEASE, false, &end, &scene.err), EEP_E_DEADLINE,
                 "starting, not stopped");
    scene_took(&scene, 1500);
    scene_stop(&scene);
}

/* -- Archiving ---------------------------------------------------------------------------------------------
 */

static void archive(const struct canned_exchange *script, size_t count, struct ending *end, int code)
{
    struct scene scene;
    scene_start(&scene, script, count, 5000);
    assert_int_equal(ending_archive(&scene.op, LEASE, end, &scene.err), code);
    assert_int_equal(canned_unexpected(scene.server), 0);
    scene_stop(&scene);
}

static void test_archive(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"started\"}"},
        {.expect = "/stop", .body = "{\"id\":\"s1\",\"state\":\"stopping\"}"},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"stopped\"}"},
        {.expect = "/archive", .status = 409},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"stopped\"}"},
        {.expect = "/archive", .body = "{\"id\":\"s1\",\"state\":\"archiving\"}"},
    };
    struct ending end;
    (void)state;
    archive(script, COUNT(script), &end, EEP_OK);
    assert_false(end.already);
    assert_false(end.confirmed);
    assert_string_equal(end.state, "archiving");
}

static void test_what_is_archived_or_gone_needs_no_order(void **state)
{
    static const struct canned_exchange archived[] = {
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"archived\"}"}};
    static const struct canned_exchange gone[] = {{.expect = "GET ", .status = 404}};
    struct ending end;
    (void)state;
    archive(archived, 1, &end, EEP_OK);
    assert_true(end.already && end.confirmed);
    archive(gone, 1, &end, EEP_OK);
    assert_true(end.already && end.confirmed);
    assert_string_equal(end.state, "destroyed");
}

/* Somebody deletes it, or its time comes, while it is being archived: what cannot be kept any more is well ended. */
static void test_what_goes_while_it_is_archived(void **state)
{
    static const struct canned_exchange gone[] = {
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"started\"}"},
        {.expect = "/stop", .body = "{\"id\":\"s1\",\"state\":\"stopping\"}"},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"stopped\"}"},
        {.expect = "/archive", .status = 404},
        {.expect = "GET ", .status = 404},
    };
    static const struct canned_exchange going[] = {
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"stopped\"}"},
        {.expect = "/archive", .status = 409},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"destroying\"}"},
    };
    struct ending end;
    (void)state;
    archive(gone, COUNT(gone), &end, EEP_OK);
    assert_true(end.already && end.confirmed);
    assert_string_equal(end.state, "destroyed");
    archive(going, COUNT(going), &end, EEP_OK);
    assert_true(end.already);
    assert_false(end.confirmed);
    assert_string_equal(end.state, "destroying");
}

/* The one look-up may be behind the other: what is seen decides. */
static void test_not_found_by_the_archive_but_there(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"stopped\"}"},
        {.expect = "/archive", .status = 404},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"stopped\"}"},
        {.expect = "/archive", .body = "{\"id\":\"s1\",\"state\":\"archiving\"}"},
    };
    struct ending end;
    (void)state;
    archive(script, COUNT(script), &end, EEP_OK);
    assert_string_equal(end.state, "archiving");
}

/* Its stop would be its end. */
static void test_an_ephemeral_sandbox_is_not_archived(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"started\",\"autoDeleteInterval\":0}"}};
    struct ending end;
    (void)state;
    archive(script, 1, &end, EEP_E_UNSUPPORTED);
}

/* The order was carried out, its answer was lost: what is found then is no earlier doing. */
static void test_a_lost_answer_is_our_own_doing(void **state)
{
    static const struct canned_exchange stop[] = {
        {.expect = "/stop", .status = 502},
        {.expect = "/stop", .status = 400},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"stopped\"}"},
    };
    static const struct canned_exchange delete[] = {
        {.expect = "DELETE ", .status = -1, .action = CANNED_CLOSE},
        {.expect = "DELETE ", .status = 404},
    };
    struct ending end;
    struct scene scene;
    (void)state;
    scene_start(&scene, stop, COUNT(stop), 5000);
    assert_int_equal(ending_stop(&scene.op, LEASE, false, &end, &scene.err), EEP_OK);
    assert_true(end.confirmed);
    assert_false(end.already);
    scene_stop(&scene);
    scene_start(&scene, delete, COUNT(delete), 5000);
    assert_int_equal(ending_delete(&scene.op, LEASE, false, &end, &scene.err), EEP_OK);
    assert_true(end.confirmed);
    assert_false(end.already);
    scene_stop(&scene);
}

/* -- Deleting ----------------------------------------------------------------------------------------------
 */

static void delete_from(const char *state)
{
    enum sandbox_phase phase = sandbox_phase_of(str_from(state));
    bool busy = phase == PHASE_STARTING || phase == PHASE_LEAVING || strcmp(state, "destroying") == 0;
    bool gone = phase == PHASE_GONE;
    char now[160];
    const struct canned_exchange script[] = {
        {.expect = "DELETE /api/sandbox/s1 ", .status = 409},
        {.expect = "GET /api/sandbox/s1 ", .body = described(now, state)},
        {.expect = "DELETE /api/sandbox/s1 ",
         .status = gone ? 404 : 200,
         .body = gone ? "{\"message\":\"gone\"}" : "{\"id\":\"s1\",\"state\":\"destroying\"}"},
    };
    size_t skip = busy ? 0 : 2;
    bool destroying = strcmp(state, "destroying") == 0;
    struct ending end;
    struct scene scene;
    scene_start(&scene, script + skip, COUNT(script) - skip, 5000);
    assert_int_equal(ending_delete(&scene.op, LEASE, false, &end, &scene.err), EEP_OK);
    assert_int_equal(end.already, gone);
    assert_int_equal(end.confirmed, gone && !destroying);
    assert_string_equal(end.state, gone && !destroying ? "destroyed" : "destroying");
    assert_int_equal(canned_unexpected(scene.server), 0);
    scene_stop(&scene);
}

static void test_delete_from_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(all_states); i++)
        delete_from(all_states[i]);
}

static void test_delete_answers(void **state)
{
    static const struct canned_exchange silent[] = {{.status = 204, .type = ""}};
    static const struct canned_exchange done[] = {{.body = "{\"id\":\"s1\",\"state\":\"destroyed\"}"}};
    static const struct canned_exchange refused[] = {
        {.status = 400, .body = "{\"message\":\"has fork children\"}"}};
    struct ending end;
    struct scene scene;
    (void)state;
    scene_start(&scene, silent, 1, 5000);
    assert_int_equal(ending_delete(&scene.op, LEASE, false, &end, &scene.err), EEP_OK);
    assert_false(end.confirmed);
    assert_string_equal(end.state, "destroying");
    scene_stop(&scene);
    scene_start(&scene, done, 1, 5000);
    assert_int_equal(ending_delete(&scene.op, LEASE, false, &end, &scene.err), EEP_OK);
    assert_true(end.confirmed);
    scene_stop(&scene);
    scene_start(&scene, refused, 1, 5000);
    scene_failed(&scene, ending_delete(&scene.op, LEASE, false, &end, &scene.err), EEP_E_CONFLICT, "fork");
    scene_stop(&scene);
}

static void test_delete_until_it_is_gone(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "DELETE ", .body = "{\"id\":\"s1\",\"state\":\"destroying\"}"},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"destroying\"}", .times = 2},
        {.expect = "GET ", .status = 404},
    };
    struct ending end;
    struct scene scene;
    (void)state;
    scene_start(&scene, script, COUNT(script), 5000);
    assert_int_equal(ending_delete(&scene.op, LEASE, true, &end, &scene.err), EEP_OK);
    assert_true(end.confirmed);
    assert_false(end.already);
    assert_int_equal(canned_unexpected(scene.server), 0);
    scene_stop(&scene);
}

static void test_a_delete_that_never_gets_its_turn(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "DELETE ",
         .status = 409,
         .body = "{\"message\":\"Sandbox state change in progress\"}",
         .times = CANNED_ALWAYS},
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"pulling_snapshot\"}", .times = CANNED_ALWAYS}};
    struct ending end;
    struct scene scene;
    (void)state;
    scene_start(&scene, script, COUNT(script), 1500);
    scene_failed(&scene, ending_delete(&scene.op, LEASE, false, &end, &scene.err), EEP_E_DEADLINE,
                 "pulling_snapshot, not deleted");
    scene_took(&scene, 1500);
    scene_stop(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_from_every_state),
        cmocka_unit_test(test_stop_and_wait),
        cmocka_unit_test(test_an_ephemeral_sandbox_vanishes_when_it_stops),
        cmocka_unit_test(test_a_stop_that_takes_too_long),
        cmocka_unit_test(test_a_stop_that_never_gets_its_turn),
        cmocka_unit_test(test_archive),
        cmocka_unit_test(test_what_is_archived_or_gone_needs_no_order),
        cmocka_unit_test(test_what_goes_while_it_is_archived),
        cmocka_unit_test(test_not_found_by_the_archive_but_there),
        cmocka_unit_test(test_an_ephemeral_sandbox_is_not_archived),
        cmocka_unit_test(test_a_lost_answer_is_our_own_doing),
        cmocka_unit_test(test_delete_from_every_state),
        cmocka_unit_test(test_delete_answers),
        cmocka_unit_test(test_delete_until_it_is_gone),
        cmocka_unit_test(test_a_delete_that_never_gets_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
