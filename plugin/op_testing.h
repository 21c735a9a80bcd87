/* op_testing.h: for the tests of operations: an open environment at a scripted service, and one operation in
 * it.
 *
 *     struct scene scene;
 *     scene_start(&scene, script, COUNT(script), 5000); … scene_stop(&scene); */
#ifndef OP_TESTING_H
#define OP_TESTING_H

#include <stdio.h>

#include "env.h"
#include "http/http_testing.h"

struct scene {
    struct canned_server *server;
    eep_env *env;
    eep_cancel *cancel;
    struct op op;
    struct err err;
    int64_t started;
};

static inline void scene_start(struct scene *scene, const struct canned_exchange *script, size_t count,
                               uint32_t timeout_ms)
{
    char config[256];
    eep_error error = {.head = {.struct_size = sizeof error}};
    *scene = (struct scene){.server = canned_start(script, count), .cancel = cancel_create()};
    snprintf(config, sizeof config, "{\"apiKey\":\"dtn_a-secret-token\",\"apiUrl\":\"%s/api\"}",
             canned_url(scene->server));
    eep_open_request open = {.struct_size = sizeof open, .config = str_from(config)};
    if (env_open(&open, &scene->env, &error) != EEP_OK) fail_msg("%s", error.message.ptr);
    eep_request request = {.struct_size = sizeof request, .timeout_ms = timeout_ms, .cancel = scene->cancel};
    assert_int_equal(op_begin(&scene->op, scene->env, "test", &request, &scene->err), EEP_OK);
    scene->started = clock_now_ms();
}

static inline void scene_stop(struct scene *scene)
{
    op_end(&scene->op);
    env_close(scene->env);
    cancel_destroy(scene->cancel);
    canned_stop(scene->server);
}

/* The operation must have failed like this. */
static inline void scene_failed(const struct scene *scene, int status, int code, const char *text)
{
    if (status != code || !strstr(scene->err.message, text))
        print_message("%s: %s\n", err_name(status), scene->err.message);
    assert_int_equal(status, code);
    assert_int_equal(scene->err.code, code);
    assert_non_null(strstr(scene->err.message, text));
}

/* It must have taken this long, not more than the engine may be late. */
static inline void scene_took(const struct scene *scene, int64_t ms)
{
    assert_in_range(clock_now_ms() + 1 - scene->started, ms, ms + 1 + LATE_MS);
}

#endif
