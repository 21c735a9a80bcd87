/* common.c: the options that verbs have in common. */
#include "cli.h"

const struct option_spec common_options[] = {
    {"plugin", 0, OPTION_TEXT, offsetof(struct common_args, plugin), "FILE",
     "the plugin (default: EEP_PLUGIN, or eep-daytona.so beside eep, or in ../lib/eep from there)", 0, NULL},
    {"config", 0, OPTION_TEXT, offsetof(struct common_args, config), "FILE",
     "the configuration, JSON; \"-\" is standard input (default: EEP_CONFIG, or none)", 0, NULL},
    {"set", 0, OPTION_LIST, offsetof(struct common_args, settings), "KEY=VALUE",
     "set a key of the configuration; VALUE is JSON or a text; @FILE = the text of a file. May be repeated",
     0, NULL},
    {"no-trust-env", 0, OPTION_FLAG, offsetof(struct common_args, no_trust_env), NULL,
     "do not read DAYTONA_* and proxy variables", 0, NULL},
    {"json", 0, OPTION_FLAG, offsetof(struct common_args, json), NULL, "print one JSON object", 0, NULL},
    {"quiet", 'q', OPTION_FLAG, offsetof(struct common_args, quiet), NULL,
     "no notes and no progress, errors only", 0, NULL},
    {"verbose", 'v', OPTION_FLAG, offsetof(struct common_args, verbose), NULL, "show the plugin's whole log",
     0, NULL},
    {0},
};

const struct option_spec wait_options[] = {
    {"timeout", 0, OPTION_DURATION, offsetof(struct wait_args, timeout_ms), "DURATION",
     "time for the work: 1500ms, 30s, 5m, 2h (default: timeoutMs of the configuration; health: 5s)", 0, NULL},
    {"grace", 0, OPTION_DURATION, offsetof(struct wait_args, grace_ms), "DURATION",
     "time for undoing it when it fails or is interrupted (default: graceMs of the configuration: 10s)", 0,
     NULL},
    {"trace-id", 0, OPTION_TEXT, offsetof(struct wait_args, trace_id), "TEXT",
     "sent with every request, for the service's logs", 0, NULL},
    {0},
};
