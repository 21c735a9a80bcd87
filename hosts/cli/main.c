/* main.c: finds the verb, parses its arguments, runs it, and reports how it ended. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "columns.h"
#include "status_fd.h"

static const struct chapter {
    const char *title;
    const struct verb *verbs[6];
} chapters[] = {
    {"Look", {&verb_info, &verb_validate, &verb_probe, &verb_health}},
    {"One command in a sandbox of its own", {&verb_run}},
    {"A sandbox that stays", {&verb_acquire, &verb_resume, &verb_realize, &verb_exec, &verb_release}},
    {"What sandboxes there are", {&verb_list, &verb_explain, &verb_keepalive, &verb_reap}},
    {"Commands that go on by themselves (exec --detach)", {&verb_ps, &verb_attach, &verb_kill, &verb_drop}},
};
enum { CHAPTERS = sizeof(chapters) / sizeof(chapters[0]) };

/* -- help -------------------------------------------------------------------------------------- */

static const char *const overview_tail =
    "\n"
    "Examples:\n"
    "  eep run -c 'uname -a'                 a command in a new sandbox\n"
    "  eep run --file main.c -- cc main.c    with a file of mine\n"
    "  LEASE=$(eep acquire --key build-42)   a sandbox that stays\n"
    "  eep exec $LEASE -- make test\n"
    "  tar c . | eep exec $LEASE -i -- tar x\n"
    "  ID=$(eep exec $LEASE --detach --time-limit 2h -- make)\n"
    "  eep attach $LEASE $ID                 its output and its exit status\n"
    "  eep release $LEASE --stop             keeps its files; eep resume starts it\n"
    "  eep reap --older-than 2h --dry-run    what has been left lying about\n"
    "\n"
    "Environment:\n"
    "  EEP_PLUGIN   the plugin, when --plugin is not given\n"
    "  EEP_CONFIG   the configuration: a file, or JSON that begins with {\n"
    "  DAYTONA_API_KEY, DAYTONA_API_URL, ... as in Daytona's own tools\n"
    "  NO_COLOR     no colours\n"
    "\n"
    "Exit status:\n"
    "  0    all is well                      124  time limit\n"
    "  1    looked, and the answer is no     125  eep could not do it\n"
    "  2    wrong command line               130  interrupted\n"
    "  validate, probe, health, explain, keepalive and reap tell in their help what\n"
    "  \"no\" is.\n"
    "  exec, run and attach exit with the command's own status (128+n for signal n),\n"
    "  and with 125 for a wrong command line.\n"
    "\n"
    "`eep VERB --help`, or `eep help VERB`, tells the options of a verb;\n"
    "`eep --version` tells eep's version, `eep info` that of the plugin.\n";

static void print_overview(FILE *to)
{
    fputs("Usage: eep VERB [options]\n"
          "\n"
          "Runs commands in cloud sandboxes, through an execution-environment plugin.\n",
          to);
    for (size_t i = 0; i < CHAPTERS; i++) {
        fprintf(to, "\n%s:\n", chapters[i].title);
        for (const struct verb *const *verb = chapters[i].verbs; *verb; verb++)
            fprintf(to, "  %-10s %s\n", (*verb)->name, (*verb)->summary);
    }
    fputs(overview_tail, to);
}

static void print_help(const struct verb *verb)
{
    const char *label = "Usage:";
    for (const char *line = verb->usage; *line;) {
        size_t len = strcspn(line, "\n");
        printf("%-6s eep %.*s\n", label, (int)len, line);
        line += len + (line[len] == '\n');
        label = "";
    }
    putchar('\n');
    columns_wrap(stdout, verb->about, 0, OPTIONS_WIDTH);
    options_print(stdout, verb->options);
}

/* -- dispatch ---------------------------------------------------------------------------------- */

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < CHAPTERS; i++)
        for (const struct verb *const *verb = chapters[i].verbs; *verb; verb++)
            if (strcmp((*verb)->name, name) == 0) return *verb;
    return NULL;
}

static int unknown_verb(const char *name)
{
    if (name[0] == '-') {
        fprintf(stderr, "eep: \"%s\" is no verb: options come after it, as in eep VERB %s\n", name, name);
        fputs("     eep --help lists the verbs\n", stderr);
        return EXIT_USAGE;
    }
    struct guess guess = {0};
    for (size_t i = 0; i < CHAPTERS; i++)
        for (const struct verb *const *verb = chapters[i].verbs; *verb; verb++)
            options_guess(&guess, name, (*verb)->name);
    fprintf(stderr, "eep: there is no verb \"%s\"", name);
    if (guess.word) fprintf(stderr, "; did you mean \"%s\"?", guess.word);
    fputs("\n     eep --help lists them\n", stderr);
    return EXIT_USAGE;
}

static int check_operands(const struct verb *verb, const struct operands *operands, struct err *err)
{
    int wanted = (verb->operand ? 1 : 0) + (verb->operand_2 ? 1 : 0);
    if (operands->count < wanted)
        return err_usage(err, "the %s is missing", operands->count ? verb->operand_2 : verb->operand);
    if (operands->count > wanted) {
        err_usage(err, "\"%s\" is one word too many", operands->items[wanted]);
        return verb->takes_command ? err_hint(err, "write -- before the command") : err->code;
    }
    if (operands->has_tail && !verb->takes_command)
        return err_usage(err, "this verb takes no command after --");
    return EEP_OK;
}

/* For errors in the options themselves, when it is not known yet what they say. */
static bool wants_json(char **words, int count)
{
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--json") == 0) return true;
    return false;
}

static int report_failure(const struct cli *cli, struct err *err)
{
    int exit_status = err_exit_code(err->code);
    if (err->usage && !cli->verb->passes_exit_status) exit_status = EXIT_USAGE;
    if (err->usage && !err->hint[0]) err_hint(err, "eep %s --help tells what there is", cli->verb->name);

    CLEANUP(json_release) json_object *object = json_from_err(err);
    json_add_int(object, "exit", exit_status);
    if (cli->partial) json_add(object, "partial", json_object_get(cli->partial));
    status_fd_write(cli->status_fd, object);
    if (!cli->out.json || json_write(STDOUT_FILENO, object) != 0)
        out_failure(cli->verb->name, err, cli->verb->makes_lease);
    return exit_status;
}

static int run_verb(struct cli *cli, char **words, int count, void *args, int *exit_status, struct err *err)
{
    TRY(options_parse(cli->verb->options, words, count, args, &cli->operands, err));
    if (cli->operands.help) {
        print_help(cli->verb);
        return EEP_OK;
    }
    out_init(&cli->out, cli->common->json, cli->common->quiet, cli->common->verbose);
    TRY(check_operands(cli->verb, &cli->operands, err));
    return cli->verb->run(cli, args, exit_status, err);
}

static int run_and_report(const struct verb *verb, char **words, int count)
{
    void *args = mem_zeroed(1, verb->args_size);
    struct cli cli = {.verb = verb, .common = args, .status_fd = -1};
    struct err err = {0};
    int exit_status = 0;
    out_init(&cli.out, wants_json(words, count), false, false);
    if (run_verb(&cli, words, count, args, &exit_status, &err) != EEP_OK)
        exit_status = report_failure(&cli, &err);
    json_release(&cli.partial);
    session_finish(&cli.session);
    options_finish(verb->options, args);
    free(args);
    return exit_status;
}

/* Text that could not be written must not look like success. */
static int flush_stdout(int exit_status)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return exit_status;
    out_warn("cannot write to standard output: %s", strerror(errno));
    return exit_status ? exit_status : EXIT_COULD_NOT;
}

/* `eep help VERB` is `eep VERB --help`. */
static int help(const char *name)
{
    if (!name) {
        print_overview(stdout);
        return flush_stdout(0);
    }
    const struct verb *verb = find_verb(name);
    if (!verb) return unknown_verb(name);
    print_help(verb);
    return flush_stdout(0);
}

static bool asks_for_version(const char *word)
{
    return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0 || strcmp(word, "version") == 0;
}

/* A standard descriptor that the caller has closed would become the plugin's next file or socket, and what eep prints
 * would go there. /dev/null the wrong way round keeps the place, and every use of it fails as that of a closed one. */
static void keep_places(void)
{
    static const int wrong_way[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", wrong_way[fd]) < 0)
            return; /* takes the lowest number */
}

int main(int argc, char **argv)
{
    keep_places();
    /* A reader that has gone is an error of write() then, which stops the command and is reported. */
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "help") == 0) return help(argv[2]);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return help(NULL);
    if (asks_for_version(argv[1])) {
        puts("eep " CLI_VERSION);
        return flush_stdout(0);
    }
    const struct verb *verb = find_verb(argv[1]);
    if (!verb) return unknown_verb(argv[1]);
    return flush_stdout(run_and_report(verb, argv + 2, argc - 2));
}
