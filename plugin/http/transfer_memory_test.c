/* A request that there is no memory to describe is not sent: half of it would be another one. (A DELETE without its name
 * is a GET.) */
#include <stdlib.h>
#include <string.h>

#include "http_testing.h"

/* The text that cannot be copied; NULL = all can. */
static const char *uncopyable;

/* libcurl calls this one. */
__attribute__((visibility("default"))) char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    if (uncopyable && strcmp(text, uncopyable) == 0) return NULL;
    char *copy = malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static void test_no_text_is_left_out(void **state)
{
    static const struct canned_exchange script = {.body = "{}", .times = CANNED_ALWAYS};
    static const char proxy[] = "http://127.0.0.1:1";
    struct canned_server *server = canned_start(&script, 1);
    (void)state;
    struct trial trial = trial_make("DELETE", canned_url(server), "/");
    trial.profile.proxy = proxy;
    trial.profile.no_proxy = "127.0.0.1";
    const char *const texts[] = {trial.url, "DELETE", trial.profile.user_agent, proxy,
                                 trial.profile.no_proxy};
    for (size_t i = 0; i < COUNT(texts); i++) {
        uncopyable = texts[i];
        trial_fails(&trial, EEP_E_NO_MEMORY, false);
        trial.err = (struct err)ERR_INIT;
    }
    assert_int_equal(canned_count(server, NULL), 0);
    uncopyable = NULL;
    trial_succeeds(&trial, 200, "{}");
    trial_finish(&trial);
    assert_int_equal(canned_count(server, "DELETE"), 1);
    canned_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_text_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
