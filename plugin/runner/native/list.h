/* list.h: one line for each execution, the one that changed last first. */
#ifndef NATIVE_LIST_H
#define NATIVE_LIST_H

#include "record.h"
#include "request.h"

void list(const struct request *request, struct record *record);

#endif
