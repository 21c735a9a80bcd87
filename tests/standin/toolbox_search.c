/* toolbox_search.c: find (text in files), search (file names), replace (protocol 10). */
#include "fd.h"
#include "go_error.h"
#include "go_json.h"
#include "handlers.h"
#include "json_out.h"
#include "mem.h"
#include "toolbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef void add_match(struct buf *out, const struct match_record *match, const char *path,
                       const char *content);

/* The matches as elements of an array; whoever wrote the records, nothing is read past their end. */
static void add_matches(struct buf *out, int records, add_match *add)
{
    size_t len = 0, at = 0;
    CLEANUP(mem_free_text) char *bytes = fd_read_file(records, &len);
    struct match_record match;
    while (bytes != NULL && at + sizeof match <= len) {
        memcpy(&match, bytes + at, sizeof match);
        const char *path = bytes + at + sizeof match;
        if (match.path_len > len - at - sizeof match ||
            match.content_len > len - at - sizeof match - match.path_len)
            break;
        if (at > 0) buf_append(out, ",", 1);
        add(out, &match, path, path + match.path_len);
        at += sizeof match + match.path_len + match.content_len;
    }
}

static void add_name(struct buf *out, const struct match_record *match, const char *path, const char *content)
{
    (void)content;
    json_out_string(out, path, match->path_len);
}

static void add_line(struct buf *out, const struct match_record *match, const char *path, const char *content)
{
    buf_text(out, "{\"file\":");
    json_out_string(out, path, match->path_len);
    buf_format(out, ",\"line\":%u,\"content\":", match->line);
    json_out_string(out, content, match->content_len);
    buf_text(out, "}");
}

static bool has_text(const char *value)
{
    return value != NULL && *value != '\0';
}

static void look(struct request *request, const char *operation, const char *before, add_match *add,
                 const char *after)
{
    const char *path = url_query(&request->url, "path"), *pattern = url_query(&request->url, "pattern");
    CLEANUP(fd_close) int records = -1;
    if (!has_text(path) || !has_text(pattern)) {
        reply_empty(request, 400);
        return;
    }
    int error = agent_file(request, operation, path, pattern, &records, NULL);
    if (error != 0) {
        reply_empty(request, error == EPIPE ? 502 : 400);
        return;
    }
    request->reply.status = 200;
    request->reply.content_type = "application/json; charset=utf-8";
    buf_text(&request->reply.body, before);
    add_matches(&request->reply.body, records, add);
    buf_text(&request->reply.body, after);
}

void toolbox_find(struct request *request)
{
    look(request, "find", "[", add_line, "]");
}

void toolbox_search(struct request *request)
{
    look(request, "search", "{\"files\":[", add_name, "]}");
}

static struct json_object *replace_in(struct request *request, struct json_object *file,
                                      struct json_object *body)
{
    const char *path = file != NULL ? json_object_get_string(file) : "";
    size_t path_len = file != NULL ? (size_t)json_object_get_string_len(file) : 0;
    const char *words[] = {"replace", path, json_object_get_string(json_object_object_get(body, "pattern")),
                           json_object_get_string(json_object_object_get(body, "newValue")), NULL};
    struct json_object *result = json_object_new_object();
    int nothing, reading = 0;
    int error = go_json_has_nul(file) ? EINVAL : agent_file_words(request, words, &nothing, &reading);
    json_object_object_add(result, "file", json_object_new_string_len(path, (int)path_len));
    json_object_object_add(result, "success", json_object_new_boolean(error == 0));
    if (error == 0) return result;
    CLEANUP(mem_free_text) char *reason = go_error_text(error);
    CLEANUP(buf_finish) struct buf text = BUF_INIT(path_len + 1000);
    buf_text(&text, reading != 0 ? "read " : "open ");
    buf_append(&text, path, path_len);
    buf_format(&text, ": %s", reason);
    json_object_object_add(result, "error", json_object_new_string_len(text.data, (int)text.len));
    return result;
}

void toolbox_replace(struct request *request)
{
    /* newValue may be empty, but not absent */
    static const struct go_field fields[] = {{"files", "Files", GO_STRINGS, true},
                                             {"pattern", "Pattern", GO_STRING, true},
                                             {"newValue", "NewValue", GO_STRING, false},
                                             {NULL, NULL, GO_STRING, false}};
    struct fail why;
    struct json_object *body = go_json(request, "fs.ReplaceRequest", fields, &why);
    if (json_object_object_get(body, "newValue") == NULL) {
        reply_empty(request, 400);
        json_object_put(body);
        return;
    }
    if (go_json_has_nul(json_object_object_get(body, "pattern")) ||
        go_json_has_nul(json_object_object_get(body, "newValue"))) {
        reply_toolbox_error(request, 501, "replacing NULs is not implemented by the stand-in");
        json_object_put(body);
        return;
    }
    struct json_object *files = json_object_object_get(body, "files"), *results = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(files); i++)
        json_object_array_add(results, replace_in(request, json_object_array_get_idx(files, i), body));
    reply_json(request, 200, results);
    json_object_put(body);
}
