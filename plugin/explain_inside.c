/* explain_inside.c: is there a way into the sandbox, and can commands run in it? Everything inside is looked at: what is
 * wrong with one thing says nothing about the others. */
#include "base/clock.h"
#include "base/str.h"
#include "daytona/toolbox.h"
#include "explaining.h"
#include "runner/examined.h"

/* How long the sandbox may take to tell how it is. */
#define WINDOW_S 20

/* A disk with less than this left is as good as full. */
#define LITTLE_KB 1024u

/* -- The way into it --------------------------------------------------------------------------- */

static bool find_toolbox(struct explaining *explaining)
{
    struct err why = ERR_INIT;
    int status = access_init(&explaining->access, explaining->op, explaining->lease, &why);
    looks_begin(&explaining->symptoms.looks);
    if (status == EEP_OK) status = access_learn(&explaining->access, &explaining->sandbox, &why);
    if (status == EEP_OK) return true;
    return symptoms_failed(
        &explaining->symptoms, SYMPTOM_TOOLBOX, &why,
        status == EEP_E_PERMISSION_DENIED
            ? "add the host to toolboxHosts if it is one that you trust with your credentials"
            : "the service named no usable address for its sandboxes: its operators have to mend that");
}

static int toolbox_ok(struct explaining *explaining)
{
    eep_str url = explaining->access.facts->toolbox;
    looks_ok(&explaining->symptoms.looks, SYMPTOM_TOOLBOX, "%.*s answers", explaining_cut(url, 300), url.ptr);
    return EEP_OK;
}

/* Nothing came back from a command that only looks: how far did it get? */
static bool request_failed(struct explaining *explaining, struct err *why)
{
    struct symptoms *symptoms = &explaining->symptoms;
    bool answered = why->http_status != 0;
    if (!answered && why->layer != ERR_LAYER_NONE && why->layer != ERR_LAYER_SERVICE)
        return symptoms_failed(
            symptoms, SYMPTOM_TOOLBOX, why,
            "the sandboxes are reached at another address than the service: allow it in the firewall, "
            "the DNS or the proxy");
    if (why->http_status == 401 || why->http_status == 403 || why->http_status == 407)
        return symptoms_failed(
            symptoms, SYMPTOM_TOOLBOX, why,
            "the service's proxy refuses the credentials that the service takes: a key that was made "
            "or revoked just now takes up to 2 minutes; then try again");
    toolbox_ok(explaining);
    if (why->http_status == 408 || (!answered && why->code == EEP_E_DEADLINE))
        return symptoms_failed(
            symptoms, SYMPTOM_SHELL, why,
            "the sandbox is there, but a command that only looks did not end in %d s: it is out of "
            "memory or overloaded. Stop it with release (STOP) and resume it: its files are kept",
            WINDOW_S);
    why->code = EEP_E_SANDBOX;
    return symptoms_failed(
        symptoms, SYMPTOM_DAEMON, why,
        "the sandbox runs, but the service's daemon in it does not answer: killed, or out of memory. "
        "Stop it with release (STOP) and resume it: its files are kept");
}

/* -- The sandbox itself ------------------------------------------------------------------------ */

static int examine(struct explaining *explaining, const struct runner_prepare *request,
                   struct toolbox_execution *run, struct err *err)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(1u << 20);
    struct wait wait = explaining->op->wait;
    int64_t limit = clock_now_ms() + (WINDOW_S + 5) * 1000;
    if (limit < wait.deadline) wait.deadline = limit;
    TRY(runner_examine(&text, request, err));
    return toolbox_execute(explaining_client(explaining), explaining->access.facts->toolbox, buf_str(&text),
                           WINDOW_S, &wait, run, err);
}

/* It ran something, but not what was sent. */
static bool shell_failed(struct explaining *explaining, const struct toolbox_execution *run, struct err *why)
{
    why->code = EEP_E_SANDBOX;
    struct err told = *why;
    eep_str said = str_trim(buf_str(&run->output));
    if (run->exit_code < 0)
        err_set(why, EEP_E_SANDBOX, "the daemon cannot run a shell: %.*s", explaining_cut(said, 300),
                said.ptr);
    else
        err_set(why, EEP_E_SANDBOX, "the shell ended with %lld and %s; it printed: %.*s",
                (long long)run->exit_code, told.message, explaining_cut(said, 300), said.ptr);
    return symptoms_failed(
        &explaining->symptoms, SYMPTOM_SHELL, why,
        "look at /bin/sh, /etc/shells and the start-up files of the image (BASH_ENV, .zshenv); the "
        "disk may be full, too");
}

static void judge_identity(struct explaining *explaining, enum runner_identity identity)
{
    struct symptoms *symptoms = &explaining->symptoms;
    struct err why = ERR_INIT;
    if (identity == RUNNER_IDENTITY_UNASKED) {
        looks_unknown(&symptoms->looks, SYMPTOM_IDENTITY,
                      "it was not made by acquire_lease, which leaves a mark");
    } else if (identity == RUNNER_IDENTITY_OK) {
        looks_ok(&symptoms->looks, SYMPTOM_IDENTITY, "it is the machine that was leased");
    } else {
        err_set(&why, EEP_E_LEASE_LOST, "its identity file %s",
                identity == RUNNER_IDENTITY_MISSING ? "is missing" : "belongs to another sandbox");
        symptoms_failed(
            symptoms, SYMPTOM_IDENTITY, &why,
            "its files are not the ones that were left there (or a command has deleted them): resume_lease "
            "refuses it. Save what you need with execute, then acquire a new lease");
    }
}

/* Most likely one and the same. */
static bool is_same_disk(const struct runner_disk *one, const struct runner_disk *other)
{
    return one->path[0] && other->path[0] && one->free_kb == other->free_kb &&
           one->total_kb == other->total_kb;
}

/* "90 of 100 MiB free in home (/root) and tmp (/tmp); …" */
static void tell_disk(const struct runner_examined *examined, size_t index, struct buf *text)
{
    const struct runner_disk *disk = &examined->disks[index];
    for (size_t i = 0; i < index; i++)
        if (is_same_disk(&examined->disks[i], disk)) return; /* told with that one */
    int status = buf_appendf(text, "%s%llu of %llu MiB free in %s (%.200s)", text->len ? "; " : "",
                             (unsigned long long)disk->free_kb / 1024,
                             (unsigned long long)disk->total_kb / 1024, disk->name, disk->path);
    for (size_t i = index + 1; i < RUNNER_DISKS && status == EEP_OK; i++) {
        const struct runner_disk *other = &examined->disks[i];
        if (is_same_disk(disk, other))
            status = buf_appendf(text, " and %s (%.200s)", other->name, other->path);
    }
    (void)status; /* what does not fit is left out */
}

static void tell_disks(const struct runner_examined *examined, struct buf *text)
{
    for (size_t i = 0; i < RUNNER_DISKS; i++)
        if (examined->disks[i].path[0]) tell_disk(examined, i, text);
}

static bool is_full(const struct runner_examined *examined)
{
    bool full = examined->writes == RUNNER_WRITES_FULL;
    for (size_t i = 0; i < RUNNER_DISKS; i++)
        full |= examined->disks[i].path[0] && examined->disks[i].free_kb < LITTLE_KB;
    return full;
}

static void judge_disk(struct explaining *explaining, const struct runner_examined *examined)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT(700);
    struct symptoms *symptoms = &explaining->symptoms;
    struct err why = ERR_INIT;
    tell_disks(examined, &text);
    if (is_full(examined)) {
        err_set(&why, EEP_E_SANDBOX, "a disk is full: %s",
                text.len ? buf_cstr(&text) : "nothing can be written");
        symptoms_failed(
            symptoms, SYMPTOM_DISK, &why,
            "remove files (execute still works as long as its output is small), or acquire a lease with a "
            "larger `disk`");
    } else if (examined->writes == RUNNER_WRITES_NO) {
        err_set(&why, EEP_E_SANDBOX,
                "there is no folder that can be written: home, TMPDIR and /tmp were tried");
        symptoms_failed(
            symptoms, SYMPTOM_DISK, &why,
            "commands keep their records there: make home or /tmp writable in the image, for the user that "
            "runs commands");
    } else {
        looks_ok(&symptoms->looks, SYMPTOM_DISK, "%s",
                 text.len ? buf_cstr(&text) : "it can be written; the sandbox has no df to tell how much");
    }
}

static void judge_tools(struct explaining *explaining, const struct runner_examined *examined)
{
    struct err why = ERR_INIT;
    if (examined->missing[0] == '\0') {
        looks_ok(&explaining->symptoms.looks, SYMPTOM_TOOLS, "all there");
        return;
    }
    err_set(&why, EEP_E_SANDBOX, "the image lacks %s", examined->missing);
    symptoms_failed(
        &explaining->symptoms, SYMPTOM_TOOLS, &why,
        "install them in the image (coreutils or busybox, util-linux for setsid), and acquire a new lease");
}

static void examine_inside(struct explaining *explaining)
{
    CLEANUP(toolbox_execution_finish) struct toolbox_execution run = {.output = BUF_INIT(65536)};
    struct runner_examined examined;
    struct err why = ERR_INIT;
    char nonce[RUNNER_NONCE_LEN + 1];
    random_hex(nonce, RUNNER_NONCE_BYTES);
    struct runner_prepare request = {.call = {.nonce = str_from(nonce)},
                                     .workspace = explaining->op->env->config->workspace_dir,
                                     .identity = explaining->access.facts->identity};
    if (examine(explaining, &request, &run, &why) != EEP_OK) {
        request_failed(explaining, &why);
        return;
    }
    toolbox_ok(explaining);
    looks_ok(&explaining->symptoms.looks, SYMPTOM_DAEMON, "it takes commands");
    if (runner_examined_parse(buf_str(&run.output), &request.call, &examined, &why) != EEP_OK) {
        shell_failed(explaining, &run, &why);
        return;
    }
    looks_ok(&explaining->symptoms.looks, SYMPTOM_SHELL, "it runs commands");
    judge_identity(explaining, examined.identity);
    judge_disk(explaining, &examined);
    judge_tools(explaining, &examined);
}

void explaining_look_inside(struct explaining *explaining)
{
    if (find_toolbox(explaining)) examine_inside(explaining);
}
