/* outcome.h: what process/execute and process/code-run have in common: fields of the request, and the answer. */
#ifndef STANDIN_OUTCOME_H
#define STANDIN_OUTCOME_H

#include "execution.h"

/* The command that a body's cwd, envs and timeout belong to. */
struct command outcome_command(struct json_object *body, const char *text, size_t len);

bool outcome_check_names(struct request *request,
                         struct json_object *envs); /* false after a reply; NULL is fine */
/* A NUL fits into no variable: false after a reply. */
bool outcome_check_values(struct request *request, struct json_object *body);
void outcome_reply(struct request *request, const struct execution *execution);

#endif
