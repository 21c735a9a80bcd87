/* create_check.h: what the service refuses in the body of a create, in its words (protocol 4.1, 4.3). */
#ifndef STANDIN_CREATE_CHECK_H
#define STANDIN_CREATE_CHECK_H

#include "fail.h"

#include <json-c/json.h>

int create_check(struct json_object *body, struct fail *why);

#endif
