#include "routes.h"

#include "auth.h"
#include "handlers.h"
#include "mem.h"
#include "rate.h"
#include "toolbox.h"

#include <string.h>

enum area { AREA_PUBLIC, AREA_API, AREA_KEYS, AREA_TOKENS };

/* ":" matches any one segment; the first two of those become argument and argument2. */
struct route {
    const char *method;
    const char *path;
    void (*handler)(struct request *request);
    enum area area;
    enum throttler
        throttler; /* THROTTLE_NOTHING stands for the one of all authenticated routes, but for AREA_PUBLIC */
};

static const struct route api_routes[] = {
    {"GET", "api/health", api_health, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "api/config", api_config, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "api/api-keys/current", api_current_key, AREA_KEYS, THROTTLE_NOTHING},
    {"GET", "api/organizations/:/usage", api_usage, AREA_TOKENS, THROTTLE_NOTHING},
    {"POST", "api/sandbox", api_create, AREA_API, THROTTLE_CREATE},
    {"GET", "api/sandbox", api_list, AREA_API, THROTTLE_NOTHING},
    {"GET", "api/sandbox/paginated", api_list_pages, AREA_API, THROTTLE_NOTHING},
    {"GET", "api/sandbox/:", api_get, AREA_API, THROTTLE_NOTHING},
    {"DELETE", "api/sandbox/:", api_delete, AREA_API, THROTTLE_LIFECYCLE},
    {"POST", "api/sandbox/:/start", api_start, AREA_API, THROTTLE_LIFECYCLE},
    {"POST", "api/sandbox/:/stop", api_stop, AREA_API, THROTTLE_LIFECYCLE},
    {"POST", "api/sandbox/:/archive", api_archive, AREA_API, THROTTLE_LIFECYCLE},
    {"POST", "api/sandbox/:/recover", api_recover, AREA_API, THROTTLE_LIFECYCLE},
    {"POST", "api/sandbox/:/pause", api_vm_only, AREA_API, THROTTLE_LIFECYCLE},
    {"POST", "api/sandbox/:/fork", api_vm_only, AREA_API, THROTTLE_CREATE},
    {"PUT", "api/sandbox/:/labels", api_labels, AREA_API, THROTTLE_NOTHING},
    {"POST", "api/sandbox/:/autostop/:", api_autostop, AREA_API, THROTTLE_NOTHING},
    {"POST", "api/sandbox/:/autoarchive/:", api_autoarchive, AREA_API, THROTTLE_NOTHING},
    {"POST", "api/sandbox/:/autodelete/:", api_autodelete, AREA_API, THROTTLE_NOTHING},
    {"POST", "api/sandbox/:/last-activity", api_last_activity, AREA_API, THROTTLE_NOTHING},
    {"GET", "api/sandbox/:/toolbox-proxy-url", api_toolbox_url, AREA_API, THROTTLE_NOTHING},
    {"GET", "api/sandbox/:/build-logs-url", api_build_logs_url, AREA_API, THROTTLE_NOTHING},
};

static const struct route control_routes[] = {
    {"GET", "_standin/log", control_log, AREA_PUBLIC, THROTTLE_NOTHING},
    {"DELETE", "_standin/log", control_reset_log, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "_standin/faults", control_faults, AREA_PUBLIC, THROTTLE_NOTHING},
    {"PUT", "_standin/faults", control_install_faults, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "_standin/sandboxes", control_sandboxes, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "_standin/throttlers", control_throttlers, AREA_PUBLIC, THROTTLE_NOTHING},
    {"PUT", "_standin/throttlers", control_install_throttlers, AREA_PUBLIC, THROTTLE_NOTHING},
    {"PUT", "_standin/clock", control_clock, AREA_PUBLIC, THROTTLE_NOTHING},
    {"PUT", "_standin/sandboxes/:", control_sandbox, AREA_PUBLIC, THROTTLE_NOTHING},
};

/* Below /toolbox/{id}/; the sandbox is started and open when these run. */
static const struct route toolbox_routes[] = {
    {"POST", "process/execute", toolbox_execute, AREA_PUBLIC, THROTTLE_NOTHING},
    {"POST", "process/code-run", toolbox_code_run, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "user-home-dir", toolbox_home_dir, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "work-dir", toolbox_home_dir, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "project-dir", toolbox_home_dir, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "version", toolbox_version, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "files", toolbox_list, AREA_PUBLIC, THROTTLE_NOTHING},
    {"DELETE", "files", toolbox_remove, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "files/info", toolbox_info, AREA_PUBLIC, THROTTLE_NOTHING},
    {"POST", "files/folder", toolbox_folder, AREA_PUBLIC, THROTTLE_NOTHING},
    {"POST", "files/move", toolbox_move, AREA_PUBLIC, THROTTLE_NOTHING},
    {"POST", "files/permissions", toolbox_permissions, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "files/download", toolbox_download, AREA_PUBLIC, THROTTLE_NOTHING},
    {"POST", "files/bulk-download", toolbox_bulk_download, AREA_PUBLIC, THROTTLE_NOTHING},
    {"POST", "files/bulk-upload", toolbox_bulk_upload, AREA_PUBLIC, THROTTLE_NOTHING},
    {"POST", "files/upload", toolbox_upload, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "files/find", toolbox_find, AREA_PUBLIC, THROTTLE_NOTHING},
    {"GET", "files/search", toolbox_search, AREA_PUBLIC, THROTTLE_NOTHING},
    {"POST", "files/replace", toolbox_replace, AREA_PUBLIC, THROTTLE_NOTHING},
};

/* What a real toolbox has and this one has not, by the beginning of the path. */
static const char *const toolbox_missing[] = {
    "process/session", "process/pty", "process/interpreter", "git", "lsp", "computeruse", "port",
    "proxy",           "init",
};

/* What the service's API has and this one has not, likewise. Below the sandbox routes proper everything is listed. */
static const char *const api_missing[] = {
    "api/admin",
    "api/api-keys",
    "api/audit",
    "api/docker-registry",
    "api/jobs",
    "api/object-storage",
    "api/organizations",
    "api/preview",
    "api/regions",
    "api/runners",
    "api/shared-regions",
    "api/snapshots",
    "api/toolbox",
    "api/users",
    "api/volumes",
    "api/webhooks",
    "api/sandbox/:/ancestors",
    "api/sandbox/:/backup",
    "api/sandbox/:/build-logs",
    "api/sandbox/:/forks",
    "api/sandbox/:/network-settings",
    "api/sandbox/:/parent",
    "api/sandbox/:/ports",
    "api/sandbox/:/public",
    "api/sandbox/:/resize",
    "api/sandbox/:/snapshot",
    "api/sandbox/:/ssh-access",
    "api/sandbox/ssh-access/validate",
};

static bool segment_matches(const char *pattern, size_t len, const char *segment)
{
    if (len == 1 && *pattern == ':') return true;
    return strlen(segment) == len && memcmp(pattern, segment, len) == 0;
}

static bool path_matches(const char *pattern, const struct url *url, size_t at, const char *arguments[2])
{
    size_t found = 0;
    for (; *pattern != '\0' && at < url->segment_count; at++) {
        size_t len = strcspn(pattern, "/");
        if (!segment_matches(pattern, len, url->segments[at])) return false;
        if (*pattern == ':' && found < 2) arguments[found++] = url->segments[at];
        pattern += len + (pattern[len] == '/');
    }
    return *pattern == '\0' && at == url->segment_count;
}

static const struct route *find(const struct route *routes, size_t count, struct request *request,
                                const char *method, size_t from)
{
    for (size_t i = 0; i < count; i++) {
        const char *arguments[2] = {NULL, NULL};
        if (strcmp(routes[i].method, method) != 0) continue;
        if (!path_matches(routes[i].path, &request->url, from, arguments)) continue;
        request->argument = arguments[0];
        request->argument2 = arguments[1];
        return &routes[i];
    }
    return NULL;
}

#define FIND(table, request, method, from) find(table, sizeof(table) / sizeof *(table), request, method, from)

static bool starts_with(const struct request *request, const char *segment)
{
    return request->url.segment_count > 0 && strcmp(request->url.segments[0], segment) == 0;
}

static bool is_path(const struct request *request, const char *path)
{
    return strcmp(request->method, "GET") == 0 && request->url.segment_count == 1 &&
           starts_with(request, path);
}

bool routes_is_control(const struct request *request)
{
    return starts_with(request, "_standin");
}

static bool begins_with(const struct url *url, size_t at, const char *path)
{
    for (; *path != '\0'; at++) {
        size_t len = strcspn(path, "/");
        if (at >= url->segment_count || !segment_matches(path, len, url->segments[at])) return false;
        path += len + (path[len] == '/');
    }
    return true;
}

static size_t path_len(const struct request *request)
{
    return strcspn(request->target, "?");
}

static bool ends_with_slash(const struct request *request)
{
    return request->target[path_len(request) - 1] == '/';
}

static bool has_empty_segment(const struct request *request)
{
    return memmem(request->target, path_len(request), "//", 2) != NULL;
}

static bool is_missing(const char *const *missing, size_t count, const struct request *request, size_t from)
{
    for (size_t i = 0; i < count; i++)
        if (begins_with(&request->url, from, missing[i])) return true;
    return false;
}

#define MISSING(table, request, from) is_missing(table, sizeof(table) / sizeof *(table), request, from)

/* What no toolbox of this version has is answered as the service answers it. */
static void reply_no_route(struct request *request)
{
    if (!has_empty_segment(request) && MISSING(toolbox_missing, request, 2))
        reply_toolbox_error(request, 501, "%s %.300s is not implemented by the stand-in", request->method,
                            request->daemon_path);
    else
        reply_text(request, 404, "text/plain", "404 page not found");
}

static void reply_no_api_route(struct request *request)
{
    if (MISSING(api_missing, request, 0))
        reply_api_error(request, 501, "%s %.300s is not implemented by the stand-in", request->method,
                        request->target);
    else
        api_unknown(request);
}

/* The only route that is there with a slash at its end, too. */
static bool may_end_with_slash(const struct route *route)
{
    return strcmp(route->path, "files") == 0;
}

/* NULL if the path is not to the letter that of a route; *almost then is the one that it would be without its last slash. */
static const struct route *find_toolbox(struct request *request, const struct route **almost)
{
    const struct route *route =
        has_empty_segment(request) ? NULL : FIND(toolbox_routes, request, request->method, 2);
    bool exact = route == NULL || !ends_with_slash(request) || may_end_with_slash(route);
    *almost = exact ? NULL : route;
    return exact ? route : NULL;
}

static void append_escaped(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&': buf_text(out, "&amp;"); break;
        case '<': buf_text(out, "&lt;"); break;
        case '>': buf_text(out, "&gt;"); break;
        case '"': buf_text(out, "&#34;"); break;
        case '\'': buf_text(out, "&#39;"); break;
        default: buf_append(out, text, 1);
        }
    }
}

/* The daemon sends a client to the path without the slash, and is not asked by its middleware: there is no X-Request-Id. */
static void redirect(struct request *request)
{
    const char *query = request->target + path_len(request);
    CLEANUP(mem_free_text)
    char *path = mem_format("%.*s%s", (int)strlen(request->daemon_path) - 1, request->daemon_path, query);
    bool is_get = strcmp(request->method, "GET") == 0;
    reply_reset(&request->reply);
    reply_header(request, "Location", path);
    reply_empty(request, is_get ? 301 : 307);
    if (!is_get) return;
    reply_text(request, 301, "text/html; charset=utf-8", "<a href=\"");
    append_escaped(&request->reply.body, path);
    buf_text(&request->reply.body, "\">Moved Permanently</a>.\n\n");
}

static void serve_toolbox(struct request *request)
{
    const struct route *almost;
    if (request->sandbox == NULL && !toolbox_open(request)) return;
    const struct route *route = find_toolbox(request, &almost);
    if (route != NULL)
        route->handler(request);
    else if (almost != NULL)
        redirect(request);
    else
        reply_no_route(request);
}

static const enum auth_by credentials[] = {
    [AREA_API] = AUTH_BY_ANY, [AREA_KEYS] = AUTH_BY_KEY, [AREA_TOKENS] = AUTH_BY_TOKEN};

/* The order is the service's: blocked addresses, credentials, rate limits. */
static bool may_call(struct request *request, const struct route *route)
{
    if (route->area == AREA_PUBLIC) return rate_pass(request, THROTTLE_ANONYMOUS);
    if (!auth_api(request, credentials[route->area])) {
        if (request->reply.status == 401) rate_refused(request);
        return false;
    }
    return rate_pass(request,
                     route->throttler != THROTTLE_NOTHING ? route->throttler : THROTTLE_AUTHENTICATED);
}

static void serve_api(struct request *request)
{
    bool is_head =
        strcmp(request->method, "HEAD") == 0; /* a GET whose answer the library sends without its body */
    const struct route *route = FIND(api_routes, request, is_head ? "GET" : request->method, 0);
    if (!rate_let_in(request)) return;
    if (route == NULL)
        reply_no_api_route(request); /* nobody asks for credentials where nothing is */
    else if (may_call(request, route))
        route->handler(request);
}

static void serve_control(struct request *request)
{
    const struct route *route = FIND(control_routes, request, request->method, 0);
    if (!request->standin->options.control)
        reply_api_error(request, 404, "start the stand-in with --control to use /_standin/");
    else if (route != NULL)
        route->handler(request);
    else
        api_unknown(request);
}

void routes_serve(struct request *request)
{
    if (request->reply.status != 0) return; /* refused before its body was read */
    if (starts_with(request, "toolbox"))
        serve_toolbox(request);
    else if (routes_is_control(request))
        serve_control(request);
    else if (starts_with(request, "api"))
        serve_api(request);
    else if (is_path(request, "health"))
        api_health(request);
    else
        api_dashboard(request);
}

bool routes_begin_upload(struct request *request)
{
    if (!starts_with(request, "toolbox")) return false;
    const struct route *almost, *route = find_toolbox(request, &almost);
    return route != NULL && route->handler == toolbox_bulk_upload && toolbox_open(request);
}
