#include "daytona/wire.h"

#include <string.h>

#include "base/str.h"

static bool is_alnum(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool wire_is_id(eep_str id)
{
    if (id.len == 0 || id.len > EEP_LEASE_MAX || !is_alnum(id.ptr[0])) return false;
    for (size_t i = 1; i < id.len; i++)
        if (!is_alnum(id.ptr[i]) && id.ptr[i] != '_' && id.ptr[i] != '.' && id.ptr[i] != '-') return false;
    return true;
}

bool wire_is_our_name(eep_str id)
{
    if (id.len != 4 + 32 || !str_has_prefix(id, "eep-")) return false;
    for (size_t i = 4; i < id.len; i++)
        if (!(id.ptr[i] >= '0' && id.ptr[i] <= '9') && !(id.ptr[i] >= 'a' && id.ptr[i] <= 'f')) return false;
    return true;
}

int wire_check_id(eep_str id, struct err *err)
{
    if (wire_is_id(id)) return EEP_OK;
    return err_set(err, EEP_E_INVALID_ARGUMENT,
                   "this is no lease of this plugin: a lease is 1 to %u characters of A-Z a-z 0-9 _ . -, and "
                   "begins with a letter or digit",
                   EEP_LEASE_MAX);
}

static eep_str skip(eep_str text, size_t n)
{
    return (eep_str){text.ptr + n, text.len - n};
}

static bool is_port(eep_str port)
{
    unsigned long long number = 0;
    return str_to_u64(port, 65535, &number) && number > 0;
}

/* What libcurl takes as it stands: it would decode "%2e" behind our back. */
static bool is_host(eep_str host, const char *others)
{
    for (size_t i = 0; i < host.len; i++)
        if (!is_alnum(host.ptr[i]) && !strchr(others, host.ptr[i])) return false;
    return host.len > 0;
}

/* "host", "host:80", "[::1]:80" */
static bool split_authority(eep_str authority, eep_str *host)
{
    eep_str port = {NULL, 0};
    if (str_has_prefix(authority, "[")) {
        eep_str rest;
        *host = str_split(skip(authority, 1), ']', &rest);
        if (!rest.ptr || (rest.len > 0 && rest.ptr[0] != ':')) return false;
        if (rest.len > 0) port = skip(rest, 1);
        if (!is_host(*host, ":.")) return false;
        *host = (eep_str){authority.ptr, host->len + 2};
    } else {
        *host = str_split(authority, ':', &port);
        if (!is_host(*host, "-._")) return false;
    }
    return !port.ptr || is_port(port);
}

bool wire_parse_url(eep_str text, struct wire_url *out)
{
    *out = (struct wire_url){.https = str_has_prefix(text, "https://")};
    if (!out->https && !str_has_prefix(text, "http://")) return false;
    if (!str_is_graph(text) || str_has_byte(text, '?') || str_has_byte(text, '#') || str_has_byte(text, '\\'))
        return false;
    eep_str rest = skip(text, out->https ? 8 : 7);
    eep_str path;
    out->authority = str_split(rest, '/', &path);
    out->path = path.ptr ? (eep_str){path.ptr - 1, path.len + 1} : (eep_str){rest.ptr + rest.len, 0};
    return !str_has_byte(out->authority, '@') && split_authority(out->authority, &out->host);
}
