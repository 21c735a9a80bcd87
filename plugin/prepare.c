#include "prepare.h"

#include "base/clock.h"
#include "base/str.h"
#include "retry.h"
#include "runner/answer.h"
#include "runner/request.h"
#include "which_runner.h"

/* It makes a folder and looks around: seconds are for a sandbox that has just woken up. */
#define PREPARE_WINDOW_S   60
#define PREPARE_ANSWER_MAX (64u * 1024u)

static int identity_lost(const struct access *access, enum runner_identity identity, struct err *err)
{
    err_set(err, EEP_E_LEASE_LOST,
            "lease %.*s is not the machine that was leased: its identity file %s; its files are not the ones "
            "you left",
            (int)access->lease.len, access->lease.ptr,
            identity == RUNNER_IDENTITY_MISSING ? "is missing" : "belongs to another sandbox");
    str_copy(err->lease, sizeof err->lease, access->lease);
    return err->code;
}

/* The native runner brings along what it needs; if it turns out not to run, the command itself names what is missing. */
static int check_tools(const struct access *access, const struct runner_prepared *prepared, struct err *err)
{
    bool sh = str_is(which_runner_of(access->op->env, prepared), "sh");
    if (prepared->missing[0] && sh)
        return err_set(err, EEP_E_SANDBOX,
                       "the sandbox's image lacks what commands need: %s; install it in the image",
                       prepared->missing);
    if (!prepared->dir[0])
        return err_set(
            err, EEP_E_SANDBOX,
            "the sandbox has no folder that can be written (home, TMPDIR and /tmp were tried): commands "
            "cannot be run");
    return EEP_OK;
}

static int learn(struct access *access, const struct runner_prepared *prepared, struct err *err)
{
    struct facts known = facts_strings(access->facts);
    known.workspace = str_from(prepared->workspace);
    known.workdir = str_from(prepared->cwd);
    known.home = str_from(prepared->home);
    known.shell = str_from(prepared->shell);
    known.user = str_from(prepared->user);
    known.arch = str_from(prepared->arch);
    known.folder = str_from(prepared->dir);
    known.runner = which_runner_of(access->op->env, prepared);
    known.updated = str_from(access->updated);
    return access_remember(access, &known, err);
}

/* Preparing twice is preparing once: a lost answer is asked for again. */
static int ask(struct access *access, eep_str text, struct toolbox_execution *run, struct err *err)
{
    struct retry retry = RETRY_INIT;
    while (access_execute(access, text, PREPARE_WINDOW_S, run, err) != EEP_OK) {
        if (!retry_is_passing(err)) return retry_give_up(access->op, &retry, err);
        TRY(retry_wait(access->op, &retry, err));
    }
    return EEP_OK;
}

static int look_around(struct access *access, eep_str root, enum prepare_mode mode,
                       struct runner_prepared *prepared, struct err *err)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1u << 20);
    CLEANUP(toolbox_execution_finish) struct toolbox_execution run = {.output = BUF_INIT(PREPARE_ANSWER_MAX)};
    char nonce[RUNNER_NONCE_LEN + 1];
    random_hex(nonce, RUNNER_NONCE_BYTES);
    struct runner_prepare request = {
        .call = {.nonce = str_from(nonce)},
        .workspace = root,
        .identity = access->facts->identity,
        .create = mode == PREPARE_NEW,
        .native = which_runner_native(access->op->env),
    };
    TRY(runner_prepare(&text, &request, err));
    TRY(ask(access, buf_str(&text), &run, err));
    return runner_prepared_parse(buf_str(&run.output), &request.call, prepared, err);
}

static int prepare(struct access *access, eep_str root, enum prepare_mode mode,
                   struct runner_prepared *prepared, struct err *err)
{
    struct op *op = access->op;
    const char *outer = op->phase;
    op->phase = "prepare";
    TRY(access_locate(access, err));
    TRY(look_around(access, root, mode, prepared, err));
    op->phase = outer;
    if (prepared->identity == RUNNER_IDENTITY_MISSING || prepared->identity == RUNNER_IDENTITY_MISMATCH)
        return identity_lost(access, prepared->identity, err);
    TRY(check_tools(access, prepared, err));
    return which_runner_check(op->env, prepared, err);
}

int prepare_run(struct access *access, enum prepare_mode mode, struct err *err)
{
    struct runner_prepared prepared;
    TRY(prepare(access, access->op->env->config->workspace_dir, mode, &prepared, err));
    access->again = prepared.again;
    access->first = prepared.identity == RUNNER_IDENTITY_NEW;
    return learn(access, &prepared, err);
}

int prepare_folder(struct access *access, eep_str root, struct buf *workspace, struct err *err)
{
    struct runner_prepared prepared;
    TRY(prepare(access, root, PREPARE_KNOWN, &prepared, err));
    return buf_error(workspace, buf_append_cstr(workspace, prepared.workspace), "the path of the workspace",
                     err);
}
