/* toolbox_code.c: POST process/code-run (protocol 9.1): a program for an interpreter of the sandbox. */
#include "go_json.h"
#include "handlers.h"
#include "mem.h"
#include "outcome.h"

#include <string.h>

#define ARTIFACT_MARKER "dtn_artifact_k39fd2:"

static const struct go_field code_fields[] = {
    {"code", "Code", GO_STRING, true},        {"language", "Language", GO_STRING, true},
    {"argv", "Argv", GO_STRINGS, false},      {"envs", "Envs", GO_STRING_MAP, false},
    {"timeout", "Timeout", GO_UINT32, false}, {NULL, NULL, GO_STRING, false},
};

static const char *text_of(struct json_object *body, const char *key)
{
    struct json_object *value = json_object_object_get(body, key);
    return value != NULL ? json_object_get_string(value) : NULL;
}

/* Lines that begin with the marker carry charts, which the stand-in has not got: they are left out all the same. */
static void remove_artifacts(struct buf *output)
{
    size_t kept = 0, marker = strlen(ARTIFACT_MARKER);
    for (size_t at = 0; at < output->len;) {
        const char *line = output->data + at, *end = memchr(line, '\n', output->len - at);
        size_t len = end != NULL ? (size_t)(end - line) + 1 : output->len - at;
        if (len < marker || memcmp(line, ARTIFACT_MARKER, marker) != 0) {
            memmove(output->data + kept, line, len);
            kept += len;
        }
        at += len;
    }
    output->len = kept;
}

/* What runs a language's program from stdin, and what is put before the program. NULL: not known. */
struct interpreter {
    const char *language;
    const char *command;
    const char *prelude;
};

static const struct interpreter *find_interpreter(const char *language)
{
    static const struct interpreter known[] = {
        {"python", "python3 -u -", ""},
        {"javascript", "node -", "process.argv.splice(1, 1);\n"}, /* the "-" is no argument of the program */
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].language, language) == 0) return &known[i];
    return NULL;
}

static void reply_unknown_language(struct request *request, const char *language)
{
    if (strcmp(language, "typescript") == 0)
        reply_toolbox_error(request, 501, "code-run of typescript is not implemented by the stand-in");
    else
        reply_toolbox_error(request, 400, "bad request: unsupported language: %.200s", language);
}

static void append_base64(struct buf *out, const char *bytes, size_t len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < len; at += 3) {
        size_t have = len - at < 3 ? len - at : 3;
        unsigned char triple[3] = {0};
        memcpy(triple, bytes + at, have);
        unsigned bits = (unsigned)triple[0] << 16 | (unsigned)triple[1] << 8 | triple[2];
        char four[] = {letters[bits >> 18], letters[bits >> 12 & 63], letters[bits >> 6 & 63],
                       letters[bits & 63]};
        if (have < 3) four[3] = '=';
        if (have < 2) four[2] = '=';
        buf_append(out, four, sizeof four);
    }
}

/* The program goes through base64, so that it needs no quoting; its arguments go as they are, which lets the shell take
 * them apart. */
static void write_run_command(struct buf *out, const struct interpreter *interpreter,
                              struct json_object *body)
{
    CLEANUP(buf_finish) struct buf program = BUF_INIT(out->max);
    struct json_object *code = json_object_object_get(body, "code"),
                       *argv = json_object_object_get(body, "argv");
    buf_text(&program, interpreter->prelude);
    buf_append(&program, json_object_get_string(code), (size_t)json_object_get_string_len(code));
    buf_text(out, "printf '%s' '");
    append_base64(out, program.data, program.len);
    buf_format(out, "' | base64 -d | %s", interpreter->command);
    for (size_t i = 0; argv != NULL && i < json_object_array_length(argv); i++) {
        buf_append(out, " ", 1);
        struct json_object *word = json_object_array_get_idx(argv, i);
        buf_text(out, word != NULL ? json_object_get_string(word) : "");
    }
}

static void run_code(struct request *request, const struct interpreter *interpreter, struct json_object *body)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 30);
    write_run_command(&text, interpreter, body);
    struct command command = outcome_command(body, text.data, text.len);
    CLEANUP(execution_finish) struct execution execution;
    execution_run(request, &command, &execution);
    remove_artifacts(&execution.collected);
    outcome_reply(request, &execution);
}

void toolbox_code_run(struct request *request)
{
    struct fail why;
    struct json_object *body = go_json(request, "coderun.CodeRunRequest", code_fields, &why);
    if (body == NULL) {
        reply_toolbox_error_code(request, 400, "INVALID_REQUEST_BODY", "invalid body request: %s", why.text);
        return;
    }
    const struct interpreter *interpreter = find_interpreter(text_of(body, "language"));
    if (interpreter == NULL)
        reply_unknown_language(request, text_of(body, "language"));
    else if (outcome_check_names(request, json_object_object_get(body, "envs")) &&
             outcome_check_values(request, body))
        run_code(request, interpreter, body);
    json_object_put(body);
}
