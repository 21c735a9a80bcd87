/* api_settings.c: labels, intervals, activity, the toolbox address (protocol 6). */
#include "api_sandbox.h"
#include "handlers.h"
#include "mem.h"

#include <limits.h>
#include <stdlib.h>

/* Values must be text; the whole set is replaced (protocol 6). */
static bool are_labels(struct json_object *labels)
{
    if (!json_object_is_type(labels, json_type_object)) return false;
    json_object_object_foreach(labels, key, value)
    {
        (void)key;
        if (!json_object_is_type(value, json_type_string)) return false;
    }
    return true;
}

static void replace_labels(struct request *request, struct json_object *labels)
{
    registry_lock(&request->standin->registry);
    struct sandbox *sandbox = api_find(request);
    if (sandbox != NULL) {
        json_object_object_add(sandbox->fields, "labels", json_object_get(labels));
        registry_changed(&request->standin->registry, sandbox);
        reply_json(request, 200, sandbox_to_json(sandbox));
    }
    registry_unlock(&request->standin->registry);
}

void api_labels(struct request *request)
{
    struct json_object *body = request_json(request);
    if (body == NULL) return;
    struct json_object *labels = NULL; /* its own copy: json-c counts references without locks */
    json_object_deep_copy(json_object_object_get(body, "labels"), &labels, NULL);
    if (are_labels(labels))
        replace_labels(request, labels);
    else
        reply_api_error(request, 400, "labels must be an object");
    registry_lock(&request->standin->registry);
    json_object_put(labels);
    registry_unlock(&request->standin->registry);
    json_object_put(body);
}

static void set_interval(struct request *request, const char *field, int minutes)
{
    registry_lock(&request->standin->registry);
    struct sandbox *sandbox = api_find(request);
    if (sandbox != NULL) {
        json_object_object_add(sandbox->fields, field, json_object_new_int(minutes));
        registry_changed(&request->standin->registry, sandbox);
        reply_json(request, 201, sandbox_to_json(sandbox)); /* the framework's default status (protocol 6) */
        registry_wake(&request->standin->registry);
    }
    registry_unlock(&request->standin->registry);
}

/* What is in the path is text that the framework makes a number of; a fraction or a word is none. */
static void interval(struct request *request, const char *field, const char *name, long lowest)
{
    char *end;
    long minutes = strtol(request->argument2, &end, 10);
    if (*request->argument2 == '\0' || *end != '\0' || minutes > INT_MAX)
        reply_api_error(request, 400, "Validation failed (numeric string is expected)");
    else if (minutes < lowest)
        reply_api_error(request, 400, "%s interval must be non-negative", name);
    else
        set_interval(request, field, api_interval(field, (int)minutes));
}

void api_autostop(struct request *request)
{
    interval(request, "autoStopInterval", "Auto-stop", 0);
}

void api_autoarchive(struct request *request)
{
    interval(request, "autoArchiveInterval", "Auto-archive", 0);
}

void api_autodelete(struct request *request)
{
    interval(request, "autoDeleteInterval", "Auto-delete", INT_MIN); /* negative turns it off */
}

void api_last_activity(struct request *request)
{
    registry_lock(&request->standin->registry);
    struct sandbox *sandbox = api_find(request);
    if (sandbox != NULL) {
        sandbox_touch(sandbox);
        reply_empty(request, 201);
    }
    registry_unlock(&request->standin->registry);
}

static void reply_url(struct request *request, char *url)
{
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "url", json_object_new_string(url));
    reply_json(request, 200, body);
}

/* Where the build's log would be; there is none, so that a client that follows it gets a 404. */
void api_build_logs_url(struct request *request)
{
    registry_lock(&request->standin->registry);
    struct sandbox *sandbox = api_find(request);
    if (sandbox != NULL && json_object_object_get(sandbox->fields, "buildInfo") == NULL) {
        reply_api_error(request, 404, "Sandbox %.200s has no build info", request->argument);
    } else if (sandbox != NULL) {
        CLEANUP(mem_free_text)
        char *url = mem_format("%s/sandboxes/%s/build-logs", request->standin->origin, sandbox->id);
        reply_url(request, url);
    }
    registry_unlock(&request->standin->registry);
}

void api_toolbox_url(struct request *request)
{
    registry_lock(&request->standin->registry);
    struct sandbox *sandbox = api_find(request);
    if (sandbox != NULL) {
        CLEANUP(mem_free_text) char *url = mem_format("%s/toolbox", request->standin->origin);
        reply_url(request, url);
    }
    registry_unlock(&request->standin->registry);
}
