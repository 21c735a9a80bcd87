/* out.h: what people read. Results go to standard output, everything else to standard error.
 *
 * Texts from the service pass through out_text or a struct err, which take the control characters out:
 * nothing that a sandbox or a server says can move the cursor. Only the streams of a command are passed
 * through as they are.
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdio.h>

#include "err.h"

struct out {
    bool json;    /* one JSON object on standard output instead of text */
    bool quiet;   /* no notes, no progress: errors only */
    bool verbose; /* the plugin's whole log */
    bool color;   /* of standard output */
};

enum out_color { OUT_GREEN = 32, OUT_YELLOW = 33, OUT_RED = 31, OUT_DIM = 2 };

void out_init(struct out *out, bool json, bool quiet, bool verbose);

/* "eep: ..." on standard error, unless quiet. */
void out_note(const struct out *out, const char *format, ...) PRINTF(2, 3);

/* "eep: ..." on standard error, always: something went wrong that is no error of the verb. */
void out_warn(const char *format, ...) PRINTF(1, 2);

/* "eep: VERB: message (where)", and on the next line what can be done. Only a lease that the verb has made is
 * one to destroy: any other is the user's, with the user's files. */
void out_failure(const char *verb, const struct err *err, bool made_lease);

/* Prints text padded to `width`, in a colour when standard output is a terminal. */
void out_painted(const struct out *out, enum out_color color, const char *text, int width);

/* Prints text without its control characters; an absent one as `otherwise`. */
void out_text(FILE *to, eep_str text, const char *otherwise);

/* "label      text" on standard output; nothing when the text is absent or empty. */
void out_row(const char *label, eep_str text);

/* Writes "2026-03-01 14:05:59", local time, into `text`, which is returned; "-" for 0. */
const char *out_time(int64_t milliseconds, char *text, size_t size);

/* An eep_str of a NUL-terminated text; absent for NULL. */
eep_str out_str(const char *text);

#endif
