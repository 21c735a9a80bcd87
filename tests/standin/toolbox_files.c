/* toolbox_files.c: directories and metadata (protocol 10), and the small routes of protocol 11.
 *
 * The agent does the work as the sandbox's user. Errors of v0.190 are a status without a body.
 */
#include "fd.h"
#include "file_info.h"
#include "go_error.h"
#include "handlers.h"
#include "mem.h"
#include "toolbox.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void reply_errno(struct request *request, int error)
{
    switch (error) {
    case 0: reply_empty(request, 200); break;
    case ENOENT: reply_empty(request, 404); break;
    case EACCES:
    case EPERM: reply_empty(request, 403); break;
    case EEXIST: reply_empty(request, 409); break;
    case EPIPE: reply_empty(request, 502); break; /* the sandbox was stopped under it */
    default: reply_empty(request, 400);
    }
}

/* The value of a required parameter, or NULL after a reply. */
static const char *required(struct request *request, const char *key)
{
    const char *value = url_query(&request->url, key);
    if (value != NULL && *value != '\0') return value;
    reply_empty(request, 400);
    return NULL;
}

static bool is_octal(const char *mode)
{
    if (*mode == '\0' || strspn(mode, "01234567") != strlen(mode)) return false;
    return strtoull(mode, NULL, 8) <= UINT32_MAX;
}

static void reply_directory(struct request *request, const char *directory)
{
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "dir", json_object_new_string(directory));
    reply_json(request, 200, body);
}

/* Home and working directory are the same here, as in the service's own images. */
void toolbox_home_dir(struct request *request)
{
    CLEANUP(mem_free_text) char *home = isolate_home(&request->standin->isolation, request->sandbox->id);
    reply_directory(request, home);
}

void toolbox_version(struct request *request)
{
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "version", json_object_new_string("v0.190.0"));
    reply_json(request, 200, body);
}

void toolbox_list(struct request *request)
{
    const char *path = url_query(&request->url, "path");
    CLEANUP(fd_close) int records = -1;
    int error = agent_file(request, "list", path != NULL && *path != '\0' ? path : ".", NULL, &records, NULL);
    if (error == 0)
        reply_json(request, 200, file_info_list(records));
    else
        reply_errno(request, error);
}

void toolbox_info(struct request *request)
{
    const char *path = required(request, "path");
    CLEANUP(fd_close) int records = -1;
    if (path == NULL) return;
    int error = agent_file(request, "info", path, NULL, &records, NULL);
    if (error != 0) {
        reply_errno(request, error);
        return;
    }
    struct json_object *list = file_info_list(records);
    reply_json(request, 200, json_object_get(json_object_array_get_idx(list, 0)));
    json_object_put(list);
}

void toolbox_folder(struct request *request)
{
    const char *path = required(request, "path"), *mode = url_query(&request->url, "mode");
    int nothing;
    if (path == NULL) return;
    if (mode == NULL || *mode == '\0') mode = "755";
    bool made = is_octal(mode) && agent_file(request, "mkdir", path, mode, &nothing, NULL) == 0;
    reply_empty(request, made ? 201 : 400);
}

/* What is there and cannot be worked on is 400, whatever the reason. */
static void reply_looked(struct request *request, int error, bool is_there)
{
    if (error != 0 && error != EPIPE && is_there)
        reply_empty(request, 400);
    else
        reply_errno(request, error);
}

void toolbox_remove(struct request *request)
{
    const char *path = required(request, "path"), *recursive = url_query(&request->url, "recursive");
    int nothing, is_there = 0;
    if (path == NULL) return;
    bool deep = recursive != NULL && strcmp(recursive, "true") == 0;
    int error = agent_file(request, "remove", path, deep ? "r" : "", &nothing, &is_there);
    reply_looked(request, error, is_there != 0);
    if (error == 0) reply_empty(request, 204);
}

/* Moved by copying, and the source is still there: that is a success with a complaint. */
static void reply_copied(struct request *request, const char *from, int error)
{
    CLEANUP(mem_free_text) char *reason = go_error_text(error);
    CLEANUP(mem_free_text) char *why = mem_format("failed to delete source: unlinkat %s: %s", from, reason);
    struct json_object *body = json_object_new_object();
    json_object_object_add(
        body, "message", json_object_new_string("file copied successfully but source could not be deleted"));
    json_object_object_add(body, "error", json_object_new_string(why));
    reply_json(request, 200, body);
}

void toolbox_move(struct request *request)
{
    const char *from = required(request, "source");
    const char *to = from != NULL ? required(request, "destination") : NULL;
    int nothing, progress = 0;
    if (to == NULL) return;
    int error = agent_file(request, "move", from, to, &nothing, &progress);
    if (error != 0 && progress == 2)
        reply_copied(request, from, error);
    else
        reply_looked(request, error, progress != 0);
}

static const char *given_or_empty(struct request *request, const char *key)
{
    const char *value = url_query(&request->url, key);
    return value != NULL ? value : "";
}

void toolbox_permissions(struct request *request)
{
    const char *path = required(request, "path"), *mode = given_or_empty(request, "mode");
    int nothing, is_there = 0;
    if (path == NULL) return;
    if (*mode != '\0' && !is_octal(mode)) {
        reply_empty(request, 400);
        return;
    }
    const char *words[] = {
        "chmod", path, mode, given_or_empty(request, "owner"), given_or_empty(request, "group"), NULL};
    reply_looked(request, agent_file_words(request, words, &nothing, &is_there), is_there != 0);
}
