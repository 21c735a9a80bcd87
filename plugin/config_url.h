/* config_url.h: URLs as the configuration takes them: split and checked, never changed. Pure functions on
 * views. */
#ifndef CONFIG_URL_H
#define CONFIG_URL_H

#include <stdbool.h>

#include "eep.h"

/* Views into the text; absent parts have ptr NULL. */
struct url {
    eep_str scheme;   /* as written */
    eep_str userinfo; /* before the @ */
    eep_str host;     /* [..] around IPv6 */
    eep_str port;     /* 1 to 65535 */
    eep_str path;     /* "" or from its slash */
    eep_str query;    /* behind the ? */
    eep_str fragment; /* behind the # */
};

/* false: not scheme://host, or characters that do not belong into a URL. */
bool url_split(eep_str text, struct url *out);

/* As url_split for a text without scheme: host:port. */
bool url_split_authority(eep_str text, struct url *out);

/* A host name (at most 253 letters, digits, - and _ with dots between), an IPv4 address, or IPv6 in brackets.
 */
bool url_is_host(eep_str host);

/* localhost, *.localhost, 127.0.0.0/8 or [::1]: nothing leaves the machine. */
bool url_host_is_loopback(eep_str host);

#endif
