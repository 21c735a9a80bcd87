/* command.c: see command.h. */
#include "command.h"

#include <stdlib.h>
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

static int read_stdin(struct command *command, const struct cli *cli, const struct command_args *args,
                      struct err *err)
{
    if (args->read_stdin && args->stdin_file)
        return err_usage(err, "give either --stdin or --stdin-file, not both");
    if (!args->read_stdin && !args->stdin_file) return EEP_OK;
    if (args->read_stdin && isatty(STDIN_FILENO))
        out_note(&cli->out, "reading standard input first, to its end: Ctrl-D");
    TRY(io_read_file(args->read_stdin ? "-" : args->stdin_file, STDIN_MAX, &command->stdin_data, NULL, err));
    command->request.stdin_data = (eep_bytes){command->stdin_data.data, command->stdin_data.len};
    return EEP_OK;
}

int command_init(struct command *command, struct cli *cli, const struct command_args *args, struct err *err)
{
    eep_execute_request *request = &command->request;
    TRY(status_fd_open(args->status_fd, &cli->status_fd, err));
    TRY(take_command_line(command, cli, args, err));
    TRY(pairs_parse(&args->env, "env", true, &command->env, err));
    TRY(read_stdin(command, cli, args, err));
    request->execution_id = out_str(args->id);
    request->shell = out_str(args->shell);
    request->cwd = out_str(args->cwd);
    request->env = command->env.items;
    request->env_count = command->env.count;
    request->env_stride = sizeof(eep_pair);
    request->time_limit_ms = args->time_limit_ms;
    request->max_output_bytes = args->max_output;
    request->head.flags = (args->merge ? EEP_EXECUTE_MERGE : 0) | (args->login ? EEP_EXECUTE_LOGIN : 0);
    return EEP_OK;
}

void command_finish(struct command *command)
{
    free(command->argv);
    pairs_finish(&command->env);
    bytes_finish(&command->stdin_data);
}

int command_run(struct command *command, struct cli *cli, const struct wait_args *wait, eep_str lease,
                struct outcome *outcome, struct err *err)
{
    eep_execute_request *request = &command->request;
    uint32_t flags = request->head.flags;
    request->head = session_request(cli, sizeof(*request), wait);
    request->head.flags = flags;
    request->lease = lease;
    if (!cli->out.json && !(flags & EEP_EXECUTE_DETACH)) {
        request->on_output = outcome_output;
        request->output_ctx = outcome;
    }
    eep_execution execution = {.head = {.struct_size = sizeof(execution)}};
    outcome_begin(outcome, lease);
    int code = call_execute(cli, request, &execution, err);
    return outcome_take(outcome, cli, code, &execution, err);
}
