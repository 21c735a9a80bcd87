/* cli.h: what every verb is made of, and gets.
 *
 * A verb is a constant struct verb in a file verb_NAME.c; main.c has the list. Its run function reads its
 * arguments (the verb's own struct, filled by options_parse, whose first member is a struct common_args),
 * does its work, prints, and either returns EEP_OK with an exit status, or a code with `err` filled, which
 * main.c reports.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <json-c/json.h>

#include "err.h"
#include "options.h"
#include "out.h"
#include "session.h"

#define CLI_VERSION "0.1.0"

/* Options that all verbs have. */
struct common_args {
    const char *plugin;
    const char *config;
    struct text_list settings;
    bool no_trust_env;
    bool json;
    bool quiet;
    bool verbose;
};

/* Options of the verbs that wait for a service. */
struct wait_args {
    uint32_t timeout_ms;
    uint32_t grace_ms;
    const char *trace_id;
};

extern const struct option_spec common_options[];
extern const struct option_spec wait_options[];

struct verb;

/* One run of the program. */
struct cli {
    const struct verb *verb;
    const struct common_args *common;
    struct operands operands;
    struct out out;
    struct session session;
    int status_fd;        /* --status-fd; -1 = none */
    json_object *partial; /* of a command that was cancelled or ran out of time; NULL = none */
};

struct verb {
    const char *name;
    const char *summary; /* for `eep --help` */
    const char *usage;   /* its lines for `--help`, without "eep"; separated by line ends */
    const char *about;   /* paragraphs for `--help` */
    const struct option_group *options;
    size_t args_size;
    const char *operand;   /* the first operand that it needs: "LEASE"; NULL = it takes none */
    const char *operand_2; /* the second one: "ID"; NULL = there is none */
    bool takes_command;    /* words after "--" */
    bool makes_lease;      /* what it leaves behind when it fails is nobody else's, and has to be destroyed */
    bool passes_exit_status; /* exits with the command's status, so a wrong command line is 125 */
    int (*run)(struct cli *cli, const void *args, int *exit_status, struct err *err);
};

extern const struct verb verb_info;
extern const struct verb verb_validate;
extern const struct verb verb_probe;
extern const struct verb verb_health;
extern const struct verb verb_acquire;
extern const struct verb verb_resume;
extern const struct verb verb_realize;
extern const struct verb verb_exec;
extern const struct verb verb_attach;
extern const struct verb verb_ps;
extern const struct verb verb_kill;
extern const struct verb verb_drop;
extern const struct verb verb_release;
extern const struct verb verb_run;
extern const struct verb verb_list;
extern const struct verb verb_keepalive;
extern const struct verb verb_reap;
extern const struct verb verb_explain;

#endif
