#include "upload.h"

#include "fd.h"
#include "form.h"
#include "go_error.h"
#include "go_json.h"
#include "go_path.h"
#include "handlers.h"
#include "mem.h"
#include "toolbox.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_LEN = 64 << 10 };

/* The part being read is the path or the bytes of files[index], or none of our business. */
enum part_kind { PART_OTHER, PART_PATH, PART_FILE };

struct upload {
    struct request *request;
    struct form *form;         /* NULL: the body is no form */
    struct json_object *paths; /* files[<index>].path said where files[<index>].file goes */
    struct json_object *files;
    struct json_object *errors;
    enum part_kind kind;
    char *index;
    struct buf path; /* of a PART_PATH, as far as it has come */
    const char *destination;
    int file;
    uint64_t written;
};

static void add_error(struct upload *upload, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_error(struct upload *upload, const char *format, ...)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1 << 20);
    char piece[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    buf_text(&text, piece);
    json_object_array_add(upload->errors, json_object_new_string_len(text.data, (int)text.len));
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* "files[0].path" and "files[0].file" give "0". */
static char *index_of(const char *name)
{
    const char *start = strncmp(name, "files[", 6) == 0 ? name + 6 : name;
    bool closed = ends_with(start, "].path") || ends_with(start, "].file");
    return mem_copy_n(start, strlen(start) - (closed ? 6 : 0));
}

/* A directory on the way that cannot be made is named, with the length of its path as status (agent_files.c). */
static void add_open_error(struct upload *upload, int error, int made)
{
    const char *path = upload->destination;
    CLEANUP(mem_free_text) char *directory = go_path_dir(path);
    CLEANUP(mem_free_text) char *why = go_error_text(error);
    if (made == 0)
        add_error(upload, "%s: create: open %s: %s", path, path, why);
    else
        add_error(upload, "%s: mkdir %s: mkdir %.*s: %s", path, directory, made, directory, why);
}

static void begin_file(struct upload *upload)
{
    struct json_object *path = json_object_object_get(upload->paths, upload->index);
    int made = 0;
    upload->written = 0;
    upload->destination = json_object_get_string(path);
    if (path == NULL) {
        add_error(upload, "file[%.100s]: missing .path metadata", upload->index);
        return;
    }
    int error = EINVAL;
    if (!go_json_has_nul(path))
        error = agent_file(upload->request, "open-write", upload->destination, "755", &upload->file, &made);
    if (error != 0) add_open_error(upload, error, made);
}

static void on_part(void *state, const char *name, bool is_file)
{
    struct upload *upload = state;
    (void)is_file;
    upload->kind = ends_with(name, ".path") ? PART_PATH : ends_with(name, ".file") ? PART_FILE : PART_OTHER;
    mem_free_text(&upload->index);
    upload->index = index_of(name);
    upload->path.len = 0;
    if (upload->kind == PART_FILE) begin_file(upload);
}

static void on_bytes(void *state, const char *bytes, size_t len)
{
    struct upload *upload = state;
    if (upload->kind == PART_PATH) buf_append(&upload->path, bytes, len);
    if (upload->kind != PART_FILE || upload->file < 0) return; /* its error is noted */
    if (fd_write_all(upload->file, bytes, len) == 0) {
        upload->written += len;
        return;
    }
    CLEANUP(mem_free_text) char *why = go_error_text(errno);
    add_error(upload, "%s: write: write %s: %s", upload->destination, upload->destination, why);
    fd_close(&upload->file);
}

/* White space around a path is taken off (protocol 10.1). */
static void end_path(struct upload *upload)
{
    const char *start = upload->path.data, *end = start + upload->path.len;
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    if (start == end)
        add_error(upload, "path[%.100s]: empty path", upload->index);
    else
        json_object_object_add(upload->paths, upload->index,
                               json_object_new_string_len(start, (int)(end - start)));
}

static void end_file(struct upload *upload)
{
    if (upload->file < 0) return;
    struct json_object *done = json_object_new_object();
    json_object_object_add(done, "path", json_object_new_string(upload->destination));
    json_object_object_add(done, "bytes", json_object_new_uint64(upload->written));
    json_object_array_add(upload->files, done);
    fd_close(&upload->file);
}

static void on_end(void *state)
{
    struct upload *upload = state;
    if (upload->kind == PART_PATH) end_path(upload);
    if (upload->kind == PART_FILE) end_file(upload);
    upload->kind = PART_OTHER;
}

struct upload *upload_create(struct request *request)
{
    static const struct form_handler handler = {on_part, on_bytes, on_end};
    struct upload *upload = mem_alloc(sizeof *upload);
    upload->request = request;
    upload->file = -1;
    upload->paths = json_object_new_object();
    upload->files = json_object_new_array();
    upload->errors = json_object_new_array();
    buf_init(&upload->path, PATH_MAX_LEN);
    upload->form = form_create(request_header(request, "Content-Type"), &handler, upload);
    return upload;
}

void upload_destroy(struct upload *upload)
{
    if (upload == NULL) return;
    form_destroy(upload->form);
    fd_close(&upload->file); /* a dropped upload leaves a truncated file */
    buf_finish(&upload->path);
    free(upload->index);
    json_object_put(upload->paths);
    json_object_put(upload->files);
    json_object_put(upload->errors);
    free(upload);
}

void upload_feed(struct upload *upload, const char *bytes, size_t len)
{
    if (upload->form != NULL) form_feed(upload->form, bytes, len);
}

/* Half a body is an error of the part it ends in, and one of its own. */
static void note_early_end(struct upload *upload, enum form_state state)
{
    if (state == FORM_PART && upload->kind == PART_PATH)
        add_error(upload, "path[%.100s]: unexpected EOF", upload->index);
    if (state == FORM_PART && upload->kind == PART_FILE && upload->file >= 0)
        add_error(upload, "%s: write: unexpected EOF", upload->destination);
    fd_close(&upload->file);
    if (state == FORM_BROKEN)
        add_error(upload, "reading part: %s", form_complaint(upload->form));
    else
        add_error(upload, "reading part: multipart: NextPart: EOF");
}

static void reply_no_form(struct request *request)
{
    struct json_object *body = json_object_new_object(), *errors = json_object_new_array();
    json_object_array_add(errors, json_object_new_string("invalid multipart form"));
    json_object_object_add(body, "errors", errors);
    reply_json(request, 400, body);
}

void toolbox_bulk_upload(struct request *request)
{
    struct upload *upload = request->upload;
    if (upload->form == NULL) {
        reply_no_form(request);
        return;
    }
    enum form_state state = form_finish(upload->form);
    if (state != FORM_WHOLE) note_early_end(upload, state);
    struct json_object *body = json_object_new_object();
    bool failed = json_object_array_length(upload->errors) > 0;
    bool any = json_object_array_length(upload->files) > 0;
    if (failed) json_object_object_add(body, "errors", json_object_get(upload->errors));
    json_object_object_add(body, "files", any ? json_object_get(upload->files) : NULL);
    reply_json(request, failed ? 400 : 200, body);
}

/* POST files/upload: one file, kept in memory until the form has proved whole. */
struct single {
    bool is_file;
    bool found;
    struct buf bytes;
};

static void single_part(void *state, const char *name, bool is_file)
{
    struct single *single = state;
    single->is_file = is_file && !single->found && strcmp(name, "file") == 0;
    if (single->is_file) single->found = true;
}

static void single_bytes(void *state, const char *bytes, size_t len)
{
    struct single *single = state;
    if (single->is_file) buf_append(&single->bytes, bytes, len);
}

static void single_end(void *state)
{
    (void)state;
}

static bool write_single(struct request *request, const char *path, const struct buf *bytes)
{
    CLEANUP(fd_close) int file = -1;
    if (agent_file(request, "open-write", path, "750", &file, NULL) != 0) return false;
    return fd_write_all(file, bytes->data, bytes->len) == 0;
}

void toolbox_upload(struct request *request)
{
    static const struct form_handler handler = {single_part, single_bytes, single_end};
    const char *path = url_query(&request->url, "path");
    struct single single = {.bytes = BUF_INIT(request->body.max)};
    struct form *form = form_create(request_header(request, "Content-Type"), &handler, &single);
    if (form != NULL) form_feed(form, request->body.data, request->body.len);
    bool whole = form != NULL && form_finish(form) == FORM_WHOLE && single.found;
    bool written = whole && path != NULL && *path != '\0' && write_single(request, path, &single.bytes);
    reply_empty(request, written ? 200 : 400);
    form_destroy(form);
    buf_finish(&single.bytes);
}
