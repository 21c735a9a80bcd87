/* answer.h: what the requester says, in the grammar of ../README.md. */
#ifndef NATIVE_ANSWER_H
#define NATIVE_ANSWER_H

#include "record.h"
#include "request.h"

extern const char *const state_names[];

struct totals {
    uint64_t out;
    uint64_t err;
    bool held; /* background children still write */
};

/* Sizes as they are now. What is DONE without its output becomes EXPIRED. */
void answer_measure(struct record *record, struct totals *totals);

/* "EEP1 NONCE " and the words. */
void answer_begin(struct text *text, const struct request *request, const char *words);

/* State, sizes, outcome, and what there is of the streams beyond the offsets. */
void answer(const struct request *request, const struct record *record, bool attached);

/* Nothing was started, and why. */
void answer_refused(const struct request *request, const char *why);

#endif
