/* columns.c: see columns.h. */
#include "columns.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"

int columns_left(int used)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return -1;
    return size.ws_col > used ? size.ws_col - used : 0;
}

/* How many bytes of UTF-8 fill `width` columns, taken as one for each character; *used becomes how many they are. */
static size_t fit(const char *text, int width, int *used)
{
    size_t len = 0;
    *used = 0;
    while (text[len] && (width < 0 || *used < width)) {
        len++;
        while (((unsigned char)text[len] & 0xc0) == 0x80)
            len++;
        ++*used;
    }
    return len;
}

/* Without what a terminal might act upon. free() it. */
static char *printable(eep_str text, const char *otherwise)
{
    char *copy = strndup(text.ptr ? text.ptr : otherwise, text.ptr ? text.len : strlen(otherwise));
    if (!copy) mem_out();
    err_make_printable(copy);
    return copy;
}

/* Returns how many columns it took. */
static int print_cut(eep_str text, const char *otherwise, int width)
{
    char *copy = printable(text, otherwise);
    int used = 0;
    size_t len = fit(copy, width, &used);
    if (width > 1 && copy[len]) { /* what is cut shows that it is */
        len = fit(copy, width - 1, &used);
        printf("%.*s~", (int)len, copy);
        used++;
    } else {
        printf("%.*s", (int)len, copy);
    }
    free(copy);
    return used;
}

void columns_print(eep_str text, const char *otherwise, int width)
{
    int used = print_cut(text, otherwise, width);
    if (width > used) printf("%*s", width - used, "");
}

void columns_print_last(eep_str text, const char *otherwise, int width)
{
    print_cut(text, otherwise, width);
}

/* -- Paragraphs -------------------------------------------------------------------------------- */

static int new_line(FILE *to, int indent)
{
    fprintf(to, "\n%*s", indent, "");
    return indent;
}

static int columns_of(const char *word, size_t len)
{
    int columns = 0;
    for (size_t i = 0; i < len; i++)
        columns += ((unsigned char)word[i] & 0xc0) != 0x80;
    return columns;
}

void columns_wrap(FILE *to, const char *text, int indent, int width)
{
    int at = indent;
    while (*text) {
        size_t len = strcspn(text, " \n");
        int word = columns_of(text, len);
        if (at > indent && width > 0 && at + 1 + word > width) at = new_line(to, indent);
        bool first = at == indent;
        fprintf(to, "%s%.*s", first ? "" : " ", (int)len, text);
        at += word + !first;
        text += len;
        if (*text == '\n') at = new_line(to, indent);
        if (*text) text++;
    }
    fputc('\n', to);
}

/* Narrower columns are harder to read than lines that the terminal breaks. */
#define NARROWEST 24

void columns_print_paragraph(eep_str text, const char *otherwise, int indent)
{
    char *copy = printable(text, otherwise);
    int left = columns_left(indent);
    columns_wrap(stdout, copy, indent, left >= NARROWEST ? indent + left : -1);
    free(copy);
}
