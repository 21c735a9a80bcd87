/* toolbox_transfer.c: files out of the sandbox: download with ranges, bulk-download (protocol 10). */
#include "clock.h"
#include "fd.h"
#include "go_error.h"
#include "go_json.h"
#include "go_path.h"
#include "handlers.h"
#include "json_out.h"
#include "mem.h"
#include "multipart.h"
#include "range.h"
#include "toolbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

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

static void add_name(struct request *request, const char *path)
{
    CLEANUP(mem_free_text) char *clean = go_path_clean(path);
    const char *slash = clean != NULL ? strrchr(clean, '/') : NULL;
    CLEANUP(buf_finish) struct buf name = BUF_INIT(HEAD_MAX);
    buf_text(&name, "attachment; ");
    multipart_filename(&name, slash != NULL ? slash + 1 : clean != NULL ? clean : path);
    buf_append(&name, "", 1);
    if (!name.overflowed) reply_header(request, "Content-Disposition", name.data);
}

static void add_time(struct request *request, int fd)
{
    struct stat info;
    struct tm parts;
    char text[64];
    if (fstat(fd, &info) != 0 || gmtime_r(&info.st_mtim.tv_sec, &parts) == NULL) return;
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts); /* the server's locale is C */
    reply_header(request, "Last-Modified", text);
}

static void add_common_headers(struct request *request, const char *path)
{
    add_name(request, path);
    reply_header(request, "Content-Description", "File Transfer");
    reply_header(request, "Content-Transfer-Encoding", "binary");
    reply_header(request, "Expires", "0");
    reply_header(request, "Pragma", "public");
}

static void reply_refusal(struct request *request, const char *path, int status, const char *text)
{
    add_common_headers(request, path);
    reply_text(request, status, "text/plain; charset=utf-8", text);
}

/* The end of an empty range is one before its start: a wart. */
static void add_range(struct request *request, const struct range *range, uint64_t size)
{
    CLEANUP(mem_free_text)
    char *text = mem_format("bytes %llu-%lld/%llu", (unsigned long long)range->offset,
                            (long long)(range->offset + range->len) - 1, (unsigned long long)size);
    reply_header(request, "Content-Range", text);
}

static void reply_range(struct request *request, const char *path, int fd, const struct range *range)
{
    add_common_headers(request, path);
    add_time(request, fd);
    reply_header(request, "Cache-Control", "must-revalidate");
    reply_header(request, "Accept-Ranges", "bytes");
    request->reply.content_type = "application/octet-stream";
    request->reply.file = fd;
    request->reply.file_offset = range->offset;
    request->reply.file_len = range->len;
}

static void reply_file(struct request *request, const char *path, int fd)
{
    struct range range;
    uint64_t size = file_size(fd);
    enum range_kind kind = range_parse(request_header(request, "Range"), size, &range);
    if (kind == RANGE_OUTSIDE || kind == RANGE_INVALID) {
        CLEANUP(mem_free_text) char *whole = mem_format("bytes */%llu", (unsigned long long)size);
        if (kind == RANGE_OUTSIDE) reply_header(request, "Content-Range", whole);
        reply_refusal(request, path, 416,
                      kind == RANGE_OUTSIDE ? "invalid range: failed to overlap\n" : "invalid range\n");
        fd_close(&fd);
        return;
    }
    request->reply.status = kind == RANGE_PART ? 206 : 200;
    if (kind == RANGE_PART) add_range(request, &range, size);
    reply_range(request, path, fd, &range);
}

void toolbox_download(struct request *request)
{
    const char *path = url_query(&request->url, "path");
    int fd = -1, is_there = 0;
    int error = path == NULL || *path == '\0' ? EINVAL
                                              : agent_file(request, "open-clean", path, NULL, &fd, &is_there);
    if (error == 0)
        reply_file(request, path, fd);
    else if (is_there != 0 && (error == EACCES || error == EPERM))
        reply_refusal(request, path, 403, "403 Forbidden\n");
    else
        reply_empty(request, file_status(error));
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

enum { NO_PATH = -1 }; /* among the errnos */

struct part_error {
    int error;
    int status;
    const char *code;
};

static const struct part_error *part_error(int error)
{
    static const struct part_error known[] = {
        {ENOENT, 404, "FILE_NOT_FOUND"},     {EACCES, 403, "FILE_ACCESS_DENIED"},
        {EPERM, 403, "FILE_ACCESS_DENIED"},  {EISDIR, 400, "INVALID_FILE_PATH"},
        {NO_PATH, 400, "INVALID_FILE_PATH"}, {0, 500, "FILE_READ_FAILED"},
    };
    const struct part_error *at = known;
    while (at->error != 0 && at->error != error)
        at++;
    return at;
}

static char *part_message(const struct part_error *what, const char *path, int error)
{
    switch (what->error) {
    case ENOENT: return mem_format("file not found: %s", path);
    case EACCES:
    case EPERM: return mem_format("permission denied: %s", path);
    case EISDIR: return mem_format("invalid file path: path points to a directory: %s", path);
    case NO_PATH: return mem_copy("invalid file path: path is empty");
    default: break;
    }
    CLEANUP(mem_free_text) char *reason = go_error_text(error);
    return mem_format("failed to open file: open %s: %s", path, reason);
}

static void append_error(struct bulk *bulk, const char *path, int error)
{
    const struct part_error *what = part_error(error);
    struct buf *out = &bulk->head;
    CLEANUP(mem_free_text) char *message = part_message(what, path, error);
    multipart_error_head(out, bulk->next == 1, path);
    buf_format(out, "{\"statusCode\":%d,\"message\":", what->status);
    json_out_string(out, message, strlen(message));
    buf_format(out, ",\"code\":\"%s\",\"timestamp\":\"%s\",\"path\":", what->code,
               clock_iso(clock_wall_ms()).text);
    json_out_string(out, path, strlen(path));
    buf_format(out, ",\"method\":\"%s\"}", bulk->request->method);
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
    int error = go_json_has_nul(item) ? EINVAL : *path == '\0' ? NO_PATH : 0;
    if (error == 0) error = agent_file(bulk->request, "open-read", path, NULL, &bulk->file, NULL);
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

/* What the decoder refuses is sent before its type is set: a wart. */
static void reply_no_paths(struct request *request, const char *type)
{
    reply_text(request, 400, type,
               "{\"error\":\"request body must be {\\\"paths\\\": [ ... ]} and non-empty\"}");
}

void toolbox_bulk_download(struct request *request)
{
    static const struct go_field fields[] = {{"paths", "Paths", GO_STRINGS, true},
                                             {NULL, NULL, GO_STRING, false}};
    struct fail why;
    struct json_object *body = go_json(request, "fs.FilesDownloadRequest", fields, &why);
    struct json_object *paths = json_object_object_get(body, "paths");
    if (body == NULL)
        reply_no_paths(request, "text/plain; charset=utf-8");
    else if (json_object_array_length(paths) == 0)
        reply_no_paths(request, "application/json; charset=utf-8");
    else
        reply_bulk(request, paths);
    json_object_put(body);
}
