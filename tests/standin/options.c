#include "options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "daytona-standin: a local server that speaks Daytona's API and runs commands in isolated sandboxes.\n"
    "\n"
    "  daytona-standin [--port 3986] [--key local-key]\n"
    "\n"
    "Where and who\n"
    "  --port N              port on loopback; 0 takes any free one (default 3986)\n"
    "  --bind ADDRESS        a loopback address (default 127.0.0.1); others are refused\n"
    "  --listen ADDRESS      any address of this machine; beyond loopback only with a --key of your own, "
    "full isolation,\n"
    "                        without --control, and with --public-url for 0.0.0.0\n"
    "  --ready-fd N          when ready, write the API's base URL and a newline to descriptor N, then close "
    "it\n"
    "  --key KEY             the API key to accept (default local-key)\n"
    "  --jwt TOKEN           also accept this token, together with --organization\n"
    "  --organization ID     organization of all sandboxes; needed in a header with --jwt (default local)\n"
    "  --tls-cert F --tls-key F   serve https with these PEM files\n"
    "  --public-url URL      origin to name in toolboxProxyUrl, when clients come through a forwarder\n"
    "\n"
    "Sandboxes\n"
    "  --dir D               keep sandboxes below D (default: a fresh directory, removed at exit)\n"
    "  --state D             keep sandboxes and their files in D, over the end of the server, also a sudden "
    "one\n"
    "  --isolation MODE      full: bubblewrap or nothing; none: plain processes; auto (default): full if "
    "possible\n"
    "  --share-net           sandboxes share the network of this machine (default: loopback of their own "
    "only)\n"
    "  --shell 'PATH [ARG]'  shell of process/execute (default: zsh or bash if in /etc/shells, else sh)\n"
    "  --max-sandboxes N     further creates get the service's quota error\n"
    "  --quota C/M/D         so many cores, GiB of memory and of disk for all sandboxes together (nothing is "
    "enforced\n"
    "                        but the service's refusals; 0 = no limit)\n"
    "  --sandbox-quota C/M/D the same for each\n"
    "\n"
    "Time\n"
    "  --transition-ms N     how long every transition takes (default 0)\n"
    "  --create-ms N  --start-ms N  --stop-ms N  --delete-ms N  --archive-ms N  --restore-ms N\n"
    "                        the same for one kind; the last one given wins\n"
    "  --create-blocks-ms N  hold answers to create and start up to N ms and give the state from before the "
    "wait,\n"
    "                        as v0.190 does (there: 30000)\n"
    "  --minute-ms N         length of a minute of the auto-stop, -archive and -delete intervals (default "
    "60000)\n"
    "  --clock-offset-ms N   the service's clock is wrong by N ms, which may be negative (default 0)\n"
    "  --idle-seconds N      close connections that are idle for so long (default 0: never)\n"
    "  --throttle NAME=LIMIT/SECONDS   rate limit: anonymous, failed-auth, authenticated, sandbox-create or\n"
    "                        sandbox-lifecycle; may be repeated (default: none)\n"
    "\n"
    "For tests\n"
    "  --control             serve /_standin/log, /_standin/faults and /_standin/sandboxes (see README.md)\n"
    "  --log FILE            append one JSON line per request\n"
    "  --quiet               say nothing but errors\n"
    "  --help                this text\n";

static const struct options defaults = {.port = 3986,
                                        .ready_fd = -1,
                                        .bind = "127.0.0.1",
                                        .key = "local-key",
                                        .organization = "local",
                                        .minute_ms = 60000};

enum {
    OPT_FLAG,
    OPT_TEXT,
    OPT_NUMBER,
    OPT_SIGNED,
    OPT_ISOLATION,
    OPT_ALL_TIMES,
    OPT_THROTTLE,
    OPT_QUOTA,
    OPT_HELP
};

/* What an option is and where its value goes. */
struct entry {
    const char *name;
    int kind;
    size_t offset;
};

#define TO(field) offsetof(struct options, field)

static const struct entry entries[] = {
    {"port", OPT_NUMBER, TO(port)},
    {"bind", OPT_TEXT, TO(bind)},
    {"listen", OPT_TEXT, TO(listen)},
    {"ready-fd", OPT_NUMBER, TO(ready_fd)},
    {"key", OPT_TEXT, TO(key)},
    {"jwt", OPT_TEXT, TO(jwt)},
    {"organization", OPT_TEXT, TO(organization)},
    {"tls-cert", OPT_TEXT, TO(tls_cert)},
    {"tls-key", OPT_TEXT, TO(tls_key)},
    {"public-url", OPT_TEXT, TO(public_url)},
    {"dir", OPT_TEXT, TO(dir)},
    {"state", OPT_TEXT, TO(state)},
    {"isolation", OPT_ISOLATION, 0},
    {"share-net", OPT_FLAG, TO(share_net)},
    {"shell", OPT_TEXT, TO(shell)},
    {"max-sandboxes", OPT_NUMBER, TO(max_sandboxes)},
    {"quota", OPT_QUOTA, TO(quota)},
    {"sandbox-quota", OPT_QUOTA, TO(sandbox_quota)},
    {"transition-ms", OPT_ALL_TIMES, 0},
    {"create-ms", OPT_NUMBER, TO(times.create_ms)},
    {"start-ms", OPT_NUMBER, TO(times.start_ms)},
    {"stop-ms", OPT_NUMBER, TO(times.stop_ms)},
    {"delete-ms", OPT_NUMBER, TO(times.remove_ms)},
    {"archive-ms", OPT_NUMBER, TO(times.archive_ms)},
    {"restore-ms", OPT_NUMBER, TO(times.restore_ms)},
    {"create-blocks-ms", OPT_NUMBER, TO(create_blocks_ms)},
    {"minute-ms", OPT_NUMBER, TO(minute_ms)},
    {"clock-offset-ms", OPT_SIGNED, TO(clock_offset_ms)},
    {"throttle", OPT_THROTTLE, 0},
    {"idle-seconds", OPT_NUMBER, TO(idle_seconds)},
    {"control", OPT_FLAG, TO(control)},
    {"log", OPT_TEXT, TO(log_file)},
    {"quiet", OPT_FLAG, TO(quiet)},
    {"help", OPT_HELP, 0},
};

enum { ENTRY_COUNT = sizeof entries / sizeof *entries };

static bool mistake(const char *what, const char *value)
{
    fprintf(stderr, "daytona-standin: %s%s; see --help\n", what, value);
    return false;
}

static bool parse_number(const char *text, int least, int *number)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < least || value > INT_MAX)
        return mistake("not a whole number: ", text);
    *number = (int)value;
    return true;
}

static bool parse_all_times(const char *text, struct transition_times *times)
{
    int ms;
    if (!parse_number(text, 0, &ms)) return false;
    *times = (struct transition_times){ms, ms, ms, ms, ms, ms};
    return true;
}

static bool parse_isolation(const char *text, enum isolation_mode *mode)
{
    static const char *const names[] = {"auto", "full", "none"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *mode = (enum isolation_mode)i;
        return true;
    }
    return mistake("--isolation is auto, full or none, not ", text);
}

static bool add_throttle(struct options *options, const char *text)
{
    if (options->throttle_count == OPTIONS_MAX_THROTTLES) return mistake("too many: --throttle ", text);
    options->throttles[options->throttle_count++] = text;
    return true;
}

static bool parse_quota(const char *text, struct quota *quota)
{
    struct fail why;
    return quota_parse(quota, text, &why) == 0 || mistake(why.text, "");
}

static bool apply(struct options *options, const struct entry *entry, const char *value)
{
    char *field = (char *)options + entry->offset;
    switch (entry->kind) {
    case OPT_FLAG: *(bool *)field = true; return true;
    case OPT_TEXT: *(const char **)field = value; return true;
    case OPT_NUMBER: return parse_number(value, 0, (int *)field);
    case OPT_SIGNED: return parse_number(value, -INT_MAX, (int *)field);
    case OPT_THROTTLE: return add_throttle(options, value);
    case OPT_QUOTA: return parse_quota(value, (struct quota *)(void *)field);
    case OPT_ISOLATION: return parse_isolation(value, &options->isolation);
    default: return parse_all_times(value, &options->times);
    }
}

static bool is_address(const char *text)
{
    struct in_addr address;
    return inet_pton(AF_INET, text, &address) == 1;
}

static bool is_loopback(const char *text)
{
    struct in_addr address;
    return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

/* Whoever can reach the server and has the key runs commands here: not by accident. */
static bool may_be_open(const struct options *options)
{
    enum { KEY_MIN = 16 };
    if (options->key == defaults.key || strlen(options->key) < KEY_MIN)
        return mistake("--listen beyond loopback needs a --key of your own, of 16 characters at least", "");
    if (options->control) return mistake("--control asks for no key: not together with this --listen", "");
    if (options->isolation == ISOLATION_NONE) return mistake("--listen beyond loopback needs isolation", "");
    if (strcmp(options->listen, "0.0.0.0") == 0 && options->public_url == NULL)
        return mistake("with --listen 0.0.0.0 tell the clients' way to it with --public-url", "");
    return true;
}

static bool settle_address(struct options *options)
{
    if (!is_loopback(options->bind))
        return mistake("--bind is for loopback addresses, see --listen; not ", options->bind);
    if (options->listen == NULL) return true;
    if (!is_address(options->listen)) return mistake("--listen wants an IPv4 address, not ", options->listen);
    options->bind = options->listen;
    options->is_open = !is_loopback(options->listen);
    if (!options->is_open) return true;
    options->isolation = options->isolation == ISOLATION_AUTO ? ISOLATION_FULL : options->isolation;
    return may_be_open(options);
}

static bool is_sane(struct options *options)
{
    if (!settle_address(options)) return false;
    if (options->port > 65535) return mistake("no such port", "");
    if (options->dir != NULL && options->state != NULL)
        return mistake("--state is a directory, too: not together with --dir", "");
    if (options->minute_ms == 0) return mistake("--minute-ms must be at least 1", "");
    if ((options->tls_cert == NULL) != (options->tls_key == NULL))
        return mistake("--tls-cert and --tls-key belong together", "");
    return true;
}

static void fill_table(struct option table[ENTRY_COUNT + 1])
{
    memset(table, 0, (ENTRY_COUNT + 1) * sizeof *table);
    for (int i = 0; i < ENTRY_COUNT; i++) {
        bool bare = entries[i].kind == OPT_FLAG || entries[i].kind == OPT_HELP;
        table[i] = (struct option){entries[i].name, bare ? no_argument : required_argument, NULL, i + 1};
    }
}

bool options_parse(struct options *options, int argc, char **argv, int *exit_code)
{
    struct option table[ENTRY_COUNT + 1];
    fill_table(table);
    *options = defaults;
    *exit_code = 2;
    for (int chosen; (chosen = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (chosen == '?') return mistake("unknown option or missing value", "");
        const struct entry *entry = &entries[chosen - 1];
        if (entry->kind == OPT_HELP) {
            fputs(help, stdout);
            *exit_code = 0;
            return false;
        }
        if (!apply(options, entry, optarg)) return false;
    }
    if (optind < argc) return mistake("not an option: ", argv[optind]);
    return is_sane(options);
}
