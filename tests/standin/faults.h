/* faults.h: rules that make the server misbehave on purpose (README.md has the format).
 *
 * A rule matches by method and by the end of the path, skips the first "nth"-1 matches, then applies "count"
 * times. The first rule that matches decides. Thread-safe.
 */
#ifndef STANDIN_FAULTS_H
#define STANDIN_FAULTS_H

#include "fail.h"

#include <json-c/json.h>
#include <pthread.h>

enum drop_point { DROP_NOT, DROP_BEFORE, DROP_AFTER_ACTION, DROP_AFTER_HEADERS, DROP_MID_BODY };

/* What to do to one request. Owns a copy of the rule; zero means: nothing. */
struct fault {
    struct json_object *rule;
    int delay_ms;
    int status;       /* 0 = act as usual; else answer this without acting */
    const char *body; /* with status */
    const char *content_type;
    struct json_object *headers; /* added to whatever is answered; may be NULL */
    enum drop_point drop;
};

struct faults {
    pthread_mutex_t lock;
    struct json_object *rules; /* array; each rule counts its matches in "seen" */
};

void faults_init(struct faults *faults);
void faults_finish(struct faults *faults);

/* Replaces all rules by this JSON array (copied). Refused as a whole if one is wrong. */
int faults_install(struct faults *faults, struct json_object *rules, struct fail *why);
struct json_object *faults_to_json(struct faults *faults); /* with how often each was seen; to be put */

struct fault faults_take(struct faults *faults, const char *method, const char *path);
void fault_finish(struct fault *fault);

#endif
