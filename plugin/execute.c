/* execute.c: the call execute: checks the request, runs the execution, tells how it ended. */
#include "abi.h"
#include "base/str.h"
#include "call.h"
#include "detach.h"
#include "execution.h"

#define TEXT_MAX  ((size_t)1 << 30)
#define WORDS_MAX 65536u

/* The workspace below the service's working folder, when nothing else is configured: prepare makes it. */
#define DEFAULT_WORKSPACE "eep-workspace"

/* -- Checking ---------------------------------------------------------------------------------- */

static int check_command(const eep_execute_request *request, struct err *err)
{
    TRY(abi_check_array(request->argv, request->argv_count, request->argv_stride, sizeof(eep_str), "argv",
                        err));
    TRY(abi_check_array(request->env, request->env_count, request->env_stride, sizeof(eep_pair), "env", err));
    TRY(abi_check_str(request->script, TEXT_MAX, "script", err));
    TRY(abi_check_str(request->shell, 4096, "shell", err));
    TRY(abi_check_str(request->cwd, 4096, "cwd", err));
    TRY(abi_check_str((eep_str){request->stdin_data.ptr, request->stdin_data.len}, TEXT_MAX, "stdin_data",
                      err));
    if (request->argv_count > WORDS_MAX || request->env_count > WORDS_MAX)
        return err_set(err, EEP_E_TOO_LARGE, "argv and env may have %u elements", WORDS_MAX);
    if ((request->argv_count > 0) == !str_absent(request->script))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "give either argv or script%s",
                       request->argv_count > 0 ? ", not both" : "");
    if (!str_empty(request->shell) && !str_has_prefix(request->shell, "/"))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "shell must be an absolute path");
    return abi_check_zero(request->reserved, "execute", err);
}

static int check_words(const eep_execute_request *request, struct err *err)
{
    for (uint32_t i = 0; i < request->argv_count; i++)
        TRY(abi_check_str(*(const eep_str *)abi_at(request->argv, request->argv_stride, sizeof(eep_str), i),
                          TEXT_MAX, "an argument", err));
    for (uint32_t i = 0; i < request->env_count; i++) {
        const eep_pair *pair = abi_at(request->env, request->env_stride, sizeof(eep_pair), i);
        TRY(abi_check_str(pair->name, 4096, "the name of an environment variable", err));
        TRY(abi_check_str(pair->value, TEXT_MAX, "the value of an environment variable", err));
    }
    return EEP_OK;
}

/* The folder as the sandbox's shell shall see it: the same text in every process, for it is part of the
 * digest that tells a repeated call from another one. "./" keeps CDPATH and a leading dash from having a
 * meaning. */
static int choose_cwd(const struct config *config, eep_str cwd, struct buf *out, struct err *err)
{
    eep_str workspace = str_absent(config->workspace_dir) ? STR(DEFAULT_WORKSPACE) : config->workspace_dir;
    int status = EEP_OK;
    if (!str_has_prefix(cwd, "/")) {
        if (!str_has_prefix(workspace, "/")) status = buf_append_cstr(out, "./");
        if (status == EEP_OK) status = buf_append_str(out, workspace);
        if (status == EEP_OK && !str_empty(cwd)) status = buf_append_char(out, '/');
    }
    if (status == EEP_OK) status = buf_append_str(out, cwd);
    return buf_error(out, status, "cwd", err);
}

static int check_detach(const eep_execute_request *request, struct err *err)
{
    bool detach = request->head.flags & EEP_EXECUTE_DETACH;
    if (!detach || request->time_limit_ms > 0) return EEP_OK;
    return err_set(err, EEP_E_INVALID_ARGUMENT,
                   "a command that is detached needs a time_limit_ms: nobody waits for its end");
}

/* -- Running ----------------------------------------------------------------------------------- */

static struct runner_command command_of(const eep_execute_request *request, eep_str cwd)
{
    return (struct runner_command){
        .argv = request->argv,
        .argv_count = request->argv_count,
        .argv_stride = request->argv_stride,
        .script = request->script,
        .shell = request->shell,
        .cwd = cwd,
        .env = request->env,
        .env_count = request->env_count,
        .env_stride = request->env_stride,
        .stdin_data = request->stdin_data,
        .merge = request->head.flags & EEP_EXECUTE_MERGE,
        .login = request->head.flags & EEP_EXECUTE_LOGIN,
    };
}

static int prepare_execution(struct execution *execution, struct op *op, const eep_execute_request *request,
                             struct buf *cwd, struct err *err)
{
    TRY(check_command(request, err));
    TRY(check_words(request, err));
    TRY(check_detach(request, err));
    TRY(choose_cwd(op->env->config, request->cwd, cwd, err));
    TRY(execution_init(execution, op, request->lease, request->execution_id, err));
    TRY(execution_listen(execution, request->capture_bytes, request->on_output, request->output_ctx, err));
    execution->goal = RUNNER_REQUEST_START;
    execution->look = request->head.flags & EEP_EXECUTE_DETACH;
    execution->command = command_of(request, buf_str(cwd));
    execution->time_limit_ms = request->time_limit_ms;
    execution->max_output =
        request->max_output_bytes ? request->max_output_bytes : (uint64_t)op->env->config->max_output_bytes;
    return EEP_OK;
}

static int start(struct execution *execution, struct err *err)
{
    if (execution->look)
        TRY(detach_secure(&execution->access, execution->time_limit_ms, &execution->kept_until_ms, err));
    return execution_run(execution, err);
}

static int run_execute(struct op *op, const void *host_request, void *result, struct err *err)
{
    CLEANUP(execution_finish) struct execution execution = {0};
    CLEANUP(buf_finish) struct buf cwd = BUF_INIT(16384);
    TRY(prepare_execution(&execution, op, host_request, &cwd, err));
    return execution_tell(&execution, start(&execution, err), result, err);
}

const struct call call_execute = {
    .name = "execute",
    .request_size = sizeof(eep_execute_request),
    .request_min = sizeof(eep_execute_request),
    .result_size = sizeof(eep_execution),
    .flags = EEP_EXECUTE_MERGE | EEP_EXECUTE_LOGIN | EEP_EXECUTE_DETACH,
    .keeps_partial = true,
    .run = run_execute,
};
