/* sources.c: see sources.h. */
#include "sources.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 256 << 20 };

const struct option_spec sources_options[] = {
    {"root", 0, OPTION_TEXT, offsetof(struct sources_args, root), "DIR",
     "the workspace: an absolute path, or one below the sandbox's working directory (default: the "
     "configuration's)",
     0, NULL},
    {"file", 0, OPTION_LIST, offsetof(struct sources_args, files), "LOCAL[:REMOTE]",
     "put a file there, with its permissions. REMOTE is relative to the workspace or absolute "
     "(default: the last part of LOCAL). May be repeated",
     0, NULL},
    {"dir", 0, OPTION_LIST, offsetof(struct sources_args, dirs), "REMOTE",
     "make a folder there; may be repeated", 0, NULL},
    {0},
};

/* Where a file goes that is given as LOCAL[:REMOTE]. */
static eep_str remote_path(const char *text, size_t local_len)
{
    if (text[local_len] && text[local_len + 1]) return out_str(text + local_len + 1);
    size_t begin = local_len;
    while (begin > 0 && text[begin - 1] != '/')
        begin--;
    return (eep_str){text + begin, local_len - begin};
}

/* The commonest reason why a file cannot be read has a way out. */
static void hint_if_folder(const char *local, struct err *err)
{
    struct stat status;
    if (stat(local, &status) == 0 && S_ISDIR(status.st_mode))
        err_hint(err,
                 "--file takes single files; a folder goes by tar c FOLDER | eep exec LEASE -i -- tar x");
}

/* The last colon divides: a file whose own name has one is written "a:b:b". */
static int add_file(struct sources *sources, const char *text, struct err *err)
{
    const char *colon = strrchr(text, ':');
    size_t local_len = colon ? (size_t)(colon - text) : strlen(text);
    if (local_len == 0) return err_usage(err, "--file %s: write LOCAL or LOCAL:REMOTE", text);
    char *local = strndup(text, local_len);
    if (!local) mem_out();
    struct bytes *content = &sources->contents[sources->count];
    eep_source *source = &sources->items[sources->count++];
    mode_t mode = 0;
    int code = io_read_file(local, FILE_MAX, content, &mode, err);
    if (code != EEP_OK) hint_if_folder(local, err);
    free(local);
    *source = (eep_source){.kind = EEP_SOURCE_FILE,
                           .mode = mode & 0777,
                           .path = remote_path(text, local_len),
                           .data = {content->data, content->len}};
    return code;
}

static void add_dir(struct sources *sources, const char *path)
{
    sources->items[sources->count++] = (eep_source){.kind = EEP_SOURCE_DIR, .path = out_str(path)};
}

int sources_init(struct sources *sources, const struct sources_args *args, struct err *err)
{
    size_t most = args->files.count + args->dirs.count;
    sources->items = mem_zeroed(most, sizeof(sources->items[0]));
    sources->contents = mem_zeroed(most, sizeof(sources->contents[0]));
    for (size_t i = 0; i < args->dirs.count; i++)
        add_dir(sources, args->dirs.items[i]);
    for (size_t i = 0; i < args->files.count; i++)
        TRY(add_file(sources, args->files.items[i], err));
    sources->request = (eep_realize_request){
        .root = out_str(args->root),
        .sources = sources->items,
        .source_count = sources->count,
        .source_stride = sizeof(eep_source),
    };
    return EEP_OK;
}

void sources_finish(struct sources *sources)
{
    for (uint32_t i = 0; sources->contents && i < sources->count; i++)
        bytes_finish(&sources->contents[i]);
    free(sources->contents);
    free(sources->items);
    *sources = (struct sources){0};
}

static const eep_source_result *result_at(const eep_workspace *workspace, uint32_t index)
{
    return (const eep_source_result *)((const char *)workspace->sources +
                                       (size_t)index * workspace->source_stride);
}

json_object *workspace_to_json(const eep_workspace *workspace)
{
    json_object *object = json_new_object();
    json_object *results = json_new_array();
    for (uint32_t i = 0; i < workspace->source_count; i++) {
        const eep_source_result *result = result_at(workspace, i);
        json_object *item = json_new_object();
        json_add_str(item, "path", result->path);
        json_add_int(item, "code", result->code);
        json_add_text(item, "name", err_name(result->code));
        json_add_str(item, "message", result->message);
        json_append(results, item);
    }
    json_add_str(object, "root", workspace->root);
    json_add_bool(object, "started", workspace->head.flags & EEP_WORKSPACE_STARTED);
    json_add_int(object, "files", workspace->files);
    json_add_int(object, "failed", workspace->failed);
    json_add_int(object, "bytes", (int64_t)workspace->bytes);
    json_add(object, "sources", results);
    return object;
}

int workspace_check(const eep_workspace *workspace, struct err *err)
{
    int first = EEP_OK;
    for (uint32_t i = 0; i < workspace->source_count; i++) {
        const eep_source_result *result = result_at(workspace, i);
        if (result->code == EEP_OK) continue;
        const char *path = result->path.ptr ? result->path.ptr : "?";
        const char *message = result->message.ptr ? result->message.ptr : err_name(result->code);
        if (first == EEP_OK)
            first = err_set(err, result->code, "%s: %s", path, message);
        else
            out_warn("%s: %s", path, message);
    }
    return first;
}
