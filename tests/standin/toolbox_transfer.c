/* toolbox_transfer.c: files out of the sandbox: download with ranges, bulk-download (protocol 10). */
#include "clock.h"
#include "fd.h"
#include "handlers.h"
#include "mem.h"
#include "multipart.h"
#include "range.h"
#include "toolbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HEAD_MAX = 64 << 10 };

static int file_status(int error)
{
    if (error == ENOENT) return 404;
    if (error == EACCES || error == EPERM) return 403;
    return error == EPIPE ? 502 : 400;
}

static uint64_t file_size(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
}

static void add_download_headers(struct request *request, const char *path)
{
    const char *slash = strrchr(path, '/');
    CLEANUP(mem_free_text)
    char *name = mem_format("attachment; filename=%s", slash != NULL ? slash + 1 : path);
    request->reply.content_type = "application/octet-stream";
    reply_header(request, "Accept-Ranges", "bytes");
    if (strpbrk(name, "\r\n") == NULL) reply_header(request, "Content-Disposition", name);
}

static void reply_file(struct request *request, const char *path, int fd)
{
    struct range range;
    uint64_t size = file_size(fd);
    enum range_kind kind = range_parse(request_header(request, "Range"), size, &range);
    CLEANUP(mem_free_text)
    char *part = kind == RANGE_OUTSIDE ? mem_format("bytes */%llu", (unsigned long long)size)
                                       : mem_format("bytes %llu-%llu/%llu", (unsigned long long)range.offset,
                                                    (unsigned long long)(range.offset + range.len - 1),
                                                    (unsigned long long)size);
    if (kind != RANGE_WHOLE) reply_header(request, "Content-Range", part);
    if (kind == RANGE_OUTSIDE) {
        reply_text(request, 416, "text/plain; charset=utf-8", "invalid range: failed to overlap\n");
        fd_close(&fd);
        return;
    }
    request->reply.status = kind == RANGE_PART ? 206 : 200;
    request->reply.file = fd;
    request->reply.file_offset = range.offset;
    request->reply.file_len = range.len;
    add_download_headers(request, path);
}

void toolbox_download(struct request *request)
{
    const char *path = url_query(&request->url, "path");
    int fd = -1;
    int error =
        path == NULL || *path == '\0' ? EINVAL : agent_file(request, "open-read", path, NULL, &fd, NULL);
    if (error != 0)
        reply_empty(request, file_status(error));
    else
        reply_file(request, path, fd);
}

/* A bulk-download while it is being sent: one file at a time is open. */
struct bulk {
    struct request *request;
    struct json_object *paths;
    size_t next; /* path to open */
    int file;    /* being sent, or -1 */
    struct buf head;
    size_t head_sent;
    bool ended;
};

static void bulk_destroy(void *state)
{
    struct bulk *bulk = state;
    fd_close(&bulk->file);
    buf_finish(&bulk->head);
    json_object_put(bulk->paths);
    free(bulk);
}

struct part_error {
    int error;
    int status;
    const char *code;
    const char *message;
};

static const struct part_error *part_error(int error)
{
    static const struct part_error known[] = {
        {ENOENT, 404, "FILE_NOT_FOUND", "file not found"},
        {EACCES, 403, "FILE_ACCESS_DENIED", "permission denied"},
        {EPERM, 403, "FILE_ACCESS_DENIED", "permission denied"},
        {EISDIR, 400, "INVALID_FILE_PATH", "path points to a directory"},
        {EINVAL, 400, "INVALID_FILE_PATH", "invalid file path"},
        {0, 500, "FILE_READ_FAILED", "cannot read file"},
    };
    const struct part_error *at = known;
    while (at->error != 0 && at->error != error)
        at++;
    return at;
}

static void append_error(struct bulk *bulk, const char *path, int error)
{
    const struct part_error *what = part_error(error);
    CLEANUP(mem_free_text) char *message = mem_format("%s: %s", what->message, path);
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "statusCode", json_object_new_int(what->status));
    json_object_object_add(body, "message", json_object_new_string(message));
    json_object_object_add(body, "code", json_object_new_string(what->code));
    json_object_object_add(body, "timestamp", json_object_new_string(clock_iso(clock_wall_ms()).text));
    json_object_object_add(body, "path", json_object_new_string(bulk->request->daemon_path));
    json_object_object_add(body, "method", json_object_new_string(bulk->request->method));
    size_t len;
    const char *text = json_object_to_json_string_length(body, JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    multipart_error_head(&bulk->head, bulk->next == 1, path, len);
    buf_append(&bulk->head, text, len);
    json_object_put(body);
}

/* Fills head with what comes before the next file's bytes, or with the end. */
static void next_part(struct bulk *bulk)
{
    bulk->head.len = bulk->head_sent = 0;
    if (bulk->next == json_object_array_length(bulk->paths)) {
        multipart_end(&bulk->head, bulk->next == 0);
        bulk->ended = true;
        return;
    }
    struct json_object *item = json_object_array_get_idx(bulk->paths, bulk->next++);
    const char *path = item != NULL ? json_object_get_string(item) : "";
    int error =
        *path == '\0' ? EINVAL : agent_file(bulk->request, "open-read", path, NULL, &bulk->file, NULL);
    if (error == 0)
        multipart_file_head(&bulk->head, bulk->next == 1, path, file_size(bulk->file));
    else
        append_error(bulk, path, error);
}

static ssize_t bulk_read(void *state, char *bytes, size_t cap)
{
    struct bulk *bulk = state;
    for (;;) {
        size_t left = bulk->head.len - bulk->head_sent;
        if (left > 0) {
            size_t len = left < cap ? left : cap;
            memcpy(bytes, bulk->head.data + bulk->head_sent, len);
            bulk->head_sent += len;
            return (ssize_t)len;
        }
        ssize_t n = bulk->file >= 0 ? fd_read_some(bulk->file, bytes, cap) : 0;
        if (n > 0) return n;
        if (n < 0) return -1;
        fd_close(&bulk->file);
        if (bulk->ended) return 0;
        next_part(bulk);
    }
}

static void reply_bulk(struct request *request, struct json_object *paths)
{
    struct bulk *bulk = mem_alloc(sizeof *bulk);
    *bulk = (struct bulk){.request = request, .paths = json_object_get(paths), .file = -1};
    buf_init(&bulk->head, HEAD_MAX);
    request->reply.status = 200;
    request->reply.content_type = MULTIPART_CONTENT_TYPE;
    request->reply.source = bulk_read;
    request->reply.source_free = bulk_destroy;
    request->reply.source_state = bulk;
}

void toolbox_bulk_download(struct request *request)
{
    struct json_object *body = request_json(request);
    if (body == NULL) return;
    struct json_object *paths = json_object_object_get(body, "paths");
    if (json_object_is_type(paths, json_type_array) && json_object_array_length(paths) > 0) {
        reply_bulk(request, paths);
    } else {
        struct json_object *error = json_object_new_object();
        json_object_object_add(error, "error",
                               json_object_new_string("request body must be {\"paths\": [ ... ]}"));
        reply_json(request, 400, error);
    }
    json_object_put(body);
}
