/* harness.h: for the tests that drive a real stand-in over real sockets: start it, call it, end it.
 *
 * Every wait has a limit. A failure inside ends the test with a message (cmocka's fail_msg). The binary is
 * $STANDIN, or build/daytona-standin.
 */
#ifndef STANDIN_HARNESS_H
#define STANDIN_HARNESS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { LIMIT_MS = 60000 };

struct server {
    pid_t pid;
    char origin[128]; /* http://127.0.0.1:N */
    bool isolated;
};

/* arguments end with a NULL; --port, --ready-fd, --control and --quiet are added. */
struct server server_run(const char *const *arguments);
int server_end(struct server *server); /* SIGTERM; its exit code */

/* Runs the binary to its end: its exit code, and what it wrote to stderr and stdout together. */
int server_fails(const char *const *arguments, char *text, size_t cap);

struct answer {
    long status; /* 0 = no answer: the connection was closed */
    char *body;
    size_t len;
    char *headers;
    struct json_object *json; /* NULL if the body is not JSON */
    long connections;         /* how many had to be opened for it */
};

struct call {
    const char *method;
    const char *path; /* from the origin on: /api/..., /toolbox/... */
    const char *body;
    size_t len; /* 0 = strlen(body) */
    const char *type;
    const char *authorization; /* NULL = the right one, "" = none */
    const char *header;        /* one more */
    long timeout_ms;           /* leave after so long; 0 = LIMIT_MS */
    void *curl;                /* handle to use, with its connections; NULL = a fresh one */
};

struct answer call(const struct server *server, struct call what);
void answer_finish(struct answer *answer);

const char *text_at(const struct answer *answer, const char *key); /* "" if absent */
long number_at(const struct answer *answer, const char *key);

/* Calls that must succeed. */
void make_sandbox(const struct server *server, const char *body, char id[64]);
void expect_status(const struct server *server, const char *method, const char *path, const char *body,
                   long status);
void expect_state(const struct server *server, const char *id, const char *state); /* now */
void await_state(const struct server *server, const char *id, const char *state);

/* process/execute with a JSON body, or with plain text. */
struct answer execute_json(const struct server *server, const char *id, const char *body);
struct answer execute(const struct server *server, const char *id, const char *command);
void expect_output(const struct server *server, const char *id, const char *command, const char *output);

/* Runs it until it says so. */
void await_output(const struct server *server, const char *id, const char *command, const char *output);

long now_ms(void);
void nap(void); /* between two looks of a wait */

#endif
