/* A child of fork() reads JSON, whatever the threads of its parent were doing with libc's locales at that moment. */
#include <dlfcn.h>
#include <locale.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"

enum { CHILDREN = 50, THREADS = 2, LIMIT_S = 5 };

static atomic_bool over;

/* libc's lock is held for most of this. (Its own function: what this program calls by that name is ours.) */
static void *copy_locales(void *argument)
{
    locale_t (*copy)(locale_t from);
    void *symbol = dlsym(RTLD_DEFAULT, "duplocale");
    memcpy(&copy, &symbol, sizeof copy);
    while (!atomic_load(&over))
        freelocale(copy(LC_GLOBAL_LOCALE));
    return argument;
}

/* Its exit code. */
static int read_number(void)
{
    CLEANUP(json_finish) json *tree = NULL;
    struct err err = ERR_INIT;
    signal(SIGALRM, SIG_DFL);
    alarm(LIMIT_S);
    if (json_parse(STR("{\"half\": 0.5, \"two\": 2}"), &tree, &err) != EEP_OK) return 1;
    return json_get(tree, "two") ? 0 : 2;
}

static void test_a_child_reads_json(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it cannot follow threads into a child */
#endif
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, copy_locales, NULL), 0);
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) _exit(read_number());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    atomic_store(&over, true);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_child_reads_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
