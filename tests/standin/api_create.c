/* api_create.c: POST /sandbox (protocol 4). Unknown keys are ignored, as v0.190 does. */
#include "api_sandbox.h"
#include "create_check.h"
#include "handlers.h"
#include "mem.h"
#include "uuid.h"

#include "clock.h"

#include <stdio.h>
#include <string.h>

/* Where a field of the request goes in the sandbox, and what it is when absent. */
struct field {
    const char *name;
    enum json_type type;
    int number;
    const char *text; /* NULL = then it is absent from the sandbox, too */
};

static const struct field fields[] = {
    {"user", json_type_string, 0, "daytona"},
    {"snapshot", json_type_string, 0, NULL},
    {"target", json_type_string, 0, "local"},
    {"public", json_type_boolean, 0, NULL},
    {"networkBlockAll", json_type_boolean, 0, NULL},
    {"networkAllowList", json_type_string, 0, NULL},
    {"domainAllowList", json_type_string, 0, NULL},
    {"cpu", json_type_int, 1, NULL},
    {"memory", json_type_int, 1, NULL},
    {"disk", json_type_int, 3, NULL},
    {"gpu", json_type_int, 0, NULL},
    {"autoStopInterval", json_type_int, 15, NULL},
    {"autoArchiveInterval", json_type_int, 10080, NULL},
    {"autoDeleteInterval", json_type_int, -1, NULL},
};

static struct json_object *value_or_default(const struct field *field, struct json_object *given)
{
    if (given != NULL) return json_object_get(given);
    if (field->type == json_type_int) return json_object_new_int(field->number);
    if (field->type == json_type_boolean) return json_object_new_boolean(false);
    return field->text != NULL ? json_object_new_string(field->text) : NULL;
}

static void set(struct json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, json_object_new_string(text));
}

static void copy_or(struct json_object *to, struct json_object *body, const char *key,
                    struct json_object *otherwise)
{
    struct json_object *given = json_object_object_get(body, key);
    if (given == NULL)
        given = otherwise;
    else
        json_object_put(otherwise), json_object_get(given);
    if (given != NULL) json_object_object_add(to, key, given);
}

static void add_fixed(struct json_object *object, const struct standin *standin)
{
    CLEANUP(mem_free_text) char *toolbox = mem_format("%s/toolbox", standin->origin);
    set(object, "organizationId", standin->options.organization);
    set(object, "toolboxProxyUrl", toolbox);
    set(object, "createdAt", clock_iso(clock_wall_ms()).text);
    set(object, "backupState", "None");
    set(object, "sandboxClass", "container");
    set(object, "daemonVersion", "v0.190.0");
    set(object, "runnerId", "standin");
    json_object_object_add(object, "kvm", json_object_new_boolean(false)); /* newer clients insist on it */
}

/* What was asked to be built, and what the service adds to it. */
static void add_build(struct json_object *object, struct json_object *asked)
{
    struct json_object *build = NULL;
    if (asked == NULL) return;
    json_object_deep_copy(asked, &build, NULL);
    set(build, "snapshotRef", "standin/build");
    set(build, "createdAt", clock_iso(clock_wall_ms()).text);
    set(build, "updatedAt", clock_iso(clock_wall_ms()).text);
    json_object_object_add(object, "buildInfo", build);
}

static void limit_archive(struct json_object *object)
{
    static const char key[] = "autoArchiveInterval";
    int minutes = json_object_get_int(json_object_object_get(object, key));
    json_object_object_add(object, key, json_object_new_int(api_interval(key, minutes)));
}

/* All that the API shows of a sandbox but its state. */
static struct json_object *describe(const struct standin *standin, struct json_object *body)
{
    char id[37];
    uuid_make(id);
    struct json_object *object = json_object_new_object();
    set(object, "id", id);
    copy_or(object, body, "name", json_object_new_string(id));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct json_object *value =
            value_or_default(&fields[i], json_object_object_get(body, fields[i].name));
        if (value != NULL) json_object_object_add(object, fields[i].name, value);
    }
    limit_archive(object);
    copy_or(object, body, "env", json_object_new_object());
    copy_or(object, body, "labels", json_object_new_object());
    copy_or(object, body, "volumes", json_object_new_array());
    add_build(object, json_object_object_get(body, "buildInfo"));
    add_fixed(object, standin);
    return object;
}

/* Tells apart what there is no room for (400) and what is taken (409). True if the sandbox may be made. */
static bool has_room(struct request *request, struct json_object *asked)
{
    const struct options *options = &request->standin->options;
    struct registry *registry = &request->standin->registry;
    size_t max = (size_t)options->max_sandboxes;
    const char *name = json_object_get_string(json_object_object_get(asked, "name"));
    struct fail why;
    if (max > 0 && registry->count >= max)
        reply_api_error(request, 400, "Total CPU limit exceeded. Maximum allowed: %zu.", max);
    else if (quota_check(&options->quota, &options->sandbox_quota, registry, asked, NULL, &why) != 0)
        reply_api_error(request, 400, "%s", why.text);
    else if (registry_has_name(registry, name))
        reply_api_error(request, 409, "Sandbox with name %.200s already exists", name);
    else
        return true;
    return false;
}

/* One that no other sandbox has, as long as there are any. */
static uid_t free_uid(const struct standin *standin)
{
    uint64_t nth = standin->registry.created;
    for (unsigned tries = 1; tries < standin->isolation.uid_count; tries++, nth++)
        if (!registry_has_uid(&standin->registry, isolate_uid(&standin->isolation, nth))) break;
    return isolate_uid(&standin->isolation, nth);
}

static void create(struct request *request, struct json_object *body)
{
    struct standin *standin = request->standin;
    int ms = fault_transition_ms(&request->fault, standin->options.times.create_ms);
    struct json_object *described = describe(standin, body);
    if (!has_room(request, described)) {
        json_object_put(described);
        return;
    }
    struct sandbox *sandbox = sandbox_create(described);
    request->sandbox_id = mem_copy(sandbox->id);
    sandbox->uid = free_uid(standin);
    bool build = json_object_object_get(body, "buildInfo") != NULL;
    sandbox_begin_start(sandbox, build && ms > 0 ? STATE_PENDING_BUILD : STATE_CREATING, ms);
    registry_add(&standin->registry, sandbox);
    api_reply_started(request, sandbox, ms, true);
}

void api_create(struct request *request)
{
    struct json_object *body = request_json(request);
    struct fail why;
    if (body == NULL) return;
    if (create_check(body, &why) != 0) reply_api_error(request, 400, "%s", why.text);
    registry_lock(&request->standin->registry);
    if (request->reply.status == 0) create(request, body);
    json_object_put(body); /* the sandbox shares parts of it, and json-c counts references without locks */
    registry_unlock(&request->standin->registry);
}
