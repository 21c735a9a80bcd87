#include "runner/request.h"

#include "base/str.h"
#include "runner/command.h"
#include "runner/native.h"
#include "runner/request_native.h"
#include "runner/request_sh.h"

#define DEFAULT_MAX_OUTPUT (256ull << 20)
#define MAX_OUTPUT_LIMIT   (1ull << 50)

/* Builders return a bare status; the public functions turn it into an error once, here. */
static int finish(const struct buf *out, int status, struct err *err)
{
    return buf_error(out, status, "the request", err);
}

/* Who will do it: a build without programs has sh only. */
static bool uses_native(const struct runner_call *call)
{
    return call->use == RUNNER_NATIVE || (call->use == RUNNER_EITHER && native_name());
}

static bool uses_sh(const struct runner_call *call)
{
    return call->use != RUNNER_NATIVE;
}

static bool is_absolute(eep_str path)
{
    return path.len > 0 && path.ptr[0] == '/' && path.len < 4096 && !str_has_byte(path, '\0');
}

static int check_call(const struct runner_call *call, bool with_id, struct err *err)
{
    if (with_id && (!str_is_word(call->id) || call->id.len > EEP_EXECUTION_ID_MAX))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "an execution id must match [A-Za-z0-9_-]{1,64}");
    if (!str_is_word(call->nonce) || call->nonce.len != RUNNER_NONCE_LEN)
        return err_set(err, EEP_E_INVALID_ARGUMENT, "a nonce must be %d hex digits", RUNNER_NONCE_LEN);
    if (!str_absent(call->dir) && !is_absolute(call->dir))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "the runner's folder must be an absolute path");
    if (!str_absent(call->native) && !is_absolute(call->native))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "the native runner must be an absolute path");
    if (call->use == RUNNER_NATIVE && str_absent(call->native) && !native_name())
        return err_set(err, EEP_E_UNSUPPORTED, "this build of the plugin has no native runner");
    return EEP_OK;
}

/* -- How a command is ended -------------------------------------------------------------------- */

static int put_rung(struct buf *rungs, const char *signal, uint32_t ms)
{
    if (ms == 0) return EEP_OK;
    TRY(buf_append_cstr(rungs, signal));
    return buf_append_u64(rungs, ms);
}

/* SIGNAL:MS …; the longest has 40 bytes. */
#define RUNGS_MAX 64

static int put_rungs(struct buf *rungs, const struct runner_ladder *ladder)
{
    TRY(put_rung(rungs, "2:", ladder->int_ms));
    TRY(put_rung(rungs, rungs->len > 0 ? " 15:" : "15:", ladder->term_ms));
    return put_rung(rungs, rungs->len > 0 ? " 9:" : "9:", ladder->kill_ms ? ladder->kill_ms : 1000);
}

static const struct runner_ladder *ladder_of(const struct runner_start *start)
{
    static const struct runner_ladder usual = {.int_ms = 2000, .term_ms = 3000, .kill_ms = 1000};
    const struct runner_ladder *ladder = &start->ladder;
    return ladder->int_ms || ladder->term_ms || ladder->kill_ms ? ladder : &usual;
}

/* -- For one execution ------------------------------------------------------------------------- */

static int put_start(struct buf *out, const struct request_start *request)
{
    const struct runner_call *call = &request->start->call;
    if (uses_native(call)) {
        bool cleans = request->start->clean && !uses_sh(call);
        TRY(native_start(out, request, cleans));
        if (cleans) TRY(sh_clean(out, call));
    }
    return uses_sh(call) ? sh_start(out, request) : EEP_OK;
}

static int complete_start(struct buf *out, const struct runner_start *start, const char *digest)
{
    CLEANUP(buf_finish) struct buf rungs = BUF_INIT(RUNGS_MAX);
    TRY(put_rungs(&rungs, ladder_of(start)));
    struct request_start request = {
        .start = start,
        .digest = digest,
        .rungs = buf_str(&rungs),
        .max_output = start->max_output ? start->max_output : DEFAULT_MAX_OUTPUT,
    };
    return put_start(out, &request);
}

int runner_start(struct buf *out, const struct runner_start *start, struct err *err)
{
    char digest[RUNNER_DIGEST_LEN + 1];
    TRY(check_call(&start->call, true, err));
    TRY(runner_digest(start->call.id, &start->command, digest, err));
    if (start->time_limit_ms == 0)
        return err_set(err, EEP_E_INVALID_ARGUMENT, "an execution needs a time limit");
    if (start->max_output > MAX_OUTPUT_LIMIT)
        return err_set(err, EEP_E_INVALID_ARGUMENT, "max_output_bytes is larger than 1 PiB");
    return finish(out, complete_start(out, start, digest), err);
}

static int put_attach(struct buf *out, const struct runner_call *call, const struct runner_wait *wait)
{
    if (uses_native(call)) TRY(native_attach(out, call, wait));
    return uses_sh(call) ? sh_attach(out, call, wait) : EEP_OK;
}

int runner_attach(struct buf *out, const struct runner_call *call, const struct runner_wait *wait,
                  struct err *err)
{
    TRY(check_call(call, true, err));
    return finish(out, put_attach(out, call, wait), err);
}

static int put_kill(struct buf *out, const struct runner_call *call, const struct runner_ladder *ladder,
                    const struct runner_wait *wait)
{
    CLEANUP(buf_finish) struct buf rungs = BUF_INIT(RUNGS_MAX);
    TRY(put_rungs(&rungs, ladder));
    if (uses_native(call)) TRY(native_kill(out, call, buf_str(&rungs), wait));
    return uses_sh(call) ? sh_kill(out, call, buf_str(&rungs), wait) : EEP_OK;
}

int runner_kill(struct buf *out, const struct runner_call *call, const struct runner_ladder *ladder,
                const struct runner_wait *wait, struct err *err)
{
    TRY(check_call(call, true, err));
    return finish(out, put_kill(out, call, ladder, wait), err);
}

static int put_drop(struct buf *out, const struct runner_call *call)
{
    if (uses_native(call)) TRY(native_drop(out, call));
    return uses_sh(call) ? sh_drop(out, call) : EEP_OK;
}

int runner_drop(struct buf *out, const struct runner_call *call, struct err *err)
{
    TRY(check_call(call, true, err));
    return finish(out, put_drop(out, call), err);
}

/* -- For a lease ------------------------------------------------------------------------------- */

static int put_list(struct buf *out, const struct runner_call *call, uint32_t max)
{
    if (uses_native(call)) TRY(native_list(out, call, max));
    return uses_sh(call) ? sh_list(out, call, max) : EEP_OK;
}

int runner_list(struct buf *out, const struct runner_call *call, uint32_t max, struct err *err)
{
    TRY(check_call(call, false, err));
    return finish(out, put_list(out, call, max), err);
}

static int check_prepare(const struct runner_prepare *prepare, struct err *err)
{
    TRY(check_call(&prepare->call, false, err));
    if (str_has_byte(prepare->workspace, '\0') || str_has_byte(prepare->workspace, '\n'))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "the workspace path holds a newline or a NUL");
    if (!str_absent(prepare->identity) && (!str_is_graph(prepare->identity) || prepare->identity.len > 128))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "the identity token is not printable");
    return EEP_OK;
}

int runner_prepare(struct buf *out, const struct runner_prepare *prepare, struct err *err)
{
    TRY(check_prepare(prepare, err));
    return finish(out, sh_prepare(out, prepare), err);
}

int runner_examine(struct buf *out, const struct runner_prepare *prepare, struct err *err)
{
    TRY(check_prepare(prepare, err));
    return finish(out, sh_examine(out, prepare), err);
}

static int check_placing(const struct runner_placing *placing, uint32_t index, struct err *err)
{
    if (!is_absolute(placing->path))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "source %u: its path is not absolute", index);
    if (placing->kind != EEP_SOURCE_FILE && placing->kind != EEP_SOURCE_DIR)
        return err_set(err, EEP_E_INVALID_ARGUMENT, "source %u: unknown kind %u", index, placing->kind);
    if (placing->mode > 07777)
        return err_set(err, EEP_E_INVALID_ARGUMENT, "source %u: mode %o is too large", index, placing->mode);
    return EEP_OK;
}

int runner_place(struct buf *out, const struct runner_place *place, struct err *err)
{
    TRY(check_call(&place->call, false, err));
    if (!str_absent(place->staging) && !is_absolute(place->staging))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "the staging folder must be an absolute path");
    for (uint32_t i = 0; i < place->count; i++)
        TRY(check_placing(&place->placings[i], i, err));
    return finish(out, sh_place(out, place), err);
}
