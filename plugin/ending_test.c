/* Stopping, archiving and deleting from every state, and what the receipt says. */
#include "ending.h"

#include <string.h>

#include "daytona/sandbox.h"
#include "states_testing.h"

enum order { STOP, STOP_AND_WAIT, ARCHIVE, DELETE, DELETE_AND_WAIT };

#define SCRIPT(script) script, COUNT(script)

static int carry_out(struct scene *scene, enum order order, struct ending *end)
{
    switch (order) {
    case STOP: return ending_stop(&scene->op, LEASE, false, end, &scene->err);
    case STOP_AND_WAIT: return ending_stop(&scene->op, LEASE, true, end, &scene->err);
    case ARCHIVE: return ending_archive(&scene->op, LEASE, end, &scene->err);
    case DELETE: return ending_delete(&scene->op, LEASE, false, end, &scene->err);
    default: return ending_delete(&scene->op, LEASE, true, end, &scene->err);
    }
}

/* The receipt of what goes well. */
static struct ending end_of(enum order order, const struct canned_exchange *script, size_t count)
{
    struct ending end;
    struct scene scene;
    scene_start(&scene, script, count, 5000);
    int status = carry_out(&scene, order, &end);
    if (status != EEP_OK) print_message("%s\n", scene.err.message);
    assert_int_equal(status, EEP_OK);
    assert_int_equal(canned_unexpected(scene.server), 0);
    scene_stop(&scene);
    return end;
}

static void expect_end(struct ending end, const char *state, bool already, bool confirmed)
{
    assert_string_equal(end.state, state);
    assert_int_equal(end.already, already);
    assert_int_equal(end.confirmed, confirmed);
}

static void expect_failure(enum order order, const struct canned_exchange *script, size_t count, int code,
                           const char *says)
{
    struct ending end;
    struct scene scene;
    scene_start(&scene, script, count, 5000);
    scene_failed(&scene, carry_out(&scene, order, &end), code, says);
    assert_int_equal(canned_unexpected(scene.server), 0);
    scene_stop(&scene);
}

/* The time runs out: the error tells what has been seen. */
static void expect_too_late(enum order order, const struct canned_exchange *script, size_t count,
                            const char *says)
{
    struct ending end;
    struct scene scene;
    scene_start(&scene, script, count, 1500);
    scene_failed(&scene, carry_out(&scene, order, &end), EEP_E_DEADLINE, says);
    scene_took(&scene, 1500);
    scene_stop(&scene);
}

/* -- Stopping ---------------------------------------------------------------------------------- */

static void stop_from(const char *state)
{
    char now[160];
    enum sandbox_phase phase = sandbox_phase_of(str_from(state));
    bool on_its_way = strcmp(state, "stopping") == 0 || strcmp(state, "destroying") == 0;
    bool already = phase == PHASE_RESTING || phase == PHASE_GONE || on_its_way;
    int refusal = phase == PHASE_RESTING || phase == PHASE_FAILED ? 400 : 409;
    const struct canned_exchange script[] = {
        {.expect = "POST /api/sandbox/s1/stop", .status = refusal, .times = phase != PHASE_STARTED},
        {.expect = "GET /api/sandbox/s1 ", .body = described(now, state)},
        {.expect = "POST /api/sandbox/s1/stop", .body = IS("stopping")},
    };
    size_t skip = phase == PHASE_STARTED ? 2 : 0;
    if (phase == PHASE_FAILED)
        expect_failure(STOP, SCRIPT(script), EEP_E_SANDBOX, state);
    else
        expect_end(end_of(STOP, script + skip, COUNT(script) - skip), already ? state : "stopping", already,
                   already && !on_its_way);
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
        {.expect = "/stop", .body = IS("stopping")},
        {.expect = "GET ", .body = IS("stopping")},
        {.expect = "GET ", .body = IS("stopped")},
    };
    (void)state;
    expect_end(end_of(STOP_AND_WAIT, SCRIPT(script)), "stopped", false, true);
}

/* Deleted by its stop (trap 24): that is our doing, not an earlier one. */
static void test_an_ephemeral_sandbox_vanishes_when_it_stops(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/stop", .body = IS("destroying")},
        {.expect = "GET ", .status = 404},
    };
    (void)state;
    expect_end(end_of(STOP_AND_WAIT, SCRIPT(script)), "destroyed", false, true);
}

static void test_a_stop_that_takes_too_long(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/stop", .body = IS("stopping")},
        {.expect = "GET ", .body = IS("stopping"), .times = 3},
        {.expect = "GET ", .status = -1, .action = CANNED_STALL},
    };
    (void)state;
    expect_too_late(STOP_AND_WAIT, SCRIPT(script), "stopping");
}

static void test_a_stop_that_never_gets_its_turn(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "/stop", .status = 409, .times = CANNED_ALWAYS},
        {.expect = "GET ", .body = IS("starting")},
        {.expect = "GET ", .status = -1, .action = CANNED_STALL},
    };
    (void)state;
    expect_too_late(STOP, SCRIPT(script), "starting, not stopped");
}

/* -- Archiving --------------------------------------------------------------------------------- */

static void test_archive(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET ", .body = IS("started")}, {.expect = "/stop", .body = IS("stopping")},
        {.expect = "GET ", .body = IS("stopped")}, {.expect = "/archive", .status = 409},
        {.expect = "GET ", .body = IS("stopped")}, {.expect = "/archive", .body = IS("archiving")},
    };
    (void)state;
    expect_end(end_of(ARCHIVE, SCRIPT(script)), "archiving", false, false);
}

static void test_what_is_archived_or_gone_needs_no_order(void **state)
{
    static const struct canned_exchange archived[] = {{.expect = "GET ", .body = IS("archived")}};
    static const struct canned_exchange gone[] = {{.expect = "GET ", .status = 404}};
    (void)state;
    expect_end(end_of(ARCHIVE, SCRIPT(archived)), "archived", true, true);
    expect_end(end_of(ARCHIVE, SCRIPT(gone)), "destroyed", true, true);
}

/* Somebody deletes it, or its time comes, while it is being archived: what cannot be kept any more is well ended. */
static void test_what_goes_while_it_is_archived(void **state)
{
    static const struct canned_exchange gone[] = {
        {.expect = "GET ", .body = IS("started")}, {.expect = "/stop", .body = IS("stopping")},
        {.expect = "GET ", .body = IS("stopped")}, {.expect = "/archive", .status = 404},
        {.expect = "GET ", .status = 404},
    };
    static const struct canned_exchange going[] = {
        {.expect = "GET ", .body = IS("stopped")},
        {.expect = "/archive", .status = 409},
        {.expect = "GET ", .body = IS("destroying")},
    };
    (void)state;
    expect_end(end_of(ARCHIVE, SCRIPT(gone)), "destroyed", true, true);
    expect_end(end_of(ARCHIVE, SCRIPT(going)), "destroying", true, false);
}

/* The one look-up may be behind the other: what is seen decides. */
static void test_not_found_by_the_archive_but_there(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET ", .body = IS("stopped")},
        {.expect = "/archive", .status = 404},
        {.expect = "GET ", .body = IS("stopped")},
        {.expect = "/archive", .body = IS("archiving")},
    };
    (void)state;
    expect_end(end_of(ARCHIVE, SCRIPT(script)), "archiving", false, false);
}

/* Its stop would be its end. */
static void test_an_ephemeral_sandbox_is_not_archived(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "GET ", .body = "{\"id\":\"s1\",\"state\":\"started\",\"autoDeleteInterval\":0}"}};
    (void)state;
    expect_failure(ARCHIVE, SCRIPT(script), EEP_E_UNSUPPORTED, "deleted when it stops");
}

/* The order was carried out, its answer was lost: what is found then is no earlier doing. */
static void test_a_lost_answer_is_our_own_doing(void **state)
{
    static const struct canned_exchange stop[] = {
        {.expect = "/stop", .status = 502},
        {.expect = "/stop", .status = 400},
        {.expect = "GET ", .body = IS("stopped")},
    };
    static const struct canned_exchange delete[] = {
        {.expect = "DELETE ", .status = -1, .action = CANNED_CLOSE},
        {.expect = "DELETE ", .status = 404},
    };
    (void)state;
    expect_end(end_of(STOP, SCRIPT(stop)), "stopped", false, true);
    expect_end(end_of(DELETE, SCRIPT(delete)), "destroyed", false, true);
}

/* -- Deleting ---------------------------------------------------------------------------------- */

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
         .body = gone ? "{\"message\":\"gone\"}" : IS("destroying")},
    };
    size_t skip = busy ? 0 : 2;
    bool away = gone && strcmp(state, "destroying") != 0;
    expect_end(end_of(DELETE, script + skip, COUNT(script) - skip), away ? "destroyed" : "destroying", gone,
               away);
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
    static const struct canned_exchange done[] = {{.body = IS("destroyed")}};
    static const struct canned_exchange refused[] = {
        {.status = 400, .body = "{\"message\":\"has fork children\"}"}};
    (void)state;
    expect_end(end_of(DELETE, SCRIPT(silent)), "destroying", false, false);
    expect_end(end_of(DELETE, SCRIPT(done)), "destroyed", false, true);
    expect_failure(DELETE, SCRIPT(refused), EEP_E_CONFLICT, "fork");
}

static void test_delete_until_it_is_gone(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "DELETE ", .body = IS("destroying")},
        {.expect = "GET ", .body = IS("destroying"), .times = 2},
        {.expect = "GET ", .status = 404},
    };
    (void)state;
    expect_end(end_of(DELETE_AND_WAIT, SCRIPT(script)), "destroyed", false, true);
}

static void test_a_delete_that_never_gets_its_turn(void **state)
{
    static const struct canned_exchange script[] = {
        {.expect = "DELETE ",
         .status = 409,
         .body = "{\"message\":\"Sandbox state change in progress\"}",
         .times = CANNED_ALWAYS},
        {.expect = "GET ", .body = IS("pulling_snapshot"), .times = CANNED_ALWAYS}};
    (void)state;
    expect_too_late(DELETE, SCRIPT(script), "pulling_snapshot, not deleted");
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
