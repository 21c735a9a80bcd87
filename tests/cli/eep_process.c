/* eep_process.c: see eep_process.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eep_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 32 };

void eep_start(struct process *process, const struct eep_setup *setup, const char *const *words)
{
    char *argv[WORDS_MAX + 2] = {process_build_path("eep")};
    for (size_t i = 0; words[i]; i++) {
        assert_true(i < WORDS_MAX);
        argv[i + 1] = (char *)words[i];
    }
    process_free(process);
    process_start(process,
                  &(struct process_setup){
                      .argv = argv, .env = setup->env, .input = setup->input, .input_len = setup->input_len});
    free(argv[0]);
}

int eep_run(struct process *process, const struct eep_setup *setup, const char *const *words)
{
    eep_start(process, setup, words);
    return process_finish(process);
}

json_object *eep_json(const struct process *process, enum process_stream stream)
{
    const char *text = process_text(process, stream);
    size_t len = strcspn(text, "\n");
    if (text[len] != '\n' || text[len + 1])
        fail_msg("not one line: \"%s\"; stderr: %s", text, process_text(process, PROCESS_STDERR));
    struct json_tokener *tokener = json_tokener_new();
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json_object *object = json_tokener_parse_ex(tokener, text, (int)len + 1);
    if (!json_object_is_type(object, json_type_object)) fail_msg("not JSON: %s", text);
    json_tokener_free(tokener);
    return object;
}

static json_object *at(json_object *object, const char *path)
{
    while (*path) {
        char key[64];
        size_t len = strcspn(path, "/");
        snprintf(key, sizeof(key), "%.*s", (int)len, path);
        if (!json_object_object_get_ex(object, key, &object)) fail_msg("there is no %s", path);
        path += len + (path[len] == '/');
    }
    return object;
}

const char *eep_json_text(json_object *object, const char *path)
{
    return json_object_get_string(at(object, path));
}

int eep_json_int(json_object *object, const char *path)
{
    return json_object_get_int(at(object, path));
}

char *eep_line(const struct process *process)
{
    const char *text = process_text(process, PROCESS_STDOUT);
    size_t len = strcspn(text, "\n");
    if (len == 0 || text[len] != '\n' || text[len + 1])
        fail_msg("not one line: \"%s\"; stderr: %s", text, process_text(process, PROCESS_STDERR));
    return strndup(text, len);
}

static bool is_progress(const char *line, size_t len)
{
    static const char begin[] = "eep: ", end[] = " ...\n";
    return len >= strlen(begin) + strlen(end) && strncmp(line, begin, strlen(begin)) == 0 &&
           strncmp(line + len - strlen(end), end, strlen(end)) == 0;
}

const char *eep_errors(const struct process *process)
{
    static char kept[65536];
    size_t kept_len = 0;
    for (const char *line = process_text(process, PROCESS_STDERR); *line;) {
        size_t len = strcspn(line, "\n");
        if (line[len] == '\n') len++;
        if (!is_progress(line, len)) {
            assert_true(kept_len + len < sizeof kept);
            memcpy(kept + kept_len, line, len);
            kept_len += len;
        }
        line += len;
    }
    kept[kept_len] = '\0';
    return kept;
}

void eep_says(const struct process *process, enum process_stream stream, const char *text)
{
    if (strstr(process_text(process, stream), text)) return;
    fail_msg("\"%s\" is not in: %s", text, process_text(process, stream));
}
