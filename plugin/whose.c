#include "whose.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "daytona/account.h"

static bool known(eep_env *env, char *out, size_t cap)
{
    if (!str_empty(env->config->organization_id)) {
        str_copy(out, cap, env->config->organization_id);
        return true;
    }
    pthread_mutex_lock(&env->lock);
    str_copy(out, cap, str_from(env->organization));
    pthread_mutex_unlock(&env->lock);
    return out[0] != '\0';
}

/* Any sandbox that this key sees tells the organization. */
static void ask_list(struct op *op)
{
    CLEANUP(json_finish) json *answer = NULL;
    struct err unused = ERR_INIT;
    if (account_list_one(&op->env->client, &op->wait, &answer, &unused) != EEP_OK) return;
    env_note_organization(op->env,
                          json_str(json_get(json_at(json_get(answer, "items"), 0), "organizationId")));
}

static void add(struct err *err, const char *format, const char *name)
{
    size_t len = strlen(err->message);
    snprintf(err->message + len, sizeof err->message - len, format, name);
}

/* A key without any sandbox: at least its name, which its owner chose. */
static void tell_key(struct op *op, struct err *err)
{
    CLEANUP(json_finish) json *answer = NULL;
    struct err unused = ERR_INIT;
    char name[64];
    if (account_key(&op->env->client, &op->wait, &answer, &unused) != EEP_OK) return;
    str_copy(name, sizeof name, json_str(json_get(answer, "name")));
    if (str_is_print(str_from(name)) && name[0]) add(err, " (this is the key \"%s\")", name);
}

void whose_key(struct op *op, struct err *err)
{
    char organization[64];
    if (!known(op->env, organization, sizeof organization)) ask_list(op);
    if (known(op->env, organization, sizeof organization) && str_is_print(str_from(organization)))
        add(err, " (these credentials are of organization %s)", organization);
    else
        tell_key(op, err);
}
