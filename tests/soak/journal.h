/* journal.h: what hosts know, written down as it happens, so that it outlives a host that is killed.
 *
 * A line for each fact, words separated by blanks:
 *
 *   told LEASE                  a call or its error has named this lease
 *   unnamed                     an acquire failed, may have been applied, and names nothing
 *   destroyed LEASE             a release says that it is gone, confirmed
 *   ran LEASE ID SURE           1: this command has ended well; 0: nobody knows
 *   call WHAT CODE LEASE TEXT   every call, and what its error says
 *   late WHAT MS                by how much a call came back after its deadline and grace
 *   wrong TEXT                  something that must never be
 *   grown WHAT BEFORE AFTER     the host itself
 *
 * Writing is thread-safe, and a line is in the file when the call returns.
 */
#ifndef SOAK_JOURNAL_H
#define SOAK_JOURNAL_H

#include <stdio.h>

struct journal {
    FILE *file;
};

void journal_open(struct journal *journal, const char *path);
void journal_close(struct journal *journal);
void journal_write(struct journal *journal, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads every journal in the directory, line by line; a last line that was cut off is left out. */
void journal_read_all(const char *directory, void (*take)(void *ctx, const char *line), void *ctx);

#endif
