/* workspace.c: the call realize_workspace: makes the folder, uploads to a staging folder beside it, moves
 * into place.
 *
 * The service writes uploads in place and trims their names (protocol 10.1): so nothing is uploaded to where
 * it is meant to be, and each file appears whole or not at all. */
#include <stdlib.h>

#include "abi.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "call.h"
#include "prepare.h"
#include "retry.h"
#include "runner/answer.h"
#include "runner/request.h"

#define SOURCES_MAX     10000u
#define SOURCE_PATH_MAX 4096u

struct realizing {
    struct access access;
    const eep_realize_request *request;
    eep_workspace *result;
    eep_source_result *outcomes;
    struct runner_placing *placings;
    struct toolbox_file *files; /* the staged ones */
    uint32_t file_count;
    void *names; /* arena: where they lie in the sandbox */
    struct buf root;
    struct buf staging;
};

static const eep_source *source_at(const struct realizing *realizing, uint32_t i)
{
    return abi_at(realizing->request->sources, realizing->request->source_stride, sizeof(eep_source), i);
}

/* -- Checking ---------------------------------------------------------------------------------- */

static int check_source(const eep_source *source, struct err *err)
{
    TRY(abi_check_str(source->path, SOURCE_PATH_MAX, "the path of a source", err));
    TRY(abi_check_str((eep_str){source->data.ptr, source->data.len}, SIZE_MAX / 4, "the data of a source",
                      err));
    if (source->kind != EEP_SOURCE_FILE && source->kind != EEP_SOURCE_DIR)
        return err_set(err, EEP_E_UNSUPPORTED, "source kind %u is not known to this plugin", source->kind);
    if (source->mode & ~07777u)
        return err_set(err, EEP_E_INVALID_ARGUMENT, "mode 0%o has more than permission bits", source->mode);
    if (str_empty(source->path) || str_has_byte(source->path, '\0'))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "a source has an empty path, or one with a NUL");
    if (str_climbs(source->path))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "the path %.*s has a \"..\": give the place itself",
                       (int)(source->path.len < 200 ? source->path.len : 200), source->path.ptr);
    if (source->kind == EEP_SOURCE_FILE && str_has_suffix(source->path, "/"))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "the path %.*s is a folder's, but the source is a file",
                       (int)(source->path.len < 200 ? source->path.len : 200), source->path.ptr);
    return EEP_OK;
}

static int check_request(const eep_realize_request *request, struct err *err)
{
    TRY(abi_check_str(request->lease, EEP_LEASE_MAX, "lease", err));
    TRY(abi_check_str(request->root, SOURCE_PATH_MAX, "root", err));
    TRY(abi_check_array(request->sources, request->source_count, request->source_stride, sizeof(eep_source),
                        "sources", err));
    if (request->source_count > SOURCES_MAX)
        return err_set(err, EEP_E_TOO_LARGE, "%u sources; at most %u at once: use several calls",
                       request->source_count, SOURCES_MAX);
    for (uint32_t i = 0; i < request->source_count; i++)
        TRY(check_source(abi_at(request->sources, request->source_stride, sizeof(eep_source), i), err));
    return EEP_OK;
}

/* -- Uploading and placing --------------------------------------------------------------------- */

/* In the workspace itself, so that moving is renaming, under a name that nobody uses. */
static int choose_staging(struct realizing *realizing, struct err *err)
{
    char token[17];
    random_hex(token, 8);
    int status = buf_appendf(&realizing->staging, "%s/.eep-staging-%s", buf_cstr(&realizing->root), token);
    return buf_error(&realizing->staging, status, "the path of the staging folder", err);
}

/* Where the source shall be, as an absolute path. */
static int plan_path(struct realizing *realizing, eep_str path, eep_str *out, struct err *err)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(2 * RUNNER_PATH_MAX);
    int status = EEP_OK;
    if (!str_has_prefix(path, "/")) status = buf_appendf(&text, "%s/", buf_cstr(&realizing->root));
    if (status == EEP_OK) status = buf_append_str(&text, path);
    TRY(buf_error(&text, status, "the path of a source", err));
    return arena_str(&realizing->result->head.arena, buf_str(&text), out) == EEP_OK ? EEP_OK
                                                                                    : err_no_memory(err);
}

static int plan_upload(struct realizing *realizing, uint32_t i, struct err *err)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(2 * RUNNER_PATH_MAX);
    struct toolbox_file *file = &realizing->files[realizing->file_count++];
    file->data = source_at(realizing, i)->data;
    TRY(buf_error(&text, buf_appendf(&text, "%s/%u", buf_cstr(&realizing->staging), i), "a staging path",
                  err));
    return arena_str(&realizing->names, buf_str(&text), &file->path) == EEP_OK ? EEP_OK : err_no_memory(err);
}

static int plan_source(struct realizing *realizing, uint32_t i, struct err *err)
{
    const eep_source *source = source_at(realizing, i);
    eep_source_result *outcome = &realizing->outcomes[i];
    TRY(plan_path(realizing, source->path, &outcome->path, err));
    realizing->placings[i] = (struct runner_placing){source->kind, source->mode, outcome->path};
    return source->kind == EEP_SOURCE_FILE ? plan_upload(realizing, i, err) : EEP_OK;
}

static int plan(struct realizing *realizing, struct err *err)
{
    uint32_t count = realizing->request->source_count;
    realizing->outcomes = arena_alloc(&realizing->result->head.arena, count * sizeof *realizing->outcomes);
    realizing->placings = calloc(count, sizeof *realizing->placings);
    realizing->files = calloc(count, sizeof *realizing->files);
    if (!realizing->outcomes || !realizing->placings || !realizing->files) return err_no_memory(err);
    TRY(choose_staging(realizing, err));
    for (uint32_t i = 0; i < count; i++)
        TRY(plan_source(realizing, i, err));
    return EEP_OK;
}

static const char *text_of(enum runner_placed placed)
{
    switch (placed) {
    case RUNNER_PLACED_OK: return "";
    case RUNNER_PLACED_IS_FOLDER: return "something of the other kind (file, folder) is in its place";
    case RUNNER_PLACED_NO_PARENT: return "its parent folder cannot be made";
    case RUNNER_PLACED_NOT_STAGED: return "its content did not arrive in the sandbox";
    default: return "it cannot be written: permissions, or a full disk";
    }
}

static void note_outcome(struct realizing *realizing, uint32_t i, enum runner_placed placed)
{
    eep_source_result *outcome = &realizing->outcomes[i];
    if (placed == RUNNER_PLACED_OK) {
        realizing->result->files++;
        realizing->result->bytes += source_at(realizing, i)->data.len;
        return;
    }
    outcome->code = placed == RUNNER_PLACED_IS_FOLDER ? EEP_E_CONFLICT : EEP_E_SANDBOX;
    outcome->message = str_from(text_of(placed)); /* constant: needs no arena */
    realizing->result->failed++;
}

/* The first `count` sources; what is left in the staging folder goes with it. */
static int place(struct realizing *realizing, uint32_t count, enum runner_placed *placed, struct err *err)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(64u << 20);
    CLEANUP(toolbox_execution_finish) struct toolbox_execution run = {.output = BUF_INIT(65536 + 64 * count)};
    char nonce[RUNNER_NONCE_LEN + 1];
    random_hex(nonce, RUNNER_NONCE_BYTES);
    struct runner_place request = {
        .call = {.nonce = str_from(nonce)},
        .staging = realizing->file_count > 0 ? buf_str(&realizing->staging) : (eep_str){NULL, 0},
        .placings = realizing->placings,
        .count = count,
    };
    TRY(runner_place(&text, &request, err));
    TRY(access_execute(&realizing->access, buf_str(&text), 0, &run, err));
    return runner_placed_parse(buf_str(&run.output), &request.call, count, placed, err);
}

static int upload_and_place(struct realizing *realizing, enum runner_placed *placed, struct err *err)
{
    if (realizing->file_count > 0)
        TRY(access_upload(&realizing->access, realizing->files, realizing->file_count, err));
    return place(realizing, realizing->request->source_count, placed, err);
}

static bool all_staged(const struct realizing *realizing, const enum runner_placed *placed)
{
    for (uint32_t i = 0; i < realizing->request->source_count; i++)
        if (placed[i] == RUNNER_PLACED_NOT_STAGED) return false;
    return true;
}

/* Both may be repeated, but only together: what was placed is not in the staging folder any more. That is also seen
 * when an answer was lost on the way, and the placing alone made again. */
static int put_sources(struct realizing *realizing, struct err *err)
{
    uint32_t count = realizing->request->source_count;
    CLEANUP(cleanup_free) enum runner_placed *placed = calloc(count, sizeof *placed);
    struct retry retry = RETRY_INIT;
    struct op *op = realizing->access.op;
    op->phase = "upload";
    if (!placed) return err_no_memory(err);
    TRY(plan(realizing, err));
    while (upload_and_place(realizing, placed, err) != EEP_OK) {
        if (!retry_is_passing(err)) return retry_give_up(op, &retry, err);
        TRY(retry_wait(op, &retry, err));
    }
    if (!all_staged(realizing, placed)) TRY(upload_and_place(realizing, placed, err));
    for (uint32_t i = 0; i < count; i++)
        note_outcome(realizing, i, placed[i]);
    return EEP_OK;
}

/* What was uploaded and has no place would fill the disk, one attempt after the other. */
static void remove_staged(struct realizing *realizing)
{
    struct err ignored = ERR_INIT;
    op_begin_grace(realizing->access.op);
    realizing->access.at_rest = EEP_E_CONFLICT; /* not worth a start */
    (void)!place(realizing, 0, NULL, &ignored);
}

static int put_or_remove(struct realizing *realizing, struct err *err)
{
    int status = put_sources(realizing, err);
    bool left = realizing->file_count > 0 && status != EEP_E_LEASE_LOST && status != EEP_E_NO_MEMORY;
    if (status != EEP_OK && left) remove_staged(realizing);
    return status;
}

/* -- The call ---------------------------------------------------------------------------------- */

static void realizing_finish(struct realizing *realizing)
{
    access_finish(&realizing->access);
    free(realizing->placings);
    free(realizing->files);
    arena_free(&realizing->names);
    buf_finish(&realizing->root);
    buf_finish(&realizing->staging);
}

static int find_root(struct realizing *realizing, struct err *err)
{
    eep_str root = realizing->request->root;
    if (!str_empty(root)) return prepare_folder(&realizing->access, root, &realizing->root, err);
    TRY(prepare_run(&realizing->access, PREPARE_KNOWN, err));
    int status = buf_append_str(&realizing->root, realizing->access.facts->workspace);
    return buf_error(&realizing->root, status, "the path of the workspace", err);
}

static int realize(struct realizing *realizing, struct op *op, struct err *err)
{
    const eep_realize_request *request = realizing->request;
    eep_workspace *result = realizing->result;
    TRY(access_init(&realizing->access, op, request->lease, err));
    TRY(find_root(realizing, err));
    if (request->source_count > 0) TRY(put_or_remove(realizing, err));
    if (arena_str(&result->head.arena, buf_str(&realizing->root), &result->root) != EEP_OK)
        return err_no_memory(err);
    if (realizing->access.started) result->head.flags |= EEP_WORKSPACE_STARTED;
    result->sources = realizing->outcomes;
    result->source_count = request->source_count;
    result->source_stride = sizeof *realizing->outcomes;
    return EEP_OK;
}

static int run_realize(struct op *op, const void *host_request, void *result, struct err *err)
{
    CLEANUP(realizing_finish)
    struct realizing realizing = {
        .request = host_request,
        .result = result,
        .root = BUF_INIT(RUNNER_PATH_MAX),
        .staging = BUF_INIT(2 * RUNNER_PATH_MAX),
    };
    TRY(check_request(realizing.request, err));
    int status = realize(&realizing, op, err);
    if (status != EEP_OK) str_copy(err->lease, sizeof err->lease, realizing.request->lease);
    return status;
}

const struct call call_realize_workspace = {
    .name = "realize_workspace",
    .request_size = sizeof(eep_realize_request),
    .request_min = sizeof(eep_realize_request),
    .result_size = sizeof(eep_workspace),
    .run = run_realize,
};
