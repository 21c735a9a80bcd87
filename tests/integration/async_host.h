/* async_host.h: this test as a host of eep.async/1: submits, and keeps each event until the test is done with it.
 *
 *     uint64_t op = SUBMIT(env, "execute", eep_execute_request, eep_execution, EEP_ASYNC_OUTPUT, .lease = …);
 *     struct done done = async_await(env, op);
 *     assert_int_equal(done.event.code, EEP_OK);
 *     const eep_execution *execution = done.event.result; … done_clear(&done); */
#ifndef INTEGRATION_ASYNC_HOST_H
#define INTEGRATION_ASYNC_HOST_H

#include "ext/async.h"
#include "ext/execution.h"
#include "ext/lease.h"
#include "host.h"

const eep_async_table *async_api(void);

/* Submits what must be taken; returns its number. */
uint64_t async_submit(eep_env *env, const char *call, const void *request, uint32_t result_size,
                      uint32_t flags);

#define SUBMIT(env, call, request_type, result_type, flags, ...)                                             \
    async_submit(env, call, &(request_type){.head.struct_size = sizeof(request_type), __VA_ARGS__},          \
                 sizeof(result_type), flags)

/* A shell text in a lease. */
#define SUBMIT_SCRIPT(env, in_lease, script_text, flags, ...)                                                \
    SUBMIT(env, "execute", eep_execute_request, eep_execution, flags, .lease = text(in_lease),               \
           .script = TEXT(script_text), __VA_ARGS__)

/* An operation's end, and what it told before: its output, stream by stream, and its log. */
struct done {
    eep_event event;
    uint64_t offset[2]; /* of the first byte */
    char *output[2];
    size_t output_len[2];
    size_t output_cap[2];
    size_t output_events;
    char log[4096];
};

/* Reads events until this operation is DONE. Those of others are kept for their own turn. */
struct done async_await(eep_env *env, uint64_t op);
void done_clear(struct done *done);

#define DONE __attribute__((cleanup(done_clear))) struct done

/* It ended so, and has an error if that is one. */
void async_expect_code(const struct done *done, int32_t code);

/* Forgets kept events: none may be left. */
void async_expect_nothing_left(eep_env *env);

#endif
