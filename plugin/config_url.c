#include "config_url.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"

#define HOST_MAX 253 /* RFC 1035: 255 bytes on the wire */

static bool is_alnum(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Not empty, and nothing but letters, digits and `others`. */
static bool is_made_of(eep_str text, const char *others)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_alnum(text.ptr[i]) && (text.ptr[i] == '\0' || !strchr(others, text.ptr[i]))) return false;
    return text.len > 0;
}

static bool is_ipv6_literal(eep_str host)
{
    char address[INET6_ADDRSTRLEN + 2];
    struct in6_addr unused;
    if (host.len < 4 || host.len >= sizeof address || host.ptr[0] != '[' || host.ptr[host.len - 1] != ']')
        return false;
    str_copy(address, sizeof address, (eep_str){host.ptr + 1, host.len - 2});
    return inet_pton(AF_INET6, address, &unused) == 1;
}

bool url_is_host(eep_str host)
{
    if (host.len == 0 || host.len > HOST_MAX) return false;
    if (host.ptr[0] == '[') return is_ipv6_literal(host);
    for (eep_str rest = host; rest.ptr;)
        if (!is_made_of(str_split(rest, '.', &rest), "-_")) return false;
    return true;
}

bool url_host_is_loopback(eep_str host)
{
    char text[HOST_MAX + 1];
    struct in_addr address;
    if (host.len > HOST_MAX) return false;
    str_copy(text, sizeof text, host);
    if (strcmp(text, "[::1]") == 0 || strcasecmp(text, "localhost") == 0) return true;
    if (host.len > strlen(".localhost") &&
        strcasecmp(text + host.len - strlen(".localhost"), ".localhost") == 0)
        return true;
    return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

/* Takes the part behind the first `sep` off the end of text. */
static eep_str cut_behind(eep_str *text, char sep)
{
    eep_str rest;
    *text = str_split(*text, sep, &rest);
    return rest;
}

/* user:password@ : the last @ counts, as passwords may hold one. */
static void split_userinfo(eep_str *authority, struct url *out)
{
    const char *at = !str_empty(*authority) ? memrchr(authority->ptr, '@', authority->len) : NULL;
    if (!at) return;
    size_t len = (size_t)(at - authority->ptr);
    out->userinfo = (eep_str){authority->ptr, len};
    *authority = (eep_str){at + 1, authority->len - len - 1};
}

static bool split_port(eep_str authority, struct url *out)
{
    unsigned long long port;
    const char *bracket =
        authority.len > 0 && authority.ptr[0] == '[' ? memchr(authority.ptr, ']', authority.len) : NULL;
    size_t skip = bracket ? (size_t)(bracket - authority.ptr) : 0;
    eep_str tail = {authority.ptr + skip, authority.len - skip};
    out->port = cut_behind(&tail, ':');
    out->host = (eep_str){authority.ptr, skip + tail.len};
    return !out->port.ptr || (str_to_u64(out->port, 65535, &port) && port > 0);
}

static bool is_path(eep_str path)
{
    return path.len == 0 || is_made_of(path, "/-._~%!$&'()*+,;=:@");
}

bool url_split_authority(eep_str text, struct url *out)
{
    *out = (struct url){.scheme = {NULL, 0}};
    if (!str_is_graph(text)) return false;
    out->fragment = cut_behind(&text, '#');
    out->query = cut_behind(&text, '?');
    eep_str authority = text;
    eep_str path = cut_behind(&authority, '/');
    out->path = path.ptr ? (eep_str){path.ptr - 1, path.len + 1} : (eep_str){"", 0};
    split_userinfo(&authority, out);
    return split_port(authority, out) && url_is_host(out->host) && is_path(out->path);
}

bool url_split(eep_str text, struct url *out)
{
    const char *colon = text.len > 0 ? memmem(text.ptr, text.len, "://", 3) : NULL;
    *out = (struct url){.scheme = {NULL, 0}};
    if (!colon) return false;
    eep_str scheme = {text.ptr, (size_t)(colon - text.ptr)};
    size_t skip = scheme.len + strlen("://");
    bool good = url_split_authority((eep_str){text.ptr + skip, text.len - skip}, out);
    out->scheme = scheme;
    return good && is_made_of(scheme, "+-.");
}
