/* columns.h: text in columns: cells of tables, and paragraphs as wide as the terminal. */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include <stdio.h>

#include "abi/eep.h"

/* How many columns of a terminal are left after `used`; -1 when standard output is none, so that nothing is cut. */
int columns_left(int used);

/* Prints text without control characters in exactly `width` columns, cut with a "~" if it is longer; in all of
 * it when width is negative. */
void columns_print(eep_str text, const char *otherwise, int width);

/* The same for the last cell of a row, which is cut but not filled up: blanks at the edge of a terminal are a line of
 * their own on many. */
void columns_print_last(eep_str text, const char *otherwise, int width);

/* Prints text without control characters, and a line end; in as many lines as the terminal needs, all of them indented,
 * but for the first, which is by now. In one line when standard output is no terminal, for grep. */
void columns_print_paragraph(eep_str text, const char *otherwise, int indent);

/* The same with a width of one's own; negative = one line. "\n" begins a new one. Words are never broken. */
void columns_wrap(FILE *to, const char *text, int indent, int width);

#endif
