/* columns_test.c: cells of exactly so many columns, and paragraphs in the width of a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "columns.h"
#include "out.h"

static void expect_wrapped(const char *text, int indent, int width, const char *expected)
{
    char *is = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&is, &len);
    columns_wrap(to, text, indent, width);
    fclose(to);
    assert_string_equal(is, expected);
    free(is);
}

static void words_stay_whole(void **state)
{
    (void)state;
    expect_wrapped("aaa bbb ccc ddd\neee", 2, 9, "aaa bbb\n  ccc ddd\n  eee\n");
    expect_wrapped("aaa bbbbbbbbbbbb c", 0, 6, "aaa\nbbbbbbbbbbbb\nc\n");
    expect_wrapped("aaa bbb ccc ddd", 2, -1, "aaa bbb ccc ddd\n");
    expect_wrapped("", 4, 80, "\n");
}

static void letters_count_not_bytes(void **state)
{
    (void)state;
    expect_wrapped("\303\274\303\274\303\274 \303\274\303\274\303\274", 0, 7,
                   "\303\274\303\274\303\274 \303\274\303\274\303\274\n");
}

/* What `print` writes when standard output is a terminal of so many columns. */
static void on_terminal(unsigned short columns, void (*print)(void), char *text, size_t size)
{
    struct winsize window = {.ws_row = 24, .ws_col = columns};
    int own = dup(STDOUT_FILENO), terminal = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    int end = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    assert_int_equal(ioctl(end, TIOCSWINSZ, &window), 0);
    fflush(stdout);
    dup2(end, STDOUT_FILENO);
    print();
    fflush(stdout);
    dup2(own, STDOUT_FILENO);
    ssize_t len = read(terminal, text, size - 1);
    close(own);
    close(end);
    close(terminal);
    assert_true(len > 0);
    text[len] = '\0';
}

static void print_a_paragraph(void)
{
    printf("%-10s", "advice:");
    columns_print_paragraph(out_str("one two three four five\033[2J six seven eight"), "", 10);
}

static void a_paragraph_fits_the_terminal(void **state)
{
    char text[512];
    (void)state;
    on_terminal(40, print_a_paragraph, text, sizeof(text));
    assert_string_equal(text, "advice:   one two three four five?[2J\r\n          six seven eight\r\n");
    on_terminal(30, print_a_paragraph, text, sizeof(text)); /* too narrow for columns */
    assert_string_equal(text, "advice:   one two three four five?[2J six seven eight\r\n");
}

static void print_cells(void)
{
    columns_print(out_str("abc"), "", 5);
    columns_print(out_str("abcdefgh"), "", 5);
    columns_print(out_str(NULL), "-", 3);
    columns_print(out_str("gr\303\274nlich"), "", 5);
    columns_print(out_str("abcdefgh"), "", -1);
    columns_print_last(out_str("last"), "", 9);
}

static void a_cell_has_its_width(void **state)
{
    char text[512];
    (void)state;
    on_terminal(80, print_cells, text, sizeof(text));
    assert_string_equal(text, "abc  abcd~-  gr\303\274n~abcdefghlast");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stay_whole),
        cmocka_unit_test(letters_count_not_bytes),
        cmocka_unit_test(a_paragraph_fits_the_terminal),
        cmocka_unit_test(a_cell_has_its_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
