#include <stdio.h>
#include <string.h>

#include "daytona/sandbox.h"
#include "http/http_testing.h"

static int read_sandbox(struct sandbox *sandbox, const char *text, const char *expected_id, struct err *err)
{
    json *tree = NULL;
    assert_int_equal(json_parse(str_from(text), &tree, err), EEP_OK);
    return sandbox_from_json(sandbox, tree, str_from(expected_id), err);
}

static void test_a_whole_one(void **state)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(
        read_sandbox(&sandbox,
                     "{\"id\":\"s1\",\"name\":\"n\",\"state\":\"error\",\"errorReason\":\"why\","
                     "\"recoverable\":true,\"target\":\"eu\",\"snapshot\":\"sn\",\"user\":\"u\","
                     "\"toolboxProxyUrl\":\"https://p/toolbox\",\"labels\":{\"a\":\"b\",\"n\":1},"
                     "\"cpu\":2,\"disk\":\"x\",\"createdAt\":\"2026-01-02T03:04:05.678Z\"}",
                     "s1", &err),
        EEP_OK);
    assert_true(str_is(sandbox.id, "s1"));
    assert_true(str_is(sandbox.error_reason, "why"));
    assert_true(str_is(sandbox.toolbox_proxy_url, "https://p/toolbox"));
    assert_true(sandbox.recoverable);
    assert_int_equal(sandbox.phase, PHASE_FAILED);
    assert_true(str_is(sandbox_label(&sandbox, "a"), "b"));
    assert_true(str_absent(sandbox_label(&sandbox, "n")));
    assert_true(str_absent(sandbox_label(&sandbox, "none")));
    assert_int_equal(sandbox_number(&sandbox, "cpu", -1), 2);
    assert_int_equal(sandbox_number(&sandbox, "disk", -1), -1);
    assert_int_equal(sandbox_created_at_ms(&sandbox), 1767323045678);
}

static void test_numbers_that_fit(void **state)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(read_sandbox(&sandbox,
                                  "{\"id\":\"s1\",\"a\":7,\"zero\":0,\"negative\":-3,\"large\":4294967295,"
                                  "\"huge\":4294967303,\"text\":\"7\"}",
                                  "s1", &err),
                     EEP_OK);
    assert_int_equal(sandbox_count(&sandbox, "a"), 7);
    assert_int_equal(sandbox_count(&sandbox, "large"), UINT32_MAX);
    assert_int_equal(sandbox_minutes(&sandbox, "a"), 7);
    assert_int_equal(sandbox_minutes(&sandbox, "zero"), 0);
    static const char *const none[] = {"negative", "huge", "text", "missing"};
    for (size_t i = 0; i < COUNT(none); i++) {
        assert_int_equal(sandbox_count(&sandbox, none[i]), 0);
        assert_int_equal(sandbox_minutes(&sandbox, none[i]), -1);
    }
    assert_int_equal(sandbox_minutes(&sandbox, "large"), -1);
}

static void test_all_else_may_be_missing_or_wrong(void **state)
{
    static const char *const texts[] = {
        "{\"id\":\"s1\"}",
        "{\"id\":\"s1\",\"state\":null,\"labels\":null,\"name\":7,\"recoverable\":\"yes\",\"user\":{}}",
        "{\"id\":\"s1\",\"state\":[],\"labels\":[1],\"toolboxProxyUrl\":false}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
        struct err err = ERR_INIT;
        assert_int_equal(read_sandbox(&sandbox, texts[i], NULL, &err), EEP_OK);
        assert_int_equal(sandbox.phase, PHASE_LEAVING); /* unknown: looked at again */
        assert_false(sandbox.recoverable);
        assert_true(str_absent(sandbox.toolbox_proxy_url));
        assert_true(str_absent(sandbox_label(&sandbox, "x")));
        assert_int_equal(sandbox_created_at_ms(&sandbox), 0);
    }
}

static void test_ids_that_cannot_be(void **state)
{
    static const char *const texts[] = {"null",
                                        "[]",
                                        "7",
                                        "{}",
                                        "{\"id\":null}",
                                        "{\"id\":7}",
                                        "{\"id\":\"\"}",
                                        "{\"id\":\"../../admin\"}",
                                        "{\"id\":\"s1/../s2\"}",
                                        "{\"id\":\"s1%2f\"}",
                                        "{\"id\":\"s1\\u0000\"}",
                                        "{\"id\":\"s1\\r\\nX: y\"}"};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
        struct err err = ERR_INIT;
        assert_int_equal(read_sandbox(&sandbox, texts[i], NULL, &err), EEP_E_PROTOCOL);
    }
}

static void test_somebody_elses(void **state)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(read_sandbox(&sandbox, "{\"id\":\"s2\"}", "s1", &err), EEP_E_PROTOCOL);
    assert_non_null(strstr(err.message, "s1"));
    assert_non_null(strstr(err.message, "s2"));
    assert_int_equal(read_sandbox(&sandbox, "{\"id\":\"S1\"}", "s1", &err), EEP_E_PROTOCOL);
    assert_int_equal(read_sandbox(&sandbox, "{\"id\":\"s12\"}", "s1", &err), EEP_E_PROTOCOL);
}

static void test_states(void **state)
{
    static const struct {
        const char *name;
        enum sandbox_phase phase;
        uint32_t code;
    } states[] = {
        {"creating", PHASE_STARTING, EEP_STATE_CHANGING},
        {"restoring", PHASE_STARTING, EEP_STATE_CHANGING},
        {"destroyed", PHASE_GONE, EEP_STATE_GONE},
        {"destroying", PHASE_GONE, EEP_STATE_GONE},
        {"started", PHASE_STARTED, EEP_STATE_STARTED},
        {"stopped", PHASE_RESTING, EEP_STATE_STOPPED},
        {"starting", PHASE_STARTING, EEP_STATE_CHANGING},
        {"stopping", PHASE_LEAVING, EEP_STATE_CHANGING},
        {"error", PHASE_FAILED, EEP_STATE_ERROR},
        {"build_failed", PHASE_FAILED, EEP_STATE_ERROR},
        {"pending_build", PHASE_STARTING, EEP_STATE_CHANGING},
        {"building_snapshot", PHASE_STARTING, EEP_STATE_CHANGING},
        {"unknown", PHASE_STARTING, EEP_STATE_CHANGING},
        {"pulling_snapshot", PHASE_STARTING, EEP_STATE_CHANGING},
        {"archived", PHASE_RESTING, EEP_STATE_ARCHIVED},
        {"archiving", PHASE_RESTING, EEP_STATE_CHANGING},
        {"resizing", PHASE_LEAVING, EEP_STATE_CHANGING},
        {"snapshotting", PHASE_LEAVING, EEP_STATE_CHANGING},
        {"forking", PHASE_LEAVING, EEP_STATE_CHANGING},
        {"pausing", PHASE_LEAVING, EEP_STATE_CHANGING},
        {"paused", PHASE_RESTING, EEP_STATE_PAUSED},
        {"resuming", PHASE_STARTING, EEP_STATE_CHANGING},
        {"from_the_future", PHASE_LEAVING, EEP_STATE_UNKNOWN},
        {"Started", PHASE_LEAVING, EEP_STATE_UNKNOWN},
        {"", PHASE_LEAVING, EEP_STATE_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(states); i++) {
        assert_int_equal(sandbox_phase_of(str_from(states[i].name)), states[i].phase);
        assert_int_equal(sandbox_state_code(str_from(states[i].name)), states[i].code);
    }
    assert_int_equal(sandbox_phase_of((eep_str){NULL, 0}), PHASE_LEAVING);
    assert_int_equal(sandbox_phase_of((eep_str){"started\0", 8}), PHASE_LEAVING);
}

static int64_t created_at(const char *text)
{
    CLEANUP(sandbox_finish) struct sandbox sandbox = {0};
    struct err err = ERR_INIT;
    char body[200];
    snprintf(body, sizeof body, "{\"id\":\"s1\",\"createdAt\":\"%s\"}", text);
    assert_int_equal(read_sandbox(&sandbox, body, NULL, &err), EEP_OK);
    return sandbox_created_at_ms(&sandbox);
}

static void test_dates(void **state)
{
    static const char *const nonsense[] = {"",
                                           "yesterday",
                                           "2026",
                                           "2026-01-02",
                                           "-2147483648-01-01T00:00:00Z",
                                           "99999999999-01-01T00:00:00Z",
                                           "2026-01-02T03:04"};
    (void)state;
    assert_int_equal(created_at("1970-01-01T00:00:00.000Z"), 0);
    assert_int_equal(created_at("1970-01-01T00:00:01Z"), 1000);
    assert_int_equal(created_at("2026-01-02T03:04:05.678901Z"), 1767323045678);
    assert_int_equal(created_at("2000-02-29T23:59:59.999Z"), 951868799999);
    for (size_t i = 0; i < COUNT(nonsense); i++)
        assert_int_equal(created_at(nonsense[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_one),
        cmocka_unit_test(test_numbers_that_fit),
        cmocka_unit_test(test_all_else_may_be_missing_or_wrong),
        cmocka_unit_test(test_ids_that_cannot_be),
        cmocka_unit_test(test_somebody_elses),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
