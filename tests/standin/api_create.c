/* api_create.c: POST /sandbox (protocol 4). Unknown keys are ignored, as v0.190 does. */
#include "api_sandbox.h"
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

static const char *type_name(enum json_type type)
{
    return type == json_type_int       ? "an integer number"
           : type == json_type_boolean ? "a boolean value"
                                       : "a string";
}

static int check_types(struct json_object *body, struct fail *why)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct json_object *given = json_object_object_get(body, fields[i].name);
        if (given != NULL && !json_object_is_type(given, fields[i].type))
            return fail_set(why, "%s must be %s", fields[i].name, type_name(fields[i].type));
    }
    return 0;
}

static int check_text_map(struct json_object *body, const char *name, struct fail *why)
{
    struct json_object *map = json_object_object_get(body, name);
    if (map == NULL) return 0;
    if (!json_object_is_type(map, json_type_object)) return fail_set(why, "%s must be an object", name);
    json_object_object_foreach(map, key, value)
    {
        if (!json_object_is_type(value, json_type_string))
            return fail_set(why, "%s.%.100s must be a string", name, key);
    }
    return 0;
}

/* No HTML tags, URLs or control characters in names (protocol 4.1). */
static int check_name(struct json_object *body, struct fail *why)
{
    struct json_object *given = json_object_object_get(body, "name");
    if (given == NULL) return 0;
    const char *name = json_object_get_string(given);
    if (!json_object_is_type(given, json_type_string)) return fail_set(why, "name must be a string");
    if (strpbrk(name, "<>") != NULL || strstr(name, "://") != NULL)
        return fail_set(why, "name should not contain HTML tags or URLs");
    for (const char *at = name; *at != '\0'; at++)
        if ((unsigned char)*at < ' ') return fail_set(why, "name should not contain control characters");
    return 0;
}

static bool asks_for_resources(struct json_object *body)
{
    static const char *const names[] = {"cpu", "memory", "disk", "gpu"};
    int sum = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        sum |= json_object_get_int(json_object_object_get(body, names[i]));
    return sum != 0;
}

static int check_source(struct json_object *body, struct fail *why)
{
    struct json_object *build = json_object_object_get(body, "buildInfo");
    if (build == NULL && asks_for_resources(body))
        return fail_set(why, "Cannot specify Sandbox resources when using a snapshot");
    if (build == NULL) return 0;
    if (json_object_object_get(body, "snapshot") != NULL)
        return fail_set(why, "Cannot specify a snapshot when using a build info entry");
    struct json_object *file = json_object_object_get(build, "dockerfileContent");
    if (!json_object_is_type(file, json_type_string) || json_object_get_string_len(file) == 0)
        return fail_set(why, "buildInfo.dockerfileContent should not be empty");
    return 0;
}

static int check(struct json_object *body, struct fail *why)
{
    TRY(check_name(body, why));
    TRY(check_types(body, why));
    TRY(check_text_map(body, "env", why));
    TRY(check_text_map(body, "labels", why));
    TRY(check_source(body, why));
    if (json_object_get_int(json_object_object_get(body, "autoStopInterval")) < 0)
        return fail_set(why, "Auto-stop interval must be non-negative");
    if (json_object_get_int(json_object_object_get(body, "autoArchiveInterval")) < 0)
        return fail_set(why, "Auto-archive interval must be non-negative");
    return 0;
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
    copy_or(object, body, "env", json_object_new_object());
    copy_or(object, body, "labels", json_object_new_object());
    copy_or(object, body, "volumes", json_object_new_array());
    add_build(object, json_object_object_get(body, "buildInfo"));
    add_fixed(object, standin);
    return object;
}

/* Tells apart what the caller may not do (400) and what is taken (409). True if the sandbox may be made. */
static bool has_room(struct request *request, struct json_object *body)
{
    struct registry *registry = &request->standin->registry;
    size_t max = (size_t)request->standin->options.max_sandboxes;
    const char *name = json_object_get_string(json_object_object_get(body, "name"));
    if (max > 0 && registry->count >= max)
        reply_api_error(request, 400, "Total CPU limit exceeded. Maximum allowed: %zu.", max);
    else if (name != NULL && registry_find(registry, name) != NULL)
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
    if (!has_room(request, body)) return;
    struct sandbox *sandbox = sandbox_create(describe(standin, body));
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
    if (check(body, &why) != 0) reply_api_error(request, 400, "%s", why.text);
    registry_lock(&request->standin->registry);
    if (request->reply.status == 0) create(request, body);
    json_object_put(body); /* the sandbox shares parts of it, and json-c counts references without locks */
    registry_unlock(&request->standin->registry);
}
