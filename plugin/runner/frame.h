/* frame.h: the lines of a runner's answer. Views into the text: nothing is copied, nothing allocated.
 *
 *     frame = "EEP1 " nonce " " word *(" " key "=" value) " ." LF  *line  "EEP1 " nonce " end" LF
 */
#ifndef RUNNER_FRAME_H
#define RUNNER_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "eep.h"

#define FRAME_FIELDS 20

struct frame_field {
    eep_str key;
    eep_str value;
    bool used;
};

struct frame {
    eep_str nonce;
    eep_str word;
    struct frame_field fields[FRAME_FIELDS];
    size_t count;
    eep_str rest; /* what has not been read yet */
};

/* EEP_E_PROTOCOL with "the sandbox's answer is not what the runner sends: why". */
int frame_error(struct err *err, const char *why);

/* Finds the head line with this nonce, after whatever noise, and takes it apart. */
NODISCARD int frame_begin(eep_str text, eep_str nonce, struct frame *frame, struct err *err);

/* The value of a key; absent if there is none. Marks it as used. */
eep_str frame_get(struct frame *frame, const char *key);

/* A number from 0 to max; an absent key is an error. */
NODISCARD int frame_u64(struct frame *frame, const char *key, uint64_t max, uint64_t *out, struct err *err);

/* Fails if a key has not been used. */
NODISCARD int frame_all_used(const struct frame *frame, struct err *err);

/* Takes the next line, without its end. */
NODISCARD int frame_line(struct frame *frame, eep_str *line, struct err *err);

/* Is the next line the last one? Then takes it. */
bool frame_ends(struct frame *frame);

/* Takes the next line, which must be NAME, a blank and a text of less than cap bytes without control
 * characters. */
NODISCARD int frame_text(struct frame *frame, const char *name, char *out, size_t cap, struct err *err);

#endif
