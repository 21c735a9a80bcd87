/* border_test.c: what a careless or hostile host may hand over: NULL, wrong sizes, unknown bits, strange ids. The
 * answer is an error, nothing beyond a struct is read or written, and nothing is sent. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"

static struct standin standin;
static eep_env *env;
static eep_cancel *fired; /* lets a request through the border, and no further */

static int start(void **state)
{
    (void)state;
    standin_start(&standin, NULL);
    env = host_open(&standin, NULL);
    fired = plugin()->cancel_create();
    plugin()->cancel_fire(fired);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    size_t requests = standin_count(&standin, NULL, NULL);
    plugin()->cancel_destroy(fired);
    plugin()->close(env);
    standin_stop(&standin);
    if (requests > 0) print_error("%zu requests were sent\n", requests);
    return requests > 0;
}

/* -- All calls alike --------------------------------------------------------------------------- */

#define WRAP(slot, request_type, result_type)                                                                \
    static int32_t wrap_##slot(eep_env *at, const void *request, void *result, eep_error *err)               \
    {                                                                                                        \
        return plugin()->slot(at, request, result, err);                                                     \
    }

WRAP(probe, eep_probe_request, eep_probe)
WRAP(acquire_lease, eep_acquire_request, eep_lease)
WRAP(resume_lease, eep_resume_request, eep_lease)
WRAP(realize_workspace, eep_realize_request, eep_workspace)
WRAP(execute, eep_execute_request, eep_execution)
WRAP(release, eep_release_request, eep_released)

static const struct verb {
    const char *name;
    int32_t (*call)(eep_env *env, const void *request, void *result, eep_error *err);
    size_t request_size;
    size_t result_size;
} verbs[] = {
    {"probe", wrap_probe, sizeof(eep_probe_request), sizeof(eep_probe)},
    {"acquire_lease", wrap_acquire_lease, sizeof(eep_acquire_request), sizeof(eep_lease)},
    {"resume_lease", wrap_resume_lease, sizeof(eep_resume_request), sizeof(eep_lease)},
    {"realize_workspace", wrap_realize_workspace, sizeof(eep_realize_request), sizeof(eep_workspace)},
    {"execute", wrap_execute, sizeof(eep_execute_request), sizeof(eep_execution)},
    {"release", wrap_release, sizeof(eep_release_request), sizeof(eep_released)},
};

/* Memory that ends where reading or writing on is a fault; aligned as a host's struct is. */
struct edge {
    unsigned char *map;
    size_t map_size;
};

static void *edge_init(struct edge *edge, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (size + page - 1) / page;
    edge->map_size = (pages + 1) * page;
    edge->map = mmap(NULL, edge->map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(edge->map, MAP_FAILED);
    mprotect(edge->map + pages * page, page, PROT_NONE);
    return edge->map + pages * page - (size + 7) / 8 * 8;
}

static void edge_finish(struct edge *edge)
{
    munmap(edge->map, edge->map_size);
}

/* The call with requests and results of these sizes, each at an edge; `tail` is the request's last byte. */
static int32_t call_sized(const struct verb *verb, size_t request_size, size_t result_size,
                          unsigned char tail)
{
    struct edge request_edge;
    struct edge result_edge;
    unsigned char *request = edge_init(&request_edge, request_size < 4 ? 4 : request_size);
    unsigned char *result = edge_init(&result_edge, result_size < 4 ? 4 : result_size);
    uint32_t size = (uint32_t)request_size;
    memcpy(request, &size, sizeof size);
    if (request_size >= sizeof(eep_request))
        memcpy(request + offsetof(eep_request, cancel), &fired, sizeof fired);
    if (tail != 0) request[request_size - 1] = tail;
    size = (uint32_t)result_size;
    memcpy(result, &size, sizeof size);
    int32_t code = verb->call(env, request, result, NULL);
    edge_finish(&request_edge);
    edge_finish(&result_edge);
    return code;
}

static void expect_sized(const struct verb *verb, size_t request_size, size_t result_size, unsigned char tail,
                         int32_t expected)
{
    int32_t code = call_sized(verb, request_size, result_size, tail);
    if (code != expected)
        fail_msg("%s, request of %zu, result of %zu, tail %u: %d, not %d", verb->name, request_size,
                 result_size, tail, code, expected);
}

static void requests_have_a_size(void **state)
{
    (void)state;
    for (size_t v = 0; v < COUNT_OF(verbs); v++) {
        size_t size = verbs[v].request_size;
        size_t result = verbs[v].result_size;
        for (size_t n = 0; n < size; n++)
            expect_sized(&verbs[v], n, result, 0, EEP_E_INVALID_ARGUMENT);
        for (size_t n = size; n <= size + 64; n++)
            expect_sized(&verbs[v], n, result, 0, EEP_E_CANCELLED);
        for (size_t n = size + 1; n <= size + 64; n++)
            expect_sized(&verbs[v], n, result, 1, EEP_E_UNSUPPORTED);
        expect_sized(&verbs[v], 65536, result, 0, EEP_E_CANCELLED);
        expect_sized(&verbs[v], 65537, result, 0, EEP_E_INVALID_ARGUMENT);
    }
}

/* A result may be of an older host's size, or of a newer one's. */
static void results_have_a_size(void **state)
{
    (void)state;
    for (size_t v = 0; v < COUNT_OF(verbs); v++) {
        size_t size = verbs[v].request_size;
        for (size_t n = 0; n < sizeof(eep_out); n++)
            expect_sized(&verbs[v], size, n, 0, EEP_E_INVALID_ARGUMENT);
        for (size_t n = sizeof(eep_out); n <= verbs[v].result_size + 64; n++)
            expect_sized(&verbs[v], size, n, 0, EEP_E_CANCELLED);
        expect_sized(&verbs[v], size, 65537, 0, EEP_E_INVALID_ARGUMENT);
    }
}

/* Errors that are too small are as good as none; others get as much as they hold. */
static void errors_have_a_size(void **state)
{
    (void)state;
    eep_resume_request request = {.head.struct_size = sizeof request, .lease = TEXT("../x")};
    eep_lease lease = {.head.struct_size = sizeof lease};
    for (size_t n = 4; n <= sizeof(eep_error) + 64; n++) {
        struct edge edge;
        eep_error *err = edge_init(&edge, n);
        uint32_t size = (uint32_t)n;
        memcpy(err, &size, sizeof size);
        assert_int_equal(plugin()->resume_lease(env, &request, &lease, err), EEP_E_INVALID_ARGUMENT);
        if (n >= sizeof(eep_error)) assert_true(err->message.len > 0);
        plugin()->clear(&err->head);
        edge_finish(&edge);
    }
}

static void unknown_flags_are_refused(void **state)
{
    static const uint32_t known[] = {0x1,
                                     0x1 | EEP_ACQUIRE_REUSE,
                                     0x1 | EEP_RESUME_NO_START,
                                     0x1,
                                     0x1 | EEP_EXECUTE_MERGE | EEP_EXECUTE_LOGIN | EEP_EXECUTE_DETACH,
                                     0x1 | EEP_RELEASE_DESTROY_IF_STOP_FAILS};
    (void)state;
    for (size_t v = 0; v < COUNT_OF(verbs); v++) {
        for (uint32_t bit = 1; bit != 0; bit <<= 1) {
            union {
                eep_request head;
                unsigned char bytes[1024];
            } request = {
                .head = {.struct_size = (uint32_t)verbs[v].request_size, .flags = bit, .cancel = fired}};
            union {
                eep_out head;
                unsigned char bytes[1024];
            } result = {.head.struct_size = (uint32_t)verbs[v].result_size};
            int32_t code = verbs[v].call(env, &request, &result, NULL);
            if (code != (known[v] & bit ? EEP_E_CANCELLED : EEP_E_UNSUPPORTED))
                fail_msg("%s with flag 0x%x: %d", verbs[v].name, bit, code);
        }
    }
}

static void null_is_an_error_not_a_crash(void **state)
{
    (void)state;
    unsigned char request[1024] = {0};
    unsigned char result[1024] = {0};
    for (size_t v = 0; v < COUNT_OF(verbs); v++) {
        uint32_t size = (uint32_t)verbs[v].request_size;
        memcpy(request, &size, sizeof size);
        size = (uint32_t)verbs[v].result_size;
        memcpy(result, &size, sizeof size);
        assert_int_equal(verbs[v].call(NULL, request, result, NULL), EEP_E_INVALID_ARGUMENT);
        assert_int_equal(verbs[v].call(env, NULL, result, NULL), EEP_E_INVALID_ARGUMENT);
        assert_int_equal(verbs[v].call(env, request, NULL, NULL), EEP_E_INVALID_ARGUMENT);
        assert_int_equal(verbs[v].call(NULL, NULL, NULL, NULL), EEP_E_INVALID_ARGUMENT);
    }
    eep_env *none = env;
    eep_open_request open = {.struct_size = sizeof open};
    assert_int_equal(plugin()->open(NULL, &none, NULL), EEP_E_INVALID_ARGUMENT);
    assert_null(none);
    assert_int_equal(plugin()->open(&open, NULL, NULL), EEP_E_INVALID_ARGUMENT);
    assert_int_equal(plugin()->open(&open, &none, NULL), EEP_E_INVALID_CONFIG);
    assert_int_equal(plugin()->validate_config(NULL, NULL, NULL), EEP_E_INVALID_ARGUMENT);
    plugin()->close(NULL);
    plugin()->clear(NULL);
    plugin()->cancel_fire(NULL);
    plugin()->cancel_destroy(NULL);
    assert_null(plugin()->get_extension(NULL));
    assert_null(plugin()->get_extension("eep.nothing/1"));
}

static void clearing_twice_does_nothing(void **state)
{
    (void)state;
    struct outcome refused = RESUME(env, "../x");
    assert_int_equal(refused.code, EEP_E_INVALID_ARGUMENT);
    for (int i = 0; i < 3; i++) {
        plugin()->clear(&refused.err.head);
        plugin()->clear(&refused.head);
        assert_null(refused.err.message.ptr);
        assert_int_equal(refused.err.head.struct_size, sizeof refused.err);
    }
}

/* -- Fields ------------------------------------------------------------------------------------ */

static void reserved_fields_are_zero(void **state)
{
    (void)state;
    OUTCOME probed = PROBE(env, .reserved = 1);
    EXPECT(probed, EEP_E_UNSUPPORTED);
    OUTCOME ran = EXECUTE(env, "some-lease", .script = TEXT("true"), .reserved = 1);
    EXPECT(ran, EEP_E_UNSUPPORTED);
    OUTCOME released = RELEASE(env, "some-lease", EEP_RELEASE_DETACH, .reserved = 1);
    EXPECT(released, EEP_E_UNSUPPORTED);
    eep_host host = {.struct_size = sizeof host, .reserved = 1};
    eep_open_request open = {.struct_size = sizeof open, .config = TEXT("{\"apiKey\":\"k\"}"), .host = &host};
    eep_env *none = NULL;
    assert_int_equal(plugin()->open(&open, &none, NULL), EEP_E_UNSUPPORTED);
}

static void lengths_need_pointers(void **state)
{
    (void)state;
    const eep_str nowhere = {NULL, 5};
    OUTCOME lease = call_resume(env, REQUEST(eep_resume_request, .lease = nowhere));
    EXPECT(lease, EEP_E_INVALID_ARGUMENT);
    OUTCOME hint = ACQUIRE(env, .name_hint = nowhere);
    EXPECT(hint, EEP_E_INVALID_ARGUMENT);
    OUTCOME label = ACQUIRE(env, LABELS({TEXT("a"), nowhere}));
    EXPECT(label, EEP_E_INVALID_ARGUMENT);
    OUTCOME labels = ACQUIRE(env, .label_count = 1);
    EXPECT(labels, EEP_E_INVALID_ARGUMENT);
    OUTCOME argument = EXECUTE(env, "some-lease", ARGV(TEXT("echo"), nowhere));
    EXPECT(argument, EEP_E_INVALID_ARGUMENT);
    OUTCOME arguments = EXECUTE(env, "some-lease", .argv_count = 3);
    EXPECT(arguments, EEP_E_INVALID_ARGUMENT);
    OUTCOME input = EXECUTE(env, "some-lease", .script = TEXT("cat"), .stdin_data = {NULL, 9});
    EXPECT(input, EEP_E_INVALID_ARGUMENT);
    OUTCOME root = REALIZE(env, "some-lease", .root = nowhere);
    EXPECT(root, EEP_E_INVALID_ARGUMENT);
    OUTCOME sources = REALIZE(env, "some-lease", .source_count = 2);
    EXPECT(sources, EEP_E_INVALID_ARGUMENT);
    OUTCOME trace = PROBE(env, .head.trace_id = nowhere);
    EXPECT(trace, EEP_E_INVALID_ARGUMENT);
}

/* A newer host's elements are larger; what we do not know of them must be zero. */
static void strides_are_obeyed(void **state)
{
    struct {
        eep_pair known;
        uint64_t unknown;
    } labels[2] = {{.known = {TEXT("a"), TEXT("1")}}, {.known = {TEXT("b"), TEXT("2")}}};
    (void)state;
    const eep_pair *list = &labels[0].known;
    OUTCOME zero = ACQUIRE(env, .labels = list, .label_count = 2, .label_stride = sizeof labels[0],
                           .head.cancel = fired);
    EXPECT(zero, EEP_E_CANCELLED);
    labels[1].unknown = 1;
    OUTCOME set = ACQUIRE(env, .labels = list, .label_count = 2, .label_stride = sizeof labels[0]);
    EXPECT(set, EEP_E_UNSUPPORTED);
    static const uint32_t bad[] = {1, 8, sizeof(eep_pair) - 1, sizeof(eep_pair) + 1, 65544, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        OUTCOME refused = ACQUIRE(env, .labels = list, .label_count = 2, .label_stride = bad[i]);
        EXPECT(refused, EEP_E_INVALID_ARGUMENT);
    }
}

/* -- Values ------------------------------------------------------------------------------------ */

static void expect_no_lease(eep_str id)
{
    OUTCOME resumed = call_resume(env, REQUEST(eep_resume_request, .lease = id));
    OUTCOME ran = call_execute(env, REQUEST(eep_execute_request, .lease = id, .script = TEXT("true")));
    OUTCOME realized = call_realize(env, REQUEST(eep_realize_request, .lease = id));
    OUTCOME released =
        call_release(env, REQUEST(eep_release_request, .lease = id, .mode = EEP_RELEASE_DESTROY));
    const struct outcome *const all[] = {&resumed, &ran, &realized, &released};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (all[i]->code != EEP_E_TOO_LARGE) EXPECT(*all[i], EEP_E_INVALID_ARGUMENT);
        assert_true(all[i]->err.message.len > 0);
    }
}

static void hostile_ids_are_no_leases(void **state)
{
    static const char *const bad[] = {
        "",       "../x",        "..",   ".hidden", "-x",       "_x",          "a/b",    "a%2fb",
        "%2e%2e", "a b",         " a",   "a ",      "a\nb",     "a\r\nX-Y: z", "a?b",    "a#b",
        "a;b",    "caf\xc3\xa9", "a\\b", "a\x7f",   "http://x", "@x",          "a@b:80",
    };
    char huge[301];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        expect_no_lease(text(bad[i]));
    expect_no_lease((eep_str){0});
    expect_no_lease(TEXT("a\0b"));
    memset(huge, 'a', sizeof huge);
    expect_no_lease((eep_str){huge, 300});
    expect_no_lease((eep_str){huge, 256});
}

static void huge_values_are_refused(void **state)
{
    enum { SIZE = 8 << 20 };
    (void)state;
    char *huge = malloc(SIZE);
    memset(huge, 'a', SIZE);
    const eep_str value = {huge, SIZE};
    OUTCOME key = ACQUIRE(env, .idempotency_key = {huge, 256});
    OUTCOME hint = ACQUIRE(env, .name_hint = value);
    OUTCOME label = ACQUIRE(env, LABELS({TEXT("a"), value}));
    OUTCOME name = ACQUIRE(env, LABELS({value, TEXT("a")}));
    OUTCOME variable = ACQUIRE(env, ENV({TEXT("A"), value}));
    OUTCOME cwd = EXECUTE(env, "some-lease", .script = TEXT("true"), .cwd = value);
    OUTCOME root = REALIZE(env, "some-lease", .root = value);
    OUTCOME path = REALIZE(env, "some-lease", SOURCES({.kind = EEP_SOURCE_FILE, .path = value}));
    OUTCOME trace = PROBE(env, .head.trace_id = {huge, 129});
    const struct outcome *const all[] = {&key, &hint, &label, &name, &variable, &cwd, &root, &path, &trace};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        EXPECT(*all[i], EEP_E_TOO_LARGE);
        assert_true(all[i]->err.message.len < 2048);
    }
    eep_env *none = NULL;
    eep_open_request open = {.struct_size = sizeof open, .config = value};
    assert_int_not_equal(plugin()->open(&open, &none, NULL), EEP_OK);
    free(huge);
}

static void texts_are_utf8_without_nul(void **state)
{
    (void)state;
    OUTCOME nul = ACQUIRE(env, LABELS({TEXT("a"), TEXT("b\0c")}));
    EXPECT(nul, EEP_E_INVALID_ARGUMENT);
    OUTCOME latin = ACQUIRE(env, LABELS({TEXT("a"), TEXT("\xe9")}));
    EXPECT(latin, EEP_E_INVALID_ARGUMENT);
    OUTCOME key = ACQUIRE(env, .idempotency_key = TEXT(""));
    EXPECT(key, EEP_E_INVALID_ARGUMENT);
    OUTCOME name = ACQUIRE(env, ENV({TEXT("A=B"), TEXT("x")}));
    EXPECT(name, EEP_E_INVALID_ARGUMENT);
    OUTCOME trace = PROBE(env, .head.trace_id = TEXT("a\r\nX-Evil: 1"));
    EXPECT(trace, EEP_E_INVALID_ARGUMENT);
}

static void count_line(void *ctx, uint32_t level, const char *component, const char *message)
{
    assert_string_equal(component, "open");
    assert_non_null(message);
    ((unsigned *)ctx)[level]++;
}

/* Whoever mistypes a key gets a sandbox all the same, and must be able to see why it is another one. */
static void a_mistyped_key_is_logged(void **state)
{
    (void)state;
    eep_env *careless = NULL;
    assert_false(host_log_has("imge"));
    OUTCOME opened = host_open_text("{'apiKey':'key','imge':'debian:12','autoStopInterval':0}", &careless);
    EXPECT(opened, EEP_OK);
    plugin()->close(careless);
    assert_true(
        host_log_has("configuration /imge: imge is not a key of the configuration; did you mean image?"));
    assert_true(host_log_has("configuration /autoStopInterval: ")); /* info: this host wants all */
}

/* A host that says nothing about levels wants warnings, and one without a log is left alone. */
static void a_careless_host_hears_warnings(void **state)
{
    (void)state;
    unsigned heard[EEP_LOG_DEBUG + 1] = {0};
    eep_host host = {.struct_size = sizeof host, .ctx = heard, .log = count_line};
    eep_open_request request = {.struct_size = sizeof request,
                                .config = TEXT("{\"apiKey\":\"key\",\"imge\":1,\"autoStopInterval\":0}"),
                                .host = &host};
    for (int i = 0; i < 2; i++) {
        eep_env *careless = NULL;
        assert_int_equal(plugin()->open(&request, &careless, NULL), EEP_OK);
        plugin()->close(careless);
        host.log = NULL;
    }
    assert_int_equal(heard[EEP_LOG_WARNING], 1);
    assert_int_equal(heard[EEP_LOG_INFO], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_have_a_size),         cmocka_unit_test(results_have_a_size),
        cmocka_unit_test(errors_have_a_size),           cmocka_unit_test(unknown_flags_are_refused),
        cmocka_unit_test(null_is_an_error_not_a_crash), cmocka_unit_test(clearing_twice_does_nothing),
        cmocka_unit_test(reserved_fields_are_zero),     cmocka_unit_test(lengths_need_pointers),
        cmocka_unit_test(strides_are_obeyed),           cmocka_unit_test(hostile_ids_are_no_leases),
        cmocka_unit_test(huge_values_are_refused),      cmocka_unit_test(texts_are_utf8_without_nul),
        cmocka_unit_test(a_mistyped_key_is_logged),     cmocka_unit_test(a_careless_host_hears_warnings),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
