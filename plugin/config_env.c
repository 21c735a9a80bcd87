#include "config_env.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* The variable's text without blanks around; absent when it is not set or blank. */
static eep_str variable(const char *name)
{
    eep_str text = str_trim(str_from(getenv(name)));
    return text.len > 0 ? text : (eep_str){NULL, 0};
}

/* Takes the first of the variables that is set for a key that is not. *taken tells which, or NULL. */
static int take(struct load *load, const char *name, const char *const *variables, const char **taken)
{
    static const struct place document = {.parent = NULL};
    const struct key *key = key_find(&config_keys, str_from(name));
    const eep_str *present = (const eep_str *)(const void *)((const char *)load->config + key->offset);
    *taken = NULL;
    for (; !present->ptr && *variables && !*taken; variables++)
        if (variable(*variables).ptr) *taken = *variables;
    if (!*taken) return EEP_OK;
    struct place place = {.parent = &document, .step = str_from(name), .variable = *taken};
    return read_text(load, key, &place, variable(*taken), load->config);
}

static int take_one(struct load *load, const char *name, const char *from)
{
    const char *taken;
    return take(load, name, (const char *const[]){from, NULL}, &taken);
}

/* Protocol 2.2: an explicit credential wins over both variables, and the API key over the JWT. */
static int take_credentials(struct load *load)
{
    struct config *config = load->config;
    if (!config->api_key.ptr && !config->jwt_token.ptr) {
        TRY(take_one(load, "apiKey", "DAYTONA_API_KEY"));
        if (!config->api_key.ptr) TRY(take_one(load, "jwtToken", "DAYTONA_JWT_TOKEN"));
    }
    return config->jwt_token.ptr ? take_one(load, "organizationId", "DAYTONA_ORGANIZATION_ID") : EEP_OK;
}

static int take_api_url(struct load *load)
{
    static const char *const variables[] = {"DAYTONA_API_URL", "DAYTONA_SERVER_URL", NULL};
    static const struct place document = {.parent = NULL};
    const char *taken;
    TRY(take(load, "apiUrl", variables, &taken));
    if (!taken || strcmp(taken, variables[0]) == 0) return EEP_OK;
    struct place place = {.parent = &document, .step = STR("apiUrl")};
    return finding_add(load->findings, FOUND_DEPRECATED_VARIABLE, &place, "was taken from %s, an old name",
                       taken);
}

/* As curl does: lower case first, and never HTTP_PROXY, which a CGI server takes from a request's header. */
static int take_proxy(struct load *load)
{
    static const char *const for_https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
    static const char *const for_http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const exempt[] = {"no_proxy", "NO_PROXY", NULL};
    const char *taken;
    bool http = str_has_prefix(load->config->api_url, "http://");
    TRY(take(load, "proxy", http ? for_http : for_https, &taken));
    return take(load, "noProxy", exempt, &taken);
}

int config_read_environment(struct load *load)
{
    if (!load->config->trust_env) return EEP_OK;
    TRY(take_credentials(load));
    TRY(take_api_url(load));
    TRY(take_one(load, "target", "DAYTONA_TARGET"));
    TRY(take_proxy(load));
    return take_one(load, "caFile", "SSL_CERT_FILE");
}
