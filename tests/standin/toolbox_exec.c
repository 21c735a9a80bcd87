/* toolbox_exec.c: POST process/execute (protocol 7), warts included: a timeout throws the output away, bad UTF-8 is lost. */
#include "go_json.h"
#include "handlers.h"
#include "mem.h"
#include "outcome.h"

#include <ctype.h>

static const struct go_field execute_fields[] = {
    {"command", "Command", GO_STRING, true}, {"timeout", "Timeout", GO_UINT32, false},
    {"cwd", "Cwd", GO_STRING, false},        {"envs", "Envs", GO_STRING_MAP, false},
    {NULL, NULL, GO_STRING, false},
};

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isspace((unsigned char)text[i])) return false;
    return true;
}

static void execute(struct request *request, struct json_object *body)
{
    struct json_object *text = json_object_object_get(body, "command");
    struct command command =
        outcome_command(body, json_object_get_string(text), (size_t)json_object_get_string_len(text));
    if (is_blank(command.text, command.len)) {
        reply_toolbox_error(request, 400, "bad request: command cannot be empty or whitespace-only");
        return;
    }
    if (!outcome_check_names(request, command.envs) || !outcome_check_values(request, body)) return;
    CLEANUP(execution_finish) struct execution execution;
    execution_run(request, &command, &execution);
    outcome_reply(request, &execution);
}

void toolbox_execute(struct request *request)
{
    struct fail why;
    struct json_object *body = go_json(request, "process.ExecuteRequest", execute_fields, &why);
    if (body != NULL)
        execute(request, body);
    else
        reply_toolbox_error(request, 400, "bad request: invalid request body: %s", why.text);
    json_object_put(body);
}
