/* explain.c: the call explain of eep.lease/1: why does this lease not work?
 *
 * From the outside in, in the order in which a person would look: this machine, the way to the service, the
 * credentials, the lease, its state, the way into the sandbox, the sandbox itself. The first failure ends the way
 * there; inside the sandbox everything is looked at. Nothing is started, and no look counts as a use. */
#include "access.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "busy.h"
#include "call.h"
#include "create.h"
#include "daytona/account.h"
#include "daytona/sandboxes.h"
#include "daytona/wire.h"
#include "leased.h"
#include "probe.h"
#include "runner/examined.h"
#include "symptoms.h"

/* How long the sandbox may take to tell how it is. */
#define WINDOW_S 20

/* A disk with less than this left is as good as full. */
#define LITTLE_KB 1024u

struct explaining {
    struct op *op; /* its requests are no use of the lease */
    eep_str lease;
    eep_explanation *result;
    struct symptoms symptoms;
    struct sandbox sandbox;
    struct access access;
};

static void explaining_finish(struct explaining *explaining)
{
    access_finish(&explaining->access);
    sandbox_finish(&explaining->sandbox);
}

static struct daytona *client_of(const struct explaining *explaining)
{
    return &explaining->op->env->client;
}

static int cut(eep_str text, size_t most)
{
    return (int)(text.len < most ? text.len : most);
}

/* -- The lease --------------------------------------------------------------------------------- */

/* What the credentials see at all, as evidence. */
static void describe_account(const struct explaining *explaining, struct err *why)
{
    CLEANUP(json_finish) json *answer = NULL;
    struct err err = ERR_INIT;
    const struct wait *wait = &explaining->op->wait;
    int status = account_list_one(client_of(explaining), wait, &answer, &err);
    if (op_was_stopped(status)) *why = err;
    if (status != EEP_OK) return;
    json *first = json_at(json_get(answer, "items"), 0);
    eep_str organization = json_str(json_get(first, "organizationId"));
    struct err told = *why;
    if (!first)
        err_set(why, told.code, "%s. These credentials see no sandbox at all", told.message);
    else if (!str_empty(organization))
        err_set(why, told.code, "%s. These credentials belong to organization %.*s, which has others",
                told.message, cut(organization, 128), organization.ptr);
}

static bool lease_failed(struct explaining *explaining, struct err *why)
{
    if (why->code != EEP_E_NOT_FOUND)
        return symptoms_failed(
            &explaining->symptoms, SYMPTOM_LEASE, why,
            "the service answers other requests, so try again; if it stays, report it to its "
            "operators with the time and the id of the lease");
    err_set(why, EEP_E_LEASE_LOST, "the service does not know lease %.*s",
            cut(explaining->lease, EEP_LEASE_MAX), explaining->lease.ptr);
    describe_account(explaining, why);
    return symptoms_failed(
        &explaining->symptoms, SYMPTOM_LEASE, why,
        "if it was not deleted (by release, by reap, or by its auto-delete interval after it had "
        "stopped), it belongs to another organization: use a key of that one. Else acquire a new "
        "lease");
}

static void tell_owner(struct explaining *explaining)
{
    struct symptoms *symptoms = &explaining->symptoms;
    const struct sandbox *sandbox = &explaining->sandbox;
    uint32_t flags = leased_flags(explaining->op->env->config, sandbox);
    eep_str owner = sandbox_label(sandbox, LABEL_OWNER);
    if (flags & EEP_LEASED_FOREIGN)
        symptoms_ok(symptoms, SYMPTOM_LEASE, "the service knows it; it was not made by acquire_lease");
    else if (flags & EEP_LEASED_OWN)
        symptoms_ok(symptoms, SYMPTOM_LEASE, "the service knows it as %.*s", cut(sandbox->name, 128),
                    sandbox->name.ptr ? sandbox->name.ptr : "");
    else
        symptoms_ok(symptoms, SYMPTOM_LEASE,
                    "the service knows it; its owner is \"%.*s\", not the configured one", cut(owner, 128),
                    owner.ptr ? owner.ptr : "");
}

static int take_lease(struct explaining *explaining, struct err *err)
{
    eep_explanation *result = explaining->result;
    eep_leased *leased = arena_alloc(&result->head.arena, sizeof *leased);
    if (!leased) return err_no_memory(err);
    result->leases = leased;
    result->lease_stride = sizeof *leased;
    result->lease_count = 1;
    return leased_fill(leased, &result->head.arena, explaining->op->env->config, &explaining->sandbox, err);
}

static bool look_at_lease(struct explaining *explaining)
{
    struct err why = ERR_INIT;
    symptoms_begin(&explaining->symptoms);
    if (sandboxes_get(client_of(explaining), explaining->lease, &explaining->op->wait, &explaining->sandbox,
                      &why) != EEP_OK)
        return lease_failed(explaining, &why);
    tell_owner(explaining);
    return true;
}

/* -- Its state --------------------------------------------------------------------------------- */

static long long seconds_since(int64_t wall_ms)
{
    int64_t ms = clock_wall_ms() - wall_ms;
    return wall_ms && ms > 0 ? (long long)ms / 1000 : 0;
}

static bool state_rests(struct explaining *explaining, struct err *why)
{
    const struct sandbox *sandbox = &explaining->sandbox;
    long long minutes = (long long)sandbox_number(sandbox, "autoStopInterval", 15);
    err_set(why, EEP_E_CONFLICT,
            "it is %.*s since %lld s; it stops by itself after %lld idle minutes (0 = never)",
            cut(sandbox->state, 64), sandbox->state.ptr, seconds_since(leased_active_at_ms(sandbox)),
            minutes);
    return symptoms_failed(
        &explaining->symptoms, SYMPTOM_STATE, why,
        "resume_lease starts it, and so does any command; its files are kept. To keep it running: "
        "keepalive, or a longer autoStopInterval");
}

static bool state_failed(struct explaining *explaining, struct err *why)
{
    const struct sandbox *sandbox = &explaining->sandbox;
    eep_str reason = sandbox->error_reason;
    err_set(why, EEP_E_SANDBOX, "it is in state %.*s; the service says: %.*s", cut(sandbox->state, 64),
            sandbox->state.ptr, str_empty(reason) ? 23 : cut(reason, 400),
            str_empty(reason) ? "nothing about the cause" : reason.ptr);
    return symptoms_failed(
        &explaining->symptoms, SYMPTOM_STATE, why,
        sandbox->recoverable
            ? "the service can recover it: resume_lease does so, and keeps its files"
            : "the service cannot recover it: release it with DESTROY and acquire a new one");
}

static bool state_changes(struct explaining *explaining, struct err *why)
{
    const struct sandbox *sandbox = &explaining->sandbox;
    bool known = sandbox_state_code(sandbox->state) != EEP_STATE_UNKNOWN;
    err_set(why, EEP_E_UNAVAILABLE, "it is %.*s for %lld s%s", cut(sandbox->state, 64),
            sandbox->state.ptr ? sandbox->state.ptr : "in no state",
            seconds_since(sandbox_time_ms(sandbox, "updatedAt")),
            known ? "" : ", a state that this plugin does not know");
    return symptoms_failed(
        &explaining->symptoms, SYMPTOM_STATE, why,
        "wait: calls do so by themselves, as long as their timeout. The service gives a start up "
        "after 5 minutes, a creation after 15, a restoration after 30");
}

static bool look_at_state(struct explaining *explaining)
{
    const struct sandbox *sandbox = &explaining->sandbox;
    struct err why = ERR_INIT;
    switch (sandbox->phase) {
    case PHASE_STARTED:
        return symptoms_ok(&explaining->symptoms, SYMPTOM_STATE, "started; last used %lld s ago",
                           seconds_since(leased_active_at_ms(sandbox)));
    case PHASE_RESTING: return state_rests(explaining, &why);
    case PHASE_FAILED: return state_failed(explaining, &why);
    case PHASE_GONE:
        err_set(&why, EEP_E_LEASE_LOST, "it is being deleted");
        return symptoms_failed(&explaining->symptoms, SYMPTOM_STATE, &why, "acquire a new lease");
    default: return state_changes(explaining, &why);
    }
}

/* -- May it be started? ------------------------------------------------------------------------ */

/* One resource: appends "CPU 10 of 10" if there is too little left of it. */
static void judge_resource(json *region, const char *name, const char *current_key, const char *total_key,
                           int64_t needed, struct buf *short_of)
{
    int64_t current = 0, total = 0;
    if (!json_get_i64(region, current_key, &current) || !json_get_i64(region, total_key, &total)) return;
    if (current + needed <= total) return;
    int status =
        buf_appendf(short_of, "%s%s: %lld of %lld are in use, it needs %lld", short_of->len ? "; " : "", name,
                    (long long)current, (long long)total, (long long)needed);
    (void)status; /* what does not fit is left out */
}

/* The disk of a stopped sandbox is counted already. */
static void judge_region(const struct explaining *explaining, json *region, struct buf *short_of)
{
    const struct sandbox *sandbox = &explaining->sandbox;
    bool archived = str_is(sandbox->state, "archived");
    judge_resource(region, "CPU", "currentCpuUsage", "totalCpuQuota", sandbox_number(sandbox, "cpu", 0),
                   short_of);
    judge_resource(region, "memory (GiB)", "currentMemoryUsage", "totalMemoryQuota",
                   sandbox_number(sandbox, "memory", 0), short_of);
    if (archived)
        judge_resource(region, "disk (GiB)", "currentDiskUsage", "totalDiskQuota",
                       sandbox_number(sandbox, "disk", 0), short_of);
}

static json *region_of(json *usage, eep_str target)
{
    json *regions = json_get(usage, "regionUsage");
    for (size_t i = 0; i < json_len(regions); i++)
        if (str_eq(json_str(json_get(json_at(regions, i), "regionId")), target)) return json_at(regions, i);
    return NULL;
}

static void judge_usage(struct explaining *explaining, json *usage)
{
    CLEANUP(buf_finish) struct buf short_of = BUF_INIT(512);
    struct err why = ERR_INIT;
    json *region = region_of(usage, explaining->sandbox.target);
    if (!region) {
        symptoms_unknown(&explaining->symptoms, SYMPTOM_QUOTA,
                         "the service tells no usage of the sandbox's region");
        return;
    }
    judge_region(explaining, region, &short_of);
    if (short_of.len == 0) {
        symptoms_ok(&explaining->symptoms, SYMPTOM_QUOTA, "there is room to start it");
        return;
    }
    err_set(&why, EEP_E_QUOTA, "%s", buf_cstr(&short_of));
    symptoms_failed(
        &explaining->symptoms, SYMPTOM_QUOTA, &why,
        "release others (list and reap tell which are idle), or have the organization's limit raised");
}

/* Only of interest when something has to be started. */
static void look_at_quota(struct explaining *explaining)
{
    CLEANUP(json_finish) json *usage = NULL;
    struct err err = ERR_INIT;
    const struct sandbox *sandbox = &explaining->sandbox;
    if (sandbox->phase != PHASE_RESTING && sandbox->phase != PHASE_FAILED) return;
    symptoms_begin(&explaining->symptoms);
    int status =
        account_usage(client_of(explaining), sandbox->organization, &explaining->op->wait, &usage, &err);
    if (op_was_stopped(status))
        symptoms_failed(&explaining->symptoms, SYMPTOM_QUOTA, &err, "ask again");
    else if (status != EEP_OK)
        symptoms_unknown(&explaining->symptoms, SYMPTOM_QUOTA,
                         "the service does not tell what is in use; a start that finds no room says so");
    else
        judge_usage(explaining, usage);
}

/* -- The way into it --------------------------------------------------------------------------- */

static bool find_toolbox(struct explaining *explaining)
{
    struct err why = ERR_INIT;
    int status = access_init(&explaining->access, explaining->op, explaining->lease, &why);
    symptoms_begin(&explaining->symptoms);
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
    symptoms_ok(&explaining->symptoms, SYMPTOM_TOOLBOX, "%.*s answers", cut(url, 300), url.ptr);
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
    return toolbox_execute(client_of(explaining), explaining->access.facts->toolbox, buf_str(&text), WINDOW_S,
                           &wait, run, err);
}

/* It ran something, but not what was sent. */
static bool shell_failed(struct explaining *explaining, const struct toolbox_execution *run, struct err *why)
{
    why->code = EEP_E_SANDBOX;
    struct err told = *why;
    eep_str said = str_trim(buf_str(&run->output));
    if (run->exit_code < 0)
        err_set(why, EEP_E_SANDBOX, "the daemon cannot run a shell: %.*s", cut(said, 300), said.ptr);
    else
        err_set(why, EEP_E_SANDBOX, "the shell ended with %lld and %s; it printed: %.*s",
                (long long)run->exit_code, told.message, cut(said, 300), said.ptr);
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
        symptoms_unknown(symptoms, SYMPTOM_IDENTITY, "it was not made by acquire_lease, which leaves a mark");
    } else if (identity == RUNNER_IDENTITY_OK) {
        symptoms_ok(symptoms, SYMPTOM_IDENTITY, "it is the machine that was leased");
    } else {
        err_set(&why, EEP_E_LEASE_LOST, "its identity file %s",
                identity == RUNNER_IDENTITY_MISSING ? "is missing" : "belongs to another sandbox");
        symptoms_failed(
            symptoms, SYMPTOM_IDENTITY, &why,
            "its files are not the ones that were left there (or a command has deleted them): resume_lease "
            "refuses it. Save what you need with execute, then acquire a new lease");
    }
}

static void tell_disks(const struct runner_examined *examined, struct buf *text)
{
    for (size_t i = 0; i < RUNNER_DISKS; i++) {
        const struct runner_disk *disk = &examined->disks[i];
        if (disk->path[0] == '\0') continue;
        int status = buf_appendf(text, "%s%s: %llu of %llu MiB free in %.200s", text->len ? "; " : "",
                                 disk->name, (unsigned long long)disk->free_kb / 1024,
                                 (unsigned long long)disk->total_kb / 1024, disk->path);
        (void)status; /* what does not fit is left out */
    }
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
        symptoms_ok(symptoms, SYMPTOM_DISK, "%s",
                    text.len ? buf_cstr(&text) : "it can be written; the sandbox has no df to tell how much");
    }
}

static void judge_tools(struct explaining *explaining, const struct runner_examined *examined)
{
    struct err why = ERR_INIT;
    if (examined->missing[0] == '\0') {
        symptoms_ok(&explaining->symptoms, SYMPTOM_TOOLS, "all there");
        return;
    }
    err_set(&why, EEP_E_SANDBOX, "the image lacks %s", examined->missing);
    symptoms_failed(
        &explaining->symptoms, SYMPTOM_TOOLS, &why,
        "install them in the image (coreutils or busybox, util-linux for setsid), and acquire a new lease");
}

static void look_inside(struct explaining *explaining)
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
    symptoms_ok(&explaining->symptoms, SYMPTOM_DAEMON, "it takes commands");
    if (runner_examined_parse(buf_str(&run.output), &request.call, &examined, &why) != EEP_OK) {
        shell_failed(explaining, &run, &why);
        return;
    }
    symptoms_ok(&explaining->symptoms, SYMPTOM_SHELL, "it runs commands");
    judge_identity(explaining, examined.identity);
    judge_disk(explaining, &examined);
    judge_tools(explaining, &examined);
}

/* -- The call ---------------------------------------------------------------------------------- */

static void look(struct explaining *explaining)
{
    struct checks checks;
    probe_checks(explaining->op, EEP_PROBE_AUTH, &checks);
    if (!symptoms_take_checks(&explaining->symptoms, &checks)) return;
    if (!look_at_lease(explaining)) return;
    bool started = look_at_state(explaining);
    look_at_quota(explaining);
    if (started && find_toolbox(explaining)) look_inside(explaining);
}

/* An explanation that was cancelled, or has run out of time, has found nothing out. */
static int interrupted(const struct explaining *explaining, struct err *err)
{
    bool over = clock_now_ms() >= explaining->op->deadline;
    for (int id = 0; id < SYMPTOM_COUNT; id++) {
        const struct symptom *symptom = &explaining->symptoms.items[id];
        int code = symptom->code;
        if (!op_was_stopped(code) && !(code == EEP_E_DEADLINE && over)) continue;
        err_set(err, code, "%s", symptom->evidence);
        return code;
    }
    return EEP_OK;
}

static void hide_token(struct explaining *explaining)
{
    for (int id = 0; id < SYMPTOM_COUNT; id++)
        daytona_hide_token_in(client_of(explaining), explaining->symptoms.items[id].evidence);
}

static int run_explain(struct op *op, const void *host_request, void *result, struct err *err)
{
    const eep_explain_request *request = host_request;
    struct op unnoticed = *op;
    unnoticed.wait.extra_header = UNNOTICED_HEADER;
    CLEANUP(explaining_finish)
    struct explaining explaining = {.op = &unnoticed, .lease = request->lease, .result = result};
    TRY(wire_check_id(request->lease, err));
    look(&explaining);
    TRY(interrupted(&explaining, err));
    hide_token(&explaining);
    if (explaining.sandbox.tree) TRY(take_lease(&explaining, err));
    return symptoms_export(&explaining.symptoms, result, err);
}

const struct call call_explain = {
    .name = "explain",
    .request_size = sizeof(eep_explain_request),
    .request_min = sizeof(eep_explain_request),
    .result_size = sizeof(eep_explanation),
    .run = run_explain,
};
