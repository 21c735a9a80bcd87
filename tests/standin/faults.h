/* faults.h: rules that make the server misbehave on purpose (README.md has the format).
 *
 * A rule matches by method, path, query and connection, skips the first "nth"-1 matches, then applies "count"
 * times, each time by "chance". The first rule that applies decides. Thread-safe.
 */
#ifndef STANDIN_FAULTS_H
#define STANDIN_FAULTS_H

#include "fail.h"
#include "history.h"
#include "sandbox.h"

#include <json-c/json.h>
#include <pthread.h>
#include <stdbool.h>

enum drop_point { DROP_NOT, DROP_BEFORE, DROP_AFTER_ACTION, DROP_AFTER_HEADERS, DROP_MID_BODY };

/* What to do to one request. Owns a copy of the rule; zero means: nothing. */
struct fault {
    struct json_object *rule;
    int delay_ms;        /* before acting */
    int answer_delay_ms; /* after it */
    int status;          /* 0 = answer as usual; else this ... */
    bool acts;           /* ... but only after acting */
    const char *body;    /* with status */
    const char *content_type;
    const char *message;         /* or the service's own error body with this text */
    struct json_object *headers; /* added to whatever is answered; may be NULL */
    enum drop_point drop;
    bool reset; /* drop with a reset instead of an orderly end */
    int stale_ms;
    int stale_requests;
    int hold_ms;       /* 0 = as the options say */
    int transition_ms; /* with rule: -1 = as the options say */
    bool stuck;
    struct json_object *ends; /* how the transition that the request begins fails, or NULL */
};

struct faults {
    pthread_mutex_t lock;
    struct json_object *rules; /* array; each rule counts its matches in "seen" and uses in "applied" */
};

/* What a rule can tell requests apart by. */
struct arrival {
    const char *method;
    const char *path;
    const char *query;
    bool reused; /* its connection has carried a request before */
};

void faults_init(struct faults *faults);
void faults_finish(struct faults *faults);

/* Replaces all rules by this JSON array (copied). Refused as a whole if one is wrong. */
int faults_install(struct faults *faults, struct json_object *rules, struct fail *why);
struct json_object *faults_to_json(struct faults *faults); /* with how often each was seen; to be put */

struct fault faults_take(struct faults *faults, const struct arrival *arrival);
void fault_finish(struct fault *fault);

/* For handlers. How long the transition takes that this request begins; then, once it was begun, its fate. */
int fault_transition_ms(const struct fault *fault, int usual_ms);
void fault_befall(const struct fault *fault, struct sandbox *sandbox);

/* Is the answer to be one from before? Then as of when. */
bool fault_is_stale(const struct fault *fault);
struct moment fault_moment(const struct fault *fault, uint64_t requests_so_far);

#endif
