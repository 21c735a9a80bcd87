/* execute.c: the call execute: checks the request, runs the execution, describes how it ended. */
#include <stdlib.h>

#include "abi.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "call.h"
#include "execution.h"

#define DEFAULT_CAPTURE (16u << 20)
#define CAPTURE_MAX     ((uint64_t)1 << 32)
#define TEXT_MAX        ((size_t)1 << 30)
#define WORDS_MAX       65536u

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

static int choose_id(struct execution *execution, eep_str id, struct err *err)
{
    TRY(abi_check_str(id, SIZE_MAX, "execution_id", err));
    if (str_absent(id)) {
        random_hex(execution->id, 16);
        return EEP_OK;
    }
    if (!str_is_word(id) || id.len > EEP_EXECUTION_ID_MAX)
        return err_set(err, EEP_E_INVALID_ARGUMENT,
                       "execution_id must be 1 to %u characters of A-Z a-z 0-9 _ -", EEP_EXECUTION_ID_MAX);
    str_copy(execution->id, sizeof execution->id, id);
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

static int prepare_execution(struct execution *execution, struct op *op, const eep_execute_request *request,
                             struct buf *cwd, struct err *err)
{
    uint64_t capture = request->capture_bytes ? request->capture_bytes
                       : request->on_output   ? 0
                                              : DEFAULT_CAPTURE;
    TRY(check_command(request, err));
    TRY(check_words(request, err));
    TRY(choose_id(execution, request->execution_id, err));
    TRY(choose_cwd(op->env->config, request->cwd, cwd, err));
    if (capture > CAPTURE_MAX)
        return err_set(err, EEP_E_TOO_LARGE, "capture_bytes may be %llu at the most",
                       (unsigned long long)CAPTURE_MAX);
    capture_init(&execution->out, (size_t)capture);
    capture_init(&execution->err, (size_t)capture);
    runner_answer_init(&execution->answer);
    execution->command = (struct runner_command){
        .argv = request->argv,
        .argv_count = request->argv_count,
        .argv_stride = request->argv_stride,
        .script = request->script,
        .shell = request->shell,
        .cwd = buf_str(cwd),
        .env = request->env,
        .env_count = request->env_count,
        .env_stride = request->env_stride,
        .stdin_data = request->stdin_data,
        .merge = request->head.flags & EEP_EXECUTE_MERGE,
        .login = request->head.flags & EEP_EXECUTE_LOGIN,
    };
    execution->time_limit_ms = request->time_limit_ms;
    execution->max_output =
        request->max_output_bytes ? request->max_output_bytes : (uint64_t)op->env->config->max_output_bytes;
    execution->on_output = request->on_output;
    execution->output_ctx = request->output_ctx;
    return access_init(&execution->access, op, request->lease, err);
}

static void execution_finish(struct execution *execution)
{
    access_finish(&execution->access);
    capture_finish(&execution->out);
    capture_finish(&execution->err);
    runner_answer_finish(&execution->answer);
}

/* -- Describing -------------------------------------------------------------------------------- */

static uint32_t flags_of(const struct execution *execution)
{
    const struct runner_answer *answer = &execution->answer;
    uint32_t flags = 0;
    if (answer->timed_out) flags |= EEP_EXECUTION_TIMED_OUT;
    if (answer->output_limit) flags |= EEP_EXECUTION_OUTPUT_LIMIT;
    if (answer->output_lost) flags |= EEP_EXECUTION_OUTPUT_LOST;
    if (answer->held) flags |= EEP_EXECUTION_HELD;
    if (answer->attached) flags |= EEP_EXECUTION_ATTACHED;
    if (answer->timed_out || answer->output_limit || answer->cancelled) flags |= EEP_EXECUTION_KILLED;
    if (answer->unconfirmed) flags |= EEP_EXECUTION_UNCONFIRMED;
    if (execution->access.started) flags |= EEP_EXECUTION_STARTED;
    return flags;
}

/* Moves what was captured of a stream into the result. */
static int take_stream(struct capture *capture, uint64_t total, eep_execution *result, eep_bytes *out,
                       uint64_t *head, struct err *err)
{
    size_t len = 0;
    size_t head_len = 0;
    if (capture->capacity == 0) return EEP_OK;
    char *bytes = capture_take(capture, &len, &head_len);
    if (!bytes || arena_adopt(&result->head.arena, bytes) != EEP_OK) return err_no_memory(err);
    *out = (eep_bytes){bytes, len};
    *head = head_len;
    if (total > len) result->head.flags |= EEP_EXECUTION_TRUNCATED;
    return EEP_OK;
}

static int describe(struct execution *execution, eep_execution *result, struct err *err)
{
    const struct runner_answer *answer = &execution->answer;
    result->head.flags = flags_of(execution);
    result->exit_code = answer->exit_code;
    result->term_signal = answer->term_signal;
    result->kill_signal = answer->kill_signal;
    result->requests = execution->access.op->requests;
    result->stdout_total = answer->out.total;
    result->stderr_total = answer->err.total;
    result->started_at_ms = answer->started_at_ms;
    result->finished_at_ms = answer->finished_at_ms;
    TRY(take_stream(&execution->out, answer->out.total, result, &result->stdout_data, &result->stdout_head,
                    err));
    TRY(take_stream(&execution->err, answer->err.total, result, &result->stderr_data, &result->stderr_head,
                    err));
    if (arena_str(&result->head.arena, str_from(execution->id), &result->execution_id) != EEP_OK)
        return err_no_memory(err);
    return EEP_OK;
}

static bool tells_partial(int status)
{
    return status == EEP_E_CANCELLED || status == EEP_E_DEADLINE;
}

static int run_execute(struct op *op, const void *host_request, void *result, struct err *err)
{
    CLEANUP(execution_finish) struct execution execution = {0};
    CLEANUP(buf_finish) struct buf cwd = BUF_INIT(16384);
    const eep_execute_request *request = host_request;
    TRY(prepare_execution(&execution, op, request, &cwd, err));
    int status = execution_run(&execution, err);
    if (status == EEP_OK) return describe(&execution, result, err);
    str_copy(err->lease, sizeof err->lease, request->lease);
    str_copy(err->execution_id, sizeof err->execution_id, str_from(execution.id));
    struct err unused = ERR_INIT; /* the reason of the failure is worth more than its partial result */
    if (tells_partial(status)) describe(&execution, result, &unused);
    return status;
}

const struct call call_execute = {
    .name = "execute",
    .request_size = sizeof(eep_execute_request),
    .request_min = sizeof(eep_execute_request),
    .result_size = sizeof(eep_execution),
    .flags = EEP_EXECUTE_MERGE | EEP_EXECUTE_LOGIN,
    .keeps_partial = true,
    .run = run_execute,
};
