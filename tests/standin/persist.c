#include "persist.h"

#include "clock.h"
#include "fd.h"
#include "mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char server_file[] = "server"; /* .json; no id of a sandbox looks like this */

/* -- Writing ----------------------------------------------------------------------------------- */

static void complain(const char *path)
{
    fprintf(stderr, "daytona-standin: cannot write %s: %s\n", path, strerror(errno));
}

/* Whole or not at all. */
static void write_json(const struct store *store, const char *name, struct json_object *object)
{
    CLEANUP(mem_free_text) char *path = mem_format("%s/%s.json", store->known, name);
    CLEANUP(mem_free_text) char *fresh = mem_format("%s.new", path);
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
    CLEANUP(fd_close) int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fd_write_all(fd, text, strlen(text)) != 0 || rename(fresh, path) != 0) complain(path);
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
    if (text != NULL) json_object_object_add(object, key, json_object_new_string(text));
}

/* In a transition the goal is what counts: the way there is gone with the server. */
static enum sandbox_state lasting_state(const struct sandbox *sandbox)
{
    return sandbox->step == STEP_NONE ? sandbox->state : sandbox->after;
}

static void save(void *closure, const struct sandbox *sandbox)
{
    const struct standin *standin = closure;
    struct json_object *object = json_object_new_object(), *fields = NULL;
    json_object_deep_copy(sandbox->fields, &fields, NULL);
    json_object_object_add(object, "fields", fields);
    add_text(object, "state", sandbox_state_name(lasting_state(sandbox)));
    add_text(object, "errorReason", sandbox->error_reason);
    json_object_object_add(object, "recoverable", json_object_new_boolean(sandbox->recoverable));
    json_object_object_add(object, "uid", json_object_new_int64((int64_t)sandbox->uid));
    json_object_object_add(object, "active_ms", json_object_new_int64(sandbox->active_ms));
    json_object_object_add(object, "updated_ms", json_object_new_int64(sandbox->updated_ms));
    write_json(&standin->store, sandbox->id, object);
    json_object_put(object);
}

static void forget(const struct standin *standin, const char *id)
{
    CLEANUP(mem_free_text) char *path = mem_format("%s/%s.json", standin->store.known, id);
    unlink(path);
}

/* [lock] */
static void on_change(void *closure, const struct sandbox *sandbox)
{
    if (sandbox->state == STATE_DESTROYED)
        forget(closure, sandbox->id);
    else
        save(closure, sandbox);
}

/* -- Reading ----------------------------------------------------------------------------------- */

static struct json_object *read_json(const struct store *store, const char *file)
{
    size_t len;
    CLEANUP(mem_free_text) char *path = mem_format("%s/%s", store->known, file);
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    CLEANUP(mem_free_text) char *text = fd >= 0 ? fd_read_file(fd, &len) : NULL;
    return text != NULL ? json_tokener_parse(text) : NULL;
}

static int64_t number_in(struct json_object *object, const char *key)
{
    return json_object_get_int64(json_object_object_get(object, key));
}

static const char *text_in(struct json_object *object, const char *key)
{
    return json_object_get_string(json_object_object_get(object, key));
}

static void resettle(struct sandbox *sandbox, enum sandbox_state state, struct json_object *saved)
{
    if (state == STATE_DESTROYED) {
        sandbox_settle(sandbox, STATE_STOPPED);
        sandbox_begin_delete(sandbox, 0);
        sandbox->hidden = true;
    } else if (state == STATE_STARTED) {
        sandbox_begin_start(sandbox, STATE_STARTING, 0);
    } else {
        sandbox_settle(sandbox, state);
        sandbox->updated_ms = number_in(saved, "updated_ms");
    }
    sandbox->active_ms = number_in(saved, "active_ms");
    sandbox->recoverable = json_object_get_boolean(json_object_object_get(saved, "recoverable"));
    if (sandbox_is_failed(sandbox)) sandbox->error_reason = mem_copy(text_in(saved, "errorReason"));
}

/* What is unreadable is left alone and told: it may be somebody's work. */
static void restore(struct standin *standin, const char *file)
{
    struct json_object *saved = read_json(&standin->store, file), *fields = NULL;
    const char *name = text_in(saved, "state");
    enum sandbox_state state;
    json_object_deep_copy(json_object_object_get(saved, "fields"), &fields, NULL);
    if (name == NULL || !sandbox_state_parse(name, &state) || text_in(fields, "id") == NULL ||
        text_in(fields, "name") == NULL) {
        fprintf(stderr, "daytona-standin: %s/%s is no sandbox of ours and is left alone\n",
                standin->store.known, file);
        json_object_put(fields);
    } else {
        struct sandbox *sandbox = sandbox_create(fields);
        sandbox->uid = (uid_t)number_in(saved, "uid");
        resettle(sandbox, state, saved);
        registry_add(&standin->registry, sandbox);
        registry_changed(&standin->registry, sandbox);
    }
    json_object_put(saved);
}

static bool is_sandbox_file(const char *name)
{
    size_t len = strlen(name);
    return len == 36 + 5 && strcmp(name + 36, ".json") == 0;
}

static int restore_all(struct standin *standin, struct fail *why)
{
    DIR *known = opendir(standin->store.known);
    if (known == NULL) return fail_set(why, "cannot read %s: %s", standin->store.known, strerror(errno));
    for (struct dirent *entry; (entry = readdir(known)) != NULL;)
        if (is_sandbox_file(entry->d_name)) restore(standin, entry->d_name);
    closedir(known);
    return 0;
}

uid_t persist_first_uid(const struct standin *standin)
{
    if (standin->store.known == NULL) return 0;
    struct json_object *saved = read_json(&standin->store, "server.json");
    uid_t first = (uid_t)number_in(saved, "first_uid");
    json_object_put(saved);
    return first;
}

static void save_server(const struct standin *standin)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "first_uid", json_object_new_int64((int64_t)standin->isolation.first_uid));
    write_json(&standin->store, server_file, object);
    json_object_put(object);
}

int persist_start(struct standin *standin, struct fail *why)
{
    if (standin->store.known == NULL) return 0;
    save_server(standin);
    standin->registry.on_change = on_change;
    standin->registry.on_change_closure = standin;
    return restore_all(standin, why);
}

void persist_readdress(struct standin *standin)
{
    if (standin->store.known == NULL) return;
    CLEANUP(mem_free_text) char *toolbox = mem_format("%s/toolbox", standin->origin);
    for (struct sandbox *at = standin->registry.first; at != NULL; at = at->next) {
        json_object_object_add(at->fields, "toolboxProxyUrl", json_object_new_string(toolbox));
        registry_changed(&standin->registry, at);
    }
}

void persist_stop(struct standin *standin)
{
    if (standin->registry.on_change == NULL) return;
    registry_lock(&standin->registry);
    for (struct sandbox *at = standin->registry.first; at != NULL; at = at->next)
        save(standin, at);
    standin->registry.on_change = NULL;
    registry_unlock(&standin->registry);
}
