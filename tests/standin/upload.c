#include "upload.h"

#include "fd.h"
#include "handlers.h"
#include "mem.h"
#include "toolbox.h"

#include <ctype.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_LEN = 64 << 10, PARSER_MEMORY = 64 << 10 };

/* files[<index>].path said where files[<index>].file goes. */
struct target {
    char *index;
    struct buf path;
};

struct upload {
    struct request *request;
    struct MHD_PostProcessor *parser;
    struct target *targets;
    size_t target_count;
    char *current; /* index of the file being written, or NULL */
    const char *path;
    int file;
    uint64_t written;
    struct json_object *files;
    struct json_object *errors;
};

static void add_error(struct upload *upload, const char *what, const char *why)
{
    CLEANUP(mem_free_text) char *text = mem_format("%s: %s", what, why);
    json_object_array_add(upload->errors, json_object_new_string(text));
}

static struct target *find_target(struct upload *upload, const char *index)
{
    for (size_t i = upload->target_count; i > 0; i--) /* mostly the newest */
        if (strcmp(upload->targets[i - 1].index, index) == 0) return &upload->targets[i - 1];
    return NULL;
}

static void add_path(struct upload *upload, const char *index, const char *bytes, size_t len)
{
    struct target *target = find_target(upload, index);
    if (target == NULL) {
        upload->targets = mem_resize(upload->targets, (upload->target_count + 1) * sizeof *upload->targets);
        target = &upload->targets[upload->target_count++];
        *target = (struct target){.index = mem_copy(index), .path = BUF_INIT(PATH_MAX_LEN)};
    }
    buf_append(&target->path, bytes, len);
}

/* The path without white space around it (protocol 10.1), NUL-terminated in place; NULL if there is none. */
static const char *path_of(struct target *target)
{
    if (target == NULL || buf_append(&target->path, "", 1) != 0) return NULL;
    char *start = target->path.data;
    while (isspace((unsigned char)*start))
        start++;
    for (char *end = start + strlen(start); end > start && isspace((unsigned char)end[-1]);)
        *--end = '\0';
    return *start != '\0' ? start : NULL;
}

static void end_file(struct upload *upload)
{
    if (upload->current == NULL) return;
    if (upload->file >= 0) {
        struct json_object *done = json_object_new_object();
        json_object_object_add(done, "path", json_object_new_string(upload->path));
        json_object_object_add(done, "bytes", json_object_new_uint64(upload->written));
        json_object_array_add(upload->files, done);
    }
    fd_close(&upload->file);
    mem_free_text(&upload->current);
}

static void begin_file(struct upload *upload, const char *index)
{
    end_file(upload);
    upload->current = mem_copy(index);
    upload->written = 0;
    upload->path = path_of(find_target(upload, index));
    if (upload->path == NULL) {
        CLEANUP(mem_free_text) char *what = mem_format("file[%s]", index);
        add_error(upload, what, "missing .path metadata");
        return;
    }
    int error = agent_file(upload->request, "open-write", upload->path, NULL, &upload->file, NULL);
    if (error != 0) add_error(upload, upload->path, strerror(error));
}

static void write_file(struct upload *upload, const char *bytes, size_t len)
{
    if (upload->file < 0) return; /* its error is noted */
    if (fd_write_all(upload->file, bytes, len) == 0) {
        upload->written += len;
        return;
    }
    add_error(upload, upload->path, strerror(errno));
    fd_close(&upload->file);
}

/* "files[0].path" gives "0" and ".path". */
static char *split_key(const char *key, const char **suffix)
{
    const char *close = strncmp(key, "files[", 6) == 0 ? strchr(key, ']') : NULL;
    if (close == NULL) return NULL;
    *suffix = close + 1;
    return mem_copy_n(key + 6, (size_t)(close - key) - 6);
}

/* Called by the library with pieces of parts, in order; offset 0 starts a part. */
static enum MHD_Result on_piece(void *closure, enum MHD_ValueKind kind, const char *key, const char *filename,
                                const char *type, const char *encoding, const char *bytes, uint64_t offset,
                                size_t len)
{
    struct upload *upload = closure;
    const char *suffix;
    (void)kind, (void)filename, (void)type, (void)encoding;
    CLEANUP(mem_free_text) char *index = split_key(key, &suffix);
    if (index == NULL) return MHD_YES;
    if (strcmp(suffix, ".path") == 0) {
        add_path(upload, index, bytes, len);
    } else if (strcmp(suffix, ".file") == 0) {
        if (offset == 0 &&
            (upload->current == NULL || strcmp(upload->current, index) != 0 || upload->written > 0))
            begin_file(upload, index);
        write_file(upload, bytes, len);
    }
    return MHD_YES;
}

struct upload *upload_create(struct request *request)
{
    struct upload *upload = mem_alloc(sizeof *upload);
    upload->request = request;
    upload->file = -1;
    upload->files = json_object_new_array();
    upload->errors = json_object_new_array();
    upload->parser = MHD_create_post_processor(request->connection, PARSER_MEMORY, on_piece, upload);
    return upload;
}

void upload_destroy(struct upload *upload)
{
    if (upload == NULL) return;
    if (upload->parser != NULL) MHD_destroy_post_processor(upload->parser); /* may still call on_piece */
    fd_close(&upload->file); /* a dropped upload leaves a truncated file */
    for (size_t i = 0; i < upload->target_count; i++) {
        free(upload->targets[i].index);
        buf_finish(&upload->targets[i].path);
    }
    free(upload->targets);
    free(upload->current);
    json_object_put(upload->files);
    json_object_put(upload->errors);
    free(upload);
}

void upload_feed(struct upload *upload, const char *bytes, size_t len)
{
    if (upload->parser != NULL) MHD_post_process(upload->parser, bytes, len);
}

/* False if the body was no multipart form or ended before its closing delimiter. */
static bool end_parser(struct upload *upload)
{
    bool whole = upload->parser != NULL && MHD_destroy_post_processor(upload->parser) == MHD_YES;
    upload->parser = NULL;
    end_file(upload);
    return whole;
}

void toolbox_bulk_upload(struct request *request)
{
    struct upload *upload = request->upload;
    if (!end_parser(upload)) add_error(upload, "multipart", "unexpected EOF");
    struct json_object *body = json_object_new_object();
    bool failed = json_object_array_length(upload->errors) > 0;
    bool any = json_object_array_length(upload->files) > 0;
    if (failed) json_object_object_add(body, "errors", json_object_get(upload->errors));
    json_object_object_add(body, "files", any || !failed ? json_object_get(upload->files) : NULL);
    reply_json(request, failed ? 400 : 200, body);
}
