/* api_misc.c: health, configuration, the credential check, and what unknown paths get (protocol 1, 2.3). */
#include "clock.h"
#include "handlers.h"
#include "mem.h"

#include <string.h>

static void add_text(struct json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, text != NULL ? json_object_new_string(text) : NULL);
}

void api_health(struct request *request)
{
    const struct isolation *isolation = &request->standin->isolation;
    struct json_object *body = json_object_new_object();
    add_text(body, "status", "ok");
    add_text(body, "isolation", isolate_is_full(isolation) ? "full" : "none");
    if (!isolate_is_full(isolation)) {
        CLEANUP(mem_free_text) char *warning = mem_format("NO ISOLATION: %s", isolation->reason);
        add_text(body, "warning", warning);
    }
    reply_json(request, 200, body);
}

/* Seconds; those that are off are empty. */
static struct json_object *rate_limits(struct throttles *throttles)
{
    static const struct {
        const char *key;
        const char *name;
    } shown[] = {{"authenticated", "authenticated"},
                 {"sandboxCreate", "sandbox-create"},
                 {"sandboxLifecycle", "sandbox-lifecycle"},
                 {"failedAuth", "failed-auth"}};
    struct json_object *all = throttles_to_json(throttles), *limits = json_object_new_object();
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        struct json_object *one = json_object_object_get(all, shown[i].name),
                           *limit = json_object_new_object();
        if (one != NULL) {
            int ttl_ms = json_object_get_int(json_object_object_get(one, "ttl_ms"));
            json_object_object_add(limit, "ttl", json_object_new_int(ttl_ms / 1000));
            json_object_object_add(limit, "limit", json_object_get(json_object_object_get(one, "limit")));
        }
        json_object_object_add(limits, shown[i].key, limit);
    }
    json_object_put(all);
    return limits;
}

void api_config(struct request *request)
{
    struct json_object *body = json_object_new_object();
    CLEANUP(mem_free_text) char *toolbox = mem_format("%s/toolbox", request->standin->origin);
    add_text(body, "version", "0.190.0");
    add_text(body, "proxyToolboxUrl", toolbox);
    add_text(body, "defaultSnapshot", "standin");
    add_text(body, "dashboardUrl", request->standin->origin);
    add_text(body, "environment", "standin");
    json_object_object_add(body, "maxAutoArchiveInterval", json_object_new_int(43200));
    json_object_object_add(body, "maintananceMode",
                           json_object_new_boolean(false)); /* the service's spelling */
    json_object_object_add(body, "linkedAccountsEnabled", json_object_new_boolean(false));
    json_object_object_add(body, "announcements", json_object_new_object());
    json_object_object_add(body, "rateLimit", rate_limits(&request->standin->throttles));
    reply_json(request, 200, body);
}

static struct json_object *permissions(void)
{
    struct json_object *list = json_object_new_array();
    json_object_array_add(list, json_object_new_string("write:sandboxes"));
    json_object_array_add(list, json_object_new_string("delete:sandboxes"));
    return list;
}

void api_current_key(struct request *request)
{
    struct json_object *body = json_object_new_object();
    add_text(body, "name", "standin");
    add_text(body, "value", "********");
    add_text(body, "createdAt", "2026-01-01T00:00:00.000Z");
    add_text(body, "lastUsedAt", clock_iso(clock_wall_ms()).text);
    add_text(body, "expiresAt", NULL);
    add_text(body, "userId", "standin");
    json_object_object_add(body, "permissions", permissions());
    reply_json(request, 200, body);
}

/* The wrong-base trap of v0.190: outside /api everything unknown is the dashboard, with status 200. */
void api_dashboard(struct request *request)
{
    reply_text(
        request, 200, "text/html",
        "<!DOCTYPE html><html><head><title>Daytona</title></head>"
        "<body>This is where a Daytona server shows its dashboard. The API is below /api.</body></html>\n");
}

void api_unknown(struct request *request)
{
    reply_api_error(request, 404, "Cannot %s %.400s", request->method, request->target);
}
