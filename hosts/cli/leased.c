/* leased.c: see leased.h. */
#include "leased.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* -- which ------------------------------------------------------------------------------------- */

const struct option_spec which_options[] = {
    {"all", 'a', OPTION_FLAG, offsetof(struct which_args, all), NULL,
     "of all owners, not only of the configured one", 0, NULL},
    {"state", 0, OPTION_LIST, offsetof(struct which_args, states), "STATE",
     "only in this state: started, stopped, archived, paused, error, changing, unknown. May be repeated", 0,
     NULL},
    {0},
};

static const struct {
    const char *name;
    const char *word;
} states[] = {
    [EEP_STATE_UNKNOWN] = {"UNKNOWN", "unknown"}, [EEP_STATE_STARTED] = {"STARTED", "started"},
    [EEP_STATE_STOPPED] = {"STOPPED", "stopped"}, [EEP_STATE_ARCHIVED] = {"ARCHIVED", "archived"},
    [EEP_STATE_PAUSED] = {"PAUSED", "paused"},    [EEP_STATE_ERROR] = {"ERROR", "error"},
    [EEP_STATE_GONE] = {"GONE", "gone"},          [EEP_STATE_CHANGING] = {"CHANGING", "changing"},
};
enum { STATES = sizeof(states) / sizeof(states[0]) };

int which_states(const struct which_args *args, uint32_t *bits, struct err *err)
{
    *bits = 0;
    for (size_t i = 0; i < args->states.count; i++) {
        uint32_t state = 0;
        while (state < STATES && strcmp(states[state].word, args->states.items[i]) != 0)
            state++;
        if (state == STATES)
            return err_usage(
                err,
                "--state: \"%s\" is none of started, stopped, archived, paused, error, changing, "
                "unknown",
                args->states.items[i]);
        *bits |= 1u << state;
    }
    return EEP_OK;
}

const char *lease_state_name(uint32_t state)
{
    return states[state < STATES ? state : EEP_STATE_UNKNOWN].name;
}

/* -- JSON -------------------------------------------------------------------------------------- */

void leased_add_flags(json_object *object, uint32_t flags)
{
    static const struct json_flag names[] = {
        {EEP_LEASED_OWN, "OWN"},           {EEP_LEASED_KEYED, "KEYED"},
        {EEP_LEASED_REUSABLE, "REUSABLE"}, {EEP_LEASED_RECOVERABLE, "RECOVERABLE"},
        {EEP_LEASED_FOREIGN, "FOREIGN"},   {0, NULL}};
    json_add_flags(object, "flags", flags, names);
}

static json_object *labels_to_json(const eep_leased *leased)
{
    json_object *object = json_new_object();
    for (uint32_t i = 0; i < leased->label_count; i++) {
        const eep_pair *label =
            (const eep_pair *)((const char *)leased->labels + (size_t)i * leased->label_stride);
        json_add_str(object, label->name.ptr, label->value);
    }
    return object;
}

static void add_numbers(json_object *object, const eep_leased *leased)
{
    json_add_int(object, "cpu", leased->cpu);
    json_add_int(object, "memoryGiB", leased->memory_gib);
    json_add_int(object, "diskGiB", leased->disk_gib);
    json_add_int(object, "gpu", leased->gpu);
    json_add_int(object, "createdAtMs", leased->created_at_ms);
    json_add_int(object, "activeAtMs", leased->active_at_ms);
    json_add_int(object, "autoStopMinutes", leased->auto_stop_min);
    json_add_int(object, "autoArchiveMinutes", leased->auto_archive_min);
    json_add_int(object, "autoDeleteMinutes", leased->auto_delete_min);
}

json_object *leased_to_json(const eep_leased *leased)
{
    json_object *object = json_new_object();
    json_add_str(object, "lease", leased->lease);
    json_add_str(object, "name", leased->name);
    json_add_str(object, "nameHint", leased->name_hint);
    json_add_str(object, "owner", leased->owner);
    json_add_text(object, "state", lease_state_name(leased->state));
    json_add_str(object, "stateText", leased->state_text);
    json_add_str(object, "reason", leased->reason);
    leased_add_flags(object, leased->flags);
    json_add_str(object, "target", leased->target);
    json_add_str(object, "snapshot", leased->snapshot);
    json_add(object, "labels", labels_to_json(leased));
    add_numbers(object, leased);
    return object;
}

/* -- columns ----------------------------------------------------------------------------------- */

int64_t leased_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *leased_age(int64_t since_ms, int64_t now_ms, char *text, size_t size)
{
    int64_t seconds = now_ms > since_ms ? (now_ms - since_ms) / 1000 : 0;
    if (since_ms == 0)
        snprintf(text, size, "-");
    else if (seconds < 120)
        snprintf(text, size, "%llds", (long long)seconds);
    else if (seconds < 120 * 60)
        snprintf(text, size, "%lldm", (long long)seconds / 60);
    else if (seconds < 48 * 3600)
        snprintf(text, size, "%lldh", (long long)seconds / 3600);
    else
        snprintf(text, size, "%lldd", (long long)seconds / 86400);
    return text;
}

const char *leased_kind(uint32_t flags, char *text, size_t size)
{
    bool keyed = flags & EEP_LEASED_KEYED;
    bool kept = flags & EEP_LEASED_REUSABLE;
    snprintf(text, size, "%s%s%s", keyed ? "keyed" : "", keyed && kept ? " " : "",
             kept    ? "kept"
             : keyed ? ""
                     : "-");
    return text;
}
