/* border_test.c: the plugin as built answers what it does not know with EEP_E_UNSUPPORTED: unknown flags, reserved
 * words, tails of requests and of array elements, enumerators (abi/README.md, "Growing", 4 to 11). Nothing may have
 * happened by then, so the service is an address where nobody listens: a check that is missing shows as another code.
 */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "eep.h"

#ifndef PLUGIN_SO
#define PLUGIN_SO "build/eep-daytona.so"
#endif

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define TEXT(text)                                                                                           \
    {                                                                                                        \
        text, sizeof(text) - 1                                                                               \
    }
#define CONFIG                                                                                               \
    TEXT("{\"apiUrl\": \"http://127.0.0.1:1\", \"apiKey\": \"k\", \"image\": \"i\", \"timeoutMs\": 1000}")
#define HEAD(type)                                                                                           \
    {                                                                                                        \
        .struct_size = sizeof(type), .timeout_ms = 1000, .grace_ms = 1                                       \
    }

static const eep_plugin *plugin;
static eep_env *env;

/* -- Calls: a request that is right, and where it may be spoiled ----------------------------------------- */

#define BLOCKING(name, slot, request_type, result_type)                                                      \
    static int32_t call_##name(const void *request)                                                          \
    {                                                                                                        \
        result_type result = {.head = {.struct_size = sizeof(result)}};                                      \
        int32_t code = plugin->slot(env, (const request_type *)request, &result, NULL);                      \
        plugin->clear(&result.head);                                                                         \
        return code;                                                                                         \
    }

BLOCKING(probe, probe, eep_probe_request, eep_probe)
BLOCKING(acquire, acquire_lease, eep_acquire_request, eep_lease)
BLOCKING(resume, resume_lease, eep_resume_request, eep_lease)
BLOCKING(realize, realize_workspace, eep_realize_request, eep_workspace)
BLOCKING(execute, execute, eep_execute_request, eep_execution)
BLOCKING(release, release, eep_release_request, eep_released)

static int32_t call_validate(const void *request)
{
    eep_validation result = {.head = {.struct_size = sizeof(result)}};
    int32_t code = plugin->validate_config(request, &result, NULL);
    plugin->clear(&result.head);
    return code;
}

static int32_t call_open(const void *request)
{
    eep_env *opened = NULL;
    int32_t code = plugin->open(request, &opened, NULL);
    plugin->close(opened);
    return code;
}

static int32_t call_open_as(const void *host)
{
    eep_open_request request = {.struct_size = sizeof(request), .config = CONFIG, .host = host};
    return call_open(&request);
}

static const eep_host host = {.struct_size = sizeof(host)};
static const eep_validate_request validate = {.struct_size = sizeof(validate), .config = CONFIG};
static const eep_open_request open_it = {.struct_size = sizeof(open_it), .config = CONFIG};
static const eep_probe_request probe = {.head = HEAD(probe), .max_depth = EEP_PROBE_LOCAL};
static const eep_acquire_request acquire = {.head = HEAD(acquire)};
static const eep_resume_request resume = {.head = HEAD(resume), .lease = TEXT("x")};
static const eep_realize_request realize = {.head = HEAD(realize), .lease = TEXT("x")};
static const eep_execute_request execute = {
    .head = HEAD(execute), .lease = TEXT("x"), .script = TEXT("true")};
static const eep_release_request release = {
    .head = HEAD(release), .lease = TEXT("x"), .mode = EEP_RELEASE_DETACH};

struct call {
    const char *name;
    int32_t (*run)(const void *request);
    const void *right;
    size_t size;
    uint32_t flags;    /* the known ones */
    uint32_t reserved; /* offset of the reserved word; 0 = it has none */
};

#define CALL(name, request, flags, reserved)                                                                 \
    {                                                                                                        \
#request, call_##name, &(request), sizeof(request), flags, reserved                                  \
    }
#define RESERVED(type) offsetof(type, reserved)

static const struct call calls[] = {
    CALL(open_as, host, 0, RESERVED(eep_host)),
    CALL(validate, validate, EEP_VALIDATE_STRICT | EEP_VALIDATE_TRUST_ENV, 0),
    CALL(open, open_it, EEP_OPEN_STRICT | EEP_OPEN_TRUST_ENV, 0),
    CALL(probe, probe, EEP_REQUEST_NO_GRACE, RESERVED(eep_probe_request)),
    CALL(acquire, acquire, EEP_REQUEST_NO_GRACE | EEP_ACQUIRE_REUSE, 0),
    CALL(resume, resume, EEP_REQUEST_NO_GRACE | EEP_RESUME_NO_START, 0),
    CALL(realize, realize, EEP_REQUEST_NO_GRACE, 0),
    CALL(execute, execute, EEP_REQUEST_NO_GRACE | EEP_EXECUTE_MERGE | EEP_EXECUTE_LOGIN | EEP_EXECUTE_DETACH,
         RESERVED(eep_execute_request)),
    CALL(release, release, EEP_REQUEST_NO_GRACE | EEP_RELEASE_DESTROY_IF_STOP_FAILS,
         RESERVED(eep_release_request)),
};

/* Calls with that byte set, claiming to be as long as `size`. */
static void expect(const struct call *call, uint32_t size, size_t at, uint8_t bits, int32_t code)
{
    union {
        uint64_t align;
        unsigned char bytes[1024];
    } request = {0};
    memcpy(request.bytes, call->right, call->size);
    memcpy(request.bytes, &size, sizeof(size));
    request.bytes[at] |= bits;
    int32_t answer = call->run(request.bytes);
    if (answer == code) return;
    print_error("%s: byte %zu of %u is 0x%x: code %d, expected %d\n", call->name, at, size, bits, answer,
                code);
    fail();
}

/* -- Tests ------------------------------------------------------------------------------------------------ */

static void test_unknown_flags(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(calls); i++)
        for (uint32_t bit = 0; bit < 32; bit++)
            if (!(calls[i].flags >> bit & 1))
                expect(&calls[i], (uint32_t)calls[i].size, 4 + bit / 8, (uint8_t)(1u << bit % 8),
                       EEP_E_UNSUPPORTED);
}

static void test_reserved_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(calls); i++)
        for (size_t byte = 0; byte < 4 && calls[i].reserved > 0; byte++)
            expect(&calls[i], (uint32_t)calls[i].size, calls[i].reserved + byte, 0x80, EEP_E_UNSUPPORTED);
}

static void test_tails(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(calls); i++)
        for (size_t byte = 0; byte < 16; byte++)
            expect(&calls[i], (uint32_t)calls[i].size + 16, calls[i].size + byte, 1, EEP_E_UNSUPPORTED);
}

static void test_sizes_that_cannot_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(calls); i++) {
        expect(&calls[i], (uint32_t)calls[i].size - 8, 0, 0, EEP_E_INVALID_ARGUMENT);
        expect(&calls[i], 65536 + 8, 0, 0, EEP_E_INVALID_ARGUMENT);
    }
}

static void test_enumerators(void **state)
{
    eep_probe_request deeper = probe;
    eep_release_request otherwise = release;
    eep_realize_request strange = realize;
    eep_source source = {.kind = 77, .path = TEXT("a")};
    (void)state;
    deeper.max_depth = otherwise.mode = 77;
    strange.sources = &source;
    strange.source_count = 1;
    assert_int_equal(call_probe(&deeper), EEP_E_UNSUPPORTED);
    assert_int_equal(call_release(&otherwise), EEP_E_UNSUPPORTED);
    assert_int_equal(call_realize(&strange), EEP_E_UNSUPPORTED);
}

/* Two elements with eight bytes more each; the last byte of the second one is set. */
static void test_tails_of_elements(void **state)
{
    unsigned char memory[2 * (sizeof(eep_source) + 8)] __attribute__((aligned(8)));
    eep_acquire_request labels = acquire;
    eep_acquire_request variables = acquire;
    eep_execute_request with_env = execute;
    eep_execute_request with_argv = execute;
    eep_realize_request sources = realize;
    (void)state;
    labels.labels = variables.env = with_env.env = (const eep_pair *)(void *)memory;
    labels.label_count = variables.env_count = with_env.env_count = 2;
    labels.label_stride = variables.env_stride = with_env.env_stride = sizeof(eep_pair) + 8;
    memset(memory, 0, sizeof(memory));
    memory[2 * (sizeof(eep_pair) + 8) - 1] = 1;
    assert_int_equal(call_acquire(&labels), EEP_E_UNSUPPORTED);
    assert_int_equal(call_acquire(&variables), EEP_E_UNSUPPORTED);
    assert_int_equal(call_execute(&with_env), EEP_E_UNSUPPORTED);
    with_argv.script = (eep_str){NULL, 0};
    with_argv.argv = (const eep_str *)(void *)memory;
    with_argv.argv_count = 2;
    with_argv.argv_stride = sizeof(eep_str) + 8;
    memset(memory, 0, sizeof(memory));
    memory[2 * (sizeof(eep_str) + 8) - 1] = 1;
    assert_int_equal(call_execute(&with_argv), EEP_E_UNSUPPORTED);
    sources.sources = (const eep_source *)(void *)memory;
    sources.source_count = 2;
    sources.source_stride = sizeof(eep_source) + 8;
    memset(memory, 0, sizeof(memory));
    memory[sizeof(memory) - 1] = 1;
    assert_int_equal(call_realize(&sources), EEP_E_UNSUPPORTED);
}

/* What the tests above spoil is right as it is: what needs no network succeeds. */
static void test_the_requests_are_right(void **state)
{
    (void)state;
    assert_int_equal(call_open_as(&host), EEP_OK);
    assert_int_equal(call_validate(&validate), EEP_OK);
    assert_int_equal(call_open(&open_it), EEP_OK);
    assert_int_equal(call_probe(&probe), EEP_OK);
    assert_int_equal(call_release(&release), EEP_OK);
}

static int open_plugin(void **state)
{
    (void)state;
    void *so = dlopen(PLUGIN_SO, RTLD_NOW | RTLD_LOCAL);
    if (!so) {
        print_error("%s\n", dlerror());
        return -1;
    }
    eep_plugin_v1_fn entry = NULL;
    void *symbol = dlsym(so, EEP_ENTRY_SYMBOL);
    memcpy(&entry, &symbol, sizeof(entry));
    plugin = entry();
    return plugin->open(&open_it, &env, NULL);
}

static int close_env(void **state)
{
    (void)state;
    plugin->close(env);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_requests_are_right), cmocka_unit_test(test_unknown_flags),
        cmocka_unit_test(test_reserved_words),         cmocka_unit_test(test_tails),
        cmocka_unit_test(test_sizes_that_cannot_be),   cmocka_unit_test(test_enumerators),
        cmocka_unit_test(test_tails_of_elements),
    };
    return cmocka_run_group_tests(tests, open_plugin, close_env);
}
