/* progress.h: tells people on standard error what takes long, from 300 ms on.
 *
 * On a terminal one line with the time that has passed, redrawn in place and removed at the end; elsewhere a
 * plain line when it begins to take long and one every 15 s. A thread of its own draws (the main thread sits
 * in the plugin); it blocks all signals. All other text on standard error goes through progress_print, which
 * keeps the two apart.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "mem.h"
#include "out.h"

/* Begins; `what` ("acquiring a sandbox") must live until progress_end. One at a time. */
void progress_begin(const struct out *out, const char *what);
void progress_end(void);

/* Prints to standard error, above the line on a terminal. Any thread. */
void progress_print(const char *format, ...) PRINTF(1, 2);

#endif
