#include "routes.h"

#include "auth.h"
#include "handlers.h"
#include "toolbox.h"

#include <string.h>

enum area { AREA_PUBLIC, AREA_API, AREA_CONTROL };

/* ":" matches any one segment; the first two of those become argument and argument2. */
struct route {
    const char *method;
    const char *path;
    void (*handler)(struct request *request);
    enum area area;
};

static const struct route api_routes[] = {
    {"GET", "health", api_health, AREA_PUBLIC},
    {"GET", "api/health", api_health, AREA_PUBLIC},
    {"GET", "api/config", api_config, AREA_PUBLIC},
    {"GET", "api/api-keys/current", api_current_key, AREA_API},
    {"POST", "api/sandbox", api_create, AREA_API},
    {"GET", "api/sandbox", api_list, AREA_API},
    {"GET", "api/sandbox/:", api_get, AREA_API},
    {"DELETE", "api/sandbox/:", api_delete, AREA_API},
    {"POST", "api/sandbox/:/start", api_start, AREA_API},
    {"POST", "api/sandbox/:/stop", api_stop, AREA_API},
    {"POST", "api/sandbox/:/archive", api_archive, AREA_API},
    {"POST", "api/sandbox/:/recover", api_recover, AREA_API},
    {"POST", "api/sandbox/:/pause", api_vm_only, AREA_API},
    {"POST", "api/sandbox/:/fork", api_vm_only, AREA_API},
    {"PUT", "api/sandbox/:/labels", api_labels, AREA_API},
    {"POST", "api/sandbox/:/autostop/:", api_autostop, AREA_API},
    {"POST", "api/sandbox/:/autoarchive/:", api_autoarchive, AREA_API},
    {"POST", "api/sandbox/:/autodelete/:", api_autodelete, AREA_API},
    {"POST", "api/sandbox/:/last-activity", api_last_activity, AREA_API},
    {"GET", "api/sandbox/:/toolbox-proxy-url", api_toolbox_url, AREA_API},
    {"GET", "_standin/log", control_log, AREA_CONTROL},
    {"DELETE", "_standin/log", control_reset_log, AREA_CONTROL},
    {"GET", "_standin/faults", control_faults, AREA_CONTROL},
    {"PUT", "_standin/faults", control_install_faults, AREA_CONTROL},
    {"GET", "_standin/sandboxes", control_sandboxes, AREA_CONTROL},
    {"PUT", "_standin/sandboxes/:", control_sandbox, AREA_CONTROL},
};

/* Below /toolbox/{id}/; the sandbox is started and open when these run. */
static const struct route toolbox_routes[] = {
    {"POST", "process/execute", toolbox_execute, AREA_PUBLIC},
    {"GET", "user-home-dir", toolbox_home_dir, AREA_PUBLIC},
    {"GET", "work-dir", toolbox_home_dir, AREA_PUBLIC},
    {"GET", "project-dir", toolbox_home_dir, AREA_PUBLIC},
    {"GET", "version", toolbox_version, AREA_PUBLIC},
    {"GET", "files", toolbox_list, AREA_PUBLIC},
    {"DELETE", "files", toolbox_remove, AREA_PUBLIC},
    {"GET", "files/info", toolbox_info, AREA_PUBLIC},
    {"POST", "files/folder", toolbox_folder, AREA_PUBLIC},
    {"POST", "files/move", toolbox_move, AREA_PUBLIC},
    {"POST", "files/permissions", toolbox_permissions, AREA_PUBLIC},
    {"GET", "files/download", toolbox_download, AREA_PUBLIC},
    {"POST", "files/bulk-download", toolbox_bulk_download, AREA_PUBLIC},
    {"POST", "files/bulk-upload", toolbox_bulk_upload, AREA_PUBLIC},
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
                                size_t from)
{
    for (size_t i = 0; i < count; i++) {
        const char *arguments[2] = {NULL, NULL};
        if (strcmp(routes[i].method, request->method) != 0) continue;
        if (!path_matches(routes[i].path, &request->url, from, arguments)) continue;
        request->argument = arguments[0];
        request->argument2 = arguments[1];
        return &routes[i];
    }
    return NULL;
}

#define FIND(table, request, from) find(table, sizeof(table) / sizeof *(table), request, from)

static bool starts_with(const struct request *request, const char *segment)
{
    return request->url.segment_count > 0 && strcmp(request->url.segments[0], segment) == 0;
}

bool routes_is_control(const struct request *request)
{
    return starts_with(request, "_standin");
}

static void serve_toolbox(struct request *request)
{
    if (request->sandbox == NULL && !toolbox_open(request)) return;
    const struct route *route = FIND(toolbox_routes, request, 2);
    if (route != NULL)
        route->handler(request);
    else
        reply_toolbox_error(request, 501, "%s %.300s is not implemented by the stand-in", request->method,
                            request->daemon_path);
}

static void serve_api(struct request *request)
{
    const struct route *route = FIND(api_routes, request, 0);
    bool in_api = starts_with(request, "api");
    if (route != NULL && route->area == AREA_CONTROL && !request->standin->options.control)
        reply_api_error(request, 404, "start the stand-in with --control to use /_standin/");
    else if (in_api && (route == NULL || route->area == AREA_API) && !auth_api(request))
        return;
    else if (route != NULL)
        route->handler(request);
    else if (in_api || starts_with(request, "_standin"))
        api_unknown(request);
    else
        api_dashboard(request);
}

void routes_serve(struct request *request)
{
    if (request->reply.status != 0) return; /* refused before its body was read */
    if (starts_with(request, "toolbox"))
        serve_toolbox(request);
    else
        serve_api(request);
}

bool routes_begin_upload(struct request *request)
{
    if (!starts_with(request, "toolbox")) return false;
    const struct route *route = FIND(toolbox_routes, request, 2);
    return route != NULL && route->handler == toolbox_bulk_upload && toolbox_open(request);
}
