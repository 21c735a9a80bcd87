/* options.h: what the command line says. Strings point into argv or are constants: nothing to free. */
#ifndef STANDIN_OPTIONS_H
#define STANDIN_OPTIONS_H

#include "quota.h"

#include <stdbool.h>
#include <stddef.h>

enum isolation_mode { ISOLATION_AUTO, ISOLATION_FULL, ISOLATION_NONE };

/* How long each transition of a sandbox takes, in milliseconds. */
struct transition_times {
    int create_ms;
    int start_ms;
    int stop_ms;
    int remove_ms;
    int archive_ms;
    int restore_ms;
};

enum { OPTIONS_MAX_THROTTLES = 16 };

struct options {
    int port;
    int ready_fd; /* -1 = none */
    const char *bind;
    const char *listen; /* NULL = bind, a loopback address; else anything, with conditions */
    bool is_open;       /* listens to more than this machine */
    const char *key;
    const char *jwt;          /* NULL = not accepted */
    const char *organization; /* the organization of every sandbox */
    const char *dir;          /* NULL = a fresh directory, removed at exit */
    const char *state;        /* NULL = nothing is kept */
    const char *log_file;
    const char *tls_cert;
    const char *tls_key;
    const char *shell;      /* NULL = the service's rule */
    const char *public_url; /* NULL = where we listen */
    struct transition_times times;
    int create_blocks_ms;
    int minute_ms;
    int clock_offset_ms; /* how wrong the service's clock is */
    const char *throttles[OPTIONS_MAX_THROTTLES];
    size_t throttle_count;
    int idle_seconds;
    int max_sandboxes; /* 0 = any number */
    struct quota quota;
    struct quota sandbox_quota;
    enum isolation_mode isolation;
    bool share_net;
    bool control;
    bool quiet;
};

/* True: go on. False: end with *exit_code (0 after --help, 2 after a mistake, which has been explained). */
bool options_parse(struct options *options, int argc, char **argv, int *exit_code);

#endif
