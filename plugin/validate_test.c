#include "validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "base/str.h"

struct call {
    eep_validate_request request;
    eep_validation result;
    eep_error error;
};

static void begin(struct call *call, const char *text)
{
    *call = (struct call){.request.struct_size = sizeof call->request, .request.config = str_from(text)};
    call->result.head.struct_size = sizeof call->result;
    call->error.head.struct_size = sizeof call->error;
}

static int32_t run(struct call *call)
{
    return validate_config(&call->request, &call->result, &call->error);
}

static void end(struct call *call)
{
    abi_clear(&call->result.head);
    abi_clear(&call->error.head);
}

static void test_a_valid_configuration(void **state)
{
    CLEANUP(end) struct call call;
    (void)state;
    begin(&call, "{\"apiKey\":\"k\",\"autoStopInterval\":0,\"env\":{\"A\":\"b\"}}");
    assert_int_equal(run(&call), EEP_OK);
    assert_int_equal(call.result.valid, 1);
    assert_int_equal(call.result.errors, 0);
    assert_int_equal(call.result.finding_count, 1);
    assert_int_equal(call.result.finding_stride, sizeof(eep_finding));
    assert_string_equal(call.result.findings[0].code.ptr, "never_stops");
    assert_int_equal(call.result.findings[0].severity, EEP_SEVERITY_INFO);
    assert_int_equal(strlen(call.result.normalized.ptr), call.result.normalized.len);
    assert_int_equal(call.result.secret_count, 2);
    assert_int_equal(call.result.secret_stride, sizeof(eep_str));
    assert_string_equal(call.result.secrets[1].ptr, "/env/A");
}

static void test_a_wrong_configuration_is_no_failure(void **state)
{
    CLEANUP(end) struct call call;
    (void)state;
    begin(&call, "{\"image\":\"\",\"colour\":1}");
    assert_int_equal(run(&call), EEP_OK);
    assert_int_equal(call.result.valid, 0);
    assert_int_equal(call.result.errors, 2);
    assert_int_equal(call.result.finding_count, 3);
    assert_null(call.result.normalized.ptr);
    assert_int_equal(call.result.secret_count, 0);
}

static void test_flags(void **state)
{
    CLEANUP(end) struct call strict, trusting, unknown;
    (void)state;
    begin(&strict, "{\"apiKey\":\"k\",\"colour\":1}");
    strict.request.flags = EEP_VALIDATE_STRICT;
    assert_int_equal(run(&strict), EEP_OK);
    assert_int_equal(strict.result.valid, 0);

    begin(&trusting, NULL);
    trusting.request.flags = EEP_VALIDATE_TRUST_ENV;
    assert_int_equal(setenv("DAYTONA_API_KEY", "k", 1), 0);
    assert_int_equal(run(&trusting), EEP_OK);
    assert_int_equal(unsetenv("DAYTONA_API_KEY"), 0);
    assert_int_equal(trusting.result.valid, 1);

    begin(&unknown, "{}");
    unknown.request.flags = 0x80000000u;
    assert_int_equal(run(&unknown), EEP_E_UNSUPPORTED);
    assert_int_equal(unknown.error.code, EEP_E_UNSUPPORTED);
    assert_string_equal(unknown.error.where.ptr, "validate_config");
    assert_int_equal(unknown.result.finding_count, 0);
}

static void test_wrong_requests(void **state)
{
    CLEANUP(end) struct call call;
    (void)state;
    begin(&call, "{}");
    assert_int_equal(validate_config(NULL, &call.result, NULL), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(validate_config(&call.request, NULL, NULL), EEP_E_INVALID_ARGUMENT);
    call.request.config = (eep_str){NULL, 3};
    assert_int_equal(validate_config(&call.request, &call.result, NULL), EEP_E_INVALID_ARGUMENT);
    call.request.struct_size = 4;
    assert_int_equal(run(&call), EEP_E_INVALID_ARGUMENT);
    assert_non_null(call.error.message.ptr);
}

/* A host that knows only the first fields gets them, and nothing beyond. */
static void test_a_shorter_result(void **state)
{
    CLEANUP(end) struct call call;
    (void)state;
    begin(&call, "{\"apiKey\":\"k\"}");
    call.result.head.struct_size = offsetof(eep_validation, findings);
    memset(&call.result.findings, 0x5a, sizeof call.result.findings);
    assert_int_equal(run(&call), EEP_OK);
    assert_int_equal(call.result.valid, 1);
    assert_int_equal((uintptr_t)call.result.findings, 0x5a5a5a5a5a5a5a5au);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_valid_configuration),
        cmocka_unit_test(test_a_wrong_configuration_is_no_failure),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_wrong_requests),
        cmocka_unit_test(test_a_shorter_result),
    };
    return cmocka_run_group_tests_name("validate_config", tests, NULL, NULL);
}
