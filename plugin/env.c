#include "env.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "async.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/str.h"
#include "version.h"

/* -- Opening ----------------------------------------------------------------------------------- */

static int check_host_text(eep_str text, const char *what, struct err *err)
{
    TRY(abi_check_str(text, 64, what, err));
    if (str_is_graph(text)) return EEP_OK;
    return err_set(err, EEP_E_INVALID_ARGUMENT, "%s must be printable ASCII without blanks", what);
}

/* "eep-daytona/0.1.0 my-host/2.1" */
static int take_host(eep_env *env, const eep_host *host, struct err *err)
{
    snprintf(env->user_agent, sizeof env->user_agent, "eep-daytona/%s", EEP_DAYTONA_VERSION);
    if (!host) return EEP_OK;
    TRY(abi_import(&env->host, sizeof env->host, sizeof env->host, host, "host", err));
    TRY(abi_check_flags(env->host.flags, 0, "host", err));
    TRY(abi_check_zero(env->host.reserved, "host", err));
    TRY(check_host_text(env->host.name, "host.name", err));
    TRY(check_host_text(env->host.version, "host.version", err));
    size_t used = strlen(env->user_agent);
    if (!str_empty(env->host.name))
        snprintf(env->user_agent + used, sizeof env->user_agent - used, " %.*s/%.*s", (int)env->host.name.len,
                 env->host.name.ptr, (int)env->host.version.len,
                 str_empty(env->host.version) ? "" : env->host.version.ptr);
    env->host.name = env->host.version = (eep_str){NULL, 0}; /* the host's memory, not kept */
    return EEP_OK;
}

static bool is_detailed_enough(const eep_host *host, uint32_t level)
{
    uint32_t most = host->log_level ? host->log_level : EEP_LOG_WARNING;
    return level <= most || level == EEP_LOG_HOST_MISBEHAVING;
}

enum { FINDING_LINE_MAX = 960 };

/* "configuration /cpu: cpu is a number in a string; write the number without quotes" */
static void finding_line(const eep_finding *finding, char line[FINDING_LINE_MAX])
{
    snprintf(line, FINDING_LINE_MAX, "configuration%s%.*s: %.*s%s%.*s", finding->pointer.len ? " " : "",
             (int)finding->pointer.len, finding->pointer.ptr, (int)finding->message.len, finding->message.ptr,
             finding->hint.len ? "; " : "", (int)finding->hint.len,
             finding->hint.len ? finding->hint.ptr : "");
}

static int first_config_error(const struct findings *findings, struct err *err)
{
    char line[FINDING_LINE_MAX];
    for (uint32_t i = 0; i < findings->count; i++) {
        if (findings->items[i].severity != EEP_SEVERITY_ERROR) continue;
        finding_line(&findings->items[i], line);
        return err_set(err, EEP_E_INVALID_CONFIG, "%s (%u error%s in all)", line, findings->errors,
                       findings->errors == 1 ? "" : "s");
    }
    return err_set(err, EEP_E_INTERNAL, "the configuration was refused without a reason");
}

/* It opens in spite of these. Whoever has mistyped a key would look for the fault everywhere else. */
static void tell_findings(const eep_host *host, const struct findings *findings)
{
    char line[FINDING_LINE_MAX];
    for (uint32_t i = 0; i < findings->count; i++) {
        bool warning = findings->items[i].severity == EEP_SEVERITY_WARNING;
        uint32_t level = warning ? EEP_LOG_WARNING : EEP_LOG_INFO;
        if (!host->log || !is_detailed_enough(host, level)) continue;
        finding_line(&findings->items[i], line);
        host->log(host->ctx, level, "open", line);
    }
}

static int load_config(eep_env *env, const eep_open_request *request, struct err *err)
{
    CLEANUP(findings_finish) struct findings findings = FINDINGS_INIT;
    uint32_t flags = (request->flags & EEP_OPEN_STRICT ? CONFIG_STRICT : 0) |
                     (request->flags & EEP_OPEN_TRUST_ENV ? CONFIG_TRUST_ENV : 0);
    TRY(abi_check_str(request->config, CONFIG_TEXT_MAX, "config", err));
    TRY(config_load(request->config, flags, &findings, &env->config, err));
    if (!env->config) return first_config_error(&findings, err);
    tell_findings(&env->host, &findings);
    return EEP_OK;
}

static bool host_allowed(const void *ctx, eep_str host)
{
    const eep_env *env = ctx;
    return config_toolbox_host_allowed(env->config, host);
}

/* Users ask why it is slow: the service's limits are no fault of ours, and must be seen. */
static void tell_queued(const struct wait *wait, const char *limit, int64_t ms)
{
    const struct op *op = wait->owner;
    if (op)
        op_log(op, EEP_LOG_WARNING, "waiting %lld ms: the service limits the rate (%s)", (long long)ms,
               limit);
}

static int make_client(eep_env *env, struct err *err)
{
    const struct config *config = env->config;
    struct daytona_settings settings = {
        .api_url = config->api_url,
        .token = str_absent(config->api_key) ? config->jwt_token : config->api_key,
        .organization_id = config->organization_id,
        .profile = {.user_agent = env->user_agent,
                    .ca_file = config->ca_file.ptr,
                    .proxy = config->proxy.ptr,
                    .no_proxy = config->no_proxy.ptr,
                    .connect_timeout_ms = (long)config->connect_timeout_ms},
        .toolbox_host_allowed = host_allowed,
        .queued = tell_queued,
        .ctx = env,
    };
    return daytona_init(&env->client, &settings, err);
}

static int fill_env(eep_env *env, const eep_open_request *host_request, struct err *err)
{
    eep_open_request request;
    TRY(abi_import(&request, sizeof request, sizeof request, host_request, "open", err));
    TRY(abi_check_flags(request.flags, EEP_OPEN_STRICT | EEP_OPEN_TRUST_ENV, "open", err));
    TRY(take_host(env, request.host, err));
    TRY(load_config(env, &request, err));
    return make_client(env, err);
}

static void env_free(eep_env *env)
{
    daytona_finish(&env->client);
    config_destroy(env->config);
    facts_cache_finish(&env->cache);
    pthread_mutex_destroy(&env->lock);
    if (env->process == process_self())
        pthread_cond_destroy(&env->idle); /* waits for waiters, a child for the parent's */
    cancel_destroy(env->closing);
    free(env);
}

int32_t env_open(const eep_open_request *request, eep_env **out, eep_error *error)
{
    struct err err = ERR_INIT;
    if (!out) {
        err_set(&err, EEP_E_INVALID_ARGUMENT, "open needs a place for the environment");
        return abi_export_error(error, &err);
    }
    *out = NULL;
    eep_env *env = calloc(1, sizeof *env);
    if (env) env->closing = cancel_create();
    if (!env || !env->closing) {
        free(env);
        err_no_memory(&err);
        return abi_export_error(error, &err);
    }
    env->process = process_self();
    pthread_mutex_init(&env->lock, NULL);
    pthread_cond_init(&env->idle, NULL);
    facts_cache_init(&env->cache);
    if (fill_env(env, request, &err) != EEP_OK) {
        env_free(env);
        err_where(&err, "open");
        return abi_export_error(error, &err);
    }
    *out = env;
    return EEP_OK;
}

/* -- Closing ----------------------------------------------------------------------------------- */

static void dispose(eep_env *env)
{
    async_close(env);
    env_free(env);
}

/* With the lock held: is this thread within one of its operations? */
static bool is_called_back(const eep_env *env)
{
    for (const struct callback *one = env->callbacks; one; one = one->next)
        if (pthread_equal(one->thread, pthread_self())) return true;
    return false;
}

/* Waits until nobody is within. False: that includes this thread, which would wait for itself. */
static bool await_idle(eep_env *env)
{
    pthread_mutex_lock(&env->lock);
    env->closed_within = is_called_back(env);
    bool later = env->closed_within;
    while (!later && env->running > 0)
        pthread_cond_wait(&env->idle, &env->lock);
    pthread_mutex_unlock(&env->lock);
    return !later;
}

void env_close(eep_env *env)
{
    if (!env) return;
    if (env->process == process_self()) {
        cancel_fire(env->closing);
        if (!await_idle(env)) return;
    }
    dispose(env);
}

void env_note_organization(eep_env *env, eep_str organization)
{
    if (str_empty(organization)) return;
    pthread_mutex_lock(&env->lock);
    str_copy(env->organization, sizeof env->organization, organization);
    pthread_mutex_unlock(&env->lock);
}

void env_enter(eep_env *env)
{
    pthread_mutex_lock(&env->lock);
    env->running++;
    pthread_mutex_unlock(&env->lock);
}

void env_leave(eep_env *env)
{
    pthread_mutex_lock(&env->lock);
    bool last = --env->running == 0;
    bool disposes = last && env->closed_within;
    if (last) pthread_cond_broadcast(&env->idle);
    pthread_mutex_unlock(&env->lock);
    if (disposes) dispose(env);
}

int env_check(const eep_env *env, struct err *err)
{
    if (!env) return err_set(err, EEP_E_INVALID_ARGUMENT, "the environment is NULL");
    if (env->process == process_self()) return EEP_OK;
    return err_set(err, EEP_E_FORKED,
                   "this environment was opened before fork(): open a new one in the child");
}

/* -- Operations -------------------------------------------------------------------------------- */

static int set_trace(struct op *op, eep_str trace_id, struct err *err)
{
    TRY(abi_check_str(trace_id, 128, "trace_id", err));
    if (!str_is_print(trace_id))
        return err_set(err, EEP_E_INVALID_ARGUMENT, "trace_id must be printable ASCII");
    if (str_empty(trace_id)) return EEP_OK;
    snprintf(op->trace_header, sizeof op->trace_header, "X-Request-Id: %.*s", (int)trace_id.len,
             trace_id.ptr);
    op->wait.trace_header = op->trace_header;
    return EEP_OK;
}

int op_begin(struct op *op, eep_env *env, const char *name, const eep_request *request, struct err *err)
{
    TRY(env_check(env, err));
    if (cancel_count(env->closing) > 0)
        return err_set(err, EEP_E_SHUTDOWN, "the environment is being closed");
    *op = (struct op){.env = env, .name = name};
    op->timeout_ms = request->timeout_ms ? request->timeout_ms : (uint32_t)env->config->timeout_ms;
    op->grace_ms = request->grace_ms ? request->grace_ms : (uint32_t)env->config->grace_ms;
    op->no_grace = request->flags & EEP_REQUEST_NO_GRACE;
    op->deadline = clock_now_ms() + op->timeout_ms;
    op->wait =
        (struct wait){.deadline = op->deadline, .cancel_level = 1, .closing = env->closing, .owner = op};
    TRY(set_trace(op, request->trace_id, err));
    if (cancel_count(request->cancel) > 0) return err_set(err, EEP_E_CANCELLED, "cancelled before it began");
    op->wait.cancel = cancel_hold(request->cancel);
    op->wait.requests = &op->requests;
    op->wait.sent = &op->sent;
    op->wait.queued_ms = &op->queued_ms;
    env_enter(env);
    return EEP_OK;
}

void op_sit(struct op *op, struct op_seat *seat)
{
    op->seat = seat;
    op->deadline = op->wait.deadline = seat->begun_at + op->timeout_ms;
    op->wait.own = seat->own;
    op->wait.parking = seat->parking;
    seat->wait = &op->wait;
}

void op_end(struct op *op)
{
    cancel_destroy(op->wait.cancel);
    env_leave(op->env);
}

void op_begin_grace(struct op *op)
{
    int64_t now = clock_now_ms();
    int64_t end = now < op->deadline ? now + op->grace_ms : op->deadline + op->grace_ms;
    if (op->undoing) return;
    op->undoing = true;
    op->wait.deadline = op->no_grace ? now : end;
    op->wait.cancel_level = 2;
    op->wait.closing = NULL;
    op->wait.urgent = true;
}

void op_begin_callback(struct op *op, struct callback *callback)
{
    eep_env *env = op->env;
    *callback = (struct callback){.thread = pthread_self()};
    pthread_mutex_lock(&env->lock);
    callback->next = env->callbacks;
    env->callbacks = callback;
    pthread_mutex_unlock(&env->lock);
}

void op_end_callback(struct op *op, struct callback *callback)
{
    eep_env *env = op->env;
    pthread_mutex_lock(&env->lock);
    struct callback **at = &env->callbacks;
    while (*at != callback)
        at = &(*at)->next;
    *at = callback->next;
    pthread_mutex_unlock(&env->lock);
}

bool op_was_stopped(int status)
{
    return status == EEP_E_CANCELLED || status == EEP_E_SHUTDOWN;
}

int op_sleep(struct op *op, int64_t ms, struct err *err)
{
    return engine_sleep(clock_now_ms() + ms, &op->wait, err);
}

static bool is_logged(const struct op *op, uint32_t level)
{
    const eep_host *host = &op->env->host;
    return (op->seat ? op->seat->log != NULL : host->log != NULL) && is_detailed_enough(host, level);
}

void op_log(const struct op *op, uint32_t level, const char *format, ...)
{
    char line[512];
    va_list args;
    if (!is_logged(op, level)) return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    daytona_hide_token_in(&op->env->client, line);
    if (op->seat)
        op->seat->log(op->seat, level, line);
    else
        op->env->host.log(op->env->host.ctx, level, op->name, line);
}
