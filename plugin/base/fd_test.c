/* Runs with 0 to 2 closed in between: nothing is printed then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

static int saved[3];

static void close_stdio(void)
{
    for (int fd = 0; fd < 3; fd++) {
        saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 64);
        close(fd);
    }
}

static void restore_stdio(void)
{
    for (int fd = 0; fd < 3; fd++) {
        dup2(saved[fd], fd);
        close(saved[fd]);
    }
}

static void test_low_ones_are_moved(void **state)
{
    (void)state;
    close_stdio();
    int low = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int moved = fd_above_stdio(low);
    int flags = fcntl(moved, F_GETFD);
    int left = fcntl(0, F_GETFD);
    restore_stdio();
    assert_int_equal(low, 0);
    assert_true(moved > 2);
    assert_int_equal(flags, FD_CLOEXEC);
    assert_int_equal(left, -1);
    assert_int_equal(fd_above_stdio(moved), moved);
    assert_int_equal(fd_above_stdio(-1), -1);
    close(moved);
}

static void test_each_of_the_three_is_moved(void **state)
{
    int moved[3];
    (void)state;
    close_stdio();
    for (int fd = 0; fd < 3; fd++) {
        dup2(saved[0], fd);
        moved[fd] = fd_above_stdio(fd);
    }
    restore_stdio();
    for (int fd = 0; fd < 3; fd++) {
        assert_true(moved[fd] > 2);
        close(moved[fd]);
    }
}

static void test_a_guard_fills_the_gaps(void **state)
{
    struct fd_guard guard;
    (void)state;
    close_stdio();
    fd_guard_init(&guard);
    int opened = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int count = guard.count;
    fd_guard_finish(&guard);
    int left = fcntl(2, F_GETFD);
    restore_stdio();
    close(opened);
    assert_true(opened > 2);
    assert_int_equal(count, 3);
    assert_int_equal(left, -1);
    fd_guard_init(&guard); /* nothing to fill */
    assert_int_equal(guard.count, 0);
    fd_guard_finish(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_low_ones_are_moved),
        cmocka_unit_test(test_each_of_the_three_is_moved),
        cmocka_unit_test(test_a_guard_fills_the_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
