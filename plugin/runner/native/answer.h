/* answer.h: what the requester says, in the grammar of ../README.md. */
#ifndef NATIVE_ANSWER_H
#define NATIVE_ANSWER_H

#include "record.h"
#include "request.h"

/* State, sizes, outcome, and what there is of the streams beyond the offsets. */
void answer(const struct request *request, const struct record *record, bool attached);

/* Nothing was started, and why. */
void answer_refused(const struct request *request, const char *why);

#endif
