#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/forbid.h"

static void test_random_digits(void **state)
{
    char a[2 * 64 + 1];
    char b[2 * 64 + 1];
    (void)state;
    for (size_t bytes = 1; bytes <= 64; bytes++) {
        memset(a, '?', sizeof a);
        random_hex(a, bytes);
        assert_int_equal(strlen(a), 2 * bytes);
        assert_int_equal(strspn(a, "0123456789abcdef"), 2 * bytes);
        if (bytes < 8) continue; /* shorter ones may be equal by chance */
        random_hex(b, bytes);
        assert_string_not_equal(a, b);
        assert_string_not_equal(a + bytes, b + bytes);
    }
}

static void test_random_bytes_differ(void **state)
{
    unsigned char first = random_byte();
    (void)state;
    for (int i = 0; i < 100; i++)
        if (random_byte() != first) return;
    fail_msg("100 random bytes are the same");
}

/* What a child without the kernel's generator comes up with, twice: 2 = there is no filter here. */
static int draw_without_generator(int to)
{
    char drawn[2][33];
    if (!forbid_system_call(SYS_getrandom, ENOSYS)) return 2; /* as in a host whose filter does not know it */
    random_hex(drawn[0], 16);
    random_hex(drawn[1], 16);
    return write(to, drawn, sizeof drawn) == sizeof drawn ? 0 : 1;
}

/* Equal names would be taken for one sandbox, equal ids for one command. */
static void test_without_the_kernels_generator_names_differ(void **state)
{
    char drawn[4][33];
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 2; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0) _exit(draw_without_generator(ends[1]));
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
            print_message("SKIP: a process may not filter its own system calls here\n");
            skip();
        }
        assert_int_equal(status, 0);
        assert_int_equal(read(ends[0], drawn[2 * i], sizeof drawn / 2), sizeof drawn / 2);
    }
    for (int i = 0; i < 4; i++)
        for (int other = 0; other < i; other++)
            assert_string_not_equal(drawn[i], drawn[other]);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_digits),
        cmocka_unit_test(test_random_bytes_differ),
        cmocka_unit_test(test_without_the_kernels_generator_names_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
