/* world.h: what every runner test needs: a shell as the service's shell, a fresh home, and requests that go
 * through the plugin's own codec. Failing helpers fail the cmocka test. */
#ifndef RUNNER_WORLD_H
#define RUNNER_WORLD_H

/* cmocka wants these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "runner/answer.h"
#include "runner/request.h"
#include "service.h"

#define WORLD_ENV 24

/* No wait is longer. */
#define WORLD_LIMIT_MS 20000

/* Who does what is asked: the runner in sh, the native one, or whichever the sandbox has. */
struct world {
    struct service service;
    enum runner_use use;
    char native[300];  /* the native runner's path; "" = there is none */
    char home[256];    /* a fresh folder */
    char records[300]; /* the runner's folder in it */
    char nonce[RUNNER_NONCE_LEN + 1];
    char *env[WORLD_ENV];
    size_t env_count;
    unsigned serial;
    int window_ms; /* of the service */
};

/* The four shells, by name. */
extern const char *const world_shells[4];

/* Runs `test` for each shell under each runner, in a fresh world; both names are printed when it fails. EEP_RUNNER=sh or
 * =native chooses one of the runners. A native runner that was not built is told as SKIP. */
void for_each_shell(void (*test)(struct world *world));

/* The same for one of the shells. */
void for_shell(const char *shell, void (*test)(struct world *world));

/* One world by itself; `shell` is one of world_shells. */
void world_init(struct world *world, const char *shell, enum runner_use use);
void world_finish(struct world *world);

bool world_is_native(const struct world *world);

/* Do the requests from here on by the other runner. */
void world_use(struct world *world, enum runner_use use);

/* Sets or replaces NAME=VALUE of the service's environment. */
void world_setenv(struct world *world, const char *assignment);

/* An id as this process uses it. All that the runner kills it finds by ids, in the whole machine: somebody else's test
 * may run, too. Every id below may be given in either form. Memory that stays. */
const char *world_own(const char *id);

/* A new execution id. */
const char *world_id(struct world *world, char id[32]);

/* A start with the usual settings: 1 MiB inline, a limit of 30 s, a script. */
struct runner_start world_script(const char *id, const char *script);

/* Sends a start and parses the answer. False if the window ended it (408). */
bool world_start(struct world *world, const struct runner_start *start, struct runner_answer *answer);

/* The same in two halves, for what happens meanwhile. */
struct pending {
    struct runner_start start;
    char nonce[RUNNER_NONCE_LEN + 1];
    struct buf text;
    struct request request;
};

void world_begin(struct world *world, const struct runner_start *start, struct pending *pending);
void world_feed(
    struct pending *pending); /* until then the shell waits for its text; world_end does so, too */
bool world_end(struct world *world, struct pending *pending, struct runner_answer *answer);

/* Runs a script under a new id, to its end; the answer must be DONE. */
void world_run(struct world *world, const char *script, struct runner_answer *answer);

void world_attach(struct world *world, const char *id, const struct runner_wait *wait,
                  struct runner_answer *answer);
void world_kill(struct world *world, const char *id, const struct runner_ladder *ladder,
                struct runner_answer *answer);
void world_drop(struct world *world, const char *id, struct runner_answer *answer);

/* Sends any text; the reply's text must be finished by the caller. */
void world_send(struct world *world, const struct buf *text, struct reply *reply);

/* Attaches until the state is `state` or WORLD_LIMIT_MS are over. */
void world_await(struct world *world, const char *id, enum runner_state state, struct runner_answer *answer);

/* A fresh call with a new nonce. */
struct runner_call world_call(struct world *world, const char *id);

/* Files below the records' folder. */
bool world_has(const struct world *world, const char *id, const char *suffix);
void world_write(const char *path, const char *text);
/* The file's content, NUL-terminated; "" if there is none. Static memory. */
const char *world_read(const char *path);
const char *world_path(const struct world *world, const char *name);

/* Waits until a file exists. */
void world_await_file(const char *path);

/* Waits until a process is gone. */
void world_await_gone(int pid);

/* Looks into every argument list of the machine: does one hold this? */
bool world_in_arguments(const char *needle);

/* Field n (1 = pid) of the marker line of an execution. 4 = the supervisor's pid … see README.md */
int world_supervisor(const struct world *world, const char *id);

/* The living processes of the supervisor's session, without itself and the command: how many. */
#define WORLD_HELPERS 32
size_t world_helpers(const struct world *world, const char *id, int pids[WORLD_HELPERS]);

void assert_bytes(const struct buf *actual, const void *expected, size_t len);
void assert_text(const struct buf *actual, const char *expected);

#endif
