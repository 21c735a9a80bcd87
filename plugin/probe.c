/* probe.c: the call probe: does it work, and if not, what exactly does not?
 *
 * Each depth builds on the one before; the first failure ends the work. Every check is listed all the same:
 * what was not reached is SKIPPED, what the service does not tell is UNKNOWN. Nothing below FULL creates
 * anything; FULL deletes what it made, whatever happens. */
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"
#include "base/arena.h"
#include "base/str.h"
#include "call.h"
#include "checks.h"
#include "daytona/account.h"
#include "ending.h"
#include "lease.h"
#include "probe.h"

struct probing {
    struct op *op;
    struct looks checks;
    eep_probe *result;
    uint32_t max_depth;
    json *service; /* answer of /config, or NULL */
};

static const struct config *config_of(const struct probing *probing)
{
    return probing->op->env->config;
}

static bool failed(struct probing *probing, enum check_id id, const struct err *why)
{
    return looks_failed(&probing->checks, id, why);
}

/* A copy that belongs to the result; absent when there is no memory for it. */
static eep_str keep(struct probing *probing, eep_str text)
{
    eep_str copy = {NULL, 0};
    return arena_str(&probing->result->head.arena, text, &copy) == EEP_OK ? copy : (eep_str){NULL, 0};
}

/* -- LOCAL ------------------------------------------------------------------------------------- */

static bool check_libraries(struct probing *probing)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    struct err err = ERR_INIT;
    if (!(curl->features & CURL_VERSION_SSL)) {
        err_set(&err, EEP_E_UNSUPPORTED, "this libcurl (%s) was built without TLS", curl->version);
        return failed(probing, CHECK_LIBRARIES, &err);
    }
    return looks_ok(&probing->checks, CHECK_LIBRARIES, "libcurl %s with %s", curl->version,
                    curl->ssl_version);
}

static bool check_ca_file(struct probing *probing)
{
    eep_str file = config_of(probing)->ca_file;
    struct err err = ERR_INIT;
    if (str_absent(file))
        return looks_ok(&probing->checks, CHECK_CERTIFICATES, "the system's certificate authorities");
    if (access(file.ptr, R_OK) == 0)
        return looks_ok(&probing->checks, CHECK_CERTIFICATES, "caFile %s can be read", file.ptr);
    err_set(&err, EEP_E_INVALID_CONFIG, "caFile %s cannot be read: %s", file.ptr, strerrordesc_np(errno));
    return failed(probing, CHECK_CERTIFICATES, &err);
}

static bool probe_local(struct probing *probing)
{
    looks_begin(&probing->checks);
    const struct config *config = config_of(probing);
    looks_ok(&probing->checks, CHECK_CONFIG, "valid; the service is %s%s", config->api_url.ptr,
             str_absent(config->proxy) ? "" : "; a proxy is set");
    looks_begin(&probing->checks);
    if (!check_libraries(probing)) return false;
    looks_begin(&probing->checks);
    return check_ca_file(probing);
}

/* -- REACH ------------------------------------------------------------------------------------- */

/* The layers in their order: an error in one of them means that those before it work. */
static const enum check_id layer_checks[] = {
    [ERR_LAYER_RESOLVE] = CHECK_DNS,
    [ERR_LAYER_CONNECT] = CHECK_CONNECT,
    [ERR_LAYER_TLS] = CHECK_TLS,
    [ERR_LAYER_SERVICE] = CHECK_SERVICE,
};

static bool is_https(const struct probing *probing)
{
    return str_has_prefix(config_of(probing)->api_url, "https:");
}

static void layer_ok(struct probing *probing, enum err_layer layer)
{
    if (layer == ERR_LAYER_TLS && !is_https(probing))
        looks_skipped(&probing->checks, CHECK_TLS, "the service is reached by plain http");
    else
        looks_ok(&probing->checks, layer_checks[layer], "works");
}

/* Tells the layers below `layer` as working, and `layer` as the one that does not. */
static bool layer_failed(struct probing *probing, enum err_layer layer, const struct err *why)
{
    for (enum err_layer i = ERR_LAYER_RESOLVE; i < layer; i++)
        layer_ok(probing, i);
    return failed(probing, layer_checks[layer], why);
}

static bool take_version(struct probing *probing)
{
    struct err err = ERR_INIT;
    eep_str version;
    int status = account_config(&probing->op->env->client, &probing->op->wait, &probing->service, &err);
    if (op_was_stopped(status)) return failed(probing, CHECK_VERSION, &err);
    if (status != EEP_OK)
        return looks_unknown(&probing->checks, CHECK_VERSION, "the service does not tell: %s", err.message);
    if (!json_get_str(probing->service, "version", &version))
        return looks_unknown(&probing->checks, CHECK_VERSION, "the service tells no version");
    looks_ok(&probing->checks, CHECK_VERSION, "%.*s", (int)version.len, version.ptr);
    probing->result->server_version = keep(probing, version);
    return true;
}

static bool probe_reach(struct probing *probing)
{
    CLEANUP(json_finish) json *answer = NULL;
    struct err err = ERR_INIT;
    eep_str status = {NULL, 0};
    looks_begin(&probing->checks);
    if (account_health(&probing->op->env->client, &probing->op->wait, &answer, &err) != EEP_OK)
        return layer_failed(probing, err.layer == ERR_LAYER_NONE ? ERR_LAYER_SERVICE : err.layer, &err);
    if (!json_get_str(answer, "status", &status)) {
        err_set(&err, EEP_E_PROTOCOL, "the answer of /health is not Daytona's: check apiUrl");
        return layer_failed(probing, ERR_LAYER_SERVICE, &err);
    }
    for (enum err_layer i = ERR_LAYER_RESOLVE; i < ERR_LAYER_SERVICE; i++)
        layer_ok(probing, i);
    looks_ok(&probing->checks, CHECK_SERVICE, "healthy: it says \"%.*s\"", (int)status.len, status.ptr);
    looks_begin(&probing->checks);
    return take_version(probing);
}

/* -- AUTH -------------------------------------------------------------------------------------- */

static bool has_permission(json *key, const char *name)
{
    json *list = json_get(key, "permissions");
    for (size_t i = 0; i < json_len(list); i++)
        if (str_is(json_str(json_at(list, i)), name)) return true;
    return false;
}

static bool check_permissions(struct probing *probing, json *key)
{
    struct err err = ERR_INIT;
    if (!json_get(key, "permissions"))
        return looks_unknown(&probing->checks, CHECK_PERMISSIONS,
                             "the service does not list the key's permissions");
    bool can_write = has_permission(key, "write:sandboxes");
    bool can_delete = has_permission(key, "delete:sandboxes");
    if (can_write && can_delete)
        return looks_ok(&probing->checks, CHECK_PERMISSIONS, "the key may create and delete sandboxes");
    err_set(&err, EEP_E_PERMISSION_DENIED, "the key lacks %s%s%s: make one that has them",
            can_write ? "" : "write:sandboxes", can_write || can_delete ? "" : " and ",
            can_delete ? "" : "delete:sandboxes");
    return failed(probing, CHECK_PERMISSIONS, &err);
}

static bool probe_jwt(struct probing *probing)
{
    CLEANUP(json_finish) json *answer = NULL;
    struct err err = ERR_INIT;
    if (account_list_one(&probing->op->env->client, &probing->op->wait, &answer, &err) != EEP_OK)
        return failed(probing, CHECK_CREDENTIALS, &err);
    looks_ok(&probing->checks, CHECK_CREDENTIALS, "the token is accepted for the organization");
    return looks_unknown(&probing->checks, CHECK_PERMISSIONS,
                         "the service tells permissions of API keys only");
}

static bool probe_auth(struct probing *probing)
{
    CLEANUP(json_finish) json *key = NULL;
    struct err err = ERR_INIT;
    looks_begin(&probing->checks);
    if (str_absent(config_of(probing)->api_key)) return probe_jwt(probing);
    if (account_key(&probing->op->env->client, &probing->op->wait, &key, &err) != EEP_OK)
        return failed(probing, CHECK_CREDENTIALS, &err);
    eep_str name = json_str(json_get(key, "name"));
    looks_ok(&probing->checks, CHECK_CREDENTIALS, "the API key \"%.*s\" is accepted", (int)name.len,
             name.ptr ? name.ptr : "");
    return check_permissions(probing, key);
}

/* -- QUOTA ------------------------------------------------------------------------------------- */

static bool probe_quota(struct probing *probing)
{
    json *create = json_get(json_get(probing->service, "rateLimit"), "sandboxCreate");
    int64_t limit = 0;
    int64_t ttl = 0;
    looks_begin(&probing->checks);
    if (json_get_i64(create, "limit", &limit) && json_get_i64(create, "ttl", &ttl))
        looks_ok(&probing->checks, CHECK_RATE_LIMIT, "%lld sandboxes may be created in %lld s",
                 (long long)limit, (long long)ttl);
    else
        looks_unknown(&probing->checks, CHECK_RATE_LIMIT,
                      "the service tells no limit for creating sandboxes");
    return looks_unknown(
        &probing->checks, CHECK_CAPACITY,
        "the service tells that a quota is used up only when a sandbox is created: probe FULL finds out");
}

/* -- FULL -------------------------------------------------------------------------------------- */

static void describe_sandbox(struct probing *probing, const struct leasing *leasing)
{
    probing->result->sandbox_name = keep(probing, leasing->sandbox.name);
    probing->result->target = keep(probing, leasing->sandbox.target);
    probing->result->shell = keep(probing, leasing->access.facts->shell);
    probing->result->workspace = keep(probing, leasing->access.facts->workspace);
}

static bool check_execute(struct probing *probing, struct leasing *leasing)
{
    CLEANUP(toolbox_execution_finish) struct toolbox_execution run = {.output = BUF_INIT(4096)};
    struct err err = ERR_INIT;
    looks_begin(&probing->checks);
    if (access_execute(&leasing->access, STR("echo eep-probe"), 30, &run, &err) != EEP_OK)
        return failed(probing, CHECK_EXECUTE, &err);
    if (run.exit_code != 0 || !str_contains(buf_str(&run.output), "eep-probe")) {
        err_set(&err, EEP_E_SANDBOX, "the sandbox's shell ended with %lld and printed \"%.100s\"",
                (long long)run.exit_code, buf_cstr(&run.output));
        return failed(probing, CHECK_EXECUTE, &err);
    }
    return looks_ok(&probing->checks, CHECK_EXECUTE, "a command ran in the sandbox");
}

static void check_delete(struct probing *probing, struct leasing *leasing)
{
    struct ending end;
    struct err err = ERR_INIT;
    op_begin_grace(probing->op); /* also when the probe was cancelled: it must go */
    looks_begin(&probing->checks);
    facts_drop(&probing->op->env->cache, str_from(leasing->id));
    if (ending_delete(probing->op, str_from(leasing->id), false, &end, &err) == EEP_OK) {
        looks_ok(&probing->checks, CHECK_DELETE, "the sandbox is %s", end.state);
        return;
    }
    failed(probing, CHECK_DELETE, &err);
    probing->result->lease = keep(probing, str_from(leasing->id));
}

static bool probe_full(struct probing *probing)
{
    CLEANUP(leasing_finish) struct leasing leasing = {0};
    eep_acquire_request request = {.name_hint = STR("probe")};
    struct err err = ERR_INIT;
    looks_begin(&probing->checks);
    if (leasing_acquire(&leasing, probing->op, &request, &err) != EEP_OK) {
        leasing_abandon(&leasing, probing->op, &err);
        if (err.lease[0]) probing->result->lease = keep(probing, str_from(err.lease));
        return failed(probing, CHECK_CREATE, &err);
    }
    looks_ok(&probing->checks, CHECK_CREATE, "a sandbox was created, started and prepared");
    describe_sandbox(probing, &leasing);
    bool ran = check_execute(probing, &leasing);
    check_delete(probing, &leasing);
    return ran;
}

/* -- The call ---------------------------------------------------------------------------------- */

static bool (*const depths[])(struct probing *probing) = {
    [EEP_PROBE_LOCAL] = probe_local, [EEP_PROBE_REACH] = probe_reach, [EEP_PROBE_AUTH] = probe_auth,
    [EEP_PROBE_QUOTA] = probe_quota, [EEP_PROBE_FULL] = probe_full,
};

static void probe_all(struct probing *probing)
{
    uint32_t depth = EEP_PROBE_LOCAL;
    while (depth <= probing->max_depth && depths[depth](probing))
        depth++;
    checks_skip_rest(&probing->checks, probing->max_depth);
}

static void probing_finish(struct probing *probing)
{
    json_finish(&probing->service);
}

void probe_checks(struct op *op, uint32_t max_depth, struct looks *checks)
{
    eep_probe unused = {0};
    CLEANUP(probing_finish) struct probing probing = {.op = op, .result = &unused, .max_depth = max_depth};
    probe_all(&probing);
    arena_free(&unused.head.arena);
    *checks = probing.checks;
}

/* A probe that was cancelled has found nothing out. */
static int interrupted(const struct probing *probing, struct err *err)
{
    for (enum check_id id = 0; id < CHECK_COUNT; id++) {
        const struct look *check = &probing->checks.items[id];
        if (!op_was_stopped(check->code)) continue;
        err_set(err, check->code, "%s: %s", checks_name(id), check->found);
        str_copy(err->lease, sizeof err->lease, probing->result->lease);
        return err->code;
    }
    return EEP_OK;
}

static int run_probe(struct op *op, const void *host_request, void *result, struct err *err)
{
    const eep_probe_request *request = host_request;
    CLEANUP(probing_finish) struct probing probing = {.op = op, .result = result};
    TRY(abi_check_zero(request->reserved, "probe", err));
    if (request->max_depth > EEP_PROBE_FULL)
        return err_set(err, EEP_E_UNSUPPORTED, "probe depth %u is not known to this plugin",
                       request->max_depth);
    probing.max_depth = request->max_depth ? request->max_depth : EEP_PROBE_AUTH;
    probe_all(&probing);
    TRY(interrupted(&probing, err));
    probing.result->api_url = keep(&probing, op->env->config->api_url);
    return checks_export(&probing.checks, result, err);
}

const struct call call_probe = {
    .name = "probe",
    .request_size = sizeof(eep_probe_request),
    .request_min = sizeof(eep_probe_request),
    .result_size = sizeof(eep_probe),
    .run = run_probe,
};
