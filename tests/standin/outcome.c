#include "outcome.h"

#include "go_error.h"
#include "go_json.h"
#include "json_out.h"
#include "mem.h"

#include <ctype.h>
#include <string.h>
#include <sys/wait.h>

struct command outcome_command(struct json_object *body, const char *text, size_t len)
{
    return (struct command){.text = text,
                            .len = len,
                            .directory = json_object_get_string(json_object_object_get(body, "cwd")),
                            .envs = json_object_object_get(body, "envs"),
                            .timeout_s = json_object_get_int64(json_object_object_get(body, "timeout"))};
}

static bool is_name(const char *key)
{
    if (!isalpha((unsigned char)*key) && *key != '_') return false;
    for (; *key != '\0'; key++)
        if (!isalnum((unsigned char)*key) && *key != '_') return false;
    return true;
}

bool outcome_check_names(struct request *request, struct json_object *envs)
{
    if (envs == NULL) return true;
    json_object_object_foreach(envs, key, value)
    {
        (void)value;
        if (is_name(key)) continue;
        reply_toolbox_error(request, 400, "bad request: invalid environment variable name: '%.200s'", key);
        return false;
    }
    return true;
}

static void reply_result(struct request *request, int exit_code, const char *bytes, size_t len)
{
    struct buf *out = &request->reply.body;
    request->reply.status = 200;
    request->reply.content_type = "application/json; charset=utf-8";
    buf_format(out, "{\"exitCode\":%d,\"result\":", exit_code);
    json_out_string(out, bytes, len);
    buf_append(out, "}", 1);
}

static bool any_has_nul(struct json_object *envs)
{
    if (envs == NULL) return false;
    json_object_object_foreach(envs, key, value)
    {
        (void)key;
        if (go_json_has_nul(value)) return true;
    }
    return false;
}

bool outcome_check_values(struct request *request, struct json_object *body)
{
    static const char refusal[] = "exec: environment variable contains NUL";
    struct json_object *envs = json_object_object_get(body, "envs");
    bool any =
        go_json_has_nul(json_object_object_get(body, "cwd")) || any_has_nul(envs); /* cwd becomes PWD */
    if (any) reply_result(request, -1, refusal, strlen(refusal));
    return !any;
}

/* A shell that could not be started is a result, too, worded as Go words it (protocol 7). */
static void reply_spawn_error(struct request *request, const struct agent_reply *reply)
{
    CLEANUP(mem_free_text) char *reason = go_error_text(reply->error);
    CLEANUP(mem_free_text) char *text = mem_format("fork/exec %.119s: %s", reply->shell, reason);
    reply_result(request, -1, text, strlen(text));
}

void outcome_reply(struct request *request, const struct execution *execution)
{
    int status = execution->reply.status;
    const struct buf *output = &execution->collected;
    if (execution->lost)
        reply_empty(request, 502); /* the sandbox was stopped under it */
    else if (execution->reply.error != 0)
        reply_spawn_error(request, &execution->reply);
    else if (execution->timed_out)
        reply_toolbox_error(request, 408, "request timeout: command execution timeout");
    else if (output->overflowed)
        reply_toolbox_error(request, 500, "the stand-in keeps no more than %zu bytes of output", output->max);
    else
        reply_result(request, WIFEXITED(status) ? WEXITSTATUS(status) : -1, output->data, output->len);
}
