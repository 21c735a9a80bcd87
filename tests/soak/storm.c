#include "storm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/testing.h"

enum { MAX_FAULTS = 8, RULES_MAX = 8192 };

/* `match` and `do` of a rule. Answers that the network or something on the way can give to anything, and those that
 * only one call can get. */
struct trouble {
    const char *match;
    const char *act;
};

#define CREATE  "'method':'POST','path':'/api/sandbox'"
#define LIST    "'method':'GET','path':'/api/sandbox'"
#define GET     "'method':'GET','path':'/api/sandbox/*'"
#define DELETE  "'method':'DELETE'"
#define START   "'path':'/start'"
#define STOP    "'path':'/stop'"
#define EXECUTE "'path':'/process/execute'"

static const struct trouble troubles[] = {
    {"", "'delay_ms':150"},
    {"", "'answer_delay_ms':150"},
    {"", "'drop':'before'"},
    {"", "'drop':'after_action'"},
    {"", "'drop':'after_action','reset':true"},
    {"", "'drop':'after_headers'"},
    {"", "'drop':'mid_body'"},
    {"'reused':true", "'drop':'before'"},
    {"'reused':true", "'drop':'before','reset':true"},
    {"", "'status':502"},
    {"", "'status':502,'html':true"},
    {"", "'status':503,'message':'Service is currently under maintenance'"},
    {"", "'status':504,'act':true,'html':true"},
    {"", "'status':500,'act':true,'message':'An unexpected error occurred.'"},
    {CREATE, "'drop':'after_action'"},
    {CREATE, "'answer_delay_ms':3000"},
    {CREATE, "'delay_ms':3000"},
    {CREATE, "'hold_ms':2000,'transition_ms':500"},
    {CREATE, "'transition_ms':1500"},
    {CREATE, "'stuck':true"},
    {CREATE, "'ends':{'errorReason':'no runner'}"},
    {CREATE, "'transition_ms':100,'ends':{'errorReason':'disk','recoverable':true}"},
    {CREATE, "'transition_ms':100,'ends':{'state':'build_failed','errorReason':'no image'}"},
    {CREATE, "'message':'No available runners'"},
    {CREATE, "'message':'Total CPU limit exceeded. Maximum allowed: 10.'"},
    {CREATE, "'status':429,'message':'ThrottlerException: Too Many "
             "Requests','headers':{'Retry-After-sandbox-create':'1'}"},
    {CREATE, "'status':502,'act':true"},
    {LIST, "'stale_ms':500"},
    {LIST, "'stale_requests':5"},
    {GET, "'stale_ms':200"},
    {GET, "'status':200,'html':true"},
    {GET, "'status':429,'message':'ThrottlerException: Too Many "
          "Requests','headers':{'Retry-After-authenticated':'1'}"},
    {START, "'transition_ms':800"},
    {START, "'hold_ms':1000,'transition_ms':300"},
    {START, "'stuck':true"},
    {START, "'ends':{'errorReason':'timeout','recoverable':true}"},
    {START, "'status':409,'message':'Sandbox state change in progress'"},
    {STOP, "'stuck':true"},
    {STOP, "'transition_ms':500"},
    {STOP, "'status':409,'message':'Sandbox was modified by another operation'"},
    {DELETE, "'stuck':true"},
    {DELETE, "'transition_ms':700"},
    {DELETE, "'status':502,'act':true"},
    {DELETE, "'status':409,'message':'An operation is already in progress for this resource'"},
    {EXECUTE, "'status':502"},
    {EXECUTE, "'status':502,'act':true"},
    {EXECUTE, "'drop':'after_action'"},
    {EXECUTE, "'answer_delay_ms':1500"},
    {EXECUTE, "'delay_ms':1500"},
    {EXECUTE, "'status':500,'message':'internal server error'"},
};

static const char *const blows[] = {
    "{'state':'stopped'}",
    "{'state':'stopped'}",
    "{'state':'archived'}",
    "{'state':'destroyed'}",
    "{'state':'error','errorReason':'lost its disk'}",
    "{'state':'error','errorReason':'timeout','recoverable':true}",
    "{'state':'resizing','in_ms':300,'then':'stopped'}",
    "{'state':'pulling_snapshot','in_ms':400,'then':'started'}",
    "{'state':'starting','in_ms':500,'then':'started','shown':'hibernating'}",
    "{'state':'stopping'}",
};

static void set_faults(const struct standin *standin, struct dice *dice)
{
    char rules[RULES_MAX] = "[";
    uint32_t count = dice_throw(dice, MAX_FAULTS + 1);
    for (uint32_t i = 0; i < count; i++) {
        const struct trouble *one = &troubles[dice_throw(dice, (uint32_t)COUNT_OF(troubles))];
        size_t len = strlen(rules);
        snprintf(rules + len, sizeof rules - len, "%s{'match':{%s%s'chance':%u,'seed':%u},'do':{%s}}",
                 i > 0 ? "," : "", one->match, *one->match != '\0' ? "," : "", 5 + dice_throw(dice, 50),
                 dice_throw(dice, 1000), one->act);
    }
    strcat(rules, "]");
    standin_faults(standin, rules);
}

static void set_throttlers(const struct standin *standin, struct dice *dice)
{
    const char *limits = dice_percent(dice, 10) ? "{'sandbox-create':{'limit':2,'ttl_ms':500},"
                                                  "'sandbox-lifecycle':{'limit':10,'ttl_ms':300},"
                                                  "'authenticated':{'limit':50,'ttl_ms':300}}"
                                                : "{}";
    json_object_put(standin_control(standin, "PUT", "/_standin/throttlers", limits));
}

static const char *text_of(json_object *object, const char *key)
{
    return json_object_get_string(json_object_object_get(object, key));
}

static void force(const struct standin *standin, json_object *sandbox, const char *state)
{
    char path[128];
    snprintf(path, sizeof path, "/_standin/sandboxes/%s", text_of(sandbox, "id"));
    json_object_put(
        standin_control(standin, "PUT", path, state)); /* it may be gone by now: that is no answer */
}

static void strike(const struct standin *standin, struct dice *dice)
{
    json_object *all = standin_control(standin, "GET", "/_standin/sandboxes", "");
    json_object *list = json_object_object_get(all, "sandboxes");
    uint32_t count = (uint32_t)json_object_array_length(list);
    const char *blow = blows[dice_throw(dice, (uint32_t)COUNT_OF(blows))];
    if (count > 0) force(standin, json_object_array_get_idx(list, dice_throw(dice, count)), blow);
    json_object_put(all);
}

void storm_turn(const struct standin *standin, struct dice *dice)
{
    set_faults(standin, dice);
    set_throttlers(standin, dice);
    if (dice_percent(dice, 30)) strike(standin, dice);
}

static bool is_at_rest(const char *state)
{
    static const char *const rest[] = {"started", "stopped", "archived", "error", "build_failed", "paused"};
    for (size_t i = 0; i < COUNT_OF(rest); i++)
        if (strcmp(rest[i], state) == 0) return true;
    return false;
}

/* How many are not at rest; those that were on their way to their end are helped there. */
static int settle(const struct standin *standin, bool by_force)
{
    json_object *all = standin_control(standin, "GET", "/_standin/sandboxes", "");
    json_object *list = json_object_object_get(all, "sandboxes");
    int moving = 0;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *sandbox = json_object_array_get_idx(list, i);
        bool ends = strncmp(text_of(sandbox, "name"), "DESTROYED_", 10) == 0;
        if (is_at_rest(text_of(sandbox, "state")) && !ends) continue;
        moving++;
        if (by_force) force(standin, sandbox, ends ? "{'state':'destroyed'}" : "{'state':'stopped'}");
    }
    json_object_put(all);
    return moving;
}

void storm_end(const struct standin *standin)
{
    enum { PATIENCE_MS = 4000 };
    standin_faults(standin, NULL);
    json_object_put(standin_control(standin, "PUT", "/_standin/throttlers", "{}"));
    for (long until = now_ms() + PATIENCE_MS; now_ms() < until && settle(standin, false) > 0;)
        nap();
    settle(standin, true);
    AWAIT(settle(standin, false) == 0);
}
