/* request.h: what a request asks for. It comes as base64 on standard input, so that no secret is ever in an argument
 * list; plugin/runner/native.c writes it. */
#ifndef NATIVE_REQUEST_H
#define NATIVE_REQUEST_H

#include "base.h"

struct words {
    char **at; /* ends with NULL */
    size_t count;
};

struct request {
    /* Texts are "" when they are not given. */
    const char *operation;
    const char *nonce;
    const char *id;
    const char *dir;
    const char *digest;
    const char *shell; /* what runs the script; "" = argv runs by itself, "auto" = bash or sh */
    const char *usual_shell;
    const char *cwd;
    const char *rungs; /* SIGNAL:MS … */
    const char *script;
    const char *input;
    size_t script_len;
    size_t input_len;
    bool has_input; /* else the command reads /dev/null */
    bool merge;
    bool login;
    bool news;
    uint64_t window; /* ms */
    uint64_t limit;  /* ms */
    uint64_t max_output;
    uint64_t offset_out;
    uint64_t offset_err;
    uint64_t inline_max;
    uint64_t most;
    struct words argv;
    struct words env; /* NAME=VALUE */
};

/* Reads standard input; false when it is no request. */
bool request_read(struct request *request);

/* This program's own environment. */
extern char **environment;
const char *environment_get(const char *name);

#endif
