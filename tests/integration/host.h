/* host.h: this test as a host: the plugin, environments, and calls in one line.
 *
 *     OUTCOME ran = EXECUTE(env, lease, .script = TEXT("exit 3"));
 *     EXPECT(ran, EEP_OK);
 *     assert_int_equal(ran.execution.exit_code, 3);
 *
 * Every error text and every line of the host's log is searched for SENTINEL; a find fails the test. Calls may
 * be made from any thread, EXPECT and other asserts on the test's thread only. */
#ifndef INTEGRATION_HOST_H
#define INTEGRATION_HOST_H

#include <string.h>

#include "eep.h"
#include "ext/lease.h"
#include "standin.h"
#include "testing.h"

/* A call's end. Which member of the union holds the result follows from the call. */
struct outcome {
    int32_t code;
    long elapsed_ms;
    eep_error err;
    union {
        eep_out head;
        eep_validation validation;
        eep_probe probe;
        eep_lease lease;
        eep_workspace workspace;
        eep_execution execution;
        eep_released released;
        eep_leases leases;
        eep_kept kept;
        eep_reaping reaping;
        eep_explanation explanation;
    };
};

void outcome_clear(struct outcome *outcome);

#define OUTCOME __attribute__((cleanup(outcome_clear))) struct outcome

/* Fails with what the plugin said if the code is another one. */
void outcome_expect(const struct outcome *outcome, int32_t code, const char *file, int line);
#define EXPECT(outcome, expected) outcome_expect(&(outcome), expected, __FILE__, __LINE__)

/* Is this part of the error's message? */
void outcome_expect_says(const struct outcome *outcome, const char *part, const char *file, int line);
#define EXPECT_SAYS(outcome, part) outcome_expect_says(&(outcome), part, __FILE__, __LINE__)

#define TEXT(literal)  ((eep_str){literal, sizeof(literal) - 1})
#define BYTES(literal) ((eep_bytes){literal, sizeof(literal) - 1})

static inline eep_str text(const char *string)
{
    return (eep_str){string, strlen(string)};
}

static inline bool text_is(eep_str is, const char *expected)
{
    return is.ptr != NULL && is.len == strlen(expected) && memcmp(is.ptr, expected, is.len) == 0;
}

/* Compares bytes, and shows both when they differ. */
void bytes_expect(eep_bytes is, const void *expected, size_t len, const char *file, int line);
#define EXPECT_BYTES(is, expected, len) bytes_expect(is, expected, len, __FILE__, __LINE__)
#define EXPECT_OUTPUT(is, literal)      bytes_expect(is, literal, sizeof(literal) - 1, __FILE__, __LINE__)

/* -- The plugin and environments --------------------------------------------------------------- */

/* BUILD/eep-daytona.so, loaded on first use. */
const eep_plugin *plugin(void);

/* {"apiUrl":…,"apiKey":…, more}: `more` may use ' for "; NULL = nothing more. */
eep_env *host_open(const struct standin *standin, const char *more);

/* The same with another API key. */
eep_env *host_open_as(const struct standin *standin, const char *key, const char *more);

/* With a configuration of the test's own, ' for ". Reports like a call. */
struct outcome host_open_text(const char *config, eep_env **env);

/* A fresh lease, into lease[EEP_LEASE_MAX + 1]. */
void host_acquire(eep_env *env, char *lease);

/* Destroys it; well if it is gone. */
void host_destroy(eep_env *env, const char *lease);

/* Did the host's log ever hold this? */
bool host_log_has(const char *part);

/* -- Calls: the rest of the arguments are members of the request ------------------------------- */

struct outcome call_validate(const eep_validate_request *request);
struct outcome call_probe(eep_env *env, const eep_probe_request *request);
struct outcome call_acquire(eep_env *env, const eep_acquire_request *request);
struct outcome call_resume(eep_env *env, const eep_resume_request *request);
struct outcome call_realize(eep_env *env, const eep_realize_request *request);
struct outcome call_execute(eep_env *env, const eep_execute_request *request);
struct outcome call_release(eep_env *env, const eep_release_request *request);

#define REQUEST(type, ...) (&(type){.head.struct_size = sizeof(type), __VA_ARGS__})

#define PROBE(env, ...)       call_probe(env, REQUEST(eep_probe_request, __VA_ARGS__))
#define ACQUIRE(env, ...)     call_acquire(env, REQUEST(eep_acquire_request, __VA_ARGS__))
#define RESUME(env, id, ...)  call_resume(env, REQUEST(eep_resume_request, .lease = text(id), __VA_ARGS__))
#define REALIZE(env, id, ...) call_realize(env, REQUEST(eep_realize_request, .lease = text(id), __VA_ARGS__))
#define EXECUTE(env, id, ...) call_execute(env, REQUEST(eep_execute_request, .lease = text(id), __VA_ARGS__))
#define RELEASE(env, id, how, ...)                                                                           \
    call_release(env, REQUEST(eep_release_request, .lease = text(id), .mode = how, __VA_ARGS__))

/* The members of a request that carry a list. */
#define ARGV(...)                                                                                            \
    .argv = (const eep_str[]){__VA_ARGS__}, .argv_count = (uint32_t)COUNT_OF(((const eep_str[]){__VA_ARGS__}))
#define ENV(...)                                                                                             \
    .env = (const eep_pair[]){__VA_ARGS__}, .env_count = (uint32_t)COUNT_OF(((const eep_pair[]){__VA_ARGS__}))
#define LABELS(...)                                                                                          \
    .labels = (const eep_pair[]){__VA_ARGS__},                                                               \
    .label_count = (uint32_t)COUNT_OF(((const eep_pair[]){__VA_ARGS__}))
#define SOURCES(...)                                                                                         \
    .sources = (const eep_source[]){__VA_ARGS__},                                                            \
    .source_count = (uint32_t)COUNT_OF(((const eep_source[]){__VA_ARGS__}))

/* Runs a script that must end with 0 and print exactly this. */
void host_expect_output(eep_env *env, const char *lease, const char *script, const char *expected,
                        const char *file, int line);
#define EXPECT_RUN(env, lease, script, expected)                                                             \
    host_expect_output(env, lease, script, expected, __FILE__, __LINE__)

#endif
