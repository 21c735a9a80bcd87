/* standin.h: a daytona-standin process of the test's own, and its control area.
 *
 * It ends with the test program, whatever becomes of that. Every wait has a limit; what fails ends the test
 * with a message. The control area is plain http: it cannot be used with --tls-cert. */
#ifndef INTEGRATION_STANDIN_H
#define INTEGRATION_STANDIN_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The API key that stand-ins take. Whatever a plugin lets out is searched for it (host.h). */
#define SENTINEL "sentinel-9f2c41d7"

struct standin {
    pid_t pid;
    char api[128]; /* http://127.0.0.1:N/api */
    unsigned port;
};

/* Options end with NULL; --port, --ready-fd, --key, --control and --quiet are added. */
void standin_start(struct standin *standin, const char *const *options);
void standin_stop(struct standin *standin);

/* One that another process has started, by its `api`. It is not to be stopped here. */
void standin_attach(struct standin *standin, const char *api);

/* Anything of the control area: what it answers, or NULL for nothing and for a 404. `body` may use ' for "; "" = none. */
json_object *standin_control(const struct standin *standin, const char *method, const char *path,
                             const char *body);

/* What there really is: "live", "created", "destroyed", "processes". */
long standin_total(const struct standin *standin, const char *what);

/* The id of the only sandbox that there is, into id[64]. */
void standin_only_id(const struct standin *standin, char *id);

/* Makes a sandbox as another tool would: `body` of POST /sandbox, ' for ". Its id, into id[64]. (In the log, too.) */
void standin_create(const struct standin *standin, const char *body, char *id);

/* Does the sandbox bear this label? (This is in the log, too.) */
bool standin_has_label(const struct standin *standin, const char *id, const char *name, const char *value);

/* Ends the sandbox's processes and puts it into a state: {"state":"stopped"}. */
void standin_force(const struct standin *standin, const char *id, const char *state);

/* Makes its clock wrong: timestamps and Date. */
void standin_set_clock(const struct standin *standin, long offset_ms);

/* Replaces the rules of faults; `rules` may use ' for ". NULL = none. */
void standin_faults(const struct standin *standin, const char *rules);

/* The log: how many requests there were since the last standin_forget, of a method (NULL = any) to a path
 * that contains `path` (NULL = any). */
void standin_forget(const struct standin *standin);
size_t standin_count(const struct standin *standin, const char *method, const char *path);

/* Over how many connections requests came that came one after another. */
size_t standin_connections(const struct standin *standin);

/* The log, a request a line, for messages. Static memory. */
const char *standin_log_text(const struct standin *standin);

#endif
