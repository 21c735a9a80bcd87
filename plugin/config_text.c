#include "config_text.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"
#include "config_url.h"

static bool is_plain(eep_str text)
{
    return str_is_utf8(text) && !str_has_control(text);
}

int text_token(struct findings *findings, const struct place *place, eep_str *text)
{
    if (str_is_graph(*text)) return EEP_OK;
    return finding_add(findings, FOUND_BAD_CHARACTER, place, "must be printable ASCII without blanks");
}

int text_plain(struct findings *findings, const struct place *place, eep_str *text)
{
    if (is_plain(*text)) return EEP_OK;
    return finding_add(findings, FOUND_BAD_CHARACTER, place, "must be UTF-8 without control characters");
}

int text_without_nul(struct findings *findings, const struct place *place, eep_str *text)
{
    if (!str_has_byte(*text, '\0')) return EEP_OK;
    return finding_add(findings, FOUND_BAD_CHARACTER, place, "must not hold NUL characters");
}

int text_env_name(struct findings *findings, const struct place *place, eep_str *text)
{
    if (str_is_env_name(*text)) return EEP_OK;
    return finding_add(findings, FOUND_BAD_ENV_NAME, place, "is no name of an environment variable");
}

int text_label_name(struct findings *findings, const struct place *place, eep_str *text)
{
    if (text->len == 0) return finding_add(findings, FOUND_BLANK, place, "must not be empty");
    if (str_has_prefix(*text, "eep."))
        return finding_add(findings, FOUND_RESERVED_LABEL, place,
                           "is a label that the plugin sets itself (eep.*)");
    if (str_is(*text, "code-toolbox-language")) /* protocol 4.1: the SDKs read it */
        return finding_add_hint(findings, FOUND_RESERVED_LABEL, place, "set language instead",
                                "is a label that the plugin sets itself");
    return text_plain(findings, place, text);
}

int text_image(struct findings *findings, const struct place *place, eep_str *text)
{
    bool option = str_has_prefix(*text, "-"); /* FROM takes options: FROM --platform=… */
    if (str_is_graph(*text) && !option && !str_has_byte(*text, '\\')) return EEP_OK;
    return finding_add(findings, FOUND_BAD_IMAGE, place,
                       "must be an image reference: printable ASCII without blanks");
}

int text_language(struct findings *findings, const struct place *place, eep_str *text)
{
    bool known = str_is(*text, "python") || str_is(*text, "typescript") || str_is(*text, "javascript");
    if (!known && is_plain(*text))
        return finding_add(findings, FOUND_UNKNOWN_LANGUAGE, place, "is not a language that Daytona knows");
    return text_plain(findings, place, text);
}

int text_runner(struct findings *findings, const struct place *place, eep_str *text)
{
    if (str_is(*text, "auto") || str_is(*text, "sh") || str_is(*text, "native")) return EEP_OK;
    return finding_add(findings, FOUND_UNKNOWN_RUNNER, place, "must be auto, sh or native");
}

/* -- Paths ------------------------------------------------------------------------------------- */

static void cut_slashes(eep_str *text, size_t shortest)
{
    while (text->len > shortest && text->ptr[text->len - 1] == '/')
        text->len--;
}

int text_absolute_path(struct findings *findings, const struct place *place, eep_str *text)
{
    TRY(text_plain(findings, place, text));
    bool good = str_has_prefix(*text, "/") && !str_climbs(*text);
    cut_slashes(text, 1);
    return good ? EEP_OK
                : finding_add(findings, FOUND_BAD_PATH, place, "must be an absolute path without ..");
}

int text_relative_path(struct findings *findings, const struct place *place, eep_str *text)
{
    TRY(text_plain(findings, place, text));
    bool good = !str_has_prefix(*text, "/") && !str_climbs(*text);
    cut_slashes(text, 0);
    if (good) return EEP_OK;
    return finding_add_hint(findings, FOUND_BAD_PATH, place,
                            "write the path without a slash at its begin and without ..",
                            "must be a relative path without ..");
}

/* -- Places in the network --------------------------------------------------------------------- */

static int warn_about_api_url(struct findings *findings, const struct place *place, const struct url *url)
{
    if (str_is(url->scheme, "http") && !url_host_is_loopback(url->host))
        TRY(finding_add(findings, FOUND_INSECURE_URL, place, "sends the credentials unencrypted"));
    if (url->path.len == 0) TRY(finding_add(findings, FOUND_URL_WITHOUT_PATH, place, "has no path"));
    return EEP_OK;
}

/* What is wrong with the URL of an API, or NULL. */
static const char *api_url_fault(eep_str text, struct url *url)
{
    if (!url_split(text, url)) return "must be a valid URL";
    if (!str_is(url->scheme, "http") && !str_is(url->scheme, "https"))
        return "must begin with https:// or http://";
    if (url->userinfo.ptr) return "must not hold a user name or password";
    if (url->query.ptr || url->fragment.ptr) return "must not have a query (?) or a fragment (#)";
    return NULL;
}

int text_api_url(struct findings *findings, const struct place *place, eep_str *text)
{
    struct url url;
    cut_slashes(text, 1);
    const char *fault = api_url_fault(*text, &url);
    if (fault) return finding_add(findings, FOUND_BAD_URL, place, "%s", fault);
    return warn_about_api_url(findings, place, &url);
}

static bool is_proxy_scheme(eep_str scheme)
{
    static const char *const known[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (str_is(scheme, known[i])) return true;
    return false;
}

int text_proxy(struct findings *findings, const struct place *place, eep_str *text)
{
    struct url url;
    cut_slashes(text, 1);
    bool good = str_contains(*text, "://") ? url_split(*text, &url) && is_proxy_scheme(url.scheme)
                                           : url_split_authority(*text, &url);
    if (good && url.path.len == 0 && !url.query.ptr && !url.fragment.ptr) return EEP_OK;
    return finding_add(findings, FOUND_BAD_PROXY, place, "must be the URL of an http or socks proxy");
}

int text_cidr(struct findings *findings, const struct place *place, eep_str *text)
{
    eep_str bits;
    char address[INET_ADDRSTRLEN];
    struct in_addr unused;
    unsigned long long prefix;
    eep_str host = str_split(*text, '/', &bits);
    str_copy(address, sizeof address, host);
    if (host.len < sizeof address && str_to_u64(bits, 32, &prefix) &&
        inet_pton(AF_INET, address, &unused) == 1)
        return EEP_OK;
    return finding_add(findings, FOUND_BAD_CIDR, place, "must be an IPv4 network in CIDR form");
}

int text_host_pattern(struct findings *findings, const struct place *place, eep_str *text)
{
    eep_str host = *text;
    if (str_has_prefix(host, "*.")) host = (eep_str){host.ptr + 2, host.len - 2};
    bool literal = host.len < text->len && str_has_prefix(host, "[");
    if (url_is_host(host) && !literal) return EEP_OK;
    return finding_add(findings, FOUND_BAD_HOST, place, "must be a host name or *. and a domain");
}
