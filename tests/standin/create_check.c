#include "create_check.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum kind { TEXT, FLAG, NUMBER, RESOURCE };

static const struct field {
    const char *name;
    enum kind kind;
} fields[] = {
    {"snapshot", TEXT},
    {"user", TEXT},
    {"public", FLAG},
    {"networkBlockAll", FLAG},
    {"networkAllowList", TEXT},
    {"domainAllowList", TEXT},
    {"target", TEXT},
    {"cpu", RESOURCE},
    {"gpu", RESOURCE},
    {"memory", RESOURCE},
    {"disk", RESOURCE},
    {"autoStopInterval", NUMBER},
    {"autoArchiveInterval", NUMBER},
    {"autoDeleteInterval", NUMBER},
    {"linkedSandbox", TEXT},
};

static struct json_object *at(struct json_object *body, const char *key)
{
    return json_object_object_get(body, key);
}

static int number_at(struct json_object *body, const char *key)
{
    return json_object_get_int(at(body, key));
}

/* -- The shape: everything that is wrong is listed --------------------------------------------- */

static void add_mistake(struct fail *why, const char *name, const char *what)
{
    size_t len = strlen(why->text);
    snprintf(why->text + len, sizeof why->text - len, "%s%s %s", len > 0 ? ", " : "", name, what);
}

static bool is_number(struct json_object *value)
{
    return json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
}

/* What is no number is within no bounds, either; the validators run in this order. */
static void check_number(const struct field *field, struct json_object *given, struct fail *why)
{
    bool number = is_number(given), bounded = field->kind == RESOURCE;
    double value = number ? json_object_get_double(given) : 0;
    if (strcmp(field->name, "gpu") == 0 && (!number || value > 1))
        add_mistake(why, field->name, "must not be greater than 1");
    if (bounded && (!number || value < 0)) add_mistake(why, field->name, "must not be less than 0");
    if (!number)
        add_mistake(why, field->name, "must be a number conforming to the specified constraints");
    else if (!json_object_is_type(given, json_type_int)) /* there the database finds out, and it is a 500 */
        add_mistake(why, field->name, "must be an integer number");
}

static void check_field(const struct field *field, struct json_object *given, struct fail *why)
{
    if (given == NULL) return;
    if (field->kind == NUMBER || field->kind == RESOURCE)
        check_number(field, given, why);
    else if (field->kind == TEXT && !json_object_is_type(given, json_type_string))
        add_mistake(why, field->name, "must be a string");
    else if (field->kind == FLAG && !json_object_is_type(given, json_type_boolean))
        add_mistake(why, field->name, "must be a boolean value");
}

static void check_text_map(struct json_object *body, const char *name, struct fail *why)
{
    struct json_object *map = at(body, name);
    if (map == NULL) return;
    if (!json_object_is_type(map, json_type_object)) {
        add_mistake(why, name, "must be an object");
        return;
    }
    json_object_object_foreach(map, key, value)
    {
        (void)key;
        if (!json_object_is_type(value, json_type_string)) add_mistake(why, name, "must hold strings only");
    }
}

static bool holds_any(const char *text, const char *const *parts)
{
    for (; *parts != NULL; parts++)
        if (strcasestr(text, *parts) != NULL) return true;
    return false;
}

static bool is_safe_name(const char *name)
{
    static const char *const urls[] = {
        "http://", "https://", "ftp://", "ftps://", "sftp://", "ssh://", "ws://",       "wss://", "file://",
        "ldap://", "ldaps://", "data:",  "mailto:", "tel:",    "www.",   "javascript:", NULL};
    if (holds_any(name, urls)) return false;
    for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++) {
        if (*c == '<' && (isalpha(c[1]) || c[1] == '/')) return false;
        if (*c == 127 || (*c < ' ' && strchr("\t\n\r", *c) == NULL)) return false;
    }
    return true;
}

static void check_name(struct json_object *given, struct fail *why)
{
    bool is_text = json_object_is_type(given, json_type_string);
    if (given == NULL) return;
    if (!is_text || !is_safe_name(json_object_get_string(given)))
        add_mistake(why, "name", "must not contain HTML tags, URLs, or control characters");
    if (!is_text) add_mistake(why, "name", "must be a string");
}

static void check_kind(struct json_object *body, const char *name, enum json_type type, const char *what,
                       struct fail *why)
{
    if (at(body, name) != NULL && !json_object_is_type(at(body, name), type)) add_mistake(why, name, what);
}

static int check_shape(struct json_object *body, struct fail *why)
{
    why->text[0] = '\0';
    check_name(at(body, "name"), why);
    check_text_map(body, "env", why);
    check_text_map(body, "labels", why);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        check_field(&fields[i], at(body, fields[i].name), why);
    check_kind(body, "volumes", json_type_array, "must be an array", why);
    check_kind(body, "buildInfo", json_type_object, "must be an object", why);
    return why->text[0] == '\0' ? 0 : -1;
}

/* -- The sense: the first thing that is wrong -------------------------------------------------- */

static bool asks_for_resources(struct json_object *body)
{
    return number_at(body, "cpu") != 0 || number_at(body, "memory") != 0 || number_at(body, "disk") != 0 ||
           number_at(body, "gpu") != 0;
}

static int check_build(struct json_object *body, struct fail *why)
{
    struct json_object *file = at(at(body, "buildInfo"), "dockerfileContent");
    if (at(body, "snapshot") != NULL)
        return fail_set(why, "Cannot specify a snapshot when using a build info entry");
    if (at(body, "linkedSandbox") != NULL)
        return fail_set(
            why, "linkedSandbox is not supported with declarative builds. Create a sandbox from a snapshot");
    if (!json_object_is_type(file, json_type_string) || json_object_get_string_len(file) == 0)
        return fail_set(why, "buildInfo.dockerfileContent should not be empty");
    if (number_at(body, "gpu") > 0 &&
        (at(body, "autoDeleteInterval") == NULL || number_at(body, "autoDeleteInterval") != 0))
        return fail_set(why, "GPU sandboxes must be ephemeral - set autoDeleteInterval to 0");
    return 0;
}

int create_check(struct json_object *body, struct fail *why)
{
    TRY(check_shape(body, why));
    if (at(body, "buildInfo") != NULL)
        TRY(check_build(body, why));
    else if (asks_for_resources(body))
        return fail_set(why, "Cannot specify Sandbox resources when using a snapshot");
    if (number_at(body, "autoStopInterval") < 0)
        return fail_set(why, "Auto-stop interval must be non-negative");
    if (number_at(body, "autoArchiveInterval") < 0)
        return fail_set(why, "Auto-archive interval must be non-negative");
    return 0;
}
