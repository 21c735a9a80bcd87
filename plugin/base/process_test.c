/* A process has one number, and no child has its parent's. */
#include "base/process.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/forbid.h"

/* What the child finds; it must not report for the test program. */
static bool holds_in_child(bool (*look)(uint64_t parent), uint64_t parent)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) _exit(look(parent) ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_its_pid(uint64_t parent)
{
    (void)parent;
    if (!forbid_system_call(SYS_madvise, EINVAL)) _exit(2);
    return process_self() == (uint64_t)getpid();
}

/* Before the first look of this process. */
static void test_a_kernel_that_cannot_wipe(void **state)
{
    (void)state;
    assert_true(holds_in_child(is_its_pid, 0));
}

static void *thread_main(void *argument)
{
    (void)argument;
    return (void *)(uintptr_t)process_self();
}

static void test_threads_that_are_first_agree(void **state)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread_main, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *number = NULL;
        pthread_join(threads[i], &number);
        assert_true((uint64_t)(uintptr_t)number == process_self());
    }
    assert_true(process_self() != 0);
}

static bool is_another(uint64_t parent)
{
    uint64_t number = process_self();
    return number != 0 && number != parent && number == process_self();
}

static bool so_is_its_child(uint64_t parent)
{
    return is_another(parent) && holds_in_child(is_another, process_self()) &&
           holds_in_child(is_another, parent);
}

/* A child that has not looked itself does not hand its parent's number on. */
static bool its_child_is_another(uint64_t parent)
{
    return holds_in_child(is_another, parent);
}

static void test_children_are_others(void **state)
{
    (void)state;
    uint64_t number = process_self();
    assert_true(holds_in_child(is_another, number));
    assert_true(holds_in_child(so_is_its_child, number));
    assert_true(holds_in_child(its_child_is_another, number));
    assert_true(process_self() == number);
}

/* fork() without libc's knowledge, as a sandboxing host does it. -1 = it may not. */
static int status_of_child(unsigned long flags, bool (*look)(uint64_t parent), uint64_t parent)
{
    int status = 0;
    long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid < 0) return -1;
    if (pid == 0) _exit(look(parent) ? 0 : 1);
    assert_int_equal(waitpid((pid_t)pid, &status, 0), pid);
    return status;
}

static void test_a_child_of_the_bare_system_call(void **state)
{
    (void)state;
    assert_int_equal(status_of_child(0, is_another, process_self()), 0);
}

static bool is_another_first(uint64_t parent)
{
    return getpid() == 1 && is_another(parent);
}

/* The first process of a namespace starts the first one of another: both are 1. */
static bool starts_another_first(uint64_t parent)
{
    return is_another_first(parent) && status_of_child(CLONE_NEWPID, is_another_first, process_self()) == 0;
}

static void test_a_child_with_the_same_pid(void **state)
{
    (void)state;
    int status = status_of_child(CLONE_NEWUSER | CLONE_NEWPID, starts_another_first, process_self());
    if (status < 0) {
        print_message("SKIP: this machine allows no user namespaces\n");
        skip();
    }
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_kernel_that_cannot_wipe),
        cmocka_unit_test(test_threads_that_are_first_agree),
        cmocka_unit_test(test_children_are_others),
        cmocka_unit_test(test_a_child_of_the_bare_system_call),
        cmocka_unit_test(test_a_child_with_the_same_pid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
