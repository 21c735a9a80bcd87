#include "runner/request.h"

#include <string.h>

#include "base/b64.h"
#include "base/str.h"
#include "runner/command.h"
#include "runner/native.h"
#include "runner/quote.h"
#include "runner/texts.h"

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

static int assign(struct buf *out, const char *name, eep_str value)
{
    return quote_assign(out, name, value);
}

static int assign_u64(struct buf *out, const char *name, uint64_t value)
{
    TRY(buf_append_cstr(out, name));
    TRY(buf_append_char(out, '='));
    TRY(buf_append_u64(out, value));
    return buf_append_char(out, '\n');
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

/* What every text begins with. Only a plain sh goes on: zsh and bash read their input byte by byte, so that
 * the shell that replaces them finds the rest of it. What their start-up files printed lies before our answer
 * and is skipped. */
static int head(struct buf *out, const struct runner_call *call)
{
    TRY(buf_append_cstr(out, "[ \"$ZSH_VERSION$BASH_VERSION\" ]&&exec sh\nexec 2>/dev/null\n"));
    TRY(assign(out, "e_no", call->nonce));
    TRY(assign(out, "e_id", call->id));
    /* Who did not know whether it is there shall know it then. */
    if (call->use == RUNNER_EITHER && native_name()) TRY(assign(out, "e_native", str_from(native_name())));
    return assign(out, "e_dir", call->dir);
}

static int put_wait(struct buf *out, const struct runner_wait *wait)
{
    TRY(assign_u64(out, "e_news", wait->news));
    TRY(assign_u64(out, "e_window", wait->window_ms));
    TRY(assign_u64(out, "e_oo", wait->offset_out));
    TRY(assign_u64(out, "e_oe", wait->offset_err));
    return assign_u64(out, "e_in", wait->inline_bytes);
}

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

static int put_ladder(struct buf *out, const struct runner_ladder *ladder)
{
    CLEANUP(buf_finish) struct buf rungs = BUF_INIT(RUNGS_MAX);
    TRY(put_rungs(&rungs, ladder));
    return assign(out, "e_rungs", buf_str(&rungs));
}

/* What all requests to the native runner have. */
static int native_head(struct buf *fields, const char *operation, const struct runner_call *call)
{
    TRY(native_field(fields, "op", str_from(operation)));
    TRY(native_field(fields, "nonce", call->nonce));
    TRY(native_field(fields, "id", call->id));
    return str_empty(call->dir) ? EEP_OK : native_field(fields, "dir", call->dir);
}

static int native_wait(struct buf *fields, const struct runner_wait *wait)
{
    if (wait->news) TRY(native_field(fields, "news", STR("")));
    TRY(native_number(fields, "window", wait->window_ms));
    TRY(native_number(fields, "from-out", wait->offset_out));
    TRY(native_number(fields, "from-err", wait->offset_err));
    return native_number(fields, "inline", wait->inline_bytes);
}

static int native_ladder(struct buf *fields, const struct runner_ladder *ladder)
{
    CLEANUP(buf_finish) struct buf rungs = BUF_INIT(RUNGS_MAX);
    TRY(put_rungs(&rungs, ladder));
    return native_field(fields, "rungs", buf_str(&rungs));
}

/* The functions that requests for one execution share. */
static int put_common(struct buf *out)
{
    TRY(buf_append_cstr(out, text_base));
    return buf_append_cstr(out, text_common);
}

/* -- start
 * ------------------------------------------------------------------------------------------------------ */

/* What fits into any pipe at once, so that writing it never waits. */
#define PIPE_BYTES 4096

/* Text goes by the shell's own printf, without a process; much binary data by base64, which is shorter. */
static bool prefers_base64(eep_bytes data)
{
    return data.len > PIPE_BYTES &&
           (!str_is_utf8((eep_str){data.ptr, data.len}) || memchr(data.ptr, 0, data.len) != NULL);
}

/* printf '…' */
static int put_printf(struct buf *out, eep_bytes data)
{
    TRY(buf_append_cstr(out, "printf "));
    return quote_format(out, data);
}

static int put_large(struct buf *out, int fd, eep_bytes data)
{
    if (prefers_base64(data)) {
        TRY(buf_append_cstr(out,
                            "command -v base64 || e_refuse tool:base64\nbase64 -d <<'~' >\"$e_p.$$\"\n"));
        TRY(b64_encode(out, data.ptr, data.len, 76));
        TRY(buf_append_cstr(out, "~\n[ $? = 0 ]"));
    } else {
        TRY(put_printf(out, data));
        TRY(buf_append_cstr(out, " >\"$e_p.$$\""));
    }
    return buf_appendf(out, " || return\ne_keep %d\n", fd);
}

/* Shell text that opens fd for reading `data`. */
static int put_input(struct buf *out, int fd, eep_bytes data)
{
    if (data.len == 0) return buf_appendf(out, "exec %d</dev/null\n", fd);
    if (data.len > PIPE_BYTES) return put_large(out, fd, data);
    TRY(buf_appendf(out, "e_pipe %d 9\n", fd));
    TRY(put_printf(out, data));
    return buf_append_cstr(out, " >&9\nexec 9>&-\n");
}

/* The function that opens the command's inputs. */
static int put_inputs(struct buf *out, const struct runner_command *command)
{
    CLEANUP(buf_finish_secret) struct buf settings = BUF_INIT(out->max);
    CLEANUP(buf_finish_secret) struct buf script = BUF_INIT(out->max);
    TRY(command_settings(&settings, command));
    TRY(command_script(&script, command));
    TRY(buf_append_cstr(out, "e_put() {\n"));
    TRY(put_input(out, 5, (eep_bytes){settings.data, settings.len}));
    TRY(put_input(out, 6, (eep_bytes){script.data, script.len}));
    TRY(put_input(out, 7, command->stdin_data));
    /* Another PATH may not lead to setsid: then it is looked up before. */
    const char *setsid = command_sets_path(command) ? "$(command -v setsid)" : "setsid";
    return buf_appendf(out, "e_setsid=%s\n}\n", setsid);
}

static const struct runner_ladder *ladder_of(const struct runner_start *start)
{
    static const struct runner_ladder usual = {.int_ms = 2000, .term_ms = 3000, .kill_ms = 1000};
    const struct runner_ladder *ladder = &start->ladder;
    return ladder->int_ms || ladder->term_ms || ladder->kill_ms ? ladder : &usual;
}

static uint64_t max_output_of(const struct runner_start *start)
{
    return start->max_output ? start->max_output : DEFAULT_MAX_OUTPUT;
}

static int put_settings(struct buf *out, const struct runner_start *start)
{
    const struct runner_command *command = &start->command;
    TRY(put_ladder(out, ladder_of(start)));
    TRY(put_wait(out, &start->wait));
    TRY(buf_appendf(out, "e_limit=%u.%03u\n", start->time_limit_ms / 1000, start->time_limit_ms % 1000));
    TRY(assign_u64(out, "e_max", max_output_of(start)));
    TRY(assign_u64(out, "e_merge", command->merge));
    TRY(assign_u64(out, "e_login", command->login));
    TRY(assign(out, "e_shell", command_shell(command)));
    TRY(assign(out, "e_bash", start->default_shell));
    return assign(out, "e_cwd", command->cwd);
}

static int put_texts(struct buf *out)
{
    TRY(buf_append_cstr(out, "e_base="));
    TRY(quote_raw(out, str_from(text_base)));
    TRY(buf_append_cstr(out, "\ne_sup="));
    CLEANUP(buf_finish) struct buf supervisor = BUF_INIT(out->max);
    TRY(buf_append_cstr(&supervisor, text_ladder));
    TRY(buf_append_cstr(&supervisor, text_keep));
    TRY(buf_append_cstr(&supervisor, text_supervise));
    TRY(quote_raw(out, buf_str(&supervisor)));
    TRY(buf_append_cstr(out, "\neval \"$e_base\"\n"));
    TRY(buf_append_cstr(out, text_common));
    return EEP_OK;
}

static int put_start_sh(struct buf *out, const struct runner_start *start, const char *digest)
{
    TRY(head(out, &start->call));
    TRY(buf_appendf(out, "e_digest=%s\n", digest));
    TRY(put_settings(out, start));
    TRY(put_texts(out));
    TRY(put_inputs(out, &start->command));
    TRY(buf_append_cstr(out, text_start));
    return start->clean ? buf_append_cstr(out, text_clean) : EEP_OK;
}

static int native_start(struct buf *fields, const struct runner_start *start, const char *digest)
{
    TRY(native_head(fields, "start", &start->call));
    TRY(native_field(fields, "digest", str_from(digest)));
    TRY(native_wait(fields, &start->wait));
    TRY(native_ladder(fields, ladder_of(start)));
    TRY(native_number(fields, "limit", start->time_limit_ms));
    TRY(native_number(fields, "max", max_output_of(start)));
    TRY(native_field(fields, "usual", start->default_shell));
    return command_fields(fields, &start->command);
}

/* Behind the native runner's answer the shell goes on, to remove what is past its time. */
static int put_cleaning(struct buf *out, const struct runner_call *call)
{
    TRY(head(out, call));
    TRY(put_common(out));
    TRY(buf_append_cstr(out, "e_folder\n"));
    return buf_append_cstr(out, text_clean);
}

static int put_start(struct buf *out, const struct runner_start *start, const char *digest)
{
    if (uses_native(&start->call)) {
        bool cleans = start->clean && !uses_sh(&start->call);
        CLEANUP(buf_finish_secret) struct buf fields = BUF_INIT(out->max);
        TRY(native_start(&fields, start, digest));
        TRY(buf_appendf(out, "e_digest=%s\n", digest));
        TRY(native_put(out, &start->call, &fields, cleans));
        if (cleans) TRY(put_cleaning(out, &start->call));
    }
    return uses_sh(&start->call) ? put_start_sh(out, start, digest) : EEP_OK;
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
    return finish(out, put_start(out, start, digest), err);
}

/* -- the others
 * ------------------------------------------------------------------------------------------------- */

static int put_attach(struct buf *out, const struct runner_call *call, const struct runner_wait *wait)
{
    if (uses_native(call)) {
        CLEANUP(buf_finish) struct buf fields = BUF_INIT(out->max);
        TRY(native_head(&fields, "attach", call));
        TRY(native_wait(&fields, wait));
        TRY(native_put(out, call, &fields, false));
    }
    if (!uses_sh(call)) return EEP_OK;
    TRY(head(out, call));
    TRY(put_wait(out, wait));
    TRY(put_common(out));
    return buf_append_cstr(out, text_attach);
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
    if (uses_native(call)) {
        CLEANUP(buf_finish) struct buf fields = BUF_INIT(out->max);
        TRY(native_head(&fields, "kill", call));
        TRY(native_wait(&fields, wait));
        TRY(native_ladder(&fields, ladder));
        TRY(native_put(out, call, &fields, false));
    }
    if (!uses_sh(call)) return EEP_OK;
    TRY(head(out, call));
    TRY(put_wait(out, wait));
    TRY(put_ladder(out, ladder));
    TRY(put_common(out));
    TRY(buf_append_cstr(out, text_ladder));
    return buf_append_cstr(out, text_kill);
}

int runner_kill(struct buf *out, const struct runner_call *call, const struct runner_ladder *ladder,
                const struct runner_wait *wait, struct err *err)
{
    TRY(check_call(call, true, err));
    return finish(out, put_kill(out, call, ladder, wait), err);
}

static int put_drop(struct buf *out, const struct runner_call *call)
{
    if (uses_native(call)) {
        CLEANUP(buf_finish) struct buf fields = BUF_INIT(out->max);
        TRY(native_head(&fields, "drop", call));
        TRY(native_put(out, call, &fields, false));
    }
    if (!uses_sh(call)) return EEP_OK;
    TRY(head(out, call));
    TRY(put_wait(out, &(struct runner_wait){0}));
    TRY(put_common(out));
    return buf_append_cstr(out, text_drop);
}

int runner_drop(struct buf *out, const struct runner_call *call, struct err *err)
{
    TRY(check_call(call, true, err));
    return finish(out, put_drop(out, call), err);
}

static int put_list(struct buf *out, const struct runner_call *call, uint32_t max)
{
    if (uses_native(call)) {
        CLEANUP(buf_finish) struct buf fields = BUF_INIT(out->max);
        TRY(native_head(&fields, "list", call));
        TRY(native_number(&fields, "most", max));
        TRY(native_put(out, call, &fields, false));
    }
    if (!uses_sh(call)) return EEP_OK;
    TRY(head(out, call));
    TRY(assign_u64(out, "e_most", max));
    TRY(put_common(out));
    return buf_append_cstr(out, text_list);
}

int runner_list(struct buf *out, const struct runner_call *call, uint32_t max, struct err *err)
{
    TRY(check_call(call, false, err));
    return finish(out, put_list(out, call, max), err);
}

static int put_prepare(struct buf *out, const struct runner_prepare *prepare)
{
    TRY(head(out, &prepare->call));
    TRY(assign(out, "e_root", prepare->workspace));
    TRY(assign(out, "e_token", prepare->identity));
    TRY(assign_u64(out, "e_create", prepare->create));
    TRY(assign(out, "e_native", str_from(prepare->native ? native_name() : NULL)));
    TRY(put_common(out));
    TRY(buf_append_cstr(out, text_needs));
    TRY(buf_append_cstr(out, text_prepare));
    return buf_append_cstr(out, text_clean);
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
    return finish(out, put_prepare(out, prepare), err);
}

static int put_examine(struct buf *out, const struct runner_prepare *prepare)
{
    TRY(head(out, &prepare->call));
    TRY(assign(out, "e_root", prepare->workspace));
    TRY(assign(out, "e_token", prepare->identity));
    TRY(put_common(out));
    TRY(buf_append_cstr(out, text_needs));
    return buf_append_cstr(out, text_examine);
}

int runner_examine(struct buf *out, const struct runner_prepare *prepare, struct err *err)
{
    TRY(check_prepare(prepare, err));
    return finish(out, put_examine(out, prepare), err);
}

static int put_placing(struct buf *out, const struct runner_placing *placing)
{
    bool folder = placing->kind == EEP_SOURCE_DIR;
    uint32_t mode = placing->mode ? placing->mode : folder ? 0755 : 0644;
    TRY(assign(out, "e_path", placing->path));
    return buf_appendf(out, "%s %04o\n", folder ? "e_make" : "e_move", mode);
}

static int put_place(struct buf *out, const struct runner_place *place)
{
    TRY(head(out, &place->call));
    TRY(assign(out, "e_staging", place->staging));
    TRY(buf_append_cstr(out, text_place));
    for (uint32_t i = 0; i < place->count; i++)
        TRY(put_placing(out, &place->placings[i]));
    return buf_append_cstr(out, "e_placed\n");
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
    return finish(out, put_place(out, place), err);
}
