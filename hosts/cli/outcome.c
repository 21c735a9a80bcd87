/* outcome.c: see outcome.h. */
#include "outcome.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "status_fd.h"

static int exit_status(const eep_execution *execution)
{
    if (execution->head.flags & EEP_EXECUTION_RUNNING) return 0;
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
                                             {EEP_EXECUTION_RUNNING, "RUNNING"},
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
    json_add_int(object, "keptUntilMs", execution->kept_until_ms);
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

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void outcome_begin(struct outcome *outcome, eep_str lease)
{
    outcome->lease = lease;
    outcome->begin_ms = now_ms();
}

void outcome_finish(struct outcome *outcome)
{
    json_release(&outcome->json);
}

int32_t outcome_output(void *ctx, uint32_t stream, const void *data, size_t len)
{
    struct outcome *outcome = ctx;
    int fd = stream == EEP_STREAM_STDERR ? STDERR_FILENO : STDOUT_FILENO;
    if (io_write_all(fd, data, len) == 0) return 0;
    outcome->broken_errno = errno;
    outcome->broken_fd = fd;
    return 1;
}

/* What has become of a command whose output could not be written. A result that tells nothing has no id. */
static const char *fate(const struct outcome *outcome, const eep_execution *execution)
{
    bool running = execution->head.flags & EEP_EXECUTION_RUNNING;
    bool killed = execution->head.flags & EEP_EXECUTION_KILLED;
    bool told_an_end = execution->exit_code >= 0 || execution->term_signal != 0;
    if (execution->execution_id.ptr && told_an_end && !running && !killed)
        return "the command has ended, but";
    return outcome->looks_only ? "the command goes on, but" : "the command has been stopped:";
}

/* A call that ended because our own output is broken: say that instead of "cancelled". Not even a command that had
 * ended well is a success then: nobody has seen what it wrote. */
static void explain_broken_output(const struct outcome *outcome, const eep_execution *execution,
                                  struct err *err)
{
    struct err plugin = *err;
    err_set(err, EEP_E_INTERNAL, "%s %s cannot be written: %s", fate(outcome, execution),
            outcome->broken_fd == STDERR_FILENO ? "standard error" : "standard output",
            strerror(outcome->broken_errno));
    memcpy(err->lease, plugin.lease, sizeof(err->lease));
    memcpy(err->execution_id, plugin.execution_id, sizeof(err->execution_id));
    err->flags = plugin.flags;
}

/* A call that failed: what is known of the command all the same. */
static void keep_partial(const struct outcome *outcome, struct cli *cli, const eep_execution *execution)
{
    if (!execution->execution_id.ptr) return;
    cli->partial = execution_to_json(execution, outcome->lease, now_ms() - outcome->begin_ms);
    json_object_object_del(cli->partial, "exit");
    if (cli->out.json) add_streams(cli->partial, execution);
}

int outcome_take(struct outcome *outcome, struct cli *cli, int code, eep_execution *execution,
                 struct err *err)
{
    if (!cli->out.json) warn_of_unusual_ends(execution);
    if (outcome->broken_fd) {
        explain_broken_output(outcome, execution, err);
        code = err->code;
    }
    if (code != EEP_OK) {
        keep_partial(outcome, cli, execution);
    } else {
        outcome->exit_status = exit_status(execution);
        outcome->running = execution->head.flags & EEP_EXECUTION_RUNNING;
        outcome->kept_until_ms = execution->kept_until_ms;
        outcome->json = execution_to_json(execution, outcome->lease, now_ms() - outcome->begin_ms);
        if (cli->out.json) add_streams(outcome->json, execution);
    }
    cli->session.plugin->clear(&execution->head);
    return code;
}

void outcome_exit_with(struct outcome *outcome, int status)
{
    outcome->exit_status = status;
    json_add_int(outcome->json, "exit", status);
}

const char *outcome_end(const eep_execution *execution, char *text, size_t size)
{
    if (execution->exit_code >= 0)
        snprintf(text, size, "exit status %d", execution->exit_code);
    else if (execution->term_signal > 0)
        snprintf(text, size, "signal %d", execution->term_signal);
    else
        snprintf(text, size, "a signal");
    return text;
}

int outcome_print(const struct cli *cli, const struct outcome *outcome, struct err *err)
{
    status_fd_write(cli->status_fd, outcome->json);
    return cli->out.json ? json_print(outcome->json, err) : EEP_OK;
}
