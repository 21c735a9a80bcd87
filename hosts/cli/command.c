/* command.c: see command.h. */
#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "status_fd.h"

enum { STDIN_MAX = 64 << 20 };

#define AT(member) offsetof(struct command_args, member)

const struct option_spec command_options[] = {
    {"script", 'c', OPTION_TEXT, AT(script), "TEXT",
     "shell text to run, instead of a program and its arguments", 0, NULL},
    {"shell", 0, OPTION_TEXT, AT(shell), "PATH", "the shell for -c (default: the sandbox's)", 0, NULL},
    {"login", 0, OPTION_FLAG, AT(login), NULL, "read the login profiles first", 0, NULL},
    {"cwd", 0, OPTION_TEXT, AT(cwd), "DIR", "absolute, or relative to the workspace (default: the workspace)",
     0, NULL},
    {"env", 0, OPTION_LIST, AT(env), "NAME[=VALUE]",
     "variable of the command; without =VALUE: from eep's own environment, which keeps secrets "
     "out of the command line. May be repeated",
     0, NULL},
    {"stdin", 'i', OPTION_FLAG, AT(read_stdin), NULL,
     "give the command eep's standard input: all of it is read first, at most 64 MiB (default: /dev/null)", 0,
     NULL},
    {"stdin-file", 0, OPTION_TEXT, AT(stdin_file), "FILE", "give the command this file as standard input", 0,
     NULL},
    {"merge", 0, OPTION_FLAG, AT(merge), NULL, "stderr goes into stdout, in true order", 0, NULL},
    {"time-limit", 0, OPTION_DURATION, AT(time_limit_ms), "DURATION",
     "kill the command when it has run this long (default: what is left of --timeout)", 0, NULL},
    {"max-output", 0, OPTION_SIZE, AT(max_output), "SIZE",
     "kill the command when a stream is larger than this (default: 256M)", 0, NULL},
    {"id", 0, OPTION_TEXT, AT(id), "ID",
     "execution id: the same id never runs twice, but joins what was started before", 0, NULL},
    {"status-fd", 0, OPTION_NUMBER, AT(status_fd), "N",
     "write a JSON line to descriptor N (3 or more) at the end: tells a failure of eep from "
     "one of the command",
     0, NULL},
    {0},
};

/* -- the request ------------------------------------------------------------------------------- */

static int take_command_line(struct command *command, const struct cli *cli, const struct command_args *args,
                             struct err *err)
{
    const struct operands *operands = &cli->operands;
    if (args->script && operands->has_tail)
        return err_usage(err, "give either -c TEXT or a command after --, not both");
    if (!args->script && operands->tail_count == 0) {
        err_usage(err, "there is no command to run");
        return err_hint(err, "write -- PROGRAM ARGUMENTS..., or -c 'shell text'");
    }
    if (args->shell && !args->script) return err_usage(err, "--shell is for -c only");
    command->argv = mem_zeroed((size_t)operands->tail_count, sizeof(eep_str));
    for (int i = 0; i < operands->tail_count; i++)
        command->argv[i] = out_str(operands->tail[i]);
    command->request.script = out_str(args->script);
    command->request.argv = args->script ? NULL : command->argv;
    command->request.argv_count = (uint32_t)operands->tail_count;
    command->request.argv_stride = sizeof(eep_str);
    return EEP_OK;
}

static int read_stdin(struct command *command, const struct command_args *args, struct err *err)
{
    if (args->read_stdin && args->stdin_file)
        return err_usage(err, "give either --stdin or --stdin-file, not both");
    if (!args->read_stdin && !args->stdin_file) return EEP_OK;
    TRY(io_read_file(args->read_stdin ? "-" : args->stdin_file, STDIN_MAX, &command->stdin_data, NULL, err));
    command->request.stdin_data = (eep_bytes){command->stdin_data.data, command->stdin_data.len};
    return EEP_OK;
}

/* eep_output_fn. A reader that has gone (EPIPE) stops the command, as it would stop a local one. */
static int32_t deliver(void *ctx, uint32_t stream, const void *data, size_t len)
{
    struct command *command = ctx;
    int fd = stream == EEP_STREAM_STDERR ? STDERR_FILENO : STDOUT_FILENO;
    if (io_write_all(fd, data, len) == 0) return 0;
    command->broken_errno = errno;
    command->broken_fd = fd;
    return 1;
}

int command_init(struct command *command, struct cli *cli, const struct command_args *args, struct err *err)
{
    eep_execute_request *request = &command->request;
    TRY(status_fd_open(args->status_fd, &cli->status_fd, err));
    TRY(take_command_line(command, cli, args, err));
    TRY(pairs_parse(&args->env, "env", true, &command->env, err));
    TRY(read_stdin(command, args, err));
    request->execution_id = out_str(args->id);
    request->shell = out_str(args->shell);
    request->cwd = out_str(args->cwd);
    request->env = command->env.items;
    request->env_count = command->env.count;
    request->env_stride = sizeof(eep_pair);
    request->time_limit_ms = args->time_limit_ms;
    request->max_output_bytes = args->max_output;
    request->head.flags = (args->merge ? EEP_EXECUTE_MERGE : 0) | (args->login ? EEP_EXECUTE_LOGIN : 0);
    if (!cli->out.json) {
        request->on_output = deliver;
        request->output_ctx = command;
    }
    return EEP_OK;
}

void command_finish(struct command *command)
{
    free(command->argv);
    pairs_finish(&command->env);
    bytes_finish(&command->stdin_data);
}

/* -- the outcome ------------------------------------------------------------------------------- */

static int exit_status(const eep_execution *execution)
{
    if (execution->head.flags & EEP_EXECUTION_TIMED_OUT) return EXIT_TIME_LIMIT;
    if (execution->head.flags & EEP_EXECUTION_OUTPUT_LIMIT) return EXIT_COULD_NOT;
    if (execution->term_signal != 0)
        return EXIT_SIGNAL + (execution->term_signal > 0 ? execution->term_signal : 0);
    return execution->exit_code;
}

static json_object *execution_to_json(const eep_execution *execution, eep_str lease, int64_t elapsed_ms)
{
    static const struct json_flag flags[] = {{EEP_EXECUTION_TIMED_OUT, "TIMED_OUT"},
                                             {EEP_EXECUTION_OUTPUT_LIMIT, "OUTPUT_LIMIT"},
                                             {EEP_EXECUTION_OUTPUT_LOST, "OUTPUT_LOST"},
                                             {EEP_EXECUTION_TRUNCATED, "TRUNCATED"},
                                             {EEP_EXECUTION_HELD, "HELD"},
                                             {EEP_EXECUTION_ATTACHED, "ATTACHED"},
                                             {EEP_EXECUTION_KILLED, "KILLED"},
                                             {EEP_EXECUTION_UNCONFIRMED, "UNCONFIRMED"},
                                             {EEP_EXECUTION_STARTED, "STARTED"},
                                             {0, NULL}};
    json_object *object = json_new_object();
    json_add_int(object, "exit", exit_status(execution));
    json_add_str(object, "lease", lease);
    json_add_str(object, "executionId", execution->execution_id);
    json_add_int(object, "exitCode", execution->exit_code);
    json_add_int(object, "signal", execution->term_signal);
    json_add_int(object, "killSignal", execution->kill_signal);
    json_add_flags(object, "flags", execution->head.flags, flags);
    json_add_int(object, "stdoutTotal", (int64_t)execution->stdout_total);
    json_add_int(object, "stderrTotal", (int64_t)execution->stderr_total);
    json_add_int(object, "startedAtMs", execution->started_at_ms);
    json_add_int(object, "finishedAtMs", execution->finished_at_ms);
    json_add_int(object, "requests", execution->requests);
    json_add_int(object, "ms", elapsed_ms);
    return object;
}

static void add_streams(json_object *object, const eep_execution *execution)
{
    json_add_bytes(object, "stdout", execution->stdout_data);
    json_add_bytes(object, "stderr", execution->stderr_data);
    json_add_int(object, "stdoutHead", (int64_t)execution->stdout_head);
    json_add_int(object, "stderrHead", (int64_t)execution->stderr_head);
}

static void warn_of_unusual_ends(const eep_execution *execution)
{
    static const struct {
        uint32_t flag;
        const char *text;
    } texts[] = {
        {EEP_EXECUTION_TIMED_OUT, "the command has been killed at its time limit"},
        {EEP_EXECUTION_OUTPUT_LIMIT, "the command has been killed because it wrote more than --max-output"},
        {EEP_EXECUTION_OUTPUT_LOST, "some of the output is lost: the sandbox could not keep it (disk full?)"},
        {EEP_EXECUTION_HELD, "background children of the command still hold its output open"},
        {EEP_EXECUTION_UNCONFIRMED, "some processes of the command may still live in the sandbox"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (execution->head.flags & texts[i].flag) out_warn("%s", texts[i].text);
}

void outcome_finish(struct outcome *outcome)
{
    json_release(&outcome->json);
}

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* A call that ended because our own output is broken: say that instead of "cancelled". */
static void explain_broken_output(const struct command *command, struct err *err)
{
    if (!command->broken_fd) return;
    struct err plugin = *err;
    err_set(err, EEP_E_INTERNAL, "the command has been stopped: %s cannot be written: %s",
            command->broken_fd == STDERR_FILENO ? "standard error" : "standard output",
            strerror(command->broken_errno));
    memcpy(err->lease, plugin.lease, sizeof(err->lease));
    memcpy(err->execution_id, plugin.execution_id, sizeof(err->execution_id));
    err->flags = plugin.flags;
}

/* A call that failed: what is known of the command all
 * the same (only CANCELLED and DEADLINE leave something). */
static void keep_partial(struct cli *cli, const eep_execution *execution, eep_str lease, int64_t elapsed_ms)
{
    if (!execution->execution_id.ptr) return;
    cli->partial = execution_to_json(execution, lease, elapsed_ms);
    json_object_object_del(cli->partial, "exit");
    if (cli->out.json) add_streams(cli->partial, execution);
}

int command_run(struct command *command, struct cli *cli, const struct wait_args *wait, eep_str lease,
                struct outcome *outcome, struct err *err)
{
    uint32_t flags = command->request.head.flags;
    command->request.head = session_request(cli, sizeof(command->request), wait);
    command->request.head.flags = flags;
    command->request.lease = lease;
    eep_execution execution = {.head = {.struct_size = sizeof(execution)}};
    int64_t begin = now_ms();
    int code = call_execute(cli, &command->request, &execution, err);
    if (!cli->out.json) warn_of_unusual_ends(&execution);
    if (code != EEP_OK) {
        keep_partial(cli, &execution, lease, now_ms() - begin);
        explain_broken_output(command, err);
        code = err->code;
    } else {
        outcome->exit_status = exit_status(&execution);
        outcome->json = execution_to_json(&execution, lease, now_ms() - begin);
        if (cli->out.json) add_streams(outcome->json, &execution);
    }
    cli->session.plugin->clear(&execution.head);
    return code;
}

int outcome_print(const struct cli *cli, const struct outcome *outcome, struct err *err)
{
    status_fd_write(cli->status_fd, outcome->json);
    return cli->out.json ? json_print(outcome->json, err) : EEP_OK;
}
