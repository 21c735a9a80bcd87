#include "runner/request_sh.h"

#include <string.h>

#include "base/b64.h"
#include "base/str.h"
#include "runner/command.h"
#include "runner/native.h"
#include "runner/quote.h"
#include "runner/texts.h"

/* -- Parts ------------------------------------------------------------------------------------- */

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

/* What every text begins with. Only a plain sh goes on: zsh and bash read their input byte by byte, so that
 * the shell that replaces them finds the rest of it. What their start-up files printed lies before our answer
 * and is skipped; what they set (set -u) may not end us. Options that a bash finds in SHELLOPTS are none of ours. */
static int head(struct buf *out, const struct runner_call *call)
{
    TRY(buf_append_cstr(out, "[ \"${ZSH_VERSION-}${BASH_VERSION-}\" ]&&exec sh\n"
                             "exec 2>/dev/null\nset +Cefmuvx\n"));
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

/* The functions that requests for one execution share. */
static int put_common(struct buf *out)
{
    TRY(buf_append_cstr(out, text_base));
    return buf_append_cstr(out, text_common);
}

/* -- The start's inputs ------------------------------------------------------------------------ */

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
    TRY(buf_appendf(out, "e_pipe %d 9 file\n", fd));
    TRY(put_printf(out, data));
    return buf_append_cstr(out, " >&9 || return\nexec 9>&-\n");
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

/* -- Requests ---------------------------------------------------------------------------------- */

static int put_settings(struct buf *out, const struct request_start *request)
{
    const struct runner_start *start = request->start;
    const struct runner_command *command = &start->command;
    TRY(assign(out, "e_rungs", request->rungs));
    TRY(put_wait(out, &start->wait));
    TRY(buf_appendf(out, "e_limit=%u.%03u\n", start->time_limit_ms / 1000, start->time_limit_ms % 1000));
    TRY(assign_u64(out, "e_max", request->max_output));
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

int sh_start(struct buf *out, const struct request_start *request)
{
    const struct runner_start *start = request->start;
    TRY(head(out, &start->call));
    TRY(buf_appendf(out, "e_digest=%s\n", request->digest));
    TRY(put_settings(out, request));
    TRY(put_texts(out));
    TRY(put_inputs(out, &start->command));
    TRY(buf_append_cstr(out, text_start));
    return start->clean ? buf_append_cstr(out, text_clean) : EEP_OK;
}

int sh_clean(struct buf *out, const struct runner_call *call)
{
    TRY(head(out, call));
    TRY(put_common(out));
    TRY(buf_append_cstr(out, "e_folder\n"));
    return buf_append_cstr(out, text_clean);
}

int sh_attach(struct buf *out, const struct runner_call *call, const struct runner_wait *wait)
{
    TRY(head(out, call));
    TRY(put_wait(out, wait));
    TRY(put_common(out));
    return buf_append_cstr(out, text_attach);
}

int sh_kill(struct buf *out, const struct runner_call *call, eep_str rungs, const struct runner_wait *wait)
{
    TRY(head(out, call));
    TRY(put_wait(out, wait));
    TRY(assign(out, "e_rungs", rungs));
    TRY(put_common(out));
    TRY(buf_append_cstr(out, text_ladder));
    return buf_append_cstr(out, text_kill);
}

int sh_drop(struct buf *out, const struct runner_call *call)
{
    TRY(head(out, call));
    TRY(put_wait(out, &(struct runner_wait){0}));
    TRY(put_common(out));
    return buf_append_cstr(out, text_drop);
}

int sh_list(struct buf *out, const struct runner_call *call, uint32_t max)
{
    TRY(head(out, call));
    TRY(assign_u64(out, "e_most", max));
    TRY(put_common(out));
    return buf_append_cstr(out, text_list);
}

int sh_prepare(struct buf *out, const struct runner_prepare *prepare)
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

int sh_examine(struct buf *out, const struct runner_prepare *prepare)
{
    TRY(head(out, &prepare->call));
    TRY(assign(out, "e_root", prepare->workspace));
    TRY(assign(out, "e_token", prepare->identity));
    TRY(put_common(out));
    TRY(buf_append_cstr(out, text_needs));
    return buf_append_cstr(out, text_examine);
}

static int put_placing(struct buf *out, const struct runner_placing *placing)
{
    bool folder = placing->kind == EEP_SOURCE_DIR;
    uint32_t mode = placing->mode ? placing->mode : folder ? 0755 : 0644;
    TRY(assign(out, "e_path", placing->path));
    return buf_appendf(out, "%s %04o\n", folder ? "e_make" : "e_move", mode);
}

int sh_place(struct buf *out, const struct runner_place *place)
{
    TRY(head(out, &place->call));
    TRY(assign(out, "e_staging", place->staging));
    TRY(buf_append_cstr(out, text_place));
    for (uint32_t i = 0; i < place->count; i++)
        TRY(put_placing(out, &place->placings[i]));
    return buf_append_cstr(out, "e_placed\n");
}
